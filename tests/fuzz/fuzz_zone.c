/* fuzz_zone.c - a zone from any file or rule: what the wall shows at an instant is shown then or was
 * before */
#include <assert.h>
#include <string.h>

#include "almanac/zone.h"

#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct zone *zone)
{
	for (int64_t unix_s = FIRST_S; unix_s <= LAST_S; unix_s += INT64_C(1234567891)) {
		int64_t wall_s = zone_wall_s(zone, unix_s);
		int32_t offset_s = zone_offset_s(zone, unix_s);
		int64_t again_s = zone_unix_s(zone, wall_s);

		assert(offset_s > -26 * 3600 && offset_s < 26 * 3600);
		assert(wall_s == unix_s + offset_s);
		assert(again_s - unix_s < 52 * 3600 && unix_s - again_s < 52 * 3600);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct arena *arena = arena_create();
	const struct zone *zone = zone_read(arena, SPAN("file"), text);

	if (!zone)
		zone = zone_of_rule(arena, SPAN("rule"), text);
	if (zone)
		check(zone);
	(void)zone_name_of_windows(text);
	arena_destroy(arena);
	return 0;
}
