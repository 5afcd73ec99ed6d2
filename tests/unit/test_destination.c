/* test_destination.c - queues, limits, fairness and breakers of the places webhooks go to */
#include "story.h"
#include <stdlib.h>

#include "almanac/clock.h"
#include "timers/destination.h"

#define LIMIT 4

struct fixture {
	struct loop *loop;
	struct destinations all;
	int reopened;
};

static struct fixture *running; /* for the one callback */

static void reopened(struct destinations *all)
{
	assert_ptr_equal(all, &running->all);
	running->reopened++;
}

static int begin(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->loop = loop_create();
	destinations_init(&fixture->all, fixture->loop, LIMIT);
	fixture->all.reopened = reopened;
	running = fixture;
	*state = fixture;
	return 0;
}

static int end(void **state)
{
	struct fixture *fixture = *state;

	destinations_finish(&fixture->all);
	loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

/* A timer that is due there. */
static struct timer_entry *due(struct fixture *fixture, const char *name, bool is_old)
{
	struct timer_entry *entry = calloc(1, sizeof(*entry));

	entry->destination = destination_take(&fixture->all, span_of(name));
	entry->is_old = is_old;
	queue_push(is_old ? &entry->destination->old : &entry->destination->due, entry);
	destination_place(entry->destination);
	return entry;
}

static void make_ready(struct timer_entry *entry)
{
	queue_push(&entry->destination->ready, entry);
	destination_place(entry->destination);
}

static void land(struct timer_entry *entry)
{
	entry->destination->flying--;
	destination_leave(entry->destination, entry);
}

static void give(struct timer_entry *entry)
{
	destination_give(entry->destination);
	free(entry);
}

static void test_destinations_take_turns(void **state)
{
	struct fixture *fixture = *state;
	struct timer_entry *a1 = due(fixture, "http://a:80", false);
	struct timer_entry *a2 = due(fixture, "http://a:80", false);
	struct timer_entry *b1 = due(fixture, "http://b:80", false);

	assert_int_equal(fixture->all.count, 2);
	assert_ptr_equal(destinations_next_due(&fixture->all), a1);
	assert_ptr_equal(destinations_next_due(&fixture->all), b1);
	assert_ptr_equal(destinations_next_due(&fixture->all), a2);
	assert_null(destinations_next_due(&fixture->all));
	destination_leave(a1->destination, a1);
	destination_leave(a2->destination, a2);
	destination_leave(b1->destination, b1);
	give(a1);
	give(a2);
	give(b1);
	assert_int_equal(fixture->all.count, 0);
}

static void test_no_more_than_the_limit_fly_to_one_destination(void **state)
{
	struct fixture *fixture = *state;
	struct timer_entry *entries[LIMIT + 1], *other;

	for (size_t i = 0; i <= LIMIT; i++)
		entries[i] = due(fixture, "http://slow:80", false);
	other = due(fixture, "http://quick:80", false);
	for (struct timer_entry *entry; (entry = destinations_next_due(&fixture->all));)
		make_ready(entry);
	for (size_t i = 0; i < LIMIT + 1; i++)
		assert_non_null(destinations_next_ready(&fixture->all));
	assert_null(destinations_next_ready(&fixture->all));
	assert_int_equal(entries[0]->destination->flying, LIMIT);
	assert_int_equal(other->destination->flying, 1);
	land(entries[0]);
	assert_ptr_equal(destinations_next_ready(&fixture->all), entries[LIMIT]);
	for (size_t i = 1; i <= LIMIT; i++)
		land(entries[i]);
	land(other);
	for (size_t i = 0; i <= LIMIT; i++)
		give(entries[i]);
	give(other);
}

static void test_a_backlog_gets_half_of_the_room(void **state)
{
	enum { PIPE = LIMIT * PIPE_FACTOR };
	struct fixture *fixture = *state;
	struct timer_entry *old[PIPE], *now;
	size_t confirmed = 0;

	for (size_t i = 0; i < PIPE; i++)
		old[i] = due(fixture, "http://a:80", true);
	while (destinations_next_due(&fixture->all))
		confirmed++;
	assert_int_equal(confirmed, PIPE / 2);
	now = due(fixture, "http://a:80", false);
	assert_ptr_equal(destinations_next_due(&fixture->all), now);
	assert_null(destinations_next_due(&fixture->all));
	for (size_t i = 0; i < confirmed; i++)
		destination_leave(old[i]->destination, old[i]);
	destination_leave(now->destination, now);
	while (queue_pop(&now->destination->old))
		;
	for (size_t i = 0; i < PIPE; i++)
		give(old[i]);
	give(now);
}

static void test_a_breaker_opens_lets_one_through_and_closes(void **state)
{
	struct fixture *fixture = *state;
	struct timer_entry *first = due(fixture, "http://ill:80", false);
	struct timer_entry *second = due(fixture, "http://ill:80", false);
	struct destination *destination = first->destination;

	for (int i = 0; i < BREAKER_FAILURES; i++)
		destination_judge(destination, true);
	destination_place(destination);
	assert_true(destination->open_until_us > clock_steady_us());
	assert_null(destinations_next_due(&fixture->all));

	destination->open_until_us = clock_steady_us() - 1; /* the wait is over */
	destination_place(destination);
	assert_ptr_equal(destinations_next_due(&fixture->all), first);
	assert_null(destinations_next_due(&fixture->all));

	destination_judge(destination, true);
	assert_int_equal(destination->wait_us, 2 * BREAKER_FIRST_US);
	destination_judge(destination, false);
	destination_place(destination);
	assert_int_equal(destination->open_until_us, 0);
	assert_ptr_equal(destinations_next_due(&fixture->all), second);
	destination_leave(destination, first);
	destination_leave(destination, second);
	give(first);
	give(second);
}

static void test_the_oldest_that_is_due_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct timer_entry *one = due(fixture, "http://a:80", false);
	struct timer_entry *other = due(fixture, "http://b:80", true);

	one->next_us = 200;
	other->next_us = 100;
	assert_int_equal(destinations_oldest_us(&fixture->all), 100);
	queue_pop(&other->destination->old);
	assert_int_equal(destinations_oldest_us(&fixture->all), 200);
	queue_pop(&one->destination->due);
	assert_int_equal(destinations_oldest_us(&fixture->all), 0);
	destination_place(one->destination);
	destination_place(other->destination);
	give(one);
	give(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_destinations_take_turns, begin, end),
		cmocka_unit_test_setup_teardown(test_no_more_than_the_limit_fly_to_one_destination,
						begin, end),
		cmocka_unit_test_setup_teardown(test_a_backlog_gets_half_of_the_room, begin, end),
		cmocka_unit_test_setup_teardown(test_a_breaker_opens_lets_one_through_and_closes,
						begin, end),
		cmocka_unit_test_setup_teardown(test_the_oldest_that_is_due_is_known, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
