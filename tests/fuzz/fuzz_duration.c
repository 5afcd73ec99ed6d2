/* fuzz_duration.c - any text as a duration: never negative, and written so that it is read again */
#include <assert.h>
#include <stddef.h>

#include "almanac/duration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t duration_us, again_us;
	struct str written;

	if (!duration_parse((struct span){(const char *)data, size}, &duration_us))
		return 0;
	assert(duration_us >= 0);
	str_init(&written, 64);
	duration_append(&written, duration_us);
	assert(!written.has_overflowed);
	assert(duration_parse(str_span(&written), &again_us) && again_us == duration_us);
	str_finish(&written);
	return 0;
}
