/*
 * What the paths of timers share.
 *
 *   timers_fields.c  the fields of a timer, and the rules across them
 *   timers_draft.c   a timer in the making: stored, put into words, told to the engine
 *   timers_api.c     /api/v1/timers
 *   timers_batch.c   /api/v1/timers/batch
 *   timers_older.c   /api/v1/timer
 */
#ifndef ALMANAC_TIMERS_DRAFT_H
#define ALMANAC_TIMERS_DRAFT_H

#include "almanac/timers.h"

#define TIMER_HOURS_MAX 87600 /* ten years */
#define TIMER_DELAY_MAX_US (INT64_C(3600000000) * TIMER_HOURS_MAX)

/* The text of one timer: room for a payload of 256 KiB with white space. */
#define TIMER_TEXT_MAX ((size_t)512 << 10)

/* --- timers_fields.c -------------------------------------------------------------------------------- */

/* The rows of timers_fields. */
enum {
	TIMER_URL,
	TIMER_DELAY,
	TIMER_DUE_AT,
	TIMER_HOURS,
	TIMER_MINUTES,
	TIMER_SECONDS,
	TIMER_METHOD,
	TIMER_HEADERS,
	TIMER_PAYLOAD,
	TIMER_MAX_ATTEMPTS,
	TIMER_TIMEOUT_MS,
	TIMER_METADATA,
	TIMER_KEY,
	TIMER_FIELD_COUNT
};

extern const struct field timers_fields[];

/* Those of timers_change_fields begin with the id; from delay to seconds they are the same. */
enum { CHANGE_ID, CHANGE_DELAY, CHANGE_DUE_AT };

extern const struct field timers_change_fields[];

/* Judges when a timer is due, by the five rows from `first` (the delay): exactly one way to say it,
 * within ten years of `now_us` (wall clock). Adds faults, unless these rows have some already. */
void timers_judge_due(const struct field *first, const struct field_value *values, int64_t now_us,
		      struct field_faults *faults);

/* When it is due, as judged: µs since 1970, or from now. */
struct timers_due {
	const char *at; /* text for SQL; NULL: from now */
	int64_t us;
};

struct timers_due timers_read_due(const struct field_value *values);

/* --- timers_draft.c --------------------------------------------------------------------------------- */

struct timers_draft {
	struct uuid id;
	char id_text[UUID_TEXT_LENGTH + 1];
	int shard;
	struct timers_due due;
	const char *destination, *url, *method;
	const char *headers, *payload, *metadata; /* JSON; NULL: none */
	const char *max_attempts, *timeout_ms;    /* digits */
	const char *idempotency_key;              /* NULL: none */
};

/* Of the values of timers_fields; what they hold must live as long. Without id and shard. */
struct timers_draft timers_draft_read(struct arena *arena, const struct field_value *values);

/* "http://receiver:80", in lower case, of a URL with a scheme. */
const char *timers_destination(struct arena *arena, const char *url);

/* Gives it an id and one of our shards. */
void timers_draft_name(struct timers_draft *draft, struct uuid id, struct timers_desk *desk);

/* The columns that are its own, as create.sql and create_batch.sql want them. */
enum { DRAFT_VALUES = 12 };
void timers_draft_values(const struct timers_draft *draft, struct arena *arena,
			 const char *values[DRAFT_VALUES]);

/* The timer as JSON, as it was when it was created; a brief one is without headers and payload. */
void timers_draft_append(struct str *out, const struct timers_draft *draft, int64_t created_us,
			 bool is_brief);

/* Whole seconds that were left when its creation was told. */
int64_t timers_draft_left(const struct timers_draft *draft, int64_t created_us);

/* It was stored: the engine will know. */
void timers_draft_tell(const struct timers_draft *draft, int64_t created_us,
		       struct timers_desk *desk);

struct timers_desk *timers_desk_of(const struct request *request); /* NULL: none */

/* timers_api.c: create.sql for a draft, which `says` finds by request_kept(). */
void timers_ask_create(struct request *request, struct timers_draft *draft, struct asking *asking);

#endif
