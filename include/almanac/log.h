/*
 * The log: one line per request and per job run, written where it ends, with one write(2) to
 * standard error. logfmt (key=value, quoted where needed) or JSON; control characters and invalid
 * UTF-8 are escaped, so a line is always one line.
 *
 * error = somebody must act; warn = we coped; info = lifecycle and runs; debug = the rest.
 */
#ifndef ALMANAC_LOG_H
#define ALMANAC_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

enum log_field_kind { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_MILLISECONDS };

struct log_field {
	enum log_field_kind kind;
	const char *name;
	struct span text;
	int64_t number; /* LOG_FIELD_MILLISECONDS: microseconds, written as 12.345 */
};

struct log_field log_what(const char *what); /* always the first field: what happened */
struct log_field log_text(const char *name, const char *text); /* NULL text: the field is empty */
struct log_field log_span(const char *name, struct span text);
struct log_field log_number(const char *name, int64_t number);
struct log_field log_ms(const char *name, int64_t microseconds);

/* Set once at start, before other threads exist; may be changed later (atomic). */
void log_configure(enum log_level least, enum log_format format);
bool log_has_level(enum log_level level);

/* `fields` ends with a zeroed one. Thread-safe. A line is cut at 8 KiB. */
void log_write(enum log_level level, const struct log_field *fields);

/* The same into `lines` (a maximum of LOG_LINES_BYTES will do), for those who write many: they go out by
 * log_send, in one write(2), or when there is no more room. */
#define LOG_LINES_BYTES ((size_t)64 << 10)
void log_gather(struct str *lines, enum log_level level, const struct log_field *fields);
void log_send(struct str *lines);

#define log_debug(...)                                                                             \
	log_write(LOG_LEVEL_DEBUG,                                                                 \
		  (const struct log_field[]){__VA_ARGS__, {LOG_FIELD_END, 0, {0, 0}, 0}})
#define log_info(...)                                                                              \
	log_write(LOG_LEVEL_INFO,                                                                  \
		  (const struct log_field[]){__VA_ARGS__, {LOG_FIELD_END, 0, {0, 0}, 0}})
#define log_warn(...)                                                                              \
	log_write(LOG_LEVEL_WARN,                                                                  \
		  (const struct log_field[]){__VA_ARGS__, {LOG_FIELD_END, 0, {0, 0}, 0}})
#define log_error(...)                                                                             \
	log_write(LOG_LEVEL_ERROR,                                                                 \
		  (const struct log_field[]){__VA_ARGS__, {LOG_FIELD_END, 0, {0, 0}, 0}})

#endif
