/* connect.c - the parameters of connections; called by dial.c and migrate.c. */
#include <stdlib.h>

#include "connection.h"

#define PARAMETERS_MAX 12

struct parameters {
	const char *names[PARAMETERS_MAX + 1];
	const char *values[PARAMETERS_MAX + 1];
	int count;
};

static void add(struct parameters *parameters, const char *name, const char *value)
{
	parameters->names[parameters->count] = name;
	parameters->values[parameters->count++] = value;
}

/* A peer that is gone without a word is noticed by the kernel as well (tcp(7)). */
static struct parameters gather(const char *conninfo, const char *name)
{
	struct parameters parameters = {0};

	add(&parameters, "dbname", conninfo);
	add(&parameters, "application_name", name);
	add(&parameters, "client_encoding", "UTF8");
	add(&parameters, "tcp_user_timeout", "5000");
	add(&parameters, "keepalives_idle", "5");
	add(&parameters, "keepalives_interval", "2");
	add(&parameters, "keepalives_count", "3");
	return parameters;
}

/* Notices are for people at a terminal. */
static void ignore_notice(void *argument, const PGresult *result)
{
	(void)argument;
	(void)result;
}

PGconn *connect_start(const char *conninfo, const char *application_name)
{
	struct parameters parameters = gather(conninfo, application_name);
	PGconn *connection = PQconnectStartParams(parameters.names, parameters.values, 1);

	if (!connection)
		abort();
	PQsetNoticeReceiver(connection, ignore_notice, NULL);
	return connection;
}

PGconn *connect_blocking(const char *conninfo)
{
	struct parameters parameters = gather(conninfo, "almanac-start");
	PGconn *connection;

	add(&parameters, "connect_timeout", "5");
	connection = PQconnectdbParams(parameters.names, parameters.values, 1);
	if (!connection)
		abort();
	PQsetNoticeReceiver(connection, ignore_notice, NULL);
	return connection;
}

void trim_message(const char *message, struct str *out)
{
	struct span rest = span_trim(span_of(message));
	const char *between = "";
	struct span line;

	while (span_split(&rest, '\n', &line)) {
		line = span_trim(line);
		if (span_is(line, "^")) /* points at the line before */
			continue;
		str_append_text(out, between);
		str_append(out, line);
		between = "; ";
	}
}
