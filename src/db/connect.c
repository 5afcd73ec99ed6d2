/* connect.c - the parameters of connections; called by dial.c and migrate.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "hosts.h"

#define PARAMETERS_MAX 80 /* libpq knows about 45 */
#define MESSAGE_MAX ((size_t)64 << 10)

struct parameters {
	const char *names[PARAMETERS_MAX + 1];
	const char *values[PARAMETERS_MAX + 1];
	int count;
};

/* libpq skips what is NULL; of two that have the same name the later one counts. */
static void add(struct parameters *parameters, const char *name, const char *value)
{
	assert(parameters->count < PARAMETERS_MAX);
	if (!value)
		return;
	parameters->names[parameters->count] = name;
	parameters->values[parameters->count++] = value;
}

/* A peer that is gone without a word is noticed by the kernel as well (tcp(7)). */
static void add_ours(struct parameters *parameters, const char *name)
{
	add(parameters, "application_name", name);
	add(parameters, "client_encoding", "UTF8");
	add(parameters, "tcp_user_timeout", "5000");
	add(parameters, "keepalives_idle", "5");
	add(parameters, "keepalives_interval", "2");
	add(parameters, "keepalives_count", "3");
}

static bool is_of_server(const char *keyword)
{
	return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
	       strcmp(keyword, "port") == 0;
}

/* All that the conninfo says, but of servers only the one. */
static void add_apart(struct parameters *parameters, const struct hosts *hosts,
		      const struct turn *turn)
{
	struct server_choice choice;

	hosts_choose(hosts, turn, &choice);
	for (const PQconninfoOption *option = hosts->given; option->keyword; option++)
		if (!is_of_server(option->keyword))
			add(parameters, option->keyword, option->val);
	add(parameters, "host", choice.name);
	add(parameters, "hostaddr", choice.address);
	add(parameters, "port", choice.port);
	add(parameters, "target_session_attrs", choice.wants);
}

/* Notices are for people at a terminal. */
static void ignore_notice(void *argument, const PGresult *result)
{
	(void)argument;
	(void)result;
}

PGconn *connect_start(const char *conninfo, const char *application_name, const struct turn *turn,
		      bool is_replica)
{
	struct parameters parameters = {0};
	struct hosts hosts;
	PGconn *connection;

	hosts_init(&hosts, conninfo, is_replica);
	if (hosts.is_apart)
		add_apart(&parameters, &hosts, turn);
	else
		add(&parameters, "dbname", conninfo);
	add_ours(&parameters, application_name);
	connection = PQconnectStartParams(parameters.names, parameters.values, !hosts.is_apart);
	hosts_finish(&hosts);
	if (!connection)
		abort();
	PQsetNoticeReceiver(connection, ignore_notice, NULL);
	return connection;
}

/* libpq gives up waiting for each server by itself. */
PGconn *connect_blocking(const char *conninfo)
{
	struct parameters parameters = {0};
	struct hosts hosts;
	PGconn *connection;

	hosts_init(&hosts, conninfo, false);
	add(&parameters, "dbname", conninfo);
	add(&parameters, "target_session_attrs", hosts.wants);
	add(&parameters, "connect_timeout", hosts.count > 1 ? "2" : "5");
	add_ours(&parameters, "almanac-start");
	connection = PQconnectdbParams(parameters.names, parameters.values, 1);
	hosts_finish(&hosts);
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

/* A password with an @, a colon or a slash in a URL makes libpq take parts of it for a host, a port or an
 * option, and quote them. */
static bool is_shown(struct span message, struct span quoted)
{
	bool is_read = span_starts_with(message, SPAN("connection to server ")) ||
		       span_starts_with(message, SPAN("could not translate host name "));

	return is_read && !(quoted.length && memchr(quoted.bytes, '@', quoted.length));
}

void connect_complain(const PGconn *connection, struct str *complaint)
{
	struct span rest, part;
	struct str message;
	bool is_quoted = false;

	str_init(&message, MESSAGE_MAX);
	trim_message(PQerrorMessage(connection), &message);
	str_append_text(complaint, "cannot reach the database: ");
	rest = str_span(&message);
	for (; span_split(&rest, '"', &part); is_quoted = !is_quoted) {
		bool is_closed = rest.bytes != NULL;

		if (is_quoted && !is_shown(str_span(&message), part))
			part = SPAN("***");
		str_append(complaint, part);
		str_append_text(complaint, is_closed ? "\"" : "");
	}
	str_finish(&message);
}
