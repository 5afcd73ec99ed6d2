/* test_log.c - lines as they arrive on standard error, in both formats, whatever is logged */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "almanac/json.h"
#include "almanac/log.h"
#include "almanac/moment.h"
#include "story.h"

#define LINE_MAX_BYTES 8192
#define BYTES(literal)                                                                             \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

/* --- standard error, caught by a pipe ---------------------------------------------------------- */

static struct {
	int before;
	int out;
} caught;

static void catch (void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	caught.before = dup(STDERR_FILENO);
	caught.out = ends[0];
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
}

/* All that was written since catch(); standard error is what it was before. */
static struct span let_go(void)
{
	static char bytes[1 << 20];
	struct span told = {bytes, 0};
	ssize_t length;

	dup2(caught.before, STDERR_FILENO);
	close(caught.before);
	while ((length = read(caught.out, bytes + told.length, sizeof(bytes) - told.length)) > 0)
		told.length += (size_t)length;
	close(caught.out);
	return told;
}

static struct span written(enum log_format format, const struct log_field *fields)
{
	log_configure(LOG_LEVEL_DEBUG, format);
	catch ();
	log_write(LOG_LEVEL_WARN, fields);
	return let_go();
}

/* The one line without what every line begins with: time="…" level=warn. */
static struct span body_of(struct span line, const char *head, const char *behind)
{
	size_t length = strlen(head) + 24 + strlen(behind);
	struct moment moment;

	assert_true(line.length > length && span_starts_with(line, span_of(head)));
	assert_true(moment_parse((struct span){line.bytes + strlen(head), 24}, &moment));
	line.bytes += strlen(head) + 24;
	line.length -= strlen(head) + 24;
	assert_true(span_starts_with(line, span_of(behind)));
	assert_int_equal(line.bytes[line.length - 1], '\n');
	return (struct span){line.bytes + strlen(behind), line.length - strlen(behind) - 1};
}

static void assert_line(enum log_format format, const struct log_field *fields, const char *body)
{
	bool is_json = format == LOG_FORMAT_JSON;
	struct span told = body_of(written(format, fields), is_json ? "{\"time\":\"" : "time=",
				   is_json ? "\",\"level\":\"warn\"," : " level=warn ");

	if (!span_is(told, body))
		fail_msg("\"%.*s\" instead of \"%s\"", (int)told.length, told.bytes, body);
}

/* --- what is written --------------------------------------------------------------------------- */

static void every_kind_of_field_is_written(void **state)
{
	const struct log_field fields[] = {
		log_what("request"),
		log_text("path", "/a?b=c"),
		log_text("none", NULL),
		log_span("word", (struct span){"wordless", 4}),
		log_number("rows", -12),
		log_number("least", INT64_MIN),
		log_ms("ms", 12345),
		log_ms("short_ms", 7),
		log_ms("back_ms", -1500),
		log_ms("least_ms", INT64_MIN),
		{LOG_FIELD_END, NULL, {NULL, 0}, 0},
	};

	(void)state;
	assert_line(LOG_FORMAT_LOGFMT, fields,
		    "what=request path=\"/a?b=c\" none=\"\" word=word rows=-12 "
		    "least=-9223372036854775808 ms=12.345 short_ms=0.007 back_ms=-1.500 "
		    "least_ms=-9223372036854775.808");
	assert_line(LOG_FORMAT_JSON, fields,
		    "\"what\":\"request\",\"path\":\"/a?b=c\",\"none\":\"\",\"word\":\"word\","
		    "\"rows\":-12,\"least\":-9223372036854775808,\"ms\":12.345,\"short_ms\":0.007,"
		    "\"back_ms\":-1.500,\"least_ms\":-9223372036854775.808}");
}

static const struct {
	struct span text;
	const char *logfmt;
	const char *json;
} texts[] = {
	{BYTES("plain-1.5/x:y"), "plain-1.5/x:y", "\"plain-1.5/x:y\""},
	{BYTES("two words"), "\"two words\"", "\"two words\""},
	{BYTES("a=b"), "\"a=b\"", "\"a=b\""},
	{BYTES("a\"b\\c"), "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
	{BYTES("line\nbreak\r\t"), "\"line\\nbreak\\u000d\\u0009\"",
	 "\"line\\nbreak\\u000d\\u0009\""},
	{BYTES("\x1b[31m\x7f"), "\"\\u001b[31m\\u007f\"", "\"\\u001b[31m\\u007f\""},
	{BYTES("na\xc3\xafve \xe2\x82\xac"), "\"na\xc3\xafve \xe2\x82\xac\"",
	 "\"na\xc3\xafve \xe2\x82\xac\""},
	/* U+0085 and U+009B are control characters; U+00A0 is none. */
	{BYTES("a\xc2\x85z\xc2\x9b\xc2\xa0"), "\"a\\u0085z\\u009b\xc2\xa0\"",
	 "\"a\\u0085z\\u009b\xc2\xa0\""},
	/* Separators of lines and paragraphs, turns of direction; U+2026 is none. */
	{BYTES("a\xe2\x80\xa8z\xe2\x80\xa9\xe2\x80\xae\xe2\x81\xa7\xe2\x80\xa6"),
	 "\"a\\u2028z\\u2029\\u202e\\u2067\xe2\x80\xa6\"",
	 "\"a\\u2028z\\u2029\\u202e\\u2067\xe2\x80\xa6\""},
	{BYTES("bad \xc3\x28\xff"), "\"bad \\u00c3(\\u00ff\"", "\"bad \\u00c3(\\u00ff\""},
	{BYTES("\xc2\x85\xff"), "\"\\u00c2\\u0085\\u00ff\"", "\"\\u00c2\\u0085\\u00ff\""},
	{BYTES("cut \xe2\x82"), "\"cut \\u00e2\\u0082\"", "\"cut \\u00e2\\u0082\""},
	{BYTES("a\0b"), "\"a\\u0000b\"", "\"a\\u0000b\""},
	{BYTES(""), "\"\"", "\"\""},
};

static void text_is_escaped(void **state)
{
	char expected[256];

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		const struct log_field fields[] = {log_span("t", texts[i].text),
						   {LOG_FIELD_END, NULL, {NULL, 0}, 0}};

		snprintf(expected, sizeof(expected), "t=%s", texts[i].logfmt);
		assert_line(LOG_FORMAT_LOGFMT, fields, expected);
		snprintf(expected, sizeof(expected), "\"t\":%s}", texts[i].json);
		assert_line(LOG_FORMAT_JSON, fields, expected);
	}
}

/* --- lines that are too long -------------------------------------------------------------------- */

/* A line of the format key=value or key="value", with every quote closed. */
static bool is_logfmt(struct span line)
{
	bool is_quoted = false;

	for (size_t i = 0; i < line.length; i++) {
		if (is_quoted && line.bytes[i] == '\\')
			i++;
		else if (line.bytes[i] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && line.bytes[i] != ' ' && (unsigned char)line.bytes[i] < '!')
			return false;
	}
	return !is_quoted;
}

static void assert_parses(enum log_format format, struct span line)
{
	struct arena *arena = arena_create();
	const char *complaint = "";

	assert_true(line.length <= LINE_MAX_BYTES && line.bytes[line.length - 1] == '\n');
	line.length--;
	assert_null(memchr(line.bytes, '\n', line.length));
	if (!span_is_text(line))
		fail_msg("not UTF-8: …%.*s", 20, line.bytes + line.length - 20);
	if (format == LOG_FORMAT_JSON && !json_parse(arena, line, &complaint))
		fail_msg("%s", complaint);
	if (format == LOG_FORMAT_LOGFMT)
		assert_true(is_logfmt(line));
	arena_destroy(arena);
}

/* Whatever stands at the place of the cut: plain text, an escape, a character of four bytes. */
static void a_line_that_was_cut_still_parses(void **state)
{
	static const char *const units[] = {
		"x",        "\"",       "\n",           "\xf0\x9f\x98\x80",
		"\xc3\xa9", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x82\xac ",
		"\xff"};
	struct str text;

	(void)state;
	for (size_t i = 0; i < LENGTH(units); i++) {
		for (size_t shift = 0; shift < 12; shift++) {
			str_init(&text, 20000);
			for (size_t k = 0; k < shift; k++)
				str_append_char(&text, 'a');
			while (text.length < 9000)
				str_append_text(&text, units[i]);
			for (enum log_format format = 0; format <= LOG_FORMAT_JSON; format++) {
				const struct log_field fields[] = {
					log_what("long"),
					log_span("t", str_span(&text)),
					log_text("after", "too \"late\""),
					log_number("number", 1234567890),
					{LOG_FIELD_END, NULL, {NULL, 0}, 0},
				};
				struct span line = written(format, fields);

				assert_true(line.length > LINE_MAX_BYTES - 100);
				assert_parses(format, line);
			}
			str_finish(&text);
		}
	}
}

/* Many short fields: the line ends between two of them. */
static void a_line_of_many_fields_is_cut_between_them(void **state)
{
	static struct log_field fields[2000];
	static char names[2000][16];

	(void)state;
	for (size_t i = 0; i + 1 < LENGTH(fields); i++) {
		snprintf(names[i], sizeof(names[i]), "field%zu", i);
		fields[i] = i % 3 == 0   ? log_number(names[i], INT64_MIN + (int64_t)i)
			    : i % 3 == 1 ? log_text(names[i], "some \"words\"")
					 : log_ms(names[i], (int64_t)i);
	}
	assert_parses(LOG_FORMAT_LOGFMT, written(LOG_FORMAT_LOGFMT, fields));
	assert_parses(LOG_FORMAT_JSON, written(LOG_FORMAT_JSON, fields));
}

/* --- levels and threads ------------------------------------------------------------------------- */

static void lower_levels_are_not_written(void **state)
{
	struct span told;

	(void)state;
	log_configure(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	assert_false(log_has_level(LOG_LEVEL_INFO));
	assert_true(log_has_level(LOG_LEVEL_WARN) && log_has_level(LOG_LEVEL_ERROR));
	catch ();
	log_debug(log_what("no"));
	log_info(log_what("no"));
	log_warn(log_what("w"), log_number("n", 1));
	log_error(log_what("e"));
	told = let_go();
	assert_int_equal(told.length, 2 * strlen("time=2026-02-01T20:00:00.000Z level=warn what=w "
						 "n=1\n") +
					      1 - strlen(" n=1"));
}

static void *write_lines(void *text)
{
	for (int i = 0; i < 50; i++)
		log_error(log_what("thread"), log_text("t", text));
	return NULL;
}

/* Each line is one write, so lines of several threads never mix. */
static void lines_of_threads_do_not_mix(void **state)
{
	static char text[201];
	pthread_t threads[4];
	struct span told, line;
	size_t count = 0;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_configure(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	catch ();
	for (size_t i = 0; i < LENGTH(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, text), 0);
	for (size_t i = 0; i < LENGTH(threads); i++)
		pthread_join(threads[i], NULL);
	told = let_go();
	while (span_split(&told, '\n', &line) && told.bytes) {
		line.length++;
		assert_parses(LOG_FORMAT_JSON, line);
		count++;
	}
	assert_int_equal(count, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_field_is_written),
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(a_line_that_was_cut_still_parses),
		cmocka_unit_test(a_line_of_many_fields_is_cut_between_them),
		cmocka_unit_test(lower_levels_are_not_written),
		cmocka_unit_test(lines_of_threads_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
