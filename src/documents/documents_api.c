/* documents_api.c - the description of the HTTP interface, and the page at /docs: records over finished bytes. */
#include <string.h>

#include "almanac/documents.h"
#include "files.h"
#include "page.h"

const char html_type[] = "text/html; charset=utf-8";

/* Nothing from elsewhere, nothing written into the page, no frame around it. */
void page_guard(struct reply *reply)
{
	reply_header(
		reply, "Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
		"connect-src 'self'; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'");
	reply_header(reply, "Referrer-Policy", "no-referrer");
}

static const struct documents_file *find_file(const char *name)
{
	for (const struct documents_file *file = documents_files; file->name; file++)
		if (strcmp(file->name, name) == 0)
			return file;
	return NULL;
}

/* --- GET /openapi.json ---------------------------------------------------------------------------------- */

static bool give_openapi(struct request *request, struct reply *reply)
{
	reply->asset = request_openapi(request);
	return true;
}

const struct endpoint documents_openapi = {
	.name = "documents_openapi",
	.method = "GET",
	.path = "/openapi.json",
	.tag = "documents",
	.summary = "The description of this interface",
	.description = "This document: OpenAPI 3.1, made from what the daemon itself goes by.",
	.answers = give_openapi,
	.has_etag = true,
	.opened_by = SETTING_DOCS_OPEN,
	.answer_schema = "{\"type\":\"object\",\"required\":[\"openapi\",\"info\",\"paths\"],"
			 "\"properties\":{\"openapi\":{\"type\":\"string\"},"
			 "\"info\":{\"type\":\"object\",\"additionalProperties\":true},"
			 "\"paths\":{\"type\":\"object\",\"additionalProperties\":true}},"
			 "\"additionalProperties\":true}",
};

/* --- GET /docs ------------------------------------------------------------------------------------------ */

static void append_escaped(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			str_append_text(out, "&lt;");
		else if (*text == '&')
			str_append_text(out, "&amp;");
		else
			str_append_char(out, *text);
	}
}

static void append_route(struct str *out, const struct endpoint *endpoint)
{
	str_format(out, "<tr><td>%s</td><td><code>", endpoint->method);
	append_escaped(out, endpoint->path);
	str_append_text(out, "</code></td><td>");
	append_escaped(out, endpoint->summary);
	str_append_text(out, "</td></tr>\n");
}

/* What there is to show without Swagger UI. */
static void append_list(const struct request *request, struct str *out)
{
	const struct endpoint *const *routes = request_routes(request);

	str_append_text(
		out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<title>almanac: the HTTP interface</title>\n"
		     "<link rel=\"stylesheet\" href=\"docs/page.css\">\n</head>\n<body>\n"
		     "<div class=\"guide\">\n<h1>The HTTP interface</h1>\n"
		     "<p>Everything about it stands in <a href=\"openapi.json\">openapi.json</a>. "
		     "The page that shows it and tries it out (Swagger UI, from the npm registry) "
		     "could not be had when this almanac was built: build it again where there is "
		     "npm.</p>\n<table>\n");
	for (size_t i = 0; routes[i]; i++)
		append_route(out, routes[i]);
	str_append_text(out, "</table>\n</div>\n</body>\n</html>\n");
}

static bool give_page(struct request *request, struct reply *reply)
{
	page_guard(reply);
	if (find_file("swagger-ui.js"))
		reply->asset = &find_file("/page")->asset;
	else
		append_list(request, &reply->body);
	return true;
}

const struct endpoint documents_page = {
	.name = "documents_page",
	.method = "GET",
	.path = "/docs",
	.tag = "documents",
	.summary = "A page to read and try this interface",
	.description = "Everything it needs comes from this daemon.",
	.answers = give_page,
	.has_etag = true,
	.opened_by = SETTING_DOCS_OPEN,
	.answer_type = html_type,
};

/* --- GET /docs/{file} ------------------------------------------------------------------------------------ */

static const struct field file_fields[] = {
	{.name = "file",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_TEXT,
	 .is_required = true,
	 .min = 1,
	 .max = 100,
	 .description = "Its name: what the page asks for, or `licenses`.",
	 .example = "page.css"},
	{0},
};

static bool give_file(struct request *request, struct reply *reply)
{
	const struct documents_file *file = find_file(request_value(request, 0)->text);
	const struct complaint complaint = {.problem = PROBLEM_DOCUMENT_NOT_FOUND};

	if (!file || *file->name == '/') {
		reply->status = problem_kind(complaint.problem)->status;
		complain_problem(request, &complaint, reply);
		return true;
	}
	page_guard(reply);
	reply->content_type = file->content_type;
	reply->asset = &file->asset;
	return true;
}

static const struct other_answer file_others[] = {{.problem = PROBLEM_DOCUMENT_NOT_FOUND}, {0}};

const struct endpoint documents_file = {
	.name = "documents_file",
	.method = "GET",
	.path = "/docs/{file}",
	.tag = "documents",
	.summary = "A file of the page",
	.description = "Styles, scripts and the licences of what others wrote.",
	.reads = file_fields,
	.answers = give_file,
	.has_etag = true,
	.opened_by = SETTING_DOCS_OPEN,
	.answer_type = "*/*",
	.others = file_others,
};
