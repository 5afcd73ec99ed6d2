/* multi.c - libcurl's sockets and timer on the loop; the fetcher opens it, libcurl drives it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "call.h"

enum { SOCKETS_AT_FIRST = 64 };

/*
 * Between two calls libcurl wants a kept connection watched no more, and again a moment later. The
 * loop goes on watching it. That saves two system calls a call, and whatever comes in meanwhile is seen:
 * most often the end, else an answer that nobody asked for, which libcurl would give to the next call.
 * Such a connection is ended.
 *
 * When it is closed libcurl tells so, as of every connection that was made. Other descriptors, attempts
 * to connect and the resolver's, may be closed without a word: they are unwatched at once.
 */
struct fetch_socket {
	struct fetch_lane *lane;
	struct loop_watch watch;
	bool is_resting; /* watched though libcurl did not ask for it */
};

/* Whatever libcurl has brought to an end. */
static void collect(struct fetch_lane *lane)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(lane->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		struct fetch_call *call = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		call_finish(call, code);
	}
}

static void act(struct fetch_lane *lane, curl_socket_t fd, int ready)
{
	int running;
	curl_multi_socket_action(lane->multi, fd, ready, &running);
	collect(lane);
}

/* libcurl finds it at its end then. */
static void end_connection(struct fetch_socket *socket)
{
	char bytes[4096];
	loop_unwatch(socket->lane->fetcher->loop, &socket->watch);
	shutdown(socket->watch.fd, SHUT_RDWR);
	while (recv(socket->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* The watch may be gone when libcurl returns. */
static void socket_ready(struct loop_watch *watch, uint32_t events)
{
	struct fetch_socket *socket = container_of(watch, struct fetch_socket, watch);
	int ready = 0;
	if (socket->is_resting) {
		end_connection(socket);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		ready |= CURL_CSELECT_IN;
	if ((events & EPOLLOUT) != 0)
		ready |= CURL_CSELECT_OUT;
	act(socket->lane, watch->fd, ready);
}

static void make_room(struct fetcher *fetcher, int fd)
{
	size_t old = (size_t)fetcher->socket_size, size = old > 0 ? old : SOCKETS_AT_FIRST;
	if (fd < fetcher->socket_size)
		return;
	while (size <= (size_t)fd)
		size *= 2;
	fetcher->sockets = realloc(fetcher->sockets, size * sizeof(*fetcher->sockets));
	assert(fetcher->sockets != NULL);
	memset(fetcher->sockets + old, 0, (size - old) * sizeof(*fetcher->sockets));
	fetcher->socket_size = (int)size;
}

static struct fetch_socket *find_socket(const struct fetcher *fetcher, curl_socket_t fd)
{
	return fd < fetcher->socket_size ? fetcher->sockets[fd] : NULL;
}

static struct fetch_socket *add_socket(struct fetch_lane *lane, curl_socket_t fd)
{
	struct fetcher *fetcher = lane->fetcher;
	struct fetch_socket *socket = calloc(1, sizeof(*socket));
	assert(socket != NULL);
	socket->lane = lane;
	socket->watch.fd = fd;
	socket->watch.ready = socket_ready;
	make_room(fetcher, fd);
	fetcher->sockets[fd] = socket;
	return socket;
}

static void remove_socket(struct fetcher *fetcher, curl_socket_t fd)
{
	struct fetch_socket *socket = find_socket(fetcher, fd);
	if (socket == NULL)
		return;
	loop_unwatch(fetcher->loop, &socket->watch);
	fetcher->sockets[fd] = NULL;
	free(socket);
}

/* Once its answer has begun, the one descriptor of a call that was not led elsewhere is that of a
 * connection that was made. */
static bool is_connection(CURL *easy)
{
	struct fetch_call *call = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
	return call != NULL && call->status != 0 && call->fetch->max_redirects == 0;
}

static void rest_socket(struct fetcher *fetcher, struct fetch_socket *socket)
{
	socket->is_resting = true;
	if (socket->watch.events == EPOLLIN)
		return;
	socket->watch.events = EPOLLIN;
	loop_watch(fetcher->loop, &socket->watch);
}

static void leave_socket(struct fetcher *fetcher, CURL *easy, curl_socket_t fd)
{
	struct fetch_socket *socket = find_socket(fetcher, fd);
	if (socket != NULL && socket->watch.is_watched && is_connection(easy))
		rest_socket(fetcher, socket);
	else
		remove_socket(fetcher, fd);
}

static void watch_socket(struct fetch_lane *lane, curl_socket_t fd, int what)
{
	struct fetch_socket *socket = find_socket(lane->fetcher, fd);
	uint32_t events = 0;
	if (socket == NULL)
		socket = add_socket(lane, fd);
	if ((what & CURL_POLL_IN) != 0)
		events |= EPOLLIN;
	if ((what & CURL_POLL_OUT) != 0)
		events |= EPOLLOUT;
	if (socket->is_resting && socket->watch.is_watched && socket->watch.events == events) {
		socket->is_resting = false;
		return;
	}
	socket->is_resting = false;
	socket->watch.events = events;
	loop_watch(lane->fetcher->loop, &socket->watch);
}

/* CURLMOPT_SOCKETFUNCTION(3) */
static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
	(void)assigned;
	struct fetch_lane *lane = owner;
	if (what == CURL_POLL_REMOVE)
		leave_socket(lane->fetcher, easy, fd);
	else
		watch_socket(lane, fd, what);
	return 0;
}

/* CURLOPT_CLOSESOCKETFUNCTION(3) */
int multi_close_socket(void *owner, curl_socket_t fd)
{
	remove_socket(owner, fd);
	return close(fd);
}

static void timer_due(struct loop_timer *timer)
{
	act(container_of(timer, struct fetch_lane, timer), CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION(3); counted from now, not from the beginning of the turn. */
static int timer_wanted(CURLM *multi, long timeout_ms, void *owner)
{
	(void)multi;
	struct fetch_lane *lane = owner;
	struct loop *loop = lane->fetcher->loop;
	if (timeout_ms < 0)
		loop_timer_clear(loop, &lane->timer);
	else
		loop_timer_set(loop, &lane->timer, clock_steady_us() + timeout_ms * 1000);
	return 0;
}

static void open_lane(struct fetcher *fetcher, struct fetch_lane *lane)
{
	long max_connections = fetcher->max_connections;
	long max_kept = fetcher->max_kept;
	lane->fetcher = fetcher;
	lane->timer.fire = timer_due;
	lane->multi = curl_multi_init();
	assert(lane->multi != NULL);
	curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
	curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
	curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, max_kept);
	curl_multi_setopt(lane->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
}

void multi_open(struct fetcher *fetcher, int lanes)
{
	fetcher->lanes = calloc((size_t)lanes, sizeof(*fetcher->lanes));
	assert(fetcher->lanes != NULL);
	fetcher->lane_count = lanes;
	for (int i = 0; i < lanes; i++)
		open_lane(fetcher, &fetcher->lanes[i]);
}

void multi_close(struct fetcher *fetcher)
{
	for (int i = 0; i < fetcher->lane_count; i++) {
		curl_multi_cleanup(fetcher->lanes[i].multi);
		loop_timer_clear(fetcher->loop, &fetcher->lanes[i].timer);
	}
	for (int fd = 0; fd < fetcher->socket_size; fd++)
		remove_socket(fetcher, fd);
	free(fetcher->sockets);
	free(fetcher->lanes);
}

/* By scheme, host and port (FNV-1a), so that all calls of a destination share its connections. */
static struct fetch_lane *lane_of(const struct fetcher *fetcher, const char *url)
{
	uint32_t hash = 2166136261;
	const char *host = strstr(url, "://");
	const char *end = (host != NULL ? host + 3 : url);
	end += strcspn(end, "/?#");
	for (const char *at = url; at < end; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619;
	return &fetcher->lanes[hash % (uint32_t)fetcher->lane_count];
}

void multi_add(struct fetch_call *call)
{
	call->lane = lane_of(call->fetcher, call->fetch->url);
	CURLMcode code = curl_multi_add_handle(call->lane->multi, call->handle.easy);
	assert(code == CURLM_OK);
}

void multi_remove(struct fetch_call *call)
{
	if (call->lane != NULL)
		curl_multi_remove_handle(call->lane->multi, call->handle.easy);
}
