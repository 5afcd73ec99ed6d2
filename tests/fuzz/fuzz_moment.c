/* fuzz_moment.c - what is read is a real date, and is read again from what is written */
#include <assert.h>
#include <string.h>

#include "almanac/moment.h"

#define FIRST_US INT64_C(-62135596800000000)
#define LAST_US INT64_C(253402300799999999)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_instant(int64_t unix_us)
{
	char text[MOMENT_TEXT_MAX];
	struct moment moment = moment_of_unix_us(unix_us);
	struct moment again;
	int64_t unix_s;
	size_t length;

	assert(moment.year >= 1 && moment.year <= 9999);
	assert(moment.month >= 1 && moment.month <= 12 && moment.day >= 1 && moment.day <= 31);
	assert(moment.hour <= 23 && moment.minute <= 59 && moment.second <= 59);
	assert(moment_unix_us(&moment) == unix_us);

	length = moment_write_rfc3339(unix_us, text);
	assert(length <= sizeof(text) && moment_parse((struct span){text, length}, &again));
	moment.microsecond -= moment.microsecond % 1000;
	assert(memcmp(&moment, &again, sizeof(moment)) == 0);

	moment.microsecond = 0;
	length = moment_write_http(moment_unix_us(&moment) / 1000000, text);
	assert(moment_parse_http((struct span){text, length}, &unix_s));
	assert(unix_s * 1000000 == moment_unix_us(&moment));
}

static void check_text(struct span text)
{
	char written[MOMENT_TEXT_MAX];
	struct moment moment;
	int64_t unix_s;

	if (moment_parse(text, &moment)) {
		assert(moment.has_time || moment.hour + moment.minute + moment.second == 0);
		assert(moment.has_offset || moment.offset_minutes == 0);
		check_instant(moment_unix_us(&moment));
		assert(moment_write_date(&moment, written) == 10);
		assert(moment_write_time(&moment, written) == 8);
	}
	if (moment_parse_http(text, &unix_s)) {
		assert(moment_write_http(unix_s, written) == text.length);
		assert(memcmp(written, text.bytes, text.length) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t unix_us;

	check_text((struct span){(const char *)data, size});
	if (size >= sizeof(unix_us)) {
		memcpy(&unix_us, data, sizeof(unix_us));
		if (unix_us >= FIRST_US && unix_us <= LAST_US)
			check_instant(unix_us);
	}
	return 0;
}
