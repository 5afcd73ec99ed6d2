/* calendar_ics.c - an iCalendar feed as a source: its series, expanded over the window; the room calls
 * me, I call ics.c */
#include <stdlib.h>
#include <string.h>

#include "almanac/ics.h"
#include "almanac/moment.h"
#include "gather.h"

#define SECOND_US INT64_C(1000000)
#define FEED_STEPS_MAX (5 * (int64_t)RULE_STEPS_MAX)

struct reading {
	const struct ics_calendar *calendar;
	int64_t from_s, to_s;
	int64_t steps; /* that the rules took so far */
	struct calendar_gather gather;
};

static int64_t floor_seconds(int64_t us)
{
	return us / SECOND_US - (us % SECOND_US < 0 ? 1 : 0);
}

/* --- problems --------------------------------------------------------------------------------------- */

static int compare_uid(const void *key, const void *element)
{
	const struct span *uid = key;
	const struct ics_series *series = element;
	size_t common = uid->length < series->uid.length ? uid->length : series->uid.length;
	int order = common > 0 ? memcmp(uid->bytes, series->uid.bytes, common) : 0;

	return order != 0 ? order
			  : (uid->length > series->uid.length) - (uid->length < series->uid.length);
}

static bool has_series(const struct ics_calendar *calendar, struct span uid)
{
	return calendar->series_count > 0 && bsearch(&uid, calendar->series, calendar->series_count,
						     sizeof(*calendar->series), compare_uid);
}

static void take_problems(struct reading *reading)
{
	const struct ics_calendar *calendar = reading->calendar;
	struct calendar_gather *gather = &reading->gather;

	for (size_t i = 0; i < calendar->problem_count && i < ICS_PROBLEMS_MAX; i++) {
		const struct ics_problem *problem = &calendar->problems[i];

		calendar_gather_reject(gather, problem->uid, problem->line, problem->reason);
		if (!has_series(calendar, problem->uid))
			calendar_gather_hold(gather, problem->uid);
	}
	if (calendar->problem_count > ICS_PROBLEMS_MAX) {
		gather->problem_count += calendar->problem_count - ICS_PROBLEMS_MAX;
		gather->rejected_count += calendar->problem_count - ICS_PROBLEMS_MAX;
		gather->holds_all = true;
	}
}

static int64_t line_of(const struct ics_series *series)
{
	return series->master ? series->master->line : series->overrides[0]->line;
}

static void leave_out(struct reading *reading, const struct ics_series *series, const char *reason)
{
	calendar_gather_reject(&reading->gather, series->uid, line_of(series), reason);
	calendar_gather_hold(&reading->gather, series->uid);
}

/* --- one occurrence --------------------------------------------------------------------------------- */

static bool has_rules(const struct ics_series *series)
{
	return series->master && series->master->rule_count > 0;
}

static bool is_single(const struct ics_series *series)
{
	return series->master && series->master->rule_count == 0 &&
	       series->master->extra_count == 0 && series->override_count == 0;
}

static bool is_of_dates(const struct ics_series *series)
{
	return series->master ? series->master->start.is_date
			      : series->overrides[0]->recurrence.is_date;
}

/* "<uid>/20260112T090000Z", or "<uid>/20260112" of a series of days. */
static struct span id_of(struct arena *arena, const struct ics_series *series, int64_t recurrence_s)
{
	struct moment at = moment_of_unix_us(recurrence_s * SECOND_US);
	struct str id;
	struct span copy;

	str_init(&id, series->uid.length + 32);
	str_append(&id, series->uid);
	str_format(&id, "/%04d%02d%02d", at.year, at.month, at.day);
	if (!is_of_dates(series))
		str_format(&id, "T%02d%02d%02dZ", at.hour, at.minute, at.second);
	copy = arena_copy(arena, str_span(&id));
	str_finish(&id);
	return copy;
}

static enum calendar_status status_of(const struct ics_event *event)
{
	return event->status == ICS_TENTATIVE ? CALENDAR_TENTATIVE : CALENDAR_CONFIRMED;
}

static void take(struct reading *reading, const struct ics_series *series,
		 const struct ics_occurrence *occurrence)
{
	const struct ics_event *event = occurrence->event;
	struct arena *arena = reading->gather.arena;
	struct calendar_item item = {
		.id = is_single(series) ? series->uid
					: id_of(arena, series, occurrence->recurrence_s),
		.series = series->uid,
		.title = calendar_cut(event->summary, CALENDAR_TITLE_MAX_BYTES),
		.description = calendar_cut(event->description, CALENDAR_DESCRIPTION_MAX_BYTES),
		.location = calendar_cut(event->location, CALENDAR_LOCATION_MAX_BYTES),
		.starts_us = occurrence->start_s * SECOND_US,
		.ends_us = occurrence->end_s * SECOND_US,
		.updated_us = event->modified_s * SECOND_US,
		.status = status_of(event),
		.is_all_day = event->start.is_date,
	};

	if (!calendar_is_in_range(item.updated_us))
		item.updated_us = 0;
	calendar_gather_add(&reading->gather, &item);
}

/* --- one series ------------------------------------------------------------------------------------- */

static void take_all(struct reading *reading, const struct ics_series *series,
		     const struct ics_occurrences *found)
{
	struct calendar_gather *gather = &reading->gather;

	for (size_t i = 0; i < found->count; i++)
		if (calendar_is_in_range(found->all[i].recurrence_s * SECOND_US))
			take(reading, series, &found->all[i]);
	if (!found->is_truncated)
		return;
	calendar_gather_remark(gather, series->uid, line_of(series),
			       "it has more occurrences than can be followed: only the first ones "
			       "are taken");
	calendar_gather_hold(gather, series->uid);
}

static void expand(struct reading *reading, const struct ics_series *series)
{
	struct arena *scratch = arena_create();
	struct ics_occurrences found;

	ics_expand(series, reading->from_s, reading->to_s, scratch, &found);
	reading->steps += found.steps;
	if (reading->gather.count + found.count > CALENDAR_ITEMS_MAX)
		leave_out(reading, series,
			  "the feed has more than 50,000 occurrences: this series "
			  "is left out");
	else
		take_all(reading, series, &found);
	arena_destroy(scratch);
}

static void take_series(struct reading *reading)
{
	for (size_t i = 0; i < reading->calendar->series_count; i++) {
		const struct ics_series *series = &reading->calendar->series[i];

		if (reading->steps >= FEED_STEPS_MAX && has_rules(series))
			leave_out(reading, series,
				  "the rules of this feed take too long to "
				  "follow: this series is left out");
		else
			expand(reading, series);
	}
}

/* --- the door --------------------------------------------------------------------------------------- */

bool calendar_read_ics(struct arena *arena, struct span feed, const struct zone *floating,
		       int64_t from_us, int64_t to_us, struct calendar_items *items,
		       const char **complaint)
{
	struct reading reading = {.from_s = floor_seconds(from_us),
				  .to_s = -floor_seconds(-to_us),
				  .gather = {.arena = arena}};

	if (span_starts_with(span_trim(feed), SPAN("<"))) {
		*complaint = "this is a page for people (HTML or XML), not an iCalendar feed";
		return false;
	}
	reading.calendar = ics_read(arena, feed, floating, complaint);
	if (!reading.calendar)
		return false;
	take_problems(&reading);
	take_series(&reading);
	calendar_gather_end(&reading.gather, false, items);
	return true;
}
