/* test_duration.c - lengths of time as ISO 8601 writes them */
#include <string.h>

#include "almanac/duration.h"
#include "story.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

static void good_ones(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{"PT0S", 0},
		{"P0D", 0},
		{"P0W", 0},
		{"PT1S", SECOND},
		{"PT90S", 90 * SECOND},
		{"PT1M", 60 * SECOND},
		{"PT1H", HOUR},
		{"PT1H2M3S", HOUR + 123 * SECOND},
		{"PT1H3S", HOUR + 3 * SECOND},
		{"P1D", DAY},
		{"P1DT12H", DAY + 12 * HOUR},
		{"P2W", 14 * DAY},
		{"P3650D", 3650 * DAY},
		{"PT87600H", 87600 * HOUR},
		{"PT0.5S", SECOND / 2},
		{"PT0,25S", SECOND / 4},
		{"PT1.000001S", SECOND + 1},
		{"PT1.0000019999S", SECOND + 1},
		{"PT1.5S", SECOND * 3 / 2},
		{"PT007S", 7 * SECOND},
		{"PT99999999999999999999S", INT64_MAX},
		{"P99999999999999999999W", INT64_MAX},
		{"P106751992D", INT64_MAX},
		{"P106751991DT4H54.775807S", INT64_MAX},
		{"P106751991DT4H54.775806S", INT64_MAX - 1},
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (!duration_parse(span_of(good[i].text), &us))
			fail_msg("refused: %s", good[i].text);
		if (us != good[i].us)
			fail_msg("%s: %lld", good[i].text, (long long)us);
	}
}

static void bad_ones(void **state)
{
	static const char *const bad[] = {
		"",      "P",       "PT",          "T1S",    "1S",      "60",     "P1",
		"PT1",   "P1Y",     "P1M",         "P1Y2D",  "P1DT",    "P1H",    "PT1D",
		"PT1W",  "P1W1D",   "P1D1W",       "P1WT1H", "PT1S1M",  "PT1M1H", "PT1S1S",
		"P1D1D", "-PT1S",   "+PT1S",       "PT-1S",  "PT+1S",   "pt1s",   "PT1s",
		"PT1.S", "PT.5S",   "PT1.5H",      "PT1.0M", "P1.5D",   "P0.5W",  " PT1S",
		"PT1S ", "PT1 S",   "PT1S\n",      "PTS",    "PT1..5S", "PT1HS",  "P1D T1",
		"PT1H2", "P1DPT1H", "PT1E3S",      "PT0x1S", "P1DTT1S", "PT1S.5", "now",
		"1:00",  "P-1D",    "PT\xC2\xB2S",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (duration_parse(span_of(bad[i]), &us))
			fail_msg("taken: %s", bad[i]);
	assert_false(duration_parse((struct span){NULL, 0}, &us));
	assert_false(duration_parse((struct span){"PT1S\0", 5}, &us));
}

static void written_ones(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} written[] = {
		{0, "PT0S"},
		{1, "PT0.000001S"},
		{SECOND / 4, "PT0.25S"},
		{SECOND, "PT1S"},
		{90 * SECOND + 500000, "PT90.5S"},
		{DAY, "PT86400S"},
		{INT64_MAX, "PT9223372036854.775807S"},
	};
	struct str out;
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(written) / sizeof(*written); i++) {
		str_init(&out, 64);
		duration_append(&out, written[i].us);
		assert_string_equal(str_text(&out), written[i].text);
		assert_true(duration_parse(str_span(&out), &us));
		assert_int_equal(us, written[i].us);
		str_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(written_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
