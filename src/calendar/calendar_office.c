/* calendar_office.c - the calendar's own thread: offers a fresh database its users, claims the runs that are due
 * or asked for and begins them. Called by calendar.c; calls calendar_sync.c and calendar_peek.c.
 *
 *   woken (clock, news, an end) ──▶ offer ──▶ claim ──▶ begin each ──▶ when is the next one due?
 */
#include "office.h"

#include <stdlib.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "users.h"

#define SECOND INT64_C(1000000)
#define LOOK_AGAIN_US SECOND
#define LOOK_AT_LEAST_US (60 * SECOND)
#define LEAST_WAIT_US (SECOND / 100)
#define MAX_CONNECTIONS 64

/* Fifty thousand events travel and are written in one statement. */
#define STATEMENT_TIMEOUT_MS 120000
#define ANSWER_TIMEOUT_MS 130000
#define QUEUE_MAX 256
#define USERS_BYTES ((size_t)64 << 10)

static const char *const channels[] = {CALENDAR_CHANNEL, NULL};

static int64_t setting(const struct office *office, enum setting name)
{
	return settings_number(office->settings, name);
}

/* --- looking for runs --------------------------------------------------------------------------------------- */

static struct office *office_of(struct flow *flow)
{
	return container_of(flow, struct office, looking);
}

static enum flow_next offer(struct flow *flow)
{
	struct office *office = office_of(flow);

	if (office->has_offered)
		return FLOW_NEXT;
	if (flow->answer) {
		office->has_offered = flow->answer->verdict == DB_ANSWERED;
		return office->has_offered ? FLOW_NEXT : FLOW_END;
	}
	const struct db_value values[] = {
		db_array_value(&office->users),
		db_number(flow->arena, setting(office, SETTING_CALENDAR_SYNC_INTERVAL_SECONDS)),
	};

	flow_ask(flow, office->db, SQL_CALENDAR_OFFER, values, 2);
	return FLOW_STAY;
}

/* Sources that failed may hang again: they never take all places. */
static enum flow_next claim(struct flow *flow)
{
	struct office *office = office_of(flow);
	int64_t most = setting(office, SETTING_CALENDAR_SYNC_CONCURRENCY);
	const struct db_value values[] = {
		db_number(flow->arena, most - office->runs),
		db_number(flow->arena,
			  most / 2 > office->doubtful_runs ? most / 2 - office->doubtful_runs : 0),
		db_number(flow->arena, SYNC_LEASE_S),
		db_number(flow->arena, setting(office, SETTING_CALENDAR_SYNC_INTERVAL_SECONDS)),
	};

	if (office->is_stopping || office->runs >= most)
		return FLOW_END;
	flow_ask(flow, office->db, SQL_CALENDAR_SYNC_CLAIM, values, 4);
	return FLOW_WAIT;
}

static enum flow_next begin(struct flow *flow)
{
	struct office *office = office_of(flow);

	if (flow->answer->verdict != DB_ANSWERED)
		return FLOW_END;
	for (size_t row = 0; row < rows_count(flow->answer->rows); row++)
		sync_begin(office, flow->answer->rows, row);
	flow_ask(flow, office->db, SQL_CALENDAR_SYNC_NEXT, NULL, 0);
	return FLOW_WAIT;
}

/* One that is due all the same is held back by something that no clock tells: another's transaction, or too
 * many that failed. */
static enum flow_next plan(struct flow *flow)
{
	struct office *office = office_of(flow);
	int64_t wait = LOOK_AT_LEAST_US;

	if (flow->answer->verdict != DB_ANSWERED)
		return FLOW_END;
	if (!rows_is_null(flow->answer->rows, 0, 0))
		wait = rows_number(flow->answer->rows, 0, 0);
	if (wait == 0)
		wait = LOOK_AGAIN_US;
	if (wait < LEAST_WAIT_US)
		wait = LEAST_WAIT_US;
	if (wait < LOOK_AT_LEAST_US)
		loop_timer_set(office->loop, &office->wake, clock_steady_us() + wait);
	return FLOW_END;
}

static const struct flow_step look_steps[] = {
	{"offer", offer}, {"claim", claim}, {"begin", begin}, {"plan", plan}, {0}};

static void looked(struct flow *flow)
{
	struct office *office = office_of(flow);

	office->is_looking = false;
	if (office->has_news)
		office_look(office);
}

void office_look(struct office *office)
{
	if (office->is_stopping)
		return;
	if (office->is_looking) {
		office->has_news = true;
		return;
	}
	office->is_looking = true;
	office->has_news = false;
	loop_timer_set(office->loop, &office->wake, clock_steady_us() + LOOK_AT_LEAST_US);
	flow_start(office->flows, &office->looking, look_steps, looked);
}

static void wake(struct loop_timer *timer)
{
	office_look(container_of(timer, struct office, wake));
}

static void heard(struct db_listener *listener, const char *channel, const char *payload)
{
	(void)channel;
	(void)payload;
	office_look(container_of(listener, struct office, listener));
}

/* --- letters ------------------------------------------------------------------------------------------------ */

static void stop_heard(struct letter *letter)
{
	struct office *office = container_of(letter, struct office, stop);

	office->is_stopping = true;
	flows_stop(office->flows);
	loop_timer_set(office->loop, &office->drain, 0);
}

static void close_connections(struct office *office)
{
	flows_close(office->flows);
	db_close(office->db);
	fetcher_destroy(office->fetcher);
	office->db = NULL;
	office->fetcher = NULL;
}

static void drain(struct loop_timer *timer)
{
	struct office *office = container_of(timer, struct office, drain);

	if (flows_running(office->flows) > 0) {
		loop_timer_set(office->loop, timer, clock_steady_us() + SECOND / 200);
		return;
	}
	atomic_store(&office->is_quiet, true);
	if (!office->db)
		loop_stop(office->loop);
}

static void quit_heard(struct letter *letter)
{
	struct office *office = container_of(letter, struct office, quit);

	office->is_stopping = true;
	flows_stop(office->flows);
	close_connections(office);
	loop_timer_set(office->loop, &office->drain, 0);
}

/* --- the thread --------------------------------------------------------------------------------------------- */

static void open_connections(struct office *office)
{
	const struct db_options options = {
		.conninfo = settings_database(office->settings),
		.application_name = "almanac-calendar",
		.queue_max = QUEUE_MAX,
		.batch_max = 1,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS,
		.answer_timeout_ms = ANSWER_TIMEOUT_MS,
		.listener = &office->listener,
		.metrics = office->options.metrics,
		.label = "almanac-calendar",
	};
	const struct fetcher_options fetching = {
		.guard = office->guard,
		.user_agent = office->options.user_agent,
		.max_connections = MAX_CONNECTIONS,
	};

	office->listener.channels = channels;
	office->listener.heard = heard;
	office->fetcher = fetcher_create(office->loop, &fetching);
	office->db = db_open(office->loop, &options);
}

static void *run(void *argument)
{
	struct office *office = argument;

	open_connections(office);
	loop_run(office->loop);
	loop_timer_clear(office->loop, &office->wake);
	return NULL;
}

static struct metric *count_of(struct office *office, const char *status)
{
	const char *const labels[] = {"status", status, NULL};

	return metrics_get(office->options.metrics, METRIC_COUNTER, "almanac_calendar_syncs_total",
			   "Sync runs of calendars by how they ended.", labels);
}

static void open_metrics(struct office *office)
{
	office->succeeded = count_of(office, "succeeded");
	office->partial = count_of(office, "partial");
	office->failed = count_of(office, "failed");
	office->running =
		metrics_get(office->options.metrics, METRIC_GAUGE, "almanac_calendar_syncs_running",
			    "Sync runs of calendars under way.", NULL);
}

struct office *office_start(const struct office_options *options)
{
	struct office *office = calloc(1, sizeof(*office));
	struct str complaint;

	if (!office)
		abort();
	office->options = *options;
	office->settings = options->settings;
	office->loop = loop_create();
	office->mailbox = mailbox_create(office->loop);
	office->flows = flows_create(office->loop);
	office->drain.fire = drain;
	office->wake.fire = wake;
	office->stop.open = stop_heard;
	office->quit.open = quit_heard;
	str_init(&complaint, 0);
	office->guard =
		guard_create(settings_text(options->settings, SETTING_SOURCE_ALLOW), &complaint);
	str_finish(&complaint);
	db_array_init(&office->users, USERS_BYTES);
	users_list(settings_text(options->settings, SETTING_CALENDAR_USERS), &office->users);
	open_metrics(office);
	if (!office->guard || pthread_create(&office->thread, NULL, run, office) != 0)
		abort();
	return office;
}

void office_stop(struct office *office)
{
	mailbox_post(office->mailbox, &office->stop);
}

bool office_is_quiet(struct office *office)
{
	return atomic_load(&office->is_quiet);
}

void office_destroy(struct office *office)
{
	mailbox_post(office->mailbox, &office->quit);
	pthread_join(office->thread, NULL);
	mailbox_destroy(office->mailbox);
	flows_destroy(office->flows);
	loop_destroy(office->loop);
	guard_destroy(office->guard);
	db_array_finish(&office->users);
	free(office);
}
