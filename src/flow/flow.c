/* flow.c - runs named steps one after the other; called by the scheduler and the rooms' jobs. */
#include "almanac/flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/container.h"

struct flows {
	struct loop *loop;
	struct flow *first;
	size_t running;
	bool is_stopping;
	bool is_closed;
};

static const struct db_answer not_asked = {.verdict = DB_AWAY, .message = "not connected"};
static const struct fetch_result not_called = {
	.verdict = FETCH_STOPPED,
	.complaint = "stopping",
	.content_type = "",
	.etag = "",
	.last_modified = "",
	.retry_after = "",
};

static void leave(struct flow *flow)
{
	struct flows *flows = flow->flows;

	if (flow->before)
		flow->before->after = flow->after;
	else
		flows->first = flow->after;
	if (flow->after)
		flow->after->before = flow->before;
	flows->running--;
}

/* Runs steps until one waits; true when the run is over. */
static bool advance(struct flow *flow)
{
	while (flow->step->run) {
		enum flow_next next = flow->step->run(flow);

		flow->answer = NULL;
		flow->result = NULL;
		assert((next == FLOW_NEXT || next == FLOW_END) == (flow->waits == FLOW_WAITS_NOT));
		if (next == FLOW_END)
			return true;
		if (next != FLOW_STAY)
			flow->step++;
		if (next != FLOW_NEXT)
			return false;
	}
	return true;
}

/* What was begun is answered. A branch that ends wakes its trunk. */
static void wake(struct flow *flow)
{
	while (flow) {
		struct flow *trunk = flow->trunk;
		struct arena *arena = flow->arena;

		flow->waits = FLOW_WAITS_NOT;
		if (!advance(flow))
			return;
		leave(flow);
		if (flow->ended)
			flow->ended(flow);
		arena_destroy(arena);
		flow = trunk;
	}
}

static void paused(struct loop_timer *timer)
{
	wake(container_of(timer, struct flow, timer));
}

/* A question that could not be asked is answered in a later turn. */
static void unasked(struct loop_timer *timer)
{
	struct flow *flow = container_of(timer, struct flow, timer);

	flow->answer = &not_asked;
	wake(flow);
}

static void uncalled(struct loop_timer *timer)
{
	struct flow *flow = container_of(timer, struct flow, timer);

	flow->result = &not_called;
	wake(flow);
}

static void answered(struct question *question, const struct db_answer *answer)
{
	struct flow *flow = container_of(question, struct flow, question);

	flow->answer = answer;
	wake(flow);
}

static void finished(struct fetch *fetch, const struct fetch_result *result)
{
	struct flow *flow = container_of(fetch, struct flow, fetch);

	flow->result = result;
	wake(flow);
}

static void soon(struct flow *flow, void (*fire)(struct loop_timer *timer), int64_t due_us)
{
	flow->timer.fire = fire;
	loop_timer_set(flow->flows->loop, &flow->timer, due_us);
}

static void enter(struct flows *flows, struct flow *flow, const struct flow_step *steps)
{
	flow->flows = flows;
	flow->step = steps;
	flow->arena = arena_create();
	flow->answer = NULL;
	flow->result = NULL;
	flow->trunk = NULL;
	flow->ended = NULL;
	flow->is_stopping = flows->is_stopping;
	flow->before = NULL;
	flow->after = flows->first;
	if (flow->after)
		flow->after->before = flow;
	flows->first = flow;
	flows->running++;
	flow->waits = FLOW_WAITS_TIMER;
	soon(flow, paused, 0);
}

static void hurry(struct flow *flow)
{
	flow->is_stopping = true;
	if (flow->waits == FLOW_WAITS_TIMER)
		soon(flow, flow->timer.fire, 0);
	else if (flow->waits == FLOW_WAITS_CALL)
		fetch_cancel(&flow->fetch);
}

struct flows *flows_create(struct loop *loop)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		abort();
	flows->loop = loop;
	return flows;
}

size_t flows_running(const struct flows *flows)
{
	return flows->running;
}

void flows_stop(struct flows *flows)
{
	flows->is_stopping = true;
	for (struct flow *flow = flows->first; flow; flow = flow->after)
		hurry(flow);
}

void flows_close(struct flows *flows)
{
	flows->is_closed = true;
}

void flows_destroy(struct flows *flows)
{
	if (flows)
		assert(flows->running == 0);
	free(flows);
}

void flow_start(struct flows *flows, struct flow *flow, const struct flow_step *steps,
		void (*ended)(struct flow *flow))
{
	enter(flows, flow, steps);
	flow->ended = ended;
}

void flow_ask(struct flow *flow, struct db *db, enum sql statement, const struct db_value *values,
	      size_t count)
{
	assert(flow->waits == FLOW_WAITS_NOT && count <= FLOW_VALUES_MAX);
	if (count)
		memcpy(flow->values, values, count * sizeof(*values));
	flow->question.statement = statement;
	flow->question.values = flow->values;
	flow->question.value_count = count;
	flow->question.answered = answered;
	flow->waits = FLOW_WAITS_DB;
	if (flow->flows->is_closed || !db_ask(db, &flow->question))
		soon(flow, unasked, 0);
}

void flow_call(struct flow *flow, struct fetcher *fetcher)
{
	assert(flow->waits == FLOW_WAITS_NOT);
	flow->fetch.finished = finished;
	if (flow->flows->is_closed) {
		flow->waits = FLOW_WAITS_TIMER;
		soon(flow, uncalled, 0);
		return;
	}
	flow->waits = FLOW_WAITS_CALL;
	fetch_start(fetcher, &flow->fetch);
}

void flow_pause(struct flow *flow, int64_t due_us)
{
	assert(flow->waits == FLOW_WAITS_NOT);
	flow->waits = FLOW_WAITS_TIMER;
	soon(flow, paused, flow->is_stopping ? 0 : due_us);
}

void flow_nudge(struct flow *flow)
{
	if (flow->waits == FLOW_WAITS_TIMER)
		soon(flow, flow->timer.fire, 0);
}

void flow_branch(struct flow *flow, struct flow *branch, const struct flow_step *steps)
{
	assert(flow->waits == FLOW_WAITS_NOT);
	enter(flow->flows, branch, steps);
	branch->trunk = flow;
	flow->waits = FLOW_WAITS_BRANCH;
}
