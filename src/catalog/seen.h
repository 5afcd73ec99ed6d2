/* Which events a feed has shown: 64-bit keys, and where each was shown last. Called by the sync. */
#ifndef ALMANAC_CATALOG_SEEN_H
#define ALMANAC_CATALOG_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/str.h"

struct seen {
	struct seen_place *places;
	size_t size;     /* a power of two, or 0 */
	size_t count;    /* different keys */
	size_t accepted; /* of these, with at least one event that can be stored */
};

/* The key of an event: the first 64 bits of a SHA-256, never 0. */
uint64_t seen_key(struct span base_id, struct span event_id);

void seen_init(struct seen *seen);
void seen_finish(struct seen *seen);

/* Notes the event at `ordinal` (from 1); 0 for one that cannot be stored. */
void seen_note(struct seen *seen, uint64_t key, uint32_t ordinal);
bool seen_has(const struct seen *seen, uint64_t key);

/* The last ordinal noted; 0 when there is none. */
uint32_t seen_last(const struct seen *seen, uint64_t key);

#endif
