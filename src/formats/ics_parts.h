/* What the files of the iCalendar reader know of each other. */
#ifndef ALMANAC_FORMATS_ICS_PARTS_H
#define ALMANAC_FORMATS_ICS_PARTS_H

#include "almanac/ics.h"

/* --- ics_line.c: content lines (RFC 5545 section 3.1) --- */

struct ics_lines {
	struct span rest; /* not yet read */
	unsigned number;  /* of the physical lines read */
	struct str text;  /* the line, unfolded */
};

/* Borrowed until the next one is read. */
struct ics_line {
	struct span name;       /* empty: the line is not NAME…:VALUE */
	struct span parameters; /* from the first semicolon on */
	struct span value;
	unsigned number;
	bool is_too_long; /* then name and parameters may be cut, and the value is */
};

void ics_lines_init(struct ics_lines *lines, struct span text, unsigned number);
void ics_lines_finish(struct ics_lines *lines);
bool ics_lines_next(struct ics_lines *lines, struct ics_line *line);
bool ics_line_is(const struct ics_line *line, const char *name, const char *value);

/* Without its quotes; bytes == NULL when the parameter is not there. */
struct span ics_parameter(const struct ics_line *line, const char *name);

/* --- ics_value.c: values (RFC 5545 section 3.3) --- */

struct ics_stamp {
	int64_t wall_s;
	bool is_date, is_utc;
};

/* DATE or DATE-TIME. */
bool ics_read_stamp(struct span text, struct ics_stamp *stamp);
bool ics_read_length(struct span text,
		     struct ics_length *length);           /* DURATION; refused below zero */
bool ics_read_offset(struct span text, int32_t *offset_s); /* UTC-OFFSET */

/* TEXT, unescaped; false when it is not UTF-8. */
bool ics_read_text(struct arena *arena, struct span value, struct span *text);

/* --- ics_zones.c: what TZIDs mean --- */

struct ics_zones {
	struct arena *arena;
	const struct zone *floating;
	int64_t steps; /* spent on the rules of all VTIMEZONEs together */
	struct ics_definition {
		struct span id, text; /* of a VTIMEZONE */
	} definitions[ICS_ZONES_MAX];
	size_t definition_count;
	struct ics_known_zone {
		struct span id;
		const struct zone *zone; /* NULL: there is none */
	} known[ICS_ZONES_MAX];
	size_t known_count;
};

/* NULL when nothing is known of it. */
const struct zone *ics_zones_find(struct ics_zones *zones, struct span id);

/* --- ics_zone.c: a VTIMEZONE (RFC 5545 section 3.6.5) --- */

/* Adds to `*steps` what its rules took. NULL when it is not good. */
const struct zone *ics_zone_define(struct arena *arena, struct span id, struct span text,
				   int64_t *steps);

/* --- ics_event.c: one VEVENT --- */

struct ics_event_reader {
	struct arena *arena;
	struct ics_zones *zones;
	struct ics_event *event;
	uint32_t seen; /* bits of its table */
	bool has_end, has_length, is_modified_known;
	struct ics_time end;
	struct rule rules[ICS_RULES_MAX];
	size_t extra_room, excluded_room, property_count;
	struct ics_extra *extras;
	struct ics_time *excluded;
	const char *complaint; /* the first one stands */
	unsigned complaint_line;
};

void ics_event_begin(struct ics_event_reader *reader, unsigned line);
void ics_event_take(struct ics_event_reader *reader, const struct ics_line *line);
void ics_event_count(struct ics_event_reader *reader, unsigned line);
void ics_event_blame(struct ics_event_reader *reader, const char *complaint, unsigned line);
void ics_event_end(struct ics_event_reader *reader); /* judges the whole */

/* --- ics_series.c: grouping --- */

/* When the occurrence was to be that this override stands for, as its series counts. */
int64_t ics_recurrence_s(const struct ics_series *series, const struct ics_event *override);

struct ics_all_events {
	struct ics_event **events;
	size_t count;
};

/* Groups the events, and reports each that another one replaces. */
void ics_group(struct arena *arena, struct ics_all_events all, struct ics_calendar *calendar);
void ics_report(struct arena *arena, struct ics_calendar *calendar, struct span uid, unsigned line,
		const char *reason);

#endif
