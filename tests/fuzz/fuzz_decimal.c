/* fuzz_decimal.c - a price that is read is written and read again as the same price */
#include <assert.h>

#include "almanac/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct str out;
	int64_t millionths;
	int64_t again;

	if (!decimal_parse(text, &millionths))
		return 0;
	assert(millionths >= 0 && millionths < INT64_C(1000000000000) * DECIMAL_ONE);
	str_init(&out, 64);
	decimal_append(&out, millionths);
	assert(!out.has_overflowed && decimal_parse(str_span(&out), &again));
	assert(again == millionths);
	str_finish(&out);
	return 0;
}
