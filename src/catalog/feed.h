/*
 * A provider's feed, read in pieces: XML in, events and problems out, constant memory.
 *
 * Four dialects: eventList or planList at the root; base_event or base_plan around event or plan
 * around zone; *_start_date and *_end_date, or the older event_date; zone price, or max_price; and
 * every value as attribute or as child element, then without the white space around it.
 */
#ifndef ALMANAC_CATALOG_FEED_H
#define ALMANAC_CATALOG_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/moment.h"
#include "almanac/str.h"

/* One event that can be stored; all borrowed for the call. */
struct feed_event {
	struct span base_id;
	struct span event_id;
	struct span title;
	bool is_online;
	bool is_sold_out;
	bool is_available; /* not sold out, and some zone has capacity */
	struct moment start;
	struct moment end;
	bool has_end;
	struct moment sell_from;
	struct moment sell_to;
	bool has_sell_from; /* false also when what was written is not a date */
	bool has_sell_to;
	bool has_prices;
	int64_t min_price; /* decimal.h */
	int64_t max_price;
	size_t zone_count;
	struct span zones; /* a finished JSON array; empty when not wanted */
};

/* What is wrong with a value, or with an event as a whole. */
struct feed_problem {
	struct span base_id;
	struct span event_id;
	const char *field;
	const char *message; /* "is not a date", "is empty" */
	struct span value;
};

/* Embed it in the owner. Callbacks that return false stop the reading. */
struct feed_listener {
	bool (*event)(struct feed_listener *listener, const struct feed_event *event);
	/* An event that cannot be stored: its problem was told before. */
	bool (*rejected)(struct feed_listener *listener, struct span base_id, struct span event_id);
	void (*problem)(struct feed_listener *listener, const struct feed_problem *problem);
};

struct feed;

struct feed *feed_create(struct feed_listener *listener, bool wants_zones);
void feed_destroy(struct feed *feed);

/* False: not a feed; feed_complaint() says why. */
bool feed_read(struct feed *feed, struct span bytes) __attribute__((warn_unused_result));
bool feed_end(struct feed *feed) __attribute__((warn_unused_result));
const char *feed_complaint(const struct feed *feed);

#endif
