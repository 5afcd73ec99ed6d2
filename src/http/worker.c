/* worker.c - one worker: a thread with its loop, its libmicrohttpd daemon, its two database
 * connections and its cache. Called by server.c; hands requests to request.c.
 *
 *   loop ─▶ libmicrohttpd's epoll ─▶ request.c ─▶ db.h … answered ─▶ resumed ─▶ sent
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access.h"
#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"

#define SECOND INT64_C(1000000)
#define SWEEP_US (SECOND / 4)
#define DRAIN_US (SECOND / 200)

/* Who is only to be told that there are too many has this long to ask. */
#define EXTRA_PATIENCE_US SECOND

/* After the deadline the last answers get this long to leave. */
#define LAST_WORDS_US (SECOND / 5)

/* Room for head and target; libmicrohttpd answers 414 and 431 beyond it. It clears all of it with every
 * request, so more would cost more. */
#define CONNECTION_MEMORY ((size_t)16 << 10)
#define GZIP_LEVEL 1
#define GZIP_WINDOW (15 + 16)
#define GZIP_MEMORY 8

/* A commit costs as much for many as for one. */
#define COMMIT_COMPANY_US 1000

/* --- libmicrohttpd's callbacks -------------------------------------------------------------------------- */

static void *born(void *argument, const char *uri, struct MHD_Connection *mhd)
{
	return request_create(argument, mhd, uri ? uri : "");
}

static enum MHD_Result handle(void *argument, struct MHD_Connection *mhd, const char *url,
			      const char *method, const char *version, const char *bytes,
			      size_t *length, void **request)
{
	(void)argument;
	(void)mhd;
	(void)url;
	return request_handle(*request, method, version, bytes, length);
}

static void completed(void *argument, struct MHD_Connection *mhd, void **request,
		      enum MHD_RequestTerminationCode code)
{
	(void)argument;
	(void)mhd;
	(void)code;
	if (*request)
		request_destroy(*request);
	*request = NULL;
}

/* The target stays as it was sent: it is decoded where it is read. */
static size_t keep_escaped(void *argument, struct MHD_Connection *mhd, char *text)
{
	(void)argument;
	(void)mhd;
	return strlen(text);
}

/* Of what libmicrohttpd has to say only this matters: there was no file for another connection. */
static void hear_log(void *argument, const char *format, va_list values)
{
	struct worker *worker = argument;

	(void)values;
	if (strstr(format, "resource limit"))
		worker->is_out_of_files = worker->is_at_limit = true;
}

/* --- connections ---------------------------------------------------------------------------------------- */

int64_t worker_patience_us(const struct worker *worker)
{
	return SECOND * settings_number(worker->server->options.settings,
					SETTING_HTTP_REQUEST_TIMEOUT_SECONDS);
}

static void connection_open(struct worker *worker, struct MHD_Connection *mhd, void **context)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		abort();
	connection->worker = worker;
	connection->fd =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	connection->deadline_us = clock_steady_us() + worker_patience_us(worker);
	access_admit(connection, mhd);
	if (worker->connection_count >= worker->connection_limit) {
		connection->refusal = PROBLEM_OVERLOADED;
		connection->deadline_us = clock_steady_us() + EXTRA_PATIENCE_US;
	}
	if (worker->access->identity) {
		connection->access = access_hold(worker->access);
		identity_show(connection->access->identity, mhd);
	}
	connection->after = worker->connections;
	if (connection->after)
		connection->after->before = connection;
	worker->connections = connection;
	worker->connection_count++;
	metric_add(worker->server->connections, 1);
	if (connection->refusal != PROBLEM_NONE)
		metric_add(worker->server->refused_connections, 1);
	*context = connection;
}

/* At its limit libmicrohttpd takes its eyes off the listening socket; with room again it looks there
 * when it runs the next time, which must not be when somebody else happens to say something. */
static void connection_close(struct connection *connection)
{
	struct worker *worker = connection->worker;

	if (worker->is_at_limit ||
	    worker->connection_count >= worker->connection_limit + worker->connection_spare)
		worker->has_resumed = true;
	worker->is_at_limit = false;
	if (connection->before)
		connection->before->after = connection->after;
	else
		worker->connections = connection->after;
	if (connection->after)
		connection->after->before = connection->before;
	worker->connection_count--;
	metric_add(worker->server->connections, -1);
	access_release(connection);
	access_drop(connection->access);
	free(connection);
}

static void connection_changed(void *argument, struct MHD_Connection *mhd, void **context,
			       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_open(argument, mhd, context);
	else
		connection_close(*context);
}

/* Without a file for another connection libmicrohttpd takes none until one of its own is closed: the one
 * that has been silent longest. When it has none it was not watched since, or it would try all the time. */
static void make_room(struct worker *worker)
{
	struct connection *oldest = worker->connections;

	worker->is_out_of_files = false;
	for (struct connection *connection = oldest; connection; connection = connection->after)
		if (connection->deadline_us < oldest->deadline_us)
			oldest = connection;
	if (oldest && oldest->deadline_us != INT64_MAX)
		shutdown(oldest->fd, SHUT_RDWR);
	if (!worker->watch.is_watched)
		loop_watch(worker->loop, &worker->watch);
}

/* libmicrohttpd counts silence only; a client that drips a byte now and then is ours to end. It
 * sees the end of the connection and closes it. */
static void sweep(struct loop_timer *timer)
{
	struct worker *worker = container_of(timer, struct worker, sweep);
	int64_t now = clock_steady_us();

	atomic_store_explicit(&worker->beat_us, now, memory_order_relaxed);
	for (struct connection *connection = worker->connections; connection;
	     connection = connection->after) {
		if (connection->deadline_us > now)
			continue;
		connection->deadline_us = INT64_MAX;
		shutdown(connection->fd, SHUT_RDWR);
	}
	if (worker->is_out_of_files)
		make_room(worker);
	loop_timer_set(worker->loop, timer, now + SWEEP_US);
}

/* --- the loop ------------------------------------------------------------------------------------------- */

static void run_daemon(struct worker *worker)
{
	worker->has_resumed = false;
	MHD_run(worker->daemon);
	if (worker->is_out_of_files && worker->connection_count == 0 && worker->watch.is_watched)
		loop_unwatch(worker->loop, &worker->watch);
}

static void ready(struct loop_watch *watch, uint32_t events)
{
	(void)events;
	run_daemon(container_of(watch, struct worker, watch));
}

/* How long libmicrohttpd lets us sleep; what was resumed in this turn goes out before. */
static int64_t run_rest(struct worker *worker)
{
	MHD_UNSIGNED_LONG_LONG milliseconds;

	if (worker->has_resumed)
		run_daemon(worker);
	if (MHD_get_timeout(worker->daemon, &milliseconds) != MHD_YES)
		return INT64_MAX;
	if (milliseconds > 0)
		return (int64_t)milliseconds * 1000;
	run_daemon(worker);
	return 0;
}

static int64_t before_sleep(struct loop_hook *hook)
{
	struct worker *worker = container_of(hook, struct worker, hook);
	int64_t sleep_us = run_rest(worker);

	log_send(&worker->log_lines);
	return sleep_us;
}

/* --- draining ------------------------------------------------------------------------------------------- */

/* Whoever still waits is answered 503 inside. */
static void close_databases(struct worker *worker)
{
	struct db *read = worker->read, *write = worker->write;
	struct replica *replica = worker->replica;

	worker->read = NULL;
	worker->write = NULL;
	worker->replica = NULL;
	replica_close(replica);
	db_close(read);
	db_close(write);
	errands_forget(worker);
}

static void drain(struct loop_timer *timer)
{
	struct worker *worker = container_of(timer, struct worker, drain);
	int64_t now = clock_steady_us();

	if (worker->open_requests == 0 || now >= worker->deadline_us + LAST_WORDS_US) {
		loop_stop(worker->loop);
		return;
	}
	if (now >= worker->deadline_us && worker->read)
		close_databases(worker);
	loop_timer_set(worker->loop, timer, now + DRAIN_US);
}

static void stop_heard(struct letter *letter)
{
	struct worker *worker = container_of(letter, struct worker, stop);

	run_daemon(worker);
	worker->is_stopping = true;
	close(MHD_quiesce_daemon(worker->daemon));
	loop_timer_set(worker->loop, &worker->drain, 0);
}

/* --- the thread ----------------------------------------------------------------------------------------- */

struct db *worker_open_db(struct worker *worker, const char *conninfo, bool is_read_only,
			  const char *label)
{
	const struct settings *settings = worker->server->options.settings;
	const struct db_options options = {
		.conninfo = conninfo,
		.application_name = label,
		.is_read_only = is_read_only,
		.is_replica = conninfo != settings_database(settings),
		.queue_max = (int)settings_number(settings, SETTING_DATABASE_QUEUE),
		.batch_max = (int)settings_number(settings, SETTING_DATABASE_BATCH),
		.company_us = is_read_only ? 0 : COMMIT_COMPANY_US,
		.statement_timeout_ms =
			(int)settings_number(settings, SETTING_DATABASE_STATEMENT_TIMEOUT_MS),
		.answer_timeout_ms =
			(int)settings_number(settings, SETTING_DATABASE_ANSWER_TIMEOUT_MS),
		.metrics = worker->server->options.metrics,
		.label = label,
	};

	return db_open(worker->loop, &options);
}

static void open_databases(struct worker *worker)
{
	const char *primary = settings_database(worker->server->options.settings);

	snprintf(worker->read_label, sizeof(worker->read_label), "almanac-%d-read", worker->index);
	snprintf(worker->write_label, sizeof(worker->write_label), "almanac-%d-write",
		 worker->index);
	worker->read = worker_open_db(worker, primary, true, worker->read_label);
	worker->write = worker_open_db(worker, primary, false, worker->write_label);
	worker->replica = replica_open(worker);
}

/* Options are not constant there, though nobody changes them. */
static void *text_of(const char *text)
{
	return (void *)(uintptr_t)text;
}

/* TLS 1.2 and above (RFC 9325). */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

static bool start_daemon(struct worker *worker, int listener)
{
	const struct identity *identity = worker->access->identity;
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0,
		 text_of(identity ? identity_certificate(identity) : "")},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, text_of(identity ? identity_key(identity) : "")},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, text_of(TLS_PRIORITIES)},
		{MHD_OPTION_END, 0, NULL},
	};

	worker->daemon = MHD_start_daemon(
		flags | (identity ? MHD_USE_TLS : 0), 0, NULL, NULL, handle, worker,
		MHD_OPTION_ARRAY, identity ? tls : tls + 3, MHD_OPTION_EXTERNAL_LOGGER, hear_log,
		worker, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_URI_LOG_CALLBACK, born,
		worker, MHD_OPTION_NOTIFY_COMPLETED, completed, worker,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, worker,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, worker, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)(worker->connection_limit + worker->connection_spare),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT,
		0, MHD_OPTION_END);
	if (!worker->daemon)
		return false;
	worker->watch.fd = MHD_get_daemon_info(worker->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	worker->watch.events = EPOLLIN;
	worker->watch.ready = ready;
	loop_watch(worker->loop, &worker->watch);
	return true;
}

/* The daemon's hook comes first: what its requests ask leaves in the same turn. */
static void open_all(struct worker *worker)
{
	worker->hook.before_sleep = before_sleep;
	loop_hook_add(worker->loop, &worker->hook);
	atomic_init(&worker->beat_us, clock_steady_us());
	worker->sweep.fire = sweep;
	loop_timer_set(worker->loop, &worker->sweep, 0);
	open_databases(worker);
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	loop_run(worker->loop);
	close_databases(worker);
	run_daemon(worker);
	if (worker->watch.is_watched)
		loop_unwatch(worker->loop, &worker->watch);
	loop_hook_remove(worker->loop, &worker->hook);
	loop_timer_clear(worker->loop, &worker->sweep);
	loop_timer_clear(worker->loop, &worker->drain);
	MHD_stop_daemon(worker->daemon);
	log_send(&worker->log_lines);
	return NULL;
}

static void prepare(struct worker *worker, struct server *server, int index)
{
	const struct settings *settings = server->options.settings;
	int64_t cache_bytes = settings_number(settings, SETTING_ANSWER_CACHE_MB) << 20;
	int64_t cache_us = settings_number(settings, SETTING_ANSWER_CACHE_SECONDS) * SECOND;

	worker->server = server;
	worker->index = index;
	worker->access = access_hold(server->access);
	worker->digest = digest_create();
	worker->connection_limit = server->connection_limit;
	worker->connection_spare = server->connection_spare;
	worker->loop = loop_create();
	worker->mailbox = mailbox_create(worker->loop);
	worker->stop.open = stop_heard;
	worker->drain.fire = drain;
	str_init(&worker->log_lines, LOG_LINES_BYTES);
	if (cache_bytes && cache_us)
		worker->cache =
			cache_create((size_t)(cache_bytes / server->worker_count), cache_us);
	if (deflateInit2(&worker->deflater, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
}

bool worker_start(struct worker *worker, struct server *server, int index, int listener,
		  struct str *complaint)
{
	prepare(worker, server, index);
	if (!start_daemon(worker, listener)) {
		close(listener);
		str_append_text(complaint, "cannot start the HTTP daemon");
		return false;
	}
	open_all(worker);
	if (pthread_create(&worker->thread, NULL, run, worker) != 0) {
		str_append_text(complaint, "cannot start a worker's thread");
		run_daemon(worker);
		return false;
	}
	worker->is_started = true;
	return true;
}

void worker_join(struct worker *worker)
{
	if (worker->is_started)
		pthread_join(worker->thread, NULL);
	worker->is_started = false;
}

/* Letters that came since are opened: they may hold something. */
void worker_finish(struct worker *worker)
{
	mailbox_destroy(worker->mailbox);
	str_finish(&worker->log_lines);
	cache_destroy(worker->cache);
	publication_drop(worker->publication);
	access_drop(worker->access);
	digest_destroy(worker->digest);
	deflateEnd(&worker->deflater);
	loop_destroy(worker->loop);
}

void worker_stop(struct worker *worker, int64_t deadline_us)
{
	if (!worker->is_started)
		return;
	worker->deadline_us = deadline_us;
	mailbox_post(worker->mailbox, &worker->stop);
}

/* --- publications --------------------------------------------------------------------------------------- */

struct delivery {
	struct letter letter;
	struct worker *worker;
	struct publication *publication;
};

static void post(struct worker *worker, struct publication *publication,
		 void (*open)(struct letter *letter))
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (!delivery)
		abort();
	publication_hold(publication);
	delivery->letter.open = open;
	delivery->worker = worker;
	delivery->publication = publication;
	mailbox_post(worker->mailbox, &delivery->letter);
}

static void take_publication(struct letter *letter)
{
	struct delivery *delivery = container_of(letter, struct delivery, letter);

	publication_drop(delivery->worker->publication);
	delivery->worker->publication = delivery->publication;
	free(delivery);
}

void worker_publish(struct worker *worker, struct publication *publication)
{
	post(worker, publication, take_publication);
}

static void take_access(struct letter *letter)
{
	struct delivery *delivery = container_of(letter, struct delivery, letter);

	access_drop(delivery->worker->access);
	delivery->worker->access = container_of(delivery->publication, struct access, counted);
	free(delivery);
}

void worker_guard(struct worker *worker, struct access *access)
{
	post(worker, &access->counted, take_access);
}

/* --- gzip ----------------------------------------------------------------------------------------------- */

bool worker_compress(struct worker *worker, struct span bytes, struct str *out)
{
	z_stream *stream = &worker->deflater;

	if (deflateReset(stream) != Z_OK)
		abort();
	str_reserve(out, bytes.length);
	stream->next_in = (Bytef *)(uintptr_t)bytes.bytes;
	stream->avail_in = (uInt)bytes.length;
	stream->next_out = (Bytef *)out->bytes;
	stream->avail_out = (uInt)bytes.length;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END)
		return false;
	out->length = bytes.length - stream->avail_out;
	out->bytes[out->length] = '\0';
	str_shrink(out);
	return true;
}
