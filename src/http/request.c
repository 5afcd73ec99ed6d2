/* request.c - a request from birth to its answer: receive, match, read, check, answer or ask, say.
 * Called by worker.c for libmicrohttpd; calls all the other files. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/json.h"
#include "almanac/log.h"
#include "http.h"

#define SECOND INT64_C(1000000)
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

static int64_t patience_us(const struct worker *worker)
{
	return SECOND * settings_number(worker->server->options.settings,
					SETTING_HTTP_REQUEST_TIMEOUT_SECONDS);
}

static void expect_by(struct request *request, int64_t wait_us)
{
	request->connection->deadline_us =
		wait_us == INT64_MAX ? INT64_MAX : clock_steady_us() + wait_us;
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
	expect_by(request, patience_us(worker));
	return request;
}

static void tell_metrics(const struct request *request, int status, int64_t took_us)
{
	const struct route_metrics *metrics =
		&request->worker->server->route_metrics[request->route];

	metric_add(metrics->requests[status / 100 - 1], 1);
	metric_observe_us(metrics->seconds, took_us);
}

static void tell_log(const struct request *request, int status, int64_t took_us)
{
	bool is_quiet = request->endpoint && request->endpoint->is_quiet && status < 500;
	const struct log_field fields[] = {
		log_what("request"),
		log_text("id", request->id),
		log_text("method", request->method),
		log_span("target", request->target),
		log_number("status", status),
		log_ms("ms", took_us),
		log_ms("db_ms", request->db_us),
		log_number("rows", request->rows),
		{0},
	};

	log_write(status >= 500 ? LOG_LEVEL_WARN : is_quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		  fields);
}

void request_destroy(struct request *request)
{
	int status = request->phase == PHASE_SENT ? request->reply.status : STATUS_CLIENT_LEFT;
	int64_t took_us = clock_steady_us() - request->began_us;

	tell_metrics(request, status, took_us);
	tell_log(request, status, took_us);
	expect_by(request, patience_us(request->worker));
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

static bool has_body_fields(const struct endpoint *endpoint)
{
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		if (field->place == FIELD_IN_BODY)
			return true;
	return false;
}

static size_t max_body_of(const struct endpoint *endpoint)
{
	if (!endpoint)
		return IGNORED_MAX_BODY;
	if (endpoint->max_body)
		return endpoint->max_body;
	return has_body_fields(endpoint) ? DEFAULT_MAX_BODY : IGNORED_MAX_BODY;
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
	} else if (verdict == ROUTE_OPTIONS) {
		answer_options(request, arena_text(request->arena, str_span(&allow)));
	} else if (verdict == ROUTE_WRONG_METHOD) {
		decide(request, PROBLEM_METHOD_NOT_ALLOWED, NULL);
		reply_header(&request->reply, "Allow", arena_text(request->arena, str_span(&allow)));
	} else if (span_is(request->path, "*") && strcmp(request->method, "OPTIONS") == 0) {
		answer_options(request, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	} else {
		complain_unknown_route(request);
		request->is_decided = true;
	}
	str_finish(&allow);
}

/* Escapes of the path are judged before anything is matched: what they hide has no route. */
static const char *judge_path(struct request *request)
{
	const char *complaint = NULL;
	struct span decoded;

	if (!memchr(request->path.bytes, '%', request->path.length) ||
	    fields_decode(request->arena, request->path, false, &decoded, &complaint))
		return NULL;
	return arena_format(request->arena, "the path %s", complaint);
}

/* A body that is announced as too large for even being thrown away, or whose sender waits to be
 * told whether to send it, is refused at once. */
static void judge_announced(struct request *request)
{
	struct span length = span_trim(request_header(request, "Content-Length"));
	bool waits = request_header(request, "Expect").length > 0;
	int64_t announced = 0;

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
	intake_split(request);
	fault = judge_path(request);
	if (fault)
		decide(request, PROBLEM_BAD_REQUEST, fault);
	else if (request->connection->is_extra)
		dismiss(request, PROBLEM_OVERLOADED, "too many connections are open");
	else if (worker->is_stopping)
		dismiss(request, PROBLEM_SHUTTING_DOWN, NULL);
	else
		match(request);
}

static void receive_head(struct request *request, const char *method, const char *version)
{
	request->method = arena_text(request->arena, span_of(method));
	intake_identify(request);
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

/* --- read the fields ---------------------------------------------------------------------------------- */

static bool is_json_type(struct span type)
{
	struct span essence;

	span_split(&type, ';', &essence);
	essence = span_trim(essence);
	return span_equals_nocase(essence, SPAN("application/json")) ||
	       (essence.length > 5 &&
		span_equals_nocase((struct span){essence.bytes + essence.length - 5, 5},
				   SPAN("+json")));
}

static bool read_body(struct request *request, const struct json **body)
{
	const char *complaint = NULL;

	if (!is_json_type(request_header(request, "Content-Type"))) {
		request_complain(request, PROBLEM_NOT_JSON,
				 "Content-Type must be application/json", NULL);
		return false;
	}
	*body = json_parse(request->arena, str_span(&request->body), &complaint);
	if (!*body) {
		request_complain(request, PROBLEM_BAD_JSON, complaint, NULL);
		return false;
	}
	if (json_kind(*body) != JSON_OBJECT) {
		request_complain(request, PROBLEM_INVALID_BODY,
				 arena_format(request->arena, "the body must be an object, not %s",
					      json_kind_name(json_kind(*body))),
				 NULL);
		return false;
	}
	return true;
}

static bool decode_path(struct request *request)
{
	const char *complaint = NULL;

	for (size_t i = 0; i < request->path_count; i++) {
		struct field_pair *pair = &request->path_pairs[i];

		if (!fields_decode(request->arena, pair->value, false, &pair->value, &complaint)) {
			request_complain(request, PROBLEM_BAD_REQUEST, complaint, NULL);
			return false;
		}
	}
	return true;
}

static enum problem problem_of_faults(const struct field_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		if (faults->items[i].place != FIELD_IN_BODY)
			return PROBLEM_INVALID_QUERY;
	return PROBLEM_INVALID_BODY;
}

/* The table's fields, then the rules across them. */
static bool judge_fields(struct request *request, const struct field_input *input)
{
	const struct endpoint *endpoint = request->endpoint;
	struct field_faults *faults = arena_alloc(request->arena, sizeof(*faults));
	enum problem problem = PROBLEM_NONE;

	assert(fields_count(endpoint->reads) <= ENDPOINT_FIELDS_MAX);
	if (fields_read(request->arena, endpoint->reads, input, request->values, faults) &&
	    endpoint->check)
		problem = endpoint->check(request, faults);
	if (faults->count)
		problem = problem_of_faults(faults);
	if (problem == PROBLEM_NONE)
		return true;
	request_complain(request, problem, NULL, faults);
	return false;
}

static bool read_fields(struct request *request)
{
	struct field_pair query[QUERY_FIELDS_MAX];
	const char *complaint = NULL;
	struct field_input input = {
		.path = request->path_pairs,
		.path_count = request->path_count,
		.query = query,
	};

	if (!fields_split_query(request->arena, request->query, query, QUERY_FIELDS_MAX,
				&input.query_count, &complaint)) {
		request_complain(request, PROBLEM_BAD_REQUEST, complaint, NULL);
		return false;
	}
	if (!request->endpoint->reads)
		return true;
	if (!decode_path(request))
		return false;
	if (has_body_fields(request->endpoint) && !read_body(request, &input.body))
		return false;
	return judge_fields(request, &input);
}

/* --- say -------------------------------------------------------------------------------------------- */

/* The first row's word; PROBLEM_NONE and a status for a good one. */
static enum problem judge_outcome(struct request *request, const struct db_rows *rows)
{
	struct span word = rows_text_of(rows, 0, "outcome");
	const struct outcome *outcome = request->endpoint->outcomes;

	while (outcome->word && !span_is(word, outcome->word))
		outcome++;
	assert(outcome->word);
	if (outcome->problem == PROBLEM_NONE)
		request->reply.status = outcome->status;
	return outcome->problem;
}

static void say(struct request *request, const struct db_rows *rows)
{
	const struct endpoint *endpoint = request->endpoint;
	enum problem problem = PROBLEM_NONE;

	request->rows = (int64_t)rows_count(rows);
	request->reply.status = endpoint->status ? endpoint->status : 200;
	if (request->rows == 0)
		problem = endpoint->empty;
	else if (endpoint->outcomes)
		problem = judge_outcome(request, rows);
	if (problem != PROBLEM_NONE) {
		request_complain(request, problem, NULL, NULL);
		return;
	}
	request->made_from = endpoint->is_of_edition ? MADE_FROM_SQL : MADE_PLAIN;
	endpoint->says(request, rows, &request->reply);
	if (request->reply.body.has_overflowed)
		request_complain(request, PROBLEM_REFUSED, "the answer is too large", NULL);
}

/* PostgreSQL, appendix A: classes and codes of errors that are not ours. */
static const struct {
	const char *sqlstate;
	enum problem problem;
	const char *detail;
} refusals[] = {
	{"57014", PROBLEM_DATABASE_AWAY, "the database took too long"},
	{"22", PROBLEM_BAD_REQUEST, "a value is beyond what the database can keep"},
	{"25006", PROBLEM_DATABASE_AWAY, "the database only reads at the moment"},
	{"40", PROBLEM_OVERLOADED, "others changed the same at the same time"},
	{"53", PROBLEM_DATABASE_AWAY, "the database has no room"},
};

static void say_refused(struct request *request, const struct db_answer *answer)
{
	enum problem problem = PROBLEM_REFUSED;
	const char *detail = NULL;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals) && !detail; i++) {
		if (!span_starts_with(span_of(answer->sqlstate), span_of(refusals[i].sqlstate)))
			continue;
		problem = refusals[i].problem;
		detail = refusals[i].detail;
	}
	log_write(problem == PROBLEM_REFUSED ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		  (const struct log_field[]){
			  log_what("statement refused"), log_text("id", request->id),
			  log_text("statement", statements[request->question.statement].file),
			  log_text("sqlstate", answer->sqlstate),
			  log_text("reason", answer->message), {0}});
	request_complain(request, problem, detail, NULL);
}

static void say_away(struct request *request)
{
	request_complain(request,
			 request->worker->is_stopping ? PROBLEM_SHUTTING_DOWN
						      : PROBLEM_DATABASE_AWAY,
			 NULL, NULL);
}

static void take_answer(struct request *request, const struct db_answer *answer)
{
	switch (answer->verdict) {
	case DB_ANSWERED:
		say(request, answer->rows);
		break;
	case DB_REFUSED:
		say_refused(request, answer);
		break;
	case DB_AWAY:
	default:
		say_away(request);
		break;
	}
}

/* --- one question, many askers ------------------------------------------------------------------------ */

static void resume(struct request *request)
{
	request->phase = PHASE_ANSWERED;
	request->worker->has_resumed = true;
	expect_by(request, patience_us(request->worker));
	MHD_resume_connection(request->mhd);
}

/* The answer of whoever asked, for one who waited. */
static void copy_reply(struct request *waiter, const struct request *leader)
{
	const struct reply *from = &leader->reply;

	waiter->reply.status = from->status;
	waiter->reply.content_type = from->content_type;
	waiter->made_from = leader->made_from;
	str_append(&waiter->reply.body, str_span(&from->body));
	for (size_t i = 0; i < from->header_count; i++)
		reply_header(&waiter->reply, from->headers[i].name,
			     arena_text(waiter->arena, span_of(from->headers[i].value)));
}

static void forget_entry(struct request *request)
{
	cache_drop(request->entry);
	request->entry = NULL;
}

static void settle_waiter(struct request *waiter, const struct request *leader, bool is_kept)
{
	if (is_kept) {
		waiter->made_from = MADE_FROM_SQL;
	} else {
		forget_entry(waiter);
		copy_reply(waiter, leader);
	}
	resume(waiter);
}

static void settle_entry(struct request *request)
{
	struct cache *cache = request->worker->cache;
	struct cache_entry *entry = request->entry;
	struct request *waiter = entry->waiters;
	bool is_kept = request->reply.status == 200;

	entry->waiters = NULL;
	if (is_kept)
		cache_fill(cache, entry, &request->reply, clock_steady_us());
	else
		cache_give_up(cache, entry);
	while (waiter) {
		struct request *next = waiter->next_waiter;

		settle_waiter(waiter, request, is_kept);
		waiter = next;
	}
	if (!is_kept)
		forget_entry(request);
}

static void answered(struct question *question, const struct db_answer *answer)
{
	struct request *request = container_of(question, struct request, question);

	request->db_us = answer->waited_us;
	take_answer(request, answer);
	if (request->entry)
		settle_entry(request);
	resume(request);
}

/* --- ask -------------------------------------------------------------------------------------------- */

static void prepare(struct request *request)
{
	const struct endpoint *endpoint = request->endpoint;
	struct asking *asking = &request->asking;

	asking->statement = endpoint->asks;
	if (endpoint->prepares) {
		endpoint->prepares(request, asking);
		return;
	}
	for (const struct field *field = endpoint->reads; field && field->name; field++) {
		const struct field_value *value = &request->values[asking->value_count];

		asking->values[asking->value_count++] = db_text(value->is_given ? value->text : NULL);
	}
}

static void say_unasked(struct request *request, const struct db *db)
{
	if (request->worker->is_stopping)
		request_complain(request, PROBLEM_SHUTTING_DOWN, NULL, NULL);
	else if (db && db_is_connected(db))
		request_complain(request, PROBLEM_OVERLOADED,
				 "too many questions wait for the database", NULL);
	else
		request_complain(request, PROBLEM_DATABASE_AWAY, NULL, NULL);
}

static void ask(struct request *request)
{
	struct worker *worker = request->worker;
	struct question *question = &request->question;
	struct db *db;

	prepare(request);
	db = statements[request->asking.statement].is_command ? worker->write : worker->read;
	question->statement = request->asking.statement;
	question->values = request->asking.values;
	question->value_count = request->asking.value_count;
	question->answered = answered;
	if (db && db_ask(db, question)) {
		request->phase = PHASE_WAITING;
		return;
	}
	say_unasked(request, db);
	if (request->entry)
		settle_entry(request);
}

static void join(struct request *request, struct cache_entry *entry)
{
	cache_hold(entry);
	request->entry = entry;
	metric_add(request->worker->server->cache_hits, 1);
	if (entry->is_filled) {
		request->made_from = MADE_FROM_SQL;
		return;
	}
	request->next_waiter = entry->waiters;
	entry->waiters = request;
	request->phase = PHASE_WAITING;
}

/* The answer may come from the cache, or from one who is asking the same right now. */
static void find_or_ask(struct request *request)
{
	struct worker *worker = request->worker;
	int64_t edition = atomic_load(&worker->server->options.edition->number);
	struct cache_entry *entry;

	request->edition = edition;
	if (!request->endpoint->is_of_edition || edition == 0 || !worker->cache) {
		ask(request);
		return;
	}
	entry = cache_find(worker->cache, request->target, edition, clock_steady_us());
	if (entry) {
		join(request, entry);
		return;
	}
	metric_add(worker->server->cache_misses, 1);
	request->entry = cache_begin(worker->cache, request->target, edition);
	ask(request);
}

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
	if (!read_fields(request))
		return;
	if (endpoint->answers && endpoint->answers(request, &request->reply)) {
		request->made_from = endpoint->is_of_edition ? MADE_FROM_MEMORY : MADE_PLAIN;
		return;
	}
	if (endpoint->has_statement)
		find_or_ask(request);
	else
		request_complain(request, PROBLEM_REFUSED, NULL, NULL);
}

/* --- the door: what libmicrohttpd calls --------------------------------------------------------------- */

static enum MHD_Result send_now(struct request *request)
{
	request->phase = PHASE_SENT;
	expect_by(request, patience_us(request->worker));
	return send_reply(request);
}

/* The whole request is there. */
static enum MHD_Result answer(struct request *request)
{
	if (!request->is_decided)
		proceed(request);
	if (request->phase != PHASE_WAITING)
		return send_now(request);
	expect_by(request, INT64_MAX);
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

struct span request_header(const struct request *request, const char *name)
{
	const char *value = NULL;
	size_t length = 0;

	if (MHD_lookup_connection_value_n(request->mhd, MHD_HEADER_KIND, name, strlen(name), &value,
					  &length) != MHD_YES)
		return (struct span){0};
	return (struct span){value, length};
}
