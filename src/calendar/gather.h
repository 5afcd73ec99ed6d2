/*
 * Items and problems as a reader finds them, one by one; then ordered, each id once, with what is held.
 */
#ifndef ALMANAC_CALENDAR_GATHER_H
#define ALMANAC_CALENDAR_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/str.h"
#include "source.h"

struct calendar_gather {
	struct arena *arena;
	struct calendar_item *all;
	size_t count, room;
	struct calendar_problem *problems;
	size_t problem_count, rejected_count, problem_room;
	struct span *held; /* series, as they came */
	size_t held_count, held_room;
	bool holds_all;
};

/* The list, or a larger copy of it: with room for one more, each of `size` bytes. */
void *calendar_grow(struct arena *arena, void *list, size_t count, size_t *room, size_t size);

/* Its first bytes, at most so many, whole characters. */
struct span calendar_cut(struct span text, size_t max_bytes);

/* Within the years 1 to 9999. */
bool calendar_is_in_range(int64_t unix_us);

/* The item's texts are borrowed: they live as long as the arena. */
void calendar_gather_add(struct calendar_gather *gather, const struct calendar_item *item);

/* The series is copied (and cut); the reason is not. */
void calendar_gather_reject(struct calendar_gather *gather, struct span series, int64_t place,
			    const char *reason);
void calendar_gather_remark(struct calendar_gather *gather, struct span series, int64_t place,
			    const char *reason);

/* What is stored of the series stays, unless it has an item after all. */
void calendar_gather_hold(struct calendar_gather *gather, struct span series);

/* Of items with the same id the one updated last counts, else the last. `drops_removed`: then those that
 * are removed are left out. */
void calendar_gather_end(struct calendar_gather *gather, bool drops_removed,
			 struct calendar_items *items);

#endif
