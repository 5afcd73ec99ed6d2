/*
 * Declarative reading of what a client sends: a table of fields, judged all at once.
 *
 * An endpoint's table names each field, where it comes from, its kind and limits; fields_read()
 * fills one value per row in the table's order and lists every fault. The same table becomes the
 * OpenAPI description, so `description` and `example` are not optional.
 */
#ifndef ALMANAC_FIELDS_H
#define ALMANAC_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/json.h"
#include "almanac/moment.h"
#include "almanac/str.h"

enum field_place { FIELD_IN_PATH = 1, FIELD_IN_QUERY, FIELD_IN_BODY, FIELD_IN_HEADER };

enum field_kind {
	FIELD_TEXT = 1, /* min/max: bytes */
	FIELD_INTEGER,  /* min/max: value; JSON number in a body (60.0 is whole), else digits */
	FIELD_DECIMAL,  /* min/max: millionths; decimal.h; JSON number or string in a body */
	FIELD_FLAG,     /* true/false, also 1/0 in a query; JSON true/false in a body */
	FIELD_CHOICE,   /* one of `choices`, exact spelling */
	FIELD_UUID,
	FIELD_MOMENT, /* moment.h */
	FIELD_URL,    /* http or https, host required, no userinfo, no fragment */
	FIELD_CURSOR, /* opaque base64url text (RFC 4648 section 5) */
	FIELD_KEY,    /* visible ASCII without spaces; min/max: bytes */

	/* min/max: microseconds. duration.h; in a body also a JSON number: seconds */
	FIELD_DURATION,

	/* A URL to be called: as FIELD_URL, but without a scheme it is http ("receiver:3000/path");
	 * each fault has a sentence of its own. The canonical text has the scheme. */
	FIELD_TARGET,

	/* JSON, kept as compact text as it was written; min/max: bytes of it. In a body any value,
	 * null too; elsewhere its text. */
	FIELD_JSON,
	FIELD_OBJECT, /* the same, objects only */

	/* The same: HTTP headers (RFC 9110 section 5), an object of strings. At most FIELD_HEADERS_MAX,
	 * names are tokens, differ also in capitals, and are none of `refused`; values hold no
	 * control characters but tabs. min/max: bytes of names and values together */
	FIELD_HEADERS,
};

#define FIELD_HEADERS_MAX 32

struct field {
	const char *name;
	enum field_place place;
	enum field_kind kind;
	bool is_required;
	bool is_lowered;  /* FIELD_INTEGER: above max becomes max instead of a fault */
	int64_t min, max; /* both 0: no limits but those of the kind; max < min: no maximum */
	const char *const *choices; /* NULL-terminated */
	const char *const *refused; /* NULL-terminated names in any case; "proxy-*": all such */
	const char *by_default;     /* used when the field is not given; read like a given one */
	const char *description;
	const char *example;
};

struct field_value {
	bool is_given;    /* by the client or by default */
	const char *text; /* canonical text for SQL, NUL-terminated; NULL when not given */
	size_t length;
	int64_t number; /* INTEGER value, DECIMAL millionths, FLAG 0/1, CHOICE place, MOMENT unix µs,
			 * DURATION µs */
	struct moment moment; /* FIELD_MOMENT: as written */
};

/* One fault. `rule` is a stable word: required, type, format, minimum, maximum, length, choice,
 * refused, conflict, unknown. `value` is the text as given ("" when missing), `message` an English
 * sentence part: "must be a date or date-time (RFC 3339)". */
struct field_fault {
	const char *field;
	enum field_place place;
	const char *rule;
	const char *message;
	const char *value;
	const struct json *json; /* the value in a body, borrowed from it; NULL: missing */
};

struct field_faults {
	struct field_fault items[32];
	size_t count;
};

struct field_pair {
	struct span name;
	struct span value; /* percent-decoded (name too) */
};

struct field_input {
	const struct field_pair *path; /* names without braces */
	size_t path_count;
	const struct field_pair *query; /* a repeated name: the last one counts */
	size_t query_count;
	const struct json *body; /* an object, or NULL when there is none */
	struct span
		body_text; /* what it was read from; FIELD_JSON and its like keep it as written */
	const struct field_pair *headers; /* named as in the table; an empty one is given */
	size_t header_count;
};

/* `table` ends with a zeroed row; `values` has one place per row. True when there is no fault.
 * An empty query value counts as not given. Text and moments with invalid UTF-8 or NUL are faults.
 * Values and texts of faults lie in the arena: the body may go before them. */
bool fields_read(struct arena *arena, const struct field *table, const struct field_input *input,
		 struct field_value *values, struct field_faults *faults);

/* Adds a fault found by a rule across fields. Past 32 the rest is dropped. */
void fields_fault(struct field_faults *faults, const struct field *field, const char *rule,
		  const char *message, const char *value);

size_t fields_count(const struct field *table);

/* Whether `min` and `max` are limits of their own. A maximum below the minimum is none. */
bool field_has_minimum(const struct field *field);
bool field_has_maximum(const struct field *field);

/*
 * Splits "a=1&b=2" into decoded pairs in arena memory ('+' is a space, as in
 * application/x-www-form-urlencoded). False when an escape is malformed, decodes to NUL, or the
 * result is not UTF-8, or there are more than `max` pairs; `*complaint` says which.
 */
bool fields_split_query(struct arena *arena, struct span query, struct field_pair *pairs,
			size_t max, size_t *count, const char **complaint)
	__attribute__((warn_unused_result));

/* Percent-decodes one path segment ('+' stays '+'); the same faults. */
bool fields_decode(struct arena *arena, struct span text, bool plus_is_space, struct span *decoded,
		   const char **complaint) __attribute__((warn_unused_result));

/* base64url without padding (RFC 4648 section 5). */
void base64url_append(struct str *out, struct span bytes);
bool base64url_parse(struct arena *arena, struct span text, struct span *bytes)
	__attribute__((warn_unused_result));

/* base64 with padding (RFC 4648 section 4). */
void base64_append(struct str *out, struct span bytes);
bool base64_parse(struct arena *arena, struct span text, struct span *bytes)
	__attribute__((warn_unused_result));

/* A decimal integer that fits int64_t: optional '-', digits, nothing else. */
bool integer_parse(struct span text, int64_t *number) __attribute__((warn_unused_result));

#endif
