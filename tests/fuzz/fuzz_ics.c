/* fuzz_ics.c - whatever a feed is, its events are whole, its occurrences lie in their window and in
 * order, and a smaller window shows what the larger one shows there */
#include <assert.h>
#include <string.h>

#include "almanac/ics.h"

#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)
#define FROM_S INT64_C(1767225600) /* 2026 */
#define MIDDLE_S INT64_C(1782950400)
#define TO_S INT64_C(1798761600) /* 2027 */
#define SERIES_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct ics_event *event)
{
	assert(event->uid.length > 0 && event->uid.length <= ICS_UID_MAX_BYTES);
	assert(span_is_text(event->uid) && span_is_text(event->summary));
	assert(span_is_text(event->description) && span_is_text(event->location));
	assert(event->start.zone && event->line > 0);
	assert(event->length.days >= 0 && event->length.seconds >= 0);
	assert(!event->start.is_date || event->start.wall_s % 86400 == 0);
}

static bool lies_in(const struct ics_occurrence *one, int64_t from_s, int64_t to_s)
{
	if (one->start_s >= to_s)
		return false;
	return one->end_s > from_s || (one->start_s == one->end_s && one->start_s == from_s);
}

static void expand(const struct ics_series *series, int64_t from_s, int64_t to_s,
		   struct arena *arena, struct ics_occurrences *found)
{
	ics_expand(series, from_s, to_s, arena, found);
	assert(found->count <= ICS_OCCURRENCES_MAX);
	for (size_t i = 0; i < found->count; i++) {
		const struct ics_occurrence *one = &found->all[i];

		assert(one->start_s <= one->end_s && lies_in(one, from_s, to_s));
		assert(one->start_s >= FIRST_S && one->end_s <= LAST_S);
		assert(one->event->status != ICS_CANCELLED);
		assert(i == 0 || one->start_s >= found->all[i - 1].start_s);
		assert(i == 0 || one->start_s > found->all[i - 1].start_s ||
		       one->recurrence_s > found->all[i - 1].recurrence_s);
	}
}

static void check_windows(const struct ics_series *series, struct arena *arena)
{
	struct ics_occurrences whole, part;
	size_t at = 0;

	expand(series, FROM_S, TO_S, arena, &whole);
	expand(series, FROM_S, MIDDLE_S, arena, &part);
	if (whole.is_truncated || part.is_truncated)
		return;
	for (size_t i = 0; i < whole.count; i++) {
		if (!lies_in(&whole.all[i], FROM_S, MIDDLE_S))
			continue;
		assert(at < part.count);
		assert(memcmp(&whole.all[i], &part.all[at], sizeof(*part.all)) == 0);
		at++;
	}
	assert(at == part.count);
}

static void check_series(const struct ics_series *series)
{
	assert(series->master || series->override_count > 0);
	if (series->master)
		check_event(series->master);
	for (size_t i = 0; i < series->override_count; i++) {
		check_event(series->overrides[i]);
		assert(series->overrides[i]->is_override);
		assert(span_equals(series->overrides[i]->uid, series->uid));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	const char *complaint = NULL;
	const struct ics_calendar *calendar =
		ics_read(arena, (struct span){(const char *)data, size}, NULL, &complaint);

	assert((calendar == NULL) == (complaint != NULL));
	for (size_t i = 0; calendar && i < calendar->series_count; i++) {
		check_series(&calendar->series[i]);
		if (i < SERIES_MAX)
			check_windows(&calendar->series[i], arena);
	}
	for (size_t i = 0; calendar && i < calendar->problem_count && i < ICS_PROBLEMS_MAX; i++)
		assert(calendar->problems[i].reason && span_is_text(calendar->problems[i].uid));
	arena_destroy(arena);
	return 0;
}
