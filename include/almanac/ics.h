/*
 * iCalendar feeds (RFC 5545): the bytes in, events grouped to series out, and the occurrences of a
 * series within a window.
 *
 * Occurrences are computed on the clock on the wall of the event's zone and converted after. All-day
 * events stay dates: their seconds are those of midnight as if in UTC, in whatever zone they are read.
 *
 * A TZID is looked for in the system's tzdata, then among the names of Windows, then among the
 * VTIMEZONEs of the feed (whose rules are followed until the year 2200), then in tzdata by its last
 * parts ("/mozilla.org/20050126_1/Europe/Berlin").
 */
#ifndef ALMANAC_ICS_H
#define ALMANAC_ICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/recurrence.h"
#include "almanac/str.h"
#include "almanac/zone.h"

#define ICS_LINE_MAX_BYTES 262144 /* unfolded; longer ones count only if the event needs them */
#define ICS_UID_MAX_BYTES 1024
#define ICS_NESTING_MAX 8
#define ICS_PROPERTIES_MAX 20000  /* of an event, with all that is nested in it */
#define ICS_RULES_MAX 8           /* of an event */
#define ICS_DATES_MAX 10000       /* of an event: RDATEs, and as many EXDATEs */
#define ICS_ZONES_MAX 256         /* of a feed: different TZIDs, and as many VTIMEZONEs */
#define ICS_EVENTS_MAX 50000      /* of a feed */
#define ICS_PROBLEMS_MAX 1000     /* that are kept; all are counted */
#define ICS_OCCURRENCES_MAX 10000 /* of a series within a window */

struct ics_time {
	int64_t wall_s;          /* see zone.h; of a date: its midnight */
	const struct zone *zone; /* never NULL; UTC for a date */
	bool is_date;
	bool is_floating; /* written without a zone, so that of the feed was taken */
};

/* First the days on the wall, then the seconds. Never below zero. */
struct ics_length {
	int64_t days, seconds;
};

/* An occurrence that no rule tells (RDATE). */
struct ics_extra {
	struct ics_time start;
	struct ics_length length;
};

enum ics_status { ICS_CONFIRMED, ICS_TENTATIVE, ICS_CANCELLED };

/* One VEVENT. Texts are valid UTF-8 without NUL, empty when not given. */
struct ics_event {
	struct span uid, summary, description, location;
	enum ics_status status; /* CONFIRMED when it does not say */
	int64_t sequence;       /* 0 when it does not say */
	int64_t modified_s;     /* LAST-MODIFIED, else DTSTAMP, else 0 */
	unsigned line;          /* of its BEGIN:VEVENT */
	struct ics_time start;
	struct ics_length length;

	const struct rule *rules;
	size_t rule_count;
	const struct ics_extra *extras;
	size_t extra_count;
	const struct ics_time *excluded; /* EXDATE */
	size_t excluded_count;

	bool is_override;      /* has a RECURRENCE-ID: stands for one occurrence */
	bool is_for_all_after; /* RANGE=THISANDFUTURE: and for the later ones */
	struct ics_time recurrence;
};

/* The events of one UID. */
struct ics_series {
	struct span uid;
	const struct ics_event *master;     /* NULL: the feed tells single occurrences only */
	const struct ics_event **overrides; /* ascending by what they stand for, each once */
	size_t override_count;
};

/* What is wrong with one event, which is left out. */
struct ics_problem {
	struct span uid;    /* empty: it has none, or none that can be read */
	unsigned line;      /* of its BEGIN:VEVENT, or the line that is wrong */
	const char *reason; /* a constant text */
};

struct ics_calendar {
	struct span name;          /* NAME (RFC 7986) or X-WR-CALNAME */
	struct ics_series *series; /* ascending by UID */
	size_t series_count;
	struct ics_problem *problems; /* in the feed's order, at most ICS_PROBLEMS_MAX */
	size_t problem_count;         /* all; may be more than are kept */
};

/*
 * Reads a whole feed into the arena. A DTSTART without a zone is in that of X-WR-TIMEZONE,
 * else in `floating` (NULL: UTC); other times without one are in that of their DTSTART. An event that is not good is reported and the rest is given. Of events with
 * the same UID and RECURRENCE-ID the one with the highest SEQUENCE counts, then the one modified last,
 * then the last; the others are reported.
 *
 * NULL: this is no calendar, it is cut, or a limit of the feed was passed; `*complaint` says which, a
 * constant text.
 */
const struct ics_calendar *ics_read(struct arena *arena, struct span feed,
				    const struct zone *floating, const char **complaint);

int64_t ics_time_unix_s(const struct ics_time *time);

struct ics_occurrence {
	const struct ics_event *event; /* the master, or the override that counts */
	int64_t start_s, end_s;        /* since 1970 */
	int64_t recurrence_s; /* its start before any override: what tells it from its like */
};

struct ics_occurrences {
	struct ics_occurrence *all; /* ascending by start, then recurrence */
	size_t count;
	int64_t steps;     /* what its rules took; see RULE_STEPS_MAX */
	bool is_truncated; /* there may be more: a limit of occurrences or of steps was reached */
};

/*
 * The occurrences that overlap [from_s, to_s), seconds since 1970; those without length count when
 * they lie in it. Cancelled events give none. An override counts also when its series does not tell
 * what it stands for, unless that is excluded. One for all later occurrences moves them by as much as
 * the one it stands for, on the wall.
 */
void ics_expand(const struct ics_series *series, int64_t from_s, int64_t to_s, struct arena *arena,
		struct ics_occurrences *occurrences);

#endif
