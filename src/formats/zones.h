/* What a zone is made of, for the files that make one. */
#ifndef ALMANAC_FORMATS_ZONES_H
#define ALMANAC_FORMATS_ZONES_H

#include <stdbool.h>

#include "almanac/zone.h"

/* The rule in a footer: one offset, or two with the moments of the year when they change. */
struct zone_rule {
	int32_t standard_s, daylight_s;
	bool has_daylight;
	struct zone_moment {
		enum { MOMENT_WEEKDAY, MOMENT_DAY_WITHOUT_LEAP, MOMENT_DAY } kind;
		int month, week, weekday; /* of MOMENT_WEEKDAY; the fifth week is the last */
		int day;                  /* 1 to 365 and never 29 February, or 0 to 365 */
		int32_t wall_s;           /* since midnight, also below zero and beyond a day */
	} begin, end;                     /* of daylight time */
};

bool zone_rule_read(struct span text, struct zone_rule *rule);

/* The two changes of a year, in no order. */
void zone_rule_year(const struct zone_rule *rule, int year, struct zone_change changes[2]);

/* Copies the changes and lets the rule, unless it is NULL, follow them. */
const struct zone *zone_make(struct arena *arena, struct span name, int32_t first_offset_s,
			     const struct zone_change *changes, size_t count,
			     const struct zone_rule *rule);

#endif
