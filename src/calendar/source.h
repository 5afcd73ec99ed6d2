/*
 * Where the events of a calendar come from, as pure functions: bytes in, items out. No I/O (but for
 * tzdata, see zone.h), no SQL, no clock.
 *
 *   generator   calendar_generate()          from the user's id and the hour
 *   json        struct calendar_json         page by page: ask calendar_json_url(), hand the body to
 *                                            calendar_json_read(), until there is no URL any more
 *   ics         calendar_read_ics()          a whole feed
 *
 * Each gives the same: items, problems of single ones, and what has to be left as it is.
 */
#ifndef ALMANAC_CALENDAR_SOURCE_H
#define ALMANAC_CALENDAR_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/str.h"
#include "almanac/zone.h"

#define CALENDAR_ITEMS_MAX 50000   /* of a source */
#define CALENDAR_PROBLEMS_MAX 1000 /* that are kept; all are counted */
#define CALENDAR_PAGES_MAX 2000    /* of a list */
#define CALENDAR_PAGE_LIMIT 500    /* that we ask for */
#define CALENDAR_GENERATED_MAX 5000

/* Bytes of UTF-8. An item with a longer id is refused; longer texts are cut behind a whole character. */
#define CALENDAR_ID_MAX_BYTES 1024 /* of a series; the id of its occurrence is up to 17 longer */
#define CALENDAR_TITLE_MAX_BYTES 1024
#define CALENDAR_LOCATION_MAX_BYTES 1024
#define CALENDAR_DESCRIPTION_MAX_BYTES 16384
#define CALENDAR_TOKEN_MAX_BYTES 4096

enum calendar_status { CALENDAR_CONFIRMED, CALENDAR_TENTATIVE, CALENDAR_CANCELLED };

/* Texts are valid UTF-8 without NUL, empty when not given. Times are unix µs within the years 1 to 9999;
 * those of an all-day event are midnights as if in UTC, the end exclusive. */
struct calendar_item {
	struct span id; /* stable; of an occurrence "<series>/20260112T090000Z" or "…/20260112" */
	struct span series; /* the UID of iCalendar; else the id */
	struct span title, description, location;
	int64_t starts_us, ends_us; /* never before the start; the same: it has no length */
	int64_t updated_us;         /* as the source says; 0: it does not */
	enum calendar_status status;
	bool is_all_day;
	bool is_removed; /* only in changes (see calendar_json_is_incremental()): it has an id, no more */
};

struct calendar_problem {
	struct span series; /* the id; empty: it has none that can be read */
	int64_t place;      /* the item's number in the list, from 1; in iCalendar the line */
	const char *reason; /* "end is before start", "start: no such time zone: Mars/Base" */
	bool is_rejected;   /* the item was left out; false: a remark */
};

struct calendar_items {
	struct calendar_item *all; /* ascending by the bytes of their ids, each id once */
	size_t count;
	struct calendar_problem
		*problems;     /* in the source's order, at most CALENDAR_PROBLEMS_MAX */
	size_t problem_count;  /* all */
	size_t rejected_count; /* those of them that cost an item */

	/* Series that the source tells, but none of whose items can be read: what is stored of them is
	 * not vanished and stays. Ascending, each once. With `holds_all` that goes for whatever is not
	 * among the items: more went wrong than can be told. */
	struct span *held;
	size_t held_count;
	bool holds_all;
};

/* Sorts by start, then id, as lists are ordered. */
void calendar_order_by_start(struct calendar_items *items);

/* --- generator ------------------------------------------------------------------------------------ */

/*
 * The events of a user at that hour (unix seconds / 3600): always the same for the same, 150 to 5,000
 * of them by the user, spread over some weeks before and behind the hour. From one hour to the next a
 * few come, a few change, a few go.
 */
void calendar_generate(struct arena *arena, struct span user, int64_t hour,
		       struct calendar_items *items);

/* --- json ----------------------------------------------------------------------------------------- */

/*
 * Reads the pages of one list: a bare list; an object with `data`, `events` or `items`; with `total`
 * when it knows; events as this API gives them (title or summary, startsAt or start, endsAt or end,
 * updatedAt or updated) or as Google's events.list does, with its tokens.
 *
 * Without tokens the first request is the source's URL as it is, the next ones say `start=` how many
 * came so far (and `limit=`, unless the URL has its own). The list ends with `total`, with an empty page, with a
 * page that repeats the one before (the source does not know `start`), or with a short page: below the
 * limit it echoes or that we asked for, and no multiple of five, which may be a limit it keeps to itself.
 */
struct calendar_json;

/* `sync_token`: where the last list ended, so only changes are asked for; empty: the full list.
 * `floating`: for times that name no zone, when the list itself does not either; NULL: UTC. The URL is
 * copied; all memory is of the arena. */
struct calendar_json *calendar_json_create(struct arena *arena, struct span url,
					   struct span sync_token, const struct zone *floating);

/* What to ask now; NULL: the list is complete. */
const char *calendar_json_url(const struct calendar_json *list);

/* Takes the body of the answer to that. False: it is no page of a list, the whole list is worth nothing;
 * `*complaint` says why in words for people (arena memory). */
bool calendar_json_read(struct calendar_json *list, struct span body, const char **complaint)
	__attribute__((warn_unused_result));

/* When the list is complete. Of items with the same id the one updated last counts, else the last. */
void calendar_json_end(struct calendar_json *list, struct calendar_items *items);

/* The list was asked for with a token: items are changes, others stay as they are. */
bool calendar_json_is_incremental(const struct calendar_json *list);

/* For the next time; empty: the source gives none. */
struct span calendar_json_sync_token(const struct calendar_json *list);

/* How many pages were read. An answer of 304 to the first one speaks for the list only when that has
 * no other. */
size_t calendar_json_page_count(const struct calendar_json *list);

/* --- ics ------------------------------------------------------------------------------------------ */

/*
 * The occurrences of a feed that overlap [from_us, to_us). `floating` as in ics.h. The rules of all series
 * together are bounded by five times what one may take; what is left out for that, or for a limit of its
 * own, is told as a problem. False: the whole feed is worth nothing, `*complaint` says why.
 */
bool calendar_read_ics(struct arena *arena, struct span feed, const struct zone *floating,
		       int64_t from_us, int64_t to_us, struct calendar_items *items,
		       const char **complaint) __attribute__((warn_unused_result));

#endif
