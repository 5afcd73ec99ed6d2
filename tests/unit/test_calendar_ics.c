/* test_calendar_ics.c - iCalendar feeds as a source: the samples, ids, the window, what is held, and rules
 * that would take too long together */
#include <string.h>

#include "almanac/ics.h"
#include "almanac/moment.h"
#include "calendar/source.h"
#include "samples.h"
#include "story.h"

#define STORY_MAX (64 << 20)

/* --- the samples, embedded when this file is assembled ---------------------------------------------- */

EMBED(ics_01, "ics/01-weekly-dst.ics");
EMBED(ics_03, "ics/03-exceptions.ics");
EMBED(ics_04, "ics/04-all-day.ics");
EMBED(ics_06, "ics/06-one-bad-among-good.ics");
EMBED(ics_09, "ics/09-update-v1.ics");
EMBED(ics_10, "ics/10-update-v2.ics");
EMBED(ics_12, "ics/12-month-end.ics");

/* --- helpers ---------------------------------------------------------------------------------------- */

static int64_t us_of(const char *text)
{
	struct moment moment;

	assert_true(moment_parse(span_of(text), &moment));
	return moment_unix_us(&moment);
}

static struct calendar_items read_window(struct arena *arena, struct span feed, const char *from,
					 const char *to)
{
	struct calendar_items items;
	const char *complaint = NULL;

	if (!calendar_read_ics(arena, feed, NULL, us_of(from), us_of(to), &items, &complaint))
		fail_msg("refused: %s", complaint);
	return items;
}

static void write_time(struct str *story, int64_t unix_us, bool is_date)
{
	struct moment moment = moment_of_unix_us(unix_us);
	char text[MOMENT_TEXT_MAX];

	if (is_date)
		str_append(story, (struct span){text, moment_write_date(&moment, text)});
	else
		str_append(story, (struct span){text, moment_write_rfc3339(unix_us, text)});
}

static void write_item(struct str *story, const struct calendar_item *item)
{
	str_append(story, item->id);
	str_append_char(story, ' ');
	write_time(story, item->starts_us, item->is_all_day);
	str_append_char(story, '/');
	write_time(story, item->ends_us, item->is_all_day);
	str_append_char(story, ' ');
	str_append(story, item->title);
	str_append_char(story, '\n');
}

static const char *tell(struct arena *arena, const struct calendar_items *items)
{
	struct str story;
	char *text;

	str_init(&story, STORY_MAX);
	for (size_t i = 0; i < items->count; i++)
		write_item(&story, &items->all[i]);
	for (size_t i = 0; i < items->problem_count && i < CALENDAR_PROBLEMS_MAX; i++) {
		const struct calendar_problem *problem = &items->problems[i];

		str_format(&story, "%s line %lld ", problem->is_rejected ? "bad" : "note",
			   (long long)problem->place);
		str_append(&story, problem->series);
		str_format(&story, ": %s\n", problem->reason);
	}
	for (size_t i = 0; i < items->held_count; i++) {
		str_append_text(&story, "holds ");
		str_append(&story, items->held[i]);
		str_append_char(&story, '\n');
	}
	text = arena_text(arena, str_span(&story));
	str_finish(&story);
	return text;
}

static void assert_feed(struct arena *arena, struct span feed, const char *expected)
{
	struct calendar_items items = read_window(arena, feed, "2020-01-01", "2033-01-01");
	const char *story = tell(arena, &items);

	if (strcmp(story, expected) != 0)
		fail_msg("--- is\n%s--- and not\n%s", story, expected);
}

#define FEED(events) SPAN("BEGIN:VCALENDAR\r\n" events "END:VCALENDAR\r\n")
#define EVENT(uid, lines) "BEGIN:VEVENT\nUID:" uid "\n" lines "\nEND:VEVENT\n"

/* --- the samples ------------------------------------------------------------------------------------ */

static void the_samples_give_what_they_should(void **state)
{
	assert_feed(
		*state, SAMPLE(ics_01),
		"a1/20260322T080000Z 2026-03-22T08:00:00.000Z/2026-03-22T08:30:00.000Z Stand-up\n"
		"a1/20260329T070000Z 2026-03-29T07:00:00.000Z/2026-03-29T07:30:00.000Z Stand-up\n"
		"a1/20260405T070000Z 2026-04-05T07:00:00.000Z/2026-04-05T07:30:00.000Z Stand-up\n");
	assert_feed(
		*state, SAMPLE(ics_03),
		"a3/20260101T090000Z 2026-01-01T09:00:00.000Z/2026-01-01T10:00:00.000Z Daily\n"
		"a3/20260102T090000Z 2026-01-02T15:00:00.000Z/2026-01-02T16:00:00.000Z Daily moved\n"
		"a3/20260105T090000Z 2026-01-05T09:00:00.000Z/2026-01-05T10:00:00.000Z Daily\n"
		"a3/20260110T090000Z 2026-01-10T09:00:00.000Z/2026-01-10T10:00:00.000Z Daily\n");
	assert_feed(*state, SAMPLE(ics_04),
		    "a4 2026-01-05/2026-01-07 Holiday\n"
		    "a4b 2026-01-10/2026-01-11 One day, no end\n"
		    "a4c/20260327 2026-03-27/2026-03-28 Weekly all-day\n"
		    "a4c/20260403 2026-04-03/2026-04-04 Weekly all-day\n"
		    "a4c/20260410 2026-04-10/2026-04-11 Weekly all-day\n");
	assert_feed(*state, SAMPLE(ics_09),
		    "a9 2026-01-01T09:00:00.000Z/2026-01-01T10:00:00.000Z Plan\n"
		    "a9x 2026-01-02T09:00:00.000Z/2026-01-02T10:00:00.000Z Will vanish\n");
	assert_feed(*state, SAMPLE(ics_10),
		    "a9 2026-01-01T11:00:00.000Z/2026-01-01T12:00:00.000Z Plan B\n");
}

static void month_ends_are_where_they_are(void **state)
{
	struct calendar_items items =
		read_window(*state, SAMPLE(ics_12), "2020-01-01", "2033-01-01");
	struct str days;

	str_init(&days, STORY_MAX);
	for (size_t i = 0; i < items.count; i++) {
		str_append(&days, items.all[i].series);
		str_append_char(&days, ' ');
		write_time(&days, items.all[i].starts_us, true);
		str_append_char(&days, '\n');
	}
	assert_string_equal(str_text(&days),
			    "m1 2026-01-31\nm1 2026-02-28\nm1 2026-03-31\nm1 2026-04-30\n"
			    "m2 2026-01-31\nm2 2026-03-31\nm2 2026-05-31\nm2 2026-07-31\n"
			    "m3 2024-02-29\nm3 2028-02-29\nm3 2032-02-29\n"
			    "m4 2026-01-30\nm4 2026-02-27\nm4 2026-03-31\nm4 2026-04-30\n");
	str_finish(&days);
}

static void bad_ones_are_told_and_held(void **state)
{
	assert_feed(*state, SAMPLE(ics_06),
		    "ok1 2026-01-01T09:00:00.000Z/2026-01-01T10:00:00.000Z ok\n"
		    "ok2 2026-01-05T09:00:00.000Z/2026-01-05T09:45:00.000Z ok two\n"
		    "bad line 15 bad1: bad DTSTART\n"
		    "bad line 18 : no UID\n"
		    "bad line 23 bad2: it ends before it starts\n"
		    "bad line 35 bad3: the rule has an unknown FREQ\n"
		    "holds bad1\nholds bad2\nholds bad3\n");
}

/* --- items ------------------------------------------------------------------------------------------ */

static void an_event_is_whole(void **state)
{
	struct calendar_items items = read_window(
		*state,
		FEED(EVENT("a",
			   "DTSTAMP:20260101T000000Z\nSUMMARY:Lunch\nDESCRIPTION:with Ana\n"
			   "LOCATION:Caf\xc3\xa9\nSTATUS:TENTATIVE\nDTSTART:20260105T120000Z")),
		"2026-01-01", "2027-01-01");
	const struct calendar_item *item = &items.all[0];

	assert_int_equal(items.count, 1);
	assert_true(span_is(item->title, "Lunch") && span_is(item->description, "with Ana"));
	assert_true(span_is(item->location, "Caf\xc3\xa9") && span_is(item->series, "a"));
	assert_int_equal(item->status, CALENDAR_TENTATIVE);
	assert_int_equal(item->updated_us, us_of("2026-01-01"));
	assert_int_equal(item->ends_us, item->starts_us);
	assert_false(item->is_all_day || item->is_removed);
}

static void an_id_stays_when_its_occurrence_is_moved(void **state)
{
	assert_feed(*state,
		    FEED(EVENT("s", "DTSTART:20260101\nRRULE:FREQ=DAILY;COUNT=2") EVENT(
			    "s", "RECURRENCE-ID;VALUE=DATE:20260102\nSUMMARY:x\n"
				 "DTSTART:20260105T090000Z")
				 EVENT("alone", "RECURRENCE-ID:20260102T090000Z\n"
						"DTSTART:20260103T090000Z")
					 EVENT("dates", "DTSTART:20260101\nRDATE:20260203")),
		    "alone/20260102T090000Z 2026-01-03T09:00:00.000Z/2026-01-03T09:00:00.000Z \n"
		    "dates/20260101 2026-01-01/2026-01-02 \n"
		    "dates/20260203 2026-02-03/2026-02-04 \n"
		    "s/20260101 2026-01-01/2026-01-02 \n"
		    "s/20260102 2026-01-05T09:00:00.000Z/2026-01-05T09:00:00.000Z x\n");
}

/* Two series may be made to have the same ids. */
static void an_id_comes_once(void **state)
{
	assert_feed(*state,
		    FEED(EVENT("a", "SUMMARY:of a\nDTSTART:20260101\nRRULE:FREQ=DAILY;COUNT=1")
				 EVENT("a/20260101", "SUMMARY:alone\nDTSTART:20260101")),
		    "a/20260101 2026-01-01/2026-01-02 alone\n");
}

static void times_on_a_wall_are_of_the_calendars_zone(void **state)
{
	struct span feed = FEED(EVENT("a", "DTSTART:20260701T090000"));
	const char *complaint;
	struct calendar_items items;

	assert_true(calendar_read_ics(*state, feed, zone_load(*state, SPAN("Asia/Tokyo")),
				      us_of("2026-01-01"), us_of("2027-01-01"), &items,
				      &complaint));
	assert_int_equal(items.all[0].starts_us, us_of("2026-07-01T00:00:00Z"));
}

static void a_window_takes_what_overlaps(void **state)
{
	struct span feed =
		FEED(EVENT("d", "DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY")
			     EVENT("old", "DTSTART:20200101") EVENT("new", "DTSTART:20300101"));

	assert_int_equal(read_window(*state, feed, "2026-01-05", "2026-01-08").count, 3);
	assert_int_equal(
		read_window(*state, feed, "2026-01-05T09:59:59.5", "2026-01-06T09:00:00").count, 1);
	assert_int_equal(
		read_window(*state, feed, "2026-01-05T10:00:00", "2026-01-06T09:00:00.5").count, 1);
	assert_int_equal(
		read_window(*state, feed, "2026-01-05T10:00:00", "2026-01-06T09:00:00").count, 0);
}

/* --- what is held ----------------------------------------------------------------------------------- */

/* One that comes twice costs nothing that is stored, a series whose change is bad neither. */
static void a_series_that_can_be_read_is_not_held(void **state)
{
	assert_feed(*state,
		    FEED(EVENT("a", "DTSTART:20100101") EVENT("a", "DTSTART:20100102")
				 EVENT("b", "DTSTART:20260101")
					 EVENT("b", "RECURRENCE-ID:2026\nDTSTART:20260101")),
		    "b 2026-01-01/2026-01-02 \n"
		    "bad line 2 a: the same event comes again, and that one counts\n"
		    "bad line 16 b: bad RECURRENCE-ID\n");
}

static void when_more_is_wrong_than_is_kept_all_is_held(void **state)
{
	struct calendar_items items;
	struct str feed;

	str_init(&feed, STORY_MAX);
	str_append_text(&feed, "BEGIN:VCALENDAR\n");
	for (int i = 0; i < ICS_PROBLEMS_MAX + 5; i++)
		str_format(&feed, "BEGIN:VEVENT\nUID:%d\nEND:VEVENT\n", i);
	str_append_text(&feed, "END:VCALENDAR\n");
	items = read_window(*state, str_span(&feed), "2026-01-01", "2027-01-01");
	str_finish(&feed);
	assert_int_equal(items.problem_count, ICS_PROBLEMS_MAX + 5);
	assert_int_equal(items.rejected_count, ICS_PROBLEMS_MAX + 5);
	assert_int_equal(items.held_count, CALENDAR_PROBLEMS_MAX);
	assert_true(items.holds_all);
}

/* --- harm ------------------------------------------------------------------------------------------- */

static struct calendar_items read_many(struct arena *arena, int count, const char *lines)
{
	struct calendar_items items;
	struct str feed;

	str_init(&feed, STORY_MAX);
	str_append_text(&feed, "BEGIN:VCALENDAR\n");
	for (int i = 0; i < count; i++)
		str_format(&feed, "BEGIN:VEVENT\nUID:%05d\n%s\nEND:VEVENT\n", i, lines);
	str_append_text(&feed, "BEGIN:VEVENT\nUID:single\nDTSTART:20260101\nEND:VEVENT\n"
			       "END:VCALENDAR\n");
	items = read_window(arena, str_span(&feed), "2026-01-01", "2027-01-01");
	str_finish(&feed);
	return items;
}

static void a_series_that_is_cut_is_told(void **state)
{
	struct calendar_items items =
		read_many(*state, 1, "DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY");

	assert_int_equal(items.count, ICS_OCCURRENCES_MAX + 1);
	assert_int_equal(items.problem_count, 1);
	assert_int_equal(items.rejected_count, 0);
	assert_false(items.problems[0].is_rejected);
	assert_string_equal(items.problems[0].reason,
			    "it has more occurrences than can be followed: "
			    "only the first ones are taken");
	assert_int_equal(items.held_count, 0);
}

static void a_feed_has_at_most_so_many_occurrences(void **state)
{
	struct calendar_items items =
		read_many(*state, 7, "DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY");

	assert_int_equal(items.count, CALENDAR_ITEMS_MAX);
	assert_int_equal(items.rejected_count, 3);
	assert_int_equal(items.held_count, 3);
	assert_string_equal(items.problems[5].reason,
			    "the feed has more than 50,000 occurrences: this series is left out");
}

/* Each takes its 50 ms and tells nothing; behind the fifth none is looked at any more. */
static void hostile_rules_are_bounded_together(void **state)
{
	struct calendar_items items = read_many(
		*state, 500,
		"DTSTART:19000101T000000Z\nRRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=1;COUNT=7");

	assert_int_equal(items.count, 1);
	assert_true(span_is(items.all[0].id, "single"));
	assert_in_range(items.rejected_count, 490, 496);
	assert_int_equal(items.problem_count, 500);
	assert_int_equal(items.held_count, 500);
	assert_string_equal(
		items.problems[499].reason,
		"the rules of this feed take too long to follow: this series is left out");
}

/* --- what is no feed -------------------------------------------------------------------------------- */

static void what_is_no_feed_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{"", "the feed is empty"},
		{" <!DOCTYPE html><html>", "this is a page for people (HTML or XML), not an "
					   "iCalendar feed"},
		{"{\"items\":[]}", "this is no iCalendar feed"},
		{"BEGIN:VCALENDAR\n" EVENT("a", "DTSTART:20260101"), "the calendar is cut"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct calendar_items items;
		const char *complaint = NULL;

		assert_false(calendar_read_ics(*state, span_of(cases[i][0]), NULL, 0, 1, &items,
					       &complaint));
		assert_string_equal(complaint, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(the_samples_give_what_they_should),
		ARENA_TEST(month_ends_are_where_they_are),
		ARENA_TEST(bad_ones_are_told_and_held),
		ARENA_TEST(an_event_is_whole),
		ARENA_TEST(an_id_stays_when_its_occurrence_is_moved),
		ARENA_TEST(an_id_comes_once),
		ARENA_TEST(times_on_a_wall_are_of_the_calendars_zone),
		ARENA_TEST(a_window_takes_what_overlaps),
		ARENA_TEST(a_series_that_can_be_read_is_not_held),
		ARENA_TEST(when_more_is_wrong_than_is_kept_all_is_held),
		ARENA_TEST(a_series_that_is_cut_is_told),
		ARENA_TEST(a_feed_has_at_most_so_many_occurrences),
		ARENA_TEST(hostile_rules_are_bounded_together),
		ARENA_TEST(what_is_no_feed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
