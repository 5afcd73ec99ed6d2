/* fuzz_fields.c - a query (first line) and a body (the rest): values never leave their limits */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "almanac/decimal.h"
#include "almanac/fields.h"

#define PAIRS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const colours[] = {"red", "green", NULL};
static const char *const refused[] = {"host", "proxy-*", NULL};

/* Each kind once; the place is filled in. */
static const struct field kinds[] = {
	{.name = "t", .kind = FIELD_TEXT, .min = 1, .max = 9},
	{.name = "i", .kind = FIELD_INTEGER, .min = -5, .max = 70},
	{.name = "l", .kind = FIELD_INTEGER, .is_lowered = true, .max = 100, .by_default = "20"},
	{.name = "d", .kind = FIELD_DECIMAL, .min = 500000, .max = 90000000},
	{.name = "f", .kind = FIELD_FLAG, .is_required = true},
	{.name = "c", .kind = FIELD_CHOICE, .choices = colours},
	{.name = "u", .kind = FIELD_UUID},
	{.name = "m", .kind = FIELD_MOMENT},
	{.name = "w", .kind = FIELD_URL},
	{.name = "k", .kind = FIELD_CURSOR},
	{.name = "y", .kind = FIELD_KEY, .min = 1, .max = 9},
	{.name = "p", .kind = FIELD_DURATION, .min = 1000000, .max = INT64_C(90000000)},
	{.name = "g", .kind = FIELD_TARGET},
	{.name = "j", .kind = FIELD_JSON, .max = 64},
	{.name = "o", .kind = FIELD_OBJECT, .max = 64},
	{.name = "h", .kind = FIELD_HEADERS, .refused = refused, .max = 64},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void check_json(struct arena *arena, const struct field *field,
		       const struct field_value *value)
{
	const char *complaint = NULL;
	const struct json *json =
		json_parse(arena, (struct span){value->text, value->length}, &complaint);

	assert(json && (field->kind == FIELD_JSON || json_kind(json) == JSON_OBJECT));
	if (field->kind != FIELD_HEADERS) {
		assert(value->length <= 64);
		return;
	}
	for (const char *name = json_first_name(json); name; name = json_next_name(json, name)) {
		assert(*name && !strpbrk(name, " \r\n:") && strcasecmp(name, "host") != 0);
		assert(!memchr(json_text(json_member(json, name)).bytes, '\n',
			       json_text(json_member(json, name)).length));
	}
}

static void check_number(struct arena *arena, const struct field *field,
			 const struct field_value *value)
{
	switch (field->kind) {
	case FIELD_INTEGER:
	case FIELD_DECIMAL:
	case FIELD_DURATION:
		assert(value->number >= field->min && value->number <= field->max);
		break;
	case FIELD_FLAG:
	case FIELD_CHOICE:
		assert(value->number == 0 || value->number == 1);
		break;
	case FIELD_MOMENT:
		assert(value->number == moment_unix_us(&value->moment));
		break;
	case FIELD_TEXT:
	case FIELD_KEY:
		assert(value->length >= 1 && value->length <= 9);
		break;
	case FIELD_UUID:
		assert(value->length == 36);
		break;
	case FIELD_URL:
		assert(value->length <= 2048);
		break;
	case FIELD_TARGET:
		assert(value->length <= 2048 + 7 && strncasecmp(value->text, "http", 4) == 0);
		break;
	case FIELD_CURSOR:
		assert(value->length > 0);
		break;
	case FIELD_JSON:
	case FIELD_OBJECT:
	case FIELD_HEADERS:
		check_json(arena, field, value);
		break;
	}
}

/* The canonical text is read again as the same value. */
static void check_again(struct arena *arena, const struct field *field,
			const struct field_value *value)
{
	struct field row[] = {*field, {0}};
	struct field_pair pair = {span_of(field->name), {value->text, value->length}};
	struct field_input input = {.query = &pair, .query_count = 1};
	struct field_value again;
	struct field_faults faults;

	row[0].place = FIELD_IN_QUERY;
	assert(fields_read(arena, row, &input, &again, &faults));
	assert(again.is_given && strcmp(again.text, value->text) == 0);
	assert(again.number == value->number);
}

static void check_value(struct arena *arena, const struct field *field,
			const struct field_value *value)
{
	if (!value->is_given) {
		assert(!value->text && value->length == 0 && value->number == 0);
		return;
	}
	assert(value->text && strlen(value->text) == value->length);
	assert(span_is_text((struct span){value->text, value->length}));
	check_number(arena, field, value);
	check_again(arena, field, value);
}

static void check_faults(const struct field *row, const struct field_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct field_fault *fault = &faults->items[i];

		assert(fault->rule && fault->message && fault->value);
		assert(fault->place == row->place);
		while (row->name != fault->field)
			assert((++row)->name); /* in the table's order */
	}
}

static void check_input(struct arena *arena, enum field_place place,
			const struct field_input *input)
{
	struct field table[KINDS + 1] = {0};
	struct field_value values[KINDS];
	struct field_faults faults;
	bool is_good;

	for (size_t i = 0; i < KINDS; i++) {
		table[i] = kinds[i];
		table[i].place = place;
	}
	is_good = fields_read(arena, table, input, values, &faults);
	assert(fields_count(table) == KINDS && is_good == (faults.count == 0));
	check_faults(table, &faults);
	for (size_t i = 0; i < KINDS; i++)
		check_value(arena, &table[i], &values[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	struct span body = {(const char *)data, size};
	struct span query = {NULL, 0};
	struct field_pair pairs[PAIRS_MAX];
	struct field_input input = {.path = pairs, .query = pairs, .headers = pairs};
	const char *complaint = NULL;

	if (size > 0 && span_split(&body, '\n', &query) &&
	    fields_split_query(arena, query, pairs, PAIRS_MAX, &input.query_count, &complaint)) {
		input.path_count = input.query_count;
		input.header_count = input.query_count;
		input.body_text = body;
		if (body.length > 0)
			input.body = json_parse(arena, body, &complaint);
		if (input.body && json_kind(input.body) != JSON_OBJECT)
			input.body = NULL;
		check_input(arena, FIELD_IN_PATH, &input);
		check_input(arena, FIELD_IN_QUERY, &input);
		check_input(arena, FIELD_IN_HEADER, &input);
		check_input(arena, FIELD_IN_BODY, &input);
	}
	arena_destroy(arena);
	return 0;
}
