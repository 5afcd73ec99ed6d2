/*
 * The timer thread: one loop with database connections of its own and the fetcher, where the
 * recurring jobs run. The `jobs` table keeps name, period, next due time and lease, so that due
 * times survive a restart and exactly one of several daemons runs each.
 *
 *   due? ──▶ claim (lease) ──▶ the job's steps ──▶ done (next due time, lease given back)
 *
 * News on the channel `almanac_jobs` say that a due time has moved.
 */
#ifndef ALMANAC_SCHEDULER_H
#define ALMANAC_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/db.h"
#include "almanac/fetch.h"
#include "almanac/flow.h"
#include "almanac/loop.h"
#include "almanac/mailbox.h"
#include "almanac/metrics.h"
#include "almanac/settings.h"
#include "almanac/uuid.h"

struct scheduler;

/* What jobs work with. Lives as long as the scheduler. */
struct workshop {
	struct loop *loop;
	struct db *read;
	struct db *write;
	struct fetcher *fetcher;
	struct flows *flows;
	const struct settings *settings;
	struct metrics *metrics;
	struct scheduler *scheduler;
	const char *daemon; /* this run of the daemon, a UUID: who holds things */
};

/* A recurring job, embedded in its room. */
struct job {
	const char *name; /* as in the jobs table: "catalog-sync" */
	int64_t period_s;
	int64_t lease_s; /* a run is over within it, or another daemon may begin one */
	const struct flow_step *steps;
	struct job *next; /* the scheduler's from here on */
	struct uuid run_id;
	bool is_registered;
	bool is_claiming; /* under run_id, not answered yet */
	bool is_running;
};

/* A run of a job: its steps reach the job by job_run_of(flow)->job. */
struct job_run {
	struct flow flow;
	struct job *job;
	struct workshop *workshop;
	bool has_next;      /* `next_in_us` is set */
	int64_t next_in_us; /* when to run again, from now, if sooner than the period */
};

struct job_run *job_run_of(struct flow *flow);

/* The rooms that live on the scheduler's thread. */
struct scheduler_rooms {
	/* Called first on the thread: open the rooms, add the jobs (scheduler_add). */
	void (*open)(struct scheduler_rooms *rooms, struct workshop *workshop);
	/* A NOTIFY on any channel of `channels`; payload NULL: news may have been missed. */
	void (*heard)(struct scheduler_rooms *rooms, const char *channel, const char *payload);
	/* The house closes: begin nothing more. */
	void (*stop)(struct scheduler_rooms *rooms);
	/* After stop: nothing is under way any more beside the flows. */
	bool (*is_quiet)(struct scheduler_rooms *rooms);
	/* Patience is over: answer what still waits for connections of the room's own. */
	void (*give_up)(struct scheduler_rooms *rooms);
	/* Called last, when no flow runs any more. */
	void (*close)(struct scheduler_rooms *rooms);
	const char *const *channels; /* NULL-terminated; "almanac_jobs" is the scheduler's own */
};

struct scheduler_options {
	const struct settings *settings;
	struct metrics *metrics;
	_Atomic int64_t *beat_us; /* told once a second: the loop goes round */
	struct scheduler_rooms *rooms;
	const char *user_agent;
	const char *daemon; /* this run of the daemon, a UUID as text */
};

/* Starts the thread. NULL when it cannot; `complaint` gets one line. */
struct scheduler *scheduler_start(const struct scheduler_options *options, struct str *complaint);

/* Stops: no new runs; runs under way end or are given up at `deadline_us` (steady clock). Its mailbox
 * still takes letters. */
void scheduler_stop(struct scheduler *scheduler, int64_t deadline_us);

/* After scheduler_stop, when no other thread writes to it any more. NULL is fine. */
void scheduler_destroy(struct scheduler *scheduler);

/* Where other threads leave letters for the rooms on the scheduler's thread. */
struct mailbox *scheduler_mailbox(struct scheduler *scheduler);

/* On the scheduler's thread. */
void scheduler_add(struct scheduler *scheduler, struct job *job);

#endif
