/* statements.c - prepares every statement when a connection opens; called by connection.c. */
#include <stdio.h>
#include <string.h>

#include "almanac/log.h"
#include "connection.h"

#define LISTEN_MAX 128
#define MESSAGE_MAX 1000

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

bool statements_send(struct db *db)
{
	if (PQsetnonblocking(db->connection, 1) != 0 || !PQenterPipelineMode(db->connection))
		return false;
	for (int i = 0; i < SQL_COUNT; i++)
		if (is_for(db, &statements[i]) &&
		    !PQsendPrepare(db->connection, statements[i].name, statements[i].text, 0, NULL))
			return false;
	return send_listens(db) && PQpipelineSync(db->connection) && db_flush(db);
}

/* Prepare failures seldom name their statement: the first error is told as the server words it. */
static void tell(const struct db *db, const PGresult *result)
{
	struct str message;

	str_init(&message, MESSAGE_MAX);
	trim_message(PQresultErrorMessage(result), &message);
	log_error(log_what("statement refused"), log_text("connection", db->options.label),
		  log_text("reason", str_text(&message)));
	str_finish(&message);
}

bool statements_receive(struct db *db, bool *is_good)
{
	while (!PQisBusy(db->connection)) {
		PGresult *result = PQgetResult(db->connection);
		ExecStatusType status = PQresultStatus(result);

		if (result && status == PGRES_FATAL_ERROR) {
			tell(db, result);
			*is_good = false;
		}
		PQclear(result);
		if (result && status == PGRES_PIPELINE_SYNC)
			return true;
		if (PQstatus(db->connection) != CONNECTION_OK) {
			*is_good = false;
			return true;
		}
	}
	return false;
}
