/* request.c - a request from birth to its answer: receive, match, read, answer or ask, send.
 * Called by worker.c for libmicrohttpd; calls all the other files. */
#include <string.h>

#include "access.h"
#include "almanac/clock.h"
#include "almanac/log.h"

#define ALLOW_MAX 128

/* What is told of a client that left before its answer, as nginx does. */
#define STATUS_CLIENT_LEFT 499

/* --- birth and end ---------------------------------------------------------------------------------- */

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

void request_expect(struct request *request)
{
	request->connection->deadline_us = clock_steady_us() + worker_patience_us(request->worker);
}

struct request *request_create(struct worker *worker, struct MHD_Connection *mhd, const char *uri)
{
	struct arena *arena = arena_create();
	struct request *request = arena_alloc(arena, sizeof(*request));

	request->arena = arena;
	request->worker = worker;
	request->mhd = mhd;
	request->connection = connection_of(mhd);
	request->phase = PHASE_BORN;
	request->began_us = clock_steady_us();
	request->raw_target = uri;
	request->target = arena_copy(arena, span_of(uri));
	request->path = request->target;
	request->route = worker->server->route_count;
	request->method = "";
	str_init(&request->body, 0);
	reply_init(&request->reply);
	worker->open_requests++;
	request_expect(request);
	return request;
}

static void tell_metrics(const struct request *request, int status, int64_t took_us)
{
	const struct route_metrics *metrics =
		&request->worker->server->route_metrics[request->route];

	metric_add(metrics->requests[status / 100 - 1], 1);
	metric_observe_us(metrics->seconds, took_us);
}

/* Somebody put a token where it does not belong: it is not spread any further. */
static struct span shown_target(const struct request *request)
{
	struct span rest = request->target, path;

	if (!access_has_tokens(request->worker->access) ||
	    !memmem(rest.bytes, rest.length, "access_token", 12))
		return rest;
	span_split(&rest, '?', &path);
	return path;
}

/* Whose it was, or where it came from when it was refused. */
static struct log_field tell_who(const struct request *request)
{
	if (request->token)
		return log_text("token", request->token);
	return request->client ? log_text("client", request->client) : (struct log_field){0};
}

static enum log_level level_of(const struct request *request, int status)
{
	if (status >= 500)
		return LOG_LEVEL_WARN;
	return request->endpoint && request->endpoint->is_quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

static void tell_log(struct request *request, int status, int64_t took_us)
{
	enum log_level level = level_of(request, status);

	if (!log_has_level(level))
		return;
	log_gather(&request->worker->log_lines, level,
		   (const struct log_field[]){log_what("request"),
					      log_text("id", request->id),
					      log_text("traceparent", request_trace(request)),
					      log_text("method", request->method),
					      log_span("target", shown_target(request)),
					      log_number("status", status),
					      log_ms("ms", took_us),
					      log_ms("queue_ms", request->queue_us),
					      log_ms("db_ms", request->db_us),
					      log_number("rows", request->rows),
					      tell_who(request),
					      {0}});
}

/* What libmicrohttpd refuses by itself (414, 431 and the like) never came to request_handle. */
static int final_status(struct request *request)
{
	const union MHD_ConnectionInfo *info;

	if (request->phase == PHASE_SENT)
		return request->reply.status;
	if (request->phase != PHASE_BORN)
		return STATUS_CLIENT_LEFT;
	identify_make(request);
	info = MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
	return info ? (int)info->http_status : STATUS_CLIENT_LEFT;
}

void request_destroy(struct request *request)
{
	int status = final_status(request);
	int64_t took_us = clock_steady_us() - request->began_us;

	tell_metrics(request, status, took_us);
	tell_log(request, status, took_us);
	request_expect(request);
	request->worker->open_requests--;
	if (request->entry)
		cache_drop(request->entry);
	str_finish(&request->body);
	reply_finish(&request->reply);
	arena_destroy(request->arena);
}

/* --- receive and match -------------------------------------------------------------------------------- */

static void decide(struct request *request, enum problem problem, const char *detail)
{
	request_complain(request, problem, detail, NULL);
	request->is_decided = true;
}

/* Whoever sends what cannot be read, or comes when there is no room, is not asked for more. */
static void dismiss(struct request *request, enum problem problem, const char *detail)
{
	decide(request, problem, detail);
	request->must_close = true;
}

static size_t max_body_of(const struct endpoint *endpoint)
{
	if (!endpoint)
		return IGNORED_MAX_BODY;
	if (endpoint->max_body)
		return endpoint->max_body;
	return reading_has_body(endpoint) ? DEFAULT_MAX_BODY : IGNORED_MAX_BODY;
}

static void answer_options(struct request *request, const char *allow)
{
	request->reply.status = 204;
	reply_header(&request->reply, "Allow", allow);
	request->is_decided = true;
}

static void match(struct request *request)
{
	struct worker *worker = request->worker;
	struct str allow;
	enum route_verdict verdict;

	str_init(&allow, ALLOW_MAX);
	verdict = router_match(worker->server->options.routes, request->path, request->method,
			       &request->route, request->path_pairs, &request->path_count, &allow);
	if (verdict == ROUTE_FOUND) {
		request->endpoint = worker->server->options.routes[request->route];
		if (request->endpoint->answer_type)
			request->reply.content_type = request->endpoint->answer_type;
	} else if (verdict == ROUTE_OPTIONS) {
		answer_options(request, arena_text(request->arena, str_span(&allow)));
	} else if (verdict == ROUTE_WRONG_METHOD) {
		decide(request, PROBLEM_METHOD_NOT_ALLOWED, NULL);
		reply_header(&request->reply, "Allow",
			     arena_text(request->arena, str_span(&allow)));
	} else if (span_is(request->path, "*") && strcmp(request->method, "OPTIONS") == 0) {
		answer_options(request, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	} else {
		complain_unknown_route(request);
		request->is_decided = true;
	}
	str_finish(&allow);
	access_judge(request);
}

/* Escapes of the path are judged before anything is matched: what they hide has no route. */
static const char *judge_path(struct request *request)
{
	const char *complaint = NULL;
	struct span decoded;

	if (!memchr(request->path.bytes, '%', request->path.length) ||
	    fields_decode(request->arena, request->path, false, &decoded, &complaint))
		return NULL;
	return arena_format(request->arena, "the path: %s", complaint);
}

/* A body that is announced as too large for even being thrown away, or whose sender waits to be
 * told whether to send it, is refused at once. */
static void judge_announced(struct request *request)
{
	struct span length = span_trim(request_header(request, "Content-Length"));
	bool waits = request_header(request, "Expect").length > 0;
	int64_t announced = 0;

	request->must_close = waits && request->is_decided;
	if (!integer_parse(length, &announced))
		return;
	request->is_too_large = (uint64_t)announced > request->max_body;
	if (request->is_too_large &&
	    (waits || (uint64_t)announced / SWALLOW_FACTOR > request->max_body))
		dismiss(request, PROBLEM_BODY_TOO_LARGE, NULL);
}

static void judge(struct request *request, const char *method, const char *version)
{
	struct worker *worker = request->worker;
	const char *fault = intake_judge(request, method, version);

	if (fault) {
		dismiss(request, PROBLEM_BAD_REQUEST, fault);
		return;
	}
	if (intake_head_bytes(request, method) > HEAD_MAX_BYTES) {
		dismiss(request, PROBLEM_HEADERS_TOO_LARGE, NULL);
		return;
	}
	intake_split(request);
	fault = judge_path(request);
	if (fault)
		decide(request, PROBLEM_BAD_REQUEST, fault);
	else if (request->connection->refusal != PROBLEM_NONE)
		dismiss(request, request->connection->refusal, "too many connections are open");
	else if (worker->is_stopping)
		dismiss(request, PROBLEM_SHUTTING_DOWN, NULL);
	else
		match(request);
}

static void receive_head(struct request *request, const char *method, const char *version)
{
	request->method = arena_text(request->arena, span_of(method));
	identify_take(request);
	judge(request, method, version);
	request->max_body = max_body_of(request->endpoint);
	str_init(&request->body, request->max_body);
	if (!request->must_close)
		judge_announced(request);
	request->phase = PHASE_RECEIVING;
}

/* False when the client sends far more than anybody would read. */
static bool receive_body(struct request *request, struct span bytes)
{
	if (!request->is_decided && !request->is_too_large) {
		str_append(&request->body, bytes);
		request->is_too_large = request->body.has_overflowed;
		return true;
	}
	request->swallowed += bytes.length;
	return request->swallowed <= SWALLOW_FACTOR * request->max_body;
}

/* --- the whole request is there --------------------------------------------------------------------- */

static void proceed(struct request *request)
{
	const struct endpoint *endpoint = request->endpoint;

	if (request->is_too_large) {
		request_complain(request, PROBLEM_BODY_TOO_LARGE,
				 arena_format(request->arena, "at most %zu bytes are taken here",
					      request->max_body),
				 NULL);
		return;
	}
	if (!reading_take(request))
		return;
	if (endpoint->answers && endpoint->answers(request, &request->reply)) {
		request->made_from = endpoint->is_of_edition ? MADE_FROM_MEMORY : MADE_PLAIN;
		return;
	}
	if (endpoint->has_statement)
		asking_begin(request);
	else
		request_complain(request, PROBLEM_REFUSED, NULL, NULL);
}

/* --- the door: what libmicrohttpd calls --------------------------------------------------------------- */

static enum MHD_Result send_now(struct request *request)
{
	request->phase = PHASE_SENT;
	request_expect(request);
	return send_reply(request);
}

/* The whole request is there. */
static enum MHD_Result answer(struct request *request)
{
	if (!request->is_decided)
		proceed(request);
	if (request->phase != PHASE_WAITING)
		return send_now(request);
	request->connection->deadline_us = INT64_MAX;
	MHD_suspend_connection(request->mhd);
	return MHD_YES;
}

/* An answer in the first call costs far more than one in the next, and closes the connection. */
enum MHD_Result request_handle(struct request *request, const char *method, const char *version,
			       const char *bytes, size_t *length)
{
	if (request->phase == PHASE_BORN) {
		receive_head(request, method, version);
		return request->must_close ? send_now(request) : MHD_YES;
	}
	if (request->phase == PHASE_RECEIVING && *length > 0) {
		bool goes_on = receive_body(request, (struct span){bytes, *length});

		*length = 0;
		return goes_on ? MHD_YES : MHD_NO;
	}
	if (request->phase == PHASE_RECEIVING)
		return answer(request);
	if (request->phase == PHASE_ANSWERED)
		return send_now(request);
	return MHD_YES;
}

/* --- what a room may ask -------------------------------------------------------------------------------- */

struct arena *request_arena(struct request *request)
{
	return request->arena;
}

const struct field_value *request_value(const struct request *request, size_t place)
{
	return &request->values[place];
}

struct db_value request_given(const struct request *request, size_t place)
{
	const struct field_value *value = request_value(request, place);

	return db_text(value->is_given ? value->text : NULL);
}

const struct endpoint *request_endpoint(const struct request *request)
{
	return request->endpoint;
}

const struct settings *request_settings(const struct request *request)
{
	return request->worker->server->options.settings;
}

const struct publication *request_publication(const struct request *request)
{
	return request->worker->publication;
}

struct metrics *request_metrics(const struct request *request)
{
	return request->worker->server->options.metrics;
}

const struct heartbeat *request_heartbeat(const struct request *request)
{
	return request->worker->server->options.heartbeat;
}

const char *request_version(const struct request *request)
{
	return request->worker->server->options.version;
}

const struct endpoint *const *request_routes(const struct request *request)
{
	return request->worker->server->options.routes;
}

const struct asset *request_openapi(const struct request *request)
{
	return &request->worker->server->openapi.asset;
}

bool request_has_database(const struct request *request)
{
	const struct worker *worker = request->worker;

	return worker->read && worker->write && db_is_connected(worker->read) &&
	       db_is_connected(worker->write);
}

struct span request_target(const struct request *request)
{
	return request->target;
}

const char *request_id(const struct request *request)
{
	return request->id;
}

struct span request_header(const struct request *request, const char *name)
{
	const char *value = NULL;
	size_t length = 0;

	if (MHD_lookup_connection_value_n(request->mhd, MHD_HEADER_KIND, name, strlen(name), &value,
					  &length) != MHD_YES)
		return (struct span){0};
	return (struct span){value ? value : "", length};
}

struct span request_body(const struct request *request)
{
	return str_span(&request->body);
}

bool request_is_of(const struct request *request, const char *type)
{
	struct span header = request_header(request, "Content-Type");
	struct span essence = {0};

	span_split(&header, ';', &essence);
	essence = span_trim(essence);
	if (span_equals_nocase(essence, span_of(type)))
		return true;
	return strcmp(type, "application/json") == 0 && essence.length > 5 &&
	       span_equals_nocase((struct span){essence.bytes + essence.length - 5, 5},
				  SPAN("+json"));
}

void request_keep(struct request *request, void *notes)
{
	request->kept = notes;
}

void *request_kept(const struct request *request)
{
	return request->kept;
}

struct desk *request_desk(const struct request *request, const char *room)
{
	struct desk *const *desk = request->worker->server->options.desks;

	while (desk && *desk && strcmp((*desk)->name, room) != 0)
		desk++;
	return desk ? *desk : NULL;
}
