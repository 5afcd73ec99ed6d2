/*
 * The parts of the reader of JSON lists: one item; and how the next page is asked for.
 */
#ifndef ALMANAC_CALENDAR_JSON_LIST_H
#define ALMANAC_CALENDAR_JSON_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/json.h"
#include "almanac/str.h"
#include "almanac/zone.h"
#include "source.h"

#define CALENDAR_ZONES_MAX 64 /* different names in a list */

struct calendar_named_zone {
	struct span name;
	const struct zone *zone; /* NULL: there is none of that name */
};

/* What is kept lives in the arena; what is read may go before. */
struct calendar_item_reader {
	struct arena *arena;
	const struct zone *zone; /* of times that name none */
	struct calendar_named_zone zones[CALENDAR_ZONES_MAX];
	size_t zone_count;
};

/* NULL when there is none of that name, or too many were asked for. */
const struct zone *calendar_item_zone(struct calendar_item_reader *reader, struct span name);

/* The item's id, as text; empty when there is none that can be used. */
struct span calendar_item_id(struct arena *arena, const struct json *json);

/* NULL: the item is good. Else what is wrong (arena memory). */
const char *calendar_item_read(struct calendar_item_reader *reader, const struct json *json,
			       struct calendar_item *item);

/* What stands in the query of the next request; empty or below zero: it does not. */
struct calendar_question {
	struct span sync_token, page_token;
	int64_t start, limit;
};

/* The source's URL with that in its query; its own parameters stay, but for those that say the same, and
 * those that events.list refuses beside a sync token. */
const char *calendar_question_url(struct arena *arena, struct span url,
				  const struct calendar_question *question);

/* The number that a parameter of the URL's query gives; -1: none. */
int64_t calendar_url_number(struct span url, const char *name);

#endif
