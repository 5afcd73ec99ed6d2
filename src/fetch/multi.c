/* multi.c - libcurl's sockets and timer on the loop; the fetcher opens it, libcurl drives it. */
#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "call.h"

struct fetch_socket {
	struct fetcher *fetcher;
	struct loop_watch watch;
	struct fetch_socket *before;
	struct fetch_socket *after;
};

/* Whatever libcurl has brought to an end. */
static void collect(struct fetcher *fetcher)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		struct fetch_call *call = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		call_finish(call, code);
	}
}

static void act(struct fetcher *fetcher, curl_socket_t fd, int ready)
{
	int running;
	curl_multi_socket_action(fetcher->multi, fd, ready, &running);
	collect(fetcher);
}

/* The watch may be gone when libcurl returns. */
static void socket_ready(struct loop_watch *watch, uint32_t events)
{
	struct fetch_socket *socket = container_of(watch, struct fetch_socket, watch);
	int ready = 0;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		ready |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		ready |= CURL_CSELECT_OUT;
	act(socket->fetcher, watch->fd, ready);
}

static struct fetch_socket *add_socket(struct fetcher *fetcher, curl_socket_t fd)
{
	struct fetch_socket *socket = calloc(1, sizeof(*socket));
	assert(socket != NULL);
	socket->fetcher = fetcher;
	socket->watch.fd = fd;
	socket->watch.ready = socket_ready;
	socket->after = fetcher->sockets;
	if (socket->after != NULL)
		socket->after->before = socket;
	fetcher->sockets = socket;
	curl_multi_assign(fetcher->multi, fd, socket);
	return socket;
}

static void remove_socket(struct fetcher *fetcher, struct fetch_socket *socket)
{
	loop_unwatch(fetcher->loop, &socket->watch);
	if (socket->before != NULL)
		socket->before->after = socket->after;
	else
		fetcher->sockets = socket->after;
	if (socket->after != NULL)
		socket->after->before = socket->before;
	free(socket);
}

/* CURLMOPT_SOCKETFUNCTION(3) */
static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
	(void)easy;
	struct fetcher *fetcher = owner;
	struct fetch_socket *socket = assigned;
	if (what == CURL_POLL_REMOVE) {
		if (socket != NULL)
			remove_socket(fetcher, socket);
		return 0;
	}
	if (socket == NULL)
		socket = add_socket(fetcher, fd);
	socket->watch.events = 0;
	if ((what & CURL_POLL_IN) != 0)
		socket->watch.events |= EPOLLIN;
	if ((what & CURL_POLL_OUT) != 0)
		socket->watch.events |= EPOLLOUT;
	loop_watch(fetcher->loop, &socket->watch);
	return 0;
}

static void timer_due(struct loop_timer *timer)
{
	struct fetcher *fetcher = container_of(timer, struct fetcher, timer);
	act(fetcher, CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION(3); counted from now, not from the beginning of the turn. */
static int timer_wanted(CURLM *multi, long timeout_ms, void *owner)
{
	(void)multi;
	struct fetcher *fetcher = owner;
	if (timeout_ms < 0)
		loop_timer_clear(fetcher->loop, &fetcher->timer);
	else
		loop_timer_set(fetcher->loop, &fetcher->timer,
			       clock_steady_us() + timeout_ms * 1000);
	return 0;
}

void multi_open(struct fetcher *fetcher)
{
	fetcher->multi = curl_multi_init();
	assert(fetcher->multi != NULL);
	fetcher->timer.fire = timer_due;
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
	curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)fetcher->max_connections);
	curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  (long)fetcher->max_connections);
}

void multi_close(struct fetcher *fetcher)
{
	curl_multi_cleanup(fetcher->multi);
	loop_timer_clear(fetcher->loop, &fetcher->timer);
	while (fetcher->sockets != NULL)
		remove_socket(fetcher, fetcher->sockets);
}
