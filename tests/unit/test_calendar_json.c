/* test_calendar_json.c - lists of events in JSON: the samples, both forms of an event, what is refused one
 * by one, how pages follow each other, and what is no list */
#include <string.h>

#include "almanac/moment.h"
#include "calendar/source.h"
#include "samples.h"
#include "story.h"

#define STORY_MAX (16 << 20)
#define URL "http://source.example/events"

/* --- the samples, embedded when this file is assembled ---------------------------------------------- */

EMBED(json_01, "calendar-json/01-full-page1.json");
EMBED(json_02, "calendar-json/02-full-page2.json");
EMBED(json_03, "calendar-json/03-incremental.json");
EMBED(json_04, "calendar-json/04-token-gone-410.json");
EMBED(json_05, "calendar-json/05-full-after-gone.json");
EMBED(json_06, "calendar-json/06-one-bad-item.json");

/* --- helpers ---------------------------------------------------------------------------------------- */

static struct calendar_json *list_at(struct arena *arena, const char *url)
{
	return calendar_json_create(arena, span_of(url), SPAN(""), NULL);
}

static void read_span(struct calendar_json *list, struct span body)
{
	const char *complaint = NULL;

	if (!calendar_json_read(list, body, &complaint))
		fail_msg("refused: %s", complaint);
}

static void read_page(struct calendar_json *list, const char *body)
{
	read_span(list, span_of(body));
}

static void assert_asks(const struct calendar_json *list, const char *url)
{
	const char *asked = calendar_json_url(list);

	if (!url)
		assert_null(asked);
	else if (!asked || strcmp(asked, url) != 0)
		fail_msg("asks %s", asked ? asked : "nothing");
}

static void assert_span(struct span span, const char *expected)
{
	if (!span_is(span, expected))
		fail_msg("%.*s is not %s", (int)span.length, span.bytes, expected);
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
	static const char *const marks[] = {"", " tentative", " cancelled"};

	str_append(story, item->id);
	if (item->is_removed) {
		str_append_text(story, " removed\n");
		return;
	}
	str_append_char(story, ' ');
	write_time(story, item->starts_us, item->is_all_day);
	str_append_char(story, '/');
	write_time(story, item->ends_us, item->is_all_day);
	str_append_text(story, marks[item->status]);
	str_append_char(story, ' ');
	str_append(story, item->title);
	str_append_char(story, '\n');
}

static void write_problem(struct str *story, const struct calendar_problem *problem)
{
	str_format(story, "%lld ", (long long)problem->place);
	str_append(story, problem->series);
	str_format(story, ": %s\n", problem->reason);
	assert_true(problem->is_rejected);
}

/* The items, the problems, and what is held. */
static const char *tell(struct arena *arena, struct calendar_json *list)
{
	struct calendar_items items;
	struct str story;
	char *text;

	calendar_json_end(list, &items);
	str_init(&story, STORY_MAX);
	for (size_t i = 0; i < items.count; i++)
		write_item(&story, &items.all[i]);
	for (size_t i = 0; i < items.problem_count && i < CALENDAR_PROBLEMS_MAX; i++)
		write_problem(&story, &items.problems[i]);
	for (size_t i = 0; i < items.held_count; i++) {
		str_append_text(&story, "holds ");
		str_append(&story, items.held[i]);
		str_append_char(&story, '\n');
	}
	if (items.holds_all)
		str_append_text(&story, "holds all\n");
	text = arena_text(arena, str_span(&story));
	str_finish(&story);
	return text;
}

static void assert_story(struct arena *arena, struct calendar_json *list, const char *expected)
{
	const char *story = tell(arena, list);

	if (strcmp(story, expected) != 0)
		fail_msg("--- is\n%s--- and not\n%s", story, expected);
}

/* One page that is the whole list. */
static void assert_page(struct arena *arena, const char *body, const char *expected)
{
	struct calendar_json *list = list_at(arena, URL);

	read_page(list, body);
	assert_asks(list, NULL);
	assert_story(arena, list, expected);
}

/* One event. */
static void assert_event(struct arena *arena, const char *members, const char *expected)
{
	assert_page(arena, arena_format(arena, "[{\"id\":\"a\",%s}]", members), expected);
}

static void assert_refused(struct calendar_json *list, struct span body, const char *expected)
{
	const char *complaint = NULL;

	assert_false(calendar_json_read(list, body, &complaint));
	if (strcmp(complaint, expected) != 0)
		fail_msg("says: %s", complaint);
}

/* --- the samples ------------------------------------------------------------------------------------ */

static void a_full_list_comes_in_two_pages(void **state)
{
	struct calendar_json *list = list_at(*state, URL "?singleEvents=true");

	assert_asks(list, URL "?singleEvents=true");
	read_span(list, SAMPLE(json_01));
	assert_asks(list, URL "?singleEvents=true&pageToken=P2");
	read_span(list, SAMPLE(json_02));
	assert_asks(list, NULL);
	assert_span(calendar_json_sync_token(list), "S1");
	assert_int_equal(calendar_json_page_count(list), 2);
	assert_story(
		*state, list,
		"ev1 2026-01-05T08:00:00.000Z/2026-01-05T08:30:00.000Z Stand-up\n"
		"ev2 2026-01-06/2026-01-08 Viaje (todo el dia)\n"
		"ev3 2026-01-07T15:00:00.000Z/2026-01-07T16:00:00.000Z Call NY (again on page 2)\n"
		"ev4 2026-01-09T22:30:00.000Z/2026-01-09T23:30:00.000Z Over midnight\n"
		"rec1_20260112T090000Z 2026-01-12T09:00:00.000Z/2026-01-12T09:30:00.000Z Weekly\n");
}

static void changes_come_by_token(void **state)
{
	struct calendar_json *list = calendar_json_create(
		*state, SPAN(URL "?timeMin=2026-01-01&maxResults=250"), SPAN("S1=/+"), NULL);

	assert_true(calendar_json_is_incremental(list));
	assert_asks(list, URL "?maxResults=250&syncToken=S1%3D%2F%2B");
	read_span(list, SAMPLE(json_03));
	assert_asks(list, NULL);
	assert_span(calendar_json_sync_token(list), "S2");
	assert_story(*state, list,
		     "ev1 removed\n"
		     "ev2 2026-01-06/2026-01-09 Viaje mas largo\n"
		     "ev5 2026-02-01T09:00:00.000Z/2026-02-01T10:00:00.000Z New\n"
		     "rec1_20260112T090000Z removed\n");
}

static void a_token_that_is_gone_is_no_list(void **state)
{
	assert_refused(list_at(*state, URL), SAMPLE(json_04),
		       "the source says: Sync token is no longer valid, a full sync is required.");
}

static void the_full_list_after_it(void **state)
{
	struct calendar_json *list = list_at(*state, URL);

	read_span(list, SAMPLE(json_05));
	assert_asks(list, NULL);
	assert_span(calendar_json_sync_token(list), "S3");
	assert_story(*state, list,
		     "ev2 2026-01-06/2026-01-09 Viaje mas largo\n"
		     "ev5 2026-02-01T09:00:00.000Z/2026-02-01T10:00:00.000Z New\n");
}

static void bad_ones_are_told_one_by_one(void **state)
{
	struct calendar_json *list = list_at(*state, URL);

	read_span(list, SAMPLE(json_06));
	assert_asks(list, NULL);
	assert_story(
		*state, list,
		"ok1 2026-03-01T09:00:00.000Z/2026-03-01T10:00:00.000Z fine\n"
		"ok2 2026-03-05/2026-03-06 fine too\n"
		"2 noStart: it has no start (startsAt or start)\n"
		"3 badDate: start.dateTime is no date or time that exists: 2026-02-30T09:00:00Z\n"
		"4 endFirst: end.dateTime is before start.dateTime\n"
		"5 : it has no id\n"
		"6 badZone: start.dateTime: no such time zone: Mars/Base\n"
		"holds badDate\nholds badZone\nholds endFirst\nholds noStart\n");
}

/* --- one event -------------------------------------------------------------------------------------- */

static void an_event_may_be_written_as_this_api_does(void **state)
{
	struct calendar_json *list = list_at(*state, URL);
	struct calendar_items items;

	read_page(list, "{\"data\":[{\"id\":\"a\",\"title\":\"Lunch\",\"description\":\"with Ana\","
			"\"location\":\"Caf\xc3\xa9\",\"startsAt\":\"2026-01-01T12:00:00.000Z\","
			"\"endsAt\":\"2026-01-01T13:00:00.000Z\",\"allDay\":false,"
			"\"status\":\"tentative\",\"updatedAt\":\"2025-12-31T00:00:00.000Z\","
			"\"more\":[1]}],\"start\":0,\"limit\":100,\"total\":1}");
	assert_asks(list, NULL);
	calendar_json_end(list, &items);
	assert_int_equal(items.count, 1);
	assert_span(items.all[0].title, "Lunch");
	assert_span(items.all[0].description, "with Ana");
	assert_span(items.all[0].location, "Caf\xc3\xa9");
	assert_span(items.all[0].series, "a");
	assert_int_equal(items.all[0].starts_us, INT64_C(1767268800000000));
	assert_int_equal(items.all[0].ends_us, INT64_C(1767272400000000));
	assert_int_equal(items.all[0].updated_us, INT64_C(1767139200000000));
	assert_int_equal(items.all[0].status, CALENDAR_TENTATIVE);
	assert_false(items.all[0].is_all_day);
}

static void forms_of_a_list(void **state)
{
	static const char event[] = "{\"id\":7,\"summary\":\"x\",\"start\":\"2026-01-01T09:00Z\"}";
	static const char *const forms[] = {"[%s]", "{\"data\":[%s]}", "{\"events\":[%s]}",
					    "{\"items\":[%s]}", "\xef\xbb\xbf [%s]\r\n"};

	for (size_t i = 0; i < LENGTH(forms); i++) {
		struct str body;

		str_init(&body, 1000);
		str_append(&body,
			   (struct span){forms[i], (size_t)(strchr(forms[i], '%') - forms[i])});
		str_append_text(&body, event);
		str_append_text(&body, strchr(forms[i], '%') + 2);
		assert_page(*state, str_text(&body),
			    "7 2026-01-01T09:00:00.000Z/2026-01-01T09:00:00.000Z x\n");
		str_finish(&body);
	}
	assert_page(*state, "[]", "");
	assert_page(*state, "{\"nextSyncToken\":\"S\"}", "");
}

static void all_day_events_are_dates(void **state)
{
	static const char *const two_days[] = {
		"\"start\":{\"date\":\"2026-01-06\"},\"end\":{\"date\":\"2026-01-08\"}",
		"\"startsAt\":\"2026-01-06\",\"endsAt\":\"2026-01-08\"",
		"\"startsAt\":\"2026-01-06T00:00:00.000Z\",\"endsAt\":\"2026-01-08T00:00:00.000Z\","
		"\"allDay\":true",
		"\"startsAt\":\"2026-01-06T00:00:00+02:00\",\"endsAt\":\"2026-01-08\",\"allDay\":true",
	};
	static const char *const one_day[] = {
		"\"startsAt\":\"2026-01-06\"",
		"\"startsAt\":\"2026-01-06\",\"endsAt\":null",
		"\"startsAt\":\"2026-01-06\",\"endsAt\":\"2026-01-06\"",
	};

	for (size_t i = 0; i < LENGTH(two_days); i++)
		assert_event(*state, two_days[i], "a 2026-01-06/2026-01-08 \n");
	for (size_t i = 0; i < LENGTH(one_day); i++)
		assert_event(*state, one_day[i], "a 2026-01-06/2026-01-07 \n");
	assert_event(*state, "\"startsAt\":\"2026-01-06\",\"allDay\":false",
		     "a 2026-01-06T00:00:00.000Z/2026-01-06T00:00:00.000Z \n");
}

static void times_are_of_the_zone_that_is_nearest(void **state)
{
	static const char google[] =
		"{\"timeZone\":\"America/New_York\",\"items\":["
		"{\"id\":\"a\",\"start\":{\"dateTime\":\"2026-07-01T09:00:00\"}},"
		"{\"id\":\"b\",\"start\":{\"dateTime\":\"2026-07-01T09:00:00\",\"timeZone\":\"Asia/Tokyo\"}},"
		"{\"id\":\"c\",\"start\":{\"dateTime\":\"2026-07-01T09:00:00+02:00\",\"timeZone\":\"Asia/Tokyo\"}},"
		"{\"id\":\"d\",\"startsAt\":\"2026-07-01 09:00:00.25\"},"
		"{\"id\":\"e\",\"start\":{\"dateTime\":\"2026-07-01T09:00:00\",\"timeZone\":\"Romance Standard Time\"}},"
		"{\"id\":\"f\",\"start\":{\"dateTime\":\"2026-03-08T02:30:00\"}}]}";
	struct calendar_json *list;

	assert_page(*state, google,
		    "a 2026-07-01T13:00:00.000Z/2026-07-01T13:00:00.000Z \n"
		    "b 2026-07-01T00:00:00.000Z/2026-07-01T00:00:00.000Z \n"
		    "c 2026-07-01T07:00:00.000Z/2026-07-01T07:00:00.000Z \n"
		    "d 2026-07-01T13:00:00.250Z/2026-07-01T13:00:00.250Z \n"
		    "e 2026-07-01T07:00:00.000Z/2026-07-01T07:00:00.000Z \n"
		    "f 2026-03-08T07:30:00.000Z/2026-03-08T07:30:00.000Z \n");
	list = calendar_json_create(*state, SPAN(URL), SPAN(""),
				    zone_load(*state, SPAN("Europe/Madrid")));
	read_page(
		list,
		"{\"timeZone\":\"Mars/Base\",\"items\":[{\"id\":\"a\",\"start\":\"2026-07-01T09:00\"}]}");
	assert_story(*state, list, "a 2026-07-01T07:00:00.000Z/2026-07-01T07:00:00.000Z \n");
	assert_event(*state, "\"start\":\"2026-07-01T09:00\"",
		     "a 2026-07-01T09:00:00.000Z/2026-07-01T09:00:00.000Z \n");
}

static void a_list_has_at_most_so_many_zones(void **state)
{
	struct calendar_json *list = list_at(*state, URL);
	struct calendar_items items;
	struct str body;

	str_init(&body, STORY_MAX);
	for (int i = 0; i < 70; i++)
		str_format(&body,
			   "%s{\"id\":\"%d\",\"start\":{\"dateTime\":\"2026-01-01T09:00\","
			   "\"timeZone\":\"%s%d\"}}",
			   i > 0 ? "," : "[", i, i < 64 ? "Etc/Zone" : "Etc/GMT+", i - 64);
	str_append_char(&body, ']');
	read_span(list, str_span(&body));
	str_finish(&body);
	calendar_json_end(list, &items);
	assert_int_equal(items.problem_count, 70);
	assert_string_equal(items.problems[63].reason,
			    "start.dateTime: no such time zone: Etc/Zone-1");
	assert_string_equal(items.problems[69].reason,
			    "start.dateTime: one time zone too many: Etc/GMT+5");
}

static void what_is_wrong_with_an_event_is_said(void **state)
{
	static const char *const cases[][2] = {
		{"\"start\":7", "start has to be a string, not a number"},
		{"\"start\":null", "it has no start (startsAt or start)"},
		{"\"start\":{}", "start has neither date nor dateTime"},
		{"\"start\":{\"date\":\"2026-01-01T09:00:00\"}",
		 "start.date has a time: 2026-01-01T09:00:00"},
		{"\"start\":{\"dateTime\":\"2026-01-01\"}",
		 "start.dateTime has no time: 2026-01-01"},
		{"\"start\":{\"dateTime\":\"2026-01-01T09:00\",\"timeZone\":7}",
		 "timeZone has to be a string, not a number"},
		{"\"start\":{\"dateTime\":\"2026-01-01T09:00\",\"timeZone\":\"../x\"}",
		 "start.dateTime: no such time zone: ../x"},
		{"\"start\":\"now\"", "start is no date or time that exists: now"},
		{"\"start\":\"2026-13-01\"", "start is no date or time that exists: 2026-13-01"},
		{"\"start\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyz\"",
		 "start is no date or time that exists: "
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"},
		{"\"start\":\"2026-01-01\",\"end\":\"2026-01-01T09:00\"",
		 "start is a date, but end a time"},
		{"\"start\":\"2026-01-01T09:00\",\"end\":\"2026-01-02\"",
		 "start is a time, but end a date"},
		{"\"start\":\"2026-01-02\",\"end\":\"2026-01-01\"", "end is before start"},
		{"\"startsAt\":\"2026-01-02T09:00\",\"endsAt\":\"2026-01-02T08:59:59.999\"",
		 "endsAt is before startsAt"},
		{"\"startsAt\":\"2026-01-02T09:00\",\"allDay\":true",
		 "startsAt of an all-day event is not midnight"},
		{"\"startsAt\":\"2026-01-02\",\"allDay\":\"yes\"",
		 "allDay has to be true or false, not a string"},
		{"\"start\":\"9999-12-31\"", "its end is outside of the years 1 to 9999"},
		{"\"start\":{\"dateTime\":\"9999-12-31T23:00:00\",\"timeZone\":\"America/New_York\"}",
		 "start.dateTime is outside of the years 1 to 9999"},
		{"\"start\":\"2026-01-01\",\"title\":7", "title has to be a string, not a number"},
		{"\"start\":\"2026-01-01\",\"summary\":[]",
		 "summary has to be a string, not an array"},
		{"\"start\":\"2026-01-01\",\"location\":{}",
		 "location has to be a string, not an object"},
		{"\"start\":\"2026-01-01\",\"description\":true",
		 "description has to be a string, not a boolean"},
		{"\"start\":\"2026-01-01\",\"status\":\"maybe\"",
		 "status is none of confirmed, tentative, cancelled: maybe"},
		{"\"start\":\"2026-01-01\",\"recurrence\":[\"RRULE:FREQ=DAILY\"]",
		 "it is a series with rules: have the source tell single events (singleEvents=true)"},
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_event(*state, cases[i][0],
			     arena_format(*state, "1 a: %s\nholds a\n", cases[i][1]));
}

static void without_an_id_there_is_nothing_to_hold(void **state)
{
	assert_page(
		*state,
		"[7,{\"id\":\"\"},{\"id\":1.5},{\"id\":null},{\"id\":\"b\",\"start\":\"2026-01-01\"},[]]",
		"b 2026-01-01/2026-01-02 \n"
		"1 : an event has to be an object, not a number\n"
		"2 : its id is empty\n"
		"3 : id has to be a string, not a number\n"
		"4 : it has no id\n"
		"6 : an event has to be an object, not an array\n");
}

/* Bytes that are no UTF-8, names twice, half of a surrogate: only that event is lost, and none is taken
 * for vanished. */
static void what_is_no_json_costs_one_event(void **state)
{
	assert_page(
		*state,
		"{\"items\":[{\"id\":\"a\",\"start\":\"2026-01-01\"},{\"id\":\"b\",\"title\":\"\xff\"},"
		"{\"id\":\"c\",\"id\":\"d\"},{\"id\":\"\\ud800\"}, x, {\"id\":\"e\",\"start\":\"2026-01-01\"}],\"total\":6}",
		"a 2026-01-01/2026-01-02 \n"
		"e 2026-01-01/2026-01-02 \n"
		"2 : it is not JSON: line 1, column 19: unable to decode byte 0xff near '\"'\n"
		"3 : it is not JSON: line 1, column 14: duplicate object key near '\"id\"'\n"
		"4 : it is not JSON: line 1, column 14: invalid Unicode '\\uD800' near '\"\\ud800\"'\n"
		"5 : it is not JSON: line 1, column 1: invalid token near 'x'\n"
		"holds all\n");
}

static void one_of_two_that_is_good_is_not_held(void **state)
{
	assert_page(
		*state,
		"[{\"id\":\"a\"},{\"id\":\"a\",\"start\":\"2026-01-01\"},{\"id\":\"b\"},{\"id\":\"b\"}]",
		"a 2026-01-01/2026-01-02 \n"
		"1 a: it has no start (startsAt or start)\n"
		"3 b: it has no start (startsAt or start)\n"
		"4 b: it has no start (startsAt or start)\n"
		"holds b\n");
}

static void cancelled_ones_are_gone_or_called_off(void **state)
{
	static const char body[] =
		"[{\"id\":\"a\",\"status\":\"cancelled\"},"
		"{\"id\":\"b\",\"status\":\"CANCELED\",\"start\":{\"date\":\"2026-01-01\"}},"
		"{\"id\":\"c\",\"status\":\"cancelled\",\"startsAt\":\"2026-01-01\"}]";
	struct calendar_json *list = calendar_json_create(*state, SPAN(URL), SPAN("S"), NULL);

	assert_page(*state, body, "c 2026-01-01/2026-01-02 cancelled \n");
	read_page(list, body);
	assert_story(*state, list, "a removed\nb removed\nc 2026-01-01/2026-01-02 cancelled \n");
}

#define TWICE(id, first, second)                                                                   \
	"{\"id\":\"" id "\",\"start\":\"2026-01-01\",\"title\":\"first\"" first "},"               \
	"{\"id\":\"" id "\",\"start\":\"2026-01-01\",\"title\":\"second\"" second "}"

static void of_two_the_one_updated_last_counts(void **state)
{
	assert_page(
		*state,
		"[" TWICE("a", ",\"updated\":\"2026-01-02\"", ",\"updated\":\"2026-01-01\"") "," TWICE(
			"b", ",\"updated\":\"2026-01-01\"",
			",\"updated\":\"2026-01-01\"") "," TWICE("c", ",\"updated\":\"2026-01-02\"",
								 "") "," TWICE("d", "", "") "]",
		"a 2026-01-01/2026-01-02 first\nb 2026-01-01/2026-01-02 second\n"
		"c 2026-01-01/2026-01-02 second\nd 2026-01-01/2026-01-02 second\n");
}

static struct span texts_of(struct arena *arena, size_t id, size_t title, const char *character)
{
	struct str body;
	struct span copy;

	str_init(&body, STORY_MAX);
	str_append_text(&body, "[{\"start\":\"2026-01-01\",\"id\":\"");
	for (size_t i = 0; i < id; i++)
		str_append_char(&body, 'i');
	str_append_text(&body, "\",\"title\":\"");
	for (size_t i = 0; i < title; i++)
		str_append_text(&body, character);
	str_append_text(&body, "\"}]");
	copy = arena_copy(arena, str_span(&body));
	str_finish(&body);
	return copy;
}

static void long_texts_are_cut_and_long_ids_refused(void **state)
{
	struct calendar_json *list = list_at(*state, URL);
	struct calendar_items items;

	read_span(list, texts_of(*state, CALENDAR_ID_MAX_BYTES, 600, "\xc3\xa9"));
	calendar_json_end(list, &items);
	assert_int_equal(items.all[0].id.length, CALENDAR_ID_MAX_BYTES);
	assert_int_equal(items.all[0].title.length, CALENDAR_TITLE_MAX_BYTES);
	list = list_at(*state, URL);
	read_span(list, texts_of(*state, 1, 600, "\xe2\x82\xac"));
	calendar_json_end(list, &items);
	assert_int_equal(items.all[0].title.length, 1023);
	assert_true(span_is_text(items.all[0].title));
	list = list_at(*state, URL);
	read_span(list, texts_of(*state, CALENDAR_ID_MAX_BYTES + 1, 1, "x"));
	assert_story(*state, list, "1 : its id has more than 1,024 bytes\n");
}

/* --- pages ------------------------------------------------------------------------------------------ */

/* Events from..to-1, with `rest` behind the list. */
static void read_events(struct calendar_json *list, int from, int to, const char *rest)
{
	struct str body;

	str_init(&body, STORY_MAX);
	str_append_text(&body, "{\"data\":[");
	for (int i = from; i < to; i++)
		str_format(&body, "%s{\"id\":\"%06d\",\"startsAt\":\"2026-01-01\"}",
			   i > from ? "," : "", i);
	str_format(&body, "]%s}", rest);
	read_span(list, str_span(&body));
	str_finish(&body);
}

static void assert_count(struct calendar_json *list, size_t count)
{
	struct calendar_items items;

	calendar_json_end(list, &items);
	assert_int_equal(items.count, count);
}

static void pages_by_start_follow_the_total(void **state)
{
	struct calendar_json *list = list_at(*state, URL "?from=2026-01-01");

	assert_asks(list, URL "?from=2026-01-01");
	read_events(list, 0, 100, ",\"start\":0,\"limit\":100,\"total\":253");
	assert_asks(list, URL "?from=2026-01-01&start=100&limit=500");
	read_events(list, 100, 200, ",\"start\":100,\"limit\":100,\"total\":253");
	assert_asks(list, URL "?from=2026-01-01&start=200&limit=500");
	read_events(list, 200, 253, ",\"start\":200,\"limit\":100,\"total\":253");
	assert_asks(list, NULL);
	assert_count(list, 253);
	assert_span(calendar_json_sync_token(list), "");
}

static void a_url_may_say_where_and_how_much(void **state)
{
	struct calendar_json *list = list_at(*state, URL "?limit=7&start=10&pageToken=x&&");

	assert_asks(list, URL "?limit=7&start=10");
	read_events(list, 10, 17, "");
	assert_asks(list, URL "?limit=7&start=17");
	read_events(list, 17, 19, "");
	assert_asks(list, NULL);
	assert_count(list, 9);
}

static void without_a_total_a_short_page_is_the_last(void **state)
{
	struct calendar_json *list = list_at(*state, URL);

	read_events(list, 0, 100, "");
	assert_asks(list, URL "?start=100&limit=500");
	read_events(list, 100, 600, "");
	assert_asks(list, URL "?start=600&limit=500");
	read_events(list, 600, 602, "");
	assert_asks(list, NULL);
	/* What is short for us may be full for the source. */
	list = list_at(*state, URL);
	read_events(list, 0, 20, "");
	read_events(list, 20, 40, "");
	assert_asks(list, URL "?start=40&limit=500");
	read_events(list, 0, 0, "");
	assert_asks(list, NULL);
	list = list_at(*state, URL);
	read_events(list, 0, 32, ",\"limit\":32");
	assert_asks(list, URL "?start=32&limit=500");
}

static void a_source_that_does_not_know_start_gives_all_at_once(void **state)
{
	struct calendar_json *list = list_at(*state, URL);

	read_events(list, 0, 100, "");
	assert_asks(list, URL "?start=100&limit=500");
	read_events(list, 0, 100, "");
	assert_asks(list, NULL);
	assert_count(list, 100);
	list = list_at(*state, URL);
	read_events(list, 0, 3, ",\"total\":6");
	assert_refused(list,
		       SPAN("{\"data\":[{\"id\":\"000000\"},{},{\"id\":\"000002\"}],\"total\":6}"),
		       "the source gives the same page again, whatever `start` says");
}

static void a_list_that_ends_too_early_is_refused(void **state)
{
	struct calendar_json *list = list_at(*state, URL);

	read_events(list, 0, 100, ",\"total\":200");
	assert_refused(list, SPAN("{\"data\":[],\"total\":199}"),
		       "the list ended after 100 of 199 events");
}

static void page_tokens_lead_on(void **state)
{
	struct calendar_json *list = calendar_json_create(*state, SPAN(URL), SPAN("S1"), NULL);

	read_page(list, "{\"items\":[],\"nextPageToken\":\"a b\"}");
	assert_asks(list, URL "?syncToken=S1&pageToken=a%20b");
	read_page(list,
		  "{\"items\":[{\"id\":\"a\",\"start\":\"2026-01-01\"}],\"nextPageToken\":\"c\"}");
	assert_asks(list, URL "?syncToken=S1&pageToken=c");
	assert_refused(list, SPAN("{\"items\":[],\"nextPageToken\":\"c\"}"),
		       "the source gives the same page token again");
	list = list_at(*state, URL);
	read_page(list, "{\"kind\":\"calendar#events\",\"items\":["
			"{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4},{\"id\":5}]}");
	assert_asks(list, NULL);
	assert_span(calendar_json_sync_token(list), "");
}

static void tokens_have_a_kind_and_a_length(void **state)
{
	char *long_one = arena_alloc(*state, CALENDAR_TOKEN_MAX_BYTES + 2);

	memset(long_one, 'x', CALENDAR_TOKEN_MAX_BYTES + 1);
	assert_refused(list_at(*state, URL), SPAN("{\"items\":[],\"nextPageToken\":7}"),
		       "nextPageToken has to be a string, not a number");
	assert_refused(
		list_at(*state, URL),
		span_of(arena_format(*state, "{\"items\":[],\"nextSyncToken\":\"%s\"}", long_one)),
		"nextSyncToken has more than 4,096 bytes");
}

static void a_list_has_an_end(void **state)
{
	struct calendar_json *list = list_at(*state, URL);

	for (int i = 0; i < CALENDAR_PAGES_MAX - 1; i++)
		read_page(list, arena_format(*state, "{\"nextPageToken\":\"%d\"}", i));
	assert_refused(list, SPAN("{\"nextPageToken\":\"x\"}"),
		       "the list has more than 2,000 pages");
	list = list_at(*state, URL);
	read_events(list, 0, CALENDAR_ITEMS_MAX, "");
	assert_refused(list, SPAN("[{}]"), "the list has more than 50,000 events");
}

static void problems_are_counted_beyond_those_kept(void **state)
{
	struct calendar_json *list = list_at(*state, URL);
	struct calendar_items items;
	struct str body;

	str_init(&body, STORY_MAX);
	str_append_text(&body, "[{\"id\":\"0\"}");
	for (int i = 1; i < CALENDAR_PROBLEMS_MAX + 7; i++)
		str_format(&body, ",{\"id\":\"%d\"}", i);
	str_append_text(&body, "]");
	read_span(list, str_span(&body));
	str_finish(&body);
	calendar_json_end(list, &items);
	assert_int_equal(items.problem_count, CALENDAR_PROBLEMS_MAX + 7);
	assert_int_equal(items.rejected_count, CALENDAR_PROBLEMS_MAX + 7);
	assert_int_equal(items.held_count, CALENDAR_PROBLEMS_MAX + 7);
	assert_int_equal(items.problems[CALENDAR_PROBLEMS_MAX - 1].place, CALENDAR_PROBLEMS_MAX);
}

/* --- what is no list -------------------------------------------------------------------------------- */

static void what_is_no_list_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{"", "the answer is empty"},
		{" \n", "the answer is empty"},
		{"\n<!DOCTYPE html><html>", "this is a page for people (HTML or XML), not JSON"},
		{"oops", "this is not JSON: line 1, column 4: invalid token near 'oops'"},
		{"7", "a list of events was expected, not a number"},
		{"null", "a list of events was expected, not null"},
		{"{}", "an object without a list named data, events or items"},
		{"{\"error\":\"quota\"}", "the source says: quota"},
		{"{\"error\":{\"code\":7}}",
		 "an object without a list named data, events or items"},
		{"{\"items\":{}}", "items has to be a list, not an object"},
		{"{\"data\":null}", "data has to be a list, not null"},
		{"{\"items\":[],\"items\":[]}",
		 "this is not JSON: line 1, column 19: duplicate object key near '\"items\"'"},
		{"[{\"id\":\"a\",\"start\":\"2026-01-01\"}",
		 "this is not JSON: the list of events is broken or cut"},
		{"[{\"id\":\"a\"}] x", "this is not JSON: the list of events is broken or cut"},
		{"[{\"id\":\"a\"} {\"id\":\"b\"}]",
		 "this is not JSON: the list of events is broken or cut"},
		{"{\"items\":[{\"id\":\"a\"}]",
		 "this is not JSON: line 1, column 11: '}' expected near end of file"},
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_refused(list_at(*state, URL), span_of(cases[i][0]), cases[i][1]);
}

/* Whatever is missing at its end. */
static void a_cut_page_is_refused(void **state)
{
	struct span whole = span_trim(SAMPLE(json_02));

	for (size_t length = 0; length < whole.length; length++) {
		struct arena *arena = arena_create();
		const char *complaint = NULL;

		assert_false(calendar_json_read(list_at(arena, URL),
						(struct span){whole.bytes, length}, &complaint));
		assert_non_null(complaint);
		arena_destroy(arena);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(a_full_list_comes_in_two_pages),
		ARENA_TEST(changes_come_by_token),
		ARENA_TEST(a_token_that_is_gone_is_no_list),
		ARENA_TEST(the_full_list_after_it),
		ARENA_TEST(bad_ones_are_told_one_by_one),
		ARENA_TEST(an_event_may_be_written_as_this_api_does),
		ARENA_TEST(forms_of_a_list),
		ARENA_TEST(all_day_events_are_dates),
		ARENA_TEST(times_are_of_the_zone_that_is_nearest),
		ARENA_TEST(a_list_has_at_most_so_many_zones),
		ARENA_TEST(what_is_wrong_with_an_event_is_said),
		ARENA_TEST(without_an_id_there_is_nothing_to_hold),
		ARENA_TEST(what_is_no_json_costs_one_event),
		ARENA_TEST(one_of_two_that_is_good_is_not_held),
		ARENA_TEST(cancelled_ones_are_gone_or_called_off),
		ARENA_TEST(of_two_the_one_updated_last_counts),
		ARENA_TEST(long_texts_are_cut_and_long_ids_refused),
		ARENA_TEST(pages_by_start_follow_the_total),
		ARENA_TEST(a_url_may_say_where_and_how_much),
		ARENA_TEST(without_a_total_a_short_page_is_the_last),
		ARENA_TEST(a_source_that_does_not_know_start_gives_all_at_once),
		ARENA_TEST(a_list_that_ends_too_early_is_refused),
		ARENA_TEST(page_tokens_lead_on),
		ARENA_TEST(tokens_have_a_kind_and_a_length),
		ARENA_TEST(a_list_has_an_end),
		ARENA_TEST(problems_are_counted_beyond_those_kept),
		ARENA_TEST(what_is_no_list_is_refused),
		ARENA_TEST(a_cut_page_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
