/* test_json_written.c - the texts of JSON values, as they were written */
#include <string.h>

#include "almanac/json.h"
#include "story.h"

static int open_arena(void **state)
{
	*state = arena_create();
	return 0;
}

static int close_arena(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void assert_member(const char *object, const char *name, const char *expected)
{
	struct span text = json_member_text(span_of(object), name);

	if (!span_is(text, expected))
		fail_msg("%s of %s: \"%.*s\"", name, object, (int)text.length, text.bytes);
}

static void members(void **state)
{
	(void)state;
	assert_member("{\"a\":0.1}", "a", "0.1");
	assert_member(" {\n\"b\" : [1, {\"a\":2}] , \"a\"\t:\r\n 1E2 } ", "a", "1E2");
	assert_member("{\"b\":[1, {\"a\":2}],\"a\":3}", "b", "[1, {\"a\":2}]");
	assert_member("{\"a\":\"x\\\"}{,\\\\\",\"b\":true}", "a", "\"x\\\"}{,\\\\\"");
	assert_member("{\"a\":\"x\\\"}{,\\\\\",\"b\":true}", "b", "true");
	assert_member("{\"a\":{\"]\":\"[\"},\"b\":null}", "b", "null");
	assert_member("{\"a\":\"\",\"b\":\"\"}", "b", "\"\"");
	assert_member("{\"ab\":1}", "a", "");
	assert_member("{\"a\":1}", "ab", "");
	assert_member("{\"\":1}", "", "1");
	assert_member("{}", "a", "");
	assert_member("{\"\\u0061\":1}", "a", "");
	assert_member("[\"a\",1]", "a", "");
	assert_member("", "a", "");
	assert_member("{\"a\"", "a", "");
	assert_member("{\"a\":", "a", "");
	assert_member("{\"a\":[", "a", "");
	assert_member("{\"a\":\"x", "a", "");
	assert_member("{\"a\":\"x\\", "a", "");
}

static void compact_copies(void **state)
{
	static const struct {
		const char *text, *compact;
	} texts[] = {
		{" { \"a b\" :\t[ 1 ,\r\n0.10 ] } ", "{\"a b\":[1,0.10]}"},
		{"\" \\\" x \"", "\" \\\" x \""},
		{"\"\\\\\" ", "\"\\\\\""},
		{"12345.0e-2", "12345.0e-2"},
		{"", ""},
		{"  ", ""},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct span copy = json_compact(*state, span_of(texts[i].text));

		assert_string_equal(copy.bytes, texts[i].compact);
		assert_int_equal(copy.length, strlen(texts[i].compact));
	}
}

/* The items, each behind a bar; "!" at the end of a broken array. */
static void assert_items(const char *array, const char *expected)
{
	struct json_items items = json_items(span_of(array));
	struct span item;
	struct str found;

	str_init(&found, 1000);
	while (json_next_item(&items, &item)) {
		str_append_char(&found, '|');
		str_append(&found, item);
	}
	str_append_text(&found, items.is_broken ? "!" : "");
	assert_string_equal(str_text(&found), expected);
	assert_false(json_next_item(&items, &item));
	str_finish(&found);
}

static void assert_pretty(const char *text, const char *expected)
{
	struct str out;

	str_init(&out, 4096);
	json_append_pretty(&out, span_of(text));
	assert_string_equal(str_text(&out), expected);
	str_finish(&out);
}

static void pretty_is_a_member_a_line(void **state)
{
	(void)state;
	assert_pretty("{\"a\":[1,{\"b\":null}],\"c\":\"x\"}\n", "{\n"
								"  \"a\": [\n"
								"    1,\n"
								"    {\n"
								"      \"b\": null\n"
								"    }\n"
								"  ],\n"
								"  \"c\": \"x\"\n"
								"}");
	assert_pretty(" [ 1 , 2 ] ", "[\n  1,\n  2\n]");
	assert_pretty("{ }", "{}");
	assert_pretty("[[],{}]", "[\n  [],\n  {}\n]");
	assert_pretty("null\n", "null");
	assert_pretty("\"{\\\"[,:\"", "\"{\\\"[,:\"");
	assert_pretty("-1.5e3", "-1.5e3");
	assert_pretty("", "");
}

/* What is no JSON is not judged, and nothing outside it is read. */
static void pretty_takes_anything(void **state)
{
	(void)state;
	assert_pretty("]", "\n]");
	assert_pretty("{", "{\n  ");
	assert_pretty("\"open", "\"open");
	assert_pretty("[\"a\\", "[\n  \"a\\");
}

static void pretty_stays_within_bounds(void **state)
{
	enum { DEPTH = 2000 };
	struct str text, out;

	(void)state;
	str_init(&text, 3 * DEPTH);
	str_init(&out, (size_t)1 << 20);
	for (int i = 0; i < DEPTH; i++)
		str_append_char(&text, '[');
	for (int i = 0; i < DEPTH; i++)
		str_append_char(&text, ']');
	json_append_pretty(&out, str_span(&text));
	assert_false(out.has_overflowed);
	assert_true(out.length < 2 * DEPTH * 66);
	str_finish(&out);
	str_init(&out, 100);
	json_append_pretty(&out, str_span(&text));
	assert_true(out.has_overflowed);
	str_finish(&out);
	str_finish(&text);
}

static void items_of_arrays(void **state)
{
	(void)state;
	assert_items("[]", "");
	assert_items(" [ ] ", "");
	assert_items("[1]", "|1");
	assert_items("[1,2.50 , \"a,]\"]", "|1|2.50|\"a,]\"");
	assert_items("[{\"a\":[1,2]},[3,[4]],{}]\n", "|{\"a\":[1,2]}|[3,[4]]|{}");
	assert_items("", "!");
	assert_items("{}", "!");
	assert_items("7", "!");
	assert_items("[", "!");
	assert_items("[1", "|1!");
	assert_items("[1,", "|1!");
	assert_items("[1,]", "|1!");
	assert_items("[,1]", "!");
	assert_items("[1 2]", "|1!");
	assert_items("[1]]", "|1!");
	assert_items("[1] 2", "|1!");
	assert_items("[1}", "|1!");
	assert_items("[\"a]", "!");
	assert_items("[{\"a\":1]", "|{\"a\":1]!");
	assert_items("[[1}]", "|[1}");
}

static void members_one_by_one(void **state)
{
	const char *complaint = NULL;
	const struct json *object =
		json_parse(*state, SPAN("{\"b\":1,\"a\":\"x\",\"\":2}"), &complaint);
	const char *name = json_first_name(object);

	assert_int_equal(json_count(object), 3);
	assert_string_equal(name, "b");
	name = json_next_name(object, name);
	assert_string_equal(name, "a");
	name = json_next_name(object, name);
	assert_string_equal(name, "");
	assert_null(json_next_name(object, name));
	object = json_parse(*state, SPAN("{}"), &complaint);
	assert_int_equal(json_count(object), 0);
	assert_null(json_first_name(object));
}

/* What is kept as it was written must be a text. */
static void nul_bytes_are_refused(void **state)
{
	const char *complaint = NULL;

	assert_null(json_parse(*state, SPAN("[0.1\0,null]"), &complaint));
	assert_string_equal(complaint, "a NUL byte is not allowed");
	assert_null(json_parse(*state, SPAN("[1\0]"), &complaint));
	assert_null(json_parse(*state, SPAN("[\"a\0\"]"), &complaint));
	assert_null(json_parse(*state, SPAN("[]\0"), &complaint));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test_setup_teardown(compact_copies, open_arena, close_arena),
		cmocka_unit_test(pretty_is_a_member_a_line),
		cmocka_unit_test(pretty_takes_anything),
		cmocka_unit_test(pretty_stays_within_bounds),
		cmocka_unit_test(items_of_arrays),
		cmocka_unit_test_setup_teardown(members_one_by_one, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(nul_bytes_are_refused, open_arena, close_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
