/* jobs.c - the jobs' table: claims what is due under a lease, runs its steps, gives the lease back
 * with the next due time. Called by scheduler.c; calls flow.c. */
#include "jobs.h"

#include <assert.h>
#include <stdlib.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "almanac/uuid.h"

#define SECOND INT64_C(1000000)

/* How long to sleep at most between two looks, and after the database was away. */
#define LOOK_MAX_US (60 * SECOND)
#define LOOK_AWAY_US SECOND

/* While one connection stands and the other does not yet. */
#define LOOK_SOON_US (SECOND / 20)
#define ARRAY_MAX 65536

/* A run and its end: first the job's steps, then `closing` writes that it is done. */
struct run {
	struct job_run run;
	struct flow closing;
	struct jobs *jobs;
	char id[UUID_TEXT_LENGTH + 1];
	int64_t began_us;
};

struct jobs {
	struct workshop *workshop;
	struct job *first;
	struct flow look; /* registers, claims, begins */
	bool is_looking;
	bool looks_again;
	bool is_stopping;
	struct loop_timer due;
	struct db_array names, ids, leases;
};

/* --- the end of a run ------------------------------------------------------------------------------ */

static void closed(struct flow *flow)
{
	struct run *run = container_of(flow, struct run, closing);
	struct jobs *jobs = run->jobs;

	run->run.job->is_running = false;
	log_debug(log_what("job"), log_text("job", run->run.job->name), log_text("run", run->id),
		  log_ms("ms", clock_steady_us() - run->began_us));
	free(run);
	jobs_tend(jobs);
}

/* Until when it is worth telling: then the lease has ended by itself. */
static int64_t lease_end(const struct run *run)
{
	return run->began_us + run->run.job->lease_s * SECOND;
}

static void warn_unsettled(const struct run *run, const char *reason)
{
	log_warn(log_what("job not settled"), log_text("job", run->run.job->name),
		 log_text("reason", reason));
}

static void ask_done(struct flow *flow)
{
	struct run *run = container_of(flow, struct run, closing);
	struct job_run *job_run = &run->run;
	const struct db_value values[] = {
		db_text(job_run->job->name),
		db_text(run->id),
		job_run->has_next ? db_number(flow->arena, job_run->next_in_us) : db_text(NULL),
	};

	flow_ask(flow, job_run->workshop->write, SQL_FLOW_JOB_DONE, values, 3);
}

/* Told again and again while the database is away: who holds the lease may tell it twice. */
static enum flow_next tell_done(struct flow *flow)
{
	struct run *run = container_of(flow, struct run, closing);
	const struct db_answer *answer = flow->answer;

	if (!answer) {
		ask_done(flow);
		return FLOW_STAY;
	}
	if (answer->verdict == DB_ANSWERED || flow->is_stopping)
		return FLOW_END;
	if (answer->verdict == DB_REFUSED || clock_steady_us() + LOOK_AWAY_US > lease_end(run)) {
		warn_unsettled(run, answer->message);
		return FLOW_END;
	}
	flow_pause(flow, loop_now_us(run->jobs->workshop->loop) + LOOK_AWAY_US);
	return FLOW_STAY;
}

static const struct flow_step closing_steps[] = {{"tell done", tell_done}, {0}};

static void ended(struct flow *flow)
{
	struct run *run = container_of(container_of(flow, struct job_run, flow), struct run, run);

	flow_start(run->jobs->workshop->flows, &run->closing, closing_steps, closed);
}

/* --- looking for what is due ------------------------------------------------------------------------ */

static struct jobs *jobs_of(struct flow *look)
{
	return container_of(look, struct jobs, look);
}

static void look_in(struct jobs *jobs, int64_t wait_us)
{
	struct loop *loop = jobs->workshop->loop;

	loop_timer_set(loop, &jobs->due,
		       loop_now_us(loop) + (wait_us < LOOK_MAX_US ? wait_us : LOOK_MAX_US));
}

static struct job *unregistered(struct jobs *jobs)
{
	struct job *job = jobs->first;

	while (job && job->is_registered)
		job = job->next;
	return job;
}

static enum flow_next register_jobs(struct flow *look)
{
	struct jobs *jobs = jobs_of(look);
	struct job *job = unregistered(jobs);

	if (look->answer && look->answer->verdict != DB_ANSWERED) {
		look_in(jobs, LOOK_AWAY_US);
		return FLOW_END;
	}
	if (look->answer && job) {
		job->is_registered = true;
		job = unregistered(jobs);
	}
	if (!job)
		return FLOW_NEXT;
	const struct db_value values[] = {db_text(job->name),
					  db_number(look->arena, job->period_s)};

	flow_ask(look, jobs->workshop->write, SQL_FLOW_JOB_REGISTER, values, 2);
	return FLOW_STAY;
}

/*
 * One run id for every job that is not running: the owner of the lease, should it be claimed. A claim
 * that was not answered may have been heard, so it is repeated under the same id.
 */
static void list_idle(struct jobs *jobs)
{
	char text[UUID_TEXT_LENGTH];

	db_array_clear(&jobs->names);
	db_array_clear(&jobs->ids);
	db_array_clear(&jobs->leases);
	for (struct job *job = jobs->first; job; job = job->next) {
		if (job->is_running)
			continue;
		if (!job->is_claiming)
			job->run_id = uuid_make();
		job->is_claiming = true;
		uuid_write(&job->run_id, text);
		db_array_add(&jobs->names, span_of(job->name));
		db_array_add(&jobs->ids, (struct span){text, sizeof(text)});
		db_array_add_number(&jobs->leases, job->lease_s);
	}
}

static enum flow_next claim(struct flow *look)
{
	struct jobs *jobs = jobs_of(look);

	if (jobs->is_stopping)
		return FLOW_END;
	if (!db_is_connected(jobs->workshop->read)) { /* its runs would fail at their first read */
		look_in(jobs, LOOK_SOON_US);
		return FLOW_END;
	}
	list_idle(jobs);
	if (jobs->names.count == 0)
		return FLOW_END;
	const struct db_value values[] = {db_array_value(&jobs->names), db_array_value(&jobs->ids),
					  db_array_value(&jobs->leases),
					  db_text(jobs->workshop->daemon)};

	flow_ask(look, jobs->workshop->write, SQL_FLOW_JOB_CLAIM, values, 4);
	return FLOW_WAIT;
}

static void begin_run(struct jobs *jobs, struct job *job)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		abort();
	run->jobs = jobs;
	run->run.job = job;
	run->run.workshop = jobs->workshop;
	run->began_us = clock_steady_us();
	uuid_write(&job->run_id, run->id);
	job->is_running = true;
	flow_start(jobs->workshop->flows, &run->run.flow, job->steps, ended);
}

static struct job *find(struct jobs *jobs, struct span name)
{
	struct job *job = jobs->first;

	while (job && !span_is(name, job->name))
		job = job->next;
	assert(job);
	return job;
}

static enum flow_next begin(struct flow *look)
{
	struct jobs *jobs = jobs_of(look);
	const struct db_rows *rows = look->answer->rows;
	int64_t wait_us = LOOK_MAX_US;

	if (look->answer->verdict != DB_ANSWERED) {
		look_in(jobs, LOOK_AWAY_US);
		return FLOW_END;
	}
	for (size_t row = 0; row < rows_count(rows); row++) {
		int64_t job_wait_us = rows_number_of(rows, row, "wait_us");
		struct job *job = find(jobs, rows_text_of(rows, row, "name"));

		job->is_claiming = false;
		if (rows_flag(rows, row, (size_t)rows_find(rows, "is_claimed")))
			begin_run(jobs, job);
		else if (job_wait_us < wait_us)
			wait_us = job_wait_us;
	}
	look_in(jobs, wait_us);
	return FLOW_END;
}

static const struct flow_step look_steps[] = {
	{"register jobs", register_jobs}, {"claim", claim}, {"begin", begin}, {0}};

static void looked(struct flow *look)
{
	struct jobs *jobs = jobs_of(look);

	jobs->is_looking = false;
	if (jobs->looks_again)
		jobs_tend(jobs);
}

static void due(struct loop_timer *timer)
{
	jobs_tend(container_of(timer, struct jobs, due));
}

/* --- the door ---------------------------------------------------------------------------------------- */

struct jobs *jobs_create(struct workshop *workshop)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));

	if (!jobs)
		abort();
	jobs->workshop = workshop;
	jobs->due.fire = due;
	db_array_init(&jobs->names, ARRAY_MAX);
	db_array_init(&jobs->ids, ARRAY_MAX);
	db_array_init(&jobs->leases, ARRAY_MAX);
	return jobs;
}

void jobs_destroy(struct jobs *jobs)
{
	loop_timer_clear(jobs->workshop->loop, &jobs->due);
	db_array_finish(&jobs->names);
	db_array_finish(&jobs->ids);
	db_array_finish(&jobs->leases);
	free(jobs);
}

void jobs_add(struct jobs *jobs, struct job *job)
{
	struct job **last = &jobs->first;

	while (*last)
		last = &(*last)->next;
	job->next = NULL;
	*last = job;
}

void jobs_tend(struct jobs *jobs)
{
	jobs->looks_again = jobs->is_looking;
	if (jobs->is_looking || jobs->is_stopping)
		return;
	jobs->is_looking = true;
	flow_start(jobs->workshop->flows, &jobs->look, look_steps, looked);
}

void jobs_stop(struct jobs *jobs)
{
	jobs->is_stopping = true;
	loop_timer_clear(jobs->workshop->loop, &jobs->due);
}

struct job_run *job_run_of(struct flow *flow)
{
	return container_of(flow, struct job_run, flow);
}
