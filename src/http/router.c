/* router.c - finds the endpoint of a path and method; called by request.c. */
#include <string.h>

#include "http.h"

/* "{id}" takes any non-empty segment; others must be equal. */
static bool takes(struct span pattern, struct span segment)
{
	if (pattern.length > 2 && *pattern.bytes == '{')
		return segment.length > 0;
	return span_equals(pattern, segment);
}

/* Most endpoints are ruled out by what stands before their first "{". */
static bool begins_alike(const char *pattern, struct span path)
{
	size_t i = 0;

	while (pattern[i] != '\0' && pattern[i] != '{') {
		if (i == path.length || pattern[i] != path.bytes[i])
			return false;
		i++;
	}
	return true;
}

static bool matches(const char *pattern, struct span path, struct field_pair *pairs, size_t *count)
{
	struct span rest_pattern = span_of(pattern), rest = path;
	struct span part, segment;

	*count = 0;
	while (span_split(&rest_pattern, '/', &part)) {
		if (!span_split(&rest, '/', &segment) || !takes(part, segment))
			return false;
		if (part.length > 2 && *part.bytes == '{' && *count < PATH_FIELDS_MAX)
			pairs[(*count)++] =
				(struct field_pair){{part.bytes + 1, part.length - 2}, segment};
	}
	return rest.bytes == NULL;
}

static bool is_method(const struct endpoint *endpoint, const char *method)
{
	return strcmp(endpoint->method, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(endpoint->method, "GET") == 0);
}

static void allow_method(struct str *allow, const char *method)
{
	str_append_text(allow, allow->length ? ", " : "");
	str_append_text(allow, method);
	if (strcmp(method, "GET") == 0)
		str_append_text(allow, ", HEAD");
}

enum route_verdict router_match(const struct endpoint *const *routes, struct span path,
				const char *method, size_t *route, struct field_pair *pairs,
				size_t *pair_count, struct str *allow)
{
	struct field_pair found[PATH_FIELDS_MAX];
	size_t count;

	for (size_t i = 0; routes[i]; i++) {
		if (!begins_alike(routes[i]->path, path) ||
		    !matches(routes[i]->path, path, found, &count))
			continue;
		if (is_method(routes[i], method)) {
			*route = i;
			*pair_count = count;
			memcpy(pairs, found, count * sizeof(*pairs));
			return ROUTE_FOUND;
		}
		allow_method(allow, routes[i]->method);
	}
	if (allow->length == 0)
		return ROUTE_UNKNOWN;
	str_append_text(allow, ", OPTIONS");
	return strcmp(method, "OPTIONS") == 0 ? ROUTE_OPTIONS : ROUTE_WRONG_METHOD;
}
