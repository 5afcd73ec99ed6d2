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

/* JSON numbers, for FIELD_INTEGER (integers only) and FIELD_DECIMAL. */
struct ruling kind_judge_integer(struct arena *arena, const struct field *field, int64_t number,
				 struct field_value *value);
struct ruling kind_judge_real(struct arena *arena, const struct field *field, double number,
			      struct field_value *value);

#endif
