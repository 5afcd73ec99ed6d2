/* openapi.c - the description of the HTTP interface, made from the endpoints' records; called by server.c at
 * its start, and by the command line. */
#include "almanac/openapi.h"

#include <string.h>

#include "openapi.h"

/* What holds for all operations. */
static const char rules[] =
	"Everything in a backend that happens at a time: calendars, timers, tasks and a catalog of "
	"events.\n\n"
	"Bodies are UTF-8 JSON. Times go out in UTC (RFC 3339, with `Z` and milliseconds) and come in as "
	"any RFC 3339 or ISO 8601 date or date-time; without a zone they mean UTC. Members and "
	"parameters that are not known are ignored.\n\n"
	"Errors are `application/problem+json` (RFC 9457) with a stable `code`, and with `errors` naming "
	"every faulty field; some older paths have shapes of their own. A wrong method is 405 with "
	"`Allow`; OPTIONS answers 204 with `Allow`; HEAD works wherever GET does.\n\n"
	"Lists have a total order. Those with a `cursor` go on behind the `next` of an earlier answer, "
	"which also stands in the `Link` header. Answers with an `ETag` answer 304 to `If-None-Match`. "
	"Bodies over 1 KiB come as gzip to those who take it. With `?pretty` JSON is laid out for people.\n\n"
	"Where tokens are asked for, send one as `Authorization: Bearer …`; a daemon without tokens asks "
	"nobody.";

static void append_info(struct str *out, const char *version)
{
	write_open(out, "info", '{');
	write_text(out, "title", "almanac");
	write_text(out, "summary", "Calendars, timers, tasks and a catalog of events over HTTP.");
	write_text(out, "description", rules);
	write_raw(out, "license", "{\"name\":\"MIT\",\"identifier\":\"MIT\"}");
	write_text(out, "version", version);
	write_close(out, '}');
}

static void append_tags(struct str *out, const struct tag *tag)
{
	write_open(out, "tags", '[');
	for (; tag && tag->name; tag++) {
		write_open(out, NULL, '{');
		write_text(out, "name", tag->name);
		write_text(out, "description", tag->description);
		write_close(out, '}');
	}
	write_close(out, ']');
}

/* --- operations ---------------------------------------------------------------------------------------- */

/* One that a setting may open takes a request without a token, too. */
static void append_security(struct str *out, const struct endpoint *endpoint)
{
	enum scope scope = endpoint_scope(endpoint, NULL);

	write_text(out, "x-scope", scope_name(scope));
	write_raw(out, "security",
		  scope == SCOPE_OPEN   ? "[]"
		  : endpoint->opened_by ? "[{\"bearer\":[]},{}]"
					: "[{\"bearer\":[]}]");
}

/* With the scope, for people: security has no place for it. */
static void append_description(struct str *out, const struct endpoint *endpoint)
{
	enum scope scope = endpoint_scope(endpoint, NULL);
	struct str words;

	str_init(&words, OPENAPI_MAX_BYTES);
	str_append_text(&words, endpoint->description);
	if (scope != SCOPE_OPEN)
		str_format(&words, "\n\nToken: scope `%s`.", scope_name(scope));
	write_text(out, "description", str_text(&words));
	str_finish(&words);
}

static void append_operation(struct description *description, const struct endpoint *endpoint)
{
	struct str *out = description->out;
	char method[8];
	size_t length = 0;

	for (; endpoint->method[length] && length + 1 < sizeof(method); length++)
		method[length] = (char)(endpoint->method[length] | 0x20);
	method[length] = '\0';
	write_open(out, method, '{');
	write_text(out, "operationId", endpoint->name);
	write_open(out, "tags", '[');
	write_text(out, NULL, endpoint->tag);
	write_close(out, ']');
	write_text(out, "summary", endpoint->summary);
	append_description(out, endpoint);
	append_security(out, endpoint);
	schema_append_parameters(description, endpoint);
	schema_append_body(description, endpoint);
	answers_append(description, endpoint);
	write_close(out, '}');
}

/* The records of one path need not stand together. */
static bool is_first(const struct endpoint *const *routes, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (strcmp(routes[i]->path, routes[place]->path) == 0)
			return false;
	return true;
}

static void append_paths(struct description *description)
{
	const struct endpoint *const *routes = description->options->routes;
	struct str *out = description->out;

	write_open(out, "paths", '{');
	for (size_t i = 0; routes[i]; i++) {
		if (!is_first(routes, i))
			continue;
		write_open(out, routes[i]->path, '{');
		for (size_t other = i; routes[other]; other++)
			if (strcmp(routes[other]->path, routes[i]->path) == 0)
				append_operation(description, routes[other]);
		write_close(out, '}');
	}
	write_close(out, '}');
}

/* --- what is told once --------------------------------------------------------------------------------- */

static void append_components(struct description *description)
{
	struct str *out = description->out;

	write_open(out, "components", '{');
	write_raw(out, "securitySchemes",
		  "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"A token "
		  "of API_TOKENS. Its scope, read, write or admin, includes those before it.\"}}");
	write_raw(out, "parameters",
		  "{\"If-None-Match\":{\"name\":\"If-None-Match\",\"in\":\"header\","
		  "\"description\":\"ETags of earlier answers: 304 when one of them still "
		  "holds.\",\"schema\":{\"type\":\"string\"}}}");
	answers_append_headers(description);
	answers_append_examples(description);
	answers_append_problem(description);
	write_open(out, "schemas", '{');
	str_append(out, str_span(&description->schemas));
	write_close(out, '}');
	write_close(out, '}');
}

void openapi_append(const struct openapi_options *options, struct str *out)
{
	struct description description = {.options = options, .out = out};

	str_init(&description.schemas, OPENAPI_MAX_BYTES);
	str_append_char(out, '{');
	write_text(out, "openapi", "3.1.0");
	append_info(out, options->version);
	write_raw(out, "servers",
		  "[{\"url\":\"/\",\"description\":\"The daemon that serves this document.\"}]");
	append_tags(out, options->tags);
	append_paths(&description);
	append_components(&description);
	str_append_text(out, "}\n");
	str_finish(&description.schemas);
}
