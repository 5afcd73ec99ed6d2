/* complain.c - problems and how they are told: the table, problem+json (RFC 9457). */
#include <assert.h>

#include "almanac/json.h"
#include "http.h"

/* A problem is two or three lines: status, code, title, seconds to wait, what to do. */
/* clang-format off */
static const struct problem_kind kinds[PROBLEM_COUNT] = {
	[PROBLEM_NONE] = {200, "none", "All is well", 0,
		"there is nothing to do"},
	[PROBLEM_BAD_REQUEST] = {400, "bad_request", "The request is malformed", 0,
		"send an HTTP/1.1 request as RFC 9112 has it"},
	[PROBLEM_BAD_JSON] = {400, "bad_json", "The body is not valid JSON", 0,
		"send one JSON value as RFC 8259 has it, in UTF-8, without duplicate names"},
	[PROBLEM_INVALID_QUERY] = {400, "invalid_parameters", "Some parameters are not valid", 0,
		"see `errors`, and /docs for what is allowed"},
	[PROBLEM_INVALID_BODY] = {422, "invalid_body", "Some fields of the body are not valid", 0,
		"see `errors`, and /docs for what is allowed"},
	[PROBLEM_TOKEN_MISSING] = {401, "token_missing", "A token is needed", 0,
		"send Authorization: Bearer and a token"},
	[PROBLEM_TOKEN_INVALID] = {401, "token_invalid", "The token is not valid", 0,
		"send a token that is listed in API_TOKENS"},
	[PROBLEM_TOKEN_SCOPE] = {403, "token_scope", "The token is not good for this", 0,
		"send a token with a larger scope"},
	[PROBLEM_RATE_LIMITED] = {429, "rate_limited", "There were too many requests", 0,
		"wait as long as Retry-After says"},
	[PROBLEM_TOO_MANY_CONNECTIONS] = {429, "too_many_connections",
		"There are too many connections from this address", 1,
		"close connections, or keep fewer open, and try again"},
	[PROBLEM_NO_ROUTE] = {404, "no_such_route", "There is nothing at this path", 0,
		"GET / lists the paths; a slash at the end counts"},
	[PROBLEM_METHOD_NOT_ALLOWED] = {405, "method_not_allowed",
		"This path does not take that method", 0,
		"use one of the methods that the header Allow names"},
	[PROBLEM_REQUEST_TIMEOUT] = {408, "request_timeout", "The request took too long to arrive", 0,
		"send the whole request at once, and try again"},
	[PROBLEM_BODY_TOO_LARGE] = {413, "body_too_large", "The body is too large", 0,
		"send a smaller body, or several requests"},
	[PROBLEM_URI_TOO_LONG] = {414, "uri_too_long", "The path and query are too long", 0,
		"send a shorter path and query"},
	[PROBLEM_NOT_JSON] = {415, "not_json", "The body must be JSON", 0,
		"send the header Content-Type: application/json"},
	[PROBLEM_HEADERS_TOO_LARGE] = {431, "headers_too_large", "The headers are too large", 0,
		"send less than 11 KiB of path, query and headers"},
	[PROBLEM_DATABASE_AWAY] = {503, "database_unavailable", "The database does not answer", 1,
		"nothing is wrong with the request: try again in a moment"},
	[PROBLEM_OVERLOADED] = {503, "overloaded", "Too much is asked at the moment", 1,
		"nothing is wrong with the request: try again in a moment"},
	[PROBLEM_SHUTTING_DOWN] = {503, "shutting_down", "The daemon is stopping", 1,
		"try again in a moment: another daemon, or this one after its restart, will answer"},
	[PROBLEM_REFUSED] = {503, "database_refused", "The database could not do it", 5,
		"the log of the daemon says why, under the X-Request-Id of this answer"},
	[PROBLEM_PROVIDER_NOT_FOUND] = {404, "provider_not_found", "There is no such provider", 0,
		"GET /api/v1/providers lists the providers"},
	[PROBLEM_PROVIDER_NAME_TAKEN] = {409, "provider_name_taken", "Another provider has this name", 0,
		"choose another name, or PATCH the provider that has this one"},
	[PROBLEM_PROVIDER_TIMEZONE] = {422, "provider_timezone_unknown", "The timezone is not known", 0,
		"use a name of the IANA time zone database, such as Europe/Madrid"},
	[PROBLEM_SYNC_NOT_FOUND] = {404, "sync_not_found", "There is no such sync run", 0,
		"runs are kept for some days; POST …/sync, or …/events of a user, begins one"},
	[PROBLEM_EVENT_NOT_FOUND] = {404, "event_not_found", "There is no such event", 0,
		"GET /api/v1/events finds the ids of events"},
	[PROBLEM_NOTHING_FOUND] = {404, "nothing_found", "Nothing was found", 0,
		"ask for a wider window or another page"},
	[PROBLEM_TIMER_NOT_FOUND] = {404, "timer_not_found", "There is no such timer", 0,
		"GET /api/v1/timers lists the timers; those that are over are kept for some days"},
	[PROBLEM_TIMER_RUNNING] = {409, "timer_running", "The timer is running: it is too late", 0,
		"GET the timer in a moment: if it fails it may be fired again"},
	[PROBLEM_TIMER_OVER] = {409, "timer_over", "The timer is over", 0,
		"POST …/fire plays it once more, or create a new one"},
	[PROBLEM_TASK_NOT_FOUND] = {404, "task_not_found", "There is no such task", 0,
		"GET /api/v1/tasks lists the tasks"},
	[PROBLEM_WEBHOOK_NOT_FOUND] = {404, "webhook_not_found", "There is no such webhook", 0,
		"GET /api/v1/webhooks lists what was received"},
	[PROBLEM_REPORT_NOT_FOUND] = {404, "report_not_found", "There is no such report file", 0,
		"GET /api/v1/reports/files lists the files; GET /api/v1/reports makes one of any period"},
	[PROBLEM_SOURCE_FAILED] = {502, "source_failed", "The source of the calendar could not be read", 0,
		"GET …/source tells where it is read from; try again later"},
	[PROBLEM_DOCUMENT_NOT_FOUND] = {404, "document_not_found", "There is no such document", 0,
		"GET / lists the documents"},
	[PROBLEM_KEY_REUSED] = {422, "idempotency_key_reused",
		"The idempotency key came with another body before", 0,
		"send a new Idempotency-Key with a new body"},
};
/* clang-format on */

const struct problem_kind *problem_kind(enum problem problem)
{
	assert(problem < PROBLEM_COUNT && kinds[problem].code);
	return &kinds[problem];
}

static void append_member(struct str *out, const char *name, struct span text)
{
	str_append_text(out, name);
	json_append_text(out, text);
}

static void append_faults(struct str *out, const struct field_faults *faults)
{
	str_append_text(out, ",\"errors\":[");
	for (size_t i = 0; i < faults->count; i++) {
		const struct field_fault *fault = &faults->items[i];

		append_member(out, i ? ",{\"field\":" : "{\"field\":", span_of(fault->field));
		append_member(out, ",\"rule\":", span_of(fault->rule));
		append_member(out, ",\"message\":", span_of(fault->message));
		str_append_char(out, '}');
	}
	str_append_char(out, ']');
}

/* Without a sentence of its own: the first fault, "limit must be a whole number", else what to do. */
static const char *detail_of(struct request *request, const struct complaint *complaint)
{
	const struct field_faults *faults = complaint->faults;

	if (complaint->detail)
		return complaint->detail;
	if (faults && faults->count)
		return arena_format(request->arena, "%s %s", faults->items[0].field,
				    faults->items[0].message);
	return problem_kind(complaint->problem)->advice;
}

static void append_problem(struct request *request, const struct complaint *complaint, int status,
			   struct str *out)
{
	const struct problem_kind *kind = problem_kind(complaint->problem);

	str_format(out, "{\"type\":\"urn:almanac:problem:%s\",\"title\":\"%s\",\"status\":%d",
		   kind->code, kind->title, status);
	append_member(out, ",\"detail\":", span_of(detail_of(request, complaint)));
	append_member(out, ",\"instance\":", request->path);
	str_format(out, ",\"code\":\"%s\"", kind->code);
	if (complaint->faults && complaint->faults->count)
		append_faults(out, complaint->faults);
}

void complain_problem(struct request *request, const struct complaint *complaint,
		      struct reply *reply)
{
	reply->content_type = "application/problem+json";
	append_problem(request, complaint, reply->status, &reply->body);
	str_append_text(&reply->body, "}\n");
}

/* Older clients read `message` and `error`. */
void complain_unknown_route(struct request *request)
{
	const struct complaint complaint = {.problem = PROBLEM_NO_ROUTE};
	struct str *out = &request->reply.body;
	const char *message = arena_format(request->arena, "Cannot %s %.*s", request->method,
					   (int)request->path.length, request->path.bytes);

	request->reply.status = problem_kind(PROBLEM_NO_ROUTE)->status;
	request->reply.content_type = "application/problem+json";
	append_problem(request, &complaint, request->reply.status, out);
	append_member(out, ",\"message\":", span_of(message));
	append_member(out, ",\"error\":", SPAN("Not Found"));
	str_append_text(out, "}\n");
}

void request_complain(struct request *request, enum problem problem, const char *detail,
		      const struct field_faults *faults)
{
	const struct complaint complaint = {problem, detail, faults};
	const struct problem_kind *kind = problem_kind(problem);
	struct reply *reply = &request->reply;

	reply_finish(reply);
	reply_init(reply);
	reply->status = kind->status;
	request->made_from = MADE_PLAIN;
	if (kind->retry_after_s)
		reply_header(reply, "Retry-After",
			     arena_format(request->arena, "%d", kind->retry_after_s));
	if (request->endpoint && request->endpoint->complains)
		request->endpoint->complains(request, &complaint, reply);
	else
		complain_problem(request, &complaint, reply);
}
