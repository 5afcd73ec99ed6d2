/*
 * PostgreSQL by batches: one connection in libpq's pipeline mode, owned by one loop.
 *
 *   db_ask ──▶ queue ──▶ [ batch in flight: question … question Sync ] ──▶ answers
 *
 * The bus rule: one batch is in flight; what is asked meanwhile gathers and leaves as the next
 * batch behind a single Sync (one transaction, one commit). Answers are told only after the Sync
 * has been answered, so "it is stored" is only said after the commit. When a statement fails, the
 * others of its batch are asked again, each behind its own Sync, so every asker gets his own answer.
 *
 * What another transaction did to one (deadlock, lock timeout, serialization) is healed by asking
 * again: it is rolled back for certain. A question that was sent on a connection that was lost is
 * answered DB_AWAY. What was not sent yet, and what is asked within a quarter of `answer_timeout_ms`
 * after the loss or the opening, waits that long for the next connection: short absences are bridged.
 *
 * A batch that takes long, or collides, is followed by smaller ones. A question that has waited in
 * the queue for `answer_timeout_ms` is answered DB_AWAY. A watchdog drops the connection when the
 * server has been silent for that time with a batch in flight, or has needed twice that time for it.
 *
 * A connection is opened in the background (names are resolved by a thread that lives as long as
 * that, since libpq waits for it), kept, and opened anew with backoff (20 ms to 2 s, with jitter)
 * when it breaks. All statements are prepared when it opens. When the conninfo names several servers,
 * each is tried for two seconds at most, the one that was good last first; unless the conninfo has
 * target_session_attrs, the primary among them is meant.
 */
#ifndef ALMANAC_DB_H
#define ALMANAC_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/loop.h"
#include "almanac/metrics.h"
#include "almanac/statements.h"
#include "almanac/str.h"

struct db;

/* One parameter. bytes == NULL is SQL NULL. Text values are NUL-terminated; `length` counts for
 * binary ones only. */
struct db_value {
	const char *bytes;
	size_t length;
	bool is_binary;
};

enum db_verdict {
	DB_ANSWERED = 1, /* rows (perhaps none) */
	DB_REFUSED,      /* the statement failed: answer->sqlstate and ->message say why */
	DB_AWAY,         /* no answer: connection lost, timed out, or shutting down. A command may
			    or may not have been committed. */
};

struct db_rows; /* the rows of an answer; read with rows.h */

struct db_answer {
	enum db_verdict verdict;
	const struct db_rows *rows; /* DB_ANSWERED; borrowed for the call */
	const char *sqlstate;       /* DB_REFUSED: five characters, PostgreSQL appendix A */
	const char *message;        /* DB_REFUSED, DB_AWAY */
	int64_t waited_us;          /* from db_ask to the answer */
	int64_t queued_us;          /* of these, until it left for the server */
};

/* Refused for what is no fault of the statement and may be over by itself: no room, locks, a server that
 * only reads or shuts down. */
bool db_may_pass(const struct db_answer *answer);

/* A question, embedded in its asker, untouched until answered. Fill the first four. */
struct question {
	enum sql statement;
	const struct db_value *values; /* live until answered */
	size_t value_count;
	void (*answered)(struct question *question, const struct db_answer *answer);
	struct question *next;  /* the db's from here on */
	struct question *group; /* who travels in the same statement, behind this one */
	int64_t asked_us;
	void *kept;  /* the result, held back until its Sync */
	int repeats; /* after deadlocks */
};

/* News from LISTEN. Embed it in the owner. */
struct db_listener {
	const char *const *channels; /* NULL-terminated */
	/* A notification came in. After a reconnect every channel is told once with payload NULL,
	 * since news may have been missed. */
	void (*heard)(struct db_listener *listener, const char *channel, const char *payload);
};

struct db_options {
	const char *conninfo;
	const char *application_name;
	bool is_read_only; /* default_transaction_read_only for the session */
	bool is_replica; /* another db stands in when it is away: no absence is bridged; of several
			       servers a standby is preferred */
	int queue_max;   /* questions waiting, beyond those in flight */
	int batch_max;   /* questions behind one Sync, at most */
	bool has_sync_each; /* each question behind its own: no transaction holds locks of two */
	/* Who was answered asks again soon: after a batch of many, which all of them get back from at
	 * once, the next one waits so long for them. 0: it leaves at once. */
	int company_us;
	int statement_timeout_ms; /* a quarter of it for a lock */
	int answer_timeout_ms;
	struct db_listener *listener; /* NULL: none */
	struct metrics *metrics;      /* NULL: none */
	const char *label;            /* the `connection` label of its metrics */
};

/* Never fails: begins to connect on the loop. Strings in `options` must outlive the db. */
struct db *db_open(struct loop *loop, const struct db_options *options);

/* Answers what is open with DB_AWAY (inside this call), closes, frees. NULL is fine. Not from inside
 * an `answered` or `heard` of the same db. */
void db_close(struct db *db);

/*
 * Asks. True: `answered` will be called exactly once, never inside this call. False, and nothing
 * will be called: not connected for a while, or the queue is full; answer 503 at once.
 */
bool db_ask(struct db *db, struct question *question) __attribute__((warn_unused_result));

/* What was asked leaves now, not at the end of the loop's turn: for an asker who has long work to do
 * before. */
void db_hurry(struct db *db);

bool db_is_connected(const struct db *db);
int64_t db_connects(const struct db *db); /* how often it was connected so far */
size_t db_waiting(const struct db *db);   /* queued and in flight */

/* --- binary arrays: many rows as one parameter ------------------------------------------------ */

/* A text[] in PostgreSQL's binary array form, or a bytea[]; cast and unnest it in SQL. */
struct db_array {
	struct str bytes;
	int32_t count;
	bool is_binary; /* bytea[]: set it before the first element */
};

void db_array_init(struct db_array *array, size_t max_bytes);
void db_array_finish(struct db_array *array);
void db_array_clear(struct db_array *array);
void db_array_add(struct db_array *array, struct span element);
void db_array_add_null(struct db_array *array);
void db_array_add_number(struct db_array *array, int64_t number);
/* The finished parameter, borrowed from the array. */
struct db_value db_array_value(struct db_array *array);

struct db_value db_text(const char *text); /* NULL: SQL NULL */
struct db_value db_number(struct arena *arena, int64_t number);

/* --- at start, blocking ------------------------------------------------------------------------ */

enum db_start { DB_START_OK, DB_START_UNREACHABLE, DB_START_REFUSED };

/*
 * Brings the schema up to date: all migrations newer than the recorded version in one transaction,
 * under an advisory lock, so several daemons may start at once. When others who serve are in the way it
 * lets them go first and tries again, for about half a minute. A database newer than this binary is
 * refused. `complaint` gets one line naming the file or the server's words.
 */
enum db_start db_migrate(const char *conninfo, struct str *complaint);

/* Connects, judges the schema's version, prepares every statement; names the file that fails. */
enum db_start db_check(const char *conninfo, struct str *complaint);

/* A statement asked over a connection of its own. Fill the first three. */
struct db_call {
	enum sql statement;
	const struct db_value *values; /* text */
	size_t value_count;
	/* Called once, with rows, when all went well and is committed. NULL: nobody wants them. */
	void (*answered)(struct db_call *call, const struct db_rows *rows);
};

/* Connects and asks, without any limit of time but the server's own. */
enum db_start db_call(const char *conninfo, struct db_call *call, struct str *complaint);

/* The newest version this binary knows. */
int db_newest_version(void);

#endif
