/* test_fields.c - what a client sends, judged by a table */
#include <stdio.h>
#include <string.h>

#include "almanac/fields.h"
#include "story.h"

static const char *const matches[] = {"within", "starts", "overlaps", NULL};

static int open_arena(void **state)
{
	*state = arena_create();
	return 0;
}

static int close_arena(void **state)
{
	arena_destroy(*state);
	return 0;
}

/* One value of one field; its first fault, or NULL. */
struct verdict {
	struct field_value value;
	struct field_faults faults;
};

static const char *judge(struct arena *arena, const struct field *field, const char *query,
			 const char *body, struct verdict *verdict)
{
	const struct field table[] = {*field, {0}};
	struct field_pair pair = {span_of(field->name), span_of(query)};
	struct field_input input = {.query = &pair, .query_count = query ? 1 : 0};
	const char *complaint = NULL;
	bool is_good;

	if (body) {
		input.body = json_parse(arena, span_of(body), &complaint);
		input.body_text = span_of(body);
		assert_non_null(input.body);
	}
	is_good = fields_read(arena, table, &input, &verdict->value, &verdict->faults);
	assert_int_equal(is_good, verdict->faults.count == 0);
	if (is_good)
		return NULL;
	assert_int_equal(verdict->faults.count, 1);
	assert_false(verdict->value.is_given);
	assert_null(verdict->value.text);
	return verdict->faults.items[0].rule;
}

static void assert_taken(void **state, const struct field *field, const char *text,
			 const char *canonical, int64_t number)
{
	struct verdict verdict;

	if (judge(*state, field, text, NULL, &verdict))
		fail_msg("refused: \"%s\": %s", text, verdict.faults.items[0].message);
	assert_true(verdict.value.is_given);
	assert_string_equal(verdict.value.text, canonical);
	assert_int_equal(verdict.value.length, strlen(canonical));
	assert_int_equal(verdict.value.number, number);
}

static void assert_refused(void **state, const struct field *field, const char *text,
			   const char *rule, const char *message)
{
	struct verdict verdict;
	const char *found = judge(*state, field, text, NULL, &verdict);

	if (!found)
		fail_msg("taken: \"%s\"", text);
	assert_string_equal(found, rule);
	assert_string_equal(verdict.faults.items[0].message, message);
	assert_string_equal(verdict.faults.items[0].value, text);
	assert_string_equal(verdict.faults.items[0].field, field->name);
}

static void assert_body(void **state, const struct field *field, const char *body,
			const char *canonical)
{
	struct verdict verdict;

	if (judge(*state, field, NULL, body, &verdict))
		fail_msg("refused: %s: %s", body, verdict.faults.items[0].message);
	assert_string_equal(verdict.value.text, canonical);
}

static void assert_body_refused(void **state, const struct field *field, const char *body,
				const char *rule, const char *message, const char *value)
{
	struct verdict verdict;
	const char *found = judge(*state, field, NULL, body, &verdict);

	if (!found)
		fail_msg("taken: %s", body);
	assert_string_equal(found, rule);
	assert_string_equal(verdict.faults.items[0].message, message);
	assert_string_equal(verdict.faults.items[0].value, value);
}

static void integers(void **state)
{
	const struct field page = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_INTEGER, .min = 1, .max = 100};
	const struct field limit = {.name = "a",
				    .place = FIELD_IN_QUERY,
				    .kind = FIELD_INTEGER,
				    .is_lowered = true,
				    .max = 500};
	const struct field any = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_INTEGER};
	const struct field from = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_INTEGER, .min = 5};
	const struct field body = {
		.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_INTEGER, .min = 0, .max = 59};
	const char *message = "must be a whole number from 1 to 100";

	assert_taken(state, &page, "1", "1", 1);
	assert_taken(state, &page, "0100", "100", 100);
	assert_refused(state, &page, "0", "minimum", message);
	assert_refused(state, &page, "-5", "minimum", message);
	assert_refused(state, &page, "101", "maximum", message);
	assert_refused(state, &page, "99999999999999999999", "maximum", message);
	assert_refused(state, &page, "18446744073709551617", "maximum", message);
	assert_refused(state, &page, "+5", "format", message);
	assert_refused(state, &page, "5.0", "format", message);
	assert_refused(state, &page, "5 ", "format", message);
	assert_refused(state, &page, "abc", "format", message);
	assert_taken(state, &limit, "501", "500", 500);
	assert_refused(state, &limit, "-1", "minimum", "must be a whole number from 0 to 500");
	assert_taken(state, &limit, "99999999999999999999", "500", 500);
	assert_refused(state, &limit, "-99999999999999999999", "minimum",
		       "must be a whole number from 0 to 500");
	assert_taken(state, &any, "-9223372036854775808", "-9223372036854775808", INT64_MIN);
	assert_refused(state, &any, "x", "format", "must be a whole number");
	assert_refused(state, &any, "9223372036854775808", "maximum",
		       "must be a whole number that fits 64 bits");
	assert_taken(state, &from, "9223372036854775807", "9223372036854775807", INT64_MAX);
	assert_refused(state, &from, "4", "minimum", "must be a whole number, at least 5");
	assert_body(state, &body, "{\"a\":59}", "59");
	assert_body(state, &body, "{\"a\":59.0}", "59");
	assert_body(state, &body, "{\"a\":5.9e1}", "59");
	assert_body(state, &body, "{\"a\":-0.0}", "0");
	assert_body_refused(state, &body, "{\"a\":1e300}", "maximum",
			    "must be a whole number from 0 to 59", "1e300");
	assert_body_refused(state, &body, "{\"a\":-1e300}", "minimum",
			    "must be a whole number from 0 to 59", "-1e300");
	assert_body_refused(state, &body, "{\"a\":60.0}", "maximum",
			    "must be a whole number from 0 to 59", "60.0");
	assert_body_refused(state, &body, "{\"a\":60}", "maximum",
			    "must be a whole number from 0 to 59", "60");
	assert_body_refused(state, &body, "{\"a\":\"5\"}", "type",
			    "must be a whole number, not a string", "5");
	assert_body_refused(state, &body, "{\"a\":1.5}", "type",
			    "must be a whole number, not a decimal number", "1.5");
	assert_body_refused(state, &body, "{\"a\":[1, 2]}", "type",
			    "must be a whole number, not an array", "[1,2]");
}

static void texts(void **state)
{
	const struct field name = {
		.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_TEXT, .min = 1, .max = 4};
	const struct field query = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_TEXT, .max = 200};

	assert_body(state, &name, "{\"a\":\"\\u00e9\\u00e9\"}", "\xc3\xa9\xc3\xa9");
	assert_body_refused(state, &name, "{\"a\":\"\"}", "length",
			    "must be from 1 to 4 bytes long", "");
	assert_body_refused(state, &name, "{\"a\":\"abcde\"}", "length",
			    "must be from 1 to 4 bytes long", "abcde");
	assert_body_refused(state, &name, "{\"a\":5}", "type", "must be a string, not a number",
			    "5");
	assert_body_refused(state, &name, "{\"a\":true}", "type", "must be a string, not a boolean",
			    "true");
	assert_body_refused(state, &name, "{\"a\":null}", "type", "must not be null", "null");
	assert_taken(state, &query, " x ", " x ", 0);
	assert_refused(state, &query, "\xff", "format", "must be valid UTF-8 text without NUL");
}

static void long_texts(void **state)
{
	const struct field query = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_TEXT, .max = 200};
	char text[202];

	memset(text, 'x', sizeof(text));
	text[200] = '\0';
	assert_taken(state, &query, text, text, 0);
	text[200] = 'x';
	text[201] = '\0';
	assert_refused(state, &query, text, "length", "must be at most 200 bytes long");
}

static void decimals(void **state)
{
	const struct field price = {.name = "a",
				    .place = FIELD_IN_QUERY,
				    .kind = FIELD_DECIMAL,
				    .max = 1000 * INT64_C(1000000)};
	const struct field body = {.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_DECIMAL};
	struct verdict verdict;

	assert_taken(state, &price, "019.9990", "19.999", 19999000);
	assert_refused(state, &price, "1000.000001", "maximum",
		       "must be a decimal number from 0 to 1000");
	assert_string_equal(judge(*state, &price, "-1", NULL, &verdict), "format");
	assert_string_equal(judge(*state, &price, "1e3", NULL, &verdict), "format");
	assert_string_equal(judge(*state, &price, "1,5", NULL, &verdict), "format");
	assert_body(state, &body, "{\"a\":15}", "15");
	assert_body(state, &body, "{\"a\":19.999}", "19.999");
	assert_body(state, &body, "{\"a\":0.1}", "0.1");
	assert_body(state, &body, "{\"a\":1e2}", "100");
	assert_body(state, &body, "{\"a\":99999999.99}", "99999999.99");
	assert_body(state, &body, "{\"a\":10000000000.1234}", "10000000000.1234");
	assert_body(state, &body, "{\"a\":\"10000000000.123456\"}", "10000000000.123456");
	assert_string_equal(judge(*state, &body, NULL, "{\"a\":10000000000.123456}", &verdict),
			    "format");
	assert_string_equal(judge(*state, &body, NULL, "{\"a\":0.1234567}", &verdict), "format");
	assert_string_equal(judge(*state, &body, NULL, "{\"a\":-1}", &verdict), "format");
	assert_string_equal(judge(*state, &body, NULL, "{\"a\":-0.5}", &verdict), "format");
	assert_string_equal(judge(*state, &body, NULL, "{\"a\":1e300}", &verdict), "format");
	assert_string_equal(judge(*state, &body, NULL, "{\"a\":9007199254740993}", &verdict),
			    "format");
	assert_body_refused(state, &body, "{\"a\":false}", "type",
			    "must be a number or a string, not a boolean", "false");
}

static void flags(void **state)
{
	const struct field query = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_FLAG};
	const struct field body = {.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_FLAG};

	assert_taken(state, &query, "true", "true", 1);
	assert_taken(state, &query, "1", "true", 1);
	assert_taken(state, &query, "false", "false", 0);
	assert_taken(state, &query, "0", "false", 0);
	assert_refused(state, &query, "TRUE", "format", "must be true or false");
	assert_refused(state, &query, "yes", "format", "must be true or false");
	assert_body(state, &body, "{\"a\":true}", "true");
	assert_body(state, &body, "{\"a\":false}", "false");
	assert_body_refused(state, &body, "{\"a\":1}", "type",
			    "must be true or false, not a number", "1");
	assert_body_refused(state, &body, "{\"a\":\"true\"}", "type",
			    "must be true or false, not a string", "true");
}

static void words(void **state)
{
	const struct field match = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_CHOICE, .choices = matches};
	const struct field id = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_UUID};
	const struct field cursor = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_CURSOR};

	assert_taken(state, &match, "within", "within", 0);
	assert_taken(state, &match, "overlaps", "overlaps", 2);
	assert_refused(state, &match, "Within", "choice",
		       "must be one of: within, starts, overlaps");
	assert_taken(state, &id, "F81D4FAE-7dec-11D0-A765-00A0C91E6BF6",
		     "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 0);
	assert_refused(state, &id, "f81d4fae7dec11d0a76500a0c91e6bf6", "format", "must be a UUID");
	assert_refused(state, &id, "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "format",
		       "must be a UUID");
	assert_taken(state, &cursor, "Zm9v", "Zm9v", 0);
	assert_refused(state, &cursor, "Zm9", "format", "must be a cursor from an earlier answer");
	assert_refused(state, &cursor, "a b", "format", "must be a cursor from an earlier answer");
}

static void moments(void **state)
{
	const struct field at = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_MOMENT};
	const char *message =
		"must be a date or date-time (RFC 3339), for example 2026-02-01T20:00:00Z";
	struct verdict verdict;

	assert_taken(state, &at, "2026-02-01T22:00:00.123456+02:00", "2026-02-01T20:00:00.123456Z",
		     INT64_C(1769976000123456));
	assert_taken(state, &at, "1969-12-31", "1969-12-31T00:00:00.000000Z",
		     INT64_C(-86400000000));
	assert_taken(state, &at, "0001-01-01", "0001-01-01T00:00:00.000000Z",
		     INT64_C(-62135596800000000));
	assert_refused(state, &at, "2026-06-31", "format", message);
	assert_refused(state, &at, "now", "format", message);
	assert_refused(state, &at, "0001-01-01T00:00:00+01:00", "format", message);
	assert_null(judge(*state, &at, "2026-02-01T22:00:00+02:00", NULL, &verdict));
	assert_int_equal(verdict.value.moment.hour, 22);
	assert_int_equal(verdict.value.moment.offset_minutes, 120);
}

static void urls(void **state)
{
	static const char *const good[] = {
		"http://a",         "HTTPS://Example.com/", "http://receiver:8080/hook?x=1&y=%20",
		"http://127.0.0.1", "http://[::1]:65535/",  "http://a?b",
		"http://a_b/@c:d",
	};
	static const char *const bad[] = {
		"http://",
		"http:///x",
		"http:a",
		"ftp://a",
		"file:///etc/passwd",
		"//a",
		"a",
		"javascript:alert(1)",
		"http://u@a",
		"http://u:p@a/",
		"http://a#f",
		"http://a/#",
		"http://a b",
		"http://a/\tb",
		" http://a",
		"http://a\n",
		"http://:80",
		"http://a:",
		"http://a:0",
		"http://a:65536",
		"http://a:080000",
		"http://a:-1",
		"http://a:8o",
		"http://[::1",
		"http://[]",
		"http://[g]",
		"http://a[b]",
		"http://a\\b",
		"http://a%2eb/",
		"http://a\xc3\xb1o/",
		"http://a/\xc3\xb1",
		"internal:demo",
		"internal://demo",
		"http://?a",
		"http://a:80:80",
	};
	const struct field url = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_URL};
	char text[2050];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_taken(state, &url, good[i], good[i], 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(state, &url, bad[i], "format",
			       "must be an http or https URL with a host");
	memset(text, 'x', sizeof(text));
	memcpy(text, "http://a/", 9);
	text[2048] = '\0';
	assert_taken(state, &url, text, text, 0);
	text[2048] = 'x';
	text[2049] = '\0';
	assert_refused(state, &url, text, "format", "must be an http or https URL with a host");
}

static void keys(void **state)
{
	const struct field key = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_KEY, .min = 1, .max = 8};
	const struct field header = {
		.name = "a", .place = FIELD_IN_HEADER, .kind = FIELD_KEY, .min = 1, .max = 8};
	const struct field table[] = {header, {0}};
	const struct field_pair empty = {SPAN("a"), SPAN("")};
	const struct field_input input = {.headers = &empty, .header_count = 1};
	struct field_faults faults;
	struct field_value value;

	assert_taken(state, &key, "~!\"{a}", "~!\"{a}", 0);
	assert_refused(state, &key, "a b", "format", "must be visible ASCII without spaces");
	assert_refused(state, &key, "a\t", "format", "must be visible ASCII without spaces");
	assert_refused(state, &key, "a\x7f", "format", "must be visible ASCII without spaces");
	assert_refused(state, &key, "\xc3\xa9", "format", "must be visible ASCII without spaces");
	assert_refused(state, &key, "123456789", "length", "must be from 1 to 8 bytes long");
	assert_false(fields_read(*state, table, &input, &value, &faults));
	assert_string_equal(faults.items[0].rule, "length");
	assert_int_equal(faults.items[0].place, FIELD_IN_HEADER);
}

static void durations(void **state)
{
	const struct field delay = {.name = "a",
				    .place = FIELD_IN_BODY,
				    .kind = FIELD_DURATION,
				    .max = INT64_C(3600000000)};
	const struct field least = {.name = "a",
				    .place = FIELD_IN_BODY,
				    .kind = FIELD_DURATION,
				    .min = 2000000,
				    .max = -1};
	const struct field any = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_DURATION};
	const char *format = "must be a number of seconds or an ISO 8601 duration of weeks, days, "
			     "hours, minutes and seconds, for example PT1H30M";
	const char *limits = "must be from 0 to 3600 seconds";
	struct verdict verdict;

	assert_taken(state, &any, "PT1H30M", "PT5400S", INT64_C(5400000000));
	assert_taken(state, &any, "P2W", "PT1209600S", INT64_C(1209600000000));
	assert_refused(state, &any, "60", "format", format);
	assert_refused(state, &any, "P1Y", "format", format);
	assert_body(state, &delay, "{\"a\":\"PT0.25S\"}", "PT0.25S");
	assert_body(state, &delay, "{\"a\":0}", "PT0S");
	assert_body(state, &delay, "{\"a\":90}", "PT90S");
	assert_body(state, &delay, "{\"a\":1.5}", "PT1.5S");
	assert_body(state, &delay, "{\"a\":0.1}", "PT0.1S");
	assert_body(state, &delay, "{\"a\":1e-7}", "PT0S");
	assert_body(state, &delay, "{\"a\":3600}", "PT3600S");
	assert_body(state, &delay, "{\"a\":\"PT1H\"}", "PT3600S");
	assert_body_refused(state, &delay, "{\"a\":3601}", "maximum", limits, "3601");
	assert_body_refused(state, &delay, "{\"a\":3600.000001}", "maximum", limits, "3600.000001");
	assert_body_refused(state, &delay, "{\"a\":\"PT1H0.1S\"}", "maximum", limits, "PT1H0.1S");
	assert_body_refused(state, &delay, "{\"a\":9223372036854775807}", "maximum", limits,
			    "9223372036854775807");
	assert_body_refused(state, &delay, "{\"a\":1e300}", "maximum", limits, "1e300");
	assert_body_refused(state, &delay, "{\"a\":-1}", "minimum", limits, "-1");
	assert_body_refused(state, &delay, "{\"a\":-0.5}", "minimum", limits, "-0.5");
	assert_body_refused(state, &delay, "{\"a\":-9223372036854775808}", "minimum", limits,
			    "-9223372036854775808");
	assert_body_refused(state, &delay, "{\"a\":\"60\"}", "format", format, "60");
	assert_body_refused(state, &delay, "{\"a\":true}", "type",
			    "must be a number of seconds or a string, not a boolean", "true");
	assert_body_refused(state, &least, "{\"a\":1.999999}", "minimum",
			    "must be at least 2 seconds", "1.999999");
	assert_null(judge(*state, &least, NULL, "{\"a\":2}", &verdict));
	assert_int_equal(verdict.value.number, 2000000);
}

static void targets(void **state)
{
	static const struct {
		const char *text, *canonical;
	} good[] = {
		{"receiver", "http://receiver"},
		{"receiver:3000", "http://receiver:3000"},
		{"receiver/path?x=1", "http://receiver/path?x=1"},
		{"receiver:3000/a@b", "http://receiver:3000/a@b"},
		{"receiver?u=http://other/", "http://receiver?u=http://other/"},
		{"127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"[::1]:80/x", "http://[::1]:80/x"},
		{"http://receiver", "http://receiver"},
		{"HTTPS://Receiver/", "HTTPS://Receiver/"},
		{"localhost", "http://localhost"},
	};
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"http://a/\n", "must not hold control characters"},
		{"http://a/\x7f", "must not hold control characters"},
		{"http://a/ #\r", "must not hold control characters"},
		{"not a url", "must be ASCII without spaces: others are to be percent-encoded"},
		{"http://a/\xc3\xa9",
		 "must be ASCII without spaces: others are to be percent-encoded"},
		{"http://a/#top", "must not have a fragment (#)"},
		{"ftp://a/", "must be http or https"},
		{"file:///etc/passwd", "must be http or https"},
		{"x+y-z.1://a", "must be http or https"},
		{"http://user@a/", "must not hold a user name or password (@)"},
		{"https://u:p@a", "must not hold a user name or password (@)"},
		{"mailto:u@a", "must not hold a user name or password (@)"},
		{"", NULL},
		{"http://", NULL},
		{"http:/a", NULL},
		{"//a", NULL},
		{"/a", NULL},
		{"://a", NULL},
		{"?a", NULL},
		{"a:", NULL},
		{"a:0", NULL},
		{"a:65536", NULL},
		{"a:-1", NULL},
		{"javascript:alert(1)", NULL},
		{"data:text/html,x", NULL},
		{"http://a\\b", NULL},
		{"http://a%2eb/", NULL},
		{"http://[::1", NULL},
	};
	const struct field body = {.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_TARGET};
	const char *otherwise = "must be an http or https URL with a host and perhaps a port, for "
				"example http://receiver:3000/path";
	char text[2100];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "{\"a\":\"%s\"}", good[i].text);
		assert_body(state, &body, text, good[i].canonical);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str json;

		str_init(&json, 1000);
		str_append_text(&json, "{\"a\":");
		json_append_text(&json, span_of(bad[i].text));
		str_append_char(&json, '}');
		assert_body_refused(state, &body, str_text(&json), "format",
				    bad[i].message ? bad[i].message : otherwise, bad[i].text);
		str_finish(&json);
	}
}

static void long_targets(void **state)
{
	const struct field query = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_TARGET};
	char text[2050];

	memset(text, 'x', sizeof(text));
	memcpy(text, "http://a/", 9);
	text[2048] = '\0';
	assert_taken(state, &query, text, text, 0);
	text[2048] = 'x';
	text[2049] = '\0';
	assert_refused(state, &query, text, "length", "must be at most 2048 bytes long");
}

static void json_as_it_was_written(void **state)
{
	const struct field any = {
		.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_JSON, .max = 16};
	const struct field object = {
		.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_OBJECT, .max = 16};
	const struct field query = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_OBJECT, .max = 16};

	assert_body(state, &any, "{\"a\": 0.10 }", "0.10");
	assert_body(state, &any, "{\"a\":null}", "null");
	assert_body(state, &any, "{\"a\":false}", "false");
	assert_body(state, &any, "{\"a\":\"x y\"}", "\"x y\"");
	assert_body(state, &any, "{\"b\":2,\"a\":[ 1.50, \"a b\" ]}", "[1.50,\"a b\"]");
	assert_body(state, &any, "{\"a\":1E2}", "1E2");
	assert_body(state, &any, "{\"\\u0061\":[ 1, 2 ]}", "[1,2]");
	assert_body(state, &any, "{\"a\":\"12345678901234\"}", "\"12345678901234\"");
	assert_body_refused(state, &any, "{\"a\":\"123456789012345\"}", "length",
			    "must be at most 16 bytes long", "123456789012345");
	assert_body(state, &object, "{\"a\":{ \"k\" : [ ] }}", "{\"k\":[]}");
	assert_body_refused(state, &object, "{\"a\":null}", "type", "must not be null", "null");
	assert_body_refused(state, &object, "{\"a\":[]}", "type", "must be an object, not an array",
			    "[]");
	assert_taken(state, &query, "{ \"k\": 1.0 }", "{\"k\":1.0}", 0);
	assert_refused(state, &query, "[]", "type", "must be an object, not an array");
	assert_refused(state, &query, "{", "format",
		       "must be JSON: line 1, column 1: string or '}' expected near end of file");
}

static void headers(void **state)
{
	static const char *const refused[] = {"host", "Proxy-*", NULL};
	static const struct {
		const char *headers, *rule, *message;
	} bad[] = {
		{"{\"\":\"v\"}", "format",
		 "must have tokens (RFC 9110) as names, which \"\" is not"},
		{"{\"A B\":\"v\"}", "format",
		 "must have tokens (RFC 9110) as names, which \"A B\" is not"},
		{"{\"A:\":\"v\"}", "format",
		 "must have tokens (RFC 9110) as names, which \"A:\" is not"},
		{"{\"Host\":\"v\"}", "refused", "must not set Host"},
		{"{\"X\":\"1\",\"HOST\":\"v\"}", "refused", "must not set HOST"},
		{"{\"proxy-authorization\":\"v\"}", "refused", "must not set proxy-authorization"},
		{"{\"X-A\":\"1\",\"x-a\":\"2\"}", "conflict", "must not set x-a twice"},
		{"{\"X\":1}", "type", "must hold strings only: X is a number"},
		{"{\"X\":null}", "type", "must hold strings only: X is null"},
		{"{\"X\":\"a\\r\\nB: c\"}", "format",
		 "must not hold line breaks or other control characters, as X does"},
		{"{\"X\":\"a\\u007f\"}", "format",
		 "must not hold line breaks or other control characters, as X does"},
		{"{\"X\":\"12345678\",\"Y\":\"123456\"}", "length",
		 "must be at most 15 bytes long"},
		{"[]", "type", "must be an object, not an array"},
	};
	const struct field field = {.name = "a",
				    .place = FIELD_IN_QUERY,
				    .kind = FIELD_HEADERS,
				    .refused = refused,
				    .max = 15};

	assert_taken(state, &field, "{}", "{}", 0);
	assert_taken(state, &field, "{ \"X\" : \"a b\\tc\" }", "{\"X\":\"a b\\tc\"}", 0);
	assert_taken(state, &field, "{\"Proxy\":\"\"}", "{\"Proxy\":\"\"}", 0);
	assert_taken(state, &field, "{\"Hosts\":\"\xc3\xa9\"}", "{\"Hosts\":\"\xc3\xa9\"}", 0);
	assert_taken(state, &field, "{\"X\":\"12345678\",\"Y\":\"12345\"}",
		     "{\"X\":\"12345678\",\"Y\":\"12345\"}", 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(state, &field, bad[i].headers, bad[i].rule, bad[i].message);
}

static void many_headers(void **state)
{
	const struct field field = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_HEADERS};
	struct str text;

	str_init(&text, 1000);
	for (int i = 0; i < 32; i++)
		str_format(&text, "%s\"X%d\":\"\"", i ? "," : "{", i);
	str_append_char(&text, '}');
	assert_taken(state, &field, str_text(&text), str_text(&text), 0);
	text.length--;
	str_append_text(&text, ",\"X32\":\"\"}");
	assert_refused(state, &field, str_text(&text), "length", "must be at most 32 headers");
	str_finish(&text);
}

static void faults_point_at_the_value(void **state)
{
	const struct field field = {
		.name = "a", .place = FIELD_IN_BODY, .kind = FIELD_INTEGER, .is_required = true};
	struct verdict verdict;

	judge(*state, &field, NULL, "{\"a\":\"7\"}", &verdict);
	assert_int_equal(json_kind(verdict.faults.items[0].json), JSON_TEXT);
	judge(*state, &field, NULL, "{}", &verdict);
	assert_null(verdict.faults.items[0].json);
}

static void absent_fields(void **state)
{
	const struct field wanted = {
		.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_INTEGER, .is_required = true};
	const struct field optional = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_INTEGER};
	const struct field standing = {.name = "a",
				       .place = FIELD_IN_BODY,
				       .kind = FIELD_MOMENT,
				       .is_required = true,
				       .by_default = "2026-02-01"};
	struct verdict verdict;

	assert_refused(state, &wanted, "", "required", "is required");
	assert_string_equal(judge(*state, &wanted, NULL, NULL, &verdict), "required");
	assert_string_equal(verdict.faults.items[0].value, "");
	assert_null(judge(*state, &optional, "", NULL, &verdict));
	assert_false(verdict.value.is_given);
	assert_null(verdict.value.text);
	assert_null(judge(*state, &standing, NULL, NULL, &verdict));
	assert_true(verdict.value.is_given);
	assert_string_equal(verdict.value.text, "2026-02-01T00:00:00.000000Z");
	assert_body(state, &standing, "{\"b\":1}", "2026-02-01T00:00:00.000000Z");
	assert_body_refused(state, &standing, "{\"a\":null}", "type", "must not be null", "null");
}

static void all_faults_in_the_order_of_the_table(void **state)
{
	static const struct field table[] = {
		{.name = "id", .place = FIELD_IN_PATH, .kind = FIELD_UUID, .is_required = true},
		{.name = "from",
		 .place = FIELD_IN_QUERY,
		 .kind = FIELD_MOMENT,
		 .is_required = true},
		{.name = "limit",
		 .place = FIELD_IN_QUERY,
		 .kind = FIELD_INTEGER,
		 .min = 1,
		 .max = 9,
		 .by_default = "5"},
		{.name = "name", .place = FIELD_IN_BODY, .kind = FIELD_TEXT, .is_required = true},
		{.name = "url", .place = FIELD_IN_BODY, .kind = FIELD_URL},
		{0},
	};
	const struct field_pair path[] = {{SPAN("id"), SPAN("7")}};
	const struct field_pair query[] = {{SPAN("limit"), SPAN("3")},
					   {SPAN("name"), SPAN("not from the body")},
					   {SPAN("limit"), SPAN("10")},
					   {SPAN("unknown"), SPAN("1")}};
	const char *complaint = NULL;
	const struct field_input input = {
		.path = path,
		.path_count = 1,
		.query = query,
		.query_count = 4,
		.body = json_parse(*state, SPAN("{\"url\":\"x\"}"), &complaint),
	};
	static const char *const expected[] = {"id", "from", "limit", "name", "url"};
	struct field_value values[5];
	struct field_faults faults;

	assert_int_equal(fields_count(table), 5);
	assert_false(fields_read(*state, table, &input, values, &faults));
	assert_int_equal(faults.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(faults.items[i].field, expected[i]);
	assert_int_equal(faults.items[0].place, FIELD_IN_PATH);
	assert_string_equal(faults.items[1].rule, "required");
	assert_string_equal(faults.items[2].value, "10");
}

static void faults_past_the_last_place_are_dropped(void **state)
{
	const struct field field = {.name = "a", .place = FIELD_IN_QUERY, .kind = FIELD_TEXT};
	struct field_faults faults = {0};

	(void)state;
	for (int i = 0; i < 40; i++)
		fields_fault(&faults, &field, "unknown", "is unknown", "");
	assert_int_equal(faults.count, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(integers, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(texts, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(long_texts, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(decimals, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(flags, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(words, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(moments, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(urls, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(keys, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(durations, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(targets, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(long_targets, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(json_as_it_was_written, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(headers, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(many_headers, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(faults_point_at_the_value, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(absent_fields, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(all_faults_in_the_order_of_the_table, open_arena,
						close_arena),
		cmocka_unit_test(faults_past_the_last_place_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
