/*
 * JSON in (jansson: strict grammar, no duplicate keys, no NUL, valid UTF-8) and JSON text out.
 * jansson's type stays behind this door.
 */
#ifndef ALMANAC_JSON_H
#define ALMANAC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/str.h"

struct json; /* one value, borrowed from its document; the document lives in an arena */

enum json_kind {
	JSON_NULL,
	JSON_FLAG,
	JSON_INTEGER,
	JSON_REAL,
	JSON_TEXT,
	JSON_ARRAY,
	JSON_OBJECT
};

/* NULL when the text is not one JSON value; `*complaint` then says why and where (arena memory).
 * Any value may be the root. Nesting is bounded (jansson: 2,048). */
const struct json *json_parse(struct arena *arena, struct span text, const char **complaint);

enum json_kind json_kind(const struct json *json);
const char *json_kind_name(enum json_kind kind); /* "a string", "null", "an object" … */
const struct json *json_member(const struct json *object, const char *name); /* NULL: not there */
size_t json_length(const struct json *array);
const struct json *json_item(const struct json *array, size_t place);
struct span json_text(const struct json *text);
int64_t json_to_integer(const struct json *integer);
double json_to_real(const struct json *real);
bool json_flag(const struct json *flag);

/* The names to call. jansson exports functions named like these two, and would call ours by mistake
 * if they were visible to the linker. */
static inline int64_t json_integer(const struct json *integer)
{
	return json_to_integer(integer);
}

static inline double json_real(const struct json *real)
{
	return json_to_real(real);
}

/* The value as compact JSON text. */
void json_append(struct str *out, const struct json *json);

/* A quoted, escaped JSON string (RFC 8259 section 7). Bytes that are not UTF-8 become U+FFFD. */
void json_append_text(struct str *out, struct span text);

#endif
