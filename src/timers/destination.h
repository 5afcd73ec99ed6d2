/*
 * Where webhooks go: scheme, host and port. Each has its queues, its limit and its breaker, so that
 * nothing a receiver does holds up the others. Called by timers_fire.c.
 */
#ifndef ALMANAC_TIMERS_DESTINATION_H
#define ALMANAC_TIMERS_DESTINATION_H

#include "almanac/loop.h"
#include "almanac/str.h"
#include "table.h"

/* Confirmed timers may wait for a free call, so that calls never wait for the database. */
#define PIPE_FACTOR 4

/* So many calls in a row without a good word, and the breaker opens; then a single call at a time tries
 * whether it is well again, after a wait that doubles. */
#define BREAKER_FAILURES 10
#define BREAKER_FIRST_US INT64_C(5000000)
#define BREAKER_MOST_US INT64_C(300000000)

struct destinations;
struct destination;

enum round_name {
	ROUND_HUNGRY, /* have timers to confirm, and room */
	ROUND_LOADED, /* have timers to call, and room */
	ROUND_COUNT
};

/* A destination's place in a round. */
struct turn {
	struct destination *before, *after;
	bool is_taken;
};

struct destination {
	struct destinations *all;
	char *name;
	uint64_t hash;
	struct destination *next_in_bucket;
	struct timer_queue due;      /* to be confirmed */
	struct timer_queue old;      /* the same, from before: they get half of the room */
	struct timer_queue ready;    /* to be called */
	size_t entries;              /* in memory, whatever their state */
	size_t in_pipe, old_in_pipe; /* from CONFIRMING to FLYING */
	size_t flying;
	/* the breaker */
	int failures;
	int64_t open_until_us; /* steady clock; 0: closed */
	int64_t wait_us;
	struct loop_timer reopen;
	/* which rounds it takes part in */
	struct turn turns[ROUND_COUNT];
};

/* Destinations that wait for their turn. */
struct round {
	struct destination *first, *last;
};

struct destinations {
	struct loop *loop;
	struct destination **buckets;
	size_t count;
	size_t limit; /* calls at the same time, to each */
	struct round rounds[ROUND_COUNT];
	void (*reopened)(struct destinations *all); /* a breaker lets a call through again */
};

void destinations_init(struct destinations *all, struct loop *loop, size_t limit);
void destinations_finish(struct destinations *all);

/* The destination of that name, made when it is new; counts one entry more. */
struct destination *destination_take(struct destinations *all, struct span name);

/* One entry fewer; the last one frees it, unless its breaker has something to remember. */
void destination_give(struct destination *destination);

/* Its queues or counts have changed: takes its place in the rounds, or leaves them. */
void destination_place(struct destination *destination);

/* The next timer to confirm or to call, in fair turn; NULL when there is none. */
struct timer_entry *destinations_next_due(struct destinations *all);
struct timer_entry *destinations_next_ready(struct destinations *all);

/* A confirmed timer leaves the pipe: it was called, or will not be. */
void destination_leave(struct destination *destination, const struct timer_entry *entry);

/* Some timer that waits for its call, whatever the limits; NULL when none does. */
struct timer_entry *destinations_any_ready(struct destinations *all);

/* The time of the oldest timer that is due and not called yet; 0 when there is none. */
int64_t destinations_oldest_us(const struct destinations *all);

/* How a call ended. */
void destination_judge(struct destination *destination, bool is_unwell);

#endif
