/* test_calendar_generator.c - the built-in source: the same at the same hour, a few others an hour later */
#include <string.h>

#include "calendar/source.h"
#include "story.h"

#define HOUR_US (3600 * INT64_C(1000000))
#define DAY_US (24 * HOUR_US)
#define NOW 491000 /* an hour in January 2026 */
#define FEW 12

static struct calendar_items of(struct arena *arena, const char *user, int64_t hour)
{
	struct calendar_items items;

	calendar_generate(arena, span_of(user), hour, &items);
	return items;
}

static bool is_same(const struct calendar_item *one, const struct calendar_item *other)
{
	return span_equals(one->id, other->id) && span_equals(one->title, other->title) &&
	       span_equals(one->description, other->description) &&
	       span_equals(one->location, other->location) && one->starts_us == other->starts_us &&
	       one->ends_us == other->ends_us && one->updated_us == other->updated_us &&
	       one->status == other->status && one->is_all_day == other->is_all_day;
}

struct difference {
	size_t created, updated, deleted, unchanged;
};

static int order_of_ids(const struct calendar_item *one, const struct calendar_item *other)
{
	assert_int_equal(one->id.length, other->id.length);
	return memcmp(one->id.bytes, other->id.bytes, one->id.length);
}

static struct difference compare(const struct calendar_items *before,
				 const struct calendar_items *now)
{
	struct difference found = {0};
	size_t old = 0, new = 0;

	while (old < before->count && new < now->count) {
		int order = order_of_ids(&before->all[old], &now->all[new]);

		if (order < 0)
			found.deleted++;
		else if (order > 0)
			found.created++;
		else if (is_same(&before->all[old], &now->all[new]))
			found.unchanged++;
		else
			found.updated++;
		old += order <= 0;
		new += order >= 0;
	}
	found.deleted += before->count - old;
	found.created += now->count - new;
	return found;
}

/* --- stories ---------------------------------------------------------------------------------------- */

static void the_same_hour_gives_the_same(void **state)
{
	struct calendar_items one = of(*state, "1", NOW);
	struct calendar_items other = of(*state, "1", NOW);

	assert_int_equal(compare(&one, &other).unchanged, CALENDAR_GENERATED_MAX);
}

static void users_have_calendars_of_their_own(void **state)
{
	static const char *const users[] = {"1", "2", "3", "4", "5", "17", "b1946ac9", ""};
	static const size_t sizes[] = {5000, 2000, 800, 3500, 150, 2000, 3500, 5000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		assert_int_equal(of(*state, users[i], NOW).count, sizes[i]);
	assert_int_equal(
		compare(&(struct calendar_items){.all = of(*state, "3", NOW).all, .count = 800},
			&(struct calendar_items){.all = of(*state, "8", NOW).all, .count = 800})
			.unchanged,
		0);
}

static void assert_a_few(struct difference found, size_t size)
{
	assert_in_range(found.created, 1, FEW);
	assert_in_range(found.updated, 1, FEW);
	assert_int_equal(found.deleted, found.created);
	assert_int_equal(found.unchanged, size - found.updated - found.deleted);
}

static void from_hour_to_hour_a_few_come_change_and_go(void **state)
{
	static const char *const users[] = {"1", "2", "3", "4", "5"};
	static const int64_t hours[] = {10000, 10777, NOW, NOW + 12345, 1000000, 69999000};

	for (size_t user = 0; user < sizeof(users) / sizeof(*users); user++)
		for (size_t at = 0; at < sizeof(hours) / sizeof(*hours); at++) {
			struct calendar_items before = of(*state, users[user], hours[at]);
			struct calendar_items now = of(*state, users[user], hours[at] + 1);

			assert_a_few(compare(&before, &now), before.count);
		}
}

/* Many hours in a row: no hour without a change of each kind. */
static void a_small_calendar_changes_every_hour(void **state)
{
	struct calendar_items before = of(*state, "5", NOW);

	for (int64_t hour = NOW + 1; hour < NOW + 400; hour++) {
		struct calendar_items now = of(*state, "5", hour);

		assert_a_few(compare(&before, &now), before.count);
		before = now;
	}
}

static void assert_good(const struct calendar_item *item, int64_t hour)
{
	assert_true(item->title.length > 0 && span_is_text(item->title));
	assert_true(span_is_text(item->location) && span_is_text(item->description));
	assert_true(item->starts_us < item->ends_us);
	assert_true(item->starts_us > hour * HOUR_US - 80 * DAY_US);
	assert_true(item->starts_us < hour * HOUR_US + 80 * DAY_US);
	assert_true(item->updated_us <= hour * HOUR_US);
	assert_true(span_equals(item->id, item->series));
	assert_false(item->is_removed);
	if (item->is_all_day)
		assert_true(item->starts_us % DAY_US == 0 && item->ends_us % DAY_US == 0);
}

static void events_lie_around_the_hour_and_are_of_every_kind(void **state)
{
	struct calendar_items items = of(*state, "1", NOW);
	size_t past = 0, days = 0, kinds[3] = {0};

	for (size_t i = 0; i < items.count; i++) {
		assert_good(&items.all[i], NOW);
		past += items.all[i].starts_us < NOW * HOUR_US;
		days += items.all[i].is_all_day;
		kinds[items.all[i].status]++;
		if (i > 0)
			assert_true(order_of_ids(&items.all[i - 1], &items.all[i]) < 0);
	}
	assert_in_range(past, 1500, 3500);
	assert_in_range(days, 200, 800);
	assert_true(kinds[CALENDAR_CONFIRMED] > 4000 && kinds[CALENDAR_TENTATIVE] > 50 &&
		    kinds[CALENDAR_CANCELLED] > 50);
	assert_int_equal(items.problem_count + items.held_count, 0);
}

static void any_hour_will_do(void **state)
{
	static const int64_t hours[] = {INT64_MIN, -1, 0, INT64_MAX};

	for (size_t i = 0; i < sizeof(hours) / sizeof(*hours); i++)
		assert_int_equal(of(*state, "5", hours[i]).count, 150);
}

static void lists_are_ordered_by_start(void **state)
{
	struct calendar_items items = of(*state, "1", NOW);

	calendar_order_by_start(&items);
	for (size_t i = 1; i < items.count; i++) {
		const struct calendar_item *one = &items.all[i - 1];
		const struct calendar_item *other = &items.all[i];

		assert_true(one->starts_us < other->starts_us ||
			    (one->starts_us == other->starts_us && order_of_ids(one, other) < 0));
	}
	calendar_order_by_start(&(struct calendar_items){0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(the_same_hour_gives_the_same),
		ARENA_TEST(users_have_calendars_of_their_own),
		ARENA_TEST(from_hour_to_hour_a_few_come_change_and_go),
		ARENA_TEST(a_small_calendar_changes_every_hour),
		ARENA_TEST(events_lie_around_the_hour_and_are_of_every_kind),
		ARENA_TEST(any_hour_will_do),
		ARENA_TEST(lists_are_ordered_by_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
