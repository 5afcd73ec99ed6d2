/* documents_guide.c - GET /: where to begin, for curl and for browsers. */
#include "almanac/documents.h"
#include "page.h"

#define HOST_MAX_BYTES 255

static const char text_type[] = "text/plain; charset=utf-8";

/* Commands to try, and what they do. */
static const struct {
	const char *does, *options, *path;
} tries[] = {
	{"is everything well?", "", "/api/v1/health/check"},
	{"events of the catalog", "", "/api/v1/events?limit=3"},
	{"events with a word in their title", "", "/api/v1/events?q=jazz"},
	{"call a URL in ten seconds",
	 "--json '{\"url\":\"http://localhost:9000/hook\",\"delay\":10}' ", "/api/v1/timers"},
	{"the timers", "", "/api/v1/timers"},
	{"the sources of the catalog", "", "/api/v1/providers"},
	{"every path with its parameters and answers", "", "/openapi.json"},
};

#define TRIES (sizeof(tries) / sizeof(*tries))

/* As the client called us; whatever else stands in Host is not repeated. */
static struct span host_of(const struct request *request)
{
	struct span host = request_header(request, "Host");

	for (size_t i = 0; i < host.length; i++) {
		char byte = host.bytes[i];
		bool is_fine = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
			       (byte >= 'A' && byte <= 'Z') || byte == '.' || byte == ':' ||
			       byte == '-' || byte == '[' || byte == ']';

		if (!is_fine)
			return SPAN("localhost:8000");
	}
	return host.length && host.length <= HOST_MAX_BYTES ? host : SPAN("localhost:8000");
}

static void append_base(const struct request *request, struct str *out)
{
	bool is_secure = *settings_text(request_settings(request), SETTING_TLS_CERT_FILE);

	str_append_text(out, is_secure ? "https://" : "http://");
	str_append(out, host_of(request));
}

static void append_try(const struct request *request, size_t place, struct str *out)
{
	str_format(out, "  # %s\n  curl %s'", tries[place].does, tries[place].options);
	append_base(request, out);
	str_append_text(out, tries[place].path);
	str_append_text(out, "'\n");
}

static void append_tries(const struct request *request, struct str *out)
{
	for (size_t i = 0; i < TRIES; i++)
		append_try(request, i, out);
}

static void append_text(const struct request *request, struct str *out)
{
	str_format(out,
		   "almanac %s: calendars, timers, tasks and a catalog of events over HTTP.\n\n",
		   request_version(request));
	append_tries(request, out);
	str_append_text(out, "\nIn a browser: ");
	append_base(request, out);
	str_append_text(out,
			"/docs\nWhere tokens are asked for: -H 'Authorization: Bearer TOKEN'\n");
}

static void append_html(const struct request *request, struct str *out)
{
	str_format(out,
		   "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		   "<title>almanac</title>\n<link rel=\"stylesheet\" href=\"docs/page.css\">\n"
		   "</head>\n<body>\n<div class=\"guide\">\n<h1>almanac %s</h1>\n"
		   "<p>Calendars, timers, tasks and a catalog of events over HTTP.</p>\n<ul>\n"
		   "<li><a href=\"docs\">Read and try the interface</a></li>\n"
		   "<li><a href=\"openapi.json\">Its description (OpenAPI 3.1)</a></li>\n"
		   "<li><a href=\"api/v1/health/check\">Is everything well?</a></li>\n"
		   "<li><a href=\"api/v1/events?limit=3\">Events of the catalog</a></li>\n"
		   "<li><a href=\"metrics\">Metrics</a></li>\n</ul>\n<p>With curl:</p>\n<pre>",
		   request_version(request));
	append_tries(request, out);
	str_append_text(out, "</pre>\n</div>\n</body>\n</html>\n");
}

static bool give_guide(struct request *request, struct reply *reply)
{
	reply_header(reply, "Vary", "Accept");
	page_guard(reply);
	if (request_weight_of(request, "text/html") <= request_weight_of(request, "text/plain")) {
		append_text(request, &reply->body);
		return true;
	}
	reply->content_type = html_type;
	append_html(request, &reply->body);
	return true;
}

const struct endpoint documents_guide = {
	.name = "documents_guide",
	.method = "GET",
	.path = "/",
	.tag = "documents",
	.summary = "Where to begin",
	.description = "A short guide: text for curl, a page with links for browsers.",
	.answers = give_guide,
	.has_etag = true,
	.scope = SCOPE_OPEN,
	.answer_type = text_type,
	.other_type = html_type,
};
