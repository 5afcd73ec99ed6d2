/* verdict.c - how a call ended, in words; called when it ends, asks libcurl. */
#include <errno.h>
#include <string.h>

#include "almanac/clock.h"
#include "call.h"

/* Either `explain` decides, or the call failed in these words. */
struct ending {
	CURLcode code;
	void (*explain)(struct fetch_call *call);
	const char *words;
};

static long system_error(const struct fetch_call *call)
{
	long error = 0;
	curl_easy_getinfo(call->handle.easy, CURLINFO_OS_ERRNO, &error);
	return error;
}

/* Until an answer has begun the handle still tells of the call before. */
static int64_t wire_bytes(const struct fetch_call *call)
{
	curl_off_t bytes = 0;
	if (call->status != 0)
		curl_easy_getinfo(call->handle.easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	return bytes;
}

static void explain_resolve(struct fetch_call *call)
{
	const char *host = strrchr(call->curl_says, ' ');
	call_decide(call, FETCH_FAILED, "could not resolve host%s", host == NULL ? "" : host);
}

/* Refused for good only when no address of the host was allowed. */
static void explain_connect(struct fetch_call *call)
{
	long error = system_error(call);
	if (call->sockets_refused > 0 && call->sockets_opened == 0)
		call->verdict = FETCH_REFUSED; /* the complaint is there already */
	else if (error == ECONNREFUSED)
		call_decide(call, FETCH_FAILED, "connection refused");
	else if (error == ENETUNREACH || error == EHOSTUNREACH)
		call_decide(call, FETCH_FAILED, "the host is unreachable");
	else
		call_decide(call, FETCH_FAILED, "could not connect");
}

static void explain_connect_timeout(struct fetch_call *call)
{
	call_decide(call, FETCH_FAILED, "could not connect within %lld ms",
		    (long long)call->fetch->connect_timeout_ms);
}

/* libcurl gives one code for "ftp://…" and for an answer that does not begin with HTTP/1. */
static void explain_protocol(struct fetch_call *call)
{
	long request_bytes = 0;
	curl_easy_getinfo(call->handle.easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	if (request_bytes > 0 && call->status == 0)
		call_decide(call, FETCH_FAILED, "the answer is not HTTP");
	else
		call_decide(call, FETCH_REFUSED, "only http and https are called");
}

static void explain_url(struct fetch_call *call)
{
	call_decide(call, FETCH_REFUSED, "the URL is malformed");
}

static void explain_redirects(struct fetch_call *call)
{
	call_decide(call, FETCH_FAILED, "too many redirects (at most %d)",
		    call->fetch->max_redirects);
}

static void explain_cut(struct fetch_call *call)
{
	call_decide(call, FETCH_FAILED, "the answer was cut after %lld bytes",
		    (long long)wire_bytes(call));
}

static void explain_transfer(struct fetch_call *call)
{
	long error = system_error(call);
	if (error == ECONNRESET || error == EPIPE)
		call_decide(call, FETCH_FAILED, "the connection was reset");
	else
		call_decide(call, FETCH_FAILED, "the connection broke: %s", call->curl_says);
}

static const struct ending endings[] = {
	{CURLE_COULDNT_RESOLVE_HOST, explain_resolve, NULL},
	{CURLE_COULDNT_CONNECT, explain_connect, NULL},
	{CURLE_OPERATION_TIMEDOUT, explain_connect_timeout, NULL}, /* the total deadline is ours */
	{CURLE_UNSUPPORTED_PROTOCOL, explain_protocol, NULL},
	{CURLE_URL_MALFORMAT, explain_url, NULL},
	{CURLE_TOO_MANY_REDIRECTS, explain_redirects, NULL},
	{CURLE_PARTIAL_FILE, explain_cut, NULL},
	{CURLE_RECV_ERROR, explain_transfer, NULL},
	{CURLE_SEND_ERROR, explain_transfer, NULL},
	{CURLE_GOT_NOTHING, NULL, "the connection was closed without an answer"},
	{CURLE_BAD_CONTENT_ENCODING, NULL, "the compression of the answer is broken"},
	{CURLE_WEIRD_SERVER_REPLY, NULL, "the answer is not HTTP"},
	/* A header line longer than libcurl's own buffer; real want of memory ends us elsewhere. */
	{CURLE_OUT_OF_MEMORY, NULL, "too many headers"},
};

static void decide(struct fetch_call *call, CURLcode code)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const struct ending *ending = &endings[i];
		if (ending->code != code)
			continue;
		if (ending->explain != NULL)
			ending->explain(call);
		else
			call_decide(call, FETCH_FAILED, "%s", ending->words);
		return;
	}
	const char *words = call->curl_says[0] != '\0' ? call->curl_says : curl_easy_strerror(code);
	call_decide(call, FETCH_FAILED, "%s", words);
}

/* Of the last answer; "" when absent. */
static const char *header(const struct fetch_call *call, const char *name)
{
	struct curl_header *found;
	if (call->status == 0 ||
	    curl_easy_header(call->handle.easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
		return "";
	return found->value;
}

static const char *entity_header(const struct fetch_call *call, const char *name)
{
	return call->fetch->is_terse ? "" : header(call, name);
}

/* Of a terse call only where it means something (RFC 9110 section 10.2.3, RFC 6585 section 4). */
static const char *retry_after(const struct fetch_call *call)
{
	bool is_said = !call->fetch->is_terse || call->status == 429 || call->status == 503;
	return is_said ? header(call, "Retry-After") : "";
}

void verdict_tell(struct fetch_call *call, CURLcode code, struct fetch_result *result)
{
	if (call->verdict == 0 && code == CURLE_OK)
		call->verdict = FETCH_ANSWERED;
	if (call->verdict == 0)
		decide(call, code);
	*result = (struct fetch_result){
		.verdict = call->verdict,
		.status = call->status,
		.complaint = call->verdict == FETCH_ANSWERED ? "" : call->complaint,
		.content_type = entity_header(call, "Content-Type"),
		.etag = entity_header(call, "ETag"),
		.last_modified = entity_header(call, "Last-Modified"),
		.retry_after = retry_after(call),
		.wire_bytes = wire_bytes(call),
		.body_bytes = call->body_bytes,
		.duration_us = clock_steady_us() - call->started_us,
	};
}
