/*
 * What the files of this folder share: the fetcher and one call of it.
 *
 *	fetch.c    a call's life: start, deadline, end; the fetcher that keeps them
 *	multi.c    libcurl's sockets and timer on the loop
 *	request.c  a struct fetch told to libcurl
 *	answer.c   what comes in, under its limits
 *	verdict.c  how it ended, in words
 *
 * User's functions (`received`, `finished`) may start and cancel calls: both only set the call's
 * timer, so libcurl is never entered from inside its own callbacks.
 */
#ifndef ALMANAC_FETCH_CALL_H
#define ALMANAC_FETCH_CALL_H

#include <curl/curl.h>

#include "almanac/fetch.h"

enum { COMPLAINT_MAX = 512 };

/* A multi handle: its connections, its cache of names, its time. */
struct fetch_lane {
	struct fetcher *fetcher;
	CURLM *multi;
	struct loop_timer timer; /* libcurl's */
};

struct fetcher {
	struct loop *loop;
	const struct guard *guard;
	char *user_agent;
	int max_connections, max_kept;
	struct fetch_lane *lanes;
	int lane_count;
	struct fetch_socket **sockets; /* by their descriptors; NULL: unknown */
	int socket_size;
	struct fetch_call *calls; /* under way */
	struct fetch_call *spare; /* over, their easy handles ready for the next */
	int spare_count;
	bool is_telling; /* inside a `finished` */
};

/* What outlives a call: an easy handle costs more to make and to set up than a call. */
struct fetch_handle {
	CURL *easy;
	struct curl_slist *lines; /* room for request headers */
	size_t line_size;
	bool is_set_up;
	bool is_terse; /* as it is set up */
};

struct fetch_call {
	struct fetcher *fetcher;
	struct fetch *fetch;
	struct fetch_handle handle;
	struct fetch_lane *lane; /* libcurl has it there; NULL: it has it not */
	struct loop_timer timer; /* first the start, then the deadline; at once when cancelled */
	bool is_plain;           /* neither redirects nor names and passwords */
	int64_t started_us;

	/* Decided by us before libcurl came to an end; 0: libcurl's result decides. */
	enum fetch_verdict verdict;
	char complaint[COMPLAINT_MAX]; /* also the guard's, while other addresses are tried */
	char curl_says[CURL_ERROR_SIZE];

	/* Of the answer that is coming in; a followed redirect begins them anew. */
	int status; /* 0: none has begun */
	size_t header_bytes;
	int header_lines;
	int64_t body_bytes;
	int sockets_opened;
	int sockets_refused;

	struct fetch_call *before;
	struct fetch_call *after;
};

/* Ends a call from inside a callback: the first decision stays. */
void call_decide(struct fetch_call *call, enum fetch_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells the listener, exactly once, and gives the call back. */
void call_finish(struct fetch_call *call, CURLcode code);

/* multi.c; CURLOPT_CLOSESOCKETDATA is the fetcher. */
void multi_open(struct fetcher *fetcher, int lanes);
void multi_close(struct fetcher *fetcher);
void multi_add(struct fetch_call *call);
void multi_remove(struct fetch_call *call); /* fine when it was not added */
int multi_close_socket(void *owner, curl_socket_t fd);

/* request.c: false with a decision when the request cannot be told. */
bool request_prepare(struct fetch_call *call) __attribute__((warn_unused_result));

/* A handle of its own for a call that never was. */
void handle_create(struct fetch_handle *handle);
void handle_destroy(struct fetch_handle *handle);

/* Makes the handle of a call that is over, with libcurl's result, fit for any other. */
void handle_clear(struct fetch_call *call, CURLcode code);

/* answer.c: the callbacks given to libcurl; CURLOPT_*DATA is the call. */
size_t answer_header(char *bytes, size_t size, size_t count, void *owner);
size_t answer_body(char *bytes, size_t size, size_t count, void *owner);
curl_socket_t answer_open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *address);

/* verdict.c: fills the result; its texts live as long as the call. */
void verdict_tell(struct fetch_call *call, CURLcode code, struct fetch_result *result);

#endif
