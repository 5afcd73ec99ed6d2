/* values.c - parameters of statements, and many rows as one binary array; called by all who ask. */
#include <arpa/inet.h>
#include <string.h>

#include "almanac/db.h"

/* catalog/pg_type.dat; the array's wire form is that of array_recv(). */
#define TYPE_BYTEA 17
#define TYPE_TEXT 25

static void append_int32(struct str *out, int32_t number)
{
	uint32_t wire = htonl((uint32_t)number);

	str_append(out, (struct span){(const char *)&wire, sizeof(wire)});
}

/* Dimensions, has-null flag, element type, length, lower bound; the length is set at the end. */
static void append_header(struct db_array *array)
{
	struct str *out = &array->bytes;

	append_int32(out, 1);
	append_int32(out, 1);
	append_int32(out, array->is_binary ? TYPE_BYTEA : TYPE_TEXT);
	append_int32(out, 0);
	append_int32(out, 1);
}

void db_array_init(struct db_array *array, size_t max_bytes)
{
	str_init(&array->bytes, max_bytes);
	array->count = 0;
	array->is_binary = false;
}

void db_array_finish(struct db_array *array)
{
	str_finish(&array->bytes);
}

void db_array_clear(struct db_array *array)
{
	str_clear(&array->bytes);
	array->count = 0;
}

static void begin_element(struct db_array *array, int32_t length)
{
	if (array->bytes.length == 0)
		append_header(array);
	append_int32(&array->bytes, length);
	array->count++;
}

void db_array_add(struct db_array *array, struct span element)
{
	begin_element(array, (int32_t)element.length);
	str_append(&array->bytes, element);
}

void db_array_add_null(struct db_array *array)
{
	begin_element(array, -1);
}

void db_array_add_number(struct db_array *array, int64_t number)
{
	struct str text;

	str_init(&text, 24);
	str_append_number(&text, number);
	db_array_add(array, str_span(&text));
	str_finish(&text);
}

struct db_value db_array_value(struct db_array *array)
{
	uint32_t count = htonl((uint32_t)array->count);

	if (array->bytes.length == 0)
		append_header(array);
	memcpy(array->bytes.bytes + 12, &count, sizeof(count));
	return (struct db_value){array->bytes.bytes, array->bytes.length, true};
}

struct db_value db_text(const char *text)
{
	return (struct db_value){text, 0, false};
}

struct db_value db_number(struct arena *arena, int64_t number)
{
	return db_text(arena_format(arena, "%lld", (long long)number));
}
