/* answer.c - what comes in, under its limits; libcurl calls it, it calls the listener. */
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "call.h"
#include "guard_kind.h"

enum { MAX_HEADER_BYTES = 64 * 1024, MAX_HEADER_LINES = 200 };

/* So much of a body nobody wants is read, to keep the connection; then the call is over. */
enum { MAX_SWALLOWED_BYTES = 64 * 1024 };

static int read_status(const struct fetch_call *call)
{
	long status = 0;
	curl_easy_getinfo(call->handle.easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* Interim answers (1xx) count towards the limits of the final one: there may be endless many. */
static void begin_answer(struct fetch_call *call)
{
	call->status = read_status(call);
	if (call->status < 200)
		return;
	call->header_bytes = 0;
	call->header_lines = 0;
	call->body_bytes = 0;
	call->sockets_opened = 0;
	call->sockets_refused = 0;
}

static bool is_wanted(const struct fetch_call *call)
{
	return call->fetch->wants_all || (call->status >= 200 && call->status < 300);
}

static bool swallow(struct fetch_call *call)
{
	if (call->body_bytes <= MAX_SWALLOWED_BYTES)
		return true;
	call->verdict = FETCH_ANSWERED;
	return false;
}

static bool pass_on(struct fetch_call *call, struct span bytes)
{
	struct fetch *fetch = call->fetch;
	if (call->body_bytes > fetch->max_bytes) {
		call_decide(call, FETCH_TOO_LARGE, "the answer has more than %lld bytes",
			    (long long)fetch->max_bytes);
		return false;
	}
	if (fetch->received == NULL || fetch->received(fetch, bytes))
		return true;
	call_decide(call, FETCH_STOPPED, "stopped by the listener");
	return false;
}

/* CURLOPT_HEADERFUNCTION(3): one whole line a call, the status line first. */
size_t answer_header(char *bytes, size_t size, size_t count, void *owner)
{
	struct fetch_call *call = owner;
	size_t length = size * count;
	if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		begin_answer(call);
	call->header_bytes += length;
	call->header_lines++;
	if (call->header_bytes <= MAX_HEADER_BYTES && call->header_lines <= MAX_HEADER_LINES)
		return length;
	call_decide(call, FETCH_FAILED, "too many headers");
	return 0;
}

/* CURLOPT_WRITEFUNCTION(3): after decompression; anything but `length` ends the transfer. */
size_t answer_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct fetch_call *call = owner;
	size_t length = size * count;
	if (call->verdict != 0)
		return 0;
	call->body_bytes += (int64_t)length;
	struct span part = {bytes, length};
	bool goes_on = is_wanted(call) ? pass_on(call, part) : swallow(call);
	return goes_on ? length : 0;
}

/* CURLOPT_OPENSOCKETFUNCTION(3): the address is the one to be connected to, after resolving. */
curl_socket_t answer_open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct fetch_call *call = owner;
	const struct guard *guard = call->fetcher->guard;
	if (guard_allows(guard, &address->addr)) {
		call->sockets_opened++;
		return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	}
	call->sockets_refused++;
	char name[INET6_ADDRSTRLEN + IF_NAMESIZE] = "the address";
	getnameinfo(&address->addr, (socklen_t)address->addrlen, name, sizeof(name), NULL, 0,
		    NI_NUMERICHOST);
	snprintf(call->complaint, sizeof(call->complaint), "%s is not an allowed destination (%s)",
		 name, guard_kind(guard, &address->addr));
	return CURL_SOCKET_BAD;
}
