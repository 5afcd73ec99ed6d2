/*
 * Recurrence rules (RFC 5545 sections 3.3.10 and 3.8.5.3), walked on a clock on the wall: wall
 * seconds in, wall seconds out (see zone.h), years 1 to 9999. Days that do not exist are left out
 * (RFC 7529, SKIP=OMIT).
 */
#ifndef ALMANAC_RECURRENCE_H
#define ALMANAC_RECURRENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/str.h"

enum rule_frequency {
	RULE_SECONDLY,
	RULE_MINUTELY,
	RULE_HOURLY,
	RULE_DAILY,
	RULE_WEEKLY,
	RULE_MONTHLY,
	RULE_YEARLY
};

enum rule_until {
	RULE_ENDLESS,
	RULE_UNTIL_DATE, /* `until_s` is its midnight; the whole day counts */
	RULE_UNTIL_WALL,
	RULE_UNTIL_UTC
};

/* Numbers 1 to 366, from the front and from the back. */
struct rule_numbers {
	uint64_t front[6], back[6];
};

/* A BY part that was not given is empty; bit n stands for n. Weekdays: 0 is Sunday. */
struct rule {
	enum rule_frequency frequency;
	int64_t interval;
	int64_t count; /* 0: not limited */
	enum rule_until until;
	int64_t until_s;
	int week_start;
	uint64_t seconds, minutes;
	uint32_t hours, months;
	uint32_t month_days, month_days_back;
	uint64_t weeks, weeks_back;
	uint32_t weekdays; /* any of the period */
	uint64_t weekday_nth[7], weekday_nth_back[7];
	struct rule_numbers year_days, positions;
};

/* The value of an RRULE property. False: `*complaint` says why, a constant text. Refused besides bad
 * grammar: what section 3.3.10 forbids, but for the time parts of an all-day event (rule_walk_begin
 * ignores those, as it says). */
bool rule_read(struct span text, struct rule *rule, const char **complaint)
	__attribute__((warn_unused_result));

/* At most about 50 ms of one core. */
#define RULE_STEPS_MAX 2500000

/*
 * A walk from one occurrence to the next. Its fields are its own. It holds no memory but itself.
 */
struct rule_walk {
	struct rule rule; /* with what DTSTART gives to it */
	int64_t start_s, from_s, last_s;
	int64_t period; /* the next one's number, the first is that of the start */
	int64_t left;   /* of the count */
	int64_t steps;  /* spent; a caller may begin with those of another walk */
	bool is_at_start, is_over, is_truncated, has_positions;

	int64_t judged_day; /* by a rule below a day */
	bool has_judged, is_good_day;

	/* One period: its days and the times within a day, both ascending. A candidate's number is
	 * that of its day times the number of times, plus that of its time. */
	int32_t days[366];
	int32_t day_count;
	uint8_t hours[24], minutes[60], seconds[60];
	int32_t hour_count, minute_count, second_count;
	int32_t chosen[732]; /* by BYSETPOS */
	int32_t at, end;     /* among the chosen, or among all */
};

/*
 * Begins at DTSTART, which is the first occurrence whether the rule says so or not, and counts as one.
 * Occurrences before `from_s` may be left out (they are counted); none after `last_s` is told, nor
 * after UNTIL: one in UTC is taken as if it were on the wall, so the caller adds the zone's offset.
 * `is_all_day`: time parts are ignored, and the start has to be midnight.
 */
void rule_walk_begin(struct rule_walk *walk, const struct rule *rule, int64_t start_s,
		     bool is_all_day, int64_t from_s, int64_t last_s);

/* The next occurrence, later than the one before; false at the end. The steps of a walk are limited:
 * `is_truncated` says that it ended for that. */
bool rule_walk_next(struct rule_walk *walk, int64_t *wall_s) __attribute__((warn_unused_result));

#endif
