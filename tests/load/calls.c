/* calls.c - how fast webhooks are called: told, signed, sent over kept connections, judged.
 *
 *	calls [calls [at once, per destination [destinations]]]
 *
 * The sink is a process of its own that answers every request at once, on a port per destination.
 * Prints calls/s and the CPU time of both sides per call, of each of some runs and of the best.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "almanac/arena.h"
#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/fetch.h"
#include "timers/webhook.h"

enum { RUNS = 5, DESTINATIONS_MAX = 1000, REQUEST_MAX = 65536, EVENTS_MAX = 64 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			     "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 2\r\n\r\n{}";

static void must(bool is_fine)
{
	if (!is_fine)
		abort();
}

/* --- the sink ------------------------------------------------------------------------------------- */

struct peer {
	int fd;
	bool is_listener;
	size_t length;
	char bytes[REQUEST_MAX + 1];
};

static void add_peer(int epoll, int fd, bool is_listener)
{
	size_t size = is_listener ? offsetof(struct peer, bytes) : sizeof(struct peer);
	struct peer *peer = calloc(1, size);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

	must(peer != NULL);
	peer->fd = fd;
	peer->is_listener = is_listener;
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void take_peer(int epoll, const struct peer *listener)
{
	int one = 1;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	add_peer(epoll, fd, false);
}

/* Of the request in front, 0 when not all of it has come. */
static size_t request_length(const struct peer *peer)
{
	const char *end = strstr(peer->bytes, "\r\n\r\n");
	const char *length = strstr(peer->bytes, "Content-Length: ");
	size_t whole;

	if (!end)
		return 0;
	whole = (size_t)(end - peer->bytes) + 4;
	if (length && length < end)
		whole += strtoul(length + strlen("Content-Length: "), NULL, 10);
	return whole <= peer->length ? whole : 0;
}

static void drop_peer(struct peer *peer)
{
	close(peer->fd);
	free(peer);
}

static void serve_peer(struct peer *peer)
{
	ssize_t got = recv(peer->fd, peer->bytes + peer->length, REQUEST_MAX - peer->length, 0);
	size_t length;

	if (got <= 0) {
		drop_peer(peer);
		return;
	}
	peer->length += (size_t)got;
	peer->bytes[peer->length] = '\0';
	while ((length = request_length(peer)) > 0) {
		if (send(peer->fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
			return;
		peer->length -= length;
		memmove(peer->bytes, peer->bytes + length, peer->length + 1);
	}
}

static void serve(int epoll)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			struct peer *peer = events[i].data.ptr;

			if (peer->is_listener)
				take_peer(epoll, peer);
			else
				serve_peer(peer);
		}
	}
}

/* A listening socket on a free port of loopback. */
static int listen_free(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0);
	must(getsockname(fd, (struct sockaddr *)&address, &length) == 0 && listen(fd, 4096) == 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static pid_t start_sink(int destinations, int *ports)
{
	int epoll = epoll_create1(0);
	pid_t sink;

	must(epoll >= 0);
	for (int i = 0; i < destinations; i++)
		add_peer(epoll, listen_free(&ports[i]), true);
	sink = fork();
	must(sink >= 0);
	if (sink > 0)
		return sink;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "sink");
	serve(epoll);
	return 0;
}

/* --- the caller ----------------------------------------------------------------------------------- */

static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct bench {
	struct loop *loop;
	struct guard *guard;
	struct fetcher *fetcher;
	struct webhook_secrets *secrets;
	struct webhook_retries *retries;
	int64_t to_begin;
	int64_t under_way;
	int64_t answered;
};

/* One place for a call at a time: when it is over the next begins. */
struct place {
	struct fetch fetch;
	struct bench *bench;
	struct webhook webhook;
	struct arena *arena;
	char url[64];
	char kept[WEBHOOK_KEPT_MAX];
	size_t kept_length;
};

static bool received(struct fetch *fetch, struct span bytes)
{
	struct place *place = container_of(fetch, struct place, fetch);
	size_t room = sizeof(place->kept) - place->kept_length;
	size_t length = bytes.length < room ? bytes.length : room;

	memcpy(place->kept + place->kept_length, bytes.bytes, length);
	place->kept_length += length;
	return true;
}

static void begin(struct place *place)
{
	struct bench *bench = place->bench;

	if (bench->to_begin == 0)
		return;
	bench->to_begin--;
	bench->under_way++;
	place->arena = arena_create();
	place->kept_length = 0;
	place->webhook.fired_us = clock_wall_us();
	webhook_prepare(&place->webhook, bench->secrets, place->arena, &place->fetch);
	fetch_start(bench->fetcher, &place->fetch);
}

static void finished(struct fetch *fetch, const struct fetch_result *result)
{
	struct place *place = container_of(fetch, struct place, fetch);
	struct bench *bench = place->bench;
	struct webhook_verdict verdict;

	webhook_judge(&place->webhook, result, (struct span){place->kept, place->kept_length}, 7,
		      bench->retries, place->arena, &verdict);
	arena_destroy(place->arena);
	bench->under_way--;
	bench->answered += verdict.end == WEBHOOK_DONE;
	begin(place);
	if (bench->under_way == 0)
		loop_stop(bench->loop);
}

static void place_init(struct place *place, struct bench *bench, int port)
{
	place->bench = bench;
	snprintf(place->url, sizeof(place->url), "http://127.0.0.1:%d/hook", port);
	place->webhook = (struct webhook){
		.timer_id = uuid_make(),
		.url = place->url,
		.method = "POST",
		.payload = SPAN("{\"order\":12345,\"text\":\"call me\"}"),
		.request_id = "0190a1b2-0000-7000-8000-000000000001",
		.due_us = clock_wall_us(),
		.attempt = 1,
		.max_attempts = 6,
		.timeout_ms = 10000,
	};
	place->fetch.received = received;
	place->fetch.finished = finished;
}

static void bench_open(struct bench *bench, int connections)
{
	bench->loop = loop_create();
	bench->guard = guard_create("loopback", NULL);
	bench->fetcher = fetcher_create(bench->loop, &(struct fetcher_options){
							     .guard = bench->guard,
							     .user_agent = "almanac/bench",
							     .max_connections = connections,
							     .lanes = 16,
						     });
	bench->secrets = webhook_secrets_create(secret, NULL);
	bench->retries = webhook_retries_create("5", NULL);
}

static void bench_close(struct bench *bench)
{
	fetcher_destroy(bench->fetcher);
	guard_destroy(bench->guard);
	webhook_secrets_destroy(bench->secrets);
	webhook_retries_destroy(bench->retries);
	loop_destroy(bench->loop);
}

/* --- figures -------------------------------------------------------------------------------------- */

static double cpu_us(clockid_t clock)
{
	struct timespec time;

	must(clock_gettime(clock, &time) == 0);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

struct figures {
	double calls_a_second;
	double caller_us;
	double sink_us;
};

static struct figures run(struct bench *bench, struct place *places, int count, int64_t calls,
			  clockid_t sink)
{
	double caller_us = cpu_us(CLOCK_THREAD_CPUTIME_ID), sink_us = cpu_us(sink);
	int64_t began_us = clock_steady_us();

	bench->to_begin = calls;
	bench->answered = 0;
	for (int i = 0; i < count; i++)
		begin(&places[i]);
	loop_run(bench->loop);
	must(bench->answered == calls);
	return (struct figures){
		.calls_a_second = (double)calls * 1e6 / (double)(clock_steady_us() - began_us),
		.caller_us = (cpu_us(CLOCK_THREAD_CPUTIME_ID) - caller_us) / (double)calls,
		.sink_us = (cpu_us(sink) - sink_us) / (double)calls,
	};
}

static void tell(const char *what, const struct figures *figures)
{
	printf("%-5s %7.0f calls/s, %5.1f us CPU per call (the sink %.1f us)\n", what,
	       figures->calls_a_second, figures->caller_us, figures->sink_us);
	fflush(stdout);
}

static void measure(struct bench *bench, struct place *places, int count, int64_t calls, pid_t sink)
{
	struct figures best = {.caller_us = 1e9};
	clockid_t sink_clock;

	must(clock_getcpuclockid(sink, &sink_clock) == 0);
	for (int i = 0; i < RUNS; i++) {
		struct figures figures = run(bench, places, count, calls, sink_clock);

		tell("run", &figures);
		if (figures.caller_us < best.caller_us)
			best = figures;
	}
	tell("best", &best);
}

static int number(char **arguments, int count, int place, int otherwise)
{
	return count > place ? (int)strtol(arguments[place], NULL, 10) : otherwise;
}

int main(int count, char **arguments)
{
	int calls = number(arguments, count, 1, 50000);
	int at_once = number(arguments, count, 2, 64);
	int destinations = number(arguments, count, 3, 1);
	int places_count = at_once * destinations;
	static int ports[DESTINATIONS_MAX];
	struct place *places = calloc((size_t)places_count, sizeof(*places));
	struct bench bench = {0};
	pid_t sink;

	must(destinations <= DESTINATIONS_MAX && places != NULL);
	sink = start_sink(destinations, ports);
	bench_open(&bench, places_count);
	for (int i = 0; i < places_count; i++)
		place_init(&places[i], &bench, ports[i % destinations]);
	measure(&bench, places, places_count, calls, sink);
	bench_close(&bench);
	free(places);
	kill(sink, SIGKILL);
	waitpid(sink, NULL, 0);
	return 0;
}
