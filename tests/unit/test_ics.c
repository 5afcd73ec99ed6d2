/* test_ics.c - iCalendar feeds: the samples, lines and values, what is refused one by one, zones,
 * windows, overrides, and feeds that mean harm */
#include <stdio.h>
#include <string.h>

#include "almanac/ics.h"
#include "almanac/moment.h"
#include "samples.h"
#include "story.h"

#define SECOND_US INT64_C(1000000)
#define STORY_MAX (16 << 20)

/* --- the samples, embedded when this file is assembled --------------------------------------------- */

EMBED(ics_01, "ics/01-weekly-dst.ics");
EMBED(ics_03, "ics/03-exceptions.ics");
EMBED(ics_04, "ics/04-all-day.ics");
EMBED(ics_06, "ics/06-one-bad-among-good.ics");
EMBED(ics_09, "ics/09-update-v1.ics");
EMBED(ics_10, "ics/10-update-v2.ics");
EMBED(ics_12, "ics/12-month-end.ics");

/* --- helpers ----------------------------------------------------------------------------------------- */

static int64_t seconds_of(const char *text)
{
	struct moment moment;

	assert_true(moment_parse(span_of(text), &moment));
	return moment_unix_us(&moment) / SECOND_US;
}

static void write_time(struct str *story, int64_t seconds, bool is_date)
{
	struct moment moment = moment_of_unix_us(seconds * SECOND_US);
	char text[MOMENT_TEXT_MAX];

	str_append(story, (struct span){text, moment_write_date(&moment, text)});
	if (!is_date)
		str_format(story, "T%02d:%02d:%02d", moment.hour, moment.minute, moment.second);
}

static void write_occurrence(struct str *story, const struct ics_occurrence *occurrence)
{
	bool is_date = occurrence->event->start.is_date;

	write_time(story, occurrence->start_s, is_date);
	str_append_char(story, '/');
	write_time(story, occurrence->end_s, is_date);
	if (occurrence->recurrence_s != occurrence->start_s) {
		str_append_text(story, " for ");
		write_time(story, occurrence->recurrence_s, is_date);
	}
	str_append_char(story, ' ');
	str_append(story, occurrence->event->summary);
	str_append_char(story, '\n');
}

/* The series of a feed, each with its occurrences; the problems behind. */
static const char *tell(struct arena *arena, const struct ics_calendar *calendar, const char *from,
			const char *to)
{
	struct str story;
	char *text;

	str_init(&story, STORY_MAX);
	for (size_t i = 0; i < calendar->series_count; i++) {
		struct ics_occurrences found;

		ics_expand(&calendar->series[i], seconds_of(from), seconds_of(to), arena, &found);
		str_append(&story, calendar->series[i].uid);
		str_append_text(&story, found.is_truncated ? " (truncated)\n" : "\n");
		for (size_t at = 0; at < found.count; at++)
			write_occurrence(&story, &found.all[at]);
	}
	for (size_t i = 0; i < calendar->problem_count && i < ICS_PROBLEMS_MAX; i++) {
		str_format(&story, "line %u ", calendar->problems[i].line);
		str_append(&story, calendar->problems[i].uid);
		str_format(&story, ": %s\n", calendar->problems[i].reason);
	}
	text = arena_text(arena, str_span(&story));
	str_finish(&story);
	return text;
}

static const struct ics_calendar *read_feed(struct arena *arena, struct span feed)
{
	const char *complaint;
	const struct ics_calendar *calendar = ics_read(arena, feed, NULL, &complaint);

	if (!calendar)
		fail_msg("refused: %s", complaint);
	assert_null(complaint);
	return calendar;
}

/* A feed of these lines, each ended by LF in `text`, by CRLF in the feed. */
static struct span feed_of(struct arena *arena, const char *text)
{
	struct span rest = span_of(text);
	struct span line;
	struct str feed;
	struct span copy;

	str_init(&feed, STORY_MAX);
	str_append_text(&feed, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n");
	while (span_split(&rest, '\n', &line)) {
		str_append(&feed, line);
		str_append_text(&feed, line.length > 0 ? "\r\n" : "");
	}
	str_append_text(&feed, "END:VCALENDAR\r\n");
	copy = arena_copy(arena, str_span(&feed));
	str_finish(&feed);
	return copy;
}

/* One event of these lines, with a UID. */
static const struct ics_calendar *read_event(struct arena *arena, const char *lines)
{
	const char *text = arena_format(arena, "BEGIN:VEVENT\nUID:x\n%s\nEND:VEVENT\n", lines);

	return read_feed(arena, feed_of(arena, text));
}

static void assert_event(struct arena *arena, const char *lines, const char *expected)
{
	const char *story = tell(arena, read_event(arena, lines), "1990-01-01", "2090-01-01");

	if (strcmp(story, expected) != 0)
		fail_msg("%s\n--- is\n%s", lines, story);
}

static const struct ics_event *only_event(const struct ics_calendar *calendar)
{
	assert_int_equal(calendar->series_count, 1);
	assert_non_null(calendar->series[0].master);
	return calendar->series[0].master;
}

static void assert_span(struct span span, const char *expected)
{
	assert_int_equal(span.length, strlen(expected));
	assert_memory_equal(span.bytes, expected, span.length);
}

/* --- the samples -------------------------------------------------------------------------------------- */

static void assert_sample(struct arena *arena, struct span sample, const char *expected)
{
	const char *story = tell(arena, read_feed(arena, sample), "2020-01-01", "2033-01-01");

	assert_string_equal(story, expected);
}

static void the_samples_give_what_they_should(void **state)
{
	assert_sample(*state, SAMPLE(ics_01),
		      "a1\n"
		      "2026-03-22T08:00:00/2026-03-22T08:30:00 Stand-up\n"
		      "2026-03-29T07:00:00/2026-03-29T07:30:00 Stand-up\n"
		      "2026-04-05T07:00:00/2026-04-05T07:30:00 Stand-up\n");
	assert_sample(
		*state, SAMPLE(ics_03),
		"a3\n"
		"2026-01-01T09:00:00/2026-01-01T10:00:00 Daily\n"
		"2026-01-02T15:00:00/2026-01-02T16:00:00 for 2026-01-02T09:00:00 Daily moved\n"
		"2026-01-05T09:00:00/2026-01-05T10:00:00 Daily\n"
		"2026-01-10T09:00:00/2026-01-10T10:00:00 Daily\n");
	assert_sample(*state, SAMPLE(ics_04),
		      "a4\n"
		      "2026-01-05/2026-01-07 Holiday\n"
		      "a4b\n"
		      "2026-01-10/2026-01-11 One day, no end\n"
		      "a4c\n"
		      "2026-03-27/2026-03-28 Weekly all-day\n"
		      "2026-04-03/2026-04-04 Weekly all-day\n"
		      "2026-04-10/2026-04-11 Weekly all-day\n");
	assert_sample(*state, SAMPLE(ics_06),
		      "ok1\n"
		      "2026-01-01T09:00:00/2026-01-01T10:00:00 ok\n"
		      "ok2\n"
		      "2026-01-05T09:00:00/2026-01-05T09:45:00 ok two\n"
		      "line 15 bad1: bad DTSTART\n"
		      "line 18 : no UID\n"
		      "line 23 bad2: it ends before it starts\n"
		      "line 35 bad3: the rule has an unknown FREQ\n");
	assert_sample(*state, SAMPLE(ics_09),
		      "a9\n"
		      "2026-01-01T09:00:00/2026-01-01T10:00:00 Plan\n"
		      "a9x\n"
		      "2026-01-02T09:00:00/2026-01-02T10:00:00 Will vanish\n");
	assert_sample(*state, SAMPLE(ics_10),
		      "a9\n"
		      "2026-01-01T11:00:00/2026-01-01T12:00:00 Plan B\n");
	assert_sample(*state, SAMPLE(ics_12),
		      "m1\n"
		      "2026-01-31T09:00:00/2026-01-31T10:00:00 last day\n"
		      "2026-02-28T09:00:00/2026-02-28T10:00:00 last day\n"
		      "2026-03-31T09:00:00/2026-03-31T10:00:00 last day\n"
		      "2026-04-30T09:00:00/2026-04-30T10:00:00 last day\n"
		      "m2\n"
		      "2026-01-31T09:00:00/2026-01-31T10:00:00 31st only\n"
		      "2026-03-31T09:00:00/2026-03-31T10:00:00 31st only\n"
		      "2026-05-31T09:00:00/2026-05-31T10:00:00 31st only\n"
		      "2026-07-31T09:00:00/2026-07-31T10:00:00 31st only\n"
		      "m3\n"
		      "2024-02-29T09:00:00/2024-02-29T10:00:00 leap day\n"
		      "2028-02-29T09:00:00/2028-02-29T10:00:00 leap day\n"
		      "2032-02-29T09:00:00/2032-02-29T10:00:00 leap day\n"
		      "m4\n"
		      "2026-01-30T09:00:00/2026-01-30T10:00:00 last weekday\n"
		      "2026-02-27T09:00:00/2026-02-27T10:00:00 last weekday\n"
		      "2026-03-31T09:00:00/2026-03-31T10:00:00 last weekday\n"
		      "2026-04-30T09:00:00/2026-04-30T10:00:00 last weekday\n");
}

/* --- lines and texts ------------------------------------------------------------------------------------ */

static void properties_are_read(void **state)
{
	const struct ics_event *event = only_event(read_event(
		*state, "DTSTAMP:20260101T000000Z\nLAST-MODIFIED:20260102T000000Z\n"
			"SEQUENCE:7\nstatus:tentative\n"
			"SUMMARY;LANGUAGE=en:One\\, two\\; three\\\\four\\nfive\\Nsix \\x\n"
			"DESCRIPTION;ALTREP=\"http://a:80/;x=1,2\":A \"quoted\": text\n"
			"LOCATION:Caf\303\251\nDTSTART:20260101T090000Z\nDTEND:20260101T103000Z\n"
			"X-MORE;X=\"a\\\";Y=b:c\nATTACH;VALUE=BINARY:\n"));

	assert_span(event->uid, "x");
	assert_span(event->summary, "One, two; three\\four\nfive\nsix \\x");
	assert_span(event->description, "A \"quoted\": text");
	assert_span(event->location, "Caf\303\251");
	assert_int_equal(event->status, ICS_TENTATIVE);
	assert_int_equal(event->sequence, 7);
	assert_int_equal(event->modified_s, seconds_of("2026-01-02"));
	assert_int_equal(event->line, 3);
	assert_int_equal(event->length.seconds, 5400);
	assert_false(event->start.is_floating || event->start.is_date || event->is_override);
}

/* Also within a character, at every byte, with blanks and tabs, and by LF alone. */
static void folds_are_undone(void **state)
{
	static const char feed[] =
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:f\nDTSTART:2026\n 0101T0\n\t90000Z\nSUM\n MARY:caf"
		"\303\n \251  \n  two\n\t\n \nEND:VEVENT\nEND:VCALENDAR";
	const struct ics_event *event = only_event(read_feed(*state, span_of(feed)));

	assert_span(event->summary, "caf\303\251   two");
	assert_int_equal(event->start.wall_s, seconds_of("2026-01-01T09:00:00"));
}

static void every_way_to_fold_is_the_same(void **state)
{
	struct span sample = SAMPLE(ics_03);
	const char *plain = tell(*state, read_feed(*state, sample), "2020-01-01", "2030-01-01");

	for (size_t width = 1; width <= 20; width++) {
		struct str feed;

		str_init(&feed, STORY_MAX);
		for (size_t i = 0, column = 0; i < sample.length; i++, column++) {
			if (sample.bytes[i] == '\n')
				column = 0;
			else if (column > 0 && column % width == 0)
				str_append_text(&feed, "\r\n ");
			str_append_char(&feed, sample.bytes[i]);
		}
		assert_string_equal(tell(*state, read_feed(*state, str_span(&feed)), "2020-01-01",
					 "2030-01-01"),
				    plain);
		str_finish(&feed);
	}
}

static void what_is_nested_in_an_event_is_not_its_own(void **state)
{
	assert_event(*state,
		     "SUMMARY:mine\nBEGIN:VALARM\nUID:alarm\nSUMMARY:its\nDTSTART:nonsense\n"
		     "RRULE:FREQ=NEVER\nBEGIN:X-DEEPER\nno property\nEND:X-DEEPER\nTRIGGER:-PT5M\n"
		     "DURATION:PT5M\nEND:VALARM\nDTSTART:20260101T090000Z",
		     "x\n2026-01-01T09:00:00/2026-01-01T09:00:00 mine\n");
}

static void other_components_are_left_alone(void **state)
{
	const struct ics_calendar *calendar = read_feed(
		*state,
		feed_of(*state, "X-WR-CALNAME:My\\, own\nBEGIN:VTODO\nUID:t\nDTSTART:20260931\n"
				"NAME:no\nEND:VTODO\nBEGIN:VEVENT\nUID:e\nDTSTART:20260101\n"
				"END:VEVENT\nBEGIN:VJOURNAL\nno property\nEND:VJOURNAL\n"));

	assert_span(calendar->name, "My, own");
	assert_span(only_event(calendar)->uid, "e");
	assert_int_equal(calendar->problem_count, 0);
}

static void two_calendars_in_one_feed(void **state)
{
	const char *feed = "\xef\xbb\xbf"
			   "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260101\n"
			   "END:VEVENT\nEND:VCALENDAR\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:2\n"
			   "DTSTART:20260102\nEND:VEVENT\nEND:VCALENDAR\n\n";

	assert_string_equal(tell(*state, read_feed(*state, span_of(feed)), "2026-01-01",
				 "2027-01-01"),
			    "1\n2026-01-01/2026-01-02 \n2\n2026-01-02/2026-01-03 \n");
}

/* --- times and lengths ------------------------------------------------------------------------------------ */

static const struct {
	const char *lines, *expected;
} good[] = {
	/* Ends. */
	{"DTSTART:20260101T090000Z", "2026-01-01T09:00:00/2026-01-01T09:00:00 \n"},
	{"DTSTART:20260101T090000Z\nDURATION:PT1H30M10S",
	 "2026-01-01T09:00:00/2026-01-01T10:30:10 \n"},
	{"DTSTART:20260101T090000Z\nDURATION:P1W", "2026-01-01T09:00:00/2026-01-08T09:00:00 \n"},
	{"DTSTART:20260101T090000Z\nDURATION:+P1DT0H0M1S",
	 "2026-01-01T09:00:00/2026-01-02T09:00:01 \n"},
	{"DTSTART:20260101T090000Z\nDURATION:-PT0S", "2026-01-01T09:00:00/2026-01-01T09:00:00 \n"},
	{"DTSTART:20260101T090000Z\nDTEND:20260101T093000Z\nDURATION:PT2H",
	 "2026-01-01T09:00:00/2026-01-01T09:30:00 \n"},
	{"DTSTART;VALUE=DATE:20260101\nDURATION:P2D", "2026-01-01/2026-01-03 \n"},
	{"DTSTART;VALUE=DATE:20260101\nDURATION:PT48H", "2026-01-01/2026-01-03 \n"},
	{"DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260101", "2026-01-01/2026-01-02 \n"},
	{"DTSTART:20260101\nDTEND:20260103", "2026-01-01/2026-01-03 \n"},
	{"DTSTART;VALUE=DATE;TZID=Asia/Tokyo:20260101", "2026-01-01/2026-01-02 \n"},
	{"DTSTART:20161231T235960Z", "2016-12-31T23:59:59/2016-12-31T23:59:59 \n"},
	/* Two zones in one event. */
	{"DTSTART;TZID=Europe/Madrid:20260101T230000\nDTEND;TZID=America/New_York:20260102T000000",
	 "2026-01-01T22:00:00/2026-01-02T05:00:00 \n"},
	{"DTSTART;TZID=\"Europe/Madrid\":20260101T230000",
	 "2026-01-01T22:00:00/2026-01-01T22:00:00 \n"},
	{"DTSTART;TZID=Europe/Madrid:20260101T230000Z",
	 "2026-01-01T23:00:00/2026-01-01T23:00:00 \n"},
	{"DTSTART;X=\"TZID=a;TZID=b\";tzid=Europe/Madrid:20260101T230000",
	 "2026-01-01T22:00:00/2026-01-01T22:00:00 \n"},
	{"DTSTART;TZID=Romance Standard Time:20260701T090000",
	 "2026-07-01T07:00:00/2026-07-01T07:00:00 \n"},
	{"DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20260701T090000",
	 "2026-07-01T07:00:00/2026-07-01T07:00:00 \n"},
	/* Where the clock leaps and where it goes back: 9:00 stays 9:00, 2:30 comes an hour later once. */
	{"DTSTART;TZID=Europe/Madrid:20260328T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
	 "2026-03-28T08:00:00/2026-03-28T09:00:00 \n2026-03-29T07:00:00/2026-03-29T08:00:00 \n"
	 "2026-03-30T07:00:00/2026-03-30T08:00:00 \n"},
	{"DTSTART;TZID=Europe/Madrid:20260328T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
	 "2026-03-28T01:30:00/2026-03-28T02:30:00 \n2026-03-29T01:30:00/2026-03-29T02:30:00 \n"
	 "2026-03-30T00:30:00/2026-03-30T01:30:00 \n"},
	{"DTSTART;TZID=Europe/Madrid:20261024T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
	 "2026-10-24T00:30:00/2026-10-24T01:30:00 \n2026-10-25T00:30:00/2026-10-25T01:30:00 \n"
	 "2026-10-26T01:30:00/2026-10-26T02:30:00 \n"},
	{"DTSTART;TZID=Australia/Lord_Howe:20261003T021500\nRRULE:FREQ=DAILY;COUNT=3",
	 "2026-10-02T15:45:00/2026-10-02T15:45:00 \n2026-10-03T15:45:00/2026-10-03T15:45:00 \n"
	 "2026-10-04T15:15:00/2026-10-04T15:15:00 \n"},
	/* Two that meet behind the leap are one. */
	{"DTSTART;TZID=Europe/Madrid:20260329T013000\nRRULE:FREQ=HOURLY;COUNT=4",
	 "2026-03-29T00:30:00/2026-03-29T00:30:00 \n2026-03-29T01:30:00/2026-03-29T01:30:00 \n"
	 "2026-03-29T02:30:00/2026-03-29T02:30:00 \n"},
	/* A length is exact when it comes from DTEND or has hours, days go by the wall. */
	{"DTSTART;TZID=Europe/Madrid:20260327T220000\nDTEND;TZID=Europe/Madrid:20260328T060000\n"
	 "RRULE:FREQ=DAILY;COUNT=2",
	 "2026-03-27T21:00:00/2026-03-28T05:00:00 \n2026-03-28T21:00:00/2026-03-29T05:00:00 \n"},
	{"DTSTART;TZID=Europe/Madrid:20260328T120000\nDURATION:P1D",
	 "2026-03-28T11:00:00/2026-03-29T10:00:00 \n"},
	{"DTSTART;TZID=Europe/Madrid:20260328T120000\nDURATION:PT24H",
	 "2026-03-28T11:00:00/2026-03-29T11:00:00 \n"},
	/* UNTIL in UTC counts as an instant, on the wall as shown, a date as a whole day. */
	{"DTSTART;TZID=America/New_York:20260101T210000\nRRULE:FREQ=DAILY;UNTIL=20260103T020000Z",
	 "2026-01-02T02:00:00/2026-01-02T02:00:00 \n2026-01-03T02:00:00/2026-01-03T02:00:00 \n"},
	{"DTSTART;TZID=America/New_York:20260101T210000\nRRULE:FREQ=DAILY;UNTIL=20260103T015959Z",
	 "2026-01-02T02:00:00/2026-01-02T02:00:00 \n"},
	{"DTSTART;TZID=America/New_York:20260101T210000\nRRULE:FREQ=DAILY;UNTIL=20260102T210000",
	 "2026-01-02T02:00:00/2026-01-02T02:00:00 \n2026-01-03T02:00:00/2026-01-03T02:00:00 \n"},
	{"DTSTART;TZID=America/New_York:20260101T210000\nRRULE:FREQ=DAILY;UNTIL=20260102",
	 "2026-01-02T02:00:00/2026-01-02T02:00:00 \n2026-01-03T02:00:00/2026-01-03T02:00:00 \n"},
	{"DTSTART;TZID=Europe/Madrid:20261024T023000\nRRULE:FREQ=DAILY;UNTIL=20261025T003000Z",
	 "2026-10-24T00:30:00/2026-10-24T00:30:00 \n2026-10-25T00:30:00/2026-10-25T00:30:00 \n"},
	{"DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;UNTIL=20260102T000000Z",
	 "2026-01-01/2026-01-02 \n2026-01-02/2026-01-03 \n"},
	/* Sets: doubles count once, EXDATE takes away, also the start, also by date or in another zone. */
	{"DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=WEEKLY;COUNT=2\n"
	 "RDATE:20260101T090000Z,20260103T100000Z\nRDATE;TZID=Europe/Madrid:20260104T110000",
	 "2026-01-01T09:00:00/2026-01-01T09:00:00 \n2026-01-02T09:00:00/2026-01-02T09:00:00 \n"
	 "2026-01-03T10:00:00/2026-01-03T10:00:00 \n2026-01-04T10:00:00/2026-01-04T10:00:00 \n"
	 "2026-01-08T09:00:00/2026-01-08T09:00:00 \n"},
	{"DTSTART:20260101T090000Z\nDURATION:PT1H\n"
	 "RDATE;VALUE=PERIOD:20260102T090000Z/20260102T110000Z,20260103T090000Z/PT3H",
	 "2026-01-01T09:00:00/2026-01-01T10:00:00 \n2026-01-02T09:00:00/2026-01-02T11:00:00 \n"
	 "2026-01-03T09:00:00/2026-01-03T12:00:00 \n"},
	{"DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE:20260101T090000Z\n"
	 "EXDATE;VALUE=DATE:20260103\nEXDATE;TZID=Europe/Madrid:20260104T100000,20260105T090000",
	 "2026-01-02T09:00:00/2026-01-02T09:00:00 \n2026-01-05T09:00:00/2026-01-05T09:00:00 \n"},
	{"DTSTART;TZID=America/New_York:19970902T090000\n"
	 "EXDATE;TZID=America/New_York:19970902T090000\n"
	 "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;UNTIL=20001013T130000Z",
	 "1998-02-13T14:00:00/1998-02-13T14:00:00 \n1998-03-13T14:00:00/1998-03-13T14:00:00 \n"
	 "1998-11-13T14:00:00/1998-11-13T14:00:00 \n1999-08-13T13:00:00/1999-08-13T13:00:00 \n"
	 "2000-10-13T13:00:00/2000-10-13T13:00:00 \n"},
	{"DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;VALUE=DATE:20260102\n"
	 "EXDATE:20260103T000000Z\nRDATE;VALUE=DATE:20260107",
	 "2026-01-01/2026-01-02 \n2026-01-04/2026-01-05 \n2026-01-07/2026-01-08 \n"},
	/* What has no zone of its own is on the wall of the start. */
	{"DTSTART;TZID=America/New_York:20260101T090000\nDTEND:20260101T100000\n"
	 "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260102T090000\nRDATE:20260105T100000",
	 "2026-01-01T14:00:00/2026-01-01T15:00:00 \n2026-01-03T14:00:00/2026-01-03T15:00:00 \n"
	 "2026-01-05T15:00:00/2026-01-05T16:00:00 \n"},
	/* Cancelled as a whole. */
	{"DTSTART:20260101T090000Z\nSTATUS:CANCELLED", ""},
	/* What is not worth losing an event for. */
	{"DTSTART:20260101T090000Z\nSTATUS:PERHAPS\nSEQUENCE:many\nDTSTAMP:yesterday\nSUMMARY:a\n"
	 "SUMMARY:b\n",
	 "2026-01-01T09:00:00/2026-01-01T09:00:00 a\n"},
};

static void times_are_read(void **state)
{
	for (size_t i = 0; i < LENGTH(good); i++)
		assert_event(*state, good[i].lines,
			     arena_format(*state, "x\n%s", good[i].expected));
}

static const struct {
	const char *lines, *reason;
} bad[] = {
	{"SUMMARY:no start", "no DTSTART"},
	{"DTSTART:20260931T090000Z", "bad DTSTART"},
	{"DTSTART:20260229", "bad DTSTART"},
	{"DTSTART:00000101", "bad DTSTART"},
	{"DTSTART:20260101T240000Z", "bad DTSTART"},
	{"DTSTART:20260101T096000Z", "bad DTSTART"},
	{"DTSTART:20260101T0900Z", "bad DTSTART"},
	{"DTSTART:2026-01-01T09:00:00Z", "bad DTSTART"},
	{"DTSTART:20260101T090000+01", "bad DTSTART"},
	{"DTSTART:20260101T090000ZZ", "bad DTSTART"},
	{"DTSTART:", "bad DTSTART"},
	{"DTSTART;VALUE=DATE:20260101T090000Z", "bad DTSTART"},
	{"DTSTART;TZID=Nowhere/Town:20260101T090000", "unknown time zone"},
	{"DTSTART;TZID=:20260101T090000", "unknown time zone"},
	{"DTSTART;TZID=../../etc/passwd:20260101T090000", "unknown time zone"},
	{"DTSTART:20260101T090000Z\nDTSTART:20260101T090000Z",
	 "a property twice that may come once only"},
	{"DTSTART:20260101T090000Z\nUID:other", "a property twice that may come once only"},
	{"DTSTART:20260101T090000Z\nDTEND:20260101T085959Z", "it ends before it starts"},
	{"DTSTART:20260102\nDTEND:20260101", "it ends before it starts"},
	{"DTSTART:20260102\nDTEND:20260103T000000Z", "DTSTART and DTEND are not both dates"},
	{"DTSTART:20260101T090000Z\nDTEND:20260931T090000Z", "bad DTEND"},
	{"DTSTART:20260101T090000Z\nDTEND;TZID=X:20260131T090000", "unknown time zone"},
	{"DTSTART:20260101T090000Z\nDURATION:-PT1H", "bad DURATION"},
	{"DTSTART:20260101T090000Z\nDURATION:P", "bad DURATION"},
	{"DTSTART:20260101T090000Z\nDURATION:PT", "bad DURATION"},
	{"DTSTART:20260101T090000Z\nDURATION:1H", "bad DURATION"},
	{"DTSTART:20260101T090000Z\nDURATION:PT1M1H", "bad DURATION"},
	{"DTSTART:20260101T090000Z\nDURATION:P1Y", "bad DURATION"},
	{"DTSTART:20260101T090000Z\nDURATION:P99999D", "bad DURATION"},
	{"DTSTART:20260101T090000Z\nDURATION:P9999999999D", "bad DURATION"},
	{"DTSTART:20260101\nDURATION:PT1H", "an all-day event whose DURATION is not of days"},
	{"DTSTART:20260101\nRRULE:FREQ=HOURLY", "an all-day event that repeats within a day"},
	{"DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=0", "the rule has a bad COUNT"},
	{"DTSTART:20260101T090000Z\nEXRULE:FREQ=DAILY", "EXRULE, which RFC 5545 has abolished"},
	{"DTSTART:20260101T090000Z\nRDATE:20260102T090000Z,20260931T090000Z", "bad RDATE"},
	{"DTSTART:20260101T090000Z\nRDATE;VALUE=PERIOD:20260102T090000Z", "bad RDATE"},
	{"DTSTART:20260101T090000Z\nRDATE;VALUE=PERIOD:20260102T090000Z/20260102T080000Z",
	 "an RDATE that ends before it starts"},
	{"DTSTART:20260101T090000Z\nRDATE;VALUE=DATE:20260102",
	 "DTSTART and RDATE are not both dates"},
	{"DTSTART:20260101T090000Z\nEXDATE:20260931T090000Z", "bad EXDATE"},
	{"DTSTART:20260101T090000Z\nEXDATE;TZID=X:20260131T090000", "unknown time zone"},
	{"DTSTART:20260101T090000Z\nRECURRENCE-ID:soon", "bad RECURRENCE-ID"},
	{"DTSTART:20260101T090000Z\nSUMMARY:\xff", "text that is not UTF-8"},
	{"DTSTART:20260101T090000Z\nthis is no property", "a line that is no property"},
	{"DTSTART:20260101T090000Z\nEND:VALARM", "an END without its BEGIN"},
	{"DTSTART:20260101T090000Z\nBEGIN:VALARM", "a component that does not end"},
	{"DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY\n"
	 "RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY\n"
	 "RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY",
	 "more than 8 rules"},
};

/* Each stands between two good ones. */
static void bad_events_are_told_one_by_one(void **state)
{
	for (size_t i = 0; i < LENGTH(bad); i++) {
		const struct ics_calendar *calendar = read_feed(
			*state,
			feed_of(*state,
				arena_format(*state,
					     "BEGIN:VEVENT\nUID:a\nDTSTART:20260101\nEND:VEVENT\n"
					     "BEGIN:VEVENT\n%s\nUID:x\nEND:VEVENT\n"
					     "BEGIN:VEVENT\nUID:z\nDTSTART:20260101\nEND:VEVENT\n",
					     bad[i].lines)));

		if (calendar->problem_count != 1 ||
		    strcmp(calendar->problems[0].reason, bad[i].reason) != 0)
			fail_msg("%s: %s", bad[i].lines,
				 calendar->problem_count ? calendar->problems[0].reason : "taken");
		assert_int_equal(calendar->series_count, 2);
		assert_true(calendar->problems[0].line >= 7);
	}
}

static void a_bad_uid_is_told_without_it(void **state)
{
	const struct ics_calendar *calendar = read_feed(
		*state, feed_of(*state, "BEGIN:VEVENT\nUID:  \nDTSTART:20260101\nEND:VEVENT\n"
					"BEGIN:VEVENT\nUID:\xff\nDTSTART:20260101\nEND:VEVENT\n"));

	assert_int_equal(calendar->series_count, 0);
	assert_int_equal(calendar->problem_count, 2);
	assert_string_equal(calendar->problems[0].reason, "no UID");
	assert_string_equal(calendar->problems[1].reason, "text that is not UTF-8");
	assert_int_equal(calendar->problems[1].uid.length, 0);
}

/* An event whose end is missing takes none of the next one. */
static void an_event_that_does_not_end(void **state)
{
	const struct ics_calendar *calendar = read_feed(
		*state, feed_of(*state, "BEGIN:VEVENT\nUID:a\nDTSTART:20260101\n"
					"BEGIN:VEVENT\nUID:b\nDTSTART:20260102\nEND:VEVENT\n"
					"BEGIN:VEVENT\nUID:c\nDTSTART:20260103\n"));

	assert_string_equal(tell(*state, calendar, "2026-01-01", "2027-01-01"),
			    "b\n2026-01-02/2026-01-03 \n"
			    "line 6 a: a component that does not end\n"
			    "line 13 c: a component that does not end\n");
}

/* --- whole feeds that are refused ---------------------------------------------------------------------------- */

static void assert_refused(struct arena *arena, struct span feed, const char *expected)
{
	const char *complaint = NULL;

	assert_null(ics_read(arena, feed, NULL, &complaint));
	assert_string_equal(complaint, expected);
}

static void what_is_no_feed_is_refused(void **state)
{
	assert_refused(*state, (struct span){NULL, 0}, "the feed is empty");
	assert_refused(*state, SPAN("\r\n\r\n"), "the feed is empty");
	assert_refused(*state, SPAN("<!DOCTYPE html><html></html>"), "this is no iCalendar feed");
	assert_refused(*state, SPAN("{\"error\":1}"), "this is no iCalendar feed");
	assert_refused(*state, SPAN("BEGIN:VCARD\nEND:VCARD\n"), "this is no iCalendar feed");
	assert_refused(*state,
		       feed_of(*state, "BEGIN:A\nBEGIN:B\nBEGIN:C\nBEGIN:D\nBEGIN:E\nBEGIN:F\n"
				       "BEGIN:G\nBEGIN:H\n"),
		       "components are nested deeper than 8");
}

/* Wherever it is cut; behind the last line nothing is missing. */
static void a_cut_feed_is_refused(void **state)
{
	struct span sample = SAMPLE(ics_03);
	const char *complaint;
	struct span whole = span_trim(sample);

	for (size_t length = 0; length < whole.length; length++)
		assert_null(ics_read(*state, (struct span){whole.bytes, length}, NULL, &complaint));
	assert_non_null(ics_read(*state, whole, NULL, &complaint));
}

/* --- zones of a feed ------------------------------------------------------------------------------------------ */

#define OWN_ZONE                                                                                   \
	"BEGIN:VTIMEZONE\nTZID:Own Time\n"                                                         \
	"BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"          \
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n"                                  \
	"BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"          \
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
#define OWN_EVENT                                                                                  \
	"BEGIN:VEVENT\nUID:o\nDTSTART;TZID=Own Time:20260328T023000\nRRULE:FREQ=DAILY;COUNT=3\n"   \
	"END:VEVENT\n"
#define OWN_STORY                                                                                  \
	"o\n2026-03-28T01:30:00/2026-03-28T01:30:00 \n2026-03-29T01:30:00/2026-03-29T01:30:00 \n"  \
	"2026-03-30T00:30:00/2026-03-30T00:30:00 \n"

static void assert_feed(struct arena *arena, const char *lines, const char *expected)
{
	const char *story =
		tell(arena, read_feed(arena, feed_of(arena, lines)), "1960-01-01", "2090-01-01");

	if (strcmp(story, expected) != 0)
		fail_msg("%s\n--- is\n%s", lines, story);
}

static void a_feed_may_define_a_zone(void **state)
{
	assert_feed(*state, OWN_ZONE OWN_EVENT, OWN_STORY);
	assert_feed(*state, OWN_EVENT OWN_ZONE, OWN_STORY);
	/* A name that tzdata has means what tzdata says. */
	assert_feed(*state,
		    "BEGIN:VTIMEZONE\nTZID:Europe/Madrid\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
		    "TZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n"
		    "BEGIN:VEVENT\nUID:m\nDTSTART;TZID=Europe/Madrid:20260701T090000\nEND:VEVENT\n",
		    "m\n2026-07-01T07:00:00/2026-07-01T07:00:00 \n");
}

/* Single changes by RDATE and by DTSTART alone, rules that ended, before the first change. */
static void a_defined_zone_may_change_its_rules(void **state)
{
	assert_feed(
		*state,
		"BEGIN:VTIMEZONE\nTZID:W\n"
		"BEGIN:STANDARD\nRDATE:19901001T000000,19911001T000000\n"
		"DTSTART:19891001T000000\nTZOFFSETFROM:-0300\nTZOFFSETTO:-043015\nEND:STANDARD\n"
		"BEGIN:DAYLIGHT\nTZOFFSETTO:-0300\nTZOFFSETFROM:-043015\n"
		"DTSTART:19900401T000000\nRRULE:FREQ=YEARLY;UNTIL=19910401T043015Z\n"
		"END:DAYLIGHT\nEND:VTIMEZONE\n"
		"BEGIN:VEVENT\nUID:w\nDTSTART;TZID=W:19890101T120000\n"
		"RDATE;TZID=W:19900101T120000,19900701T120000,19910101T120000\n"
		"RDATE;TZID=W:19910701T120000,20260701T120000\nEND:VEVENT\n",
		"w\n1989-01-01T15:00:00/1989-01-01T15:00:00 \n"
		"1990-01-01T16:30:15/1990-01-01T16:30:15 \n"
		"1990-07-01T15:00:00/1990-07-01T15:00:00 \n"
		"1991-01-01T16:30:15/1991-01-01T16:30:15 \n"
		"1991-07-01T15:00:00/1991-07-01T15:00:00 \n"
		"2026-07-01T16:30:15/2026-07-01T16:30:15 \n");
}

static void a_bad_definition_is_none(void **state)
{
	static const char *const parts[] = {
		"",
		"BEGIN:STANDARD\nEND:STANDARD\n",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nEND:STANDARD\n",
		"BEGIN:STANDARD\nDTSTART:19700101\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\n"
		"END:STANDARD\n",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+2400\n"
		"END:STANDARD\n",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\n"
		"RRULE:FREQ=OFTEN\nEND:STANDARD\n",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\n"
		"RRULE:FREQ=SECONDLY\nEND:STANDARD\n",
		"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\n"
		"RDATE:19700931T000000\nEND:STANDARD\n"};

	for (size_t i = 0; i < LENGTH(parts); i++) {
		const struct ics_calendar *calendar = read_feed(
			*state,
			feed_of(*state,
				arena_format(*state,
					     "BEGIN:VTIMEZONE\nTZID:B\n%sEND:VTIMEZONE\n"
					     "BEGIN:VEVENT\nUID:b\nDTSTART;TZID=B:20260101T000000\n"
					     "END:VEVENT\n",
					     parts[i])));

		assert_int_equal(calendar->problem_count, 1);
		assert_string_equal(calendar->problems[0].reason, "unknown time zone");
	}
}

static void floating_times_are_in_the_feeds_own_zone(void **state)
{
	static const char *const event =
		"BEGIN:VEVENT\nUID:f\nDTSTART:20260701T090000\nEND:VEVENT\n";
	const struct zone *tokyo = zone_load(*state, SPAN("Asia/Tokyo"));
	const char *complaint;
	struct span feed = feed_of(*state, event);

	assert_feed(*state, event, "f\n2026-07-01T09:00:00/2026-07-01T09:00:00 \n");
	assert_feed(*state, arena_format(*state, "X-WR-TIMEZONE:Europe/Madrid\n%s", event),
		    "f\n2026-07-01T07:00:00/2026-07-01T07:00:00 \n");
	assert_feed(*state, arena_format(*state, "%sX-WR-TIMEZONE:Tokyo Standard Time\n", event),
		    "f\n2026-07-01T00:00:00/2026-07-01T00:00:00 \n");
	assert_feed(*state, arena_format(*state, "X-WR-TIMEZONE:Own Time\n%s" OWN_ZONE, event),
		    "f\n2026-07-01T07:00:00/2026-07-01T07:00:00 \n");
	assert_feed(*state, arena_format(*state, "X-WR-TIMEZONE:Nowhere\n%s", event),
		    "f\n2026-07-01T09:00:00/2026-07-01T09:00:00 \n");
	assert_string_equal(tell(*state, ics_read(*state, feed, tokyo, &complaint), "2026-01-01",
				 "2027-01-01"),
			    "f\n2026-07-01T00:00:00/2026-07-01T00:00:00 \n");
	assert_true(only_event(read_feed(*state, feed))->start.is_floating);
}

/* --- windows --------------------------------------------------------------------------------------------------- */

static void assert_window(struct arena *arena, const struct ics_calendar *calendar,
			  const char *from, const char *to, size_t count)
{
	struct ics_occurrences found;

	ics_expand(&calendar->series[0], seconds_of(from), seconds_of(to), arena, &found);
	if (found.count != count)
		fail_msg("%s to %s: %zu instead of %zu", from, to, found.count, count);
}

static void a_window_takes_what_overlaps(void **state)
{
	const struct ics_calendar *hour = read_event(
		*state, "DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3");
	const struct ics_calendar *point = read_event(*state, "DTSTART:20260101T090000Z");
	const struct ics_calendar *days = read_event(*state, "DTSTART:20260101\nDTEND:20260104");
	const struct ics_calendar *long_ones = read_event(
		*state, "DTSTART:20260101T000000Z\nDURATION:P10D\nRRULE:FREQ=DAILY;COUNT=30");

	assert_window(*state, hour, "2026-01-01", "2026-01-04", 3);
	assert_window(*state, hour, "2026-01-01T09:00:00", "2026-01-01T09:00:01", 1);
	assert_window(*state, hour, "2026-01-01T09:59:59", "2026-01-01T11:00:00", 1);
	assert_window(*state, hour, "2026-01-01T10:00:00", "2026-01-02T09:00:00", 0);
	assert_window(*state, hour, "2026-01-04", "2027-01-01", 0);
	assert_window(*state, hour, "2025-01-01", "2026-01-01", 0);
	assert_window(*state, hour, "2026-01-03", "2026-01-01", 0);
	assert_window(*state, hour, "0001-01-01", "9999-12-31", 3);
	assert_window(*state, point, "2026-01-01T09:00:00", "2026-01-01T09:00:01", 1);
	assert_window(*state, point, "2026-01-01T08:00:00", "2026-01-01T09:00:00", 0);
	assert_window(*state, days, "2026-01-03T23:00:00", "2026-02-01", 1);
	assert_window(*state, days, "2026-01-04", "2026-02-01", 0);
	assert_window(*state, long_ones, "2026-01-20", "2026-01-21", 11 - 1);
}

/* --- overrides -------------------------------------------------------------------------------------------------- */

#define SERIES                                                                                     \
	"BEGIN:VEVENT\nUID:s\nSUMMARY:each\nDTSTART;TZID=Europe/Madrid:20260327T090000\n"          \
	"DURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nEND:VEVENT\n"
#define OVERRIDE(id, rest) "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID" id "\n" rest "\nEND:VEVENT\n"

static void overrides_take_the_place_of_one(void **state)
{
	/* In UTC, on the wall, by date; the order in the feed does not count. */
	assert_feed(
		*state,
		OVERRIDE(":20260328T080000Z", "SUMMARY:utc\nDTSTART:20260328T120000Z")
			SERIES OVERRIDE(";TZID=Europe/Madrid:20260329T090000",
					"SUMMARY:wall\nDTSTART;TZID=Europe/Madrid:20260501T090000")
				OVERRIDE(";VALUE=DATE:20260330",
					 "SUMMARY:date\nDTSTART;VALUE=DATE:20260330"),
		"s\n2026-03-27T08:00:00/2026-03-27T09:00:00 each\n"
		"2026-03-28T12:00:00/2026-03-28T12:00:00 for 2026-03-28T08:00:00 utc\n"
		"2026-03-30/2026-03-31 for 2026-03-30 date\n"
		"2026-03-31T07:00:00/2026-03-31T08:00:00 each\n"
		"2026-05-01T07:00:00/2026-05-01T07:00:00 for 2026-03-29T07:00:00 wall\n");
}

static void overrides_move_into_and_out_of_a_window(void **state)
{
	const struct ics_calendar *calendar =
		read_feed(*state, feed_of(*state, SERIES OVERRIDE(":20260328T080000Z",
								  "DTSTART:20270101T000000Z")));

	assert_window(*state, calendar, "2026-03-28", "2026-03-29", 0);
	assert_window(*state, calendar, "2027-01-01", "2027-01-02", 1);
	assert_window(*state, calendar, "2026-01-01", "2026-12-01", 4);
}

static void cancelled_and_excluded_ones_are_gone(void **state)
{
	assert_feed(
		*state,
		SERIES OVERRIDE(":20260328T080000Z", "STATUS:CANCELLED\nDTSTART:20260328T080000Z")
			OVERRIDE(":20260329T070000Z", "STATUS:CANCELLED\nDTSTART:20270101T000000Z"),
		"s\n2026-03-27T08:00:00/2026-03-27T09:00:00 each\n"
		"2026-03-30T07:00:00/2026-03-30T08:00:00 each\n"
		"2026-03-31T07:00:00/2026-03-31T08:00:00 each\n");
	assert_feed(*state,
		    "BEGIN:VEVENT\nUID:s\nDTSTART:20260101T090000Z\nRRULE:FREQ=DAILY;COUNT=2\n"
		    "EXDATE:20260102T090000Z\nEND:VEVENT\n" OVERRIDE(":20260102T090000Z",
								     "DTSTART:20260102T100000Z"),
		    "s\n2026-01-01T09:00:00/2026-01-01T09:00:00 \n");
}

static void overrides_alone_are_single_occurrences(void **state)
{
	assert_feed(*state, OVERRIDE(":20260102T090000Z", "SUMMARY:a\nDTSTART:20260102T100000Z"),
		    "s\n2026-01-02T10:00:00/2026-01-02T10:00:00 for 2026-01-02T09:00:00 a\n");
	/* Also beside a series that does not tell them, and when the series itself is bad. */
	assert_feed(*state,
		    SERIES OVERRIDE(":20260601T090000Z", "SUMMARY:a\nDTSTART:20250102T100000Z"),
		    "s\n2025-01-02T10:00:00/2025-01-02T10:00:00 for 2026-06-01T09:00:00 a\n"
		    "2026-03-27T08:00:00/2026-03-27T09:00:00 each\n"
		    "2026-03-28T08:00:00/2026-03-28T09:00:00 each\n"
		    "2026-03-29T07:00:00/2026-03-29T08:00:00 each\n"
		    "2026-03-30T07:00:00/2026-03-30T08:00:00 each\n"
		    "2026-03-31T07:00:00/2026-03-31T08:00:00 each\n");
}

/* An hour and a half later from the third on, on the wall, until another one says otherwise. */
static void an_override_for_all_after_moves_them(void **state)
{
	assert_feed(*state,
		    SERIES OVERRIDE(";RANGE=THISANDFUTURE:20260328T080000Z",
				    "SUMMARY:later\nDTSTART;TZID=Europe/Madrid:20260328T103000\n"
				    "DURATION:PT2H")
			    OVERRIDE(":20260330T070000Z", "SUMMARY:one\nDTSTART:20260330T000000Z")
				    OVERRIDE(";RANGE=THISANDFUTURE:20260331T070000Z",
					     "STATUS:CANCELLED\nDTSTART:20260331T070000Z"),
		    "s\n2026-03-27T08:00:00/2026-03-27T09:00:00 each\n"
		    "2026-03-28T09:30:00/2026-03-28T11:30:00 for 2026-03-28T08:00:00 later\n"
		    "2026-03-29T08:30:00/2026-03-29T10:30:00 for 2026-03-29T07:00:00 later\n"
		    "2026-03-30T00:00:00/2026-03-30T00:00:00 for 2026-03-30T07:00:00 one\n");
}

/* Moved by 20 days: a window finds those whose own place is far outside of it. */
static void what_was_moved_far_is_found(void **state)
{
	const struct ics_calendar *calendar = read_feed(
		*state,
		feed_of(*state, SERIES OVERRIDE(";RANGE=THISANDFUTURE:20260328T080000Z",
						"DTSTART;TZID=Europe/Madrid:20260417T090000")));

	assert_window(*state, calendar, "2026-04-20", "2026-04-21", 1);
	assert_window(*state, calendar, "2026-03-28", "2026-04-01", 0);
}

static void the_newest_of_the_same_counts(void **state)
{
	assert_feed(*state,
		    "BEGIN:VEVENT\nUID:d\nSEQUENCE:2\nSUMMARY:new\nDTSTART:20260101\nEND:VEVENT\n"
		    "BEGIN:VEVENT\nUID:d\nSEQUENCE:1\nSUMMARY:old\nDTSTART:20260102\nEND:VEVENT\n"
		    "BEGIN:VEVENT\nUID:e\nDTSTAMP:20260101T000000Z\nSUMMARY:old\n"
		    "DTSTART:20260101\nEND:VEVENT\n"
		    "BEGIN:VEVENT\nUID:e\nDTSTAMP:20260102T000000Z\nSUMMARY:new\n"
		    "DTSTART:20260102\nEND:VEVENT\n"
		    "BEGIN:VEVENT\nUID:f\nSUMMARY:old\nDTSTART:20260101\nEND:VEVENT\n"
		    "BEGIN:VEVENT\nUID:f\nSUMMARY:new\nDTSTART:20260102\nEND:VEVENT\n",
		    "d\n2026-01-01/2026-01-02 new\ne\n2026-01-02/2026-01-03 new\n"
		    "f\n2026-01-02/2026-01-03 new\n"
		    "line 9 d: the same event comes again, and that one counts\n"
		    "line 15 e: the same event comes again, and that one counts\n"
		    "line 27 f: the same event comes again, and that one counts\n");
	assert_feed(*state,
		    SERIES OVERRIDE(":20260328T080000Z", "SEQUENCE:1\nDTSTART:20260328T110000Z")
			    OVERRIDE(":20260328T080000Z", "SEQUENCE:0\nDTSTART:20260328T100000Z"),
		    "s\n2026-03-27T08:00:00/2026-03-27T09:00:00 each\n"
		    "2026-03-28T11:00:00/2026-03-28T11:00:00 for 2026-03-28T08:00:00 \n"
		    "2026-03-29T07:00:00/2026-03-29T08:00:00 each\n"
		    "2026-03-30T07:00:00/2026-03-30T08:00:00 each\n"
		    "2026-03-31T07:00:00/2026-03-31T08:00:00 each\n"
		    "line 16 s: the same event comes again, and that one counts\n");
}

static void an_all_day_series_is_overridden_by_dates(void **state)
{
	assert_feed(
		*state,
		"BEGIN:VEVENT\nUID:s\nDTSTART:20260101\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n" OVERRIDE(
			";VALUE=DATE:20260102", "SUMMARY:x\nDTSTART:20260105")
			OVERRIDE(":20260103T000000Z",
				 "SUMMARY:y\nDTSTART;TZID=Europe/Madrid:20260103T120000"),
		"s\n2026-01-01/2026-01-02 \n"
		"2026-01-03T11:00:00/2026-01-03T11:00:00 for 2026-01-03T00:00:00 y\n"
		"2026-01-05/2026-01-06 for 2026-01-02 x\n");
}

/* --- harm --------------------------------------------------------------------------------------------------------- */

/* A walk looks whether it has gone too far with every period, not with every step. */
#define STEPS_MAX (RULE_STEPS_MAX + 1000)

static void assert_bounded(struct arena *arena, const char *lines, size_t count)
{
	const struct ics_calendar *calendar = read_event(arena, lines);
	struct ics_occurrences found;

	ics_expand(&calendar->series[0], seconds_of("2026-01-01"), seconds_of("2027-01-01"), arena,
		   &found);
	assert_int_equal(found.count, count);
	assert_true(found.is_truncated);
	assert_in_range(found.steps, 1, STEPS_MAX);
}

static void hostile_rules_are_bounded(void **state)
{
	assert_bounded(*state, "DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY", 10000);
	assert_bounded(*state, "DTSTART:20200101T000000Z\nDURATION:P36500D\nRRULE:FREQ=SECONDLY",
		       10000);
	assert_bounded(*state,
		       "DTSTART:19400101T000000Z\nEXDATE;VALUE=DATE:20260105\n"
		       "RDATE:20260102T000000Z\nRRULE:FREQ=SECONDLY;COUNT="
		       "999999999;BYHOUR=1,2",
		       1);
	assert_bounded(*state, "DTSTART:20260101T000000Z\nRRULE:FREQ=MINUTELY\nRRULE:FREQ=HOURLY",
		       10000);
	assert_bounded(*state,
		       "DTSTART:19000101T000000Z\nRRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=1;"
		       "COUNT=7",
		       0);
	assert_bounded(
		*state,
		"DTSTART:19000101T000000Z\nRRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=1;COUNT=7\n"
		"RRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=2;COUNT=7\n"
		"RRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=3;COUNT=7\n"
		"RRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=4;COUNT=7\n",
		0);
}

/* Moved by a century: all that may come into the window is looked at. */
static void a_far_move_is_bounded(void **state)
{
	const struct ics_calendar *calendar = read_feed(
		*state, feed_of(*state, "BEGIN:VEVENT\nUID:s\nDTSTART:18000101T000000Z\n"
					"RRULE:FREQ=SECONDLY;BYSECOND=1\nEND:VEVENT\n" OVERRIDE(
						";RANGE=THISANDFUTURE:18000102T000001Z",
						"DTSTART;TZID=Europe/Madrid:19000101T000000")));
	struct ics_occurrences found;

	ics_expand(&calendar->series[0], seconds_of("2026-01-01"), seconds_of("2027-01-01"), *state,
		   &found);
	assert_true(found.is_truncated);
	assert_in_range(found.steps, 1, STEPS_MAX);
}

static void a_rule_without_end_is_no_harm(void **state)
{
	const struct ics_calendar *calendar =
		read_event(*state, "DTSTART:19000101T090000Z\nRRULE:FREQ=DAILY");
	struct ics_occurrences found;

	ics_expand(&calendar->series[0], seconds_of("2026-01-01"), seconds_of("2027-01-01"), *state,
		   &found);
	assert_int_equal(found.count, 365);
	assert_false(found.is_truncated);
}

static void long_lines_count_only_where_they_matter(void **state)
{
	struct str feed;
	const struct ics_calendar *calendar;

	str_init(&feed, STORY_MAX);
	str_append_text(&feed, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260101\nATTACH:");
	for (int i = 0; i < 300000; i++)
		str_append_char(&feed, 'A');
	str_append_text(&feed, "\nX-MORE:");
	for (int i = 0; i < 100000; i++)
		str_append_text(&feed, "AAA\n ");
	str_append_text(&feed, "\nEND:VEVENT\nBEGIN:VEVENT\nUID:b\nDTSTART:20260102\nSUMMARY:");
	for (int i = 0; i < 300000; i++)
		str_append_char(&feed, 'A');
	str_append_text(&feed, "\nEND:VEVENT\nEND:VCALENDAR\n");
	calendar = read_feed(*state, str_span(&feed));
	assert_int_equal(calendar->series_count, 1);
	assert_span(calendar->series[0].uid, "a");
	assert_int_equal(calendar->problem_count, 1);
	assert_span(calendar->problems[0].uid, "b");
	assert_string_equal(calendar->problems[0].reason, "a line of more than 262,144 bytes");
	str_finish(&feed);
}

static void lists_have_limits(void **state)
{
	static const char *const kinds[][2] = {{"RDATE", "more than 10,000 RDATEs"},
					       {"EXDATE", "more than 10,000 EXDATEs"},
					       {"X-OTHER", "more than 20,000 properties"}};

	for (size_t i = 0; i < LENGTH(kinds); i++) {
		struct str lines;
		const struct ics_calendar *calendar;

		str_init(&lines, STORY_MAX);
		str_append_text(&lines, "DTSTART:20260101T000000Z\n");
		for (int line = 0; line < 20001; line++)
			str_format(&lines, "%s:20260101T000000Z\n", kinds[i][0]);
		calendar = read_event(*state, str_text(&lines));
		assert_int_equal(calendar->problem_count, 1);
		assert_string_equal(calendar->problems[0].reason, kinds[i][1]);
		str_finish(&lines);
	}
}

static void problems_are_counted_beyond_those_kept(void **state)
{
	struct str lines;
	const struct ics_calendar *calendar;

	str_init(&lines, STORY_MAX);
	for (int i = 0; i < ICS_PROBLEMS_MAX + 5; i++)
		str_append_text(&lines, "BEGIN:VEVENT\nUID:a\nEND:VEVENT\n");
	calendar = read_feed(*state, feed_of(*state, str_text(&lines)));
	assert_int_equal(calendar->problem_count, ICS_PROBLEMS_MAX + 5);
	assert_int_equal(calendar->problems[ICS_PROBLEMS_MAX - 1].line, 3 * ICS_PROBLEMS_MAX);
	str_finish(&lines);
}

static void a_feed_has_at_most_so_many_events(void **state)
{
	struct str lines;
	const char *complaint;

	str_init(&lines, STORY_MAX);
	for (int i = 0; i <= ICS_EVENTS_MAX; i++)
		str_format(&lines, "BEGIN:VEVENT\nUID:%d\nDTSTART:20260101\nEND:VEVENT\n", i);
	assert_null(ics_read(*state, feed_of(*state, str_text(&lines)), NULL, &complaint));
	assert_string_equal(complaint, "more than 50,000 events");
	str_finish(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(the_samples_give_what_they_should),
		ARENA_TEST(properties_are_read),
		ARENA_TEST(folds_are_undone),
		ARENA_TEST(every_way_to_fold_is_the_same),
		ARENA_TEST(what_is_nested_in_an_event_is_not_its_own),
		ARENA_TEST(other_components_are_left_alone),
		ARENA_TEST(two_calendars_in_one_feed),
		ARENA_TEST(times_are_read),
		ARENA_TEST(bad_events_are_told_one_by_one),
		ARENA_TEST(a_bad_uid_is_told_without_it),
		ARENA_TEST(an_event_that_does_not_end),
		ARENA_TEST(what_is_no_feed_is_refused),
		ARENA_TEST(a_cut_feed_is_refused),
		ARENA_TEST(a_feed_may_define_a_zone),
		ARENA_TEST(a_defined_zone_may_change_its_rules),
		ARENA_TEST(a_bad_definition_is_none),
		ARENA_TEST(floating_times_are_in_the_feeds_own_zone),
		ARENA_TEST(a_window_takes_what_overlaps),
		ARENA_TEST(overrides_take_the_place_of_one),
		ARENA_TEST(overrides_move_into_and_out_of_a_window),
		ARENA_TEST(cancelled_and_excluded_ones_are_gone),
		ARENA_TEST(overrides_alone_are_single_occurrences),
		ARENA_TEST(an_override_for_all_after_moves_them),
		ARENA_TEST(what_was_moved_far_is_found),
		ARENA_TEST(the_newest_of_the_same_counts),
		ARENA_TEST(an_all_day_series_is_overridden_by_dates),
		ARENA_TEST(hostile_rules_are_bounded),
		ARENA_TEST(a_far_move_is_bounded),
		ARENA_TEST(a_rule_without_end_is_no_harm),
		ARENA_TEST(long_lines_count_only_where_they_matter),
		ARENA_TEST(lists_have_limits),
		ARENA_TEST(problems_are_counted_beyond_those_kept),
		ARENA_TEST(a_feed_has_at_most_so_many_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
