/* ics.c - a feed, line by line: which component a line belongs to; the rooms call me, I call the
 * readers of lines and events
 *
 * It is read twice: first for what events need to know, the VTIMEZONEs and the feed's own zone, which
 * may stand anywhere; then for the events.
 */
#include <string.h>

#include "ics_parts.h"

#define COMPONENT_NAME_MAX 32

struct component {
	char name[COMPONENT_NAME_MAX]; /* cut */
	unsigned line;
};

struct feed_reader {
	struct arena *arena;
	struct ics_lines lines;
	struct component open[ICS_NESTING_MAX];
	size_t depth;
	bool has_calendar; /* one is complete */
	const char *complaint;

	struct ics_zones *zones;
	struct span zone_id; /* X-WR-TIMEZONE */
	struct ics_calendar *calendar;
	struct ics_event_reader event;
	struct ics_all_events all;
	size_t room;
};

static const char calendar_name[] = "VCALENDAR";
static const char event_name[] = "VEVENT";
static const char zone_component[] = "VTIMEZONE";

/* --- components -------------------------------------------------------------------------------- */

static void write_name(struct span value, char name[COMPONENT_NAME_MAX])
{
	struct span text = span_trim(value);
	size_t length = text.length < COMPONENT_NAME_MAX ? text.length : COMPONENT_NAME_MAX - 1;

	memset(name, 0, COMPONENT_NAME_MAX);
	for (size_t i = 0; i < length; i++) {
		char c = text.bytes[i];

		name[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
}

static bool is_within(const struct feed_reader *reader, size_t level, const char *name)
{
	return reader->depth > level && strcmp(reader->open[level].name, name) == 0;
}

/* Directly in a component of a calendar. */
static bool is_directly_in(const struct feed_reader *reader, const char *name)
{
	return reader->depth == 2 && is_within(reader, 1, name);
}

static bool open_component(struct feed_reader *reader, const struct ics_line *line)
{
	if (reader->depth == ICS_NESTING_MAX) {
		reader->complaint = "components are nested deeper than 8";
		return false;
	}
	write_name(line->value, reader->open[reader->depth].name);
	reader->open[reader->depth].line = line->number;
	if (reader->depth == 0 && strcmp(reader->open[0].name, calendar_name) != 0)
		return true; /* beside the calendar: nothing of ours */
	reader->depth++;
	return true;
}

/* At which level the component is that ends here; the depth when none does. */
static size_t level_of_end(const struct feed_reader *reader, const struct ics_line *line)
{
	char name[COMPONENT_NAME_MAX];

	write_name(line->value, name);
	for (size_t level = reader->depth; level > 0; level--)
		if (strcmp(reader->open[level - 1].name, name) == 0)
			return level - 1;
	return reader->depth;
}

/* --- the first reading: zones ------------------------------------------------------------------- */

/* From behind BEGIN:VTIMEZONE to its end. */
static void take_definition(struct feed_reader *reader)
{
	struct ics_zones *zones = reader->zones;
	struct span text = reader->lines.rest;
	struct span id = {0};
	struct ics_line line;

	while (ics_lines_next(&reader->lines, &line) && !ics_line_is(&line, "END", zone_component))
		if (!id.bytes && span_equals_nocase(line.name, SPAN("TZID")) && line.value.bytes)
			id = arena_copy(reader->arena, line.value);
	text.length -= reader->lines.rest.length;
	if (id.bytes && zones->definition_count < ICS_ZONES_MAX)
		zones->definitions[zones->definition_count++] = (struct ics_definition){id, text};
}

static void keep_first(struct feed_reader *reader, const struct ics_line *line, const char *name,
		       struct span *kept)
{
	if (kept->bytes || !span_equals_nocase(line->name, span_of(name)))
		return;
	if (!ics_read_text(reader->arena, span_trim(line->value), kept))
		*kept = (struct span){0};
}

static void read_zones(struct feed_reader *reader, struct span feed)
{
	struct ics_line line;

	ics_lines_init(&reader->lines, feed, 0);
	while (ics_lines_next(&reader->lines, &line)) {
		if (ics_line_is(&line, "BEGIN", zone_component))
			take_definition(reader);
		keep_first(reader, &line, "X-WR-TIMEZONE", &reader->zone_id);
	}
	ics_lines_finish(&reader->lines);
}

/* A name that means nothing is no reason to refuse a feed. */
static void choose_floating(struct feed_reader *reader, const struct zone *floating)
{
	const struct zone *own = NULL;

	if (reader->zone_id.length > 0)
		own = ics_zones_find(reader->zones, reader->zone_id);
	if (!own)
		own = floating;
	reader->zones->floating = own ? own : zone_utc();
}

/* --- the second reading: events ------------------------------------------------------------------ */

static void keep_event(struct feed_reader *reader)
{
	struct ics_event **larger;

	if (reader->all.count == ICS_EVENTS_MAX) {
		reader->complaint = "more than 50,000 events";
		return;
	}
	if (reader->all.count == reader->room) {
		reader->room = reader->room ? 2 * reader->room : 64;
		larger = arena_alloc(reader->arena, reader->room * sizeof(*larger));
		if (reader->all.count > 0)
			memcpy(larger, reader->all.events, reader->all.count * sizeof(*larger));
		reader->all.events = larger;
	}
	reader->all.events[reader->all.count++] = reader->event.event;
}

static void end_event(struct feed_reader *reader)
{
	struct ics_event_reader *event = &reader->event;

	ics_event_end(event);
	if (event->complaint)
		ics_report(reader->arena, reader->calendar, event->event->uid,
			   event->complaint_line, event->complaint);
	else
		keep_event(reader);
}

/* Closes the components down to this level; only by the END of the innermost this is proper. */
static void close_components(struct feed_reader *reader, size_t level, bool is_proper,
			     unsigned line)
{
	bool has_event = is_within(reader, 1, event_name);

	if (has_event && !is_proper)
		ics_event_blame(&reader->event, "a component that does not end", line);
	if (has_event && level <= 1)
		end_event(reader);
	if (level == 0)
		reader->has_calendar = true;
	reader->depth = level;
}

static void take_begin(struct feed_reader *reader, const struct ics_line *line)
{
	if (reader->depth >= 2 && ics_line_is(line, "BEGIN", event_name))
		close_components(reader, 1, false, line->number);
	if (!open_component(reader, line))
		return;
	if (is_directly_in(reader, event_name))
		ics_event_begin(&reader->event, line->number);
}

static void take_end(struct feed_reader *reader, const struct ics_line *line)
{
	size_t level = level_of_end(reader, line);

	if (level < reader->depth)
		close_components(reader, level, level + 1 == reader->depth, line->number);
	else if (is_within(reader, 1, event_name))
		ics_event_blame(&reader->event, "an END without its BEGIN", line->number);
}

static void take_calendar_property(struct feed_reader *reader, const struct ics_line *line)
{
	struct span *name = &reader->calendar->name;

	keep_first(reader, line, "NAME", name);
	keep_first(reader, line, "X-WR-CALNAME", name);
}

static void take_line(struct feed_reader *reader, const struct ics_line *line)
{
	if (span_equals_nocase(line->name, SPAN("BEGIN")))
		take_begin(reader, line);
	else if (span_equals_nocase(line->name, SPAN("END")))
		take_end(reader, line);
	else if (is_directly_in(reader, event_name))
		ics_event_take(&reader->event, line);
	else if (reader->depth == 1)
		take_calendar_property(reader, line);
	if (is_within(reader, 1, event_name))
		ics_event_count(&reader->event, line->number);
}

static void read_events(struct feed_reader *reader, struct span feed)
{
	struct ics_line line;
	bool is_first = true;

	ics_lines_init(&reader->lines, feed, 0);
	while (!reader->complaint && ics_lines_next(&reader->lines, &line)) {
		if (is_first && !ics_line_is(&line, "BEGIN", calendar_name))
			reader->complaint = "this is no iCalendar feed";
		else
			take_line(reader, &line);
		is_first = false;
	}
	ics_lines_finish(&reader->lines);
	if (reader->complaint)
		return;
	if (reader->depth > 0)
		reader->complaint = "the calendar is cut";
	else if (!reader->has_calendar)
		reader->complaint = "the feed is empty";
}

/* --- the door ------------------------------------------------------------------------------------ */

static struct span without_byte_order_mark(struct span feed)
{
	if (span_starts_with(feed, SPAN("\xef\xbb\xbf"))) {
		feed.bytes += 3;
		feed.length -= 3;
	}
	return feed;
}

const struct ics_calendar *ics_read(struct arena *arena, struct span feed,
				    const struct zone *floating, const char **complaint)
{
	struct feed_reader *reader = arena_alloc(arena, sizeof(*reader));

	feed = without_byte_order_mark(feed);
	reader->arena = arena;
	reader->calendar = arena_alloc(arena, sizeof(*reader->calendar));
	reader->zones = arena_alloc(arena, sizeof(*reader->zones));
	reader->zones->arena = arena;
	reader->event.arena = arena;
	reader->event.zones = reader->zones;
	read_zones(reader, feed);
	choose_floating(reader, floating);
	read_events(reader, feed);
	*complaint = reader->complaint;
	if (reader->complaint)
		return NULL;
	ics_group(arena, reader->all, reader->calendar);
	return reader->calendar;
}
