/* sink.c - the receiver of all webhooks in one run: keeps when each came and how late that was.
 *
 *   sink PORT
 *
 * POST with {"timerId":"…","dueAt":"2026-…Z",…} is answered 200 and noted; a path that begins with /hang is
 * never answered; GET /stats tells in JSON, GET /reset forgets. Times are microseconds. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 4000000
#define SEEN_SIZE (1 << 23)
#define BUFFER 65536

struct client {
	int fd;
	size_t length;
	char bytes[BUFFER];
};

static int64_t *lateness;
static uint64_t *seen;
static size_t calls, distinct;
static int64_t first_us, last_us;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* "2026-02-01T20:00:00.000Z" */
static int64_t read_moment(const char *text)
{
	struct tm fields = {0};
	int milliseconds = 0;

	if (sscanf(text, "%d-%d-%dT%d:%d:%d.%dZ", &fields.tm_year, &fields.tm_mon, &fields.tm_mday,
		   &fields.tm_hour, &fields.tm_min, &fields.tm_sec, &milliseconds) < 6)
		return 0;
	fields.tm_year -= 1900;
	fields.tm_mon -= 1;
	return (int64_t)timegm(&fields) * 1000000 + milliseconds * 1000;
}

static uint64_t hash_of(const char *id)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (int i = 0; i < 36 && id[i] && id[i] != '"'; i++)
		hash = (hash ^ (unsigned char)id[i]) * UINT64_C(1099511628211);
	return hash ? hash : 1;
}

static void note_id(const char *body)
{
	const char *id = strstr(body, "\"timerId\":\"");
	uint64_t hash;
	size_t place;

	if (!id)
		return;
	hash = hash_of(id + 11);
	place = hash & (SEEN_SIZE - 1);
	while (seen[place] && seen[place] != hash)
		place = (place + 1) & (SEEN_SIZE - 1);
	distinct += seen[place] == 0;
	seen[place] = hash;
}

static void note(const char *body)
{
	const char *due = strstr(body, "\"dueAt\":\"");
	int64_t now = now_us();

	if (calls == CALLS_MAX)
		return;
	lateness[calls++] = due ? now - read_moment(due + 9) : 0;
	note_id(body);
	if (!first_us)
		first_us = now;
	last_us = now;
}

static int by_size(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

static void tell(int fd)
{
	char body[512], out[800];
	size_t early = 0;
	int length;

	qsort(lateness, calls, sizeof(*lateness), by_size);
	while (early < calls && lateness[early] < 0)
		early++;
	length = snprintf(
		body, sizeof(body),
		"{\"calls\":%zu,\"distinct\":%zu,\"early\":%zu,\"least\":%lld,\"p50\":%lld,"
		"\"p99\":%lld,\"most\":%lld,\"first\":%lld,\"last\":%lld}",
		calls, distinct, early, calls ? (long long)lateness[0] : 0,
		calls ? (long long)lateness[calls / 2] : 0,
		calls ? (long long)lateness[calls * 99 / 100] : 0,
		calls ? (long long)lateness[calls - 1] : 0, (long long)first_us,
		(long long)last_us);
	length = snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
			  length, body);
	assert(write(fd, out, (size_t)length) == length);
}

static void forget(void)
{
	memset(seen, 0, SEEN_SIZE * sizeof(*seen));
	calls = distinct = 0;
	first_us = last_us = 0;
}

static void answer(int fd, const char *head, const char *body)
{
	static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	if (strncmp(head, "GET /stats", 10) == 0) {
		tell(fd);
		return;
	}
	if (strstr(head, " /hang"))
		return;
	if (strncmp(head, "GET /reset", 10) == 0)
		forget();
	else
		note(body);
	if (write(fd, fine, sizeof(fine) - 1) < 0)
		return;
}

static size_t body_length(const char *head)
{
	const char *field = strcasestr(head, "\r\ncontent-length:");

	return field ? strtoul(field + 17, NULL, 10) : 0;
}

/* One whole request at the front is answered and cut off; false when there is none. */
static int take_request(struct client *client)
{
	char *end, saved;
	size_t head, whole;

	client->bytes[client->length] = '\0';
	end = strstr(client->bytes, "\r\n\r\n");
	if (!end)
		return 0;
	head = (size_t)(end - client->bytes) + 4;
	end[2] = '\0';
	whole = head + body_length(client->bytes);
	if (whole > client->length) {
		end[2] = '\r';
		return 0;
	}
	saved = client->bytes[whole];
	client->bytes[whole] = '\0';
	answer(client->fd, client->bytes, client->bytes + head);
	client->bytes[whole] = saved;
	memmove(client->bytes, client->bytes + whole, client->length - whole);
	client->length -= whole;
	return 1;
}

static void serve(struct client *client)
{
	ssize_t got = read(client->fd, client->bytes + client->length, BUFFER - 1 - client->length);

	if (got <= 0) {
		if (got < 0 && errno == EAGAIN)
			return;
		close(client->fd);
		free(client);
		return;
	}
	client->length += (size_t)got;
	while (take_request(client))
		;
}

static void accept_client(int listener, int epoll)
{
	const int on = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	struct client *client;
	struct epoll_event event = {.events = EPOLLIN};

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	client = calloc(1, sizeof(*client));
	assert(client);
	client->fd = fd;
	event.data.ptr = client;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4096) != 0) {
		perror("sink");
		exit(1);
	}
	return fd;
}

int main(int count, char **arguments)
{
	struct epoll_event events[256], event = {.events = EPOLLIN};
	int listener = listen_on(count > 1 ? atoi(arguments[1]) : 9000);
	int epoll = epoll_create1(0);

	lateness = calloc(CALLS_MAX, sizeof(*lateness));
	seen = calloc(SEEN_SIZE, sizeof(*seen));
	assert(lateness && seen);
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int ready = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < ready; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr);
			else
				accept_client(listener, epoll);
		}
	}
}
