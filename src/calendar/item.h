/* An event as lists tell it, and pages of events that are not stored. */
#ifndef ALMANAC_CALENDAR_ITEM_H
#define ALMANAC_CALENDAR_ITEM_H

#include "source.h"

#define CALENDAR_REACHABLE 5000 /* events of a user's list */

#define ITEM_MAX_BYTES ((size_t)256 << 10)
#define ITEM_DIGEST_LENGTH 32

/* The finished JSON object; `updated_us` is told when the source does not say: 0 is null. */
void item_append(struct str *out, const struct calendar_item *item, int64_t updated_us);

/* Half a SHA-256 of all the source says of it, in hex; `scratch` has room for ITEM_MAX_BYTES. */
void item_digest(const struct calendar_item *item, struct str *scratch,
		 char hex[ITEM_DIGEST_LENGTH + 1]);

struct item_page {
	int64_t start, limit;
	bool has_from, has_to;
	int64_t from_us, to_us; /* what overlaps them */
};

/* The whole body of an answer, from items ordered by their start. */
void item_append_page(struct str *out, const struct calendar_items *items,
		      const struct item_page *page);

/* The end of that body, behind the items; `synced` is a JSON text. */
void item_append_end(struct str *out, const struct item_page *page, int64_t total,
		     const char *origin, struct span synced);

#endif
