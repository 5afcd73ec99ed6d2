/* migrate.c - brings the schema up to date and judges it, and asks one statement,
 * all blocking; called by main. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "almanac/log.h"
#include "connection.h"

#define CALL_VALUES_MAX 8

/* One who migrates at a time; any number will do, as long as it stays the same. What a migration locks
 * is waited for more briefly than those who serve wait: they queue behind it. */
#define BEGIN "BEGIN; SELECT pg_advisory_xact_lock(4701382215); SET LOCAL lock_timeout = '200ms'"
#define ATTEMPTS 150
#define PAUSE_NS 200000000L
#define HAS_TABLE "SELECT (to_regclass('almanac_migrations') IS NOT NULL)::integer"
#define CREATE_TABLE                                                                                       \
	"CREATE TABLE almanac_migrations ("                                                                \
	"version integer PRIMARY KEY, file text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());" \
	"COMMENT ON TABLE almanac_migrations IS 'The migrations this database has been through.';"         \
	"COMMENT ON COLUMN almanac_migrations.version IS 'The number in front of the file name.';"         \
	"COMMENT ON COLUMN almanac_migrations.file IS 'The file under sql/migrations.';"                   \
	"COMMENT ON COLUMN almanac_migrations.applied_at IS 'When it was applied.'"
#define RECORD "INSERT INTO almanac_migrations (version, file) VALUES ($1, $2)"
#define VERSION "SELECT coalesce(max(version), 0) FROM almanac_migrations"

static void complain(PGconn *connection, const char *file, struct str *complaint)
{
	str_append_text(complaint, file);
	str_append_text(complaint, *file ? ": " : "");
	trim_message(PQerrorMessage(connection), complaint);
}

static bool run(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);

	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* A whole number, the one value of the one row. */
static bool read_number(PGconn *connection, const char *sql, int *number)
{
	PGresult *result = PQexec(connection, sql);
	bool is_fine = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (is_fine)
		*number = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return is_fine;
}

/* 0 for a database that never was ours. */
static bool read_version(PGconn *connection, int *version)
{
	int has_table = 0;

	*version = 0;
	return read_number(connection, HAS_TABLE, &has_table) &&
	       (!has_table || read_number(connection, VERSION, version));
}

/* A database that is up to date is not written at all. */
static bool ensure_table(PGconn *connection)
{
	int has_table = 0;

	return read_number(connection, HAS_TABLE, &has_table) &&
	       (has_table || run(connection, CREATE_TABLE));
}

enum outcome { OUTCOME_APPLIED, OUTCOME_REFUSED, OUTCOME_IN_THE_WAY };

/* Somebody who serves holds what is to be changed: lock_not_available, deadlock_detected. */
static enum outcome judge(PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	enum outcome outcome = OUTCOME_REFUSED;

	if (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK)
		outcome = OUTCOME_APPLIED;
	else if (sqlstate && (strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "40P01") == 0))
		outcome = OUTCOME_IN_THE_WAY;
	PQclear(result);
	return outcome;
}

static enum outcome record(PGconn *connection, const struct migration *migration)
{
	struct str version;
	enum outcome outcome;

	str_init(&version, 16);
	str_append_number(&version, migration->version);
	const char *const values[] = {str_text(&version), migration->file};

	outcome = judge(PQexecParams(connection, RECORD, 2, NULL, values, NULL, NULL, 0));
	str_finish(&version);
	return outcome;
}

static enum outcome apply_newer(PGconn *connection, int version, struct str *complaint)
{
	enum outcome outcome = OUTCOME_APPLIED;

	for (size_t i = 0; i < migration_count && outcome == OUTCOME_APPLIED; i++) {
		if (migrations[i].version <= version)
			continue;
		outcome = judge(PQexec(connection, migrations[i].text));
		if (outcome == OUTCOME_APPLIED)
			outcome = record(connection, &migrations[i]);
		if (outcome != OUTCOME_APPLIED)
			complain(connection, migrations[i].file, complaint);
	}
	return outcome;
}

static void tell_migrated(int version)
{
	for (size_t i = 0; i < migration_count; i++)
		if (migrations[i].version > version)
			log_info(log_what("migrated"), log_text("file", migrations[i].file));
}

static bool is_known(int version, struct str *complaint)
{
	if (version <= db_newest_version())
		return true;
	str_format(complaint,
		   "the database is at version %d, this almanac knows only %d: run a newer one",
		   version, db_newest_version());
	return false;
}

/* All that is new, or nothing. */
static enum outcome migrate_whole(PGconn *connection, struct str *complaint)
{
	enum outcome outcome;
	int version = 0;

	if (!run(connection, BEGIN) || !read_version(connection, &version)) {
		complain(connection, "", complaint);
		return OUTCOME_REFUSED;
	}
	if (!is_known(version, complaint))
		return OUTCOME_REFUSED;
	if (!ensure_table(connection)) {
		complain(connection, "", complaint);
		return OUTCOME_REFUSED;
	}
	outcome = apply_newer(connection, version, complaint);
	if (outcome == OUTCOME_APPLIED && !run(connection, "COMMIT")) {
		complain(connection, "", complaint);
		return OUTCOME_REFUSED;
	}
	if (outcome == OUTCOME_APPLIED)
		tell_migrated(version);
	return outcome;
}

static enum db_start migrate(PGconn *connection, struct str *complaint)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	enum outcome outcome = migrate_whole(connection, complaint);

	for (int i = 1; outcome == OUTCOME_IN_THE_WAY && i < ATTEMPTS; i++) {
		run(connection, "ROLLBACK");
		nanosleep(&pause, NULL);
		str_clear(complaint);
		outcome = migrate_whole(connection, complaint);
	}
	return outcome == OUTCOME_APPLIED ? DB_START_OK : DB_START_REFUSED;
}

/* Somebody else's statement of that name (42P05) says that sessions are shared. */
static bool is_shared(const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return sqlstate && strcmp(sqlstate, "42P05") == 0;
}

static bool prepare_all(PGconn *connection, struct str *complaint)
{
	for (int i = 0; i < SQL_COUNT; i++) {
		PGresult *result =
			PQprepare(connection, statements[i].name, statements[i].text, 0, NULL);
		bool is_fine = PQresultStatus(result) == PGRES_COMMAND_OK;
		bool is_of_others = is_shared(result);

		PQclear(result);
		if (is_fine)
			continue;
		complain(connection, statements[i].file, complaint);
		if (is_of_others)
			str_append_text(complaint, ": is this a pooler that shares sessions? "
						   "It must pool by sessions");
		return false;
	}
	return true;
}

static enum db_start check(PGconn *connection, struct str *complaint)
{
	int version = 0;

	if (!read_version(connection, &version)) {
		complain(connection, "", complaint);
		return DB_START_REFUSED;
	}
	if (version < db_newest_version()) {
		str_format(
			complaint,
			"the database is at version %d, this almanac needs %d: run almanac migrate",
			version, db_newest_version());
		return DB_START_REFUSED;
	}
	return is_known(version, complaint) && prepare_all(connection, complaint)
		       ? DB_START_OK
		       : DB_START_REFUSED;
}

static enum db_start ask(PGconn *connection, struct db_call *call, struct str *complaint)
{
	const struct statement *statement = &statements[call->statement];
	const char *values[CALL_VALUES_MAX];
	enum db_start verdict = DB_START_REFUSED;
	PGresult *result;

	assert(call->value_count <= CALL_VALUES_MAX);
	for (size_t i = 0; i < call->value_count; i++)
		values[i] = call->values[i].bytes;
	result = PQexecParams(connection, statement->text, (int)call->value_count, NULL, values,
			      NULL, NULL, 0);
	if (PQresultStatus(result) == PGRES_TUPLES_OK) {
		if (call->answered)
			call->answered(call,
				       &(struct db_rows){result, 0, (size_t)PQntuples(result)});
		verdict = DB_START_OK;
	} else {
		complain(connection, statement->file, complaint);
	}
	PQclear(result);
	return verdict;
}

static enum db_start with_connection(const char *conninfo, struct str *complaint,
				     enum db_start (*act)(PGconn *connection,
							  struct str *complaint))
{
	PGconn *connection = connect_blocking(conninfo);
	enum db_start verdict = DB_START_UNREACHABLE;

	if (PQstatus(connection) == CONNECTION_OK) {
		verdict = act(connection, complaint);
	} else {
		connect_complain(connection, complaint);
	}
	PQfinish(connection);
	return verdict;
}

enum db_start db_migrate(const char *conninfo, struct str *complaint)
{
	return with_connection(conninfo, complaint, migrate);
}

enum db_start db_check(const char *conninfo, struct str *complaint)
{
	return with_connection(conninfo, complaint, check);
}

enum db_start db_call(const char *conninfo, struct db_call *call, struct str *complaint)
{
	PGconn *connection = connect_blocking(conninfo);
	enum db_start verdict = DB_START_UNREACHABLE;

	if (PQstatus(connection) == CONNECTION_OK) {
		verdict = ask(connection, call, complaint);
	} else {
		connect_complain(connection, complaint);
	}
	PQfinish(connection);
	return verdict;
}

int db_newest_version(void)
{
	return migrations[migration_count - 1].version;
}
