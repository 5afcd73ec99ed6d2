/* server.c - the workers together: listening sockets, metrics, start and stop; called by main. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "access.h"
#include "almanac/log.h"
#include "almanac/openapi.h"

#define BACKLOG 4096

/* Files that clients may not take, beside those of webhooks under way: databases, feeds, loops, connections
 * that are kept for the next webhook. */
#define OTHER_FILES 1280

/* What it holds without anybody's doing. */
#define OWN_FILES 96

/* Of each worker, beyond its limit: connections that are taken to be told 503. */
#define SPARE_CONNECTIONS 256

/* --- where to listen ------------------------------------------------------------------------------------ */

static bool read_address(const struct settings *settings, struct sockaddr_storage *address,
			 socklen_t *length)
{
	const char *text = settings_text(settings, SETTING_HTTP_ADDRESS);
	in_port_t port = htons((in_port_t)settings_number(settings, SETTING_HTTP_PORT));
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		*length = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	*length = sizeof(*v6);
	return true;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)address)
				     ->sin_addr.s_addr) >>
			       24 ==
		       127;
	return IN6_IS_ADDR_LOOPBACK(
		&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* Sockets that share a port do not notice that another daemon has it: the first one does not share. */
static int bind_socket(const struct sockaddr_storage *address, socklen_t length, bool is_shared)
{
	const int on = 1;
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (!is_shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
	    bind(fd, (const struct sockaddr *)(const void *)address, length) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static int port_of(int fd, struct sockaddr_storage *address)
{
	socklen_t length = sizeof(*address);

	if (getsockname(fd, (struct sockaddr *)(void *)address, &length) != 0)
		return -1;
	return ntohs(address->ss_family == AF_INET
			     ? ((const struct sockaddr_in *)(const void *)address)->sin_port
			     : ((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
}

static bool claim_port(struct server *server, struct sockaddr_storage *address, socklen_t length,
		       struct str *complaint)
{
	const struct settings *settings = server->options.settings;
	int fd = bind_socket(address, length, false);

	if (fd < 0) {
		str_format(complaint, "cannot listen on %s port %lld: %s",
			   settings_text(settings, SETTING_HTTP_ADDRESS),
			   (long long)settings_number(settings, SETTING_HTTP_PORT),
			   strerror(errno));
		return false;
	}
	server->port = port_of(fd, address);
	close(fd);
	return true;
}

/* --- metrics -------------------------------------------------------------------------------------------- */

static void register_route(struct metrics *metrics, struct route_metrics *route, const char *path,
			   const char *method)
{
	static const char *const classes[STATUS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
	const char *const labels[] = {"route", path, "method", method, NULL};

	for (int i = 0; i < STATUS_CLASSES; i++) {
		const char *const more[] = {"route",  path,       "method", method,
					    "status", classes[i], NULL};

		route->requests[i] =
			metrics_get(metrics, METRIC_COUNTER, "almanac_http_requests_total",
				    "Requests answered.", more);
	}
	route->seconds =
		metrics_get(metrics, METRIC_HISTOGRAM, "almanac_http_request_seconds",
			    "From a request's first line to the end of its answer.", labels);
}

static void register_metrics(struct server *server)
{
	const struct endpoint *const *routes = server->options.routes;
	struct metrics *metrics = server->options.metrics;
	const char *const build[] = {"version", server->options.version, NULL};

	while (routes[server->route_count])
		server->route_count++;
	server->route_metrics = calloc(server->route_count + 1, sizeof(*server->route_metrics));
	if (!server->route_metrics)
		abort();
	for (size_t i = 0; i < server->route_count; i++)
		register_route(metrics, &server->route_metrics[i], routes[i]->path,
			       routes[i]->method);
	register_route(metrics, &server->route_metrics[server->route_count], "other", "other");
	server->connections = metrics_get(metrics, METRIC_GAUGE, "almanac_http_connections",
					  "Open connections.", NULL);
	server->refused_connections =
		metrics_get(metrics, METRIC_COUNTER, "almanac_http_refused_connections_total",
			    "Connections beyond HTTP_MAX_CONNECTIONS or "
			    "HTTP_CONNECTIONS_PER_ADDRESS.",
			    NULL);
	server->cache_hits =
		metrics_get(metrics, METRIC_COUNTER, "almanac_answer_cache_hits_total",
			    "Answers given from the cache, or with another's question.", NULL);
	server->cache_misses =
		metrics_get(metrics, METRIC_COUNTER, "almanac_answer_cache_misses_total",
			    "Answers that were asked for and cached.", NULL);
	metric_set(metrics_get(metrics, METRIC_GAUGE, "almanac_build_info",
			       "Always 1; the version of the binary.", build),
		   1);
}

/* --- the description ------------------------------------------------------------------------------------ */

/* Once: the routes do not change. */
static void describe(struct server *server)
{
	const struct openapi_options options = {
		.routes = server->options.routes,
		.tags = server->options.tags,
		.version = server->options.version,
		.age_header = server->options.edition->age_header,
	};
	struct str text;

	str_init(&text, OPENAPI_MAX_BYTES);
	openapi_append(&options, &text);
	asset_make(&server->openapi, &text);
}

/* --- start and stop ------------------------------------------------------------------------------------- */

/* How many files may be open: as many as are wanted, if that is allowed. */
static size_t raise_file_limit(size_t wanted)
{
	struct rlimit limit;
	rlim_t before;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return wanted;
	before = limit.rlim_cur;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	return (size_t)(setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before);
}

/* Whatever the limit is, clients leave enough for the rest; of few files they get half. */
static size_t files_for_clients(size_t allowed, size_t others)
{
	if (allowed > 2 * others)
		return allowed - others;
	return allowed > OWN_FILES ? (allowed - OWN_FILES) / 2 : 0;
}

static void share_files(struct server *server)
{
	const struct settings *settings = server->options.settings;
	size_t workers = (size_t)server->worker_count;
	size_t asked = (size_t)settings_number(settings, SETTING_HTTP_MAX_CONNECTIONS) / workers;
	size_t others = OTHER_FILES + (size_t)settings_number(settings, SETTING_TIMER_CONCURRENCY) +
			(size_t)settings_number(settings, SETTING_TIMER_SLOW_CONCURRENCY);
	size_t wanted = workers * (asked + SPARE_CONNECTIONS) + others;
	size_t allowed = raise_file_limit(wanted);
	size_t room = files_for_clients(allowed, others) / workers;

	server->connection_limit = asked;
	server->connection_spare = SPARE_CONNECTIONS;
	if (allowed >= wanted)
		return;
	server->connection_spare = room / 4 < SPARE_CONNECTIONS ? room / 4 : SPARE_CONNECTIONS;
	if (room - server->connection_spare < asked)
		server->connection_limit = room - server->connection_spare;
	log_warn(log_what("fewer open files are allowed than HTTP_MAX_CONNECTIONS needs"),
		 log_number("allowed", (int64_t)allowed), log_number("needed", (int64_t)wanted),
		 log_number("connections", (int64_t)(workers * server->connection_limit)));
}

static int count_workers(const struct settings *settings)
{
	int64_t wanted = settings_number(settings, SETTING_HTTP_THREADS);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted > 0)
		return (int)wanted;
	return processors < 1 ? 1 : processors > 64 ? 64 : (int)processors;
}

static bool start_workers(struct server *server, const struct sockaddr_storage *address,
			  socklen_t length, struct str *complaint)
{
	for (int i = 0; i < server->worker_count; i++) {
		int listener = bind_socket(address, length, true);

		if (listener < 0) {
			str_format(complaint, "cannot listen on port %d: %s", server->port,
				   strerror(errno));
			return false;
		}
		server->worker_started++;
		if (!worker_start(&server->workers[i], server, i, listener, complaint))
			return false;
	}
	return true;
}

/* Beyond loopback somebody must have thought about who may come. */
static bool judge_address(const struct settings *settings, struct str *complaint)
{
	const char *text = settings_text(settings, SETTING_HTTP_ADDRESS);
	struct sockaddr_storage address;
	socklen_t length;

	if (!read_address(settings, &address, &length)) {
		str_format(complaint, "HTTP_ADDRESS=%s: must be an IPv4 or IPv6 address", text);
		return false;
	}
	if (is_loopback(&address) || settings_flag(settings, SETTING_ALLOW_ANONYMOUS) ||
	    settings_is_on(settings, SETTING_API_TOKENS))
		return true;
	str_format(
		complaint,
		"HTTP_ADDRESS=%s: beyond loopback everybody could do everything; set API_TOKENS "
		"(`almanac token NAME SCOPE` makes one), or ALLOW_ANONYMOUS=1 if that is wanted, "
		"else listen on 127.0.0.1",
		text);
	return false;
}

bool server_judge(const struct settings *settings, struct str *complaint)
{
	struct access *access;

	if (!judge_address(settings, complaint))
		return false;
	access = access_create(settings, settings, NULL, complaint);
	access_drop(access);
	return access != NULL;
}

bool server_reload(struct server *server, const struct settings *fresh, struct str *complaint)
{
	struct access *access =
		access_create(fresh, server->options.settings, server->options.routes, complaint);

	if (!access)
		return false;
	if (!access->identity != !server->access->identity) {
		str_append_text(complaint, "TLS_CERT_FILE: only a restart can begin or end TLS");
		access_drop(access);
		return false;
	}
	access_drop(server->access);
	server->access = access;
	for (int i = 0; i < server->worker_started; i++)
		worker_guard(&server->workers[i], access);
	return true;
}

struct server *server_start(const struct server_options *options, struct str *complaint)
{
	struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_storage address;
	socklen_t length = 0;

	if (!server)
		abort();
	server->options = *options;
	server->worker_count = count_workers(options->settings);
	server->workers = calloc((size_t)server->worker_count, sizeof(*server->workers));
	if (!server->workers)
		abort();
	server->limits = limits_create();
	share_files(server);
	register_metrics(server);
	describe(server);
	server->access =
		access_create(options->settings, options->settings, options->routes, complaint);
	if (server->access && read_address(options->settings, &address, &length) &&
	    claim_port(server, &address, length, complaint) &&
	    start_workers(server, &address, length, complaint))
		return server;
	server_stop(server, 0);
	server_destroy(server);
	return NULL;
}

int server_port(const struct server *server)
{
	return server->port;
}

bool server_has_beaten(const struct server *server, int64_t since_us)
{
	for (int i = 0; i < server->worker_started; i++)
		if (atomic_load_explicit(&server->workers[i].beat_us, memory_order_relaxed) <
		    since_us)
			return false;
	return true;
}

void server_publish(struct server *server, struct publication *publication)
{
	for (int i = 0; i < server->worker_count; i++)
		worker_publish(&server->workers[i], publication);
}

void server_stop(struct server *server, int64_t deadline_us)
{
	for (int i = 0; i < server->worker_started; i++)
		worker_stop(&server->workers[i], deadline_us);
	for (int i = 0; i < server->worker_started; i++)
		worker_join(&server->workers[i]);
}

void server_destroy(struct server *server)
{
	if (!server)
		return;
	for (int i = 0; i < server->worker_started; i++)
		worker_finish(&server->workers[i]);
	access_drop(server->access);
	limits_destroy(server->limits);
	asset_finish(&server->openapi);
	free(server->workers);
	free(server->route_metrics);
	free(server);
}
