/* retry.c - when to try again; those who plan calls ask it, it asks libcurl to read a date. */
#include <assert.h>
#include <curl/curl.h>
#include <string.h>

#include "almanac/fetch.h"

enum { DATE_MAX = 63 };

/* base * 2^(attempt-1), stopping at cap, so that nothing overflows. */
static int64_t grow(int attempt, int64_t base_us, int64_t cap_us)
{
	int64_t delay_us = base_us;
	while (--attempt > 0 && delay_us <= cap_us / 2)
		delay_us *= 2;
	return attempt > 0 || delay_us > cap_us ? cap_us : delay_us;
}

static int64_t read_seconds(struct span digits, int64_t cap_s)
{
	int64_t seconds = 0;
	for (size_t i = 0; i < digits.length; i++) {
		if (digits.bytes[i] < '0' || digits.bytes[i] > '9')
			return -1;
		/* The remaining bytes are still checked, only the number grows no further. */
		if (seconds < cap_s)
			seconds = seconds * 10 + (digits.bytes[i] - '0');
	}
	return seconds < cap_s ? seconds : cap_s;
}

/* All three forms of RFC 9110 section 5.6.7 begin with the name of a weekday. */
static int64_t read_date(struct span text, int64_t now_unix_s, int64_t cap_s)
{
	char date[DATE_MAX + 1];
	if (text.length > DATE_MAX || memchr(text.bytes, '\0', text.length) != NULL ||
	    memchr("MTWFS", text.bytes[0], 5) == NULL)
		return -1;
	memcpy(date, text.bytes, text.length);
	date[text.length] = '\0';
	int64_t at_s = curl_getdate(date, NULL);
	if (at_s < 0)
		return -1;
	int64_t wait_s = at_s > now_unix_s ? at_s - now_unix_s : 0;
	return wait_s < cap_s ? wait_s : cap_s;
}

int64_t retry_delay_us(int attempt, int64_t base_us, int64_t cap_us, uint64_t random)
{
	assert(attempt >= 1 && base_us > 0 && cap_us > 0);
	int64_t delay_us = grow(attempt, base_us, cap_us);
	int64_t spread_us = delay_us / 2 + (int64_t)(random % (uint64_t)delay_us);
	return spread_us < cap_us ? spread_us : cap_us;
}

int64_t retry_after_s(struct span value, int64_t now_unix_s, int64_t cap_s)
{
	assert(cap_s >= 0 && cap_s <= INT32_MAX);
	value = span_trim(value);
	if (value.length == 0)
		return -1;
	if (value.bytes[0] >= '0' && value.bytes[0] <= '9')
		return read_seconds(value, cap_s);
	return read_date(value, now_unix_s, cap_s);
}
