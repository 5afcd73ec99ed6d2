/* fuzz_retry_after.c - whatever a server answers, the wait is bounded, and more time gone by never
 * makes it longer */
#include <assert.h>
#include <string.h>

#include "almanac/fetch.h"
#include "almanac/fields.h"
#include "almanac/moment.h"

#define DAY_S 86400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_number(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
	return text.length > 0;
}

/* A number is that many seconds, up to the cap, whatever the time is. */
static void check_number(struct span value, int64_t now_s, int64_t wait_s)
{
	int64_t number;

	if (!is_number(span_trim(value)))
		return;
	if (!integer_parse(span_trim(value), &number) || number > DAY_S)
		number = DAY_S;
	assert(wait_s == number);
	assert(retry_after_s(value, now_s + 12345, DAY_S) == number);
}

/* A date as we would write it means the time until then. */
static void check_date(struct span value, int64_t now_s, int64_t wait_s)
{
	int64_t at_s, expected;

	if (!moment_parse_http(value, &at_s) || at_s < 0)
		return;
	expected = at_s <= now_s ? 0 : at_s - now_s;
	assert(wait_s == (expected < DAY_S ? expected : DAY_S));
}

static void check_value(struct span value, int64_t now_s)
{
	int64_t wait_s = retry_after_s(value, now_s, DAY_S);
	int64_t later_s = retry_after_s(value, now_s + 60, DAY_S);

	assert(wait_s >= -1 && wait_s <= DAY_S);
	assert((wait_s == -1) == (later_s == -1));
	assert(later_s <= wait_s);
	assert(retry_after_s(value, now_s, 0) <= 0);
	check_number(value, now_s, wait_s);
	check_date(value, now_s, wait_s);
}

static void check_delay(const uint8_t *data, size_t size)
{
	uint64_t random = 0;
	int attempt = size ? data[0] + 1 : 1;
	int64_t delay_us;

	memcpy(&random, data, size < sizeof(random) ? size : sizeof(random));
	delay_us = retry_delay_us(attempt, 1000, 60000000, random);
	assert(delay_us >= 500 && delay_us <= 60000000);
	assert(attempt > 1 || delay_us < 1500);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = {(const char *)data, size};

	check_value(value, 784111777); /* Sun, 06 Nov 1994 08:49:37 GMT */
	check_value(value, 0);
	check_delay(data, size);
	return 0;
}
