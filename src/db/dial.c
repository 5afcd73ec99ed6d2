/* dial.c - opens one connection in a thread of its own, since libpq resolves names while its caller
 * waits: the loop goes on serving meanwhile. Called by connection.c, calls connect.c. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connection.h"

#define TIMEOUT_S "2"

/*
 * Two hold a dial, its thread and the db. Each lets go of it once; the second to do so destroys it,
 * with the connection in it, unless the db took that out before.
 */
struct dial {
	atomic_bool is_let_go;
	int done; /* eventfd: readable when the thread is through */
	char *conninfo, *application_name;
	PGconn *connection;
};

static char *copy(const char *text)
{
	char *copied = strdup(text);

	if (!copied)
		abort();
	return copied;
}

static void destroy(struct dial *dial)
{
	PQfinish(dial->connection);
	close(dial->done);
	free(dial->conninfo);
	free(dial->application_name);
	free(dial);
}

static void let_go(struct dial *dial)
{
	if (atomic_exchange(&dial->is_let_go, true))
		destroy(dial);
}

static void *connect_alone(void *argument)
{
	struct dial *dial = argument;
	uint64_t one = 1;
	ssize_t written;

	dial->connection = connect_blocking(dial->conninfo, dial->application_name, TIMEOUT_S);
	written = write(dial->done, &one, sizeof(one));
	(void)written;
	let_go(dial);
	return NULL;
}

struct dial *dial_start(const char *conninfo, const char *application_name)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	pthread_t thread;

	if (!dial)
		abort();
	dial->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	dial->conninfo = copy(conninfo);
	dial->application_name = copy(application_name);
	if (dial->done < 0)
		abort();
	if (pthread_create(&thread, NULL, connect_alone, dial) != 0) {
		destroy(dial);
		return NULL;
	}
	pthread_detach(thread);
	return dial;
}

int dial_fd(const struct dial *dial)
{
	return dial->done;
}

PGconn *dial_take(struct dial *dial)
{
	PGconn *connection;
	uint64_t count;

	if (read(dial->done, &count, sizeof(count)) != sizeof(count))
		abort();
	connection = dial->connection;
	dial->connection = NULL;
	let_go(dial);
	return connection;
}

void dial_abandon(struct dial *dial)
{
	if (dial)
		let_go(dial);
}
