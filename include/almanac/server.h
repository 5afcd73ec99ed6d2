/*
 * The HTTP side of the house: N worker threads, each a loop with its own libmicrohttpd daemon, its
 * own listening socket on the shared port, its own two database connections and its own answer
 * cache. What workers share with the scheduler is in `struct edition` (atomics) and arrives as
 * publications.
 */
#ifndef ALMANAC_SERVER_H
#define ALMANAC_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "almanac/endpoint.h"
#include "almanac/metrics.h"
#include "almanac/publication.h"
#include "almanac/settings.h"

/*
 * The state of what the `is_of_edition` endpoints tell, kept up to date by the scheduler.
 * `number` rises with every change; 0 until it is known (then nothing is cached and no ETag given).
 */
struct edition {
	_Atomic int64_t number;
	_Atomic int64_t changed_us;   /* Last-Modified */
	_Atomic int64_t confirmed_us; /* steady clock: when it was last known to be current */
	_Atomic uint64_t epoch;       /* tells databases apart in ETags */
	const char *age_header;       /* "X-Catalog-Age" */
};

struct server_options {
	const struct settings *settings;
	struct metrics *metrics;
	const struct endpoint *const *routes; /* NULL-terminated */
	const struct tag *tags;               /* of the routes; ends with a zeroed row */
	struct edition *edition;
	struct heartbeat *heartbeat;
	struct desk *const *desks; /* NULL-terminated; NULL: none */
	const char *version;
	/* How far a replica has come (READ_DATABASE_URL): `edition`, and `behind_us` or NULL. */
	enum sql replica_asks;
};

struct server;

/* Whether the settings of HTTP and access hold together; `complaint` gets one line. */
bool server_judge(const struct settings *settings, struct str *complaint);

/* Binds and starts the threads. NULL when it cannot; `complaint` gets one line (busy port …). */
struct server *server_start(const struct server_options *options, struct str *complaint);

/* Takes the settings of access anew: tokens, limits, origins, proxies, certificate and key. Connections that
 * are open go on. False, and one line, when they cannot be taken: the old ones stay. */
bool server_reload(struct server *server, const struct settings *fresh, struct str *complaint);

/* The port really bound (HTTP_PORT may be 0). */
int server_port(const struct server *server);

/* Whether every worker's loop has gone round since then (steady clock). Thread-safe. */
bool server_has_beaten(const struct server *server, int64_t since_us);

/* Hands a publication to all workers; each takes a hold of its own. Thread-safe. */
void server_publish(struct server *server, struct publication *publication);

/*
 * Drains: new connections are refused, open requests finished, the rest answered 503 when
 * `deadline_us` (steady clock) is over; then threads are joined. What is published since has no readers.
 */
void server_stop(struct server *server, int64_t deadline_us);
void server_destroy(struct server *server); /* once it has stopped; NULL is fine */

#endif
