/* The room "health": whether the process and its parts are well. */
#ifndef ALMANAC_HEALTH_H
#define ALMANAC_HEALTH_H

#include <stdbool.h>

#include "almanac/endpoint.h"
#include "almanac/scheduler.h"
#include "almanac/str.h"

extern const struct endpoint health_status;  /* GET /status */
extern const struct endpoint health_text;    /* GET /health */
extern const struct endpoint health_live;    /* GET /livez */
extern const struct endpoint health_ready;   /* GET /readyz */
extern const struct endpoint health_check;   /* GET /api/v1/health/check */
extern const struct endpoint health_metrics; /* GET /metrics */

/* The job that tells in metrics how large the tables are. */
struct health_sizes *health_sizes_open(struct workshop *workshop);
void health_sizes_close(struct health_sizes *sizes);
struct job *health_sizes_job(struct health_sizes *sizes);

/* Asked of a replica, to tell how far it has come (server.h). */
extern const enum sql health_replica_asks;

/* Asks a daemon, for at most two seconds: true when it answers 200. `words` gets one line: its answer, or
 * why there is none. A certificate is not looked at: the URL is one of this machine. */
bool health_probe(const char *url, struct str *words);

#endif
