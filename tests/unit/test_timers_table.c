/* test_timers_table.c - timers in memory: found by id, ordered by time, taken in turn */
#include "story.h"
#include <stdlib.h>
#include <string.h>

#include "timers/table.h"

#define MANY 5000

static struct uuid id_of(unsigned number)
{
	struct uuid id = {{0}};

	memcpy(id.bytes + 8, &number, sizeof(number));
	return id;
}

static void test_what_was_added_is_found_until_it_is_removed(void **state)
{
	struct timer_table table = {0};

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct uuid id = id_of(i);

		assert_null(table_find(&table, &id));
		table_add(&table, &id)->next_us = i;
	}
	assert_int_equal(table.count, MANY);
	for (unsigned i = 0; i < MANY; i += 2) {
		struct uuid id = id_of(i);

		table_remove(&table, table_find(&table, &id));
	}
	assert_int_equal(table.count, MANY / 2);
	for (unsigned i = 0; i < MANY; i++) {
		struct uuid id = id_of(i);
		struct timer_entry *found = table_find(&table, &id);

		if (i % 2)
			assert_int_equal(found->next_us, i);
		else
			assert_null(found);
	}
	table_finish(&table);
	assert_int_equal(table.size, 0);
}

static void test_the_empty_table_finds_nothing(void **state)
{
	struct timer_table table = {0};
	struct uuid id = id_of(1);

	(void)state;
	assert_null(table_find(&table, &id));
	table_finish(&table);
}

static void test_the_heap_gives_the_earliest_whatever_was_moved_and_removed(void **state)
{
	static struct timer_entry entries[MANY];
	struct timer_heap heap = {0};
	int64_t last = INT64_MIN;
	size_t left = 0;

	(void)state;
	srand(7);
	for (size_t i = 0; i < MANY; i++) {
		entries[i].next_us = rand() % 1000;
		heap_push(&heap, &entries[i]);
	}
	for (size_t i = 0; i < MANY; i++) {
		if (i % 3 == 0) {
			heap_remove(&heap, &entries[i]);
		} else if (i % 3 == 1) {
			entries[i].next_us = rand() % 1000;
			heap_move(&heap, &entries[i]);
		}
		left += i % 3 != 0;
	}
	assert_int_equal(heap.count, left);
	while (heap_first(&heap)) {
		struct timer_entry *first = heap_first(&heap);

		assert_true(first->next_us >= last);
		last = first->next_us;
		heap_remove(&heap, first);
		left--;
	}
	assert_int_equal(left, 0);
	heap_finish(&heap);
}

static void test_the_queue_keeps_the_order(void **state)
{
	struct timer_entry entries[3] = {{.next_us = 1}, {.next_us = 2}, {.next_us = 3}};
	struct timer_queue queue = {0};

	(void)state;
	assert_null(queue_pop(&queue));
	for (size_t i = 0; i < 3; i++)
		queue_push(&queue, &entries[i]);
	assert_int_equal(queue.count, 3);
	assert_ptr_equal(queue_pop(&queue), &entries[0]);
	queue_push(&queue, &entries[0]);
	assert_ptr_equal(queue_pop(&queue), &entries[1]);
	assert_ptr_equal(queue_pop(&queue), &entries[2]);
	assert_ptr_equal(queue_pop(&queue), &entries[0]);
	assert_null(queue_pop(&queue));
	assert_int_equal(queue.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_added_is_found_until_it_is_removed),
		cmocka_unit_test(test_the_empty_table_finds_nothing),
		cmocka_unit_test(test_the_heap_gives_the_earliest_whatever_was_moved_and_removed),
		cmocka_unit_test(test_the_queue_keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
