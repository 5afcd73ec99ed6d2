/* What the files of db/ share: the connection's insides and libpq. */
#ifndef ALMANAC_DB_CONNECTION_H
#define ALMANAC_DB_CONNECTION_H

#include <libpq-fe.h>

#include "almanac/db.h"

enum db_state { DB_STATE_AWAY, DB_STATE_CONNECTING, DB_STATE_PREPARING, DB_STATE_READY };

/* A list in the order of asking. */
struct questions {
	struct question *first, *last;
	size_t count;
};

struct db_metrics {
	struct metric *connected, *waiting, *batches, *questions, *refused, *reconnects, *answers;
};

struct db {
	struct loop *loop;
	struct db_options options;
	struct db_metrics metrics;
	enum db_state state;
	PGconn *connection;
	struct loop_watch watch;
	struct loop_timer timer; /* reconnect, connect deadline or watchdog, by state */
	struct loop_hook hook;
	struct questions queue;
	struct questions flight;
	struct question *awaited; /* of the flight: whose result comes next */
	bool has_sync_each;       /* the flight is repeated one by one */
	bool has_failed;          /* some result of the flight was an error */
	bool is_commit_refused;   /* the error came at the Sync */
	int64_t progress_us;      /* when the server last said something about the flight */
	int64_t backoff_us;
	int64_t told_away_us;
	char options_text[256];
};

/* connection.c: the connection is no good: everybody is answered DB_AWAY, and it is opened anew. */
void db_lose(struct db *db, const char *reason);

/* connection.c: sends what libpq holds, watches for what is needed next; false: it was lost. */
bool db_flush(struct db *db);

/* batch.c */
void batch_send_next(struct db *db);
void batch_receive(struct db *db);
void batch_give_up(struct db *db, const char *reason); /* flight and queue, DB_AWAY */
void batch_expire_queue(struct db *db);

/* statements.c: sends all PREPAREs and LISTENs behind one Sync. */
bool statements_send(struct db *db);
/* Takes their results; true when all are there, `*is_good` false when one failed. */
bool statements_receive(struct db *db, bool *is_good);

/* connect.c: parameters that every connection of ours has; -1 as listen timeout: none. */
PGconn *connect_start(const struct db *db);
PGconn *connect_blocking(const char *conninfo);
void trim_message(const char *message, struct str *out); /* one line, no newline */

#endif
