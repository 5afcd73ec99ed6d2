/* ics_series.c - the events of one UID are a series; ics.c calls me, I call nobody */
#include <stdlib.h>
#include <string.h>

#include "days.h"
#include "ics_parts.h"

/* --- problems ----------------------------------------------------------------------------------- */

void ics_report(struct arena *arena, struct ics_calendar *calendar, struct span uid, unsigned line,
		const char *reason)
{
	if (!calendar->problems)
		calendar->problems =
			arena_alloc(arena, ICS_PROBLEMS_MAX * sizeof(*calendar->problems));
	if (calendar->problem_count < ICS_PROBLEMS_MAX)
		calendar->problems[calendar->problem_count] =
			(struct ics_problem){uid, line, reason};
	calendar->problem_count++;
}

static int compare_problems(const void *left, const void *right)
{
	const struct ics_problem *one = left;
	const struct ics_problem *other = right;

	return one->line < other->line ? -1 : one->line > other->line;
}

/* --- order --------------------------------------------------------------------------------------- */

static int compare_numbers(int64_t one, int64_t other)
{
	return one < other ? -1 : one > other;
}

static int compare_spans(struct span one, struct span other)
{
	size_t length = one.length < other.length ? one.length : other.length;
	int order = length > 0 ? memcmp(one.bytes, other.bytes, length) : 0;

	return order != 0 ? order : compare_numbers((int64_t)one.length, (int64_t)other.length);
}

/* Which of two that stand for the same counts: the greater one. */
static int compare_age(const struct ics_event *one, const struct ics_event *other)
{
	int order = compare_numbers(one->sequence, other->sequence);

	if (order == 0)
		order = compare_numbers(one->modified_s, other->modified_s);
	return order != 0 ? order : compare_numbers(one->line, other->line);
}

/* By UID, the masters before the overrides, the newest first. */
static int compare_events(const void *left, const void *right)
{
	const struct ics_event *one = *(struct ics_event *const *)left;
	const struct ics_event *other = *(struct ics_event *const *)right;
	int order = compare_spans(one->uid, other->uid);

	if (order == 0)
		order = one->is_override - other->is_override;
	return order != 0 ? order : compare_age(other, one);
}

/* An override on its way into a series, with what it stands for. */
struct place {
	int64_t recurrence_s;
	const struct ics_event *event;
};

static int compare_places(const void *left, const void *right)
{
	const struct place *one = left;
	const struct place *other = right;
	int order = compare_numbers(one->recurrence_s, other->recurrence_s);

	return order != 0 ? order : compare_age(other->event, one->event);
}

/* --- series -------------------------------------------------------------------------------------- */

/* A date may stand for the occurrence of that day, and a time for that of an all-day event; one without
 * a zone is on the wall of the series. */
int64_t ics_recurrence_s(const struct ics_series *series, const struct ics_event *override)
{
	const struct ics_event *master = series->master;
	struct ics_time time = override->recurrence;

	if (master && time.is_floating && !master->start.is_date)
		time.zone = master->start.zone;
	if (!master || master->start.is_date == time.is_date)
		return ics_time_unix_s(&time);
	if (master->start.is_date)
		return time.wall_s - floor_rest(time.wall_s, DAY_S);
	time.zone = master->start.zone;
	time.wall_s += floor_rest(master->start.wall_s, DAY_S);
	return ics_time_unix_s(&time);
}

static void report_replaced(struct arena *arena, struct ics_calendar *calendar,
			    const struct ics_event *event)
{
	ics_report(arena, calendar, event->uid, event->line,
		   "the same event comes again, and that one counts");
}

static void take_overrides(struct arena *arena, struct ics_calendar *calendar,
			   struct ics_series *series, struct ics_event **events, size_t count)
{
	struct place *places = arena_alloc(arena, (count + 1) * sizeof(*places));

	for (size_t i = 0; i < count; i++)
		places[i] = (struct place){ics_recurrence_s(series, events[i]), events[i]};
	qsort(places, count, sizeof(*places), compare_places);
	series->overrides = arena_alloc(arena, (count + 1) * sizeof(struct ics_event *));
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && places[i].recurrence_s == places[i - 1].recurrence_s)
			report_replaced(arena, calendar, places[i].event);
		else
			series->overrides[series->override_count++] = places[i].event;
	}
}

/* The events of one UID, in order. */
static void take_series(struct arena *arena, struct ics_calendar *calendar,
			struct ics_event **events, size_t count)
{
	struct ics_series *series = &calendar->series[calendar->series_count++];
	size_t masters = 0;

	series->uid = events[0]->uid;
	while (masters < count && !events[masters]->is_override)
		masters++;
	if (masters > 0)
		series->master = events[0];
	for (size_t i = 1; i < masters; i++)
		report_replaced(arena, calendar, events[i]);
	take_overrides(arena, calendar, series, events + masters, count - masters);
}

static size_t count_same_uid(struct ics_event **events, size_t count)
{
	size_t same = 1;

	while (same < count && span_equals(events[same]->uid, events[0]->uid))
		same++;
	return same;
}

static size_t problems_kept(const struct ics_calendar *calendar)
{
	return calendar->problem_count < ICS_PROBLEMS_MAX ? calendar->problem_count
							  : ICS_PROBLEMS_MAX;
}

void ics_group(struct arena *arena, struct ics_all_events all, struct ics_calendar *calendar)
{
	calendar->series = arena_alloc(arena, (all.count + 1) * sizeof(*calendar->series));
	if (all.count > 0)
		qsort(all.events, all.count, sizeof(*all.events), compare_events);
	for (size_t at = 0; at < all.count;) {
		size_t count = count_same_uid(all.events + at, all.count - at);

		take_series(arena, calendar, all.events + at, count);
		at += count;
	}
	if (calendar->problems)
		qsort(calendar->problems, problems_kept(calendar), sizeof(*calendar->problems),
		      compare_problems);
}
