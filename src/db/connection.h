/* What the files of db/ share: the connection's insides and libpq. */
#ifndef ALMANAC_DB_CONNECTION_H
#define ALMANAC_DB_CONNECTION_H

#include <libpq-fe.h>

#include "almanac/db.h"

#define QUESTION_VALUES_MAX 64

struct dial;

/* Which of the servers that a conninfo names is tried. */
struct turn {
	size_t first; /* that was good last */
	size_t tries; /* since then */
};

/* A result, or a part of one. */
struct db_rows {
	const PGresult *result;
	size_t first, count;
};

enum db_state {
	DB_STATE_AWAY,
	DB_STATE_DIALING, /* names are resolved */
	DB_STATE_CONNECTING,
	DB_STATE_PREPARING,
	DB_STATE_READY,
};

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
	struct dial *dial;        /* DB_STATE_DIALING */
	PGconn *connection;       /* from DB_STATE_CONNECTING on */
	size_t host_count;        /* servers the conninfo names */
	int64_t connects;         /* so far */
	struct turn turn;         /* whose the next attempt is */
	struct loop_watch watch;  /* of the dial or the connection */
	struct loop_timer timer;  /* reconnect, deadline of connecting or watchdog, by state */
	struct loop_timer bridge; /* set while questions are taken although it is away */
	struct loop_hook hook;
	struct questions queue;
	struct questions flight;
	struct question *awaited; /* of the flight: whose result comes next */
	bool has_sync_each;       /* the flight is repeated one by one */
	bool has_failed;          /* some result of the flight was an error */
	bool is_commit_refused;   /* the error came at the Sync */
	bool has_collided;        /* with another transaction */
	size_t flight_size;       /* how many left together */
	size_t company;      /* so many are expected for the next flight; 0: it waits for nobody */
	int64_t returned_us; /* when the last one was over */
	size_t batch_limit;  /* so many questions keep a batch short: at most options.batch_max */
	int64_t sent_us;     /* when the flight left */
	int64_t progress_us; /* when the server last said something */
	int nothing_count;   /* libpq had nothing to tell, so many times in a row */
	int answer_count;    /* in DB_STATE_PREPARING, so far */
	bool is_prepared;    /* then: none of them was an error */
	int64_t backoff_us;
	int64_t told_away_us;
	bool is_telling; /* inside an `answered` or `heard` */
};

/* connection.c: the connection is no good: everybody is answered DB_AWAY, and it is opened anew. */
void db_lose(struct db *db, const char *reason);

/* connection.c: sends what libpq holds, watches for what is needed next; false: it was lost. */
bool db_flush(struct db *db);

/* batch.c */
void questions_push(struct questions *list, struct question *question);
struct question *questions_pop(struct questions *list); /* NULL: none is left */
void batch_send_next(struct db *db);
/* How long the next flight still waits for company. */
int64_t batch_waits_us(const struct db *db);
void batch_receive(struct db *db);
void batch_lose_flight(struct db *db, const char *reason); /* DB_AWAY */
void batch_lose_queue(struct db *db, const char *reason);
void batch_expire_queue(struct db *db);
int64_t batch_deadline(const struct db *db); /* when to look whether the flight is stuck */
bool batch_is_stuck(const struct db *db);

/*
 * gather.c. A statement with a sibling `…_many` is asked once for all questions of a flight that ask it:
 * each parameter becomes an array of their values. The first of them stands in the flight, the others
 * behind it in its group.
 */
void gather_flight(struct questions *flight);
void gather_spread(struct questions *flight); /* each question stands for itself again */
bool gather_send(PGconn *connection, const struct question *head);
/* The rows of the question number `place` of its group, from 1; they begin at `from`. */
struct db_rows gather_share(const struct db_rows *rows, int64_t place, size_t from);

/* statements.c: sends the session's settings, all PREPAREs and LISTENs behind one Sync. */
bool statements_send(struct db *db);
/* Takes their results; true when all are there, db->is_prepared false when one failed. */
bool statements_receive(struct db *db);

/* dial.c: connect_start in a thread of its own; NULL when there can be none. */
struct dial *dial_start(const struct db_options *options, const struct turn *turn);
int dial_fd(const struct dial *dial); /* readable when it is through */
PGconn *dial_take(struct dial *dial); /* then: what it made; frees the dial */

/* It may go on by itself for as long as a name server holds it; at the end it is waited for a moment.
 * NULL is fine. */
void dial_abandon(struct dial *dial, bool is_end);

/* connect.c: begun, to be gone on with by PQconnectPoll; whole, good or bad. */
PGconn *connect_start(const char *conninfo, const char *application_name, const struct turn *turn,
		      bool is_replica);
PGconn *connect_blocking(const char *conninfo);
void connect_complain(const PGconn *connection,
		      struct str *complaint);            /* why it is bad; one line */
void trim_message(const char *message, struct str *out); /* one line, no newline */

/* hosts.c: how many servers it names, at least 1. */
size_t hosts_count(const char *conninfo);

#endif
