/* ics_zone.c - a VTIMEZONE becomes a zone: all its changes until a horizon; ics_zones.c calls me, I
 * call recurrence.c and zone.c */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "days.h"
#include "ics_parts.h"

#define HORIZON_S INT64_C(7258118400) /* 2200-01-01T00:00:00Z */
#define OBSERVANCES_MAX 256

struct change {
	int64_t unix_s;
	int32_t from_s, to_s;
	unsigned place; /* in the feed: of two changes at once the later one counts */
};

/* A STANDARD or DAYLIGHT part on its way to its changes. */
struct observance {
	bool is_open, has_start, has_from, has_to, has_rule, is_bad;
	int64_t start_wall_s;
	int32_t from_s, to_s;
	struct rule rule;
};

struct definer {
	struct observance now;
	struct change *changes;
	size_t count;
	size_t observances;
	int64_t *steps;
	bool is_bad;
};

/* --- changes ----------------------------------------------------------------------------------- */

static void add_change(struct definer *definer, int64_t wall_s)
{
	const struct observance *now = &definer->now;

	if (definer->count == ZONE_CHANGES_MAX) {
		definer->is_bad = true;
		return;
	}
	definer->changes[definer->count] = (struct change){wall_s - now->from_s, now->from_s,
							   now->to_s, (unsigned)definer->count};
	definer->count++;
}

/* UNTIL is in UTC, the walk on the clock that is about to change. */
static void add_rule_changes(struct definer *definer)
{
	struct observance *now = &definer->now;
	struct rule_walk walk;
	int64_t wall_s;

	if (now->rule.until == RULE_UNTIL_UTC)
		now->rule.until_s += now->from_s;
	rule_walk_begin(&walk, &now->rule, now->start_wall_s, false, FIRST_S, HORIZON_S);
	walk.steps = *definer->steps;
	while (!definer->is_bad && rule_walk_next(&walk, &wall_s))
		add_change(definer, wall_s);
	*definer->steps = walk.steps;
	if (walk.is_truncated)
		definer->is_bad = true;
}

static void close_observance(struct definer *definer)
{
	struct observance *now = &definer->now;

	if (!now->has_start || !now->has_from || !now->has_to || now->is_bad ||
	    ++definer->observances > OBSERVANCES_MAX)
		definer->is_bad = true;
	else if (now->has_rule)
		add_rule_changes(definer);
	else
		add_change(definer, now->start_wall_s);
	now->is_open = false;
}

/* --- lines -------------------------------------------------------------------------------------- */

static bool read_local(struct span text, int64_t *wall_s)
{
	struct ics_stamp stamp;

	if (!ics_read_stamp(text, &stamp) || stamp.is_date)
		return false;
	*wall_s = stamp.wall_s;
	return true;
}

/* RDATEs need TZOFFSETFROM, which may stand behind them: so they are taken in a second reading. */
static void take_dates(struct definer *definer, struct span value)
{
	struct span part;
	int64_t wall_s;

	while (span_split(&value, ',', &part)) {
		if (read_local(part, &wall_s))
			add_change(definer, wall_s);
		else
			definer->now.is_bad = true;
	}
}

static void take_property(struct observance *now, const struct ics_line *line)
{
	const char *complaint;

	if (span_equals_nocase(line->name, SPAN("DTSTART"))) {
		now->has_start = read_local(line->value, &now->start_wall_s);
	} else if (span_equals_nocase(line->name, SPAN("TZOFFSETFROM"))) {
		now->has_from = ics_read_offset(line->value, &now->from_s);
	} else if (span_equals_nocase(line->name, SPAN("TZOFFSETTO"))) {
		now->has_to = ics_read_offset(line->value, &now->to_s);
	} else if (span_equals_nocase(line->name, SPAN("RRULE"))) {
		now->is_bad |= now->has_rule || !rule_read(line->value, &now->rule, &complaint);
		now->has_rule = true;
	}
}

static bool is_observance(const struct ics_line *line, const char *name)
{
	return ics_line_is(line, name, "STANDARD") || ics_line_is(line, name, "DAYLIGHT");
}

static void take_dates_until_end(struct definer *definer, struct ics_lines *lines)
{
	struct ics_line line;

	while (ics_lines_next(lines, &line) && !is_observance(&line, "END"))
		if (span_equals_nocase(line.name, SPAN("RDATE")) && definer->now.has_from)
			take_dates(definer, line.value);
}

static void read_all(struct definer *definer, struct span text)
{
	struct span begin = {0};
	struct ics_lines lines;
	struct ics_lines again;
	struct ics_line line;

	ics_lines_init(&lines, text, 0);
	while (!definer->is_bad && ics_lines_next(&lines, &line)) {
		if (is_observance(&line, "BEGIN")) {
			definer->now = (struct observance){.is_open = true};
			begin = lines.rest;
		} else if (is_observance(&line, "END") && definer->now.is_open) {
			ics_lines_init(&again, begin, 0);
			take_dates_until_end(definer, &again);
			ics_lines_finish(&again);
			close_observance(definer);
		} else if (definer->now.is_open) {
			take_property(&definer->now, &line);
		}
	}
	ics_lines_finish(&lines);
}

/* --- the whole ---------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
	const struct change *one = left;
	const struct change *other = right;

	if (one->unix_s != other->unix_s)
		return one->unix_s < other->unix_s ? -1 : 1;
	return one->place < other->place ? -1 : one->place > other->place;
}

static const struct zone *make(struct arena *arena, struct span id, const struct definer *definer)
{
	const struct change *all = definer->changes;
	struct zone_change *changes = arena_alloc(arena, definer->count * sizeof(*changes));
	size_t count = 0;

	for (size_t i = 0; i < definer->count; i++) {
		if (i > 0 && all[i].unix_s == all[i - 1].unix_s)
			count--;
		changes[count++] = (struct zone_change){all[i].unix_s, all[i].to_s};
	}
	return zone_of_changes(arena, id, all[0].from_s, changes, count);
}

const struct zone *ics_zone_define(struct arena *arena, struct span id, struct span text,
				   int64_t *steps)
{
	struct definer definer = {.steps = steps};
	const struct zone *zone = NULL;

	definer.changes = malloc(ZONE_CHANGES_MAX * sizeof(*definer.changes));
	assert(definer.changes);
	read_all(&definer, text);
	if (!definer.is_bad && definer.count > 0) {
		qsort(definer.changes, definer.count, sizeof(*definer.changes), compare);
		zone = make(arena, id, &definer);
	}
	free(definer.changes);
	return zone;
}
