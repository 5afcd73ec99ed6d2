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
	struct span *rejected; /* series, as they came */
	size_t series_count, series_room;
	bool holds_all;
};

/* A copy in the arena, at most so many bytes, whole characters. */
struct span calendar_cut(struct arena *arena, struct span text, size_t max_bytes);

/* The item's texts are borrowed: they live as long as the arena. */
void calendar_gather_add(struct calendar_gather *gather, const struct calendar_item *item);

/* The series is copied (and cut); the reason is not. */
void calendar_gather_reject(struct calendar_gather *gather, struct span series, int64_t place,
			    const char *reason);
void calendar_gather_remark(struct calendar_gather *gather, struct span series, int64_t place,
			    const char *reason);

/* What is stored of the series stays, though it has no item here. */
void calendar_gather_hold(struct calendar_gather *gather, struct span series);

/* Of items with the same id the one updated last counts, else the last. `drops_removed`: then those that
 * are removed are left out. */
void calendar_gather_end(struct calendar_gather *gather, bool drops_removed,
			 struct calendar_items *items);

#endif
