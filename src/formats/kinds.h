/* Private to formats: a field's text is judged by its kind and gets its canonical form. */
#ifndef ALMANAC_FORMATS_KINDS_H
#define ALMANAC_FORMATS_KINDS_H

#include "almanac/fields.h"

/* What is wrong with a value; `rule` is NULL when nothing is. */
struct ruling {
	const char *rule;
	const char *message;
};

/* A value written as text: from a path, a query, a JSON string, or the table's default. */
struct ruling kind_judge(struct arena *arena, const struct field *field, struct span text,
			 struct field_value *value);

/* JSON numbers, for FIELD_INTEGER, FIELD_DECIMAL and FIELD_DURATION. */
struct ruling kind_judge_integer(struct arena *arena, const struct field *field, int64_t number,
				 struct field_value *value);
struct ruling kind_judge_real(struct arena *arena, const struct field *field, double number,
			      struct field_value *value);

/* A JSON value and what it was read from (empty: not known), for FIELD_JSON, OBJECT and HEADERS. */
struct ruling kind_judge_json(struct arena *arena, const struct field *field,
			      const struct json *json, struct span text, struct field_value *value);
bool kind_is_json(enum field_kind kind);

/* --- among the kinds: kinds.c, kinds_url.c, kinds_json.c --------------------------------------- */

void kind_accept(struct field_value *value, struct span text);
struct ruling kind_judge_length(struct arena *arena, const struct field *field, size_t length);
struct ruling kind_judge_url(struct arena *arena, const struct field *field, struct span text,
			     struct field_value *value);
struct ruling kind_judge_target(struct arena *arena, const struct field *field, struct span text,
				struct field_value *value);
struct ruling kind_judge_json_text(struct arena *arena, const struct field *field, struct span text,
				   struct field_value *value);

#endif
