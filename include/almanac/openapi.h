/*
 * The description of the HTTP interface (OpenAPI 3.1), made from the endpoints' records: what is not in a
 * record is not in the description, and the other way round.
 */
#ifndef ALMANAC_OPENAPI_H
#define ALMANAC_OPENAPI_H

#include "almanac/endpoint.h"
#include "almanac/str.h"

#define OPENAPI_MAX_BYTES ((size_t)4 << 20)

struct openapi_options {
	const struct endpoint *const *routes; /* NULL-terminated */
	const struct tag *tags; /* in the order of the documents; ends with a zeroed row */
	const char *version;
	const char *age_header; /* as in struct edition (server.h) */
};

/* Appends the document and a newline. */
void openapi_append(const struct openapi_options *options, struct str *out);

#endif
