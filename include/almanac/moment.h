/*
 * Dates and times as people write them (RFC 3339 and ISO 8601 calendar dates), read strictly:
 * impossible dates are refused, never shifted. No time zone database here; a zone is an offset.
 */
#ifndef ALMANAC_MOMENT_H
#define ALMANAC_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/str.h"

/* The written fields of one date or date-time, proleptic Gregorian, years 1–9999. */
struct moment {
	int year, month, day;
	int hour, minute, second, microsecond; /* 0 when has_time is false */
	bool has_time;
	bool has_offset;
	int offset_minutes; /* east of UTC; 0 without offset */
	bool is_basic;      /* the date or the time was written without separators */
};

#define MOMENT_TEXT_MAX 32

/*
 * Reads YYYY-MM-DD or YYYYMMDD, then optionally T, t or one space and HH:MM[:SS[.fraction]] or
 * HHMM[SS] (comma or point, digits past the sixth are cut), then optionally Z, z, ±HH, ±HH:MM,
 * ±HHMM. White space around it is allowed. Refused: everything else, hour 24, second 60, year 0,
 * "now", "infinity", and what an offset moves out of the years 1–9999.
 */
bool moment_parse(struct span text, struct moment *moment) __attribute__((warn_unused_result));

/* Microseconds since 1970-01-01T00:00:00Z; a moment without offset counts as UTC. */
int64_t moment_unix_us(const struct moment *moment);

/* The same instant's fields in UTC, has_time and has_offset true. */
struct moment moment_of_unix_us(int64_t unix_us);

/* Each writes its text without NUL and returns its length (at most MOMENT_TEXT_MAX). */
size_t moment_write_rfc3339(int64_t unix_us, char *text);          /* 2026-02-01T20:00:00.000Z */
size_t moment_write_exact(int64_t unix_us, char *text);            /* 2026-02-01T20:00:00.000000Z */
size_t moment_write_date(const struct moment *moment, char *text); /* 2026-02-01 */
size_t moment_write_time(const struct moment *moment, char *text); /* 20:00:00 */

/* IMF-fixdate (RFC 9110 section 5.6.7), and reading it; whole seconds since 1970. */
size_t moment_write_http(int64_t unix_s, char *text);
bool moment_parse_http(struct span text, int64_t *unix_s) __attribute__((warn_unused_result));

#endif
