/* test_snapshot.c - windows over the catalog in memory against a plain walk, texts shared by
 * generations, and memory counted as it is */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/snapshot.h"
#include "story.h"

static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static void drop(struct snapshot *snapshot)
{
	publication_drop(&snapshot->publication);
}

/* `count` events with starts on 0 … span-1: many at once, some of them very long. */
static struct snapshot *make_random(size_t count, uint32_t span)
{
	struct snapshot *snapshot = snapshot_create();
	struct snapshot_entry *entries = calloc(count + 1, sizeof(*entries));
	int64_t start = 0;

	assert_non_null(entries);
	for (size_t i = 0; i < count; i++) {
		start += roll((uint32_t)(2 * span / count) + 2);
		entries[i].start_us = start;
		entries[i].end_us = start + (roll(10) ? roll(5) : roll(2 * span));
		entries[i].id = (int64_t)(i + 1) * 2;
		entries[i].text = snapshot_keep_text(snapshot, SPAN("\"title\":\"x\"}"));
		entries[i].text_length = 12;
		snapshot_append(snapshot, &entries[i]);
	}
	snapshot_seal(snapshot);
	free(entries);
	return snapshot;
}

/* --- windows --------------------------------------------------------------------------------------- */

static bool is_in_window(const struct snapshot_entry *entry, const struct snapshot_window *window)
{
	switch (window->match) {
	case MATCH_WITHIN:
		return entry->start_us >= window->from_us && entry->end_us <= window->to_us;
	case MATCH_STARTS:
		return entry->start_us >= window->from_us && entry->start_us <= window->to_us;
	case MATCH_OVERLAPS:
	default:
		return entry->start_us <= window->to_us && entry->end_us >= window->from_us;
	}
}

static bool is_behind_cursor(const struct snapshot_entry *entry,
			     const struct snapshot_window *window)
{
	return !window->has_cursor || entry->start_us > window->cursor_start_us ||
	       (entry->start_us == window->cursor_start_us && entry->id > window->cursor_id);
}

/* The walk and the total, against each event judged by itself. */
static size_t check(const struct snapshot *snapshot, struct snapshot_window window)
{
	size_t found = 0, total = 0;

	snapshot_find(snapshot, &window);
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snapshot_entry *entry = &snapshot->entries[i];

		if (!is_in_window(entry, &window))
			continue;
		total++;
		if (!is_behind_cursor(entry, &window))
			continue;
		found++;
		assert_ptr_equal(snapshot_next(snapshot, &window), entry);
	}
	assert_null(snapshot_next(snapshot, &window));
	assert_null(snapshot_next(snapshot, &window));
	assert_int_equal(snapshot_total(snapshot, &window), total);
	return found;
}

static int64_t roll_bound(uint32_t span, int64_t open)
{
	return roll(8) ? (int64_t)roll(span + span / 4) - (int64_t)(span / 8) : open;
}

static struct snapshot_window roll_window(const struct snapshot *snapshot, uint32_t span)
{
	struct snapshot_window window = {
		.match = (enum snapshot_match)roll(3),
		.from_us = roll_bound(span, INT64_MIN),
		.to_us = roll_bound(span, INT64_MAX),
		.has_cursor = roll(2),
	};

	if (window.from_us > window.to_us && roll(10)) {
		int64_t from_us = window.to_us;

		window.to_us = window.from_us;
		window.from_us = from_us;
	}
	if (snapshot->count && roll(2)) {
		const struct snapshot_entry *entry =
			&snapshot->entries[roll((uint32_t)snapshot->count)];

		window.cursor_start_us = entry->start_us;
		window.cursor_id = entry->id;
	} else {
		window.cursor_start_us = roll_bound(span, roll(2) ? INT64_MIN : INT64_MAX);
		window.cursor_id = roll(4)   ? roll((uint32_t)snapshot->count * 2 + 3)
				   : roll(2) ? INT64_MAX
					     : INT64_MIN;
	}
	return window;
}

static void random_windows_are_found(void **state)
{
	static const size_t counts[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 3000};
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < LENGTH(counts); i++) {
		for (uint32_t span = 3; span < 10000; span *= 8) {
			struct snapshot *snapshot = make_random(counts[i], span);

			for (int round = 0; round < 300; round++)
				found += check(snapshot, roll_window(snapshot, span));
			drop(snapshot);
		}
	}
	assert_true(found > 100000); /* the test is about something */
}

/* Every bound at, before and behind every event, inclusive on both sides. */
static void bounds_are_inclusive(void **state)
{
	static const int64_t times[][2] = {{10, 10}, {10, 20}, {10, 30}, {20, 20}, {30, 40}};
	struct snapshot *snapshot = snapshot_create();

	(void)state;
	for (size_t i = 0; i < LENGTH(times); i++) {
		const struct snapshot_entry entry = {
			.id = (int64_t)i + 1, .start_us = times[i][0], .end_us = times[i][1]};

		snapshot_append(snapshot, &entry);
	}
	snapshot_seal(snapshot);
	for (int64_t from = 8; from <= 42; from++)
		for (int64_t to = 8; to <= 42; to++)
			for (int match = MATCH_WITHIN; match <= MATCH_OVERLAPS; match++)
				check(snapshot,
				      (struct snapshot_window){.match = (enum snapshot_match)match,
							       .from_us = from,
							       .to_us = to});
	assert_int_equal(
		check(snapshot,
		      (struct snapshot_window){.match = MATCH_WITHIN, .from_us = 10, .to_us = 20}),
		3);
	assert_int_equal(
		check(snapshot,
		      (struct snapshot_window){.match = MATCH_STARTS, .from_us = 10, .to_us = 20}),
		4);
	assert_int_equal(check(snapshot, (struct snapshot_window){.match = MATCH_OVERLAPS,
								  .from_us = 30,
								  .to_us = 30}),
			 2);
	drop(snapshot);
}

/* Page after page, each beginning behind the last event of the one before: all events, once. */
static void cursors_visit_every_event_once(void **state)
{
	struct snapshot *snapshot = make_random(1000, 200);

	(void)state;
	for (size_t page = 1; page <= 64; page += 21) {
		struct snapshot_window window = {
			.match = MATCH_OVERLAPS, .from_us = INT64_MIN, .to_us = INT64_MAX};
		size_t seen = 0, taken;

		do {
			snapshot_find(snapshot, &window);
			for (taken = 0; taken < page; taken++) {
				const struct snapshot_entry *entry =
					snapshot_next(snapshot, &window);

				if (!entry)
					break;
				assert_ptr_equal(entry, &snapshot->entries[seen++]);
				window.has_cursor = true;
				window.cursor_start_us = entry->start_us;
				window.cursor_id = entry->id;
			}
		} while (taken == page);
		assert_int_equal(seen, snapshot->count);
		assert_int_equal(snapshot_total(snapshot, &window), snapshot->count);
	}
	drop(snapshot);
}

static void an_event_of_the_furthest_times_is_found(void **state)
{
	static const struct snapshot_entry entries[] = {
		{.id = 1, .start_us = INT64_MIN + 1, .end_us = INT64_MAX - 1},
		{.id = 2, .start_us = 0, .end_us = 0},
		{.id = INT64_MAX, .start_us = 0, .end_us = 0},
		{.id = 3, .start_us = INT64_MAX - 1, .end_us = INT64_MAX - 1},
	};
	struct snapshot *snapshot = snapshot_create();

	(void)state;
	for (size_t i = 0; i < LENGTH(entries); i++)
		snapshot_append(snapshot, &entries[i]);
	snapshot_seal(snapshot);
	for (int match = MATCH_WITHIN; match <= MATCH_OVERLAPS; match++) {
		struct snapshot_window window = {.match = (enum snapshot_match)match,
						 .from_us = INT64_MIN,
						 .to_us = INT64_MAX};

		assert_int_equal(check(snapshot, window), 4);
		window.has_cursor = true;
		window.cursor_id = INT64_MAX;
		assert_int_equal(check(snapshot, window), 1);
		window.from_us = 0;
		window.to_us = 0;
		check(snapshot, window);
	}
	drop(snapshot);
}

/* The longest event lies in the first stride, all others end at once: nothing is passed over. */
static void one_long_event_is_not_passed_over(void **state)
{
	(void)state;
	for (size_t place = 0; place < 200; place += 9) {
		struct snapshot *snapshot = snapshot_create();

		for (size_t i = 0; i < 200; i++) {
			const struct snapshot_entry entry = {.id = (int64_t)i,
							     .start_us = (int64_t)i,
							     .end_us = i == place ? 10000
										  : (int64_t)i};

			snapshot_append(snapshot, &entry);
		}
		snapshot_seal(snapshot);
		assert_int_equal(check(snapshot, (struct snapshot_window){.match = MATCH_OVERLAPS,
									  .from_us = 5000,
									  .to_us = 6000}),
				 1);
		drop(snapshot);
	}
}

/* --- texts ------------------------------------------------------------------------------------------ */

static void texts_are_kept(void **state)
{
	enum { TEXTS = 3000 };
	static const char *texts[TEXTS];
	static char bytes[3000];
	struct snapshot *snapshot = snapshot_create();
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		memset(bytes, (int)('a' + i % 26), i);
		texts[i] = snapshot_keep_text(snapshot, (struct span){bytes, i});
		total += i;
	}
	snapshot_keep_text(snapshot, (struct span){NULL, 0});
	assert_int_equal(snapshot->text_bytes, total);
	for (size_t i = 0; i < TEXTS; i++)
		for (size_t at = 0; at < i; at++)
			assert_int_equal(texts[i][at], 'a' + i % 26);
	drop(snapshot);
}

/* What does not fit behind the last text goes into the next block. */
static void a_block_is_filled_to_its_last_byte(void **state)
{
	static char most[SNAPSHOT_BLOCK_BYTES - 5];

	(void)state;
	for (size_t length = 4; length <= 7; length++) {
		struct snapshot *snapshot = snapshot_create();
		const char *first = snapshot_keep_text(snapshot, (struct span){most, sizeof(most)});
		const char *second = snapshot_keep_text(snapshot, (struct span){"1234567", length});

		assert_memory_equal(second, "1234567", length);
		assert_int_equal(second == first + sizeof(most), length <= 5);
		assert_int_equal(snapshot->block_count, length <= 5 ? 1 : 2);
		drop(snapshot);
	}
}

/* Each generation shares the texts of the one before and adds some; they go in any order. */
static void generations_share_their_texts(void **state)
{
	enum { GENERATIONS = 20 };
	struct snapshot *generations[GENERATIONS];
	static char text[60000];

	(void)state;
	for (int i = 0; i < GENERATIONS; i++) {
		generations[i] = snapshot_create();
		if (i > 0) {
			snapshot_share_texts(generations[i], generations[i - 1]);
			for (size_t k = 0; k < generations[i - 1]->count; k++)
				snapshot_append(generations[i], &generations[i - 1]->entries[k]);
		}
		for (int k = 0; k < 10; k++) {
			struct snapshot_entry entry = {.id = i * 10 + k,
						       .text_length = sizeof(text)};

			memset(text, 'a' + i, sizeof(text));
			entry.text = snapshot_keep_text(generations[i],
							(struct span){text, sizeof(text)});
			snapshot_append(generations[i], &entry);
		}
		snapshot_seal(generations[i]);
		assert_int_equal(generations[i]->text_bytes, sizeof(text) * 10 * (size_t)(i + 1));
		assert_int_equal(generations[i]->live_bytes, generations[i]->text_bytes);
	}
	for (int i = 0; i < GENERATIONS; i++) {
		int number = i * 7 % GENERATIONS;
		const struct snapshot *last = generations[GENERATIONS - 1];

		if (number != GENERATIONS - 1)
			drop(generations[number]);
		for (size_t k = 0; k < last->count; k++) {
			assert_int_equal(last->entries[k].text[0], 'a' + (int)(k / 10));
			assert_int_equal(last->entries[k].text[sizeof(text) - 1],
					 'a' + (int)(k / 10));
		}
	}
	drop(generations[GENERATIONS - 1]);
}

/* The maker adds to a block that a published picture shares, and readers never notice. */
static void *read_texts(void *argument)
{
	const struct snapshot *snapshot = argument;
	struct snapshot_window window = {
		.match = MATCH_STARTS, .from_us = INT64_MIN, .to_us = INT64_MAX};
	const struct snapshot_entry *entry;

	for (int round = 0; round < 200; round++) {
		snapshot_find(snapshot, &window);
		while ((entry = snapshot_next(snapshot, &window)))
			assert_memory_equal(entry->text, "\"title\":\"x\"}", 12);
	}
	publication_drop(&((struct snapshot *)argument)->publication);
	return NULL;
}

static void readers_are_not_disturbed(void **state)
{
	enum { READERS = 3 };
	struct snapshot *published = make_random(200, 100), *next = snapshot_create();
	pthread_t readers[READERS];

	(void)state;
	for (int i = 0; i < READERS; i++) {
		publication_hold(&published->publication);
		assert_int_equal(pthread_create(&readers[i], NULL, read_texts, published), 0);
	}
	snapshot_share_texts(next, published);
	for (int i = 0; i < 20000; i++)
		snapshot_keep_text(next, SPAN("another text, in the same block"));
	drop(published);
	drop(next);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
}

/* --- memory ----------------------------------------------------------------------------------------- */

static void the_arrays_are_trimmed(void **state)
{
	struct snapshot *snapshot = snapshot_create();
	const struct snapshot_entry entry = {.id = 1};

	(void)state;
	snapshot_reserve(snapshot, 100000);
	assert_true(snapshot_bytes(snapshot) > 100000 * sizeof(entry));
	snapshot_append(snapshot, &entry);
	snapshot_seal(snapshot);
	assert_int_equal(snapshot->size, 1);
	assert_true(snapshot_bytes(snapshot) < 1000);
	drop(snapshot);
}

static void memory_is_counted_as_it_is(void **state)
{
	static char large[5 << 20];
	struct snapshot *snapshot = make_random(100000, 100000), *next = snapshot_create();
	size_t bytes = snapshot_bytes(snapshot);
	size_t entries = 100000 * sizeof(struct snapshot_entry);
	size_t strides = 100000 / SNAPSHOT_STRIDE * sizeof(int64_t);

	(void)state;
	/* 1.2 MB of texts take two blocks of 1 MiB */
	assert_in_range(bytes, entries + strides + (2 << 20), entries + strides + (2 << 20) + 1000);
	/* a text larger than a block has one of its own */
	snapshot_keep_text(snapshot, (struct span){large, sizeof(large)});
	assert_in_range(snapshot_bytes(snapshot), bytes + sizeof(large),
			bytes + sizeof(large) + 100);
	/* what is shared counts for each */
	snapshot_share_texts(next, snapshot);
	assert_in_range(snapshot_bytes(next), (2 << 20) + sizeof(large),
			(2 << 20) + sizeof(large) + 1000);
	assert_int_equal(next->text_bytes, snapshot->text_bytes);
	drop(snapshot);
	drop(next);
}

static void an_empty_picture_is_no_trouble(void **state)
{
	struct snapshot *empty = snapshot_create(), *next = snapshot_create();
	struct snapshot_window window = {.match = MATCH_OVERLAPS, .from_us = 1, .to_us = 2};

	(void)state;
	assert_true(empty->is_complete);
	snapshot_share_texts(next, empty);
	snapshot_seal(empty);
	snapshot_reserve(next, 10);
	snapshot_seal(next);
	assert_int_equal(check(empty, window), 0);
	assert_int_equal(check(next, window), 0);
	assert_true(snapshot_bytes(empty) < 1000);
	drop(empty);
	drop(next);
	publication_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_windows_are_found),
		cmocka_unit_test(bounds_are_inclusive),
		cmocka_unit_test(cursors_visit_every_event_once),
		cmocka_unit_test(an_event_of_the_furthest_times_is_found),
		cmocka_unit_test(one_long_event_is_not_passed_over),
		cmocka_unit_test(texts_are_kept),
		cmocka_unit_test(a_block_is_filled_to_its_last_byte),
		cmocka_unit_test(generations_share_their_texts),
		cmocka_unit_test(readers_are_not_disturbed),
		cmocka_unit_test(the_arrays_are_trimmed),
		cmocka_unit_test(memory_is_counted_as_it_is),
		cmocka_unit_test(an_empty_picture_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
