/* peer.c - a bare libmicrohttpd with an epoll loop of its own on two threads, which answers "ok" to
 * everything: the limit of /status. Built and run by scripts/answers.py: peer PORT. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 2
#define CONNECTIONS 10000
#define BACKLOG 1024

/* As long as the daemon's headers are. */
static const char *const headers[][2] = {
	{"Content-Type", "text/plain; charset=utf-8"},
	{"X-Request-Id", "0123456789abcdef"},
	{"X-Content-Type-Options", "nosniff"},
};

/* A response queued in the first call costs a fifth: as the daemon does, in the second. */
static enum MHD_Result answer(void *argument, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *bytes,
			      size_t *length, void **request)
{
	static char body[] = "ok\n";
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)argument, (void)url, (void)method, (void)version, (void)bytes, (void)length;
	if (!*request) {
		*request = body;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

static int listen_on(uint16_t port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(port),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		perror("peer");
		exit(1);
	}
	return fd;
}

static void *serve(void *port)
{
	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, NULL,
				 MHD_OPTION_LISTEN_SOCKET, listen_on(*(uint16_t *)port),
				 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_END);
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (!daemon || epoll < 0)
		exit(1);
	epoll_ctl(epoll, EPOLL_CTL_ADD,
		  MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &event);
	for (;;) {
		int most = MHD_get_timeout(daemon, &wait_ms) == MHD_YES ? (int)wait_ms : -1;

		epoll_wait(epoll, &event, 1, most);
		MHD_run(daemon);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	uint16_t port = (uint16_t)(count == 2 ? atoi(arguments[1]) : 0);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, serve, &port);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
