/* fuzz_query.c - escapes, base64 and integers: what comes out is text, and goes back in */
#include <assert.h>
#include <string.h>

#include "almanac/fields.h"

#define PAIRS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_query(struct arena *arena, struct span query)
{
	struct field_pair pairs[PAIRS_MAX];
	const char *complaint = NULL;
	size_t count = 0;

	if (!fields_split_query(arena, query, pairs, PAIRS_MAX, &count, &complaint)) {
		assert(complaint && complaint[0] != '\0');
		return;
	}
	assert(count <= PAIRS_MAX);
	for (size_t i = 0; i < count; i++) {
		assert(span_is_text(pairs[i].name) && span_is_text(pairs[i].value));
		assert(pairs[i].name.length + pairs[i].value.length <= query.length);
	}
}

/* What has no escape stands for itself; the two readings differ by the plus alone. */
static void check_segment(struct arena *arena, struct span text)
{
	const char *complaint = NULL;
	struct span decoded, spaced;
	bool is_good = fields_decode(arena, text, false, &decoded, &complaint);

	assert(is_good == fields_decode(arena, text, true, &spaced, &complaint));
	if (!is_good) {
		assert(complaint && complaint[0] != '\0');
		return;
	}
	assert(span_is_text(decoded) && decoded.length <= text.length);
	assert(decoded.length == spaced.length);
	if (text.length == 0 || !memchr(text.bytes, '%', text.length))
		assert(span_equals(decoded, text));
	for (size_t i = 0; i < decoded.length; i++)
		assert(decoded.bytes[i] == spaced.bytes[i] ||
		       (decoded.bytes[i] == '+' && spaced.bytes[i] == ' '));
}

/* Any text comes back when all of it is escaped. */
static void check_escaped(struct arena *arena, struct span text)
{
	const char *complaint = NULL;
	struct span decoded;
	struct str out;

	if (!span_is_text(text))
		return;
	str_init(&out, 16 * 1024 * 1024);
	for (size_t i = 0; i < text.length; i++) {
		str_append_char(&out, '%');
		str_append_hex(&out, text.bytes + i, 1);
	}
	assert(fields_decode(arena, str_span(&out), true, &decoded, &complaint));
	assert(span_equals(decoded, text));
	str_finish(&out);
}

/* An encoding: what is written is read again, and each value has one spelling only. */
struct encoding {
	void (*append)(struct str *out, struct span bytes);
	bool (*parse)(struct arena *arena, struct span text, struct span *bytes);
};

static const struct encoding encodings[] = {
	{base64url_append, base64url_parse},
	{base64_append, base64_parse},
};

static void check_encoding(const struct encoding *encoding, struct arena *arena, struct span bytes)
{
	struct span decoded;
	struct str out;

	str_init(&out, 16 * 1024 * 1024);
	encoding->append(&out, bytes);
	assert(encoding->parse(arena, str_span(&out), &decoded));
	assert(span_equals(decoded, bytes));
	if (encoding->parse(arena, bytes, &decoded)) {
		str_clear(&out);
		encoding->append(&out, decoded);
		assert(span_equals(str_span(&out), bytes));
	}
	str_finish(&out);
}

static void check_integer(struct span text)
{
	struct str out;
	int64_t number;
	int64_t again;

	if (!integer_parse(text, &number))
		return;
	str_init(&out, 64);
	str_append_number(&out, number);
	assert(integer_parse(str_span(&out), &again) && again == number);
	str_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct arena *arena = arena_create();

	check_query(arena, text);
	check_segment(arena, text);
	check_escaped(arena, text);
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		check_encoding(&encodings[i], arena, text);
	check_integer(text);
	arena_destroy(arena);
	return 0;
}
