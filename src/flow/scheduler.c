/* scheduler.c - the timer thread: opens the rooms' jobs, claims what is due, runs it as flows.
 * Called by main; calls db, fetch and the steps of the jobs. */
#include "almanac/scheduler.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/mailbox.h"
#include "almanac/uuid.h"
#include "jobs.h"

#define SECOND INT64_C(1000000)
#define MAX_CHANNELS 8
#define MAX_CONNECTIONS 64

/* Patience of the scheduler's own connections: its statements merge batches and page catalogs. */
#define STATEMENT_TIMEOUT_MS 30000
#define ANSWER_TIMEOUT_MS 35000
#define QUEUE_MAX 4096
#define BATCH_MAX 64

struct scheduler {
	struct scheduler_options options;
	struct workshop workshop;
	struct jobs *jobs;
	struct guard *guard;
	struct mailbox *mailbox;
	pthread_t thread;
	const char *channels[MAX_CHANNELS + 2];
	struct db_listener listener;
	struct loop_timer beat;
	struct letter stop;
	struct loop_timer drain;
	int64_t stopped_us; /* when it was told to */
	int64_t deadline_us;
};

/* --- while it runs ------------------------------------------------------------------------------ */

static void beat(struct loop_timer *timer)
{
	struct scheduler *scheduler = container_of(timer, struct scheduler, beat);

	atomic_store(scheduler->options.beat_us, clock_steady_us());
	loop_timer_set(scheduler->workshop.loop, timer,
		       loop_now_us(scheduler->workshop.loop) + SECOND);
}

static void heard(struct db_listener *listener, const char *channel, const char *payload)
{
	struct scheduler *scheduler = container_of(listener, struct scheduler, listener);

	if (strcmp(channel, JOBS_CHANNEL) == 0)
		jobs_tend(scheduler->jobs);
	else
		scheduler->options.rooms->heard(scheduler->options.rooms, channel, payload);
}

static struct db *open_db(struct scheduler *scheduler, const char *label, bool is_read_only,
			  struct db_listener *listener)
{
	const struct db_options options = {
		.conninfo = settings_database(scheduler->options.settings),
		.application_name = label,
		.is_read_only = is_read_only,
		.queue_max = QUEUE_MAX,
		.batch_max = BATCH_MAX,
		.has_sync_each = !is_read_only,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS,
		.answer_timeout_ms = ANSWER_TIMEOUT_MS,
		.listener = listener,
		.metrics = scheduler->options.metrics,
		.label = label,
	};

	return db_open(scheduler->workshop.loop, &options);
}

static void open_workshop(struct scheduler *scheduler)
{
	struct workshop *workshop = &scheduler->workshop;
	const struct fetcher_options fetching = {
		.guard = scheduler->guard,
		.user_agent = scheduler->options.user_agent,
		.max_connections = MAX_CONNECTIONS,
	};

	workshop->flows = flows_create(workshop->loop);
	workshop->fetcher = fetcher_create(workshop->loop, &fetching);
	workshop->read = open_db(scheduler, "almanac-scheduler-read", true, NULL);
	workshop->write =
		open_db(scheduler, "almanac-scheduler-write", false, &scheduler->listener);
	workshop->scheduler = scheduler;
	scheduler->jobs = jobs_create(workshop);
}

/* What still waits for the outside is answered here; flows then end within a turn. */
static void close_connections(struct scheduler *scheduler)
{
	struct workshop *workshop = &scheduler->workshop;
	struct scheduler_rooms *rooms = scheduler->options.rooms;

	flows_close(workshop->flows);
	rooms->give_up(rooms);
	db_close(workshop->read);
	db_close(workshop->write);
	fetcher_destroy(workshop->fetcher);
	workshop->read = NULL;
	workshop->write = NULL;
	workshop->fetcher = NULL;
}

static void close_workshop(struct scheduler *scheduler)
{
	jobs_destroy(scheduler->jobs);
	flows_destroy(scheduler->workshop.flows);
}

/* --- stopping ------------------------------------------------------------------------------------- */

/* For a database that is away nobody waits until the deadline. */
static bool has_waited_enough(const struct scheduler *scheduler, int64_t now)
{
	const struct workshop *workshop = &scheduler->workshop;

	return now >= scheduler->deadline_us ||
	       (!db_is_connected(workshop->write) && now >= scheduler->stopped_us + SECOND);
}

static void drain(struct loop_timer *timer)
{
	struct scheduler *scheduler = container_of(timer, struct scheduler, drain);
	struct workshop *workshop = &scheduler->workshop;
	struct scheduler_rooms *rooms = scheduler->options.rooms;
	int64_t now = clock_steady_us();

	if (flows_running(workshop->flows) == 0 && (!workshop->fetcher || rooms->is_quiet(rooms))) {
		loop_stop(workshop->loop);
		return;
	}
	if (workshop->fetcher && has_waited_enough(scheduler, now)) {
		log_warn(log_what("scheduler gave up waiting"),
			 log_number("runs", (int64_t)flows_running(workshop->flows)));
		close_connections(scheduler);
	}
	loop_timer_set(workshop->loop, timer, now + SECOND / 200);
}

static void stop_heard(struct letter *letter)
{
	struct scheduler *scheduler = container_of(letter, struct scheduler, stop);

	scheduler->stopped_us = clock_steady_us();
	jobs_stop(scheduler->jobs);
	scheduler->options.rooms->stop(scheduler->options.rooms);
	flows_stop(scheduler->workshop.flows);
	loop_timer_set(scheduler->workshop.loop, &scheduler->drain, 0);
}

/* A timer or news of the loop's last turn may have begun one more: it hears that all is closed. */
static void end_last_flows(struct scheduler *scheduler)
{
	struct workshop *workshop = &scheduler->workshop;

	while (flows_running(workshop->flows) > 0) {
		loop_timer_set(workshop->loop, &scheduler->drain, 0);
		loop_run(workshop->loop);
	}
}

/* --- the thread ----------------------------------------------------------------------------------- */

static void *run(void *argument)
{
	struct scheduler *scheduler = argument;
	struct scheduler_rooms *rooms = scheduler->options.rooms;

	open_workshop(scheduler);
	rooms->open(rooms, &scheduler->workshop);
	loop_timer_set(scheduler->workshop.loop, &scheduler->beat, 0);
	jobs_tend(scheduler->jobs);
	loop_run(scheduler->workshop.loop);
	loop_timer_clear(scheduler->workshop.loop, &scheduler->beat);
	loop_timer_clear(scheduler->workshop.loop, &scheduler->drain);
	if (scheduler->workshop.fetcher)
		close_connections(scheduler);
	end_last_flows(scheduler);
	rooms->close(rooms);
	close_workshop(scheduler);
	return NULL;
}

static void list_channels(struct scheduler *scheduler)
{
	const char *const *channels = scheduler->options.rooms->channels;
	size_t count = 0;

	scheduler->channels[count++] = JOBS_CHANNEL;
	for (; *channels; channels++) {
		assert(count <= MAX_CHANNELS);
		scheduler->channels[count++] = *channels;
	}
	scheduler->listener.channels = scheduler->channels;
	scheduler->listener.heard = heard;
}

static void free_all(struct scheduler *scheduler)
{
	mailbox_destroy(scheduler->mailbox);
	loop_destroy(scheduler->workshop.loop);
	guard_destroy(scheduler->guard);
	free(scheduler);
}

struct scheduler *scheduler_start(const struct scheduler_options *options, struct str *complaint)
{
	struct scheduler *scheduler = calloc(1, sizeof(*scheduler));
	const char *allow = settings_text(options->settings, SETTING_SOURCE_ALLOW);

	if (!scheduler)
		abort();
	scheduler->guard = guard_create(allow, complaint);
	if (!scheduler->guard) {
		free(scheduler);
		return NULL;
	}
	scheduler->options = *options;
	scheduler->workshop.loop = loop_create();
	scheduler->workshop.settings = options->settings;
	scheduler->workshop.metrics = options->metrics;
	scheduler->workshop.daemon = options->daemon;
	scheduler->mailbox = mailbox_create(scheduler->workshop.loop);
	scheduler->beat.fire = beat;
	scheduler->drain.fire = drain;
	scheduler->stop.open = stop_heard;
	list_channels(scheduler);
	atomic_store(options->beat_us, clock_steady_us());
	if (pthread_create(&scheduler->thread, NULL, run, scheduler) != 0) {
		str_append_text(complaint, "cannot start the scheduler's thread");
		free_all(scheduler);
		return NULL;
	}
	return scheduler;
}

void scheduler_stop(struct scheduler *scheduler, int64_t deadline_us)
{
	if (!scheduler)
		return;
	scheduler->deadline_us = deadline_us;
	mailbox_post(scheduler->mailbox, &scheduler->stop);
	pthread_join(scheduler->thread, NULL);
}

void scheduler_destroy(struct scheduler *scheduler)
{
	if (scheduler)
		free_all(scheduler);
}

struct mailbox *scheduler_mailbox(struct scheduler *scheduler)
{
	return scheduler->mailbox;
}

void scheduler_add(struct scheduler *scheduler, struct job *job)
{
	jobs_add(scheduler->jobs, job);
}
