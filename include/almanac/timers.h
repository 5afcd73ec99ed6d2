/*
 * The room "timers": URLs that are called at a time.
 *
 * Its endpoints keep timers in the database; its engine on the scheduler's thread (timers_ring.c)
 * fires those of the shards that this daemon owns. They meet at the desk.
 */
#ifndef ALMANAC_TIMERS_H
#define ALMANAC_TIMERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "almanac/desk.h"
#include "almanac/endpoint.h"
#include "almanac/scheduler.h"
#include "almanac/uuid.h"

#define TIMER_SHARDS 64

/* A timer within this many microseconds of its next attempt can no longer be changed: the same
 * as timers_closing() in SQL. */
#define TIMER_CLOSING_US INT64_C(100000)

struct timers;

/* --- the desk ----------------------------------------------------------------------------------- */

struct timers_desk {
	struct desk desk;                  /* "timers" */
	_Atomic(struct mailbox *) mailbox; /* the scheduler's; NULL before it runs */
	_Atomic(struct timers *) engine;   /* for letters only, on the scheduler's thread */
	_Atomic uint64_t owned;            /* one bit a shard that this daemon fires */
	_Atomic int64_t horizon_us;        /* timers due before it must be told; INT64_MAX: all */
};

void timers_desk_init(struct timers_desk *desk);

/* A shard for a new timer: one that this daemon owns; any when it owns none. */
int timers_desk_shard(struct timers_desk *desk, uint64_t dice);

/* A timer was stored: its next attempt, in µs since 1970 by the database's clock, and where it goes
 * ("http://host:80"). To be called after the commit, on any thread: its owner will know in time. */
struct timer_news {
	struct uuid id;
	int shard;
	int64_t next_us;
	struct span destination;
};

void timers_desk_tell(struct timers_desk *desk, const struct timer_news *news);

/* --- the engine, on the scheduler's thread -------------------------------------------------------- */

struct timers_options {
	struct workshop *workshop;
	struct timers_desk *desk;
	const char *user_agent;
	const char *daemon_name; /* the same after a restart, different for every daemon */
};

/* Whether the settings of the room that are small languages of their own can be read. */
bool timers_judge(const struct settings *settings, struct str *complaint);

/* Before it is opened, blocking: makes the partitions of the coming days where they are missing. False when
 * that cannot be done now; `complaint` says why. */
bool timers_prepare_days(const char *conninfo, struct str *complaint);

/* `options` must outlive it. */
struct timers *timers_open(struct timers_options *options);

/* Begins to end: nothing more is fired; calls under way may end and be settled. */
void timers_stop(struct timers *timers);

/* After timers_stop: nothing is under way, and the shards are given back. */
bool timers_is_quiet(const struct timers *timers);

/* No answer will come any more: the connections are about to go. */
void timers_give_up(struct timers *timers);
void timers_close(struct timers *timers);

/* The recurring job that makes and drops partitions. */
struct job *timers_purge_job(struct timers *timers);

/* News on the channel: a timer of one of our shards was told by another daemon. */
#define TIMERS_CHANNEL "almanac_timers"
void timers_heard(struct timers *timers, const char *payload);

/* --- the paths ------------------------------------------------------------------------------------ */

extern const struct endpoint timers_older_create; /* POST /api/v1/timer */
extern const struct endpoint timers_older_find;   /* GET /api/v1/timer/{id} */
extern const struct endpoint timers_create;       /* POST /api/v1/timers */
extern const struct endpoint timers_batch;        /* POST /api/v1/timers/batch */
extern const struct endpoint timers_list;         /* GET /api/v1/timers */
extern const struct endpoint timers_find;         /* GET /api/v1/timers/{id} */
extern const struct endpoint timers_change;       /* PATCH /api/v1/timers/{id} */
extern const struct endpoint timers_cancel;       /* DELETE /api/v1/timers/{id} */
extern const struct endpoint timers_fire;         /* POST /api/v1/timers/{id}/fire */
extern const struct endpoint timers_attempts;     /* GET /api/v1/timers/{id}/attempts */

#endif
