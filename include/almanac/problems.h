/*
 * What can be wrong for a client, once and for all: status, title and stable code of every problem
 * (RFC 9457). A room may only name problems that stand in this table.
 */
#ifndef ALMANAC_PROBLEMS_H
#define ALMANAC_PROBLEMS_H

enum problem {
	PROBLEM_NONE,
	PROBLEM_BAD_REQUEST,          /* 400 bad_request: the request itself is malformed */
	PROBLEM_BAD_JSON,             /* 400 bad_json */
	PROBLEM_INVALID_QUERY,        /* 400 invalid_parameters: path or query fields */
	PROBLEM_INVALID_BODY,         /* 422 invalid_body: fields of the body */
	PROBLEM_TOKEN_MISSING,        /* 401 token_missing */
	PROBLEM_TOKEN_INVALID,        /* 401 token_invalid */
	PROBLEM_TOKEN_SCOPE,          /* 403 token_scope: good for less than is asked */
	PROBLEM_RATE_LIMITED,         /* 429 rate_limited */
	PROBLEM_TOO_MANY_CONNECTIONS, /* 429 too_many_connections */
	PROBLEM_NO_ROUTE,             /* 404 no_such_route */
	PROBLEM_METHOD_NOT_ALLOWED,   /* 405 method_not_allowed */
	PROBLEM_REQUEST_TIMEOUT,      /* 408 request_timeout */
	PROBLEM_BODY_TOO_LARGE,       /* 413 body_too_large */
	PROBLEM_URI_TOO_LONG,         /* 414 uri_too_long */
	PROBLEM_NOT_JSON,             /* 415 not_json */
	PROBLEM_HEADERS_TOO_LARGE,    /* 431 headers_too_large */
	PROBLEM_DATABASE_AWAY,        /* 503 database_unavailable */
	PROBLEM_OVERLOADED,           /* 503 overloaded: a queue is full */
	PROBLEM_SHUTTING_DOWN,        /* 503 shutting_down */
	PROBLEM_REFUSED, /* 503 database_refused: PostgreSQL would not run the statement */
	PROBLEM_PROVIDER_NOT_FOUND,  /* 404 provider_not_found */
	PROBLEM_PROVIDER_NAME_TAKEN, /* 409 provider_name_taken */
	PROBLEM_PROVIDER_TIMEZONE,   /* 422 provider_timezone_unknown */
	PROBLEM_SYNC_NOT_FOUND,      /* 404 sync_not_found */
	PROBLEM_EVENT_NOT_FOUND,     /* 404 event_not_found */
	PROBLEM_NOTHING_FOUND,       /* 404 nothing_found */
	PROBLEM_TIMER_NOT_FOUND,     /* 404 timer_not_found */
	PROBLEM_TIMER_RUNNING,       /* 409 timer_running: too near its time to be changed */
	PROBLEM_TIMER_OVER,          /* 409 timer_over: finished, failed or cancelled */
	PROBLEM_KEY_REUSED,          /* 422 idempotency_key_reused: with another body */
	PROBLEM_TASK_NOT_FOUND,      /* 404 task_not_found */
	PROBLEM_WEBHOOK_NOT_FOUND,   /* 404 webhook_not_found */
	PROBLEM_REPORT_NOT_FOUND,    /* 404 report_not_found */
	PROBLEM_SOURCE_FAILED, /* 502 source_failed: a calendar's, read for this very request */
	PROBLEM_DOCUMENT_NOT_FOUND, /* 404 document_not_found */
	PROBLEM_COUNT
};

struct problem_kind {
	int status;
	const char *code;
	const char *title;
	int retry_after_s; /* 0: no Retry-After */
	const char
		*advice; /* what is allowed, or what to do now: told when nothing nearer is known */
};

const struct problem_kind *problem_kind(enum problem problem);

#endif
