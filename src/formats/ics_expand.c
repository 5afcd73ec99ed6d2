/* ics_expand.c - the occurrences of a series within a window; the rooms call me, I call recurrence.c
 * and zone.c */
#include <stdlib.h>
#include <string.h>

#include "days.h"
#include "ics_parts.h"

/* What a clock on the wall may differ from UTC, and what it may leap. */
#define WALL_MARGIN_S (2 * DAY_S)

/* In steps of a walk, what it costs to judge an occurrence that was found. */
#define STEPS_TO_ADD 20

struct expansion {
	const struct ics_series *series;
	const struct ics_event *master;
	int64_t from_s, to_s;
	int64_t reach_s; /* by how much an occurrence may lie or last beside its own start */
	struct arena *arena;
	struct ics_occurrence *all;
	size_t count, room;
	bool is_truncated;

	/* What is excluded, ascending: instants, and midnights of days on the series' own wall. */
	int64_t *instants, *days;
	size_t instant_count, day_count;
	int64_t *recurrences;            /* of the overrides, in their order */
	const struct ics_event **movers; /* the last at or before each override; NULL: none */
	int64_t *mover_recurrences;
	int64_t steps;
};

/* --- sorted numbers ------------------------------------------------------------------------------- */

static int compare_numbers(const void *left, const void *right)
{
	const int64_t *one = left;
	const int64_t *other = right;

	return *one < *other ? -1 : *one > *other;
}

static bool is_among(const int64_t *numbers, size_t count, int64_t number)
{
	return count > 0 && bsearch(&number, numbers, count, sizeof(number), compare_numbers);
}

/* How many are not greater. */
static size_t count_until(const int64_t *numbers, size_t count, int64_t number)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers[middle] <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t midnight(int64_t wall_s)
{
	return wall_s - floor_rest(wall_s, DAY_S);
}

/* --- preparing ------------------------------------------------------------------------------------ */

/* An excluded time is that instant, an excluded date any time of that day; of an all-day event
 * always the day counts. */
static void prepare_excluded(struct expansion *expansion)
{
	const struct ics_event *master = expansion->master;
	size_t count = master ? master->excluded_count : 0;

	expansion->instants = arena_alloc(expansion->arena, (count + 1) * sizeof(int64_t));
	expansion->days = arena_alloc(expansion->arena, (count + 1) * sizeof(int64_t));
	for (size_t i = 0; i < count; i++) {
		const struct ics_time *time = &master->excluded[i];

		if (time->is_date || master->start.is_date)
			expansion->days[expansion->day_count++] = midnight(time->wall_s);
		else
			expansion->instants[expansion->instant_count++] = ics_time_unix_s(time);
	}
	qsort(expansion->instants, expansion->instant_count, sizeof(int64_t), compare_numbers);
	qsort(expansion->days, expansion->day_count, sizeof(int64_t), compare_numbers);
}

static int64_t length_s(struct ics_length length)
{
	return length.days * DAY_S + length.seconds;
}

/* By how much an override moves the later ones on its wall. */
static int64_t shift_of(const struct ics_event *override, int64_t recurrence_s)
{
	return override->start.wall_s - zone_wall_s(override->start.zone, recurrence_s);
}

/* One of another kind than its series cannot move the others. */
static bool moves_later_ones(const struct expansion *expansion, const struct ics_event *override)
{
	return override->is_for_all_after && expansion->master &&
	       override->start.is_date == expansion->master->start.is_date;
}

static void prepare_mover(struct expansion *expansion, size_t place)
{
	const struct ics_event *override = expansion->series->overrides[place];
	int64_t recurrence_s = expansion->recurrences[place];
	int64_t reach_s;

	if (!moves_later_ones(expansion, override)) {
		if (place > 0) {
			expansion->movers[place] = expansion->movers[place - 1];
			expansion->mover_recurrences[place] =
				expansion->mover_recurrences[place - 1];
		}
		return;
	}
	expansion->movers[place] = override;
	expansion->mover_recurrences[place] = recurrence_s;
	reach_s = llabs(shift_of(override, recurrence_s)) + length_s(override->length);
	if (reach_s > expansion->reach_s)
		expansion->reach_s = reach_s;
}

static void prepare_overrides(struct expansion *expansion)
{
	const struct ics_series *series = expansion->series;
	size_t room = series->override_count + 1;

	expansion->recurrences = arena_alloc(expansion->arena, room * sizeof(int64_t));
	expansion->mover_recurrences = arena_alloc(expansion->arena, room * sizeof(int64_t));
	expansion->movers = arena_alloc(expansion->arena, room * sizeof(struct ics_event *));
	for (size_t i = 0; i < series->override_count; i++) {
		expansion->recurrences[i] = ics_recurrence_s(series, series->overrides[i]);
		prepare_mover(expansion, i);
	}
}

/* --- occurrences ---------------------------------------------------------------------------------- */

static bool is_excluded(const struct expansion *expansion, int64_t unix_s)
{
	int64_t wall_s;

	if (is_among(expansion->instants, expansion->instant_count, unix_s))
		return true;
	if (expansion->day_count == 0)
		return false;
	wall_s = zone_wall_s(expansion->master->start.zone, unix_s);
	return is_among(expansion->days, expansion->day_count, midnight(wall_s));
}

static int64_t end_of(const struct zone *zone, int64_t start_s, struct ics_length length)
{
	if (length.days != 0)
		start_s = zone_unix_s(zone, zone_wall_s(zone, start_s) + length.days * DAY_S);
	return start_s + length.seconds;
}

static void grow(struct expansion *expansion)
{
	struct ics_occurrence *larger;

	if (expansion->count < expansion->room)
		return;
	expansion->room = expansion->room ? 2 * expansion->room : 16;
	larger = arena_alloc(expansion->arena, expansion->room * sizeof(*larger));
	if (expansion->count > 0)
		memcpy(larger, expansion->all, expansion->count * sizeof(*larger));
	expansion->all = larger;
}

/* False when there is no room left. */
static bool keep(struct expansion *expansion, const struct ics_occurrence *occurrence)
{
	bool is_empty = occurrence->start_s == occurrence->end_s;

	if (occurrence->start_s >= expansion->to_s || occurrence->end_s < expansion->from_s ||
	    (occurrence->end_s == expansion->from_s && !is_empty) ||
	    occurrence->start_s < FIRST_S || occurrence->end_s > LAST_S)
		return true;
	if (expansion->count == ICS_OCCURRENCES_MAX) {
		expansion->is_truncated = true;
		return false;
	}
	grow(expansion);
	expansion->all[expansion->count++] = *occurrence;
	return true;
}

static void move(struct ics_occurrence *occurrence, const struct ics_event *mover,
		 int64_t recurrence_s)
{
	const struct zone *zone = mover->start.zone;
	int64_t wall_s = zone_wall_s(zone, occurrence->recurrence_s);

	occurrence->event = mover;
	occurrence->start_s = zone_unix_s(zone, wall_s + shift_of(mover, recurrence_s));
	occurrence->end_s = end_of(zone, occurrence->start_s, mover->length);
}

/* One that the series tells; one that has an override is not kept, the override itself is. */
static bool add(struct expansion *expansion, const struct ics_time *time, struct ics_length length)
{
	int64_t start_s = ics_time_unix_s(time);
	size_t place =
		count_until(expansion->recurrences, expansion->series->override_count, start_s);
	struct ics_occurrence occurrence = {expansion->master, start_s, 0, start_s};
	const struct ics_event *mover;

	if (is_excluded(expansion, start_s) ||
	    (place > 0 && expansion->recurrences[place - 1] == start_s))
		return true;
	mover = place > 0 ? expansion->movers[place - 1] : NULL;
	if (mover)
		move(&occurrence, mover, expansion->mover_recurrences[place - 1]);
	else
		occurrence.end_s = end_of(time->zone, start_s, length);
	return occurrence.event->status == ICS_CANCELLED || keep(expansion, &occurrence);
}

/* --- sources -------------------------------------------------------------------------------------- */

/* UNTIL as the walk wants it, with a day to spare: the instants are judged one by one. */
static struct rule with_until_on_wall(const struct rule *rule, const struct ics_time *start)
{
	struct rule on_wall = *rule;

	if (rule->until == RULE_UNTIL_UTC && start->is_date)
		on_wall.until_s = midnight(rule->until_s);
	else if (rule->until == RULE_UNTIL_UTC)
		on_wall.until_s = zone_wall_s(start->zone, rule->until_s) + DAY_S;
	return on_wall;
}

static void add_of_rule(struct expansion *expansion, const struct rule *rule)
{
	const struct ics_event *master = expansion->master;
	struct rule on_wall = with_until_on_wall(rule, &master->start);
	bool is_until_exact = rule->until == RULE_UNTIL_UTC && !master->start.is_date;
	struct ics_time time = master->start;
	struct rule_walk walk;

	rule_walk_begin(&walk, &on_wall, time.wall_s, time.is_date,
			expansion->from_s - expansion->reach_s - WALL_MARGIN_S,
			expansion->to_s + expansion->reach_s + WALL_MARGIN_S);
	walk.steps = expansion->steps;
	while (rule_walk_next(&walk, &time.wall_s)) {
		walk.steps += STEPS_TO_ADD;
		if (is_until_exact && ics_time_unix_s(&time) > rule->until_s)
			continue;
		if (!add(expansion, &time, master->length))
			break;
	}
	expansion->steps = walk.steps;
	if (walk.is_truncated)
		expansion->is_truncated = true;
}

static void add_of_master(struct expansion *expansion)
{
	const struct ics_event *master = expansion->master;

	if (!master || master->status == ICS_CANCELLED)
		return;
	if (master->rule_count == 0)
		(void)add(expansion, &master->start, master->length);
	for (size_t i = 0; i < master->rule_count; i++)
		add_of_rule(expansion, &master->rules[i]);
	for (size_t i = 0; i < master->extra_count; i++)
		if (!add(expansion, &master->extras[i].start, master->extras[i].length))
			return;
}

static void add_of_overrides(struct expansion *expansion)
{
	for (size_t i = 0; i < expansion->series->override_count; i++) {
		const struct ics_event *override = expansion->series->overrides[i];
		struct ics_occurrence occurrence = {.event = override,
						    .recurrence_s = expansion->recurrences[i]};

		if (override->status == ICS_CANCELLED ||
		    is_excluded(expansion, occurrence.recurrence_s))
			continue;
		occurrence.start_s = ics_time_unix_s(&override->start);
		occurrence.end_s =
			end_of(override->start.zone, occurrence.start_s, override->length);
		if (!keep(expansion, &occurrence))
			return;
	}
}

/* --- order ---------------------------------------------------------------------------------------- */

static int compare_occurrences(const void *left, const void *right)
{
	const struct ics_occurrence *one = left;
	const struct ics_occurrence *other = right;
	int order = compare_numbers(&one->start_s, &other->start_s);

	if (order == 0)
		order = compare_numbers(&one->recurrence_s, &other->recurrence_s);
	return order != 0 ? order : compare_numbers(&one->end_s, &other->end_s);
}

/* Rules and dates may tell the same start more than once; it is one occurrence. */
static void order(struct expansion *expansion)
{
	size_t kept = 0;

	if (expansion->count == 0)
		return;
	qsort(expansion->all, expansion->count, sizeof(*expansion->all), compare_occurrences);
	for (size_t i = 0; i < expansion->count; i++) {
		const struct ics_occurrence *last = kept > 0 ? &expansion->all[kept - 1] : NULL;

		if (last && last->recurrence_s == expansion->all[i].recurrence_s &&
		    last->start_s == expansion->all[i].start_s)
			continue;
		expansion->all[kept++] = expansion->all[i];
	}
	expansion->count = kept;
}

/* --- the door ------------------------------------------------------------------------------------- */

static int64_t clamp(int64_t seconds)
{
	return seconds < FIRST_S ? FIRST_S : seconds > LAST_S ? LAST_S : seconds;
}

void ics_expand(const struct ics_series *series, int64_t from_s, int64_t to_s, struct arena *arena,
		struct ics_occurrences *occurrences)
{
	struct expansion expansion = {.series = series,
				      .master = series->master,
				      .from_s = clamp(from_s),
				      .to_s = clamp(to_s),
				      .arena = arena};

	if (series->master)
		expansion.reach_s = length_s(series->master->length);
	prepare_excluded(&expansion);
	prepare_overrides(&expansion);
	add_of_overrides(&expansion);
	add_of_master(&expansion);
	order(&expansion);
	occurrences->all = expansion.all;
	occurrences->count = expansion.count;
	occurrences->steps = expansion.steps;
	occurrences->is_truncated = expansion.is_truncated;
}
