/* request.c - a struct fetch told to libcurl; called when a call begins, calls libcurl. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call.h"

/* libcurl would add these by itself; "Name:" takes them away. */
struct unwanted {
	const char *name;
	const char *removal;
};

static const struct unwanted unwanted[] = {
	{"Expect", "Expect:"},             /* a round trip more, and many servers never answer it */
	{"Content-Type", "Content-Type:"}, /* a form, which our bodies never are */
};

/* Bytes taken from a socket at once, for a feed and for a terse call: many of these are under way. */
#define WIDE_BUFFER 16384L
#define TERSE_BUFFER 4096L

enum { UNWANTED_COUNT = sizeof(unwanted) / sizeof(unwanted[0]) };

static bool is_named(const char *line, const char *name)
{
	size_t length = strlen(name);
	return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

static bool has_header(const struct fetch *fetch, const char *name)
{
	for (const char *const *line = fetch->headers; line != NULL && *line != NULL; line++) {
		if (is_named(*line, name))
			return true;
	}
	return false;
}

static void make_room(struct fetch_handle *handle, size_t count)
{
	if (count <= handle->line_size)
		return;
	handle->lines = realloc(handle->lines, count * sizeof(*handle->lines));
	assert(handle->lines != NULL);
	handle->line_size = count;
}

static size_t count_headers(const struct fetch *fetch)
{
	size_t count = 0;
	while (fetch->headers != NULL && fetch->headers[count] != NULL)
		count++;
	return count;
}

/* libcurl only reads the list and its texts, which live as long as the call. */
static void link_line(struct curl_slist *lines, size_t place, const char *line)
{
	memcpy(&lines[place].data, &line, sizeof(line));
	lines[place].next = NULL;
	if (place > 0)
		lines[place - 1].next = &lines[place];
}

static bool set_headers(struct fetch_call *call)
{
	const struct fetch *fetch = call->fetch;
	struct fetch_handle *handle = &call->handle;
	size_t count = 0;
	make_room(handle, UNWANTED_COUNT + count_headers(fetch));
	for (size_t i = 0; i < UNWANTED_COUNT; i++) {
		if (!has_header(fetch, unwanted[i].name))
			link_line(handle->lines, count++, unwanted[i].removal);
	}
	for (const char *const *line = fetch->headers; line != NULL && *line != NULL; line++) {
		if (strpbrk(*line, "\r\n") != NULL) {
			call_decide(call, FETCH_REFUSED, "a request header has a line break");
			return false;
		}
		link_line(handle->lines, count++, *line);
	}
	curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, count > 0 ? handle->lines : NULL);
	return true;
}

static void set_body(CURL *easy, struct span body)
{
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.length > 0 ? body.bytes : "");
}

/* Whatever the call before was. */
static void clear_method(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
}

static void set_method(CURL *easy, const struct fetch *fetch)
{
	const char *method = fetch->method != NULL ? fetch->method : "GET";
	bool is_get = strcmp(method, "GET") == 0;
	bool is_post = strcmp(method, "POST") == 0;
	bool sends_length = is_post || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;

	clear_method(easy);
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (sends_length || fetch->body.length > 0)
		set_body(easy, fetch->body);
	if (!is_post && (!is_get || fetch->body.length > 0))
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_destination(CURL *easy, const struct fetch *fetch)
{
	curl_easy_setopt(easy, CURLOPT_URL, fetch->url);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, fetch->max_redirects > 0 ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)fetch->max_redirects);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)fetch->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, fetch->takes_any_certificate ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, fetch->takes_any_certificate ? 0L : 2L);
}

static void set_protocols(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "http");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even from the environment */
	/* One call a connection: kept connections do as well, and no call can hold up another. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void set_manners(CURL *easy, const struct fetch_call *call)
{
	bool is_terse = call->fetch->is_terse;
	curl_easy_setopt(easy, CURLOPT_USERAGENT, call->fetcher->user_agent);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, is_terse ? NULL : "gzip, deflate");
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, is_terse ? TERSE_BUFFER : WIDE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Else ending a call waits until the resolver's thread is back: the whole loop would. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static void set_callbacks(CURL *easy, struct fetch_call *call)
{
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_says);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, answer_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, multi_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, call->fetcher);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, answer_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

/* What is the same for all calls of a handle. */
static void set_up(struct fetch_call *call)
{
	struct fetch_handle *handle = &call->handle;
	set_protocols(handle->easy);
	set_manners(handle->easy, call);
	set_callbacks(handle->easy, call);
	handle->is_terse = call->fetch->is_terse;
	handle->is_set_up = true;
}

bool request_prepare(struct fetch_call *call)
{
	struct fetch_handle *handle = &call->handle;
	const struct fetch *fetch = call->fetch;
	if (!handle->is_set_up || handle->is_terse != fetch->is_terse)
		set_up(call);
	call->is_plain = fetch->max_redirects == 0 && strchr(fetch->url, '@') == NULL;
	if (!set_headers(call))
		return false;
	set_destination(handle->easy, fetch);
	set_method(handle->easy, fetch);
	return true;
}

void handle_create(struct fetch_handle *handle)
{
	handle->easy = curl_easy_init();
	assert(handle->easy != NULL);
}

void handle_destroy(struct fetch_handle *handle)
{
	curl_easy_cleanup(handle->easy);
	free(handle->lines);
}

/* libcurl keeps more than options in a handle: names and passwords, where redirects led to. Only
 * the plainest of calls leaves none of that behind. */
void handle_clear(struct fetch_call *call, CURLcode code)
{
	if (code == CURLE_OK && call->verdict == FETCH_ANSWERED && call->is_plain)
		return;
	curl_easy_reset(call->handle.easy);
	call->handle.is_set_up = false;
}
