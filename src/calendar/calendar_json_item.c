/* calendar_json_item.c - one event of a JSON list, as this API writes it or as Google does;
 * calendar_json.c calls me */
#include <string.h>

#include "almanac/moment.h"
#include "gather.h"
#include "json_list.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define SHOWN_MAX_BYTES 64 /* of a bad value */

/* A time as it was written. */
struct written {
	const char *name; /* of the member it was in */
	struct moment at; /* in `zone` unless it has an offset */
	const struct zone *zone;
	bool is_date;
};

/* --- members ---------------------------------------------------------------------------------------- */

/* The first of two names that has a value; NULL: none. */
static const struct json *member(const struct json *object, const char *name, const char *other,
				 const char **found)
{
	const char *const names[] = {name, other};

	for (size_t i = 0; i < 2; i++) {
		const struct json *value = names[i] ? json_member(object, names[i]) : NULL;

		*found = names[i] ? names[i] : name;
		if (value && json_kind(value) != JSON_NULL)
			return value;
	}
	*found = name;
	return NULL;
}

static const char *wrong_kind(struct arena *arena, const char *name, const char *wanted,
			      const struct json *value)
{
	return arena_format(arena, "%s has to be %s, not %s", name, wanted,
			    json_kind_name(json_kind(value)));
}

static const char *about(struct arena *arena, const char *name, const char *what, struct span value)
{
	struct span shown = calendar_cut(value, SHOWN_MAX_BYTES);

	return arena_format(arena, "%s%s: %.*s%s", name, what, (int)shown.length, shown.bytes,
			    shown.length < value.length ? "…" : "");
}

static const char *read_text(struct arena *arena, const struct json *json, const char *name,
			     const char *other, size_t max_bytes, struct span *text)
{
	const char *found;
	const struct json *value = member(json, name, other, &found);

	*text = SPAN("");
	if (!value)
		return NULL;
	if (json_kind(value) != JSON_TEXT)
		return wrong_kind(arena, found, "a string", value);
	*text = arena_copy(arena, calendar_cut(json_text(value), max_bytes));
	return NULL;
}

/* --- zones ------------------------------------------------------------------------------------------ */

static const struct zone *load(struct arena *arena, struct span name)
{
	const struct zone *zone = zone_load(arena, name);
	const char *other = zone ? NULL : zone_name_of_windows(name);

	return other ? zone_load(arena, span_of(other)) : zone;
}

static const struct calendar_named_zone *find(const struct calendar_item_reader *reader,
					      struct span name)
{
	for (size_t i = 0; i < reader->zone_count; i++)
		if (span_equals(reader->zones[i].name, name))
			return &reader->zones[i];
	return NULL;
}

const struct zone *calendar_item_zone(struct calendar_item_reader *reader, struct span name)
{
	const struct calendar_named_zone *known = find(reader, name);
	struct calendar_named_zone *named;

	if (known)
		return known->zone;
	if (reader->zone_count == CALENDAR_ZONES_MAX || name.length > ZONE_NAME_MAX_BYTES)
		return NULL;
	named = &reader->zones[reader->zone_count++];
	named->name = arena_copy(reader->arena, name);
	named->zone = load(reader->arena, named->name);
	return named->zone;
}

/* Or too long to be one. */
static bool is_known(const struct calendar_item_reader *reader, struct span name)
{
	return name.length > ZONE_NAME_MAX_BYTES || find(reader, name);
}

/* --- times ------------------------------------------------------------------------------------------ */

static const char *read_moment(struct calendar_item_reader *reader, const struct json *value,
			       struct written *written)
{
	if (json_kind(value) != JSON_TEXT)
		return wrong_kind(reader->arena, written->name, "a string", value);
	if (!moment_parse(json_text(value), &written->at))
		return about(reader->arena, written->name, " is no date or time that exists",
			     json_text(value));
	written->is_date = !written->at.has_time;
	return NULL;
}

static const char *read_zone(struct calendar_item_reader *reader, const struct json *time,
			     struct written *written)
{
	const struct json *name = json_member(time, "timeZone");

	if (written->at.has_offset || !name || json_kind(name) == JSON_NULL)
		return NULL;
	if (json_kind(name) != JSON_TEXT)
		return wrong_kind(reader->arena, "timeZone", "a string", name);
	written->zone = calendar_item_zone(reader, json_text(name));
	if (written->zone)
		return NULL;
	return about(reader->arena, written->name,
		     is_known(reader, json_text(name)) ? ": no such time zone"
						       : ": one time zone too many",
		     json_text(name));
}

/* {"date"} or {"dateTime","timeZone"}. */
static const char *read_object(struct calendar_item_reader *reader, const struct json *time,
			       struct written *written)
{
	const char *name = written->name;
	const char *found;
	const struct json *value = member(time, "date", "dateTime", &found);
	bool is_date = value && strcmp(found, "date") == 0;
	const char *reason;

	if (!value)
		return arena_format(reader->arena, "%s has neither date nor dateTime", name);
	written->name = arena_format(reader->arena, "%s.%s", name, found);
	reason = read_moment(reader, value, written);
	if (!reason && is_date != written->is_date)
		reason = about(reader->arena, written->name,
			       is_date ? " has a time" : " has no time", json_text(value));
	return reason ? reason : read_zone(reader, time, written);
}

static const char *read_time(struct calendar_item_reader *reader, const struct json *value,
			     struct written *written)
{
	if (json_kind(value) == JSON_OBJECT)
		return read_object(reader, value, written);
	return read_moment(reader, value, written);
}

static bool is_midnight(const struct moment *at)
{
	return at->hour == 0 && at->minute == 0 && at->second == 0 && at->microsecond == 0;
}

/* `allDay` says more than the form of a time; an object ("start":{"date"}) needs no such word. */
static const char *apply_all_day(struct arena *arena, const struct json *json,
				 struct written *written)
{
	const struct json *flag = json_member(json, "allDay");

	if (!flag || json_kind(flag) == JSON_NULL)
		return NULL;
	if (json_kind(flag) != JSON_FLAG)
		return wrong_kind(arena, "allDay", "true or false", flag);
	if (json_flag(flag) && !is_midnight(&written->at))
		return arena_format(arena, "%s of an all-day event is not midnight", written->name);
	written->is_date = json_flag(flag);
	return NULL;
}

/* The date as it is written, at midnight as if in UTC; or the instant. */
static int64_t unix_us(const struct written *written)
{
	struct moment at = written->at;
	int64_t wall_us;

	if (written->is_date)
		at.has_offset = false, at.offset_minutes = 0;
	wall_us = moment_unix_us(&at);
	if (written->is_date || at.has_offset)
		return wall_us;
	return zone_unix_s(written->zone, (wall_us - at.microsecond) / SECOND_US) * SECOND_US +
	       at.microsecond;
}

/* False: it has none. */
static bool read_named(struct calendar_item_reader *reader, const struct json *json,
		       const char *const names[2], struct written *written, const char **reason)
{
	const struct json *value = member(json, names[0], names[1], &written->name);

	*reason = NULL;
	if (!value)
		return false;
	written->zone = reader->zone;
	*reason = read_time(reader, value, written);
	if (!*reason)
		*reason = apply_all_day(reader->arena, json, written);
	if (!*reason && !calendar_is_in_range(unix_us(written)))
		*reason = arena_format(reader->arena, "%s is outside of the years 1 to 9999",
				       written->name);
	return true;
}

static const char *judge_end(struct arena *arena, const struct written *start,
			     const struct written *end, struct calendar_item *item)
{
	if (start->is_date != end->is_date)
		return arena_format(arena, "%s is a %s, but %s a %s", start->name,
				    start->is_date ? "date" : "time", end->name,
				    end->is_date ? "date" : "time");
	item->ends_us = unix_us(end);
	if (item->ends_us < item->starts_us)
		return arena_format(arena, "%s is before %s", end->name, start->name);
	return NULL;
}

/* Without an end, or with that of a day that ends where it begins: a whole day, or no length. */
static const char *read_times(struct calendar_item_reader *reader, const struct json *json,
			      struct calendar_item *item)
{
	static const char *const starts[] = {"startsAt", "start"};
	static const char *const ends[] = {"endsAt", "end"};
	struct written start = {0}, end = {0};
	const char *reason;
	bool has_end;

	if (!read_named(reader, json, starts, &start, &reason))
		return "it has no start (startsAt or start)";
	if (reason)
		return reason;
	item->is_all_day = start.is_date;
	item->starts_us = unix_us(&start);
	item->ends_us = item->starts_us;
	has_end = read_named(reader, json, ends, &end, &reason);
	if (has_end && !reason)
		reason = judge_end(reader->arena, &start, &end, item);
	if (item->is_all_day && item->ends_us == item->starts_us)
		item->ends_us += DAY_US;
	if (!reason && !calendar_is_in_range(item->ends_us))
		reason = "its end is outside of the years 1 to 9999";
	return reason;
}

/* --- the rest --------------------------------------------------------------------------------------- */

static const char *read_status(struct arena *arena, const struct json *json,
			       struct calendar_item *item)
{
	static const char *const words[] = {"confirmed", "tentative", "cancelled", "canceled"};
	struct span status;
	const char *reason = read_text(arena, json, "status", NULL, SHOWN_MAX_BYTES, &status);

	if (reason || status.length == 0)
		return reason;
	for (size_t i = 0; i < 4; i++) {
		if (!span_equals_nocase(status, span_of(words[i])))
			continue;
		item->status = i < 2 ? (enum calendar_status)i : CALENDAR_CANCELLED;
		return NULL;
	}
	return about(arena, "status", " is none of confirmed, tentative, cancelled", status);
}

/* What cannot be read is not said. */
static int64_t updated_us(const struct json *json)
{
	const char *found;
	const struct json *value = member(json, "updatedAt", "updated", &found);
	struct moment at;

	if (!value || json_kind(value) != JSON_TEXT || !moment_parse(json_text(value), &at))
		return 0;
	return moment_unix_us(&at);
}

/* Of Google's events a cancelled one is a deleted one, and may have lost its times. In the form of this
 * API it is an event that was called off, and stays. */
static bool is_removed(const struct json *json, const struct calendar_item *item)
{
	const char *found;
	const struct json *start = member(json, "startsAt", "start", &found);

	return item->status == CALENDAR_CANCELLED && (!start || json_kind(start) == JSON_OBJECT);
}

static const char *read_texts(struct arena *arena, const struct json *json,
			      struct calendar_item *item)
{
	const char *reason =
		read_text(arena, json, "title", "summary", CALENDAR_TITLE_MAX_BYTES, &item->title);

	if (!reason)
		reason = read_text(arena, json, "description", NULL, CALENDAR_DESCRIPTION_MAX_BYTES,
				   &item->description);
	if (!reason)
		reason = read_text(arena, json, "location", NULL, CALENDAR_LOCATION_MAX_BYTES,
				   &item->location);
	return reason;
}

static bool is_series(const struct json *json)
{
	const struct json *rules = json_member(json, "recurrence");

	return rules && json_kind(rules) == JSON_ARRAY && json_length(rules) > 0;
}

/* --- the id ----------------------------------------------------------------------------------------- */

struct span calendar_item_id(struct arena *arena, const struct json *json)
{
	const struct json *id = json_kind(json) == JSON_OBJECT ? json_member(json, "id") : NULL;

	if (id && json_kind(id) == JSON_INTEGER)
		return span_of(arena_format(arena, "%lld", (long long)json_integer(id)));
	if (id && json_kind(id) == JSON_TEXT && json_text(id).length <= CALENDAR_ID_MAX_BYTES)
		return arena_copy(arena, json_text(id));
	return SPAN("");
}

static const char *without_id(struct arena *arena, const struct json *json)
{
	const struct json *id = json_member(json, "id");

	if (!id || json_kind(id) == JSON_NULL)
		return "it has no id";
	if (json_kind(id) != JSON_TEXT)
		return wrong_kind(arena, "id", "a string", id);
	return json_text(id).length == 0 ? "its id is empty" : "its id has more than 1,024 bytes";
}

/* --- the door --------------------------------------------------------------------------------------- */

const char *calendar_item_read(struct calendar_item_reader *reader, const struct json *json,
			       struct calendar_item *item)
{
	struct arena *arena = reader->arena;
	const char *reason;

	*item = (struct calendar_item){0};
	if (json_kind(json) != JSON_OBJECT)
		return wrong_kind(arena, "an event", "an object", json);
	item->id = item->series = calendar_item_id(arena, json);
	if (item->id.length == 0)
		return without_id(arena, json);
	reason = read_status(arena, json, item);
	if (reason)
		return reason;
	item->updated_us = updated_us(json);
	item->is_removed = is_removed(json, item);
	if (item->is_removed)
		return NULL;
	if (is_series(json))
		return "it is a series with rules: have the source tell single events "
		       "(singleEvents=true)";
	reason = read_times(reader, json, item);
	return reason ? reason : read_texts(arena, json, item);
}
