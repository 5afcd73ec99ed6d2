/* tasks_report.c - the job tasks-report: has the reports that are due written by their own thread, and
 * waits for it. The scheduler's loop, where timers are called from, never waits for a file. */
#include "almanac/container.h"
#include "room.h"

/* The order's way back ends the wait. */
#define FOR_EVER_US (INT64_C(3600) * 1000000)

static struct tasks *tasks_of(struct flow *flow)
{
	return container_of(job_run_of(flow)->job, struct tasks, report_job);
}

/* An order of an earlier run may still be away: then the next run sends one. */
static enum flow_next send(struct flow *flow)
{
	struct tasks *tasks = tasks_of(flow);

	if (flow->is_stopping || tasks->order.is_away)
		return FLOW_END;
	tasks->order.mailbox = tasks->mailbox;
	tasks->order.back = tasks_report_back;
	tasks->order.is_away = true;
	tasks->waiter = flow;
	report_writer_send(tasks->writer, &tasks->order);
	flow_pause(flow, loop_now_us(tasks->workshop->loop) + FOR_EVER_US);
	return FLOW_WAIT;
}

static enum flow_next plan_next(struct flow *flow)
{
	struct tasks *tasks = tasks_of(flow);
	struct job_run *run = job_run_of(flow);

	tasks->waiter = NULL;
	if (tasks->order.is_away)
		return FLOW_END;
	run->has_next = true;
	run->next_in_us = tasks->order.next_in_us;
	return FLOW_END;
}

void tasks_report_back(struct report_order *order)
{
	struct tasks *tasks = container_of(order, struct tasks, order);

	order->is_away = false;
	if (tasks->waiter)
		flow_nudge(tasks->waiter);
}

const struct flow_step tasks_report_steps[] = {{"send", send}, {"plan next", plan_next}, {0}};
