/* scope.c - what an endpoint asks of a token; called by access.c and by the documents. */
#include <string.h>

#include "http.h"

enum scope endpoint_scope(const struct endpoint *endpoint, const struct settings *settings)
{
	if (settings && endpoint->opened_by && settings_is_on(settings, endpoint->opened_by))
		return SCOPE_OPEN;
	if (endpoint->scope != SCOPE_BY_METHOD)
		return endpoint->scope;
	return strcmp(endpoint->method, "GET") == 0 ? SCOPE_READ : SCOPE_WRITE;
}

const char *scope_name(enum scope scope)
{
	static const char *const names[] = {"by method", "open", "read", "write", "admin"};

	return names[scope];
}
