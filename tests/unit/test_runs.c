/* test_runs.c - pages of entries in any order, merged slice by slice into the order of searches */
#include <stdlib.h>

#include "catalog/runs.h"
#include "story.h"

static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static void add_page(struct runs *runs, struct snapshot *snapshot, size_t count)
{
	size_t before = snapshot->count;

	for (size_t i = 0; i < count; i++) {
		int64_t id = (int64_t)snapshot->count + 1;

		snapshot_append(snapshot,
				&(struct snapshot_entry){.id = id, .start_us = roll(40) - 20});
	}
	runs_add(runs, snapshot, before);
}

static struct snapshot *make(struct runs *runs, size_t pages, size_t most)
{
	struct snapshot *snapshot = snapshot_create();

	runs_init(runs);
	for (size_t page = 0; page < pages; page++)
		add_page(runs, snapshot, roll((uint32_t)most + 1));
	return snapshot;
}

/* Each entry has its place and none is there twice: ids go from 1 to the count. */
static void judge(const struct snapshot *merged, size_t count)
{
	bool *seen = calloc(count + 1, sizeof(*seen));

	assert_non_null(seen);
	assert_int_equal(merged->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_false(seen[merged->entries[i].id]);
		seen[merged->entries[i].id] = true;
		if (i)
			assert_true(snapshot_compare(&merged->entries[i - 1], &merged->entries[i]) <
				    0);
	}
	free(seen);
}

static void merge(size_t pages, size_t most, size_t slice)
{
	struct runs runs;
	struct snapshot *source = make(&runs, pages, most);
	struct snapshot *merged = snapshot_create();
	size_t turns = 1;

	runs_begin(&runs, source);
	while (runs_merge(&runs, source, merged, slice)) {
		assert_int_equal(merged->count, turns * slice);
		turns++;
	}
	judge(merged, source->count);
	runs_finish(&runs);
	publication_drop(&source->publication);
	publication_drop(&merged->publication);
}

static void pages_become_one_order(void **state)
{
	(void)state;
	for (size_t pages = 0; pages < 150; pages++)
		merge(pages, 30, 7);
}

static void one_page_is_sorted(void **state)
{
	(void)state;
	merge(1, 1000, 64);
}

static void pages_may_be_empty(void **state)
{
	(void)state;
	merge(100, 1, 3);
	merge(5, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_become_one_order),
		cmocka_unit_test(one_page_is_sorted),
		cmocka_unit_test(pages_may_be_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
