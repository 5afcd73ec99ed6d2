/* calendar_gather.c - what readers of sources find, gathered and ordered; they call me, I call nobody */
#include "gather.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_US INT64_C(-62135596800000000) /* 0001-01-01T00:00:00Z */
#define LAST_US INT64_C(253402300799999999)  /* 9999-12-31T23:59:59.999999Z */

struct placed {
	struct calendar_item item;
	size_t place;
};

/* --- gathering -------------------------------------------------------------------------------------- */

void *calendar_grow(struct arena *arena, void *list, size_t count, size_t *room, size_t size)
{
	void *larger;

	if (count < *room)
		return list;
	*room = *room > 0 ? 2 * *room : 32;
	larger = arena_alloc(arena, *room * size);
	if (count > 0)
		memcpy(larger, list, count * size);
	return larger;
}

struct span calendar_cut(struct span text, size_t max_bytes)
{
	if (text.length <= max_bytes)
		return text;
	text.length = max_bytes;
	while (text.length > 0 && ((unsigned char)text.bytes[text.length] & 0xC0) == 0x80)
		text.length--;
	return text;
}

bool calendar_is_in_range(int64_t unix_us)
{
	return unix_us >= FIRST_US && unix_us <= LAST_US;
}

void calendar_gather_add(struct calendar_gather *gather, const struct calendar_item *item)
{
	gather->all = calendar_grow(gather->arena, gather->all, gather->count, &gather->room,
				    sizeof(*gather->all));
	gather->all[gather->count++] = *item;
}

void calendar_gather_hold(struct calendar_gather *gather, struct span series)
{
	if (series.length == 0 || series.length > CALENDAR_ID_MAX_BYTES)
		return;
	gather->held = calendar_grow(gather->arena, gather->held, gather->held_count,
				     &gather->held_room, sizeof(*gather->held));
	gather->held[gather->held_count++] = arena_copy(gather->arena, series);
}

static void tell(struct calendar_gather *gather, const struct calendar_problem *problem)
{
	struct calendar_problem *told;

	if (gather->problem_count++ >= CALENDAR_PROBLEMS_MAX)
		return;
	gather->problems = calendar_grow(gather->arena, gather->problems, gather->problem_count - 1,
					 &gather->problem_room, sizeof(*gather->problems));
	told = &gather->problems[gather->problem_count - 1];
	*told = *problem;
	told->series =
		arena_copy(gather->arena, calendar_cut(problem->series, CALENDAR_ID_MAX_BYTES));
}

void calendar_gather_reject(struct calendar_gather *gather, struct span series, int64_t place,
			    const char *reason)
{
	tell(gather, &(struct calendar_problem){series, place, reason, true});
	gather->rejected_count++;
}

void calendar_gather_remark(struct calendar_gather *gather, struct span series, int64_t place,
			    const char *reason)
{
	tell(gather, &(struct calendar_problem){series, place, reason, false});
}

/* --- ordering --------------------------------------------------------------------------------------- */

static int compare_spans(struct span one, struct span other)
{
	size_t common = one.length < other.length ? one.length : other.length;
	int order = common > 0 ? memcmp(one.bytes, other.bytes, common) : 0;

	return order != 0 ? order : (one.length > other.length) - (one.length < other.length);
}

static int compare_placed(const void *left, const void *right)
{
	const struct placed *one = left;
	const struct placed *other = right;
	int order = compare_spans(one->item.id, other->item.id);

	return order != 0 ? order : (one->place > other->place) - (one->place < other->place);
}

static bool is_older(const struct calendar_item *item, const struct calendar_item *other)
{
	return item->updated_us != 0 && other->updated_us != 0 &&
	       item->updated_us < other->updated_us;
}

static bool is_same_id(const struct calendar_item *one, const struct calendar_item *other)
{
	return span_equals(one->id, other->id);
}

/* Into `items`, from sorted ones. */
static void keep_one_of_each(const struct placed *placed, size_t count, bool drops_removed,
			     struct calendar_items *items)
{
	for (size_t i = 0; i < count;) {
		const struct calendar_item *best = &placed[i].item;

		for (i++; i < count && is_same_id(best, &placed[i].item); i++)
			if (!is_older(&placed[i].item, best))
				best = &placed[i].item;
		if (!best->is_removed || !drops_removed)
			items->all[items->count++] = *best;
	}
}

static void order_items(struct calendar_gather *gather, bool drops_removed,
			struct calendar_items *items)
{
	size_t count = gather->count;
	struct placed *placed = arena_alloc(gather->arena, (count + 1) * sizeof(*placed));

	for (size_t i = 0; i < count; i++)
		placed[i] = (struct placed){gather->all[i], i};
	qsort(placed, count, sizeof(*placed), compare_placed);
	items->all = arena_alloc(gather->arena, (count + 1) * sizeof(*items->all));
	keep_one_of_each(placed, count, drops_removed, items);
}

/* --- what is held ----------------------------------------------------------------------------------- */

static int compare_series(const void *left, const void *right)
{
	return compare_spans(*(const struct span *)left, *(const struct span *)right);
}

/* The series of the items, ascending. */
static struct span *series_of(struct arena *arena, const struct calendar_items *items)
{
	struct span *series = arena_alloc(arena, (items->count + 1) * sizeof(*series));

	for (size_t i = 0; i < items->count; i++)
		series[i] = items->all[i].series;
	qsort(series, items->count, sizeof(*series), compare_series);
	return series;
}

static void find_held(struct calendar_gather *gather, struct calendar_items *items)
{
	struct span *told;

	if (gather->held_count == 0)
		return;
	told = series_of(gather->arena, items);
	qsort(gather->held, gather->held_count, sizeof(*gather->held), compare_series);
	items->held = gather->held;
	for (size_t i = 0; i < gather->held_count; i++) {
		const struct span *series = &gather->held[i];

		if (items->held_count > 0 &&
		    compare_series(series, &items->held[items->held_count - 1]) == 0)
			continue;
		if (!bsearch(series, told, items->count, sizeof(*told), compare_series))
			items->held[items->held_count++] = *series;
	}
}

/* --- the door --------------------------------------------------------------------------------------- */

void calendar_gather_end(struct calendar_gather *gather, bool drops_removed,
			 struct calendar_items *items)
{
	*items = (struct calendar_items){.problems = gather->problems,
					 .problem_count = gather->problem_count,
					 .rejected_count = gather->rejected_count,
					 .holds_all = gather->holds_all};
	order_items(gather, drops_removed, items);
	find_held(gather, items);
}

static int compare_starts(const void *left, const void *right)
{
	const struct calendar_item *one = left;
	const struct calendar_item *other = right;

	if (one->starts_us != other->starts_us)
		return one->starts_us < other->starts_us ? -1 : 1;
	return compare_spans(one->id, other->id);
}

void calendar_order_by_start(struct calendar_items *items)
{
	if (items->count > 0)
		qsort(items->all, items->count, sizeof(*items->all), compare_starts);
}
