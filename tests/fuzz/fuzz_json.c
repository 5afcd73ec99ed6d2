/* fuzz_json.c - parse, write, parse, write gives the same text; any text can be quoted */
#include <assert.h>
#include <string.h>

#include "almanac/json.h"

#define OUT_MAX (64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every value that can be reached by the members "a". */
static void walk(const struct json *json)
{
	enum json_kind kind = json_kind(json);

	assert(json_kind_name(kind)[0] != '\0');
	if (kind == JSON_TEXT)
		assert(span_is_text(json_text(json)));
	if (kind == JSON_OBJECT && json_member(json, "a"))
		walk(json_member(json, "a"));
	if (kind != JSON_ARRAY)
		return;
	for (size_t i = 0; i < json_length(json); i++)
		walk(json_item(json, i));
	assert(!json_item(json, json_length(json)));
}

static void check_document(struct arena *arena, struct span text)
{
	const char *complaint = NULL;
	const struct json *json = json_parse(arena, text, &complaint);
	struct str first;
	struct str second;

	if (!json) {
		assert(complaint && complaint[0] != '\0');
		return;
	}
	walk(json);
	str_init(&first, OUT_MAX);
	str_init(&second, OUT_MAX);
	json_append(&first, json);
	json = json_parse(arena, str_span(&first), &complaint);
	assert(json);
	json_append(&second, json);
	assert(span_equals(str_span(&first), str_span(&second)));
	str_finish(&first);
	str_finish(&second);
}

static void check_quoted(struct arena *arena, struct span text)
{
	const char *complaint = NULL;
	const struct json *json;
	struct str quoted;

	str_init(&quoted, OUT_MAX);
	json_append_text(&quoted, text);
	assert(span_is_text(str_span(&quoted)));
	json = json_parse(arena, str_span(&quoted), &complaint);
	/* jansson does not take the escape of NUL back. */
	if (text.length == 0 || !memchr(text.bytes, '\0', text.length))
		assert(json && json_kind(json) == JSON_TEXT);
	if (span_is_text(text))
		assert(span_equals(json_text(json), text));
	str_finish(&quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct arena *arena = arena_create();

	check_document(arena, text);
	check_quoted(arena, text);
	arena_destroy(arena);
	return 0;
}
