/*
 * What the files of the description share.
 *
 *   openapi.c          the document: operations, and what is told once for all of them
 *   openapi_schema.c   a field as a parameter and a schema, a body; schemas that are told once
 *   openapi_answers.c  the answers of an operation, by status
 *   openapi_write.c    JSON, member by member
 */
#ifndef ALMANAC_HTTP_OPENAPI_H
#define ALMANAC_HTTP_OPENAPI_H

#include "almanac/openapi.h"

/* The document in the making. */
struct description {
	const struct openapi_options *options;
	struct str *out;
	struct str schemas; /* the members of components.schemas so far */
	bool uses_problem[PROBLEM_COUNT];
	unsigned uses_header; /* one bit a row of the table in openapi_answers.c */
};

/* openapi_write.c: a comma where one is due, then the member's name (NULL: an item of an array). */
void write_name(struct str *out, const char *name);
void write_text(struct str *out, const char *name, const char *text);
void write_raw(struct str *out, const char *name, const char *json);
void write_number(struct str *out, const char *name, int64_t number);
void write_flag(struct str *out, const char *name, bool flag);
void write_open(struct str *out, const char *name, char bracket); /* '{' or '[' */
void write_close(struct str *out, char bracket);                  /* '}' or ']' */
/* {"$ref":"#/components/<kind>/<name>"} */
void write_reference(struct str *out, const char *member, const char *kind, const char *name);

/* openapi_schema.c */
/* A schema's text; the objects in it that have a title move to components.schemas. */
void schema_append(struct description *description, struct str *out, const char *text);
void schema_append_parameters(struct description *description, const struct endpoint *endpoint);
void schema_append_body(struct description *description, const struct endpoint *endpoint);
bool schema_has(const struct endpoint *endpoint, enum field_place place);
bool schema_has_etag(const struct endpoint *endpoint);

/* openapi_answers.c */
void answers_append(struct description *description, const struct endpoint *endpoint);
/* components.headers, .examples and .schemas.Problem */
void answers_append_headers(struct description *description);
void answers_append_examples(struct description *description);
void answers_append_problem(struct description *description);

#endif
