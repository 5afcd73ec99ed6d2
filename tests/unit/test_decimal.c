/* test_decimal.c - prices are exact in and out */
#include "almanac/decimal.h"
#include "story.h"

static const struct {
	const char *text;
	int64_t millionths;
	const char *written;
} good[] = {
	{"0", 0, "0"},
	{"15", 15000000, "15"},
	{"15.00", 15000000, "15"},
	{"007.50", 7500000, "7.5"},
	{"19.999", 19999000, "19.999"},
	{"0.1", 100000, "0.1"},
	{"0.000001", 1, "0.000001"},
	{"0.1000000000000", 100000, "0.1"},
	{"99999999.99", INT64_C(99999999990000), "99999999.99"},
	{"999999999999.999999", INT64_C(999999999999999999), "999999999999.999999"},
};

static const char *const bad[] = {
	"",
	".",
	".5",
	"5.",
	"-1",
	"+1",
	" 1",
	"1 ",
	"1,5",
	"1.2.3",
	"1e3",
	"0x10",
	"NaN",
	"inf",
	"1000000000000",
	"0000000000001",
	"0.0000001",
	"1.5\xe2\x82\xac",
	"12abc",
};

static void good_ones_go_both_ways(void **state)
{
	struct str out;
	int64_t millionths;

	(void)state;
	str_init(&out, 64);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		str_clear(&out);
		assert_true(decimal_parse(span_of(good[i].text), &millionths));
		assert_int_equal(millionths, good[i].millionths);
		decimal_append(&out, millionths);
		assert_string_equal(str_text(&out), good[i].written);
	}
	str_finish(&out);
}

static void bad_ones_are_refused(void **state)
{
	int64_t millionths;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (decimal_parse(span_of(bad[i]), &millionths))
			fail_msg("taken: \"%s\"", bad[i]);
	}
	assert_false(decimal_parse((struct span){"1\0", 2}, &millionths));
}

static void differences_may_be_negative(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 64);
	decimal_append(&out, -1500000);
	str_append_char(&out, ' ');
	decimal_append(&out, INT64_MIN);
	assert_string_equal(str_text(&out), "-1.5 -9223372036854.775808");
	str_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_go_both_ways),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(differences_may_be_negative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
