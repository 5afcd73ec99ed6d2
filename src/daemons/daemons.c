/* daemons.c - is heard of by the other daemons, and notices when one goes by the same name. Called by the
 * hall on the scheduler's thread. */
#include "almanac/daemons.h"

#include <stdlib.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"

#define SECOND INT64_C(1000000)
#define BEAT_US (10 * SECOND)
#define AWAY_US SECOND

struct daemons {
	const struct daemons_options *options;
	struct flow flow;
	struct loop_timer timer;
	int64_t began_us;
	bool is_beating;
	bool is_leaving;
	bool has_told; /* of the same name */
	struct metric *namesakes;
};

static struct daemons *daemons_of(struct flow *flow)
{
	return container_of(flow, struct daemons, flow);
}

static void beat_in(struct daemons *daemons, int64_t wait_us)
{
	if (!daemons->is_leaving)
		loop_timer_set(daemons->options->workshop->loop, &daemons->timer,
			       clock_steady_us() + wait_us);
}

/* --- a beat ---------------------------------------------------------------------------------------------- */

static enum flow_next beat(struct flow *flow)
{
	struct daemons *daemons = daemons_of(flow);
	const struct daemons_options *options = daemons->options;
	const struct db_value values[] = {
		db_text(options->workshop->daemon),
		db_text(options->name),
		db_text(options->host),
		db_text(options->address),
		db_text(options->version),
		db_number(flow->arena, clock_steady_us() - daemons->began_us),
	};

	flow_ask(flow, options->workshop->write, SQL_DAEMONS_BEAT, values, 6);
	return FLOW_WAIT;
}

/* Told once, until it is over. */
static void judge_name(struct daemons *daemons, int64_t namesakes)
{
	if (namesakes > 0 && !daemons->has_told)
		log_warn(log_what("another daemon goes by the same name: give each a DAEMON_NAME "
				  "of its own"),
			 log_text("name", daemons->options->name), log_number("others", namesakes));
	daemons->has_told = namesakes > 0;
	metric_set(daemons->namesakes, namesakes);
}

static enum flow_next note(struct flow *flow)
{
	struct daemons *daemons = daemons_of(flow);
	const struct db_answer *answer = flow->answer;

	if (answer->verdict == DB_ANSWERED)
		judge_name(daemons, rows_number_of(answer->rows, 0, "namesakes"));
	else if (answer->verdict == DB_REFUSED)
		log_warn(log_what("heartbeat refused"), log_text("reason", answer->message));
	beat_in(daemons, answer->verdict == DB_AWAY ? AWAY_US : BEAT_US);
	return FLOW_END;
}

static const struct flow_step beat_steps[] = {{"beat", beat}, {"note", note}, {0}};

/* --- the end --------------------------------------------------------------------------------------------- */

/* Who cannot say so is lost half a minute later. */
static enum flow_next leave(struct flow *flow)
{
	struct workshop *workshop = daemons_of(flow)->options->workshop;
	const struct db_value values[] = {db_text(workshop->daemon)};

	if (flow->answer)
		return FLOW_END;
	flow_ask(flow, workshop->write, SQL_DAEMONS_LEAVE, values, 1);
	return FLOW_STAY;
}

static const struct flow_step leave_steps[] = {{"leave", leave}, {0}};

static void left(struct flow *flow)
{
	daemons_of(flow)->is_beating = false;
}

static void begin_leaving(struct daemons *daemons)
{
	daemons->is_beating = true;
	flow_start(daemons->options->workshop->flows, &daemons->flow, leave_steps, left);
}

static void beaten(struct flow *flow)
{
	struct daemons *daemons = daemons_of(flow);

	daemons->is_beating = false;
	if (daemons->is_leaving)
		begin_leaving(daemons);
}

static void due(struct loop_timer *timer)
{
	struct daemons *daemons = container_of(timer, struct daemons, timer);

	daemons->is_beating = true;
	flow_start(daemons->options->workshop->flows, &daemons->flow, beat_steps, beaten);
}

/* --- the door -------------------------------------------------------------------------------------------- */

struct daemons *daemons_open(const struct daemons_options *options)
{
	struct daemons *daemons = calloc(1, sizeof(*daemons));

	if (!daemons)
		abort();
	daemons->options = options;
	daemons->began_us = clock_steady_us();
	daemons->timer.fire = due;
	daemons->namesakes =
		metrics_get(options->workshop->metrics, METRIC_GAUGE, "almanac_daemon_namesakes",
			    "Other daemons that go by this one's name.", NULL);
	beat_in(daemons, 0);
	return daemons;
}

void daemons_stop(struct daemons *daemons)
{
	daemons->is_leaving = true;
	loop_timer_clear(daemons->options->workshop->loop, &daemons->timer);
	if (!daemons->is_beating)
		begin_leaving(daemons);
}

void daemons_close(struct daemons *daemons)
{
	if (!daemons)
		return;
	loop_timer_clear(daemons->options->workshop->loop, &daemons->timer);
	free(daemons);
}
