/* test_moment.c - dates and times: what is read, what is refused, and the way back */
#include <string.h>

#include "almanac/moment.h"
#include "story.h"

#define SECOND_US INT64_C(1000000)

static const struct {
	const char *text;
	int64_t unix_us;
} good[] = {
	{"1970-01-01", 0},
	{"1970-01-01T00:00:00Z", 0},
	{"2026-02-01T20:00:00Z", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01T20:00:00", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01t20:00:00z", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01 20:00", INT64_C(1769976000) * SECOND_US},
	{"20260201T200000Z", INT64_C(1769976000) * SECOND_US},
	{"20260201T2000", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01T22:00:00+02:00", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01T22:00:00+0200", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01T22:00+02", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01T16:30:00-03:30", INT64_C(1769976000) * SECOND_US},
	{"\t 2026-02-01T20:00:00Z\r\n", INT64_C(1769976000) * SECOND_US},
	{"2026-02-01T20:00:00.5Z", INT64_C(1769976000) * SECOND_US + 500000},
	{"2026-02-01T20:00:00,123456Z", INT64_C(1769976000) * SECOND_US + 123456},
	{"2026-02-01T20:00:00.1234569999999999999Z", INT64_C(1769976000) * SECOND_US + 123456},
	{"1969-12-31T23:59:59.999999Z", -1},
	{"2000-02-29", INT64_C(951782400) * SECOND_US},
	{"0001-01-01T00:00:00Z", INT64_C(-62135596800) * SECOND_US},
	{"9999-12-31T23:59:59.999999Z", INT64_C(253402300800) * SECOND_US - 1},
};

static const char *const bad[] = {
	"",
	" ",
	"now",
	"infinity",
	"-infinity",
	"epoch",
	"today",
	"2026",
	"2026-02",
	"2026-2-1",
	"26-02-01",
	"02026-02-01",
	"+2026-02-01",
	"2026/02/01",
	"2026-0201",
	"202602-01",
	"2026-W05-1",
	"2026-032",
	"1900-02-29",
	"2026-04-31",
	"2026-00-01",
	"2026-01-00",
	"2026-02-01T",
	"2026-02-01T20",
	"2026-02-01  20:00",
	"2026-02-01_20:00",
	"2026-02-01T20:0",
	"2026-02-01T20:00:",
	"2026-02-01T20:00:0",
	"2026-02-01T20:00:00.",
	"2026-02-01T20:00:00.Z",
	"2026-02-01T20:00.5",
	"2026-02-01T200000.5",
	"2026-02-01T20:00:00 Z",
	"2026-02-01T20:00:00ZZ",
	"2026-02-01T20:00:00+",
	"2026-02-01T20:00:00+2",
	"2026-02-01T20:00:00+02:",
	"2026-02-01T20:00:00+02:0",
	"2026-02-01T20:00:00+24:00",
	"2026-02-01T20:00:00+02:60",
	"2026-02-01T20:00:00+02:00:00",
	"2026-02-01T20:00:00 Europe/Madrid",
	"2026-02-01T20:00:00x",
	"0001-01-01T00:00:00+00:01",
	"9999-12-31T23:59:59-00:01",
	"\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa6-02-01",
};

/* The start dates of a provider's feed, and whether its dialect takes them. It wants separators,
 * which `is_basic` tells. */
static const struct {
	const char *text;
	bool is_taken;
} of_feed[] = {
	{"2026-09-31T20:00:00", false},
	{"2026-02-30T20:00:00", false},
	{"2026-02-29T20:00:00", false},
	{"2026-13-01T20:00:00", false},
	{"2026-00-10T20:00:00", false},
	{"2026-05-10T24:00:00", false},
	{"2026-05-10T25:00:00", false},
	{"2026-05-10T20:60:00", false},
	{"2016-12-31T23:59:60", false},
	{"", false},
	{"ma\303\261ana", false},
	{"2026-05-10", true},
	{"20260510T200000", false},
	{"2026-05-10 20:00:00", true},
	{"2026-05-10T20:00", true},
	{"2026-05-10T20:00:00Z", true},
	{"2026-05-10T20:00:00+02:00", true},
	{"2026-05-10T20:00:00.123", true},
	{"0000-01-01T00:00:00", false},
	{"9999-12-31T23:59:59", true},
	{"2028-02-29T20:00:00", true},
	{" 2026-05-10T20:00:00 ", true},
};

static bool parse(const char *text, struct moment *moment)
{
	return moment_parse(span_of(text), moment);
}

static void good_ones_are_read(void **state)
{
	struct moment moment;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!parse(good[i].text, &moment))
			fail_msg("refused: \"%s\"", good[i].text);
		if (moment_unix_us(&moment) != good[i].unix_us)
			fail_msg("misread: \"%s\"", good[i].text);
	}
}

static void bad_ones_are_refused(void **state)
{
	struct moment moment;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &moment))
			fail_msg("taken: \"%s\"", bad[i]);
	}
	assert_false(moment_parse((struct span){"2026-02-01\0", 11}, &moment));
	assert_false(moment_parse((struct span){NULL, 0}, &moment));
}

static void dates_of_a_feed_are_judged(void **state)
{
	struct moment moment;

	(void)state;
	for (size_t i = 0; i < sizeof(of_feed) / sizeof(of_feed[0]); i++) {
		bool is_taken = parse(of_feed[i].text, &moment) && !moment.is_basic;

		if (is_taken != of_feed[i].is_taken)
			fail_msg("misjudged: \"%s\"", of_feed[i].text);
	}
}

static void fields_are_as_written(void **state)
{
	struct moment moment;

	(void)state;
	assert_true(parse("2026-05-10T20:01:02.030405-03:30", &moment));
	assert_int_equal(moment.year, 2026);
	assert_int_equal(moment.month, 5);
	assert_int_equal(moment.day, 10);
	assert_int_equal(moment.hour, 20);
	assert_int_equal(moment.minute, 1);
	assert_int_equal(moment.second, 2);
	assert_int_equal(moment.microsecond, 30405);
	assert_int_equal(moment.offset_minutes, -210);
	assert_true(moment.has_time && moment.has_offset && !moment.is_basic);
	assert_true(parse("20260510", &moment));
	assert_true(!moment.has_time && !moment.has_offset && moment.is_basic);
}

/* Every day of the calendar follows the day before it. */
static void every_day_comes_once(void **state)
{
	static const int64_t day_us = INT64_C(86400) * SECOND_US;
	struct moment before = {.year = 1, .month = 1, .day = 1};
	int64_t unix_us = moment_unix_us(&before);

	(void)state;
	for (;;) {
		struct moment moment;

		unix_us += day_us;
		if (unix_us >= INT64_C(253402300800) * SECOND_US)
			break;
		moment = moment_of_unix_us(unix_us);
		assert_int_equal(moment_unix_us(&moment), unix_us);
		if (moment.day != 1)
			assert_int_equal(moment.day, before.day + 1);
		else if (moment.month != 1)
			assert_int_equal(moment.month, before.month + 1);
		else
			assert_int_equal(moment.year, before.year + 1);
		before = moment;
	}
	assert_int_equal(before.year, 9999);
	assert_int_equal(before.month, 12);
	assert_int_equal(before.day, 31);
}

static void assert_text(const char *text, size_t length, const char *expected)
{
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(text, expected, length);
}

static void moments_are_written(void **state)
{
	char text[MOMENT_TEXT_MAX];
	struct moment moment;

	(void)state;
	assert_text(text, moment_write_rfc3339(INT64_C(1769976000123999), text),
		    "2026-02-01T20:00:00.123Z");
	assert_text(text, moment_write_rfc3339(-1, text), "1969-12-31T23:59:59.999Z");
	assert_text(text, moment_write_exact(INT64_C(1769976000123999), text),
		    "2026-02-01T20:00:00.123999Z");
	assert_text(text, moment_write_exact(-1, text), "1969-12-31T23:59:59.999999Z");
	assert_true(parse("0987-06-05T04:03:02", &moment));
	assert_text(text, moment_write_date(&moment, text), "0987-06-05");
	assert_text(text, moment_write_time(&moment, text), "04:03:02");
}

static void http_dates_go_both_ways(void **state)
{
	static const char *const refused[] = {
		"",
		"Sun, 06 Nov 1994 08:49:37 CET",
		"Mon, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 084937   GMT",
		"Sun, 06 Nov 0000 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
	};
	char text[MOMENT_TEXT_MAX];
	int64_t unix_s;

	(void)state;
	assert_text(text, moment_write_http(784111777, text), "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_true(moment_parse_http(SPAN("Sun, 06 Nov 1994 08:49:37 GMT"), &unix_s));
	assert_int_equal(unix_s, 784111777);
	assert_text(text, moment_write_http(-62135596800, text), "Mon, 01 Jan 0001 00:00:00 GMT");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (moment_parse_http(span_of(refused[i]), &unix_s))
			fail_msg("taken: \"%s\"", refused[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_read),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(dates_of_a_feed_are_judged),
		cmocka_unit_test(fields_are_as_written),
		cmocka_unit_test(every_day_comes_once),
		cmocka_unit_test(moments_are_written),
		cmocka_unit_test(http_dates_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
