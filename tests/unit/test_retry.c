/* test_retry.c - when to try again. */
#include "almanac/fetch.h"
#include "story.h"

enum { SECOND = 1000000, HOUR = 3600 };

/* Sun, 06 Nov 1994 08:49:37 GMT */
enum { THEN = 784111777 };

static void test_delay_doubles_within_its_band(void **state)
{
	(void)state;
	int64_t base = 5 * (int64_t)SECOND;
	for (int attempt = 1; attempt <= 8; attempt++) {
		int64_t middle = base << (attempt - 1);
		int64_t least = INT64_MAX, most = 0;
		for (uint64_t i = 0; i < 2000; i++) {
			uint64_t random = i * UINT64_C(0x9e3779b97f4a7c15);
			int64_t delay = retry_delay_us(attempt, base, 100 * middle, random);
			least = delay < least ? delay : least;
			most = delay > most ? delay : most;
		}
		assert_in_range(least, middle / 2, middle / 2 + middle / 50);
		assert_in_range(most, middle + middle / 2 - middle / 50, middle + middle / 2 - 1);
	}
}

static void test_delay_never_exceeds_its_cap(void **state)
{
	(void)state;
	static const int attempts[] = {1, 2, 3, 10, 40, 63, 64, 65, 1000, INT32_MAX};
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int64_t cap = 60 * (int64_t)SECOND;
		int64_t low = retry_delay_us(attempts[i], SECOND, cap, 0);
		int64_t high = retry_delay_us(attempts[i], SECOND, cap, UINT64_MAX);
		assert_in_range(low, SECOND / 2, cap);
		assert_in_range(high, low, cap);
	}
	assert_in_range(retry_delay_us(1, 10, 4, UINT64_MAX), 2, 4);
	assert_true(retry_delay_us(INT32_MAX, 1, INT64_MAX / 2, 0) > 0);
}

static void test_capped_delays_still_differ(void **state)
{
	(void)state;
	int64_t one = retry_delay_us(20, SECOND, HOUR, 100);
	int64_t other = retry_delay_us(20, SECOND, HOUR, 1700);
	assert_int_not_equal(one, other);
}

static int64_t after(const char *value)
{
	return retry_after_s(span_of(value), THEN, HOUR);
}

static void test_retry_after_in_seconds(void **state)
{
	(void)state;
	assert_int_equal(after("0"), 0);
	assert_int_equal(after("120"), 120);
	assert_int_equal(after("  7 "), 7);
	assert_int_equal(after("0007"), 7);
	assert_int_equal(after("3600"), HOUR);
	assert_int_equal(after("3601"), HOUR);
	assert_int_equal(after("99999999999999999999999999999999"), HOUR);
	assert_int_equal(retry_after_s(SPAN("120"), THEN, 0), 0);
}

static void test_retry_after_as_a_date(void **state)
{
	(void)state;
	assert_int_equal(after("Sun, 06 Nov 1994 08:50:37 GMT"), 60);
	assert_int_equal(after("Sunday, 06-Nov-94 08:50:37 GMT"), 60);
	assert_int_equal(after("Sun Nov  6 08:50:37 1994"), 60);
	assert_int_equal(after("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
	assert_int_equal(after("Sun, 06 Nov 1994 00:00:00 GMT"), 0);
	assert_int_equal(after("Fri, 31 Dec 2999 23:59:59 GMT"), HOUR);
}

static void test_retry_after_that_says_nothing(void **state)
{
	(void)state;
	static const char *const values[] = {
		"",
		" ",
		"-1",
		"+1",
		"1.5",
		"1e3",
		"soon",
		"12 s",
		"0x10",
		"1, 2",
		"null",
		"tomorrow",
		"1994-11-06",
		"Sun, 06 Nov",
		"Sun, 99 Foo 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT and so on and on, for longer than any date would be",
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (after(values[i]) != -1)
			fail_msg("\"%s\" was understood", values[i]);
	}
	assert_int_equal(after(NULL), -1);
	assert_int_equal(retry_after_s(SPAN("Sun,\0 06 Nov 1994 08:49:37 GMT"), THEN, HOUR), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delay_doubles_within_its_band),
		cmocka_unit_test(test_delay_never_exceeds_its_cap),
		cmocka_unit_test(test_capped_delays_still_differ),
		cmocka_unit_test(test_retry_after_in_seconds),
		cmocka_unit_test(test_retry_after_as_a_date),
		cmocka_unit_test(test_retry_after_that_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
