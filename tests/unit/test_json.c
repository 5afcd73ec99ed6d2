/* test_json.c - JSON in and out */
#include <stdlib.h>
#include <string.h>

#include "almanac/json.h"
#include "story.h"

static const char *const refused[] = {
	"",
	" ",
	"{",
	"[1,]",
	"{\"a\":1,}",
	"{'a':1}",
	"{a:1}",
	"[1] x",
	"nul",
	"01",
	"+1",
	".5",
	"NaN",
	"\"\\ud800\"",
	"\"\\u0000\"",
	"\"\xff\"",
	"\"a\nb\"",
	"{\"a\":1,\"a\":2}",
	"1e999",
	"-1e999",
	"9223372036854775808",
	"-9223372036854775809",
	"\xef\xbb\xbf{}",
};

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

static const struct json *parse(void **state, const char *text)
{
	const char *complaint = NULL;

	return json_parse(*state, span_of(text), &complaint);
}

static void values_are_reached(void **state)
{
	const struct json *root = parse(state, "{\"a\":[1,-2.5,\"\\u00e9\",true,false,null,{}]}");
	const struct json *array;

	assert_non_null(root);
	assert_int_equal(json_kind(root), JSON_OBJECT);
	assert_null(json_member(root, "b"));
	array = json_member(root, "a");
	assert_int_equal(json_kind(array), JSON_ARRAY);
	assert_int_equal(json_length(array), 7);
	assert_int_equal(json_kind(json_item(array, 0)), JSON_INTEGER);
	assert_int_equal(json_integer(json_item(array, 0)), 1);
	assert_int_equal(json_kind(json_item(array, 1)), JSON_REAL);
	assert_true(json_real(json_item(array, 1)) == -2.5);
	assert_true(span_is(json_text(json_item(array, 2)), "\xc3\xa9"));
	assert_true(json_flag(json_item(array, 3)));
	assert_false(json_flag(json_item(array, 4)));
	assert_int_equal(json_kind(json_item(array, 4)), JSON_FLAG);
	assert_int_equal(json_kind(json_item(array, 5)), JSON_NULL);
	assert_int_equal(json_kind(json_item(array, 6)), JSON_OBJECT);
	assert_null(json_item(array, 7));
	assert_null(json_member(array, "a"));
	assert_int_equal(json_length(root), 0);
}

static void any_value_may_be_the_root(void **state)
{
	assert_int_equal(json_kind(parse(state, "null")), JSON_NULL);
	assert_int_equal(json_integer(parse(state, "9223372036854775807")), INT64_MAX);
	assert_int_equal(json_integer(parse(state, "-9223372036854775808")), INT64_MIN);
	assert_true(span_is(json_text(parse(state, "\"x\"")), "x"));
}

static void bad_text_is_refused_with_a_place(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *complaint = NULL;

		if (json_parse(*state, span_of(refused[i]), &complaint))
			fail_msg("taken: %s", refused[i]);
		assert_int_equal(strncmp(complaint, "line ", 5), 0);
	}
}

static void nesting_is_bounded(void **state)
{
	char *text = malloc(100001);

	assert_non_null(text);
	memset(text, '[', 100000);
	text[100000] = '\0';
	assert_null(parse(state, text));
	free(text);
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(json_kind_name(JSON_NULL), "null");
	assert_string_equal(json_kind_name(JSON_FLAG), "a boolean");
	assert_string_equal(json_kind_name(JSON_INTEGER), "a number");
	assert_string_equal(json_kind_name(JSON_TEXT), "a string");
	assert_string_equal(json_kind_name(JSON_OBJECT), "an object");
}

static void values_are_written_compactly(void **state)
{
	struct str out;

	str_init(&out, 1024);
	json_append(&out, parse(state, "{ \"b\" : [ 1 , \"\\u00e9\\n\" ] , \"a\" : null }"));
	assert_string_equal(str_text(&out), "{\"b\":[1,\"\xc3\xa9\\n\"],\"a\":null}");
	str_clear(&out);
	json_append(&out, parse(state, "true"));
	assert_string_equal(str_text(&out), "true");
	str_finish(&out);
}

static void text_is_escaped(void **state)
{
	static const struct {
		struct span text;
		const char *written;
	} cases[] = {
		{{NULL, 0}, "\"\""},
		{{"plain", 5}, "\"plain\""},
		{{"\"\\/", 3}, "\"\\\"\\\\/\""},
		{{"\b\f\n\r\t\x01\x1f\x7f", 8}, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
		{{"a\0b", 3}, "\"a\\u0000b\""},
		{{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
		 "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
		{{"\xff"
		  "a\xc3",
		  3},
		 "\"\xef\xbf\xbd"
		 "a\xef\xbf\xbd\""},
		{{"\xc0\x80", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};
	struct str out;

	(void)state;
	str_init(&out, 1024);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		str_clear(&out);
		json_append_text(&out, cases[i].text);
		assert_string_equal(str_text(&out), cases[i].written);
	}
	str_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_reached, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(any_value_may_be_the_root, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(bad_text_is_refused_with_a_place, open_arena,
						close_arena),
		cmocka_unit_test_setup_teardown(nesting_is_bounded, open_arena, close_arena),
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test_setup_teardown(values_are_written_compactly, open_arena,
						close_arena),
		cmocka_unit_test(text_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
