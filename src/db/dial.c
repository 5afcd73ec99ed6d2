/* dial.c - begins one connection in a thread of its own, since libpq resolves names while its caller
 * waits: the loop goes on serving meanwhile. Called by connection.c, calls connect.c. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"

/* At the end a thread gets this long to come home. */
#define FAREWELL_NS 100000000

/*
 * Two hold a dial, its thread and the db. Each lets go of it once; the second to do so destroys it,
 * with the connection in it, unless the db took that out before.
 */
struct dial {
	pthread_t thread;
	atomic_bool is_let_go;
	int done; /* eventfd: readable when the thread is through */
	char *conninfo, *application_name;
	struct turn turn;
	bool is_replica;
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
	if (dial->done >= 0)
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

static void *begin(void *argument)
{
	struct dial *dial = argument;
	uint64_t one = 1;
	ssize_t written;

	dial->connection = connect_start(dial->conninfo, dial->application_name, &dial->turn,
					 dial->is_replica);
	written = write(dial->done, &one, sizeof(one));
	(void)written;
	let_go(dial);
	return NULL;
}

struct dial *dial_start(const struct db_options *options, const struct turn *turn)
{
	struct dial *dial = calloc(1, sizeof(*dial));

	if (!dial)
		abort();
	dial->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	dial->conninfo = copy(options->conninfo);
	dial->application_name = copy(options->application_name);
	dial->turn = *turn;
	dial->is_replica = options->is_replica;
	if (dial->done >= 0 && pthread_create(&dial->thread, NULL, begin, dial) == 0)
		return dial;
	destroy(dial);
	return NULL;
}

int dial_fd(const struct dial *dial)
{
	return dial->done;
}

PGconn *dial_take(struct dial *dial)
{
	PGconn *connection;

	pthread_join(dial->thread, NULL);
	connection = dial->connection;
	dial->connection = NULL;
	let_go(dial);
	return connection;
}

static void wait_for(struct dial *dial)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += FAREWELL_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	if (pthread_timedjoin_np(dial->thread, NULL, &until) != 0)
		pthread_detach(dial->thread);
}

/* A thread that a name server holds is left behind. */
void dial_abandon(struct dial *dial, bool is_end)
{
	if (!dial)
		return;
	if (is_end)
		wait_for(dial);
	else
		pthread_detach(dial->thread);
	let_go(dial);
}
