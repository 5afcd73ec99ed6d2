/* Sorted runs of a picture's entries, merged into one. Called by catalog_follow.c. */
#ifndef ALMANAC_CATALOG_RUNS_H
#define ALMANAC_CATALOG_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "snapshot.h"

struct runs {
	struct run *items;
	size_t count, size;
};

void runs_init(struct runs *runs);
void runs_finish(struct runs *runs);

/* Sorts the snapshot's entries from the place `from` on: a run. */
void runs_add(struct runs *runs, struct snapshot *snapshot, size_t from);

/* Before the first merge; from now on the snapshot must stay as it is. */
void runs_begin(struct runs *runs, const struct snapshot *snapshot);

/* Appends the next entries in order, `most` of them. False when all are there. */
bool runs_merge(struct runs *runs, const struct snapshot *snapshot, struct snapshot *into,
		size_t most);

#endif
