/* The servers that a conninfo names, one at a time. */
#ifndef ALMANAC_DB_HOSTS_H
#define ALMANAC_DB_HOSTS_H

#include "almanac/arena.h"
#include "connection.h"

struct hosts {
	struct arena *arena;
	PQconninfoOption *given; /* NULL: the conninfo cannot be read */
	bool is_apart;           /* the lists below are to be gone through here */
	const char *names, *addresses, *ports;
	const char *wants; /* target_session_attrs; NULL: whatever comes */
	const char *default_wants;
	size_t count; /* at least 1 */
};

/* NULL: leave it to libpq. */
struct server_choice {
	const char *name, *address, *port, *wants;
};

/* `is_replica`: of several servers, when the conninfo does not say which, a standby if there is one;
 * else the primary. */
void hosts_init(struct hosts *hosts, const char *conninfo, bool is_replica);
void hosts_finish(struct hosts *hosts);

/* Waits for the name server. What it gives lives as long as `hosts`. */
void hosts_choose(const struct hosts *hosts, const struct turn *turn, struct server_choice *choice);

#endif
