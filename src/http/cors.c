/* cors.c - pages of other origins that may ask (Fetch standard, "CORS protocol"); called by access.c.
 *
 * No cookies are known here, so credentials are never allowed: a page sends its token itself. */
#include <stdlib.h>
#include <string.h>

#include "access.h"

#define MAX_AGE_S "600"
#define ALLOWED_HEADERS                                                                            \
	"Authorization, Content-Type, Accept, Idempotency-Key, If-None-Match, X-Request-Id, "      \
	"traceparent, webhook-id, webhook-timestamp, webhook-signature"
#define EXPOSED_HEADERS                                                                            \
	"ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate, "       \
	"X-Catalog-Age, X-Request-Id"

/* Scheme, host and perhaps a port, as browsers write it: in small letters, nothing behind. */
static bool is_origin(struct span text)
{
	struct span host;

	if (span_starts_with(text, SPAN("https://")))
		host = (struct span){text.bytes + 8, text.length - 8};
	else if (span_starts_with(text, SPAN("http://")))
		host = (struct span){text.bytes + 7, text.length - 7};
	else
		return false;
	for (size_t i = 0; i < host.length; i++) {
		char character = host.bytes[i];

		if ((character < 'a' || character > 'z') && (character < '0' || character > '9') &&
		    (!character || !strchr(".-:[]", character)))
			return false;
	}
	return host.length > 0;
}

bool cors_init(struct cors *cors, const char *text, struct str *complaint)
{
	struct span rest = span_of(text);
	struct span origin;

	*cors = (struct cors){.origins = text, .is_any = strcmp(text, "*") == 0};
	while (*text && !cors->is_any && span_split(&rest, ',', &origin)) {
		origin = span_trim(origin);
		if (is_origin(origin))
			continue;
		str_format(complaint,
			   "CORS_ORIGINS: \"%.*s\" is no origin: write https://app.example.com, "
			   "without a path and in small letters, or * alone",
			   (int)origin.length, origin.bytes);
		return false;
	}
	return true;
}

bool cors_allows(const struct cors *cors, struct span origin)
{
	struct span rest = span_of(cors->origins);
	struct span listed;

	if (origin.length == 0)
		return false;
	while (!cors->is_any && span_split(&rest, ',', &listed))
		if (span_equals(span_trim(listed), origin))
			return true;
	return cors->is_any;
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		abort();
}

static const char *allowed_methods(const struct request *request)
{
	for (size_t i = 0; i < request->reply.header_count; i++)
		if (strcmp(request->reply.headers[i].name, "Allow") == 0)
			return request->reply.headers[i].value;
	return NULL;
}

static void add_preflight(const struct request *request, struct MHD_Response *response)
{
	const char *methods = allowed_methods(request);

	if (strcmp(request->method, "OPTIONS") != 0 || !methods ||
	    !request_header(request, "Access-Control-Request-Method").length)
		return;
	add(response, "Access-Control-Allow-Methods", methods);
	add(response, "Access-Control-Allow-Headers", ALLOWED_HEADERS);
	add(response, "Access-Control-Max-Age", MAX_AGE_S);
}

void cors_add_headers(const struct request *request, struct MHD_Response *response)
{
	const struct cors *cors = &request->worker->access->cors;
	struct span origin;

	if (!*cors->origins)
		return;
	origin = request_header(request, "Origin");
	if (!cors->is_any)
		add(response, "Vary", "Origin");
	if (!cors_allows(cors, origin))
		return;
	add(response, "Access-Control-Allow-Origin",
	    cors->is_any ? "*" : arena_text(request->arena, origin));
	add(response, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
	add_preflight(request, response);
}
