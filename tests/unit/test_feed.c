/* test_feed.c - providers' feeds in all dialects: events and problems, in any pieces, and no feed
 * that takes more memory or time than it may */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "almanac/container.h"
#include "almanac/decimal.h"
#include "almanac/json.h"
#include "catalog/feed.h"
#include "samples.h"
#include "story.h"

#define STORY_MAX (64 << 20)

/* --- the sample feeds, embedded when this file is assembled ------------------------------------------ */

EMBED(sample_01, "provider/01-moment1.xml");
EMBED(sample_02, "provider/02-moment2.xml");
EMBED(sample_03, "provider/03-moment3.xml");
EMBED(sample_04, "provider/04-planlist.xml");
EMBED(sample_05, "provider/05-legacy-event-date.xml");
EMBED(sample_06, "provider/06-reused-ids.xml");
EMBED(sample_07, "provider/07-dates.xml");
EMBED(sample_08, "provider/08-empty-shapes.xml");
EMBED(sample_09, "provider/09-prices.xml");
EMBED(sample_12, "provider/12-html-error-page.xml");
EMBED(sample_14, "provider/14-truncated.xml");
EMBED(sample_20, "provider/20-flip-a-online.xml");
EMBED(sample_21, "provider/21-flip-b-offline.xml");
EMBED(sample_25, "provider/25-child-elements.xml");

/* --- a scribe, who writes down what is told ---------------------------------------------------------- */

struct scribe {
	struct feed_listener listener;
	struct str story;
	bool wants_zones;
	size_t stops_after; /* events; 0: never */
	size_t events, rejected, problems;
	struct str zones; /* of the last event */
};

static void write_moment(struct str *story, const struct moment *moment)
{
	char text[MOMENT_TEXT_MAX];

	str_append_char(story, ' ');
	str_append(story, (struct span){text, moment_write_date(moment, text)});
	if (moment->has_time) {
		str_append_char(story, 'T');
		str_append(story, (struct span){text, moment_write_time(moment, text)});
	}
	if (moment->has_offset)
		str_format(story, "%+d", moment->offset_minutes);
}

static void write_prices(struct str *story, const struct feed_event *event)
{
	if (!event->has_prices) {
		str_append_text(story, " no prices");
		return;
	}
	str_append_char(story, ' ');
	decimal_append(story, event->min_price);
	str_append_char(story, '-');
	decimal_append(story, event->max_price);
}

static void check_zones(struct scribe *scribe, const struct feed_event *event)
{
	struct arena *arena = arena_create();
	const char *complaint = "";
	const struct json *zones;

	if (!scribe->wants_zones) {
		assert_int_equal(event->zones.length, 0);
		arena_destroy(arena);
		return;
	}
	zones = json_parse(arena, event->zones, &complaint);
	if (!zones)
		fail_msg("%s", complaint);
	assert_int_equal(json_kind(zones), JSON_ARRAY);
	assert_int_equal(json_length(zones), event->zone_count);
	str_clear(&scribe->zones);
	str_append(&scribe->zones, event->zones);
	arena_destroy(arena);
}

/* + base/event mode "title" start end prices zones … */
static bool note_event(struct feed_listener *listener, const struct feed_event *event)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);
	struct str *story = &scribe->story;

	str_format(story, "+ %.*s/%.*s %s \"%.*s\"", (int)event->base_id.length,
		   event->base_id.bytes, (int)event->event_id.length, event->event_id.bytes,
		   event->is_online ? "online" : "offline", (int)event->title.length,
		   event->title.length ? event->title.bytes : "");
	write_moment(story, &event->start);
	if (event->has_end)
		write_moment(story, &event->end);
	write_prices(story, event);
	str_format(story, " %zu zones%s%s", event->zone_count,
		   event->is_sold_out ? " sold out" : "", event->is_available ? " available" : "");
	if (event->has_sell_from) {
		str_append_text(story, " from");
		write_moment(story, &event->sell_from);
	}
	if (event->has_sell_to) {
		str_append_text(story, " to");
		write_moment(story, &event->sell_to);
	}
	str_append_char(story, '\n');
	check_zones(scribe, event);
	return ++scribe->events != scribe->stops_after;
}

/* - base/event */
static bool note_rejected(struct feed_listener *listener, struct span base_id, struct span event_id)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	str_format(&scribe->story, "- %.*s/%.*s\n", (int)base_id.length,
		   base_id.length ? base_id.bytes : "", (int)event_id.length,
		   event_id.length ? event_id.bytes : "");
	scribe->rejected++;
	return true;
}

/* ! base/event field message [value] */
static void note_problem(struct feed_listener *listener, const struct feed_problem *problem)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);
	struct str *story = &scribe->story;

	assert_true(problem->base_id.length <= 200 && problem->event_id.length <= 200);
	assert_true(span_is_text(problem->base_id) && span_is_text(problem->event_id));
	str_append_text(story, "! ");
	str_append(story, problem->base_id);
	str_append_char(story, '/');
	str_append(story, problem->event_id);
	str_format(story, " %s %s [", problem->field, problem->message);
	str_append(story, problem->value);
	str_append_text(story, "]\n");
	scribe->problems++;
}

static void scribe_init(struct scribe *scribe, bool wants_zones)
{
	*scribe = (struct scribe){.listener = {note_event, note_rejected, note_problem},
				  .wants_zones = wants_zones};
	str_init(&scribe->story, STORY_MAX);
	str_init(&scribe->zones, STORY_MAX);
}

static void scribe_finish(struct scribe *scribe)
{
	str_finish(&scribe->story);
	str_finish(&scribe->zones);
}

/* False when it is no whole feed; then the story ends with the complaint. */
static bool read_feed(struct scribe *scribe, struct span feed, size_t piece)
{
	struct feed *reader = feed_create(&scribe->listener, scribe->wants_zones);
	bool is_good = true;

	for (size_t at = 0; at < feed.length && is_good; at += piece) {
		size_t rest = feed.length - at;

		is_good = feed_read(reader,
				    (struct span){feed.bytes + at, rest < piece ? rest : piece});
	}
	if (is_good)
		is_good = feed_end(reader);
	assert_int_equal(is_good, *feed_complaint(reader) == '\0');
	assert_true(span_is_text(span_of(feed_complaint(reader))));
	if (!is_good)
		str_format(&scribe->story, "? %s\n", feed_complaint(reader));
	feed_destroy(reader);
	return is_good;
}

/* In pieces of 1, of 7 and of all bytes, with zones and without. */
static void assert_story(struct span feed, const char *story)
{
	const size_t pieces[] = {1, 7, feed.length};

	for (size_t i = 0; i < LENGTH(pieces); i++) {
		for (int wants_zones = 0; wants_zones <= 1; wants_zones++) {
			struct scribe scribe;

			scribe_init(&scribe, wants_zones);
			read_feed(&scribe, feed, pieces[i]);
			assert_string_equal(str_text(&scribe.story), story);
			scribe_finish(&scribe);
		}
	}
}

/* --- the samples --------------------------------------------------------------------------------------- */

#define SALE " from 2025-12-01T00:00:00 to 2026-01-01T00:00:00\n"

static void three_moments_of_a_feed(void **state)
{
	(void)state;
	assert_story(SAMPLE(sample_01),
		     "+ 501/501 online \"Noche de jazz\" 2026-06-30T21:00:00 2026-06-30T22:00:00 "
		     "15-30 3 zones available" SALE
		     "+ 502/1700 online \"Monologos\" 2026-02-10T20:00:00 2026-02-10T21:30:00 "
		     "55-55 1 zones available" SALE
		     "+ 503/1700 online \"Gala lirica\" 2026-07-31T20:00:00 2026-07-31T21:00:00 "
		     "65-75 2 zones available" SALE);
	assert_story(SAMPLE(sample_02),
		     "+ 501/501 online \"Noche de jazz\" 2026-06-30T21:00:00 2026-06-30T22:00:00 "
		     "15-30 3 zones available" SALE
		     "+ 503/1700 online \"Gala lirica (nuevo horario)\" 2026-07-31T20:00:00 "
		     "2026-07-31T21:20:00 60-75 2 zones available" SALE
		     "! 504/1700 start_date is not a date or date-time [2026-09-31T20:00:00]\n"
		     "- 504/1700\n");
	assert_story(SAMPLE(sample_03),
		     "+ 501/501 online \"Noche de jazz\" 2026-06-30T21:00:00 2026-06-30T21:30:00 "
		     "15-30 3 zones sold out" SALE
		     "+ 504/1700 offline \"Solo en taquilla\" 2026-09-30T20:00:00 "
		     "2026-09-30T21:00:00 65-65 1 zones available" SALE);
}

static void the_other_dialects(void **state)
{
	(void)state;
	assert_story(SAMPLE(sample_04),
		     "+ 601/1700 online \"Doble sesion\" 2026-02-10T20:00:00 2026-02-10T21:30:00 "
		     "55-55 1 zones available from 2026-01-01T00:00:00 to 2026-02-09T19:50:00\n"
		     "+ 601/1701 online \"Doble sesion\" 2026-02-11T20:00:00 2026-02-11T21:30:00 "
		     "45.5-45.5 1 zones available from 2026-01-01T00:00:00 to 2026-02-10T19:50:00\n"
		     "+ 602/1700 online \"Sin fecha de fin\" 2026-03-01T10:00:00 9.99-9.99 1 zones "
		     "available\n");
	assert_story(
		SAMPLE(sample_05),
		"+ 701/701 online \"Formato antiguo\" 2026-06-30T21:00:00 0-20 2 zones available "
		"from 2026-01-01T00:00:00 to 2026-06-30T20:00:00\n");
	assert_story(SAMPLE(sample_25),
		     "+ 1901/1 online \"Fechas como elementos\" 2026-06-15T17:00:00 "
		     "2026-06-15T20:00:00 25-25 1 zones available\n");
}

/* Every event is told, in the order of the feed; which one counts is for the merge to judge. */
static void reused_ids(void **state)
{
	(void)state;
	assert_story(
		SAMPLE(sample_06),
		"+ 801/9 online \"Primera\" 2026-05-01T18:00:00 2026-05-01T19:00:00 10-20 3 zones "
		"available" SALE
		"+ 802/9 online \"Segunda\" 2026-05-02T18:00:00 2026-05-02T19:00:00 33-33 1 zones "
		"available" SALE
		"+ 802/10 online \"Segunda\" 2026-05-03T18:00:00 2026-05-03T19:00:00 34-34 1 zones "
		"available" SALE
		"+ 801/9 online \"Primera repetida mas abajo\" 2026-05-01T18:00:00 "
		"2026-05-01T19:30:00 12-12 1 zones available" SALE);
}

static void twenty_two_dates(void **state)
{
	static const char *const starts[22] = {
		[11] = "2026-05-10",
		[13] = "2026-05-10T20:00:00",
		[14] = "2026-05-10T20:00:00",
		[15] = "2026-05-10T20:00:00+0",
		[16] = "2026-05-10T20:00:00+120",
		[17] = "2026-05-10T20:00:00",
		[19] = "9999-12-31T23:59:59",
		[20] = "2028-02-29T20:00:00",
		[21] = "2026-05-10T20:00:00",
	};
	static const char *const refused[22] = {
		"2026-09-31T20:00:00",
		"2026-02-30T20:00:00",
		"2026-02-29T20:00:00",
		"2026-13-01T20:00:00",
		"2026-00-10T20:00:00",
		"2026-05-10T24:00:00",
		"2026-05-10T25:00:00",
		"2026-05-10T20:60:00",
		"2016-12-31T23:59:60",
		"",
		"ma\xc3\xb1"
		"ana",
		[12] = "20260510T200000",
		[18] = "0000-01-01T00:00:00",
	};
	struct str story;

	(void)state;
	str_init(&story, 20000);
	for (int i = 0; i < 22; i++) {
		const char *end = i < 19 || i == 21 ? "2026-05-10T23:00:00" : starts[i];

		if (starts[i])
			str_format(&story,
				   "+ %d/1 online \"Fecha %d\" %s %s 10-10 1 zones available" SALE,
				   900 + i, i, starts[i], end);
		else
			str_format(&story, "! %d/1 start_date %s [%s]\n- %d/1\n", 900 + i,
				   *refused[i] ? "is not a date or date-time" : "is missing",
				   refused[i], 900 + i);
	}
	assert_story(SAMPLE(sample_07), str_text(&story));
	str_finish(&story);
}

static void empty_shapes(void **state)
{
	(void)state;
	assert_story(
		SAMPLE(sample_08),
		"+ 1001/1 online \"Sin zonas\" 2026-04-01T10:00:00 2026-04-01T11:00:00 no prices "
		"0 zones" SALE "! 1003/1 title is empty []\n"
		"+ 1003/1 online \"\" 2026-04-02T10:00:00 2026-04-02T11:00:00 5-5 1 zones "
		"available" SALE "! 1004/1 title is missing []\n"
		"+ 1004/1 online \"\" 2026-04-03T10:00:00 2026-04-03T11:00:00 5-5 1 zones "
		"available" SALE);
}

static void fourteen_prices(void **state)
{
	static const struct {
		const char *bad; /* NULL: no bad one among them */
		const char *range;
		int zones;
	} prices[] = {
		{NULL, "0-10", 2},           {"", "7-7", 2},        {"not_a_number", "15-15", 2},
		{"-10.00", "15-15", 2},      {"12,50", "15-15", 2}, {"1e2", "15-15", 2},
		{"NaN", "15-15", 2},         {"inf", "15-15", 2},   {NULL, "15-19.999", 2},
		{NULL, "15-99999999.99", 2}, {NULL, "0.1-0.2", 2},  {"-1.00", "no prices", 1},
		{"", "no prices", 1},
	};
	static const char dates[] = "2026-04-01T10:00:00 2026-04-01T11:00:00";
	struct str story;

	(void)state;
	str_init(&story, 20000);
	for (int i = 0; i < (int)LENGTH(prices); i++) {
		if (prices[i].bad)
			str_format(
				&story,
				"! %d/1 price must be a decimal such as 12.50, at most 12 digits "
				"and 6 decimals [%s]\n",
				1100 + i, prices[i].bad);
		str_format(&story, "+ %d/1 online \"Precio %d\" %s %s %d zones available" SALE,
			   1100 + i, i, dates, prices[i].range, prices[i].zones);
	}
	str_format(&story,
		   "! 1150/1 price is missing []\n"
		   "+ 1150/1 online \"Zona sin precio\" %s no prices 1 zones available" SALE,
		   dates);
	assert_story(SAMPLE(sample_09), str_text(&story));
	str_finish(&story);
}

static void an_event_that_flips(void **state)
{
	(void)state;
	assert_story(
		SAMPLE(sample_20),
		"+ 1601/1 online \"Cambia de modo\" 2026-04-01T10:00:00 2026-04-01T11:00:00 5-5 1 "
		"zones available" SALE);
	assert_story(SAMPLE(sample_21),
		     "+ 1601/1 offline \"Cambia de modo (ya no)\" 2026-04-02T10:00:00 "
		     "2026-04-02T11:00:00 8-8 1 zones available" SALE);
}

static void what_is_no_feed_or_not_whole(void **state)
{
	(void)state;
	assert_story(SAMPLE(sample_12), "? line 1: a DTD is not allowed\n");
	assert_story(SAMPLE(sample_14),
		     "+ 501/501 online \"Noche de jazz\" 2026-06-30T21:00:00 2026-06-30T22:00:00 "
		     "15-30 3 zones available" SALE
		     "? line 12: Couldn't find end of Start Tag event\n");
	assert_story(SPAN(""), "? line 1: the document is empty\n");
	assert_story(SPAN("<html><body/></html>"),
		     "? the root element is <html>, not <eventList> or <planList>\n");
	assert_story(SPAN("<eventlist/>"),
		     "? the root element is <eventlist>, not <eventList> or <planList>\n");
	assert_story(SPAN("<eventList/>"), "");
	assert_story(SPAN("<planList><output/></planList>"), "");
}

/* The name is cut to be shown, but never within a character. */
static void a_long_root_is_shown_in_part(void **state)
{
	(void)state;
	assert_story(
		SPAN("<a\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9/>"),
		"? the root element is <a\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9>, not <eventList> or <planList>\n");
}

/* --- shapes ---------------------------------------------------------------------------------------------- */

/* What stands within <eventList><output>, and what is told of it. */
struct shape {
	const char *feed;
	const char *story;
};

static void assert_shapes(const struct shape *shapes, size_t count)
{
	struct str feed;

	str_init(&feed, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		str_clear(&feed);
		str_format(&feed, "<eventList><output>%s</output></eventList>", shapes[i].feed);
		assert_story(str_span(&feed), shapes[i].story);
	}
	str_finish(&feed);
}

#define BASE "<base_event base_event_id='1' sell_mode='online' title='T'>"
#define EVENT "<event event_id='2' event_start_date='2026-01-02' "
#define END "</event></base_event>"
#define PLAIN "+ 1/2 online \"T\" 2026-01-02 no prices 0 zones\n"

static void values_as_elements(void **state)
{
	static const struct shape shapes[] = {
		/* all of them, with white space around */
		{"<base_plan>\n <base_plan_id>\n 1\n </base_plan_id><title> A &amp; B </title>"
		 "<sell_mode>\tonline\n</sell_mode>\n<plan>\n<plan_id> 2 </plan_id>\n"
		 "<plan_start_date>\n2026-01-02T10:00:00\n</plan_start_date>"
		 "<plan_end_date> 2026-01-02 </plan_end_date><sell_from>2026-01-01</sell_from>"
		 "<sell_to> 2026-01-02 </sell_to><sold_out> false </sold_out>"
		 "<zone>\n<zone_id>3</zone_id><capacity> 4 </capacity>\n<price> 5.50 </price>"
		 "<name>N</name><numbered>true</numbered></zone></plan></base_plan>",
		 "+ 1/2 online \"A & B\" 2026-01-02T10:00:00 2026-01-02 5.5-5.5 1 zones available "
		 "from 2026-01-01 to 2026-01-02\n"},
		/* an element goes before the attribute of that name, also when it is empty */
		{BASE "<title>U</title><event event_id='2' event_start_date='never'>"
		      "<event_start_date>2026-01-02</event_start_date>" END,
		 "+ 1/2 online \"U\" 2026-01-02 no prices 0 zones\n"},
		{BASE EVENT "event_end_date='never'><event_end_date/>" END, PLAIN},
		/* text in pieces: CDATA, comments, references, elements within */
		{BASE "<title>a<![CDATA[<b>]]><!-- no -->&#233;<i>d<zone/></i>e</title>" EVENT
		      ">" END,
		 "+ 1/2 online \"a<b>\xc3\xa9"
		 "de\" 2026-01-02 no prices 0 zones\n"},
		{BASE EVENT "event_end_date='2026-01-03'><zone><price>1</price></zone><zone "
			    "price='3'/>" END,
		 "+ 1/2 online \"T\" 2026-01-02 2026-01-03 1-3 2 zones\n"},
	};

	(void)state;
	assert_shapes(shapes, LENGTH(shapes));
}

static void elements_in_odd_places(void **state)
{
	static const struct shape shapes[] = {
		/* an event without base, a zone without event, a base within a base: no such thing */
		{EVENT "/>", ""},
		{BASE "<zone price='1'/></base_event>", ""},
		{BASE BASE EVENT "/></base_event></base_event>", PLAIN},
		{BASE EVENT ">" EVENT "/>" END, PLAIN},
		{BASE EVENT "><zone price='1'><zone price='9'/></zone>" END,
		 "+ 1/2 online \"T\" 2026-01-02 1-1 1 zones\n"},
		/* unknown elements around and among the known ones */
		{"<x>" BASE "<y><z/>" EVENT "><w a='b'>c</w></event></y></base_event></x>", PLAIN},
		/* values do not leak from one event, base or zone into the next */
		{BASE EVENT "event_end_date='2026-01-03' sell_from='2026-01-01' sold_out='true'>"
			    "<zone price='7' capacity='7' name='x'/></event><event event_id='3' "
			    "event_start_date='2026-01-02'><zone/></event></base_event>"
			    "<base_event base_event_id='2' sell_mode='online'>" EVENT
			    "/></base_event>",
		 "+ 1/2 online \"T\" 2026-01-02 2026-01-03 7-7 1 zones sold out from 2026-01-01\n"
		 "! 1/3 price is missing []\n"
		 "+ 1/3 online \"T\" 2026-01-02 no prices 1 zones\n"
		 "! 2/2 title is missing []\n"
		 "+ 2/2 online \"\" 2026-01-02 no prices 0 zones\n"},
		/* namespaces are no matter */
		{"<p:base_event xmlns:p='urn:p' p:base_event_id='1' sell_mode='online' title='T'>" EVENT
		 "/></p:base_event>",
		 PLAIN},
	};

	(void)state;
	assert_shapes(shapes, LENGTH(shapes));
}

static void ids_and_titles(void **state)
{
	static const struct shape shapes[] = {
		{"<base_event sell_mode='online' title='T'>" EVENT "/></base_event>",
		 "! /2 base_id is missing []\n- /2\n"},
		{"<base_event base_event_id='' sell_mode='online' title='T'>" EVENT
		 "/></base_event>",
		 "! /2 base_id is missing []\n- /2\n"},
		{BASE "<event event_start_date='2026-01-02'/></base_event>",
		 "! 1/ event_id is missing []\n- 1/\n"},
		{BASE "<event event_id='x y' event_start_date='2026-01-02'/></base_event>",
		 "+ 1/x y online \"T\" 2026-01-02 no prices 0 zones\n"},
		/* the first fault tells enough */
		{"<base_event><event/></base_event>", "! / base_id is missing []\n- /\n"},
	};

	(void)state;
	assert_shapes(shapes, LENGTH(shapes));
}

static void dates_and_times(void **state)
{
	static const struct shape shapes[] = {
		{BASE "<event event_id='2'/></base_event>",
		 "! 1/2 start_date is missing []\n- 1/2\n"},
		{BASE "<event event_id='2' event_date='1/2/2026'/></base_event>",
		 "! 1/2 event_date is not a date or date-time [1/2/2026]\n- 1/2\n"},
		/* the older name counts only where the newer is not given */
		{BASE EVENT "event_date='2027-01-01'/></base_event>", PLAIN},
		{BASE
		 "<event event_id='2' event_start_date='' event_date='2026-01-02'/></base_event>",
		 "! 1/2 start_date is missing []\n- 1/2\n"},
		{BASE EVENT "event_end_date=''/></base_event>", PLAIN},
		{BASE EVENT "event_end_date=' '/></base_event>", PLAIN},
		{BASE EVENT "event_end_date='soon'/></base_event>",
		 "! 1/2 end_date is not a date or date-time [soon]\n- 1/2\n"},
		{BASE EVENT "event_end_date='2026-01-01'/></base_event>",
		 "! 1/2 end_date is before the start [2026-01-01]\n- 1/2\n"},
		{BASE EVENT "event_end_date='2026-01-02'/></base_event>",
		 "+ 1/2 online \"T\" 2026-01-02 2026-01-02 no prices 0 zones\n"},
		{BASE EVENT "event_end_date='2026-01-02T00:00:00'/></base_event>",
		 "+ 1/2 online \"T\" 2026-01-02 2026-01-02T00:00:00 no prices 0 zones\n"},
		/* an end that is a date alone lasts its whole day */
		{BASE "<event event_id='2' event_start_date='2026-01-02T23:59:59.999999' "
		      "event_end_date='2026-01-02'/></base_event>",
		 "+ 1/2 online \"T\" 2026-01-02T23:59:59 2026-01-02 no prices 0 zones\n"},
		{BASE "<event event_id='2' event_start_date='2026-01-02T20:00:00' "
		      "event_end_date='2026-01-02T19:59:59.9'/></base_event>",
		 "! 1/2 end_date is before the start [2026-01-02T19:59:59.9]\n- 1/2\n"},
		/* instants are compared when both have an offset, local times when one has none */
		{BASE "<event event_id='2' event_start_date='2026-01-02T20:00:00+02:00' "
		      "event_end_date='2026-01-02T19:00:00+00:00'/></base_event>",
		 "+ 1/2 online \"T\" 2026-01-02T20:00:00+120 2026-01-02T19:00:00+0 no prices 0 "
		 "zones\n"},
		{BASE "<event event_id='2' event_start_date='2026-01-02T20:00:00+02:00' "
		      "event_end_date='2026-01-02T19:00:00'/></base_event>",
		 "! 1/2 end_date is before the start [2026-01-02T19:00:00]\n- 1/2\n"},
		/* a sale that cannot be read is told, and the event kept */
		{BASE EVENT "sell_from='' sell_to='later'/></base_event>",
		 "! 1/2 sell_to is not a date or date-time [later]\n" PLAIN},
		{BASE EVENT "sell_from='now' sell_to='2026-01-02'/></base_event>",
		 "! 1/2 sell_from is not a date or date-time [now]\n"
		 "+ 1/2 online \"T\" 2026-01-02 no prices 0 zones to 2026-01-02\n"},
	};

	(void)state;
	assert_shapes(shapes, LENGTH(shapes));
}

static void modes_flags_and_capacities(void **state)
{
	static const struct shape shapes[] = {
		{"<base_event base_event_id='1' title='T'>" EVENT "/></base_event>",
		 "! 1/2 sell_mode must be online or offline: taken for offline []\n"
		 "+ 1/2 offline \"T\" 2026-01-02 no prices 0 zones\n"},
		{"<base_event base_event_id='1' sell_mode='Online' title='T'>" EVENT
		 "/></base_event>",
		 "! 1/2 sell_mode must be online or offline: taken for offline [Online]\n"
		 "+ 1/2 offline \"T\" 2026-01-02 no prices 0 zones\n"},
		{"<base_event base_event_id='1' sell_mode=' online ' title='T'>" EVENT
		 "/></base_event>",
		 PLAIN},
		{BASE EVENT "sold_out='1'><zone capacity='5' price='1'/>" END,
		 "+ 1/2 online \"T\" 2026-01-02 1-1 1 zones sold out\n"},
		{BASE EVENT "sold_out='no'><zone capacity='5' price='1'/>" END,
		 "+ 1/2 online \"T\" 2026-01-02 1-1 1 zones available\n"},
		{BASE EVENT "><zone capacity='0' price='1'/>" END,
		 "+ 1/2 online \"T\" 2026-01-02 1-1 1 zones\n"},
		{BASE EVENT "><zone capacity='0' price='1'/><zone capacity='1' price='1'/>" END,
		 "+ 1/2 online \"T\" 2026-01-02 1-1 2 zones available\n"},
		{BASE EVENT "><zone capacity='-1' price='1'/><zone capacity='many' price='1'/>"
			    "<zone capacity='99999999999999999999' price='1'/><zone capacity='' "
			    "price='1'/>" END,
		 "! 1/2 capacity must be a whole number [-1]\n"
		 "! 1/2 capacity must be a whole number [many]\n"
		 "! 1/2 capacity must be a whole number [99999999999999999999]\n"
		 "! 1/2 capacity must be a whole number []\n"
		 "+ 1/2 online \"T\" 2026-01-02 1-1 4 zones\n"},
	};

	(void)state;
	assert_shapes(shapes, LENGTH(shapes));
}

static void prices_are_exact(void **state)
{
	static const struct shape shapes[] = {
		{BASE EVENT "><zone price='999999999999.999999'/><zone price='0.000001'/>" END,
		 "+ 1/2 online \"T\" 2026-01-02 0.000001-999999999999.999999 2 zones\n"},
		{BASE EVENT
		 "><zone price='1000000000000'/><zone price=' 1'/><zone price='0.0000001'/>" END,
		 "! 1/2 price must be a decimal such as 12.50, at most 12 digits and 6 decimals "
		 "[1000000000000]\n"
		 "! 1/2 price must be a decimal such as 12.50, at most 12 digits and 6 decimals [ 1]\n"
		 "! 1/2 price must be a decimal such as 12.50, at most 12 digits and 6 decimals "
		 "[0.0000001]\n"
		 "+ 1/2 online \"T\" 2026-01-02 no prices 3 zones\n"},
		/* the older name counts only where the newer is not given */
		{BASE EVENT "><zone price='1' max_price='9'/><zone max_price='2'/>" END,
		 "+ 1/2 online \"T\" 2026-01-02 1-2 2 zones\n"},
		{BASE EVENT "><zone max_price='two'/>" END,
		 "! 1/2 max_price must be a decimal such as 12.50, at most 12 digits and 6 decimals "
		 "[two]\n"
		 "+ 1/2 online \"T\" 2026-01-02 no prices 1 zones\n"},
	};

	(void)state;
	assert_shapes(shapes, LENGTH(shapes));
}

static void zones_are_told_as_json(void **state)
{
	static const char feed[] =
		"<eventList>" BASE EVENT
		"><zone zone_id='40' capacity='243' price='20.50' name='Pl&quot;\\&#10;\xc3\xa9' "
		"numbered='true'/>"
		"<zone zone_id='' price='x' capacity='-1' numbered='perhaps'/>"
		"<zone numbered='0' max_price='007' capacity='0'/></event></base_event></eventList>";
	struct scribe scribe;

	(void)state;
	scribe_init(&scribe, true);
	assert_true(read_feed(&scribe, span_of(feed), 1000));
	assert_string_equal(
		str_text(&scribe.zones),
		"[{\"zone_id\":\"40\",\"name\":\"Pl\\\"\\\\\\n\xc3\xa9\",\"capacity\":243,"
		"\"price\":20.5,\"numbered\":true},"
		"{\"zone_id\":\"\",\"name\":\"\",\"capacity\":null,\"price\":null,\"numbered\":null},"
		"{\"zone_id\":\"\",\"name\":\"\",\"capacity\":0,\"price\":7,\"numbered\":false}]");
	scribe_finish(&scribe);
}

static void the_listener_can_stop(void **state)
{
	struct scribe scribe;

	(void)state;
	scribe_init(&scribe, false);
	scribe.stops_after = 2;
	assert_false(read_feed(&scribe, SAMPLE(sample_01), 1));
	assert_int_equal(scribe.events, 2);
	assert_non_null(strstr(str_text(&scribe.story), ": stopped by the listener\n"));
	scribe_finish(&scribe);
}

/* --- feeds that want too much ------------------------------------------------------------------------------ */

/* Appends `unit` so many times; the first '#' in it is the number. */
static void repeat(struct str *feed, const char *unit, size_t count)
{
	struct span before = span_of(unit), after = span_of(strchr(unit, '#'));

	if (after.length) {
		before.length -= after.length;
		after = (struct span){after.bytes + 1, after.length - 1};
	}
	for (size_t i = 0; i < count; i++) {
		str_append(feed, before);
		if (after.bytes)
			str_append_number(feed, (int64_t)i);
		str_append(feed, after);
	}
}

static void endless_values_end_the_reading(void **state)
{
	static const char *const heads[] = {
		"<eventList><base_event title='",
		"<eventList><base_event ",
		"<eventList><base_event",
		"<eventList><!-- ",
		"<eventList><?x ",
		"<eventList><base_event><title><![CDATA[",
	};
	static char block[65536];

	(void)state;
	memset(block, 'x', sizeof(block));
	for (size_t i = 0; i < LENGTH(heads); i++) {
		struct scribe scribe;
		struct feed *reader;
		size_t blocks = 0;

		scribe_init(&scribe, true);
		reader = feed_create(&scribe.listener, true);
		assert_true(feed_read(reader, span_of(heads[i])));
		while (blocks < 400 && feed_read(reader, (struct span){block, sizeof(block)}))
			blocks++;
		assert_true(blocks < 200); /* 12.5 MiB */
		assert_true(*feed_complaint(reader));
		feed_destroy(reader);
		scribe_finish(&scribe);
	}
}

/* Text that nobody asked for may be as long as it likes: it is not kept. */
static void endless_text_is_not_kept(void **state)
{
	struct scribe scribe;
	struct feed *reader;
	static char block[65536];
	size_t before = 0;

	(void)state;
	memset(block, 'x', sizeof(block));
	scribe_init(&scribe, true);
	reader = feed_create(&scribe.listener, true);
	assert_true(feed_read(reader, SPAN("<eventList>" BASE "<title>")));
	for (int i = 0; i < 500; i++) {
		assert_true(feed_read(reader, (struct span){block, sizeof(block)}));
		if (i == 10)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks <= before + 65536);
	assert_true(feed_read(reader, SPAN("</title>" EVENT "/></base_event></eventList>")));
	assert_true(feed_end(reader));
	assert_string_equal(str_text(&scribe.story),
			    "! 1/2 title must be at most 2000 bytes long []\n- 1/2\n");
	feed_destroy(reader);
	scribe_finish(&scribe);
}

static void deep_nesting_ends_the_reading(void **state)
{
	struct str feed;

	(void)state;
	str_init(&feed, 1 << 20);
	str_append_text(&feed, "<eventList>");
	repeat(&feed, "<x>", 64);
	assert_story(str_span(&feed), "? line 1: elements are nested deeper than 64\n");
	str_finish(&feed);
}

/* `count` zones in one event, read twice as a sync does; both readings must agree. */
static size_t read_zones(size_t count, const char *zone, struct scribe *scribe)
{
	struct scribe first;
	struct str feed;

	str_init(&feed, 256 << 20);
	str_append_text(&feed, "<eventList>" BASE EVENT ">");
	repeat(&feed, zone, count);
	str_append_text(&feed, END "</eventList>");
	scribe_init(&first, false);
	assert_true(read_feed(&first, str_span(&feed), 65536));
	assert_true(read_feed(scribe, str_span(&feed), 65536));
	assert_string_equal(str_text(&first.story), str_text(&scribe->story));
	scribe_finish(&first);
	str_finish(&feed);
	return scribe->zones.length;
}

static void many_zones_are_kept(void **state)
{
	struct scribe scribe;

	(void)state;
	scribe_init(&scribe, true);
	read_zones(50000, "<zone zone_id='Z' capacity='1' price='#.50' name='Zona'/>", &scribe);
	assert_string_equal(str_text(&scribe.story),
			    "+ 1/2 online \"T\" 2026-01-02 0.5-49999.5 50000 zones available\n");
	scribe_finish(&scribe);
}

static void assert_too_many(size_t count, const char *zone)
{
	struct scribe scribe;

	scribe_init(&scribe, true);
	read_zones(count, zone, &scribe);
	assert_string_equal(str_text(&scribe.story),
			    "! 1/2 zones are more than can be kept []\n- 1/2\n");
	scribe_finish(&scribe);
}

/* A zone of the heaviest: JSON makes two bytes of each of its name's. */
static void append_heavy_zone(struct str *zone)
{
	str_init(zone, 100000);
	str_append_text(zone, "<zone capacity='9223372036854775807' numbered='false' "
			      "price='999999999999.999999' zone_id='\"\"' name='");
	for (int i = 0; i < 4000; i++)
		str_append_text(zone, "\"\\");
	str_append_text(zone, "'/>");
}

static void too_many_zones_are_refused_in_both_readings(void **state)
{
	struct str zone;

	(void)state;
	assert_too_many(100000, "<zone zone_id='Z' capacity='1' price='#.50' name='Zona'/>");
	append_heavy_zone(&zone);
	assert_too_many(530, str_text(&zone));
	str_finish(&zone);
}

/* The JSON that is let through is at most as large as it was counted. */
static void heavy_zones_stay_within_their_bound(void **state)
{
	struct scribe scribe;
	struct str zone;
	size_t length;

	(void)state;
	append_heavy_zone(&zone);
	scribe_init(&scribe, true);
	length = read_zones(520, str_text(&zone), &scribe);
	assert_in_range(length, 520 * 16000, 8 << 20);
	scribe_finish(&scribe);
	str_finish(&zone);
}

/* A value longer than any may be: what becomes of its event, and in which words. */
static void values_that_are_too_long(void **state)
{
	static const struct {
		const char *before, *after;
		const char *story;
	} values[] = {
		{"<base_event sell_mode='online' title='T' base_event_id='",
		 "'>" EVENT "/></base_event>",
		 "! /2 base_id must be at most 200 bytes long []\n- /2\n"},
		{BASE "<event event_start_date='2026-01-02' event_id='", "'/></base_event>",
		 "! 1/ event_id must be at most 200 bytes long []\n- 1/\n"},
		{"<base_event base_event_id='1' sell_mode='online' title='",
		 "'>" EVENT "/></base_event>",
		 "! 1/2 title must be at most 2000 bytes long []\n- 1/2\n"},
		{BASE "<event event_id='2' event_start_date='", "'/></base_event>",
		 "! 1/2 start_date is not a date or date-time []\n- 1/2\n"},
		{BASE EVENT "event_end_date='", "'/></base_event>",
		 "! 1/2 end_date is not a date or date-time []\n- 1/2\n"},
		{BASE EVENT "><event_end_date>", "</event_end_date>" END,
		 "! 1/2 end_date is not a date or date-time []\n- 1/2\n"},
		{BASE EVENT "sell_from='", "'/></base_event>",
		 "! 1/2 sell_from is not a date or date-time []\n" PLAIN},
		{"<base_event base_event_id='1' title='T' sell_mode='",
		 "'>" EVENT "/></base_event>",
		 "! 1/2 sell_mode must be online or offline: taken for offline []\n"
		 "+ 1/2 offline \"T\" 2026-01-02 no prices 0 zones\n"},
		{BASE EVENT "><zone capacity='1' price='", "'/>" END,
		 "! 1/2 price must be a decimal such as 12.50, at most 12 digits and 6 decimals []\n"
		 "+ 1/2 online \"T\" 2026-01-02 no prices 1 zones available\n"},
		{BASE EVENT "><zone price='1' capacity='", "'/>" END,
		 "! 1/2 capacity must be a whole number []\n"
		 "+ 1/2 online \"T\" 2026-01-02 1-1 1 zones\n"},
		{BASE EVENT "><zone price='1' zone_id='", "'/>" END,
		 "! 1/2 zone_id must be at most 8192 bytes long: left out []\n"
		 "+ 1/2 online \"T\" 2026-01-02 1-1 1 zones\n"},
		{BASE EVENT "><zone price='1'><name>", "</name></zone>" END,
		 "! 1/2 name must be at most 8192 bytes long: left out []\n"
		 "+ 1/2 online \"T\" 2026-01-02 1-1 1 zones\n"},
		/* an element that is fine makes a bad attribute good */
		{"<base_event base_event_id='1' sell_mode='online' title='",
		 "'><title>T</title>" EVENT "/></base_event>", PLAIN},
	};
	struct str feed;

	(void)state;
	str_init(&feed, 1 << 20);
	for (size_t i = 0; i < LENGTH(values); i++) {
		str_clear(&feed);
		str_append_text(&feed, "<eventList>");
		str_append_text(&feed, values[i].before);
		repeat(&feed, "2026-01-01 ", 800);
		str_append_text(&feed, values[i].after);
		str_append_text(&feed, "</eventList>");
		assert_story(str_span(&feed), values[i].story);
	}
	str_finish(&feed);
}

static const char hundred[] =
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";

/* '#' in the feed and in the story is a text of 199 bytes. */
static void assert_long(const char *feed, const char *story)
{
	char text[200];
	struct str whole, told;

	snprintf(text, sizeof(text), "%s%.99s", hundred, hundred);
	str_init(&whole, 10000);
	str_init(&told, 10000);
	for (; *feed; feed++)
		str_append_text(&whole, *feed == '#' ? text : (const char[]){*feed, '\0'});
	for (; *story; story++)
		str_append_text(&told, *story == '#' ? text : (const char[]){*story, '\0'});
	assert_story(str_span(&whole), str_text(&told));
	str_finish(&whole);
	str_finish(&told);
}

/* 200 bytes of an id are kept; of a longer one at most 200 are shown, and no half character. */
static void ids_and_titles_have_their_limits(void **state)
{
	(void)state;
	assert_long("<eventList>" BASE "<event event_id='#x' event_start_date='2026-01-02'/>"
		    "</base_event></eventList>",
		    "+ 1/#x online \"T\" 2026-01-02 no prices 0 zones\n");
	assert_long("<eventList>" BASE "<event event_id='#\xc3\xa9' event_start_date='2026-01-02'/>"
		    "</base_event></eventList>",
		    "! 1/# event_id must be at most 200 bytes long [#\xc3\xa9]\n- 1/#\xc3\xa9\n");
	assert_long("<eventList><base_event base_event_id='#xyz'>" EVENT
		    "/></base_event></eventList>",
		    "! #x/2 base_id must be at most 200 bytes long [#xyz]\n- #xyz/2\n");
	assert_long("<eventList><base_event base_event_id='1' sell_mode='online' "
		    "title='##########0123456789'>" EVENT "/></base_event></eventList>",
		    "+ 1/2 online \"##########0123456789\" 2026-01-02 no prices 0 zones\n");
	assert_long("<eventList><base_event base_event_id='1' sell_mode='online' "
		    "title='##########01234567890'>" EVENT "/></base_event></eventList>",
		    "! 1/2 title must be at most 2000 bytes long []\n- 1/2\n");
}

static bool count_event(struct feed_listener *listener, const struct feed_event *event)
{
	(void)event;
	container_of(listener, struct scribe, listener)->events++;
	return true;
}

static void memory_stays_constant(void **state)
{
	struct scribe scribe;
	struct feed *reader;
	size_t before = 0;
	char event[256];

	(void)state;
	scribe_init(&scribe, true);
	scribe.listener.event = count_event;
	reader = feed_create(&scribe.listener, true);
	assert_true(feed_read(reader, SPAN("<eventList>")));
	for (int i = 0; i < 200000; i++) {
		int length =
			snprintf(event, sizeof(event),
				 "<base_event base_event_id='%d' sell_mode='online' title='T%d'>"
				 "<event event_id='%d' event_start_date='2026-01-02'>"
				 "<zone zone_id='%d' price='%d'/></event></base_event>\n",
				 i, i, i, i, i % 100);

		assert_true(feed_read(reader, (struct span){event, (size_t)length}));
		if (i == 10000)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks <= before + 65536);
	assert_true(feed_read(reader, SPAN("</eventList>")));
	assert_true(feed_end(reader));
	assert_int_equal(scribe.events, 200000);
	assert_int_equal(scribe.problems, 0);
	feed_destroy(reader);
	feed_destroy(NULL);
	scribe_finish(&scribe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_moments_of_a_feed),
		cmocka_unit_test(the_other_dialects),
		cmocka_unit_test(reused_ids),
		cmocka_unit_test(twenty_two_dates),
		cmocka_unit_test(empty_shapes),
		cmocka_unit_test(fourteen_prices),
		cmocka_unit_test(an_event_that_flips),
		cmocka_unit_test(what_is_no_feed_or_not_whole),
		cmocka_unit_test(a_long_root_is_shown_in_part),
		cmocka_unit_test(values_as_elements),
		cmocka_unit_test(elements_in_odd_places),
		cmocka_unit_test(ids_and_titles),
		cmocka_unit_test(dates_and_times),
		cmocka_unit_test(modes_flags_and_capacities),
		cmocka_unit_test(prices_are_exact),
		cmocka_unit_test(zones_are_told_as_json),
		cmocka_unit_test(the_listener_can_stop),
		cmocka_unit_test(endless_values_end_the_reading),
		cmocka_unit_test(endless_text_is_not_kept),
		cmocka_unit_test(deep_nesting_ends_the_reading),
		cmocka_unit_test(many_zones_are_kept),
		cmocka_unit_test(too_many_zones_are_refused_in_both_readings),
		cmocka_unit_test(heavy_zones_stay_within_their_bound),
		cmocka_unit_test(values_that_are_too_long),
		cmocka_unit_test(ids_and_titles_have_their_limits),
		cmocka_unit_test(memory_stays_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
