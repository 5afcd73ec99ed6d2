/* json.c - jansson behind a door; fields.c, http and the rooms call me, I call jansson and base */
#include "almanac/json.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* jansson gives other things the names of our kinds, so its own are set aside while it is read. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL JANSSON_REAL
#define JSON_NULL JANSSON_NULL
#define json_integer jansson_integer
#define json_real jansson_real
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_NULL
#undef json_integer
#undef json_real

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static const char *const kind_names[] = {
	[JSON_NULL] = "null",        [JSON_FLAG] = "a boolean", [JSON_INTEGER] = "a number",
	[JSON_REAL] = "a number",    [JSON_TEXT] = "a string",  [JSON_ARRAY] = "an array",
	[JSON_OBJECT] = "an object",
};

static const json_t *behind(const struct json *json)
{
	return (const json_t *)json;
}

static const struct json *before(const json_t *value)
{
	return (const struct json *)value;
}

static int append_piece(const char *bytes, size_t length, void *out)
{
	str_append(out, (struct span){bytes, length});
	return 0;
}

/* --- text out ------------------------------------------------------------------------------- */

static bool is_within(unsigned char byte, unsigned char low, unsigned char high)
{
	return byte >= low && byte <= high;
}

/* How many bytes the UTF-8 sequence at the front has (RFC 3629 section 4); 0 when it is none. */
static size_t sequence_length(struct span text)
{
	const unsigned char *bytes = (const unsigned char *)text.bytes;
	unsigned char low = 0x80;
	unsigned char high = 0xBF;
	size_t length;

	if (bytes[0] < 0x80)
		return 1;
	if (is_within(bytes[0], 0xC2, 0xDF))
		length = 2;
	else if (is_within(bytes[0], 0xE0, 0xEF))
		length = 3;
	else if (is_within(bytes[0], 0xF0, 0xF4))
		length = 4;
	else
		return 0;
	if (bytes[0] == 0xE0)
		low = 0xA0;
	if (bytes[0] == 0xED)
		high = 0x9F;
	if (bytes[0] == 0xF0)
		low = 0x90;
	if (bytes[0] == 0xF4)
		high = 0x8F;
	if (text.length < length || !is_within(bytes[1], low, high))
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (!is_within(bytes[i], 0x80, 0xBF))
			return 0;
	}
	return length;
}

/* The bytes at the front that stand for themselves in a JSON string. */
static size_t plain_length(struct span text)
{
	size_t length = 0;

	while (length < text.length) {
		unsigned char byte = (unsigned char)text.bytes[length];
		size_t step = 1;

		if (byte < 0x20 || byte == '"' || byte == '\\')
			break;
		if (byte >= 0x80)
			step = sequence_length(
				(struct span){text.bytes + length, text.length - length});
		if (step == 0)
			break;
		length += step;
	}
	return length;
}

/* One byte that does not stand for itself. */
static void append_escaped(struct str *out, unsigned char byte)
{
	static const char short_names[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (size_t i = 0; i + 1 < sizeof(short_names); i += 2) {
		if ((unsigned char)short_names[i] == byte) {
			str_append_char(out, '\\');
			str_append_char(out, short_names[i + 1]);
			return;
		}
	}
	if (byte < 0x20) {
		str_append_text(out, "\\u00");
		str_append_hex(out, &byte, 1);
	} else {
		str_append_text(out, REPLACEMENT);
	}
}

/* --- jansson's memory ------------------------------------------------------------------------ */

/* That of the document that is being read: all of it dies with the arena, nothing before. What jansson
 * needs otherwise it gives back itself. */
static _Thread_local struct arena *reading_into;

static void *take(size_t bytes)
{
	return reading_into ? arena_alloc(reading_into, bytes) : malloc(bytes);
}

static void give(void *piece)
{
	if (!reading_into)
		free(piece);
}

static void lend_memory(void)
{
	json_set_alloc_funcs(take, give);
}

static json_t *read_into(struct arena *arena, struct span text, json_error_t *error)
{
	static pthread_once_t is_lent = PTHREAD_ONCE_INIT;
	json_t *document;

	pthread_once(&is_lent, lend_memory);
	reading_into = arena;
	document = json_loadb(text.length > 0 ? text.bytes : "", text.length,
			      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
	reading_into = NULL;
	return document;
}

/* --- the door ------------------------------------------------------------------------------- */

const struct json *json_parse(struct arena *arena, struct span text, const char **complaint)
{
	json_error_t error;
	json_t *document;

	/* jansson passes over a NUL behind a number. */
	if (text.length > 0 && memchr(text.bytes, '\0', text.length)) {
		*complaint = "a NUL byte is not allowed";
		return NULL;
	}
	document = read_into(arena, text, &error);
	if (!document) {
		*complaint = arena_format(arena, "line %d, column %d: %s", error.line, error.column,
					  error.text);
		return NULL;
	}
	return before(document);
}

enum json_kind json_kind(const struct json *json)
{
	switch (json_typeof(behind(json))) {
	case JANSSON_OBJECT:
		return JSON_OBJECT;
	case JANSSON_ARRAY:
		return JSON_ARRAY;
	case JSON_STRING:
		return JSON_TEXT;
	case JANSSON_INTEGER:
		return JSON_INTEGER;
	case JANSSON_REAL:
		return JSON_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_FLAG;
	case JANSSON_NULL:
		break;
	}
	return JSON_NULL;
}

const char *json_kind_name(enum json_kind kind)
{
	assert((size_t)kind < sizeof(kind_names) / sizeof(kind_names[0]));
	return kind_names[kind];
}

const struct json *json_member(const struct json *object, const char *name)
{
	return before(json_object_get(behind(object), name));
}

size_t json_length(const struct json *array)
{
	return json_array_size(behind(array));
}

const struct json *json_item(const struct json *array, size_t place)
{
	return before(json_array_get(behind(array), place));
}

struct span json_text(const struct json *text)
{
	return (struct span){json_string_value(behind(text)), json_string_length(behind(text))};
}

int64_t json_to_integer(const struct json *integer)
{
	return json_integer_value(behind(integer));
}

double json_to_real(const struct json *real)
{
	return json_real_value(behind(real));
}

bool json_flag(const struct json *flag)
{
	return json_typeof(behind(flag)) == JSON_TRUE;
}

const char *json_first_name(const struct json *object)
{
	json_t *self = (json_t *)(uintptr_t)object;

	return json_object_iter_key(json_object_iter(self));
}

const char *json_next_name(const struct json *object, const char *name)
{
	json_t *self = (json_t *)(uintptr_t)object;

	return json_object_iter_key(json_object_iter_next(self, json_object_key_to_iter(name)));
}

size_t json_count(const struct json *object)
{
	return json_object_size(behind(object));
}

void json_append(struct str *out, const struct json *json)
{
	int failure =
		json_dump_callback(behind(json), append_piece, out, JSON_COMPACT | JSON_ENCODE_ANY);

	/* What was parsed can be written: it is no cycle and all its text is UTF-8. */
	assert(failure == 0);
}

void json_append_text(struct str *out, struct span text)
{
	str_append_char(out, '"');
	while (text.length > 0) {
		size_t plain = plain_length(text);

		str_append(out, (struct span){text.bytes, plain});
		if (plain < text.length)
			append_escaped(out, (unsigned char)text.bytes[plain++]);
		text.bytes += plain;
		text.length -= plain;
	}
	str_append_char(out, '"');
}
