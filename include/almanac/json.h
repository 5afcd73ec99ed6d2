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

/* The members of an object one by one: the name of the first, and of the one behind `name` (which
 * came from here); NULL: no more. */
const char *json_first_name(const struct json *object);
const char *json_next_name(const struct json *object, const char *name);
size_t json_count(const struct json *object);

/* The value as compact JSON text. Its numbers are as C reads them: 0.10000000000000001 for 0.1. */
void json_append(struct str *out, const struct json *json);

/* A quoted, escaped JSON string (RFC 8259 section 7). Bytes that are not UTF-8 become U+FFFD. */
void json_append_text(struct str *out, struct span text);

/* --- values as they were written ------------------------------------------------------------------ */

/*
 * What json_parse() took, or will judge, cut into the texts of its values. Only quotes and the depth of
 * brackets are looked at.
 */

/* The text of an object's member; the empty span when there is none, or its name is spelled with
 * escapes. `object` must be what json_parse() took. */
struct span json_member_text(struct span object, const char *name);

/* A copy without the white space between tokens. */
struct span json_compact(struct arena *arena, struct span text);

/* The same value for people: a member or item a line, each level two columns further in, down to 32
 * levels (what is deeper stays there, so it grows by a bounded factor). */
void json_append_pretty(struct str *out, struct span text);

/* The items of an array, one by one. */
struct json_items {
	struct span rest;
	size_t count;   /* taken so far */
	bool is_broken; /* no array, or not one to its end */
};

struct json_items json_items(struct span array);
/* False behind the last item, or where the array is broken. */
bool json_next_item(struct json_items *items, struct span *item);

#endif
