/* An HTTP server on loopback for the tests of calls: a thread a connection, a page a path. */
#ifndef ALMANAC_TESTS_PRETEND_SERVER_H
#define ALMANAC_TESTS_PRETEND_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { MAX_THREADS = 1024, REQUEST_MAX = 65536, MS = 1000 };

#define OK "HTTP/1.1 200 OK\r\n"
#define TEXT(length, body) "Content-Length: " #length "\r\n\r\n" body
#define CHUNKS "Transfer-Encoding: chunked\r\n\r\n"
#define SIXTY_FOUR "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define GZIP_HEAD OK "Content-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n"

/* What is sent: `text`, then `times` times a pause and `again`, then `tail`, then the end. */
struct page {
	const char *path;
	const char *text;
	const char *again;
	int times;
	int pause_ms;
	const char *tail;
	enum { KEEP, CLOSE, RESET, HANG } end;
	size_t zeros; /* compressed ones, instead of all that */
	bool is_damaged;
	bool is_echo; /* the request itself, instead of all that */
};

struct server {
	const struct page *pages;
	int listener;
	int port;
	pthread_t thread;
	pthread_t handlers[MAX_THREADS];
	int count; /* of connections so far; read by the tests when all is quiet */
};

static struct server server;
static atomic_int connections;

static bool send_bytes(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;
	while (length > 0) {
		ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

static bool send_text(int fd, const char *text)
{
	return send_bytes(fd, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static bool send_head(int fd, const char *format, ...)
{
	char head[1000];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(head, sizeof(head), format, arguments);
	va_end(arguments);
	return send_text(fd, head);
}

static void wait_for_the_end(int fd)
{
	char byte;
	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static void reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static bool send_echo(int fd, const char *request)
{
	size_t length = strlen(request);
	return send_head(fd, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length) &&
	       send_bytes(fd, request, length);
}

static bool send_gzip(int fd, size_t zeros, bool is_damaged)
{
	unsigned char *plain = calloc(1, zeros);
	size_t size = zeros / 100 + 1000;
	unsigned char *packed = malloc(size);
	assert(plain != NULL && packed != NULL);
	z_stream stream = {.next_in = plain, .next_out = packed};
	stream.avail_in = (unsigned)zeros;
	stream.avail_out = (unsigned)size;
	deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	deflate(&stream, Z_FINISH);
	if (is_damaged)
		memset(packed + 10, 0xff, 10);
	bool is_sent = send_head(fd, GZIP_HEAD, stream.total_out) &&
		       send_bytes(fd, packed, stream.total_out);
	deflateEnd(&stream);
	free(packed);
	free(plain);
	return is_sent;
}

static bool send_again(int fd, const struct page *page)
{
	for (int i = 0; i < page->times; i++) {
		if (page->pause_ms > 0)
			if (page->pause_ms > 0)
				usleep((useconds_t)page->pause_ms * MS);
		if (!send_text(fd, page->again))
			return false;
	}
	return true;
}

static bool send_page(int fd, const struct page *page, const char *request)
{
	if (page->is_echo)
		return send_echo(fd, request);
	if (page->zeros > 0)
		return send_gzip(fd, page->zeros, page->is_damaged);
	if (page->text != NULL && !send_text(fd, page->text))
		return false;
	if (!send_again(fd, page) || (page->tail != NULL && !send_text(fd, page->tail)))
		return false;
	if (page->end == HANG)
		wait_for_the_end(fd);
	if (page->end == RESET)
		reset_on_close(fd);
	return page->end == KEEP;
}

/* Head and body of one request, NUL-terminated; false when the caller left. */
static bool read_request(int fd, char *request)
{
	size_t length = 0, whole = 0;
	while (whole == 0 || length < whole) {
		ssize_t got = recv(fd, request + length, REQUEST_MAX - 1 - length, 0);
		if (got <= 0)
			return false;
		length += (size_t)got;
		request[length] = '\0';
		const char *end = strstr(request, "\r\n\r\n");
		if (end == NULL)
			continue;
		const char *body_length = strstr(request, "Content-Length: ");
		whole = (size_t)(end - request) + 4;
		if (body_length != NULL && body_length < end)
			whole += strtoul(body_length + 16, NULL, 10);
	}
	return true;
}

static bool serve(int fd, const char *request)
{
	const char *path = strchr(request, ' ') + 1;
	size_t length = strcspn(path, " ?");
	for (const struct page *page = server.pages; page->path != NULL; page++) {
		if (strlen(page->path) == length && memcmp(path, page->path, length) == 0)
			return send_page(fd, page, request);
	}
	return send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void *handle(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char *request = malloc(REQUEST_MAX);
	assert(request != NULL);
	while (read_request(fd, request) && serve(fd, request))
		;
	free(request);
	close(fd);
	return NULL;
}

static void *accept_all(void *argument)
{
	(void)argument;
	int fd;
	while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
		connections++;
		assert(server.count < MAX_THREADS);
		pthread_create(&server.handlers[server.count++], NULL, handle,
			       (void *)(intptr_t)fd);
	}
	return NULL;
}

/* A socket bound to a free port of loopback. */
static int bind_free(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert(fd >= 0);
	assert(bind(fd, (struct sockaddr *)&address, length) == 0);
	assert(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* `pages` end with a zeroed one. */
static inline int server_start(const struct page *pages)
{
	server.pages = pages;
	server.listener = bind_free(&server.port);
	listen(server.listener, 512);
	return pthread_create(&server.thread, NULL, accept_all, NULL);
}

static inline int server_stop(void **state)
{
	(void)state;
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	for (int i = 0; i < server.count; i++)
		pthread_join(server.handlers[i], NULL);
	close(server.listener);
	return 0;
}

#endif
