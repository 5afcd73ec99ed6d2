/* ics_event.c - the properties of one VEVENT; ics.c calls me, I call the readers of values, rules and
 * zones */
#include <string.h>

#include "days.h"
#include "ics_parts.h"

/* NULL, or what is wrong with the line: a constant text. */
typedef const char *read_property(struct ics_event_reader *reader, const struct ics_line *line);

/* --- times ------------------------------------------------------------------------------------- */

static const char unknown_zone[] = "unknown time zone";
static const char bad_date[] = "bad date";

/* A stamp on its wall: UTC, the zone that is named, or floating. */
static const char *place_stamp(struct ics_event_reader *reader, const struct ics_line *line,
			       const struct ics_stamp *stamp, struct ics_time *time)
{
	struct span id = ics_parameter(line, "TZID");

	*time = (struct ics_time){stamp->wall_s, zone_utc(), stamp->is_date, false};
	if (stamp->is_date || stamp->is_utc)
		return NULL;
	if (!id.bytes) {
		time->is_floating = true;
		time->zone = reader->zones->floating;
		return NULL;
	}
	time->zone = ics_zones_find(reader->zones, id);
	return time->zone ? NULL : unknown_zone;
}

static bool is_value_kind(const struct ics_line *line, const char *kind)
{
	return span_equals_nocase(ics_parameter(line, "VALUE"), span_of(kind));
}

static const char *read_time(struct ics_event_reader *reader, const struct ics_line *line,
			     struct span text, struct ics_time *time)
{
	struct ics_stamp stamp;

	if (!ics_read_stamp(text, &stamp) || (is_value_kind(line, "DATE") && !stamp.is_date))
		return bad_date;
	return place_stamp(reader, line, &stamp, time);
}

/* What was found wrong with a time, told of its property. */
static const char *told_of(const char *complaint, const char *of_property)
{
	return complaint == bad_date ? of_property : complaint;
}

/* A time without a zone beside a start that has one is on the start's wall. */
static void adopt_zone(struct ics_time *time, const struct ics_time *start)
{
	if (time->is_floating && !start->is_date)
		time->zone = start->zone;
}

int64_t ics_time_unix_s(const struct ics_time *time)
{
	return zone_unix_s(time->zone, time->wall_s);
}

/* --- properties ---------------------------------------------------------------------------------- */

static const char *read_text(struct ics_event_reader *reader, const struct ics_line *line,
			     struct span *text)
{
	if (ics_read_text(reader->arena, line->value, text))
		return NULL;
	*text = (struct span){0};
	return "text that is not UTF-8";
}

static const char *read_uid(struct ics_event_reader *reader, const struct ics_line *line)
{
	struct span uid;
	const char *complaint = read_text(reader, line, &uid);

	uid = span_trim(uid);
	if (complaint)
		return complaint;
	if (uid.length > ICS_UID_MAX_BYTES)
		return "UID is longer than 1,024 bytes";
	reader->event->uid = uid;
	return NULL;
}

static const char *read_summary(struct ics_event_reader *reader, const struct ics_line *line)
{
	return read_text(reader, line, &reader->event->summary);
}

static const char *read_description(struct ics_event_reader *reader, const struct ics_line *line)
{
	return read_text(reader, line, &reader->event->description);
}

static const char *read_location(struct ics_event_reader *reader, const struct ics_line *line)
{
	return read_text(reader, line, &reader->event->location);
}

static const char *read_status(struct ics_event_reader *reader, const struct ics_line *line)
{
	struct span value = span_trim(line->value);

	if (span_equals_nocase(value, SPAN("CANCELLED")))
		reader->event->status = ICS_CANCELLED;
	else if (span_equals_nocase(value, SPAN("TENTATIVE")))
		reader->event->status = ICS_TENTATIVE;
	return NULL;
}

static const char *read_sequence(struct ics_event_reader *reader, const struct ics_line *line)
{
	struct span value = span_trim(line->value);
	int64_t number = 0;

	if (value.length > 9)
		return NULL;
	for (size_t i = 0; i < value.length; i++) {
		if (value.bytes[i] < '0' || value.bytes[i] > '9')
			return NULL;
		number = number * 10 + (value.bytes[i] - '0');
	}
	reader->event->sequence = number;
	return NULL;
}

/* Neither of them is worth losing an event for. */
static const char *read_modified(struct ics_event_reader *reader, const struct ics_line *line)
{
	struct ics_stamp stamp;
	bool is_last = span_equals_nocase(line->name, SPAN("LAST-MODIFIED"));

	if (!ics_read_stamp(line->value, &stamp) || (reader->is_modified_known && !is_last))
		return NULL;
	reader->event->modified_s = stamp.wall_s;
	reader->is_modified_known = is_last;
	return NULL;
}

static const char *read_start(struct ics_event_reader *reader, const struct ics_line *line)
{
	return told_of(read_time(reader, line, line->value, &reader->event->start), "bad DTSTART");
}

static const char *read_end(struct ics_event_reader *reader, const struct ics_line *line)
{
	reader->has_end = true;
	return told_of(read_time(reader, line, line->value, &reader->end), "bad DTEND");
}

static const char *read_duration(struct ics_event_reader *reader, const struct ics_line *line)
{
	reader->has_length = true;
	return ics_read_length(line->value, &reader->event->length) ? NULL : "bad DURATION";
}

static const char *read_recurrence(struct ics_event_reader *reader, const struct ics_line *line)
{
	struct ics_event *event = reader->event;

	event->is_override = true;
	event->is_for_all_after =
		span_equals_nocase(ics_parameter(line, "RANGE"), SPAN("THISANDFUTURE"));
	return told_of(read_time(reader, line, line->value, &event->recurrence),
		       "bad RECURRENCE-ID");
}

static const char *read_rule(struct ics_event_reader *reader, const struct ics_line *line)
{
	const char *complaint;

	if (reader->event->rule_count == ICS_RULES_MAX)
		return "more than 8 rules";
	if (!rule_read(line->value, &reader->rules[reader->event->rule_count], &complaint))
		return complaint;
	reader->event->rule_count++;
	return NULL;
}

static const char *refuse_exclusion_rule(struct ics_event_reader *reader,
					 const struct ics_line *line)
{
	(void)reader;
	(void)line;
	return "EXRULE, which RFC 5545 has abolished";
}

/* Room for one more of `size` bytes in a list that grows in the arena. */
static void *grow(struct arena *arena, void *list, size_t count, size_t *room, size_t size)
{
	void *larger;

	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 4;
	larger = arena_alloc(arena, *room * size);
	if (count > 0)
		memcpy(larger, list, count * size);
	return larger;
}

/* START/END or START/DURATION. */
static const char *read_period(struct ics_event_reader *reader, const struct ics_line *line,
			       struct span text, struct ics_extra *extra)
{
	struct ics_time end;
	struct span first;
	const char *complaint;

	(void)span_split(&text, '/', &first);
	complaint = read_time(reader, line, first, &extra->start);
	if (complaint || ics_read_length(text, &extra->length))
		return complaint;
	complaint = read_time(reader, line, text, &end);
	if (complaint)
		return complaint;
	extra->length.seconds = ics_time_unix_s(&end) - ics_time_unix_s(&extra->start);
	return extra->length.seconds < 0 ? "an RDATE that ends before it starts" : NULL;
}

/* Without a length of its own an extra gets that of the event, when the event is whole. */
static const char *read_extra(struct ics_event_reader *reader, const struct ics_line *line,
			      struct span text)
{
	struct ics_event *event = reader->event;
	struct ics_extra *extra;

	if (event->extra_count == ICS_DATES_MAX)
		return "more than 10,000 RDATEs";
	reader->extras = grow(reader->arena, reader->extras, event->extra_count,
			      &reader->extra_room, sizeof(*extra));
	extra = &reader->extras[event->extra_count++];
	*extra = (struct ics_extra){.length.days = -1};
	if (!is_value_kind(line, "PERIOD"))
		return told_of(read_time(reader, line, text, &extra->start), "bad RDATE");
	extra->length.days = 0;
	return told_of(read_period(reader, line, text, extra), "bad RDATE");
}

static const char *read_extras(struct ics_event_reader *reader, const struct ics_line *line)
{
	struct span rest = line->value;
	const char *complaint = NULL;
	struct span part;

	while (!complaint && span_split(&rest, ',', &part))
		complaint = read_extra(reader, line, part);
	return complaint;
}

static const char *read_excluded(struct ics_event_reader *reader, const struct ics_line *line)
{
	struct ics_event *event = reader->event;
	struct span rest = line->value;
	const char *complaint = NULL;
	struct span part;

	while (!complaint && span_split(&rest, ',', &part)) {
		if (event->excluded_count == ICS_DATES_MAX)
			return "more than 10,000 EXDATEs";
		reader->excluded = grow(reader->arena, reader->excluded, event->excluded_count,
					&reader->excluded_room, sizeof(*reader->excluded));
		complaint =
			read_time(reader, line, part, &reader->excluded[event->excluded_count++]);
	}
	return told_of(complaint, "bad EXDATE");
}

/* What it means when a property comes again. */
enum again { AGAIN_MORE, AGAIN_IGNORED, AGAIN_WRONG };

static const struct property {
	const char *name;
	read_property *read;
	enum again again;
} properties[] = {
	{"UID", read_uid, AGAIN_WRONG},
	{"SUMMARY", read_summary, AGAIN_IGNORED},
	{"DESCRIPTION", read_description, AGAIN_IGNORED},
	{"LOCATION", read_location, AGAIN_IGNORED},
	{"STATUS", read_status, AGAIN_IGNORED},
	{"SEQUENCE", read_sequence, AGAIN_IGNORED},
	{"DTSTAMP", read_modified, AGAIN_MORE},
	{"LAST-MODIFIED", read_modified, AGAIN_MORE},
	{"DTSTART", read_start, AGAIN_WRONG},
	{"DTEND", read_end, AGAIN_WRONG},
	{"DURATION", read_duration, AGAIN_WRONG},
	{"RECURRENCE-ID", read_recurrence, AGAIN_WRONG},
	{"RRULE", read_rule, AGAIN_MORE},
	{"EXRULE", refuse_exclusion_rule, AGAIN_MORE},
	{"RDATE", read_extras, AGAIN_MORE},
	{"EXDATE", read_excluded, AGAIN_MORE},
};

enum { PROPERTY_COUNT = sizeof(properties) / sizeof(*properties) };

static bool is_seen(const struct ics_event_reader *reader, read_property *read)
{
	for (size_t i = 0; i < PROPERTY_COUNT; i++)
		if (properties[i].read == read && reader->seen & 1u << i)
			return true;
	return false;
}

/* --- the whole ---------------------------------------------------------------------------------- */

/* DTEND says an exact length, so the days of an all-day event and the seconds of another. */
static const char *judge_end(struct ics_event_reader *reader)
{
	struct ics_event *event = reader->event;
	int64_t seconds;

	adopt_zone(&reader->end, &event->start);
	if (reader->end.is_date != event->start.is_date)
		return "DTSTART and DTEND are not both dates";
	seconds = ics_time_unix_s(&reader->end) - ics_time_unix_s(&event->start);
	if (seconds < 0)
		return "it ends before it starts";
	event->length = (struct ics_length){0};
	if (event->start.is_date)
		event->length.days = seconds == 0 ? 1 : seconds / DAY_S;
	else
		event->length.seconds = seconds;
	return NULL;
}

/* RFC 5545 section 3.6.1: without an end an all-day event takes its day, another one no time. */
static const char *judge_length(struct ics_event_reader *reader)
{
	struct ics_event *event = reader->event;

	if (reader->has_end)
		return judge_end(reader);
	if (!event->start.is_date)
		return NULL;
	if (event->length.seconds % DAY_S != 0)
		return "an all-day event whose DURATION is not of days";
	event->length.days += event->length.seconds / DAY_S;
	event->length.seconds = 0;
	if (event->length.days == 0)
		event->length.days = 1;
	return NULL;
}

static const char *judge_rules(const struct ics_event_reader *reader)
{
	const struct ics_event *event = reader->event;

	for (size_t i = 0; i < event->rule_count; i++)
		if (event->start.is_date && reader->rules[i].frequency < RULE_DAILY)
			return "an all-day event that repeats within a day";
	for (size_t i = 0; i < event->extra_count; i++)
		if (reader->extras[i].start.is_date != event->start.is_date)
			return "DTSTART and RDATE are not both dates";
	return NULL;
}

static const char *judge(struct ics_event_reader *reader)
{
	const char *complaint;

	if (reader->event->uid.length == 0)
		return "no UID";
	if (!is_seen(reader, read_start))
		return "no DTSTART";
	complaint = judge_length(reader);
	return complaint ? complaint : judge_rules(reader);
}

static void keep_lists(struct ics_event_reader *reader)
{
	struct ics_event *event = reader->event;
	size_t bytes = event->rule_count * sizeof(*event->rules);

	for (size_t i = 0; i < event->extra_count; i++) {
		adopt_zone(&reader->extras[i].start, &event->start);
		if (reader->extras[i].length.days < 0)
			reader->extras[i].length = event->length;
	}
	for (size_t i = 0; i < event->excluded_count; i++)
		adopt_zone(&reader->excluded[i], &event->start);
	event->extras = reader->extras;
	event->excluded = reader->excluded;
	if (bytes > 0)
		event->rules = memcpy(arena_alloc(reader->arena, bytes), reader->rules, bytes);
}

/* --- for ics.c ------------------------------------------------------------------------------------ */

void ics_event_blame(struct ics_event_reader *reader, const char *complaint, unsigned line)
{
	if (reader->complaint)
		return;
	reader->complaint = complaint;
	reader->complaint_line = line;
}

void ics_event_begin(struct ics_event_reader *reader, unsigned line)
{
	struct arena *arena = reader->arena;
	struct ics_zones *zones = reader->zones;

	*reader = (struct ics_event_reader){.arena = arena, .zones = zones};
	reader->event = arena_alloc(arena, sizeof(*reader->event));
	reader->event->line = line;
}

void ics_event_count(struct ics_event_reader *reader, unsigned line)
{
	if (++reader->property_count > ICS_PROPERTIES_MAX)
		ics_event_blame(reader, "more than 20,000 properties", line);
}

static const char *take(struct ics_event_reader *reader, size_t place, const struct ics_line *line)
{
	const struct property *property = &properties[place];

	if (reader->seen & 1u << place && property->again == AGAIN_IGNORED)
		return NULL;
	if (reader->seen & 1u << place && property->again == AGAIN_WRONG)
		return "a property twice that may come once only";
	reader->seen |= 1u << place;
	if (line->is_too_long)
		return "a line of more than 262,144 bytes";
	return property->read(reader, line);
}

/* After a complaint only the UID is of interest, to say whose it is. */
void ics_event_take(struct ics_event_reader *reader, const struct ics_line *line)
{
	const char *complaint = line->name.length == 0 ? "a line that is no property" : NULL;

	for (size_t i = 0; i < PROPERTY_COUNT; i++) {
		if (!span_equals_nocase(line->name, span_of(properties[i].name)))
			continue;
		if (!reader->complaint || properties[i].read == read_uid)
			complaint = take(reader, i, line);
		break;
	}
	if (complaint)
		ics_event_blame(reader, complaint, line->number);
}

void ics_event_end(struct ics_event_reader *reader)
{
	const char *complaint = reader->complaint ? NULL : judge(reader);

	if (complaint)
		ics_event_blame(reader, complaint, reader->event->line);
	if (!reader->complaint)
		keep_lists(reader);
}
