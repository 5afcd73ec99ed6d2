/* fuzz_json_written.c - the texts of a document's parts are read as the same values as the parts */
#include <assert.h>
#include <string.h>

#include "almanac/json.h"

#define TEXT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct json *json, struct arena *arena, struct span text)
{
	const char *complaint = NULL;
	const struct json *again = json_parse(arena, text, &complaint);
	struct str one, other;

	assert(again);
	str_init(&one, TEXT_MAX);
	str_init(&other, TEXT_MAX);
	json_append(&one, json);
	json_append(&other, again);
	assert(span_equals(str_span(&one), str_span(&other)));
	str_finish(&one);
	str_finish(&other);
}

static void check_object(struct arena *arena, const struct json *object, struct span text)
{
	for (const char *name = json_first_name(object); name;
	     name = json_next_name(object, name)) {
		struct span member = json_member_text(text, name);

		if (member.length > 0)
			check_same(json_member(object, name), arena, member);
		else
			assert(memchr(text.bytes, '\\', text.length));
	}
}

static void check_array(struct arena *arena, const struct json *array, struct span text)
{
	struct json_items items = json_items(text);
	struct span item;

	while (json_next_item(&items, &item))
		check_same(json_item(array, items.count - 1), arena, item);
	assert(!items.is_broken && items.count == json_length(array));
}

/* Laid out it is the same value, and every character but white space is where it was. */
static void check_pretty(struct arena *arena, const struct json *json, struct span text)
{
	struct str pretty;

	str_init(&pretty, TEXT_MAX);
	json_append_pretty(&pretty, text);
	if (json && !pretty.has_overflowed)
		check_same(json, arena, str_span(&pretty));
	if (json && !pretty.has_overflowed)
		assert(span_equals(json_compact(arena, str_span(&pretty)),
				   json_compact(arena, text)));
	str_finish(&pretty);
}

/* Of what is no JSON at all, nothing outside may be read. */
static void check_any(struct arena *arena, struct span text)
{
	struct json_items items = json_items(text);
	struct span item;

	while (json_next_item(&items, &item))
		assert(item.length > 0 && item.bytes >= text.bytes &&
		       item.bytes + item.length <= text.bytes + text.length);
	json_member_text(text, "a");
	assert(json_compact(arena, text).length <= text.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	struct span text = {(const char *)data, size};
	const char *complaint = NULL;
	const struct json *json = json_parse(arena, text, &complaint);

	check_any(arena, text);
	check_pretty(arena, json, text);
	if (json)
		check_same(json, arena, json_compact(arena, text));
	if (json && json_kind(json) == JSON_OBJECT)
		check_object(arena, json, text);
	if (json && json_kind(json) == JSON_ARRAY)
		check_array(arena, json, text);
	arena_destroy(arena);
	return 0;
}
