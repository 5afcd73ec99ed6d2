/*
 * A job run is a flow of named steps: they run top to bottom, once each, never back. A retry is a
 * new run planned by the scheduler; fan-out starts one flow per item.
 *
 * A step returns
 *   FLOW_NEXT  go on with the next step at once,
 *   FLOW_WAIT  the next step runs when what was begun is answered,
 *   FLOW_STAY  this same step runs again when it is answered: for pages and batches,
 *   FLOW_END   the run is over.
 * A step that returns WAIT or STAY has begun exactly one thing: flow_ask, flow_call, flow_pause
 * or flow_branch.
 */
#ifndef ALMANAC_FLOW_H
#define ALMANAC_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/db.h"
#include "almanac/fetch.h"
#include "almanac/loop.h"

#define FLOW_VALUES_MAX 24

enum flow_next { FLOW_NEXT, FLOW_WAIT, FLOW_STAY, FLOW_END };

enum flow_wait {
	FLOW_WAITS_NOT,
	FLOW_WAITS_DB,
	FLOW_WAITS_CALL,
	FLOW_WAITS_TIMER,
	FLOW_WAITS_BRANCH
};

struct flow;
struct flows;

struct flow_step {
	const char *name;
	enum flow_next (*run)(struct flow *flow);
};

/* A run, embedded in what the job keeps for it. The first five are for the steps. */
struct flow {
	struct arena *arena;               /* lives as long as the run */
	const struct db_answer *answer;    /* after flow_ask, for the length of this step */
	const struct fetch_result *result; /* after flow_call, for the length of this step */
	struct fetch fetch;                /* for flow_call: fill it, then call */
	bool is_stopping;                  /* the house closes: end soon, leave things resumable */

	/* the flow's own */
	struct flows *flows;
	const struct flow_step *step;
	void (*ended)(struct flow *flow);
	enum flow_wait waits;
	struct question question;
	struct db_value values[FLOW_VALUES_MAX];
	struct flow *trunk; /* whose step waits for this one to end */
	struct loop_timer timer;
	struct flow *before, *after;
};

/* All runs under way on one loop. */
struct flows *flows_create(struct loop *loop);
size_t flows_running(const struct flows *flows);

/* Marks all runs, and those to come, as stopping; pauses end, calls are cancelled. */
void flows_stop(struct flows *flows);

/* The connections are about to go: whatever is begun from now on is answered DB_AWAY or
 * FETCH_STOPPED. */
void flows_close(struct flows *flows);

/* Asserts that none is running. NULL is fine. */
void flows_destroy(struct flows *flows);

/* The first step runs in a later turn of the loop. `ended` is the last call; it may free the owner. */
void flow_start(struct flows *flows, struct flow *flow, const struct flow_step *steps,
		void (*ended)(struct flow *flow));

/* Asks the database. The values are copied, what they point at must live until the answer. A
 * question that cannot be asked is answered DB_AWAY. */
void flow_ask(struct flow *flow, struct db *db, enum sql statement, const struct db_value *values,
	      size_t count);

/* Makes the call that flow->fetch describes; its `finished` is the flow's. */
void flow_call(struct flow *flow, struct fetcher *fetcher);

/* Waits until the steady clock says `due_us`. */
void flow_pause(struct flow *flow, int64_t due_us);

/* Ends a pause at once; a flow that waits for something else goes on waiting. */
void flow_nudge(struct flow *flow);

/* Runs another flow and waits for its end. */
void flow_branch(struct flow *flow, struct flow *branch, const struct flow_step *steps);

#endif
