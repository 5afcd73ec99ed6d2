/*
 * What the parts of the firing engine share. All of it lives on the scheduler's thread.
 *
 *   timers.c         opens and closes it, wakes it at the next time
 *   timers_lease.c   which shards are ours, and until when
 *   timers_window.c  what is due within the next seconds comes into memory
 *   timers_fire.c    confirm, then call
 *   timers_settle.c  results are written, many at once
 *   timers_desk.c    how workers tell of new timers
 *
 * Only the owner of a shard reads and fires its timers, so no row is written to claim one. One clock
 * judges what is due: the database's, carried on the steady clock between its answers.
 */
#ifndef ALMANAC_TIMERS_ENGINE_H
#define ALMANAC_TIMERS_ENGINE_H

#include "almanac/flow.h"
#include "almanac/mailbox.h"
#include "almanac/timers.h"
#include "destination.h"
#include "table.h"
#include "webhook.h"

#define SECOND_US INT64_C(1000000)

/* A timer that comes into memory so much after its time belongs to the backlog. */
#define OLD_US SECOND_US

/* Timers in memory at most; the rest waits in the table. */
#define ENTRIES_MAX 400000

/* Timers confirmed by one statement, results written by one. */
#define CONFIRM_MAX 256
#define SETTLE_MAX 1000

/* A confirmed timer, its call and its result. */
struct flight {
	struct fetch fetch;
	struct timers *timers;
	struct timer_entry *entry;
	struct arena *arena;
	struct webhook webhook;
	char kept[WEBHOOK_KEPT_MAX];
	size_t kept_length;
	int64_t epoch; /* of its shard, when it was confirmed */
	struct webhook_verdict verdict;
	struct flight *before, *after; /* among the quick ones */
	int64_t launched_us;           /* steady clock */
	bool is_quick, is_slow;
};

struct timers_metrics {
	struct metric *fired, *finished, *failed, *retried, *stale;
	struct metric *lateness;
	struct metric *waiting, *due, *flying, *unsettled, *overdue, *shards, *reclaimed;
};

/* Who we are to the other daemons. */
struct timers_hold {
	struct flow flow;
	struct loop_timer timer;
	bool is_running;
	bool is_known; /* the first lease was given */
	bool is_wanted_again;
	bool is_long; /* nothing is due soon: the lease is long and seldom renewed */
	bool is_gone; /* all was given back at the end */
	char *name;
	const char *run_text; /* this run of the daemon: the owner of its shards */
	uint64_t owned;       /* one bit a shard */
	uint64_t leaving;     /* ours still, but to be given back when nothing of it is under way */
	uint64_t fresh;       /* ours since a moment: what is due was not read yet */
	int64_t epochs[TIMER_SHARDS];
	size_t in_pipe[TIMER_SHARDS]; /* confirmed and not settled */
	int64_t asked_us;             /* steady clock */
	int64_t lease_s;
	int64_t ends_us; /* steady clock: nothing is fired behind it */
};

/* How far the table was read. */
struct timers_reading {
	struct flow flow;
	struct loop_timer timer;
	bool is_running;
	bool is_fresh;   /* the reading under way is for new shards */
	uint64_t shards; /* of the reading under way */
	int64_t until_us;
	int64_t last_us; /* the row read last */
	struct uuid last_id;
	int64_t horizon_us; /* all that is due before it is in memory */
	bool is_full;
};

struct timers {
	struct timers_options *options;
	struct workshop *workshop;
	struct timers_desk *desk;
	struct db *read, *write; /* its own: nothing else may hold up a timer */
	struct fetcher *fetcher;
	struct guard *guard;
	struct webhook_secrets *secrets;
	struct webhook_retries *retries;
	size_t concurrency; /* places */
	uint64_t dice;      /* for jitter */
	struct timers_metrics metrics;
	struct job purge_job;
	bool is_stopping;
	bool is_closed;

	/* the clock: the database's minus the steady one, never ahead of the truth */
	int64_t offset_us;
	int64_t noted_us;

	struct timers_hold hold;
	struct timers_reading reading;
	struct timer_table table;
	struct timer_heap waiting; /* WAITING: by the time they must be confirmed */
	struct timer_heap armed;   /* ARMED: by the time they must be called */
	struct destinations destinations;
	struct loop_timer wake;
	struct loop_timer telling; /* metrics, once a second */
	size_t due;                /* DUE, all destinations */
	size_t flying;
	struct flight *quick_first,
		*quick_last;     /* under way for less than SLOW_US, the oldest first */
	size_t slow, slow_limit; /* calls that left their places to others */

	struct flow confirming;
	bool is_confirming;
	struct timer_entry *batch[CONFIRM_MAX];
	size_t batch_count;
	int64_t confirm_after_us; /* steady clock: the database was away */
	struct db_array batch_ids, batch_shards;

	struct flow settling;
	bool is_settling;
	size_t settles_singly; /* the database refused a batch of so many: which one was it? */
	struct timer_queue results;
	struct timer_queue being_settled;
	struct timer_queue refused; /* by themselves: they wait longer */
	struct db_array columns[7];
	struct loop_timer settle_again;
	struct loop_timer settle_refused;
};

/* --- the clock --- */

/* A moment that the database told, between asking and answer (steady clock). */
void timers_note_clock(struct timers *timers, int64_t told_us, int64_t asked_us);
bool timers_has_clock(const struct timers *timers);
int64_t timers_now_us(const struct timers *timers); /* µs since 1970 */
int64_t timers_steady_of(const struct timers *timers, int64_t moment_us);

/* --- ownership --- */

bool timers_owns(const struct timers *timers, int shard);

/* A confirmed timer whose shard is not ours any more since: its new holder calls it. */
bool timers_is_stale(const struct timers *timers, const struct timer_entry *entry);

/* The lease holds, as far as our own clock can tell. */
bool timers_may_fire(const struct timers *timers);

/* A set of shards as a parameter, in the flow's memory: {0,5,63}. */
struct db_value lease_shards_value(struct flow *flow, uint64_t shards);

void lease_open(struct timers *timers);
void lease_renew(struct timers *timers); /* now, or again when one is under way */
void lease_close(struct timers *timers);

/* --- the way of a timer --- */

/* Due at that time: comes into memory, or moves there. */
void timers_expect(struct timers *timers, const struct timer_news *news);

/* Tells the holder of that shard, whoever it is. */
void timers_tell_holder(struct timers *timers, const struct timer_news *news);

/* Tells all others to read these shards anew. */
void timers_tell_look(struct timers *timers, uint64_t shards);

/* What was confirmed and not called yet is left to whoever has its shard next. */
void timers_drop_confirmed(struct timers *timers);

/* Forgets it; it stands in no heap or queue any more. */
void timers_forget(struct timers *timers, struct timer_entry *entry);

/* When a call leaves its place to one that waits for it (steady clock); INT64_MAX: none does. */
int64_t fire_next_us(const struct timers *timers);

/* Looks at the heaps, confirms and calls what is due, and sets the next wake-up. */
void timers_turn(struct timers *timers);

void window_open(struct timers *timers);
void window_read(struct timers *timers); /* what new shards or the coming seconds hold */
void window_close(struct timers *timers);

void fire_open(struct timers *timers);
void fire_turn(struct timers *timers);
void fire_close(struct timers *timers);

void settle_open(struct timers *timers);
void settle_add(struct timers *timers, struct timer_entry *entry);
void settle_stop(struct timers *timers); /* what is refused from now on is given up */
void settle_close(struct timers *timers);

extern const struct flow_step timers_purge_steps[]; /* timers_purge.c */

#endif
