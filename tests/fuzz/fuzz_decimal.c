/* fuzz_decimal.c - a price that is read is written and read again as the same price */
#include <assert.h>
#include <string.h>

#include "almanac/decimal.h"

#define MOST (INT64_C(1000000000000) * DECIMAL_ONE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(int64_t millionths)
{
	struct str out;
	int64_t again;

	str_init(&out, 64);
	decimal_append(&out, millionths);
	assert(!out.has_overflowed);
	if (millionths >= 0 && millionths < MOST)
		assert(decimal_parse(str_span(&out), &again) && again == millionths);
	str_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	int64_t millionths;

	if (decimal_parse(text, &millionths)) {
		assert(millionths >= 0 && millionths < MOST);
		check_written(millionths);
	}
	if (size >= sizeof(millionths)) {
		memcpy(&millionths, data, sizeof(millionths));
		check_written(millionths);
	}
	return 0;
}
