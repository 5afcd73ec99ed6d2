/* The recurring jobs of one scheduler: who is due, claimed, running. Called by scheduler.c. */
#ifndef ALMANAC_FLOW_JOBS_H
#define ALMANAC_FLOW_JOBS_H

#include "almanac/scheduler.h"

#define JOBS_CHANNEL "almanac_jobs"

struct jobs;

struct jobs *jobs_create(struct workshop *workshop);
void jobs_destroy(struct jobs *jobs);
void jobs_add(struct jobs *jobs, struct job *job);

/* Looks in the table for what is due, now or when the look under way is over. */
void jobs_tend(struct jobs *jobs);

/* No new runs. */
void jobs_stop(struct jobs *jobs);

#endif
