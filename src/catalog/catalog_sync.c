/* catalog_sync.c - the job catalog-sync: claims the providers that are due and syncs each in a flow
 * of its own; the run's record and the provider's schedule are settled in one statement. */
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "room.h"
#include "sync.h"

#define SECOND INT64_C(1000000)
#define NUMBER_TEXT 24
#define FINISH_VALUES 22

/* A request may queue a run at any moment: the job is woken then. */
#define LOOK_AGAIN_US SECOND

static void delete_sync(struct sync *sync);

struct sync *sync_of(struct flow *flow)
{
	return container_of(flow, struct sync, flow);
}

void sync_fail(struct sync *sync, const char *error)
{
	if (!sync->error)
		sync->error = error;
}

bool sync_goes_on(const struct sync *sync)
{
	return sync->is_read && !sync->is_not_modified && !sync->error && !sync->is_stale;
}

bool sync_answered(struct sync *sync, const struct flow *flow)
{
	const struct db_answer *answer = flow->answer;

	if (answer->verdict == DB_ANSWERED)
		return true;
	sync_fail(sync, arena_format(sync->arena, "the database %s: %s",
				     answer->verdict == DB_REFUSED ? "refused" : "did not answer",
				     answer->message));
	return false;
}

/* --- the lease is renewed beside the run ------------------------------------------------------------ */

static struct sync *sync_of_renewal(struct flow *flow)
{
	return container_of(flow, struct sync, renewal);
}

static enum flow_next sleep_a_while(struct flow *flow)
{
	struct workshop *workshop = sync_of_renewal(flow)->workshop;

	flow_pause(flow, loop_now_us(workshop->loop) + SYNC_LEASE_S * SECOND / 3);
	return FLOW_WAIT;
}

static enum flow_next renew(struct flow *flow)
{
	struct sync *sync = sync_of_renewal(flow);
	const struct db_value values[] = {
		db_text(sync->provider_id),
		db_text(sync->lease),
		db_number(flow->arena, SYNC_LEASE_S),
		db_number(flow->arena, sync->counters.attempts),
	};

	if (sync->is_over)
		return FLOW_END;
	flow_ask(flow, sync->workshop->write, SQL_CATALOG_SYNC_RENEW, values, 4);
	return FLOW_WAIT;
}

static enum flow_next judge_renewal(struct flow *flow)
{
	struct sync *sync = sync_of_renewal(flow);

	if (flow->answer->verdict == DB_ANSWERED &&
	    !span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "held"))
		sync->is_stale = true;
	return FLOW_END;
}

static const struct flow_step renewal_steps[] = {
	{"sleep", sleep_a_while}, {"renew", renew}, {"judge", judge_renewal}, {0}};

static void flow_is_over(struct sync *sync)
{
	if (--sync->open_flows == 0)
		delete_sync(sync);
}

static void renewed(struct flow *flow)
{
	struct sync *sync = sync_of_renewal(flow);

	if (sync->is_over || sync->is_stale || flow->is_stopping)
		flow_is_over(sync);
	else
		flow_start(sync->workshop->flows, &sync->renewal, renewal_steps, renewed);
}

/* --- the end of a run ------------------------------------------------------------------------------- */

static const char *status_of(const struct sync *sync)
{
	if (sync->error)
		return "failed";
	return sync->counters.problem_count > 0 ? "partial" : "succeeded";
}

/* What stood as the feed gives it: all the different events that were not written. */
static int64_t unchanged(const struct sync *sync)
{
	if (sync->error)
		return 0;
	if (!sync->is_read)
		return sync->known_events;
	return (int64_t)sync->seen.accepted - sync->counters.created - sync->counters.updated;
}

static struct db_value flag(bool is_so)
{
	return db_text(is_so ? "true" : "false");
}

static enum flow_next give_back(struct sync *sync)
{
	const struct db_value values[] = {db_text(sync->provider_id), db_text(sync->lease)};

	flow_ask(&sync->flow, sync->workshop->write, SQL_CATALOG_SYNC_RELEASE, values, 2);
	return FLOW_WAIT;
}

static enum flow_next finish(struct flow *flow)
{
	struct sync *sync = sync_of(flow);
	struct arena *arena = flow->arena;
	const struct sync_counters *counted = &sync->counters;
	bool is_good = sync->is_read && !sync->error;

	if (sync->is_stale)
		return FLOW_NEXT;
	if (flow->is_stopping)
		return give_back(sync);
	str_append_char(&sync->problems, ']');
	const struct db_value values[FINISH_VALUES] = {
		db_text(sync->provider_id),
		db_text(sync->lease),
		db_text(status_of(sync)),
		db_number(arena, counted->attempts),
		counted->http_status ? db_number(arena, counted->http_status) : db_text(NULL),
		flag(sync->is_not_modified),
		db_number(arena, counted->wire_bytes),
		db_number(arena, counted->body_bytes),
		db_number(arena, counted->events),
		db_number(arena, counted->zones),
		db_number(arena, counted->created),
		db_number(arena, counted->updated),
		db_number(arena, unchanged(sync)),
		db_number(arena, counted->rejected),
		db_number(arena, counted->vanished),
		db_number(arena, counted->problem_count),
		db_text(str_text(&sync->problems)),
		db_text(sync->error),
		db_text(is_good ? sync->new_etag : ""),
		db_text(is_good ? sync->new_last_modified : ""),
		db_text(is_good ? sync->new_digest : NULL),
		db_number(arena, sync->wait_s > 0 ? sync->wait_s : 0),
	};

	flow_ask(flow, sync->workshop->write, SQL_CATALOG_SYNC_FINISH, values, FINISH_VALUES);
	return FLOW_WAIT;
}

static enum flow_next settle(struct flow *flow)
{
	struct sync *sync = sync_of(flow);

	if (flow->answer && sync_answered(sync, flow))
		sync->is_stale = span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "stale");
	return FLOW_END;
}

static const struct flow_step steps[] = {
	{"fetch", sync_fetch}, {"merge", sync_merge}, {"vanish", sync_vanish},
	{"finish", finish},    {"settle", settle},    {0},
};

static void tell(const struct sync *sync)
{
	const struct sync_counters *counted = &sync->counters;
	const struct log_field fields[] = {
		log_what("sync"),
		log_text("provider", sync->name),
		log_text("run", sync->sync_id),
		log_text("request", sync->request_id),
		log_text("status", sync->is_stale           ? "stale"
				   : sync->flow.is_stopping ? "given back"
							    : status_of(sync)),
		log_ms("ms", clock_steady_us() - sync->began_us),
		log_number("http_status", counted->http_status),
		log_number("attempts", counted->attempts),
		log_number("bytes", counted->body_bytes),
		log_number("events", counted->events),
		log_number("created", counted->created),
		log_number("updated", counted->updated),
		log_number("unchanged", unchanged(sync)),
		log_number("rejected", counted->rejected),
		log_number("vanished", counted->vanished),
		log_number("problems", counted->problem_count),
		log_text("error", sync->error),
		{0},
	};

	log_write(sync->error ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, fields);
}

static void count(struct sync *sync)
{
	struct catalog *catalog = sync->catalog;
	struct metrics *metrics = sync->workshop->metrics;
	const char *const labels[] = {"provider", sync->name, NULL};

	metric_add(sync->error                        ? catalog->syncs_failed
		   : sync->counters.problem_count > 0 ? catalog->syncs_partial
						      : catalog->syncs_succeeded,
		   1);
	if (!sync->error)
		metric_set_time_us(metrics_get(metrics, METRIC_GAUGE, PROVIDER_SYNCED_METRIC,
					       "When the provider's feed was last seen whole.",
					       labels),
				   clock_wall_us());
}

static void ended(struct flow *flow)
{
	struct sync *sync = sync_of(flow);

	tell(sync);
	count(sync);
	sync->catalog->syncs_running--;
	sync->is_over = true;
	flow_nudge(&sync->renewal);
	flow_is_over(sync);
}

/* --- the beginning ---------------------------------------------------------------------------------- */

static void delete_sync(struct sync *sync)
{
	sync_intake_finish(sync);
	arena_destroy(sync->arena);
	free(sync);
}

static const char *keep(struct sync *sync, const struct db_rows *rows, size_t row, const char *name)
{
	return arena_text(sync->arena, rows_text_of(rows, row, name));
}

static void begin_sync(struct catalog *catalog, const struct db_rows *rows, size_t row)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (!sync)
		abort();
	sync->catalog = catalog;
	sync->workshop = catalog->workshop;
	sync->demo_url = catalog->options->demo_url;
	sync->arena = arena_create();
	sync->spool = -1;
	sync->began_us = clock_steady_us();
	sync->provider_id = keep(sync, rows, row, "provider_id");
	sync->lease = keep(sync, rows, row, "lease");
	sync->sync_id = keep(sync, rows, row, "sync_id");
	sync->name = keep(sync, rows, row, "name");
	sync->url = keep(sync, rows, row, "url");
	sync->timezone = keep(sync, rows, row, "timezone");
	sync->request_id = keep(sync, rows, row, "request_id");
	sync->traceparent = keep(sync, rows, row, "traceparent");
	sync->etag = keep(sync, rows, row, "etag");
	sync->last_modified = keep(sync, rows, row, "last_modified");
	sync->body_digest = keep(sync, rows, row, "body_digest");
	sync->known_events = rows_number_of(rows, row, "events");
	sync->new_etag = "";
	sync->new_last_modified = "";
	sync->open_flows = 2;
	catalog->syncs_running++;
	flow_start(sync->workshop->flows, &sync->flow, steps, ended);
	flow_start(sync->workshop->flows, &sync->renewal, renewal_steps, renewed);
}

/* --- the job ---------------------------------------------------------------------------------------- */

static struct catalog *catalog_of(struct flow *flow)
{
	return container_of(job_run_of(flow)->job, struct catalog, sync_job);
}

static enum flow_next claim(struct flow *flow)
{
	struct catalog *catalog = catalog_of(flow);
	const struct settings *settings = catalog->workshop->settings;
	int64_t room =
		settings_number(settings, SETTING_EVENTS_SYNC_CONCURRENCY) - catalog->syncs_running;
	const struct db_value values[] = {
		db_number(flow->arena, room > 0 ? room : 0),
		db_number(flow->arena, SYNC_LEASE_S),
		db_number(flow->arena,
			  settings_number(settings, SETTING_EVENTS_SYNC_DELAY_SECONDS)),
	};

	flow_ask(flow, catalog->workshop->write, SQL_CATALOG_SYNC_CLAIM, values, 3);
	return FLOW_WAIT;
}

static enum flow_next begin_claimed(struct flow *flow)
{
	struct catalog *catalog = catalog_of(flow);

	if (flow->answer->verdict != DB_ANSWERED)
		return FLOW_END;
	for (size_t row = 0; row < rows_count(flow->answer->rows); row++)
		begin_sync(catalog, flow->answer->rows, row);
	flow_ask(flow, catalog->workshop->write, SQL_CATALOG_SYNC_NEXT, NULL, 0);
	return FLOW_WAIT;
}

static enum flow_next plan(struct flow *flow)
{
	struct job_run *run = job_run_of(flow);
	const struct db_rows *rows = flow->answer->rows;

	if (flow->answer->verdict != DB_ANSWERED || rows_is_null(rows, 0, 0))
		return FLOW_END;
	run->has_next = true;
	run->next_in_us = rows_number(rows, 0, 0);
	if (run->next_in_us < LOOK_AGAIN_US)
		run->next_in_us = LOOK_AGAIN_US;
	return FLOW_END;
}

const struct flow_step catalog_sync_steps[] = {
	{"claim", claim}, {"begin", begin_claimed}, {"plan", plan}, {0}};
