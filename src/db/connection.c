/* connection.c - one connection: opened in the background, kept, opened anew; the db's door. */
#include "connection.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/digest.h"
#include "almanac/log.h"

#define FIRST_BACKOFF_US INT64_C(20000)
#define MOST_BACKOFF_US INT64_C(2000000)
#define CONNECT_TIMEOUT_US INT64_C(2000000)
#define BRIDGE_PART 4 /* of the answer timeout */
#define TELL_AGAIN_US INT64_C(10000000)
#define MESSAGE_MAX 1000

/* --- losing it -------------------------------------------------------------------------------------- */

/* Half of the wait is fixed, half a throw of dice: many clients do not come back at once. Nobody waits
 * between the servers of one round. */
static void plan_reconnect(struct db *db)
{
	uint32_t dice;

	if (db->turn.tries % db->host_count != 0) {
		loop_timer_set(db->loop, &db->timer, clock_steady_us());
		return;
	}
	random_bytes(&dice, sizeof(dice));
	loop_timer_set(db->loop, &db->timer,
		       clock_steady_us() + db->backoff_us / 2 + dice % (db->backoff_us / 2 + 1));
	db->backoff_us =
		db->backoff_us * 2 < MOST_BACKOFF_US ? db->backoff_us * 2 : MOST_BACKOFF_US;
}

static void tell_lost(struct db *db, const char *reason)
{
	int64_t now = clock_steady_us();
	struct str message;

	if (db->state != DB_STATE_READY && db->told_away_us &&
	    now - db->told_away_us < TELL_AGAIN_US)
		return;
	db->told_away_us = now;
	str_init(&message, MESSAGE_MAX);
	trim_message(reason, &message);
	log_warn(log_what(db->state == DB_STATE_READY ? "database lost" : "database not reached"),
		 log_text("connection", db->options.label), log_text("reason", str_text(&message)));
	str_finish(&message);
}

static void disconnect(struct db *db, bool is_end)
{
	loop_unwatch(db->loop, &db->watch);
	loop_timer_clear(db->loop, &db->timer);
	dial_abandon(db->dial, is_end);
	PQfinish(db->connection);
	db->dial = NULL;
	db->connection = NULL;
	db->state = DB_STATE_AWAY;
	if (db->metrics.connected)
		metric_set(db->metrics.connected, 0);
}

/* A short absence is bridged: what was not sent yet, and what is asked meanwhile, waits for the next
 * connection. */
static void bridge(struct db *db)
{
	int64_t patience_us = (int64_t)db->options.answer_timeout_ms * 1000;

	if (!db->options.is_replica)
		loop_timer_set(db->loop, &db->bridge,
			       clock_steady_us() + patience_us / BRIDGE_PART);
}

static void bridge_ends(struct loop_timer *timer)
{
	batch_lose_queue(container_of(timer, struct db, bridge), "there is no database connection");
}

void db_lose(struct db *db, const char *reason)
{
	if (db->state == DB_STATE_READY)
		bridge(db);
	else
		db->turn.tries++;
	tell_lost(db, reason);
	disconnect(db, false);
	plan_reconnect(db);
	batch_lose_flight(db, "the database connection was lost");
	if (db->options.is_replica)
		batch_lose_queue(db, "the database connection was lost");
}

/* --- getting it ------------------------------------------------------------------------------------- */

static void watch_for(struct db *db, int fd, uint32_t events)
{
	if (db->watch.is_watched && db->watch.fd == fd && db->watch.events == events)
		return;
	if (db->watch.fd != fd)
		loop_unwatch(db->loop, &db->watch);
	db->watch.fd = fd;
	db->watch.events = events;
	loop_watch(db->loop, &db->watch);
}

bool db_flush(struct db *db)
{
	int left = PQflush(db->connection);

	if (left < 0) {
		db_lose(db, PQerrorMessage(db->connection));
		return false;
	}
	watch_for(db, PQsocket(db->connection), left ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return true;
}

static void tell_news(struct db *db, const char *channel, const char *payload)
{
	db->is_telling = true;
	db->options.listener->heard(db->options.listener, channel, payload);
	db->is_telling = false;
}

static void tell_all_channels(struct db *db)
{
	struct db_listener *listener = db->options.listener;

	for (const char *const *channel = listener ? listener->channels : NULL; channel && *channel;
	     channel++)
		tell_news(db, *channel, NULL);
}

static void become_ready(struct db *db)
{
	db->state = DB_STATE_READY;
	db->connects++;
	db->turn = (struct turn){.first = (db->turn.first + db->turn.tries) % db->host_count};
	db->backoff_us = FIRST_BACKOFF_US;
	db->told_away_us = 0;
	loop_timer_clear(db->loop, &db->timer);
	loop_timer_clear(db->loop, &db->bridge);
	log_info(log_what("database connected"), log_text("connection", db->options.label),
		 log_text("host", PQhost(db->connection)), log_text("port", PQport(db->connection)),
		 log_number("backend", PQbackendPID(db->connection)));
	if (db->metrics.connected) {
		metric_set(db->metrics.connected, 1);
		metric_add(db->metrics.reconnects, 1);
	}
	tell_all_channels(db);
}

static void prepare(struct db *db)
{
	db->state = DB_STATE_PREPARING;
	if (!statements_send(db) && db->state == DB_STATE_PREPARING)
		db_lose(db, PQerrorMessage(db->connection));
}

/* The socket may be another one after every poll (libpq, "PQconnectPoll"). */
static void poll_connect(struct db *db)
{
	PostgresPollingStatusType status;

	loop_unwatch(db->loop, &db->watch);
	status = PQconnectPoll(db->connection);
	if (status == PGRES_POLLING_FAILED)
		db_lose(db, PQerrorMessage(db->connection));
	else if (status == PGRES_POLLING_OK)
		prepare(db);
	else
		watch_for(db, PQsocket(db->connection),
			  status == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT);
}

static void take_connection(struct db *db)
{
	loop_unwatch(db->loop, &db->watch);
	db->connection = dial_take(db->dial);
	db->dial = NULL;
	db->state = DB_STATE_CONNECTING;
	if (PQstatus(db->connection) == CONNECTION_BAD) {
		db_lose(db, PQerrorMessage(db->connection));
		return;
	}
	loop_timer_set(db->loop, &db->timer, clock_steady_us() + CONNECT_TIMEOUT_US);
	watch_for(db, PQsocket(db->connection), EPOLLOUT);
}

/* Another name may be resolved sooner than this one. */
static void connect_again(struct db *db)
{
	db->state = DB_STATE_DIALING;
	db->dial = dial_start(&db->options, &db->turn);
	if (!db->dial) {
		db_lose(db, "no thread or file is left to connect with");
		return;
	}
	watch_for(db, dial_fd(db->dial), EPOLLIN);
	if (db->host_count > 1)
		loop_timer_set(db->loop, &db->timer, clock_steady_us() + CONNECT_TIMEOUT_US);
}

/* --- what comes in ---------------------------------------------------------------------------------- */

static void take_notifications(struct db *db)
{
	PGnotify *news;

	while ((news = PQnotifies(db->connection))) {
		if (db->options.listener)
			tell_news(db, news->relname, news->extra);
		PQfreemem(news);
	}
}

static void receive(struct db *db)
{
	if (db->state == DB_STATE_READY) {
		batch_receive(db);
		if (db->state == DB_STATE_READY)
			take_notifications(db);
	} else if (statements_receive(db)) {
		if (db->is_prepared)
			become_ready(db);
		else
			db_lose(db, "the statements could not be prepared");
	}
}

/* libpq reads while it writes, so that two full pipes do not wait for each other: after writing
 * there may be something to take although the socket has nothing to read any more. */
static void ready(struct loop_watch *watch, uint32_t events)
{
	struct db *db = container_of(watch, struct db, watch);

	if (db->state == DB_STATE_DIALING) {
		take_connection(db);
		return;
	}
	if (db->state == DB_STATE_CONNECTING) {
		poll_connect(db);
		return;
	}
	if ((events & EPOLLOUT) && !db_flush(db))
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		db->progress_us = clock_steady_us();
	if (PQconsumeInput(db->connection))
		receive(db);
	else
		db_lose(db, PQerrorMessage(db->connection));
}

/* --- deadlines -------------------------------------------------------------------------------------- */

static void watch_flight(struct db *db)
{
	batch_expire_queue(db);
	if (batch_is_stuck(db)) {
		db_lose(db, "the database does not answer");
		batch_lose_queue(db, "the database does not answer");
	} else if (db->flight.count > 0) {
		loop_timer_set(db->loop, &db->timer, batch_deadline(db));
	}
}

static void due(struct loop_timer *timer)
{
	struct db *db = container_of(timer, struct db, timer);

	if (db->state == DB_STATE_AWAY)
		connect_again(db);
	else if (db->state == DB_STATE_READY)
		watch_flight(db);
	else if (db->state == DB_STATE_DIALING)
		db_lose(db, "the database's name is not resolved");
	else
		db_lose(db, "the database does not answer the connect");
}

/* All that was asked in one turn of the loop leaves together. Who was answered because the
 * connection is lost may have work for hooks that were asked before: the loop goes round again. */
static int64_t before_sleep(struct loop_hook *hook)
{
	struct db *db = container_of(hook, struct db, hook);
	bool was_ready = db->state == DB_STATE_READY;
	int64_t waits_us = was_ready && db->flight.count == 0 ? batch_waits_us(db) : 0;

	if (waits_us == 0)
		batch_send_next(db);
	if (db->metrics.waiting)
		metric_set(db->metrics.waiting, (int64_t)db_waiting(db));
	if (was_ready && db->state != DB_STATE_READY)
		return 0;
	return waits_us > 0 ? waits_us : INT64_MAX;
}

/* --- the door --------------------------------------------------------------------------------------- */

static void register_metrics(struct db *db)
{
	const char *const labels[] = {"connection", db->options.label, NULL};
	struct metrics *metrics = db->options.metrics;

	if (!metrics)
		return;
	db->metrics = (struct db_metrics){
		metrics_get(metrics, METRIC_GAUGE, "almanac_database_connected",
			    "Whether the connection stands.", labels),
		metrics_get(metrics, METRIC_GAUGE, "almanac_database_waiting",
			    "Questions queued and in flight.", labels),
		metrics_get(metrics, METRIC_COUNTER, "almanac_database_batches_total",
			    "Batches sent, each behind one Sync.", labels),
		metrics_get(metrics, METRIC_COUNTER, "almanac_database_questions_total",
			    "Questions sent.", labels),
		metrics_get(metrics, METRIC_COUNTER, "almanac_database_refused_total",
			    "Questions that PostgreSQL refused.", labels),
		metrics_get(metrics, METRIC_COUNTER, "almanac_database_connects_total",
			    "Connections made.", labels),
		metrics_get(metrics, METRIC_HISTOGRAM, "almanac_database_answer_seconds",
			    "From asking to the answer.", labels),
	};
}

struct db *db_open(struct loop *loop, const struct db_options *options)
{
	struct db *db = calloc(1, sizeof(*db));

	if (!db)
		abort();
	db->loop = loop;
	db->options = *options;
	db->host_count = hosts_count(options->conninfo);
	db->backoff_us = FIRST_BACKOFF_US;
	db->batch_limit = (size_t)options->batch_max;
	db->watch.fd = -1;
	db->watch.ready = ready;
	db->timer.fire = due;
	db->bridge.fire = bridge_ends;
	db->hook.before_sleep = before_sleep;
	register_metrics(db);
	loop_hook_add(loop, &db->hook);
	loop_timer_set(loop, &db->timer, 0);
	bridge(db);
	return db;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	assert(!db->is_telling);
	disconnect(db, true);
	loop_timer_clear(db->loop, &db->bridge);
	loop_hook_remove(db->loop, &db->hook);
	batch_lose_flight(db, "stopping");
	batch_lose_queue(db, "stopping");
	free(db);
}

bool db_ask(struct db *db, struct question *question)
{
	bool is_taking = db->state == DB_STATE_READY || db->bridge.is_set;

	if (!is_taking || db->queue.count >= (size_t)db->options.queue_max)
		return false;
	question->asked_us = clock_steady_us();
	question->kept = NULL;
	question->repeats = 0;
	question->next = NULL;
	question->group = NULL;
	if (db->queue.last)
		db->queue.last->next = question;
	else
		db->queue.first = question;
	db->queue.last = question;
	db->queue.count++;
	return true;
}

void db_hurry(struct db *db)
{
	batch_send_next(db);
}

bool db_is_connected(const struct db *db)
{
	return db->state == DB_STATE_READY;
}

int64_t db_connects(const struct db *db)
{
	return db->connects;
}

size_t db_waiting(const struct db *db)
{
	bool is_whole = db->flight.count > 0 && !db->has_sync_each;

	return db->queue.count + (is_whole ? db->flight_size : db->flight.count);
}
