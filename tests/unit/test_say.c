/* test_say.c - rows as JSON, links to the next page, complaints in words */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/json.h"
#include "db/connection.h"
#include "http/http.h"
#include "story.h"

static struct request *request;

static int open_request(void **state)
{
	struct arena *arena = arena_create();

	(void)state;
	request = arena_alloc(arena, sizeof(*request));
	request->arena = arena;
	request->method = "GET";
	reply_init(&request->reply);
	return 0;
}

static int close_request(void **state)
{
	(void)state;
	reply_finish(&request->reply);
	arena_destroy(request->arena);
	return 0;
}

static void set_target(const char *target)
{
	request->target = span_of(target);
	request->query = request->target;
	span_split(&request->query, '?', &request->path);
}

/* --- results made by hand --------------------------------------------------------------------------- */

enum { MAX_COLUMNS = 12 };

struct column {
	const char *name;
	unsigned type; /* as in pg_type.dat */
};

enum { BOOLEAN = 16, BIGINT = 20, TEXT = 25, JSON = 114, TIMESTAMPTZ = 1184, NUMERIC = 1700 };

static PGresult *result_of(const struct column *columns, int count)
{
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc attributes[MAX_COLUMNS] = {0};
	char names[MAX_COLUMNS][32];

	assert_non_null(result);
	for (int i = 0; i < count; i++) {
		strncpy(names[i], columns[i].name, sizeof(names[i]) - 1);
		names[i][sizeof(names[i]) - 1] = '\0';
		attributes[i].name = names[i];
		attributes[i].typid = columns[i].type;
	}
	assert_int_equal(PQsetResultAttrs(result, count, attributes), 1);
	return result;
}

static void set(PGresult *result, int row, int column, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	assert_int_equal(PQsetvalue(result, row, column, copy, value ? (int)strlen(value) : -1), 1);
	free(copy);
}

static const struct db_rows *rows_of(const PGresult *result)
{
	struct db_rows *rows = arena_alloc(request->arena, sizeof(*rows));

	*rows = (struct db_rows){result, 0, (size_t)PQntuples(result)};
	return rows;
}

/* --- values ------------------------------------------------------------------------------------------ */

static const struct {
	unsigned type;
	const char *value;
	const char *json;
} values[] = {
	{BIGINT, "42", "42"},
	{BIGINT, "-9223372036854775808", "-9223372036854775808"},
	{BIGINT, NULL, "null"},
	{NUMERIC, "19.999", "19.999"},
	{BOOLEAN, "t", "true"},
	{BOOLEAN, "f", "false"},
	{BOOLEAN, NULL, "null"},
	{JSON, "{\"a\": [1]}", "{\"a\": [1]}"},
	{JSON, NULL, "null"},
	{TEXT, "plain", "\"plain\""},
	{TEXT, "", "\"\""},
	{TEXT, NULL, "null"},
	{TEXT, "a\"b\\c\n\x01", "\"a\\\"b\\\\c\\n\\u0001\""},
	{TEXT, "\xe2\x82\xac", "\"\xe2\x82\xac\""},
	{TIMESTAMPTZ, "2026-02-01 20:00:00+00", "\"2026-02-01T20:00:00.000Z\""},
	{TIMESTAMPTZ, "2026-02-01 20:00:00.123456+00", "\"2026-02-01T20:00:00.123Z\""},
	{TIMESTAMPTZ, "2026-02-01 22:00:00+02:30", "\"2026-02-01T19:30:00.000Z\""},
	{TIMESTAMPTZ, "infinity", "\"infinity\""},
	{TIMESTAMPTZ, NULL, "null"},
	{1043, "a varchar", "\"a varchar\""},
};

static void every_kind_of_value_is_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(values); i++) {
		const struct column column = {"v", values[i].type};
		PGresult *result = result_of(&column, 1);
		struct str out;

		set(result, 0, 0, values[i].value);
		str_init(&out, 1000);
		reply_append_value(&out, rows_of(result), 0, 0);
		assert_string_equal(str_text(&out), values[i].json);
		str_finish(&out);
		PQclear(result);
	}
}

/* --- rows --------------------------------------------------------------------------------------------- */

static const struct column columns[] = {
	{"outcome", TEXT}, {"id", BIGINT},    {"_hidden", TEXT},   {"timeLeft", BIGINT},
	{"name", TEXT},    {"_cursor", TEXT}, {"_location", TEXT},
};

static PGresult *make_things(int rows, const char *last_cursor)
{
	PGresult *result = result_of(columns, LENGTH(columns));

	for (int row = 0; row < rows; row++) {
		set(result, row, 0, "created");
		set(result, row, 1, row ? "2" : "1");
		set(result, row, 2, "secret");
		set(result, row, 3, NULL);
		set(result, row, 4, "n\"");
		set(result, row, 5, row + 1 == rows ? last_cursor : "not this");
		set(result, row, 6, "/things/1");
	}
	return result;
}

static void a_row_becomes_an_object(void **state)
{
	PGresult *result = make_things(2, "x");

	(void)state;
	say_row(request, rows_of(result), &request->reply);
	assert_string_equal(str_text(&request->reply.body),
			    "{\"id\":1,\"timeLeft\":null,\"name\":\"n\\\"\"}\n");
	assert_int_equal(request->reply.header_count, 1);
	assert_string_equal(request->reply.headers[0].name, "Location");
	assert_string_equal(request->reply.headers[0].value, "/things/1");
	PQclear(result);
}

static void a_row_of_hidden_columns_is_an_empty_object(void **state)
{
	static const struct column hidden[] = {{"_a", TEXT}, {"outcome", TEXT}};
	PGresult *result = result_of(hidden, LENGTH(hidden));

	(void)state;
	set(result, 0, 0, "a");
	set(result, 0, 1, "deleted");
	say_row(request, rows_of(result), &request->reply);
	assert_string_equal(str_text(&request->reply.body), "{}\n");
	PQclear(result);
}

static void no_row_is_null(void **state)
{
	PGresult *result = make_things(0, NULL);

	(void)state;
	say_row(request, rows_of(result), &request->reply);
	assert_string_equal(str_text(&request->reply.body), "null\n");
	assert_int_equal(request->reply.header_count, 0);
	PQclear(result);
}

static void rows_become_a_list_with_the_way_on(void **state)
{
	PGresult *result = make_things(2, "2|\xff");

	(void)state;
	set_target("/things?limit=2&cursor=old&q=%20");
	say_rows(request, rows_of(result), &request->reply);
	assert_string_equal(
		str_text(&request->reply.body),
		"{\"data\":[{\"id\":1,\"timeLeft\":null,\"name\":\"n\\\"\"},"
		"{\"id\":2,\"timeLeft\":null,\"name\":\"n\\\"\"}],\"next\":\"Mnz_\"}\n");
	assert_int_equal(request->reply.header_count, 1);
	assert_string_equal(request->reply.headers[0].name, "Link");
	assert_string_equal(request->reply.headers[0].value,
			    "</things?limit=2&q=%20&cursor=Mnz_>; rel=\"next\"");
	PQclear(result);
}

static void the_end_of_a_list_has_no_way_on(void **state)
{
	PGresult *last = make_things(1, NULL), *none = make_things(0, NULL);

	(void)state;
	set_target("/things");
	say_rows(request, rows_of(none), &request->reply);
	assert_string_equal(str_text(&request->reply.body), "{\"data\":[],\"next\":null}\n");
	str_clear(&request->reply.body);
	say_rows(request, rows_of(last), &request->reply);
	assert_non_null(strstr(str_text(&request->reply.body), "],\"next\":null}\n"));
	assert_int_equal(request->reply.header_count, 0);
	PQclear(last);
	PQclear(none);
}

/* However long the cursor is, it is given whole. */
static void a_long_cursor_is_whole(void **state)
{
	static char cursor[5001];
	const struct json *body;
	const char *complaint;
	struct span decoded;
	PGresult *result;

	(void)state;
	memset(cursor, 'x', sizeof(cursor) - 1);
	result = make_things(1, cursor);
	set_target("/things");
	say_rows(request, rows_of(result), &request->reply);
	body = json_parse(request->arena, str_span(&request->reply.body), &complaint);
	assert_non_null(body);
	assert_true(
		base64url_parse(request->arena, json_text(json_member(body, "next")), &decoded));
	assert_true(span_is(decoded, cursor));
	assert_int_equal(request->reply.header_count, 0); /* too long for a header */
	PQclear(result);
}

/* --- links -------------------------------------------------------------------------------------------- */

static const struct {
	const char *target;
	const char *link;
} links[] = {
	{"/a", "/a?page=2"},
	{"/a?", "/a?page=2"},
	{"/a?page=1", "/a?page=2"},
	{"/a?page=1&page=7", "/a?page=2"},
	{"/a?page", "/a?page=2"},
	{"/a?pages=1&xpage=1&b", "/a?pages=1&xpage=1&b&page=2"},
	{"/a?x=1&page=1&y=2", "/a?x=1&y=2&page=2"},
	{"/a?&&x=1&", "/a?x=1&page=2"},
	{"/a?x=?&y==1", "/a?x=?&y==1&page=2"},
	{"/a%20b/?x=%26", "/a%20b/?x=%26&page=2"},
	{"/a/?x=page=1", "/a/?x=page=1&page=2"},
};

static void a_link_replaces_one_parameter(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(links); i++) {
		set_target(links[i].target);
		assert_string_equal(link_with(request, "page", "2"), links[i].link);
	}
}

/* A long query is kept whole or there is no header at all: no parameter may get lost. */
static void a_long_link_is_whole_or_not_there(void **state)
{
	struct str target;

	(void)state;
	str_init(&target, 100000);
	for (size_t length = 10; length < 20000; length = length * 3 / 2) {
		const char *link;

		str_clear(&target);
		str_append_text(&target, "/a?x=");
		while (target.length < length)
			str_append_char(&target, 'y');
		str_append_text(&target, "&z=1");
		set_target(str_text(&target));
		link = link_with(request, "page", "2");
		assert_int_equal(strlen(link), target.length + strlen("&page=2"));
		assert_non_null(strstr(link, "&z=1&page=2"));
		request->reply.header_count = 0;
		reply_link_next(request, &request->reply, link);
		if (request->reply.header_count > 0)
			assert_non_null(strstr(request->reply.headers[0].value,
					       "&z=1&page=2>; rel=\"next\""));
		assert_int_equal(request->reply.header_count, length < 4000);
	}
	str_finish(&target);
}

/* What could end the header or its target early is escaped, whatever a server lets through. */
static void a_link_keeps_within_its_header(void **state)
{
	(void)state;
	reply_link_next(request, &request->reply, "/a?b=<c>\"d\"\r\n\t e\x7f\xc3\xa9%20;,'");
	assert_int_equal(request->reply.header_count, 1);
	assert_string_equal(request->reply.headers[0].value,
			    "</a?b=%3Cc%3E%22d%22%0D%0A%09%20e%7F%C3%A9%20;,'>; rel=\"next\"");
}

/* --- complaints --------------------------------------------------------------------------------------- */

static void a_complaint_is_problem_json(void **state)
{
	static const struct field field = {.name = "limit", .place = FIELD_IN_QUERY};
	struct field_faults faults = {0};

	(void)state;
	set_target("/a?limit=x");
	fields_fault(&faults, &field, "format", "must be a \"number\"", "x");
	fields_fault(&faults, &field, "minimum", "must be more", "x");
	request_complain(request, PROBLEM_INVALID_QUERY, NULL, &faults);
	assert_int_equal(request->reply.status, 400);
	assert_string_equal(request->reply.content_type, "application/problem+json");
	assert_string_equal(
		str_text(&request->reply.body),
		"{\"type\":\"urn:almanac:problem:invalid_parameters\","
		"\"title\":\"Some parameters are not valid\",\"status\":400,"
		"\"detail\":\"limit must be a \\\"number\\\"\",\"instance\":\"/a\","
		"\"code\":\"invalid_parameters\",\"errors\":["
		"{\"field\":\"limit\",\"rule\":\"format\",\"message\":\"must be a \\\"number\\\"\"},"
		"{\"field\":\"limit\",\"rule\":\"minimum\",\"message\":\"must be more\"}]}\n");
}

static void a_complaint_replaces_what_was_said_before(void **state)
{
	(void)state;
	set_target("/a");
	request->reply.status = 201;
	reply_header(&request->reply, "Location", "/b");
	str_append_text(&request->reply.body, "{\"half\":");
	request_complain(request, PROBLEM_DATABASE_AWAY, "it sleeps", NULL);
	assert_int_equal(request->reply.status, 503);
	assert_int_equal(request->reply.header_count, 1);
	assert_string_equal(request->reply.headers[0].name, "Retry-After");
	assert_string_equal(request->reply.headers[0].value, "1");
	assert_string_equal(str_text(&request->reply.body),
			    "{\"type\":\"urn:almanac:problem:database_unavailable\","
			    "\"title\":\"The database does not answer\",\"status\":503,"
			    "\"detail\":\"it sleeps\",\"instance\":\"/a\","
			    "\"code\":\"database_unavailable\"}\n");
}

static void an_unknown_route_is_told_in_the_older_form_too(void **state)
{
	const struct json *body;
	const char *complaint;

	(void)state;
	set_target("/no\xff\"way?x=1");
	complain_unknown_route(request);
	assert_int_equal(request->reply.status, 404);
	body = json_parse(request->arena, str_span(&request->reply.body), &complaint);
	assert_non_null(body);
	assert_true(span_is(json_text(json_member(body, "code")), "no_such_route"));
	assert_true(span_is(json_text(json_member(body, "error")), "Not Found"));
	assert_true(span_is(json_text(json_member(body, "message")),
			    "Cannot GET /no\xef\xbf\xbd\"way"));
	assert_true(span_is(json_text(json_member(body, "instance")), "/no\xef\xbf\xbd\"way"));
}

/* RFC 9457: titles do not change from one to the next; ours are plain ASCII, as are the codes. */
static void every_problem_is_well_described(void **state)
{
	(void)state;
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		const struct problem_kind *kind = problem_kind((enum problem)i);

		assert_true(kind->status == 200 || (kind->status >= 400 && kind->status < 600));
		assert_true(kind->status != 503 || kind->retry_after_s > 0);
		assert_true(kind->retry_after_s == 0 || kind->status == 503 || kind->status == 429);
		assert_int_equal(strspn(kind->code, "abcdefghijklmnopqrstuvwxyz_"),
				 strlen(kind->code));
		assert_null(strpbrk(kind->title, "\"\\"));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(problem_kind((enum problem)k)->code, kind->code);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_request, close_request)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_value_is_json),
		TEST(a_row_becomes_an_object),
		TEST(a_row_of_hidden_columns_is_an_empty_object),
		TEST(no_row_is_null),
		TEST(rows_become_a_list_with_the_way_on),
		TEST(the_end_of_a_list_has_no_way_on),
		TEST(a_long_cursor_is_whole),
		TEST(a_link_replaces_one_parameter),
		TEST(a_long_link_is_whole_or_not_there),
		TEST(a_link_keeps_within_its_header),
		TEST(a_complaint_is_problem_json),
		TEST(a_complaint_replaces_what_was_said_before),
		TEST(an_unknown_route_is_told_in_the_older_form_too),
		TEST(every_problem_is_well_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
