/* catalog_runs.c - brings entries that came page by page into the order of searches: each page is
 * sorted by itself, then all are merged through a heap, so that no turn of the loop takes long.
 * Called by catalog_follow.c. */
#include "runs.h"

#include <stdlib.h>

#define FIRST_RUNS 64

/* What is left of a run: places in the snapshot. */
struct run {
	size_t next, end;
};

void runs_init(struct runs *runs)
{
	*runs = (struct runs){0};
}

void runs_finish(struct runs *runs)
{
	free(runs->items);
	runs_init(runs);
}

static int by_start(const void *one, const void *other)
{
	return snapshot_compare(one, other);
}

static void reserve(struct runs *runs)
{
	if (runs->count < runs->size)
		return;
	runs->size = runs->size ? runs->size * 2 : FIRST_RUNS;
	runs->items = realloc(runs->items, runs->size * sizeof(*runs->items));
	if (!runs->items)
		abort();
}

void runs_add(struct runs *runs, struct snapshot *snapshot, size_t from)
{
	size_t count = snapshot->count - from;

	if (count == 0)
		return;
	qsort(snapshot->entries + from, count, sizeof(*snapshot->entries), by_start);
	reserve(runs);
	runs->items[runs->count++] = (struct run){from, snapshot->count};
}

/* --- the heap: the run whose next entry comes first stands first -------------------------------- */

static bool is_before(const struct runs *runs, const struct snapshot *snapshot, size_t one,
		      size_t other)
{
	return snapshot_compare(&snapshot->entries[runs->items[one].next],
				&snapshot->entries[runs->items[other].next]) < 0;
}

static void swap(struct runs *runs, size_t one, size_t other)
{
	struct run kept = runs->items[one];

	runs->items[one] = runs->items[other];
	runs->items[other] = kept;
}

static void sink(struct runs *runs, const struct snapshot *snapshot, size_t at)
{
	for (size_t child = 2 * at + 1; child < runs->count; child = 2 * at + 1) {
		if (child + 1 < runs->count && is_before(runs, snapshot, child + 1, child))
			child++;
		if (!is_before(runs, snapshot, child, at))
			return;
		swap(runs, at, child);
		at = child;
	}
}

void runs_begin(struct runs *runs, const struct snapshot *snapshot)
{
	for (size_t at = runs->count / 2; at-- > 0;)
		sink(runs, snapshot, at);
}

bool runs_merge(struct runs *runs, const struct snapshot *snapshot, struct snapshot *into,
		size_t most)
{
	for (; runs->count > 0 && most > 0; most--) {
		struct run *first = &runs->items[0];

		snapshot_append(into, &snapshot->entries[first->next++]);
		if (first->next == first->end)
			*first = runs->items[--runs->count];
		sink(runs, snapshot, 0);
	}
	return runs->count > 0;
}
