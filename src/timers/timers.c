/* timers.c - opens and closes the firing engine, wakes it at the next time, and its news to other
 * daemons. Called by the hall on the scheduler's thread. */
#include "almanac/timers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/fields.h"
#include "almanac/log.h"
#include "engine.h"

#define PURGE_PERIOD_S 3600
#define PURGE_LEASE_S 300
#define AWAY_US (SECOND_US / 4)
#define PAYLOAD_MAX 4000

/* Patience with the database: what waits longer is asked again. */
#define STATEMENT_TIMEOUT_MS 10000
#define ANSWER_TIMEOUT_MS 4000
#define QUEUE_MAX 4096
#define BATCH_MAX 64

/* libcurl walks all its connections to find the one for a call: destinations are dealt out. */
#define LANES 16

/* A better reading of the clock is believed until it is so old; clocks drift. */
#define CLOCK_FRESH_US (60 * SECOND_US)

/* --- the clock ---------------------------------------------------------------------------------------- */

/* The database's clock minus ours, taken so that it can be too low but never too high: nothing is
 * called early. The highest of the last readings is the best; one that contradicts the answer's own
 * upper bound says that a clock was set back. */
void timers_note_clock(struct timers *timers, int64_t told_us, int64_t asked_us)
{
	int64_t now = clock_steady_us();
	int64_t lowest = told_us - now, highest = told_us - asked_us;

	if (timers->noted_us && lowest <= timers->offset_us && timers->offset_us <= highest &&
	    now - timers->noted_us < CLOCK_FRESH_US)
		return;
	timers->offset_us = lowest;
	timers->noted_us = now;
}

bool timers_has_clock(const struct timers *timers)
{
	return timers->noted_us != 0;
}

int64_t timers_now_us(const struct timers *timers)
{
	return clock_steady_us() + timers->offset_us;
}

int64_t timers_steady_of(const struct timers *timers, int64_t moment_us)
{
	return moment_us - timers->offset_us;
}

/* --- a timer's end in memory -------------------------------------------------------------------------- */

static void free_flight(struct timers *timers, struct timer_entry *entry)
{
	if (!entry->flight)
		return;
	timers->hold.in_pipe[entry->shard]--;
	arena_destroy(entry->flight->arena);
	free(entry->flight);
}

void timers_forget(struct timers *timers, struct timer_entry *entry)
{
	struct destination *destination = entry->destination;
	struct timer_news again = {entry->id, entry->shard, entry->again_us,
				   span_of(destination->name)};

	free_flight(timers, entry);
	table_remove(&timers->table, entry);
	if (again.next_us && timers_owns(timers, again.shard))
		timers_expect(timers, &again);
	destination_give(destination);
}

/* --- turns -------------------------------------------------------------------------------------------- */

static void tell_metrics(struct timers *timers)
{
	const struct timers_metrics *metrics = &timers->metrics;
	int64_t oldest = destinations_oldest_us(&timers->destinations);
	int64_t age = oldest ? timers_now_us(timers) - oldest : 0;

	metric_set(metrics->waiting, (int64_t)timers->waiting.count);
	metric_set(metrics->due, (int64_t)timers->due);
	metric_set(metrics->flying, (int64_t)timers->flying);
	metric_set(metrics->unsettled,
		   (int64_t)(timers->results.count + timers->being_settled.count +
			     timers->refused.count));
	metric_set_time_us(metrics->overdue, age > 0 ? age : 0);
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* When there is something to do next, by the steady clock. */
static int64_t next_wake(const struct timers *timers)
{
	const struct timer_entry *waiting = heap_first(&timers->waiting);
	const struct timer_entry *armed = heap_first(&timers->armed);
	int64_t wake = INT64_MAX;

	if (waiting)
		wake = timers_steady_of(timers, waiting->next_us - TIMER_CLOSING_US / 2);
	if (armed)
		wake = earlier(wake, timers_steady_of(timers, armed->next_us));
	if (timers->due && timers->confirm_after_us > clock_steady_us())
		wake = earlier(wake, timers->confirm_after_us);
	return earlier(wake, fire_next_us(timers));
}

void timers_turn(struct timers *timers)
{
	int64_t wake;

	if (timers->is_closed)
		return;
	fire_turn(timers);
	if (!timers_may_fire(timers))
		return;
	wake = next_wake(timers);
	if (wake == INT64_MAX)
		loop_timer_clear(timers->workshop->loop, &timers->wake);
	else if (!timers->wake.is_set || timers->wake.due_us != wake)
		loop_timer_set(timers->workshop->loop, &timers->wake, wake);
}

static void woken(struct loop_timer *timer)
{
	timers_turn(container_of(timer, struct timers, wake));
}

/* Once a second, while there is anything to tell. */
static void tell_again(struct loop_timer *timer)
{
	struct timers *timers = container_of(timer, struct timers, telling);

	tell_metrics(timers);
	loop_timer_set(timers->workshop->loop, timer, clock_steady_us() + SECOND_US);
}

static void reopened(struct destinations *all)
{
	timers_turn(container_of(all, struct timers, destinations));
}

/* --- news to and from other daemons ------------------------------------------------------------------- */

struct notice {
	struct flow flow;
	struct timers *timers;
	char *payload;
};

static enum flow_next tell(struct flow *flow)
{
	struct notice *notice = container_of(flow, struct notice, flow);
	const struct db_value values[] = {db_text(notice->payload)};

	if (flow->answer && (flow->answer->verdict != DB_AWAY || flow->is_stopping))
		return FLOW_END;
	if (flow->answer)
		flow_pause(flow, clock_steady_us() + AWAY_US);
	else
		flow_ask(flow, notice->timers->write, SQL_TIMERS_NOTIFY, values, 1);
	return FLOW_STAY;
}

static const struct flow_step notice_steps[] = {{"tell", tell}, {0}};

static void told(struct flow *flow)
{
	struct notice *notice = container_of(flow, struct notice, flow);

	free(notice->payload);
	free(notice);
}

static void send_notice(struct timers *timers, struct str *payload)
{
	struct notice *notice = calloc(1, sizeof(*notice));

	if (!notice)
		abort();
	notice->timers = timers;
	notice->payload = str_release(payload);
	flow_start(timers->workshop->flows, &notice->flow, notice_steps, told);
}

void timers_tell_holder(struct timers *timers, const struct timer_news *news)
{
	char id[UUID_TEXT_LENGTH];
	struct str payload;

	uuid_write(&news->id, id);
	str_init(&payload, PAYLOAD_MAX);
	str_format(&payload, "expect %d %lld %.*s %.*s", news->shard, (long long)news->next_us,
		   UUID_TEXT_LENGTH, id, (int)news->destination.length, news->destination.bytes);
	send_notice(timers, &payload);
}

void timers_tell_look(struct timers *timers, uint64_t shards)
{
	struct str payload;

	str_init(&payload, PAYLOAD_MAX);
	str_format(&payload, "look %lld", (long long)shards);
	send_notice(timers, &payload);
}

static bool read_expect(struct span rest, struct timer_news *news)
{
	struct span part;
	int64_t shard;

	if (!span_split(&rest, ' ', &part) || !integer_parse(part, &shard) || shard < 0 ||
	    shard >= TIMER_SHARDS || !span_split(&rest, ' ', &part) ||
	    !integer_parse(part, &news->next_us) || !span_split(&rest, ' ', &part) ||
	    !uuid_read(part, &news->id) || rest.length == 0)
		return false;
	news->shard = (int)shard;
	news->destination = rest;
	return true;
}

static void look_again(struct timers *timers, uint64_t shards)
{
	timers->hold.fresh |= timers->hold.owned & shards;
	if (timers->hold.fresh)
		window_read(timers);
}

/* News may have been missed while the connection was away: then all is read again. */
void timers_heard(struct timers *timers, const char *payload)
{
	struct span rest = span_of(payload);
	struct timer_news news;
	struct span word;
	int64_t shards;

	if (!payload) {
		look_again(timers, UINT64_MAX);
		return;
	}
	span_split(&rest, ' ', &word);
	if (span_is(word, "lease")) {
		if (!timers->is_stopping)
			lease_renew(timers);
	} else if (span_is(word, "look") && integer_parse(rest, &shards)) {
		look_again(timers, (uint64_t)shards);
	} else if (span_is(word, "expect") && read_expect(rest, &news) &&
		   timers_owns(timers, news.shard)) {
		timers_expect(timers, &news);
		timers_turn(timers);
	}
}

/* --- opening ------------------------------------------------------------------------------------------ */

static struct db *open_db(struct timers *timers, bool is_read_only, const char *label)
{
	const struct db_options options = {
		.conninfo = settings_database(timers->workshop->settings),
		.application_name = label,
		.is_read_only = is_read_only,
		.queue_max = QUEUE_MAX,
		.batch_max = BATCH_MAX,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS,
		.answer_timeout_ms = ANSWER_TIMEOUT_MS,
		.metrics = timers->workshop->metrics,
		.label = label,
	};

	return db_open(timers->workshop->loop, &options);
}

/* The settings were judged before the daemon began to serve. */
static void open_caller(struct timers *timers)
{
	const struct settings *settings = timers->workshop->settings;
	struct str complaint;
	struct fetcher_options options = {
		.user_agent = timers->options->user_agent,
		.lanes = LANES,
		.max_kept = (int)settings_number(settings, SETTING_TIMER_DESTINATION_CONCURRENCY),
	};

	str_init(&complaint, PAYLOAD_MAX);
	timers->guard = guard_create(settings_text(settings, SETTING_WEBHOOK_ALLOW), &complaint);
	timers->secrets = webhook_secrets_create(
		settings_text(settings, SETTING_WEBHOOK_SIGNING_SECRETS), &complaint);
	timers->retries = webhook_retries_create(
		settings_text(settings, SETTING_TIMER_RETRY_SECONDS), &complaint);
	assert(timers->guard && timers->secrets && timers->retries);
	str_finish(&complaint);
	options.guard = timers->guard;
	timers->concurrency = (size_t)settings_number(settings, SETTING_TIMER_CONCURRENCY);
	timers->slow_limit = (size_t)settings_number(settings, SETTING_TIMER_SLOW_CONCURRENCY);
	options.max_connections = (int)(timers->concurrency + timers->slow_limit);
	timers->fetcher = fetcher_create(timers->workshop->loop, &options);
}

static struct metric *counter(struct timers *timers, const char *name, const char *help)
{
	return metrics_get(timers->workshop->metrics, METRIC_COUNTER, name, help, NULL);
}

static struct metric *gauge(struct timers *timers, const char *name, const char *help)
{
	return metrics_get(timers->workshop->metrics, METRIC_GAUGE, name, help, NULL);
}

static struct metric *outcome(struct timers *timers, const char *word)
{
	const char *const labels[] = {"outcome", word, NULL};

	return metrics_get(timers->workshop->metrics, METRIC_COUNTER,
			   "almanac_timer_attempts_total", "Attempts by their outcome.", labels);
}

static void register_metrics(struct timers *timers)
{
	timers->metrics = (struct timers_metrics){
		.fired = counter(timers, "almanac_timers_fired_total", "Webhooks called."),
		.finished = outcome(timers, "finished"),
		.failed = outcome(timers, "failed"),
		.retried = outcome(timers, "retry"),
		.stale = outcome(timers, "stale"),
		.lateness = metrics_get(timers->workshop->metrics, METRIC_LATENESS,
					"almanac_timer_lateness_seconds",
					"From the time an attempt was due to its call.", NULL),
		.waiting = gauge(timers, "almanac_timers_waiting",
				 "Timers in memory whose time has not come."),
		.due = gauge(timers, "almanac_timers_backlog", "Timers due and not called yet."),
		.flying = gauge(timers, "almanac_timers_in_flight", "Calls under way."),
		.unsettled = gauge(timers, "almanac_timers_unsettled",
				   "Results that are not written yet."),
		.overdue = gauge(timers, "almanac_timers_oldest_overdue_seconds",
				 "How late the oldest timer is that is due and not called yet."),
		.shards = gauge(timers, "almanac_timer_shards", "Shards this daemon holds."),
		.reclaimed = counter(timers, "almanac_timer_leases_reclaimed_total",
				     "Shards taken over from daemons that died."),
	};
}

bool timers_judge(const struct settings *settings, struct str *complaint)
{
	struct guard *guard;
	struct webhook_secrets *secrets;
	struct webhook_retries *retries;
	bool is_good;

	str_append_text(complaint, "WEBHOOK_ALLOW: ");
	guard = guard_create(settings_text(settings, SETTING_WEBHOOK_ALLOW), complaint);
	guard_destroy(guard);
	if (!guard)
		return false;
	str_clear(complaint);
	str_append_text(complaint, "WEBHOOK_SIGNING_SECRETS: ");
	secrets = webhook_secrets_create(settings_text(settings, SETTING_WEBHOOK_SIGNING_SECRETS),
					 complaint);
	webhook_secrets_destroy(secrets);
	if (!secrets)
		return false;
	str_clear(complaint);
	str_append_text(complaint, "TIMER_RETRY_SECONDS: ");
	retries = webhook_retries_create(settings_text(settings, SETTING_TIMER_RETRY_SECONDS),
					 complaint);
	is_good = retries != NULL;
	webhook_retries_destroy(retries);
	return is_good;
}

struct timers *timers_open(struct timers_options *options)
{
	struct timers *timers = calloc(1, sizeof(*timers));
	const struct settings *settings = options->workshop->settings;

	if (!timers)
		abort();
	timers->options = options;
	timers->workshop = options->workshop;
	timers->desk = options->desk;
	timers->wake.fire = woken;
	timers->telling.fire = tell_again;
	timers->purge_job = (struct job){.name = "timers-purge",
					 .period_s = PURGE_PERIOD_S,
					 .lease_s = PURGE_LEASE_S,
					 .steps = timers_purge_steps};
	register_metrics(timers);
	open_caller(timers);
	destinations_init(&timers->destinations, timers->workshop->loop,
			  (size_t)settings_number(settings, SETTING_TIMER_DESTINATION_CONCURRENCY));
	timers->destinations.reopened = reopened;
	timers->read = open_db(timers, true, "almanac-timers-read");
	timers->write = open_db(timers, false, "almanac-timers-write");
	window_open(timers);
	fire_open(timers);
	settle_open(timers);
	lease_open(timers);
	loop_timer_set(timers->workshop->loop, &timers->telling, 0);
	atomic_store(&timers->desk->engine, timers);
	atomic_store(&timers->desk->mailbox, scheduler_mailbox(timers->workshop->scheduler));
	return timers;
}

/* --- closing ------------------------------------------------------------------------------------------ */

void timers_drop_confirmed(struct timers *timers)
{
	struct timer_entry *entry;

	while ((entry = heap_first(&timers->armed))) {
		heap_remove(&timers->armed, entry);
		destination_leave(entry->destination, entry);
		timers_forget(timers, entry);
	}
	while ((entry = destinations_any_ready(&timers->destinations))) {
		destination_leave(entry->destination, entry);
		timers_forget(timers, entry);
	}
}

void timers_stop(struct timers *timers)
{
	timers->is_stopping = true;
	atomic_store(&timers->desk->owned, 0);
	timers_drop_confirmed(timers);
	timers->hold.leaving = timers->hold.owned;
	settle_stop(timers);
	lease_renew(timers);
}

bool timers_is_quiet(const struct timers *timers)
{
	bool is_away = !timers->write || !db_is_connected(timers->write);

	return timers->flying == 0 && (is_away || (timers->hold.is_gone && !timers->is_settling &&
						   !timers->results.first));
}

void timers_give_up(struct timers *timers)
{
	timers->is_closed = true;
	db_close(timers->read);
	db_close(timers->write);
	fetcher_destroy(timers->fetcher);
	timers->read = NULL;
	timers->write = NULL;
	timers->fetcher = NULL;
}

static void free_flights(struct timers *timers)
{
	for (size_t i = 0; i < timers->table.size; i++)
		for (struct timer_entry *entry = timers->table.buckets[i]; entry;
		     entry = entry->next_in_bucket)
			free_flight(timers, entry);
}

void timers_close(struct timers *timers)
{
	if (!timers)
		return;
	atomic_store(&timers->desk->engine, NULL);
	if (timers->fetcher)
		timers_give_up(timers);
	loop_timer_clear(timers->workshop->loop, &timers->wake);
	loop_timer_clear(timers->workshop->loop, &timers->telling);
	window_close(timers);
	lease_close(timers);
	settle_close(timers);
	fire_close(timers);
	free_flights(timers);
	table_finish(&timers->table);
	heap_finish(&timers->waiting);
	heap_finish(&timers->armed);
	destinations_finish(&timers->destinations);
	webhook_secrets_destroy(timers->secrets);
	webhook_retries_destroy(timers->retries);
	guard_destroy(timers->guard);
	free(timers);
}

struct job *timers_purge_job(struct timers *timers)
{
	return &timers->purge_job;
}
