/* statements.c - prepares every statement when a connection opens; called by connection.c. */
#include <stdio.h>
#include <string.h>

#include "almanac/log.h"
#include "connection.h"

#define LISTEN_MAX 128
#define NUMBER_MAX 16
#define LOCK_PART 4
#define MESSAGE_MAX 1000

/*
 * Set by a statement and not by the connection's `options`, which are the operator's own. Who waits
 * for a lock gives up at a quarter of the statement's time and is asked again, four times in all: so
 * a deadlock is healed also where PostgreSQL's deadlock_timeout is longer than our patience. Plans
 * are made once, without values: the statements are written for that, and to plan takes longer than
 * most of them run.
 */
#define SESSION                                                                                     \
	"SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false)," \
	" set_config('default_transaction_read_only', $3, false),"                                  \
	" set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', false),"             \
	" set_config('jit', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false)"

static bool is_for(const struct db *db, const struct statement *statement)
{
	return !db->options.is_read_only || !statement->is_command;
}

static bool send_listens(struct db *db)
{
	const char *const *channel = db->options.listener ? db->options.listener->channels : NULL;
	char text[LISTEN_MAX];

	for (; channel && *channel; channel++) {
		snprintf(text, sizeof(text), "LISTEN %s", *channel);
		if (!PQsendQueryParams(db->connection, text, 0, NULL, NULL, NULL, NULL, 0))
			return false;
	}
	return true;
}

static bool send_session(struct db *db)
{
	char statement_timeout[NUMBER_MAX], lock_timeout[NUMBER_MAX];
	const char *const values[] = {statement_timeout, lock_timeout,
				      db->options.is_read_only ? "on" : "off"};

	snprintf(statement_timeout, NUMBER_MAX, "%d", db->options.statement_timeout_ms);
	snprintf(lock_timeout, NUMBER_MAX, "%d", db->options.statement_timeout_ms / LOCK_PART);
	return PQsendQueryParams(db->connection, SESSION, 3, NULL, values, NULL, NULL, 0);
}

static bool send_prepares(struct db *db)
{
	for (int i = 0; i < SQL_COUNT; i++)
		if (is_for(db, &statements[i]) &&
		    !PQsendPrepare(db->connection, statements[i].name, statements[i].text, 0, NULL))
			return false;
	return true;
}

bool statements_send(struct db *db)
{
	db->answer_count = 0;
	db->is_prepared = true;
	db->nothing_count = 0;
	return PQsetnonblocking(db->connection, 1) == 0 && PQenterPipelineMode(db->connection) &&
	       send_session(db) && send_prepares(db) && send_listens(db) &&
	       PQpipelineSync(db->connection) && db_flush(db);
}

/* The file whose result is number `answer`, the session's settings being number 0. */
static const char *file_of(const struct db *db, int answer)
{
	for (int i = 0; i < SQL_COUNT; i++)
		if (is_for(db, &statements[i]) && --answer == 0)
			return statements[i].file;
	return "";
}

/* A replica may not have heard of the newest schema yet. */
static void tell(const struct db *db, const PGresult *result)
{
	struct str message;

	str_init(&message, MESSAGE_MAX);
	trim_message(PQresultErrorMessage(result), &message);
	log_write(db->options.is_replica ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
		  (const struct log_field[]){log_what("statement refused"),
					     log_text("connection", db->options.label),
					     log_text("file", file_of(db, db->answer_count)),
					     log_text("reason", str_text(&message)),
					     {0}});
	str_finish(&message);
}

/* True when it was the last one, the Sync's. */
static bool take(struct db *db, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_FATAL_ERROR) {
		tell(db, result);
		db->is_prepared = false;
	}
	db->answer_count++;
	db->nothing_count = 0;
	PQclear(result);
	return status == PGRES_PIPELINE_SYNC;
}

/* As batch.c has it: two NULLs in a row are one too many. */
static bool is_broken(struct db *db)
{
	return PQstatus(db->connection) != CONNECTION_OK || db->nothing_count > 1;
}

bool statements_receive(struct db *db)
{
	while (!PQisBusy(db->connection)) {
		PGresult *result = PQgetResult(db->connection);

		if (result && take(db, result))
			return true;
		db->nothing_count += !result;
		if (is_broken(db)) {
			db->is_prepared = false;
			return true;
		}
	}
	return false;
}
