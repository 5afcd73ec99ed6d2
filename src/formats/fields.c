/* fields.c - judges what a client sends by a table of fields; http calls me, I call kinds.c and
 * json_written.c */
#include "almanac/fields.h"

#include <assert.h>

#include "kinds.h"

#define VALUE_MAX_BYTES 65536 /* of a JSON value that is shown in a fault */

static const char *const wanted_in_body[] = {
	[FIELD_TEXT] = "a string",
	[FIELD_INTEGER] = "a whole number",
	[FIELD_DECIMAL] = "a number or a string",
	[FIELD_FLAG] = "true or false",
	[FIELD_CHOICE] = "a string",
	[FIELD_UUID] = "a string",
	[FIELD_MOMENT] = "a string",
	[FIELD_URL] = "a string",
	[FIELD_CURSOR] = "a string",
	[FIELD_KEY] = "a string",
	[FIELD_DURATION] = "a number of seconds or a string",
	[FIELD_TARGET] = "a string",
	[FIELD_JSON] = "JSON",
	[FIELD_OBJECT] = "an object",
	[FIELD_HEADERS] = "an object of strings",
};

/* --- finding -------------------------------------------------------------------------------- */

/* The last pair of that name counts. */
static const struct field_pair *find_pair(const struct field_pair *pairs, size_t count,
					  const char *name)
{
	while (count > 0) {
		if (span_is(pairs[--count].name, name))
			return &pairs[count];
	}
	return NULL;
}

static const struct field_pair *find_text(const struct field *field,
					  const struct field_input *input)
{
	const struct field_pair *pair;

	if (field->place == FIELD_IN_PATH)
		return find_pair(input->path, input->path_count, field->name);
	if (field->place == FIELD_IN_HEADER)
		return find_pair(input->headers, input->header_count, field->name);
	pair = find_pair(input->query, input->query_count, field->name);
	return pair && pair->value.length > 0 ? pair : NULL;
}

/* --- JSON values ---------------------------------------------------------------------------- */

static const char *value_text(struct arena *arena, const struct json *json, struct span written)
{
	struct str text;
	const char *copy;

	if (json_kind(json) == JSON_TEXT)
		return arena_text(arena, json_text(json));
	if (written.length > 0 && written.length <= VALUE_MAX_BYTES)
		return json_compact(arena, written).bytes;
	str_init(&text, VALUE_MAX_BYTES);
	json_append(&text, json);
	copy = arena_text(arena, str_span(&text));
	str_finish(&text);
	return copy;
}

static struct ruling refuse_type(struct arena *arena, const struct field *field,
				 const struct json *json)
{
	enum json_kind kind = json_kind(json);

	if (kind == JSON_NULL)
		return (struct ruling){"type", "must not be null"};
	return (struct ruling){"type",
			       arena_format(arena, "must be %s, not %s",
					    wanted_in_body[field->kind], json_kind_name(kind))};
}

static bool is_kind_taken(const struct field *field, enum json_kind kind)
{
	switch (field->kind) {
	case FIELD_INTEGER:
		return kind == JSON_INTEGER || kind == JSON_REAL;
	case FIELD_DECIMAL:
	case FIELD_DURATION:
		return kind == JSON_INTEGER || kind == JSON_REAL || kind == JSON_TEXT;
	case FIELD_FLAG:
		return kind == JSON_FLAG;
	case FIELD_JSON:
		return true;
	case FIELD_OBJECT:
	case FIELD_HEADERS:
		return kind == JSON_OBJECT;
	case FIELD_TEXT:
	case FIELD_CHOICE:
	case FIELD_UUID:
	case FIELD_MOMENT:
	case FIELD_URL:
	case FIELD_CURSOR:
	case FIELD_KEY:
	case FIELD_TARGET:
		break;
	}
	return kind == JSON_TEXT;
}

static struct ruling judge_json(struct arena *arena, const struct field *field,
				const struct json *json, const struct field_input *input,
				struct field_value *value)
{
	enum json_kind kind = json_kind(json);

	if (!is_kind_taken(field, kind))
		return refuse_type(arena, field, json);
	if (kind_is_json(field->kind))
		return kind_judge_json(arena, field, json,
				       json_member_text(input->body_text, field->name), value);
	switch (kind) {
	case JSON_INTEGER:
		return kind_judge_integer(arena, field, json_integer(json), value);
	case JSON_REAL:
		return kind_judge_real(arena, field, json_real(json), value);
	case JSON_TEXT:
		return kind_judge(arena, field, json_text(json), value);
	case JSON_FLAG:
		return kind_judge(arena, field, json_flag(json) ? SPAN("true") : SPAN("false"),
				  value);
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return refuse_type(arena, field, json);
}

/* --- one field ------------------------------------------------------------------------------ */

static void judge_absent(struct arena *arena, const struct field *field, struct field_value *value,
			 struct field_faults *faults)
{
	struct ruling ruling;

	if (field->by_default) {
		ruling = kind_judge(arena, field, span_of(field->by_default), value);
		assert(!ruling.rule); /* the table's own default must pass its own rules */
		value->is_given = true;
	} else if (field->is_required) {
		fields_fault(faults, field, "required", "is required", "");
	}
}

static void read_field(struct arena *arena, const struct field *field,
		       const struct field_input *input, struct field_value *value,
		       struct field_faults *faults)
{
	const struct field_pair *pair = NULL;
	const struct json *json = NULL;
	size_t before = faults->count;
	struct ruling ruling;

	if (field->place != FIELD_IN_BODY)
		pair = find_text(field, input);
	else if (input->body)
		json = json_member(input->body, field->name);
	if (!pair && !json) {
		judge_absent(arena, field, value, faults);
		return;
	}
	ruling = json ? judge_json(arena, field, json, input, value)
		      : kind_judge(arena, field, pair->value, value);
	if (!ruling.rule) {
		value->is_given = true;
		return;
	}
	*value = (struct field_value){0};
	fields_fault(faults, field, ruling.rule, ruling.message,
		     json ? value_text(arena, json, json_member_text(input->body_text, field->name))
			  : arena_text(arena, pair->value));
	if (faults->count > before)
		faults->items[before].json = json;
}

/* --- the door ------------------------------------------------------------------------------- */

bool fields_read(struct arena *arena, const struct field *table, const struct field_input *input,
		 struct field_value *values, struct field_faults *faults)
{
	faults->count = 0;
	for (size_t i = 0; table[i].name; i++) {
		values[i] = (struct field_value){0};
		read_field(arena, &table[i], input, &values[i], faults);
	}
	return faults->count == 0;
}

void fields_fault(struct field_faults *faults, const struct field *field, const char *rule,
		  const char *message, const char *value)
{
	if (faults->count == sizeof(faults->items) / sizeof(faults->items[0]))
		return;
	faults->items[faults->count++] = (struct field_fault){
		.field = field->name,
		.place = field->place,
		.rule = rule,
		.message = message,
		.value = value,
	};
}

size_t fields_count(const struct field *table)
{
	size_t count = 0;

	while (table[count].name)
		count++;
	return count;
}

bool field_has_minimum(const struct field *field)
{
	return (field->min != 0 || field->max != 0) && field->min != INT64_MIN;
}

bool field_has_maximum(const struct field *field)
{
	return (field->min != 0 || field->max != 0) && field->max >= field->min &&
	       field->max != INT64_MAX;
}
