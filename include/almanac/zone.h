/*
 * Time zones: what the clock on the wall shows at an instant, and when it shows something.
 *
 * "Wall seconds" are the fields of a clock on the wall counted as if it stood in UTC: 1970-01-01
 * 00:00:00 is 0 everywhere. A zone is a value that never changes; it lives in the arena it was made
 * in. All is computed from bytes, but for zone_load(), which reads the files of the system.
 */
#ifndef ALMANAC_ZONE_H
#define ALMANAC_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/str.h"

struct zone;

/* From this instant on the clock is `offset_s` ahead of UTC. */
struct zone_change {
	int64_t unix_s;
	int32_t offset_s; /* less than 26 hours either way (RFC 8536 section 3.2) */
};

#define ZONE_CHANGES_MAX 4096
#define ZONE_NAME_MAX_BYTES 64
#define ZONE_FILE_MAX_BYTES 262144

const struct zone *zone_utc(void);

/* The bytes of a TZif file (RFC 8536, versions 1 to 4, without leap seconds); the rule in its footer
 * holds for all years behind the last change. NULL when they are not such. */
const struct zone *zone_read(struct arena *arena, struct span name, struct span tzif);

/* A rule alone, as in that footer: "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX, with the wider hours of
 * RFC 8536 section 3.3.1). NULL when it is not such. */
const struct zone *zone_of_rule(struct arena *arena, struct span name, struct span rule);

/* From changes in ascending order, at most ZONE_CHANGES_MAX; before them the offset is
 * `first_offset_s`. */
const struct zone *zone_of_changes(struct arena *arena, struct span name, int32_t first_offset_s,
				   const struct zone_change *changes, size_t count);

/* The zone of that name in the system's tzdata ("Europe/Madrid", "UTC"), read anew at each call.
 * NULL when there is none; no name leads out of tzdata's folder. */
const struct zone *zone_load(struct arena *arena, struct span name);

/* The name in tzdata of a zone as Windows calls it, in any case ("Romance Standard Time" gives
 * "Europe/Paris"); NULL when it is not such a name. */
const char *zone_name_of_windows(struct span name);

struct span zone_name(const struct zone *zone);

/* Ahead of UTC at that instant. */
int32_t zone_offset_s(const struct zone *zone, int64_t unix_s);
int64_t zone_wall_s(const struct zone *zone, int64_t unix_s);

/* When the wall shows it (RFC 5545 section 3.3.5): the first time if it does so twice; a time that is
 * leapt over is read with the offset that held before the leap. */
int64_t zone_unix_s(const struct zone *zone, int64_t wall_s);

#endif
