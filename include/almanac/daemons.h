/*
 * The room "daemons": who else serves this database. Each daemon writes a row every ten seconds and takes
 * it out when it ends; whoever was not heard of for half a minute is told as lost, and forgotten after an
 * hour. A name that two of them go by is told to both.
 */
#ifndef ALMANAC_DAEMONS_H
#define ALMANAC_DAEMONS_H

#include "almanac/endpoint.h"
#include "almanac/scheduler.h"

extern const struct endpoint daemons_list; /* GET /api/v1/daemons */

/* --- on the scheduler's thread -------------------------------------------------------------------------- */

struct daemons;

struct daemons_options {
	struct workshop *workshop;
	const char *name;    /* what this one calls itself */
	const char *host;    /* where it runs */
	const char *address; /* where it listens, with the port */
	const char *version;
};

/* Begins to be heard of. `options` must outlive it. */
struct daemons *daemons_open(const struct daemons_options *options);

/* The house closes: says so. */
void daemons_stop(struct daemons *daemons);

/* After the last flow has ended. NULL is fine. */
void daemons_close(struct daemons *daemons);

#endif
