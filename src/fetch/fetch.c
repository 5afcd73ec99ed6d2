/* fetch.c - calls to other services; flows and rooms start them, libcurl carries them out. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/fetch.h"
#include "call.h"

static void link_call(struct fetcher *fetcher, struct fetch_call *call)
{
	call->before = NULL;
	call->after = fetcher->calls;
	if (call->after != NULL)
		call->after->before = call;
	fetcher->calls = call;
}

static void unlink_call(struct fetcher *fetcher, struct fetch_call *call)
{
	if (call->before != NULL)
		call->before->after = call->after;
	else
		fetcher->calls = call->after;
	if (call->after != NULL)
		call->after->before = call->before;
}

static struct fetch_call *take_spare(struct fetcher *fetcher)
{
	struct fetch_call *call = fetcher->spare;
	if (call == NULL) {
		call = calloc(1, sizeof(*call));
		assert(call != NULL);
		handle_create(&call->handle);
		return call;
	}
	fetcher->spare = call->after;
	fetcher->spare_count--;
	return call;
}

static struct fetch_call *take_call(struct fetcher *fetcher)
{
	struct fetch_call *call = take_spare(fetcher);
	struct fetch_handle handle = call->handle;
	memset(call, 0, sizeof(*call));
	call->fetcher = fetcher;
	call->handle = handle;
	return call;
}

static void destroy_call(struct fetch_call *call)
{
	handle_destroy(&call->handle);
	free(call);
}

/* The latest is taken next: its memory is still near. */
static void give_call(struct fetch_call *call, CURLcode code)
{
	struct fetcher *fetcher = call->fetcher;
	if (fetcher->spare_count >= fetcher->max_kept * fetcher->lane_count) {
		destroy_call(call);
		return;
	}
	handle_clear(call, code);
	call->after = fetcher->spare;
	fetcher->spare = call;
	fetcher->spare_count++;
}

static void decide_deadline(struct fetch_call *call)
{
	int64_t timeout_ms = call->fetch->timeout_ms;
	bool is_whole = timeout_ms % 1000 == 0;
	call_decide(call, FETCH_FAILED, "timed out after %lld %s",
		    (long long)(is_whole ? timeout_ms / 1000 : timeout_ms), is_whole ? "s" : "ms");
}

static void run(struct fetch_call *call)
{
	struct fetcher *fetcher = call->fetcher;
	if (!request_prepare(call)) {
		call_finish(call, CURLE_OK);
		return;
	}
	multi_add(call);
	loop_timer_set(fetcher->loop, &call->timer,
		       call->started_us + call->fetch->timeout_ms * 1000);
}

/*
 * The deadline is ours: libcurl's own begins only when a connection is free for the call, so
 * calls waiting behind slow ones would outlive it.
 */
static void wake(struct loop_timer *timer)
{
	struct fetch_call *call = container_of(timer, struct fetch_call, timer);
	if (call->verdict == 0 && call->lane == NULL) {
		run(call);
		return;
	}
	if (call->verdict == 0)
		decide_deadline(call);
	call_finish(call, CURLE_OK);
}

void call_decide(struct fetch_call *call, enum fetch_verdict verdict, const char *format, ...)
{
	if (call->verdict != 0)
		return;
	call->verdict = verdict;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(call->complaint, sizeof(call->complaint), format, arguments);
	va_end(arguments);
}

void call_finish(struct fetch_call *call, CURLcode code)
{
	struct fetcher *fetcher = call->fetcher;
	struct fetch *fetch = call->fetch;
	loop_timer_clear(fetcher->loop, &call->timer);

	struct fetch_result result;
	verdict_tell(call, code, &result);
	multi_remove(call);
	unlink_call(fetcher, call);

	/* The listener may start or free the fetch; the result still borrows the call. */
	bool was_telling = fetcher->is_telling;
	fetcher->is_telling = true;
	fetch->call = NULL;
	fetch->finished(fetch, &result);
	fetcher->is_telling = was_telling;

	give_call(call, code);
}

struct fetcher *fetcher_create(struct loop *loop, const struct fetcher_options *options)
{
	assert(options->guard != NULL && options->max_connections > 0);
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
	assert(code == CURLE_OK);
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
	assert(fetcher != NULL);
	fetcher->loop = loop;
	fetcher->guard = options->guard;
	fetcher->user_agent = strdup(options->user_agent);
	assert(fetcher->user_agent != NULL);
	fetcher->max_connections = options->max_connections;
	fetcher->max_kept = options->max_kept ? options->max_kept : options->max_connections;
	multi_open(fetcher, options->lanes > 0 ? options->lanes : 1);
	return fetcher;
}

void fetcher_destroy(struct fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	assert(!fetcher->is_telling);
	while (fetcher->calls != NULL) {
		call_decide(fetcher->calls, FETCH_STOPPED, "the daemon is closing");
		call_finish(fetcher->calls, CURLE_OK);
	}
	while (fetcher->spare != NULL) {
		struct fetch_call *call = fetcher->spare;
		fetcher->spare = call->after;
		destroy_call(call);
	}
	multi_close(fetcher);
	free(fetcher->user_agent);
	free(fetcher);
	curl_global_cleanup();
}

void fetch_start(struct fetcher *fetcher, struct fetch *fetch)
{
	assert(fetch->url != NULL && fetch->finished != NULL && fetch->timeout_ms > 0);
	struct fetch_call *call = take_call(fetcher);
	call->fetch = fetch;
	fetch->call = call;
	link_call(fetcher, call);
	call->started_us = clock_steady_us();
	call->timer.fire = wake;
	loop_timer_set(fetcher->loop, &call->timer, call->started_us);
}

void fetch_cancel(struct fetch *fetch)
{
	struct fetch_call *call = fetch->call;
	if (call == NULL)
		return;
	struct loop *loop = call->fetcher->loop;
	call_decide(call, FETCH_STOPPED, "cancelled");
	loop_timer_set(loop, &call->timer, loop_now_us(loop));
}
