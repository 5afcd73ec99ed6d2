/* request.c - a struct fetch told to libcurl; called when a call begins, calls libcurl. */
#include <assert.h>
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

static void append_header(struct fetch_call *call, const char *line)
{
	struct curl_slist *headers = curl_slist_append(call->headers, line);
	assert(headers != NULL);
	call->headers = headers;
}

static bool set_headers(struct fetch_call *call)
{
	const struct fetch *fetch = call->fetch;
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
		if (!has_header(fetch, unwanted[i].name))
			append_header(call, unwanted[i].removal);
	}
	for (const char *const *line = fetch->headers; line != NULL && *line != NULL; line++) {
		if (strpbrk(*line, "\r\n") != NULL) {
			call_decide(call, FETCH_REFUSED, "a request header has a line break");
			return false;
		}
		append_header(call, *line);
	}
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return true;
}

static void set_body(CURL *easy, struct span body)
{
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.length > 0 ? body.bytes : "");
}

static void set_method(CURL *easy, const struct fetch *fetch)
{
	const char *method = fetch->method != NULL ? fetch->method : "GET";
	bool is_get = strcmp(method, "GET") == 0;
	bool is_post = strcmp(method, "POST") == 0;
	bool sends_length = is_post || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;

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
	curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "http");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, fetch->max_redirects > 0 ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)fetch->max_redirects);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even from the environment */
}

static void set_manners(CURL *easy, const struct fetch_call *call)
{
	curl_easy_setopt(easy, CURLOPT_USERAGENT, call->fetcher->user_agent);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	/* One call a connection: kept connections do as well, and no call can hold up another. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->fetch->connect_timeout_ms);
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
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, answer_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

bool request_prepare(struct fetch_call *call)
{
	if (!set_headers(call))
		return false;
	set_destination(call->easy, call->fetch);
	set_method(call->easy, call->fetch);
	set_manners(call->easy, call);
	set_callbacks(call->easy, call);
	return true;
}

void request_release(struct fetch_call *call)
{
	curl_slist_free_all(call->headers);
	call->headers = NULL;
}
