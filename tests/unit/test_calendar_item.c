/* test_calendar_item.c - events in words, pages of those that are not stored, and the users of a setting. */
#include <string.h>

#include "calendar/item.h"
#include "calendar/users.h"
#include "story.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define ROOM ((size_t)1 << 20)

static struct calendar_item meeting(const char *id, int64_t starts_s, int64_t ends_s)
{
	return (struct calendar_item){
		.id = span_of(id),
		.series = span_of(id),
		.title = SPAN("Meeting \"A\""),
		.description = SPAN(""),
		.location = SPAN("Caf\xc3\xa9"),
		.starts_us = starts_s * SECOND,
		.ends_us = ends_s * SECOND,
	};
}

static void expect_item(const struct calendar_item *item, int64_t updated_us, const char *text)
{
	struct str out;

	str_init(&out, ROOM);
	item_append(&out, item, updated_us);
	assert_string_equal(str_text(&out), text);
	str_finish(&out);
}

static void an_event_is_one_object(void **state)
{
	struct calendar_item item = meeting("m1", 0, 3600);

	(void)state;
	item.status = CALENDAR_TENTATIVE;
	expect_item(&item, 0,
		    "{\"id\":\"m1\",\"title\":\"Meeting \\\"A\\\"\",\"description\":\"\","
		    "\"location\":\"Caf\xc3\xa9\",\"startsAt\":\"1970-01-01T00:00:00.000Z\","
		    "\"endsAt\":\"1970-01-01T01:00:00.000Z\",\"allDay\":false,"
		    "\"status\":\"tentative\",\"updatedAt\":null}");
}

static void an_all_day_event_has_dates(void **state)
{
	struct calendar_item item = meeting("m1", 0, 172800);

	(void)state;
	item.is_all_day = true;
	item.title = item.location = SPAN("");
	expect_item(&item, DAY,
		    "{\"id\":\"m1\",\"title\":\"\",\"description\":\"\",\"location\":\"\","
		    "\"startsAt\":\"1970-01-01\",\"endsAt\":\"1970-01-03\",\"allDay\":true,"
		    "\"status\":\"confirmed\",\"updatedAt\":\"1970-01-02T00:00:00.000Z\"}");
}

static void what_the_source_says_of_its_change_counts(void **state)
{
	struct calendar_item item = meeting("m1", 0, 0);
	struct str out;

	(void)state;
	item.updated_us = 2 * DAY;
	str_init(&out, ROOM);
	item_append(&out, &item, DAY);
	assert_non_null(strstr(str_text(&out), "\"updatedAt\":\"1970-01-03T00:00:00.000Z\""));
	str_finish(&out);
}

static void digest(const struct calendar_item *item, char hex[ITEM_DIGEST_LENGTH + 1])
{
	struct str scratch;

	str_init(&scratch, ITEM_MAX_BYTES);
	item_digest(item, &scratch, hex);
	str_finish(&scratch);
}

static void a_digest_differs_with_all_that_is_told(void **state)
{
	struct calendar_item items[9];
	char digests[9][ITEM_DIGEST_LENGTH + 1];

	(void)state;
	for (size_t i = 0; i < 9; i++)
		items[i] = meeting("m1", 0, 3600);
	items[1].title = SPAN("x");
	items[2].description = SPAN("x");
	items[3].location = SPAN("x");
	items[4].starts_us = 1000;
	items[5].ends_us += 1000;
	items[6].status = CALENDAR_CANCELLED;
	items[7].updated_us = 1000;
	items[8].series = SPAN("m");
	for (size_t i = 0; i < 9; i++) {
		digest(&items[i], digests[i]);
		assert_int_equal(strlen(digests[i]), ITEM_DIGEST_LENGTH);
		for (size_t other = 0; other < i; other++)
			assert_string_not_equal(digests[i], digests[other]);
	}
	digest(&items[0], digests[1]);
	assert_string_equal(digests[0], digests[1]);
}

/* --- pages ------------------------------------------------------------------------------------------------ */

/* The ids of a page of events that begin at 0, 10, 20, 30 s: the last three last 10 s, the first 35 s. */
static void expect_page(struct item_page page, const char *ids, const char *total)
{
	struct calendar_item all[] = {meeting("a", 0, 35), meeting("b", 10, 20),
				      meeting("c", 20, 30), meeting("d", 30, 30)};
	const struct calendar_items items = {.all = all, .count = 4};
	char found[8] = "";
	struct str out;

	str_init(&out, ROOM);
	item_append_page(&out, &items, &page);
	for (const char *at = str_text(&out); (at = strstr(at, "{\"id\":\"")); at++)
		strncat(found, at + 7, 1);
	assert_string_equal(found, ids);
	assert_non_null(strstr(str_text(&out), total));
	assert_non_null(strstr(str_text(&out), "\"origin\":\"source\",\"syncedAt\":null}\n"));
	str_finish(&out);
}

static void a_page_begins_where_it_is_asked_to(void **state)
{
	(void)state;
	expect_page((struct item_page){.limit = 100}, "abcd",
		    "\"start\":0,\"limit\":100,\"total\":4,");
	expect_page((struct item_page){.start = 1, .limit = 2}, "bc",
		    "\"start\":1,\"limit\":2,\"total\":4,");
	expect_page((struct item_page){.start = 3, .limit = 2}, "d", "\"total\":4,");
	expect_page((struct item_page){.start = INT64_MAX, .limit = 1}, "", "\"total\":4,");
}

static void a_window_takes_what_overlaps(void **state)
{
	const struct item_page from = {.limit = 9, .has_from = true, .from_us = 30 * SECOND};
	const struct item_page to = {.limit = 9, .has_to = true, .to_us = 20 * SECOND};
	const struct item_page both = {.limit = 9,
				       .has_from = true,
				       .from_us = 20 * SECOND,
				       .has_to = true,
				       .to_us = 30 * SECOND};

	(void)state;
	expect_page(from, "ad", "\"total\":2,");
	expect_page(to, "ab", "\"total\":2,");
	expect_page(both, "ac", "\"total\":2,");
}

static void no_more_are_reachable(void **state)
{
	static struct calendar_item all[CALENDAR_REACHABLE + 10];
	const struct calendar_items items = {.all = all, .count = CALENDAR_REACHABLE + 10};
	const struct item_page page = {.start = CALENDAR_REACHABLE - 1, .limit = 100};
	struct str out;

	(void)state;
	for (size_t i = 0; i < items.count; i++)
		all[i] = meeting("x", (int64_t)i, (int64_t)i);
	str_init(&out, ROOM);
	item_append_page(&out, &items, &page);
	assert_non_null(strstr(str_text(&out), "\"total\":5000,"));
	assert_null(strstr(strstr(str_text(&out), "{\"id\"") + 1, "{\"id\""));
	str_finish(&out);
}

/* --- CALENDAR_USERS ----------------------------------------------------------------------------------------- */

static void users_are_listed_once(void **state)
{
	static const struct {
		const char *text;
		int32_t count;
	} cases[] = {{"1,2,3,4,5", 5}, {"", 0}, {",", 0}, {" a , b ,a,,ab,b", 3}, {"\xc3\xa9", 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct db_array users;

		db_array_init(&users, ROOM);
		users_list(cases[i].text, &users);
		assert_int_equal(users.count, cases[i].count);
		db_array_finish(&users);
	}
}

static void users_are_judged(void **state)
{
	char long_one[USER_MAX_BYTES + 2];
	struct str complaint;

	(void)state;
	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	str_init(&complaint, ROOM);
	assert_true(users_judge("1,2", &complaint));
	assert_true(users_judge(long_one + 1, &complaint));
	assert_int_equal(complaint.length, 0);
	assert_false(users_judge(long_one, &complaint));
	assert_non_null(strstr(str_text(&complaint), "CALENDAR_USERS"));
	assert_false(users_judge("1,\xff", &complaint));
	str_finish(&complaint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_one_object),
		cmocka_unit_test(an_all_day_event_has_dates),
		cmocka_unit_test(what_the_source_says_of_its_change_counts),
		cmocka_unit_test(a_digest_differs_with_all_that_is_told),
		cmocka_unit_test(a_page_begins_where_it_is_asked_to),
		cmocka_unit_test(a_window_takes_what_overlaps),
		cmocka_unit_test(no_more_are_reachable),
		cmocka_unit_test(users_are_listed_once),
		cmocka_unit_test(users_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
