/* zone.c - clocks on the wall; events call me, I call the reader of rules */
#include <assert.h>
#include <string.h>

#include "days.h"
#include "zones.h"

/* The Gregorian calendar, its weekdays and so a zone's rule repeat every 400 years. */
#define CYCLE_YEARS 400
#define CYCLE_S (146097 * DAY_S)
#define RULE_FIRST_YEAR 1900 /* of a rule without changes before it */

struct zone {
	struct span name;
	const struct zone_change *changes;
	size_t count;
	int32_t first_offset_s;
	bool is_cyclic; /* the last CYCLE_S of the changes repeat for ever */
};

/* --- making ---------------------------------------------------------------------------------- */

static bool is_before(const struct zone_change *one, const struct zone_change *other)
{
	return one->unix_s < other->unix_s;
}

/* Of two changes at once, as in a rule whose daylight time never ends, the one into it counts. */
static size_t add(const struct zone_rule *rule, const struct zone_change *next,
		  struct zone_change *changes, size_t count)
{
	if (count == 0 || is_before(&changes[count - 1], next))
		changes[count++] = *next;
	else if (next->unix_s == changes[count - 1].unix_s && next->offset_s == rule->daylight_s)
		changes[count - 1] = *next;
	return count;
}

/* The changes of `years` years, as far as they come after those already there. */
static size_t follow(const struct zone_rule *rule, int year, int years, struct zone_change *changes,
		     size_t count)
{
	for (int last = year + years; year < last; year++) {
		struct zone_change two[2];
		int first;

		zone_rule_year(rule, year, two);
		first = is_before(&two[1], &two[0]) ? 1 : 0;
		count = add(rule, &two[first], changes, count);
		count = add(rule, &two[1 - first], changes, count);
	}
	return count;
}

static int first_year_of_rule(const struct zone_change *changes, size_t count)
{
	if (count == 0 || changes[count - 1].unix_s < FIRST_S)
		return RULE_FIRST_YEAR;
	return date_of_days(floor_divide(changes[count - 1].unix_s, DAY_S)).year;
}

const struct zone *zone_make(struct arena *arena, struct span name, int32_t first_offset_s,
			     const struct zone_change *changes, size_t count,
			     const struct zone_rule *rule)
{
	bool is_cyclic = rule && rule->has_daylight;
	size_t room = count + (is_cyclic ? 2 * (CYCLE_YEARS + 2) : 0);
	struct zone *zone = arena_alloc(arena, sizeof(*zone));
	struct zone_change *all = arena_alloc(arena, (room + 1) * sizeof(*all));

	assert(count <= ZONE_CHANGES_MAX);
	if (count > 0)
		memcpy(all, changes, count * sizeof(*all));
	if (is_cyclic)
		count = follow(rule, first_year_of_rule(all, count), CYCLE_YEARS + 2, all, count);
	*zone = (struct zone){arena_copy(arena, name), all, count, first_offset_s, is_cyclic};
	return zone;
}

/* --- finding --------------------------------------------------------------------------------- */

static int32_t offset_before(const struct zone *zone, size_t place)
{
	return place == 0 ? zone->first_offset_s : zone->changes[place - 1].offset_s;
}

/* How many changes have happened when the clock, as it went before each, shows `seconds`; without
 * `is_wall` the clock is that of UTC. */
static size_t changes_until(const struct zone *zone, int64_t seconds, bool is_wall)
{
	size_t low = 0;
	size_t high = zone->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t at = zone->changes[middle].unix_s;

		if (is_wall)
			at += offset_before(zone, middle);
		if (at <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* By how much to go back to come among the changes that are written down. */
static int64_t cycles_beyond(const struct zone *zone, int64_t seconds)
{
	int64_t end;

	if (!zone->is_cyclic)
		return 0;
	end = zone->changes[zone->count - 1].unix_s - 2 * DAY_S;
	return seconds < end ? 0 : ((seconds - end) / CYCLE_S + 1) * CYCLE_S;
}

/* --- the door -------------------------------------------------------------------------------- */

const struct zone *zone_utc(void)
{
	static const struct zone utc = {.name = {"UTC", 3}};

	return &utc;
}

const struct zone *zone_of_rule(struct arena *arena, struct span name, struct span text)
{
	struct zone_rule rule;

	if (!zone_rule_read(text, &rule))
		return NULL;
	return zone_make(arena, name, rule.standard_s, NULL, 0, &rule);
}

const struct zone *zone_of_changes(struct arena *arena, struct span name, int32_t first_offset_s,
				   const struct zone_change *changes, size_t count)
{
	return zone_make(arena, name, first_offset_s, changes, count, NULL);
}

struct span zone_name(const struct zone *zone)
{
	return zone->name;
}

int32_t zone_offset_s(const struct zone *zone, int64_t unix_s)
{
	int64_t near_s = unix_s - cycles_beyond(zone, unix_s);

	return offset_before(zone, changes_until(zone, near_s, false));
}

int64_t zone_wall_s(const struct zone *zone, int64_t unix_s)
{
	return unix_s + zone_offset_s(zone, unix_s);
}

/* Before a change the clock shows less than the change's moment by the old offset: so it is the first
 * of two times. Within a leap the old offset still counts. */
int64_t zone_unix_s(const struct zone *zone, int64_t wall_s)
{
	int64_t cycles = cycles_beyond(zone, wall_s);
	int64_t near_s = wall_s - cycles;
	size_t place = changes_until(zone, near_s, true);
	int32_t offset = offset_before(zone, place);

	if (place > 0 && near_s < zone->changes[place - 1].unix_s + offset)
		offset = offset_before(zone, place - 1);
	return near_s - offset + cycles;
}
