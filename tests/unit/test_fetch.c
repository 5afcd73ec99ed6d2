/* test_fetch.c - real calls to a server on loopback that the test itself runs in threads. */
#include "story.h"
#include <dlfcn.h>
#include <limits.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/fetch.h"
#include "pretend_server.h"

enum { MEBIBYTE = 1024 * 1024, WATCHDOG_US = 20 * 1000 * 1000 };

/* --- the server's pages --- */

#define MOVED(to) "HTTP/1.1 302 Found\r\nETag: \"old\"\r\nLocation: " to "\r\n" TEXT(5, "moved")
#define ENTITY                                                                                     \
	"ETag: \"e1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"                         \
	"Content-Type: text/plain\r\nRetry-After: 7\r\n"

static const struct page pages[] = {
	{"/whole", .text = OK ENTITY TEXT(5, "whole")},
	{"/echo", .is_echo = true},
	{"/gzip", .zeros = 10000},
	{"/bomb", .zeros = 16 * MEBIBYTE},
	{"/damaged", .zeros = 10000, .is_damaged = true},
	{"/chunked", .text = OK CHUNKS "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
	{"/last", .text = OK TEXT(4, "last"), .end = CLOSE},
	{"/slowly", .again = OK TEXT(2, "ok"), .times = 1, .pause_ms = 20},

	{"/cut", .text = OK TEXT(1000, "0123456789"), .end = CLOSE},
	{"/cut-chunked", .text = OK CHUNKS "3\r\nabc\r\n", .end = CLOSE},
	{"/nothing", .end = CLOSE},
	{"/reset", .end = RESET},
	{"/torn", .text = OK TEXT(1000, "0123456789"), .again = "", .times = 1, .pause_ms = 50,
	 .end = RESET},
	{"/hang", .end = HANG},
	{"/drip", .text = OK TEXT(100000, ""), .again = "x", .times = INT_MAX, .pause_ms = 20},
	{"/endless", .text = OK "\r\n", .again = SIXTY_FOUR, .times = INT_MAX},
	{"/not-http", .text = "SSH-2.0-OpenSSH_9.2\r\n", .end = CLOSE},

	{"/busy", .text = "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n" TEXT(4, "busy")},
	{"/unchanged", .text = "HTTP/1.1 304 Not Modified\r\nETag: \"e1\"\r\n\r\n"},
	{"/endless-error", .text = "HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\n\r\n",
	 .again = SIXTY_FOUR, .times = INT_MAX},

	{"/redirect", .text = MOVED("/redirect2")},
	{"/redirect2", .text = MOVED("/chunked")},
	{"/loop", .text = MOVED("/loop")},
	{"/to-file", .text = MOVED("file:///etc/hostname")},
	{"/to-private", .text = MOVED("http://10.255.255.1/")},

	{"/many-headers", .text = OK, .again = "X-Header: x\r\n", .times = 300,
	 .tail = TEXT(0, "")},
	{"/long-header", .text = OK "X-Long: ", .again = SIXTY_FOUR, .times = 1100,
	 .tail = "\r\n" TEXT(0, "")},
	{"/longer-header", .text = OK "X-Long: ", .again = SIXTY_FOUR, .times = 5000,
	 .tail = "\r\n" TEXT(0, "")},
	{"/interim", .again = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", .times = INT_MAX},
	{0},
};

static atomic_int resolving;

static int open_server(void **state)
{
	(void)state;
	/* A proxy of the environment must not matter: nothing listens there. */
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	setenv("all_proxy", "http://127.0.0.1:9", 1);
	return server_start(pages);
}

/* --- names: in place of the resolver's library function --- */

typedef int resolve_function(const char *, const char *, const struct addrinfo *,
			     struct addrinfo **);

static resolve_function *real_resolver(void)
{
	resolve_function *resolve;
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
	memcpy(&resolve, &symbol, sizeof(resolve));
	return resolve;
}

/* Two addresses, one after the other. */
static int resolve_two(const char *first, const char *second, const char *service,
		       const struct addrinfo *hints, struct addrinfo **result)
{
	int code = real_resolver()(first, service, hints, result);
	if (code == 0)
		code = real_resolver()(second, service, hints, &(*result)->ai_next);
	return code;
}

/*
 * mixed.test is a private address and loopback, silent.test an address of loopback where nobody
 * listens and the server's; slow.test takes a second; *.invalid is unknown.
 */
int getaddrinfo(const char *restrict node, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
	if (strcmp(node, "slow.test") == 0) {
		resolving++;
		usleep(1000 * MS);
		resolving--;
		return EAI_AGAIN;
	}
	if (strstr(node, ".invalid") != NULL)
		return EAI_NONAME;
	if (strcmp(node, "mixed.test") == 0)
		return resolve_two("10.255.255.1", "127.0.0.1", service, hints, result);
	if (strcmp(node, "silent.test") == 0)
		return resolve_two("127.0.0.2", "127.0.0.1", service, hints, result);
	return real_resolver()(node, service, hints, result);
}

/* --- the caller --- */

struct caller {
	struct loop *loop;
	struct guard *guard;
	struct fetcher *fetcher;
	struct loop_timer watchdog;
	struct loop_timer alarm;
	int pending;
};

struct probe {
	struct fetch fetch;
	struct caller *caller;
	char url[200];
	struct str body;
	int finishes;
	bool is_calling; /* inside fetch_start or fetch_cancel */
	int64_t stop_after;
	bool cancels_on_body;
	int restarts;
	/* the result, copied */
	struct fetch_result result;
	char complaint[300];
	char etag[100];
	char content_type[100];
	char last_modified[100];
	char retry_after[100];
};

static void bite(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the loop did not end in time");
}

static void open_caller(struct caller *caller, const char *allow, int max_connections)
{
	memset(caller, 0, sizeof(*caller));
	caller->loop = loop_create();
	caller->guard = guard_create(allow, NULL);
	caller->fetcher = fetcher_create(caller->loop, &(struct fetcher_options){
							       .guard = caller->guard,
							       .user_agent = "almanac-test",
							       .max_connections = max_connections,
							       .lanes = 3,
						       });
	caller->watchdog.fire = bite;
	loop_timer_set(caller->loop, &caller->watchdog, clock_steady_us() + WATCHDOG_US);
}

static void close_caller(struct caller *caller)
{
	fetcher_destroy(caller->fetcher);
	loop_timer_clear(caller->loop, &caller->watchdog);
	loop_timer_clear(caller->loop, &caller->alarm);
	loop_destroy(caller->loop);
	guard_destroy(caller->guard);
}

static bool received(struct fetch *fetch, struct span bytes)
{
	struct probe *probe = container_of(fetch, struct probe, fetch);
	str_append(&probe->body, bytes);
	if (probe->cancels_on_body)
		fetch_cancel(fetch);
	return probe->stop_after == 0 || (int64_t)probe->body.length < probe->stop_after;
}

static void copy(char *to, size_t size, const char *from)
{
	assert_non_null(from);
	snprintf(to, size, "%s", from);
}

static void finished(struct fetch *fetch, const struct fetch_result *result)
{
	struct probe *probe = container_of(fetch, struct probe, fetch);
	assert_false(probe->is_calling);
	assert_null(fetch->call);
	probe->finishes++;
	probe->result = *result;
	copy(probe->complaint, sizeof(probe->complaint), result->complaint);
	copy(probe->etag, sizeof(probe->etag), result->etag);
	copy(probe->content_type, sizeof(probe->content_type), result->content_type);
	copy(probe->last_modified, sizeof(probe->last_modified), result->last_modified);
	copy(probe->retry_after, sizeof(probe->retry_after), result->retry_after);
	if (probe->restarts-- > 0) {
		fetch_start(probe->caller->fetcher, fetch);
		return;
	}
	if (--probe->caller->pending == 0)
		loop_stop(probe->caller->loop);
}

static void make_probe(struct probe *probe, const char *url)
{
	memset(probe, 0, sizeof(*probe));
	if (url[0] == '/')
		snprintf(probe->url, sizeof(probe->url), "http://127.0.0.1:%d%s", server.port, url);
	else
		snprintf(probe->url, sizeof(probe->url), "%s", url);
	str_init(&probe->body, 64 * MEBIBYTE);
	probe->fetch = (struct fetch){
		.url = probe->url,
		.connect_timeout_ms = 2000,
		.timeout_ms = 5000,
		.max_bytes = MEBIBYTE,
		.received = received,
		.finished = finished,
	};
}

static void start(struct caller *caller, struct probe *probe)
{
	probe->caller = caller;
	caller->pending++;
	probe->is_calling = true;
	fetch_start(caller->fetcher, &probe->fetch);
	probe->is_calling = false;
}

/* One call in a world of its own. */
static void ask_as(struct probe *probe, const char *allow)
{
	struct caller caller;
	open_caller(&caller, allow, 4);
	start(&caller, probe);
	loop_run(caller.loop);
	assert_int_equal(probe->finishes, 1);
	fetch_cancel(&probe->fetch);
	close_caller(&caller);
	assert_int_equal(probe->finishes, 1);
}

static void expect(struct probe *probe, enum fetch_verdict verdict, const char *complaint)
{
	assert_string_equal(probe->complaint, complaint);
	assert_int_equal(probe->result.verdict, verdict);
	str_finish(&probe->body);
}

static void check_failure(const char *url, enum fetch_verdict verdict, const char *complaint)
{
	struct probe probe;
	make_probe(&probe, url);
	ask_as(&probe, "loopback");
	expect(&probe, verdict, complaint);
}

/* --- the tests --- */

static void test_whole_answer(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/whole");
	ask_as(&probe, "loopback");
	assert_string_equal(str_text(&probe.body), "whole");
	assert_int_equal(probe.result.status, 200);
	assert_int_equal(probe.result.body_bytes, 5);
	assert_int_equal(probe.result.wire_bytes, 5);
	assert_in_range(probe.result.duration_us, 1, 5000 * MS);
	assert_string_equal(probe.etag, "\"e1\"");
	assert_string_equal(probe.content_type, "text/plain");
	assert_string_equal(probe.last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_string_equal(probe.retry_after, "7");
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_absent_headers_are_empty(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/chunked");
	ask_as(&probe, "loopback");
	assert_string_equal(str_text(&probe.body), "abcde");
	assert_string_equal(probe.etag, "");
	assert_string_equal(probe.content_type, "");
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_url_without_scheme_means_http(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "");
	snprintf(probe.url, sizeof(probe.url), "localhost:%d/whole", server.port);
	ask_as(&probe, "loopback");
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_gzip_is_undone(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/gzip");
	ask_as(&probe, "loopback");
	assert_int_equal(probe.body.length, 10000);
	assert_int_equal(probe.result.body_bytes, 10000);
	assert_in_range(probe.result.wire_bytes, 20, 200);
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_request_is_told_as_asked(void **state)
{
	(void)state;
	static const char *const headers[] = {"webhook-id: 7", "X-Empty-Not: yes", NULL};
	struct probe probe;
	make_probe(&probe, "/echo");
	probe.fetch.method = "POST";
	probe.fetch.headers = headers;
	probe.fetch.body = SPAN("{\"a\":1}");
	ask_as(&probe, "loopback");
	const char *request = str_text(&probe.body);
	assert_int_equal(strncmp(request, "POST /echo HTTP/1.1\r\n", 21), 0);
	assert_non_null(strstr(request, "\r\nwebhook-id: 7\r\n"));
	assert_non_null(strstr(request, "\r\nUser-Agent: almanac-test\r\n"));
	assert_non_null(strstr(request, "\r\nAccept-Encoding: gzip, deflate\r\n"));
	assert_non_null(strstr(request, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(request, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(request, "Content-Type"));
	assert_null(strstr(request, "Expect"));
	expect(&probe, FETCH_ANSWERED, "");
}

static void check_method(const char *method, struct span body, const char *length)
{
	static const char *const headers[] = {"content-type: application/json", NULL};
	char first_line[100];
	snprintf(first_line, sizeof(first_line), "%s /echo HTTP/1.1\r\n", method);
	struct probe probe;
	make_probe(&probe, "/echo");
	probe.fetch.method = method;
	probe.fetch.headers = headers;
	probe.fetch.body = body;
	ask_as(&probe, "loopback");
	const char *request = str_text(&probe.body);
	assert_int_equal(strncmp(request, first_line, strlen(first_line)), 0);
	assert_non_null(strstr(request, "content-type: application/json\r\n"));
	if (length == NULL)
		assert_null(strstr(request, "Content-Length"));
	else
		assert_non_null(strstr(request, length));
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_methods(void **state)
{
	(void)state;
	struct span none = {0};
	check_method("GET", none, NULL);
	check_method("DELETE", none, NULL);
	check_method("DELETE", SPAN("x"), "Content-Length: 1\r\n");
	check_method("POST", none, "Content-Length: 0\r\n");
	check_method("PUT", none, "Content-Length: 0\r\n");
	check_method("PUT", SPAN("xy"), "Content-Length: 2\r\n");
	check_method("PATCH", SPAN("xyz"), "Content-Length: 3\r\n");
	struct probe probe;
	make_probe(&probe, "/chunked");
	probe.fetch.method = "HEAD";
	ask_as(&probe, "loopback");
	assert_int_equal(probe.result.body_bytes, 0);
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_other_statuses_are_answers(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/busy");
	ask_as(&probe, "loopback");
	assert_int_equal(probe.result.status, 503);
	assert_int_equal(probe.body.length, 0);
	assert_string_equal(probe.retry_after, "3");
	expect(&probe, FETCH_ANSWERED, "");

	make_probe(&probe, "/busy");
	probe.fetch.wants_all = true;
	ask_as(&probe, "loopback");
	assert_string_equal(str_text(&probe.body), "busy");
	expect(&probe, FETCH_ANSWERED, "");

	make_probe(&probe, "/unchanged");
	ask_as(&probe, "loopback");
	assert_int_equal(probe.result.status, 304);
	assert_string_equal(probe.etag, "\"e1\"");
	expect(&probe, FETCH_ANSWERED, "");

	make_probe(&probe, "/endless-error");
	ask_as(&probe, "loopback");
	assert_int_equal(probe.result.status, 500);
	assert_string_equal(probe.content_type, "text/html");
	assert_in_range(probe.result.body_bytes, 64 * 1024, 128 * 1024);
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_broken_answers_fail(void **state)
{
	(void)state;
	check_failure("/cut", FETCH_FAILED, "the answer was cut after 10 bytes");
	check_failure("/cut-chunked", FETCH_FAILED, "the answer was cut after 3 bytes");
	check_failure("/nothing", FETCH_FAILED, "the connection was closed without an answer");
	check_failure("/reset", FETCH_FAILED, "the connection was reset");
	check_failure("/torn", FETCH_FAILED, "the connection was reset");
	check_failure("/damaged", FETCH_FAILED, "the compression of the answer is broken");
	check_failure("/not-http", FETCH_FAILED, "the answer is not HTTP");
}

static void test_headers_are_limited(void **state)
{
	(void)state;
	check_failure("/many-headers", FETCH_FAILED, "too many headers");
	check_failure("/long-header", FETCH_FAILED, "too many headers");
	check_failure("/longer-header", FETCH_FAILED, "too many headers");
	check_failure("/interim", FETCH_FAILED, "too many headers");
}

static void test_no_connection(void **state)
{
	(void)state;
	int port;
	int fd = bind_free(&port);
	char url[100];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	check_failure(url, FETCH_FAILED, "connection refused");
	close(fd);
	check_failure("http://nowhere.invalid/", FETCH_FAILED,
		      "could not resolve host nowhere.invalid");
}

static void test_wrong_urls_are_refused(void **state)
{
	(void)state;
	check_failure("ftp://127.0.0.1/", FETCH_REFUSED, "only http and https are called");
	check_failure("file:///etc/hostname", FETCH_REFUSED, "only http and https are called");
	check_failure("gopher://127.0.0.1/", FETCH_REFUSED, "only http and https are called");
	check_failure("http://", FETCH_REFUSED, "the URL is malformed");
	check_failure("http://127.0.0.1:99999/", FETCH_REFUSED, "the URL is malformed");
	static const char *const headers[] = {"X: a\r\nY: b", NULL};
	struct probe probe;
	make_probe(&probe, "/whole");
	probe.fetch.headers = headers;
	ask_as(&probe, "loopback");
	expect(&probe, FETCH_REFUSED, "a request header has a line break");
}

static void test_total_deadline(void **state)
{
	(void)state;
	static const char *const urls[] = {"/drip", "/hang", "http://slow.test/"};
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct probe probe;
		make_probe(&probe, urls[i]);
		probe.fetch.timeout_ms = 300;
		int64_t began_us = clock_steady_us();
		ask_as(&probe, "loopback");
		assert_in_range(clock_steady_us() - began_us, 290 * MS, 800 * MS);
		assert_in_range(probe.result.duration_us, 290 * MS, 800 * MS);
		expect(&probe, FETCH_FAILED, "timed out after 300 ms");
	}
	while (resolving > 0)
		usleep(10 * MS);
	struct probe probe;
	make_probe(&probe, "/hang");
	probe.fetch.timeout_ms = 1000;
	ask_as(&probe, "loopback");
	expect(&probe, FETCH_FAILED, "timed out after 1 s");
}

static void test_connect_deadline(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "http://slow.test/");
	probe.fetch.connect_timeout_ms = 200;
	ask_as(&probe, "loopback");
	assert_in_range(probe.result.duration_us, 190 * MS, 800 * MS);
	expect(&probe, FETCH_FAILED, "could not connect within 200 ms");
	while (resolving > 0)
		usleep(10 * MS);
	usleep(50 * MS);
}

static void test_deadline_counts_while_waiting_for_a_connection(void **state)
{
	(void)state;
	struct caller caller;
	struct probe probes[3];
	open_caller(&caller, "loopback", 1);
	for (int i = 0; i < 3; i++) {
		make_probe(&probes[i], "/hang");
		probes[i].fetch.timeout_ms = 300;
		start(&caller, &probes[i]);
	}
	int64_t began_us = clock_steady_us();
	loop_run(caller.loop);
	assert_in_range(clock_steady_us() - began_us, 250 * MS, 800 * MS);
	for (int i = 0; i < 3; i++)
		expect(&probes[i], FETCH_FAILED, "timed out after 300 ms");
	close_caller(&caller);
}

static void test_too_large(void **state)
{
	(void)state;
	check_failure("/endless", FETCH_TOO_LARGE, "the answer has more than 1048576 bytes");

	struct probe probe;
	make_probe(&probe, "/bomb");
	ask_as(&probe, "loopback");
	assert_true(probe.body.length <= MEBIBYTE);
	assert_true(probe.result.wire_bytes < 64 * 1024);
	expect(&probe, FETCH_TOO_LARGE, "the answer has more than 1048576 bytes");

	make_probe(&probe, "/whole");
	probe.fetch.max_bytes = 5;
	ask_as(&probe, "loopback");
	expect(&probe, FETCH_ANSWERED, "");
	make_probe(&probe, "/whole");
	probe.fetch.max_bytes = 4;
	ask_as(&probe, "loopback");
	assert_int_equal(probe.body.length, 0);
	expect(&probe, FETCH_TOO_LARGE, "the answer has more than 4 bytes");
}

static void test_redirects(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/redirect");
	ask_as(&probe, "loopback");
	assert_int_equal(probe.result.status, 302);
	assert_int_equal(probe.body.length, 0);
	expect(&probe, FETCH_ANSWERED, "");

	make_probe(&probe, "/redirect");
	probe.fetch.max_redirects = 2;
	ask_as(&probe, "loopback");
	assert_int_equal(probe.result.status, 200);
	assert_string_equal(str_text(&probe.body), "abcde");
	assert_int_equal(probe.result.body_bytes, 5);
	assert_string_equal(probe.etag, "");
	expect(&probe, FETCH_ANSWERED, "");

	make_probe(&probe, "/redirect");
	probe.fetch.max_redirects = 1;
	ask_as(&probe, "loopback");
	expect(&probe, FETCH_FAILED, "too many redirects (at most 1)");
	make_probe(&probe, "/loop");
	probe.fetch.max_redirects = 5;
	ask_as(&probe, "loopback");
	expect(&probe, FETCH_FAILED, "too many redirects (at most 5)");
}

static void test_redirects_are_judged_too(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/to-file");
	probe.fetch.max_redirects = 5;
	ask_as(&probe, "loopback");
	assert_int_equal(probe.body.length, 0);
	expect(&probe, FETCH_REFUSED, "only http and https are called");
	make_probe(&probe, "/to-private");
	probe.fetch.max_redirects = 5;
	ask_as(&probe, "loopback");
	expect(&probe, FETCH_REFUSED, "10.255.255.1 is not an allowed destination (private)");
}

static void check_refused(const char *format, const char *complaint)
{
	char url[100];
	snprintf(url, sizeof(url), "http://%s:%d/whole", format, server.port);
	struct probe probe;
	make_probe(&probe, url);
	ask_as(&probe, NULL);
	expect(&probe, FETCH_REFUSED, complaint);
}

static void test_guard_judges_the_address_connected_to(void **state)
{
	(void)state;
	int before = connections;
	check_refused("127.0.0.1", "127.0.0.1 is not an allowed destination (loopback)");
	check_refused("0x7f.1", "127.0.0.1 is not an allowed destination (loopback)");
	check_refused("2130706433", "127.0.0.1 is not an allowed destination (loopback)");
	check_refused("0", "0.0.0.0 is not an allowed destination (unspecified)");
	check_refused("[::ffff:127.0.0.1]",
		      "::ffff:127.0.0.1 is not an allowed destination (loopback)");
	check_refused("169.254.169.254",
		      "169.254.169.254 is not an allowed destination (cloud metadata)");
	assert_int_equal(connections, before);
}

static void test_a_refused_address_gives_way_to_the_next(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "");
	snprintf(probe.url, sizeof(probe.url), "http://mixed.test:%d/whole", server.port);
	ask_as(&probe, "loopback");
	assert_string_equal(str_text(&probe.body), "whole");
	expect(&probe, FETCH_ANSWERED, "");

	int port;
	int fd = bind_free(&port);
	make_probe(&probe, "");
	snprintf(probe.url, sizeof(probe.url), "http://mixed.test:%d/whole", port);
	ask_as(&probe, "loopback");
	close(fd);
	expect(&probe, FETCH_FAILED, "connection refused");
}

static void test_a_silent_address_gives_way_to_the_next(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "");
	snprintf(probe.url, sizeof(probe.url), "http://silent.test:%d/whole", server.port);
	ask_as(&probe, "loopback");
	assert_string_equal(str_text(&probe.body), "whole");
	assert_in_range(probe.result.duration_us, 0, 1000 * MS);
	expect(&probe, FETCH_ANSWERED, "");
}

static void test_listener_stops(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/endless");
	probe.stop_after = 1;
	ask_as(&probe, "loopback");
	assert_int_equal(probe.result.status, 200);
	expect(&probe, FETCH_STOPPED, "stopped by the listener");
}

static void test_cancel_from_the_body(void **state)
{
	(void)state;
	struct probe probe;
	make_probe(&probe, "/endless");
	probe.cancels_on_body = true;
	ask_as(&probe, "loopback");
	assert_true(probe.body.length > 0 && probe.body.length < 200000);
	expect(&probe, FETCH_STOPPED, "cancelled");
}

static struct probe *cancelled_later; /* by the alarm below */

static void cancel_now(struct loop_timer *timer)
{
	(void)timer;
	struct probe *probe = cancelled_later;
	probe->is_calling = true;
	fetch_cancel(&probe->fetch);
	fetch_cancel(&probe->fetch);
	probe->is_calling = false;
}

static void test_cancel(void **state)
{
	(void)state;
	struct caller caller;
	struct probe early, late;
	open_caller(&caller, "loopback", 4);
	make_probe(&early, "/whole");
	make_probe(&late, "/hang");
	start(&caller, &early);
	start(&caller, &late);
	early.is_calling = true;
	fetch_cancel(&early.fetch);
	early.is_calling = false;
	cancelled_later = &late;
	caller.alarm.fire = cancel_now;
	loop_timer_set(caller.loop, &caller.alarm, clock_steady_us() + 50 * MS);
	loop_run(caller.loop);
	assert_int_equal(early.finishes, 1);
	assert_int_equal(late.finishes, 1);
	assert_in_range(late.result.duration_us, 40 * MS, 2000 * MS);
	expect(&early, FETCH_STOPPED, "cancelled");
	expect(&late, FETCH_STOPPED, "cancelled");
	close_caller(&caller);
}

static void test_many_at_once_share_few_connections(void **state)
{
	(void)state;
	enum { MANY = 300, FEW = 20 };
	struct caller caller;
	struct probe *probes = calloc(MANY, sizeof(*probes));
	assert_non_null(probes);
	int before = connections;
	open_caller(&caller, "loopback", FEW);
	for (int i = 0; i < MANY; i++) {
		make_probe(&probes[i], "/slowly");
		start(&caller, &probes[i]);
	}
	loop_run(caller.loop);
	close_caller(&caller);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(probes[i].finishes, 1);
		assert_string_equal(str_text(&probes[i].body), "ok");
		expect(&probes[i], FETCH_ANSWERED, "");
	}
	free(probes);
	assert_in_range(connections - before, 2, FEW);
}

static void test_calls_in_a_row_keep_the_connection(void **state)
{
	(void)state;
	int before = connections;
	struct caller caller;
	struct probe probe;
	open_caller(&caller, "loopback", 4);
	make_probe(&probe, "/whole");
	probe.restarts = 99;
	start(&caller, &probe);
	loop_run(caller.loop);
	close_caller(&caller);
	assert_int_equal(probe.finishes, 100);
	assert_int_equal(probe.body.length, 500);
	assert_int_equal(connections - before, 1);
	expect(&probe, FETCH_ANSWERED, "");
}

static void stop_loop(struct loop_timer *timer)
{
	loop_stop(container_of(timer, struct caller, alarm)->loop);
}

/* One more call of a caller that goes on; the body is left to be looked at. */
static void ask_next(struct caller *caller, struct probe *probe)
{
	start(caller, probe);
	loop_run(caller->loop);
	assert_int_equal(probe->finishes, 1);
}

struct turn {
	const char *method;
	const char *body;
	const char *said; /* in the request */
	const char *unsaid;
};

/* All by the same handle over the same connection. */
static void test_a_call_leaves_nothing_to_the_next(void **state)
{
	(void)state;
	static const struct turn turns[] = {
		{"POST", "first", "\r\nContent-Length: 5\r\n", NULL},
		{"GET", NULL, "GET /echo", "Content-Length"},
		{"DELETE", NULL, "DELETE /echo", "Content-Length"},
		{"PUT", "xy", "\r\nContent-Length: 2\r\n", "first"},
		{NULL, NULL, "GET /echo", "Content-Length"},
		{"PATCH", "", "\r\nContent-Length: 0\r\n", "xy"},
		{"DELETE", "xyz", "\r\n\r\nxyz", NULL},
		{"POST", "", "\r\nContent-Length: 0\r\n", "xyz"},
	};
	static const char *const headers[] = {"X-Turn: odd", NULL};
	int before = connections;
	struct caller caller;
	open_caller(&caller, "loopback", 4);
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		const struct turn *turn = &turns[i];
		struct probe probe;
		make_probe(&probe, "/echo");
		probe.fetch.method = turn->method;
		probe.fetch.body = span_of(turn->body);
		probe.fetch.headers = i % 2 ? headers : NULL;
		ask_next(&caller, &probe);
		const char *request = str_text(&probe.body);
		assert_non_null(strstr(request, turn->said));
		assert_true(turn->unsaid == NULL || strstr(request, turn->unsaid) == NULL);
		assert_int_equal(strstr(request, "X-Turn: odd") != NULL, i % 2);
		expect(&probe, FETCH_ANSWERED, "");
	}
	close_caller(&caller);
	assert_int_equal(connections - before, 1);
}

static void test_head_is_over_with_its_call(void **state)
{
	(void)state;
	struct caller caller;
	struct probe probe;
	open_caller(&caller, "loopback", 4);
	make_probe(&probe, "/unchanged");
	probe.fetch.method = "HEAD";
	ask_next(&caller, &probe);
	expect(&probe, FETCH_ANSWERED, "");
	make_probe(&probe, "/whole");
	ask_next(&caller, &probe);
	assert_string_equal(str_text(&probe.body), "whole");
	expect(&probe, FETCH_ANSWERED, "");
	close_caller(&caller);
}

static void test_passwords_are_over_with_their_call(void **state)
{
	(void)state;
	struct caller caller;
	struct probe probe;
	open_caller(&caller, "loopback", 4);
	make_probe(&probe, "");
	snprintf(probe.url, sizeof(probe.url), "http://me:secret@127.0.0.1:%d/echo", server.port);
	ask_next(&caller, &probe);
	assert_non_null(strstr(str_text(&probe.body), "\r\nAuthorization: Basic "));
	expect(&probe, FETCH_ANSWERED, "");
	make_probe(&probe, "/echo");
	ask_next(&caller, &probe);
	assert_null(strstr(str_text(&probe.body), "Authorization"));
	expect(&probe, FETCH_ANSWERED, "");
	close_caller(&caller);
}

static void test_results_are_over_with_their_call(void **state)
{
	(void)state;
	struct caller caller;
	struct probe probe;
	open_caller(&caller, "loopback", 4);
	make_probe(&probe, "/whole");
	ask_next(&caller, &probe);
	assert_string_equal(probe.etag, "\"e1\"");
	expect(&probe, FETCH_ANSWERED, "");
	make_probe(&probe, "/whole");
	start(&caller, &probe);
	fetch_cancel(&probe.fetch);
	loop_run(caller.loop);
	assert_int_equal(probe.result.status, 0);
	assert_int_equal(probe.result.wire_bytes, 0);
	assert_string_equal(probe.etag, "");
	expect(&probe, FETCH_STOPPED, "cancelled");
	make_probe(&probe, "/hang");
	probe.fetch.timeout_ms = 50;
	ask_next(&caller, &probe);
	assert_int_equal(probe.result.status, 0);
	assert_string_equal(probe.etag, "");
	expect(&probe, FETCH_FAILED, "timed out after 50 ms");
	close_caller(&caller);
}

static void ask_tersely(struct caller *caller, struct probe *probe, const char *url)
{
	make_probe(probe, url);
	probe->fetch.is_terse = true;
	ask_next(caller, probe);
	assert_string_equal(probe->etag, "");
	assert_string_equal(probe->content_type, "");
	assert_string_equal(probe->last_modified, "");
}

static void test_terse_calls(void **state)
{
	(void)state;
	struct caller caller;
	struct probe probe;
	open_caller(&caller, "loopback", 4);
	ask_tersely(&caller, &probe, "/echo");
	assert_null(strstr(str_text(&probe.body), "Accept-Encoding"));
	expect(&probe, FETCH_ANSWERED, "");
	ask_tersely(&caller, &probe, "/whole");
	assert_string_equal(str_text(&probe.body), "whole");
	assert_string_equal(probe.retry_after, "");
	expect(&probe, FETCH_ANSWERED, "");
	ask_tersely(&caller, &probe, "/busy");
	assert_string_equal(probe.retry_after, "3");
	expect(&probe, FETCH_ANSWERED, "");
	ask_tersely(&caller, &probe, "/bomb");
	assert_in_range(probe.body.length, 10000, 64 * 1024);
	assert_memory_equal(probe.body.bytes, "\x1f\x8b", 2);
	expect(&probe, FETCH_ANSWERED, "");
	make_probe(&probe, "/gzip");
	ask_next(&caller, &probe);
	assert_int_equal(probe.body.length, 10000);
	expect(&probe, FETCH_ANSWERED, "");
	close_caller(&caller);
}

/* The server closes its end while nobody asks: the loop sleeps on, and the next call connects. */
static void test_a_kept_connection_may_end_while_it_rests(void **state)
{
	(void)state;
	int before = connections;
	struct caller caller;
	open_caller(&caller, "loopback", 4);
	for (int i = 0; i < 5; i++) {
		struct probe probe;
		make_probe(&probe, "/last");
		ask_next(&caller, &probe);
		assert_string_equal(str_text(&probe.body), "last");
		expect(&probe, FETCH_ANSWERED, "");
		caller.alarm.fire = stop_loop;
		loop_timer_set(caller.loop, &caller.alarm, clock_steady_us() + 20 * MS);
		clock_t spent = clock();
		loop_run(caller.loop);
		assert_true(clock() - spent < CLOCKS_PER_SEC / 100);
	}
	close_caller(&caller);
	assert_int_equal(connections - before, 5);
}

static void test_destroy_ends_what_is_under_way(void **state)
{
	(void)state;
	static const char *const urls[] = {"/hang", "/drip", "/hang", "/endless", "/hang"};
	enum { COUNT = sizeof(urls) / sizeof(urls[0]) };
	struct caller caller;
	struct probe probes[COUNT], unborn;
	open_caller(&caller, "loopback", 3);
	for (int i = 0; i < COUNT; i++) {
		make_probe(&probes[i], urls[i]);
		probes[i].fetch.max_bytes = INT64_MAX;
		start(&caller, &probes[i]);
	}
	caller.alarm.fire = stop_loop;
	loop_timer_set(caller.loop, &caller.alarm, clock_steady_us() + 100 * MS);
	loop_run(caller.loop);
	make_probe(&unborn, "/whole");
	start(&caller, &unborn);
	close_caller(&caller);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(probes[i].finishes, 1);
		expect(&probes[i], FETCH_STOPPED, "the daemon is closing");
	}
	assert_int_equal(unborn.finishes, 1);
	expect(&unborn, FETCH_STOPPED, "the daemon is closing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_answer),
		cmocka_unit_test(test_absent_headers_are_empty),
		cmocka_unit_test(test_url_without_scheme_means_http),
		cmocka_unit_test(test_gzip_is_undone),
		cmocka_unit_test(test_request_is_told_as_asked),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_other_statuses_are_answers),
		cmocka_unit_test(test_broken_answers_fail),
		cmocka_unit_test(test_headers_are_limited),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_wrong_urls_are_refused),
		cmocka_unit_test(test_total_deadline),
		cmocka_unit_test(test_connect_deadline),
		cmocka_unit_test(test_deadline_counts_while_waiting_for_a_connection),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_redirects_are_judged_too),
		cmocka_unit_test(test_guard_judges_the_address_connected_to),
		cmocka_unit_test(test_a_refused_address_gives_way_to_the_next),
		cmocka_unit_test(test_a_silent_address_gives_way_to_the_next),
		cmocka_unit_test(test_listener_stops),
		cmocka_unit_test(test_cancel_from_the_body),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_many_at_once_share_few_connections),
		cmocka_unit_test(test_calls_in_a_row_keep_the_connection),
		cmocka_unit_test(test_a_call_leaves_nothing_to_the_next),
		cmocka_unit_test(test_head_is_over_with_its_call),
		cmocka_unit_test(test_passwords_are_over_with_their_call),
		cmocka_unit_test(test_results_are_over_with_their_call),
		cmocka_unit_test(test_terse_calls),
		cmocka_unit_test(test_a_kept_connection_may_end_while_it_rests),
		cmocka_unit_test(test_destroy_ends_what_is_under_way),
	};
	alarm(240); /* a connection that nobody closes is a failure, too */
	return cmocka_run_group_tests(tests, open_server, server_stop);
}
