/* test_query.c - percent escapes, base64url and integers */
#include "almanac/fields.h"
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

static void a_query_is_split(void **state)
{
	struct field_pair pairs[8];
	const char *complaint = NULL;
	size_t count;

	assert_true(fields_split_query(*state, SPAN("a=1&&b=x+y%2Bz&c&d=&=e&a=%C3%A9=%26&"), pairs,
				       8, &count, &complaint));
	assert_int_equal(count, 6);
	assert_true(span_is(pairs[0].name, "a") && span_is(pairs[0].value, "1"));
	assert_true(span_is(pairs[1].name, "b") && span_is(pairs[1].value, "x y+z"));
	assert_true(span_is(pairs[2].name, "c") && pairs[2].value.length == 0);
	assert_true(span_is(pairs[3].name, "d") && pairs[3].value.length == 0);
	assert_true(pairs[4].name.length == 0 && span_is(pairs[4].value, "e"));
	assert_true(span_is(pairs[5].name, "a") && span_is(pairs[5].value, "\xc3\xa9=&"));
	assert_true(fields_split_query(*state, SPAN(""), pairs, 8, &count, &complaint));
	assert_int_equal(count, 0);
	assert_true(
		fields_split_query(*state, (struct span){NULL, 0}, pairs, 8, &count, &complaint));
	assert_int_equal(count, 0);
}

static void a_bad_query_is_refused(void **state)
{
	static const char *const bad[] = {"a=%",   "a=%4",  "a=%zz",       "%=1",      "a=%00",
					  "a=%ff", "a=%c3", "a=%ed%a0%80", "%C0%80=1", "a=\xff"};
	struct field_pair pairs[2];
	size_t count;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *complaint = NULL;

		if (fields_split_query(*state, span_of(bad[i]), pairs, 2, &count, &complaint))
			fail_msg("taken: %s", bad[i]);
		assert_non_null(complaint);
	}
}

static void too_many_pairs_are_refused(void **state)
{
	struct field_pair pairs[2];
	const char *complaint = NULL;
	size_t count;

	assert_true(fields_split_query(*state, SPAN("a=1&b=2&"), pairs, 2, &count, &complaint));
	assert_false(fields_split_query(*state, SPAN("a=1&b=2&c=3"), pairs, 2, &count, &complaint));
	assert_string_equal(complaint, "more than 2 query parameters");
}

static void a_path_keeps_its_plus(void **state)
{
	const char *complaint = NULL;
	struct span decoded;

	assert_true(fields_decode(*state, SPAN("a+b%20%2f"), false, &decoded, &complaint));
	assert_true(span_is(decoded, "a+b /"));
	assert_false(fields_decode(*state, (struct span){"a\0b", 3}, false, &decoded, &complaint));
	assert_string_equal(complaint, "a NUL byte is not allowed");
}

static void base64url_goes_both_ways(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg"},
		{"fo", "Zm8"},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg"},
		{"fooba", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "-_-_"},
	};
	struct span bytes;
	struct str out;

	str_init(&out, 64);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		str_clear(&out);
		base64url_append(&out, span_of(pairs[i][0]));
		assert_string_equal(str_text(&out), pairs[i][1]);
		assert_true(base64url_parse(*state, span_of(pairs[i][1]), &bytes));
		assert_true(span_is(bytes, pairs[i][0]));
	}
	str_finish(&out);
}

static void bad_base64url_is_refused(void **state)
{
	static const char *const bad[] = {"Z",    "Zg==", "Zh",    "Zm9",   "Zm9v\n",
					  "Zm+v", "Zm/v", " Zm9v", "Zm9vY", "Zm9v."};
	struct span bytes;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64url_parse(*state, span_of(bad[i]), &bytes))
			fail_msg("taken: %s", bad[i]);
	}
}

static void base64_goes_both_ways(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "+/+/"},
		{"\xff\xff\xff\xff", "/////w=="},
	};
	struct span bytes;
	struct str out;

	str_init(&out, 64);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		str_clear(&out);
		base64_append(&out, span_of(pairs[i][0]));
		assert_string_equal(str_text(&out), pairs[i][1]);
		assert_true(base64_parse(*state, span_of(pairs[i][1]), &bytes));
		assert_true(span_is(bytes, pairs[i][0]));
	}
	str_finish(&out);
}

static void long_base64_goes_both_ways(void **state)
{
	char bytes[1000];
	struct span decoded;
	struct str out;

	str_init(&out, 2000);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(unsigned char)(i * 37 & 255);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct span whole = {bytes, length};

		str_clear(&out);
		base64_append(&out, whole);
		assert_int_equal(out.length, (length + 2) / 3 * 4);
		assert_true(base64_parse(*state, str_span(&out), &decoded));
		assert_true(span_equals(decoded, whole));
		str_clear(&out);
		base64url_append(&out, whole);
		assert_int_equal(out.length, (length * 4 + 2) / 3);
		assert_true(base64url_parse(*state, str_span(&out), &decoded));
		assert_true(span_equals(decoded, whole));
	}
	str_finish(&out);
}

static void bad_base64_is_refused(void **state)
{
	static const char *const bad[] = {
		"Z",        "Zg",       "Zg=",    "Zh==",     "Zm9=", "====",
		"=",        "Z===",     "Zg==\n", "Zm-v",     "Zm_v", " Zm9v",
		"Zg==Zg==", "Zm9v====", "Zm9v=",  "Zm9v.AAA", "Z=g=", "Zm8=Zm8="};
	struct span bytes;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64_parse(*state, span_of(bad[i]), &bytes))
			fail_msg("taken: %s", bad[i]);
	}
}

static void integers_are_read(void **state)
{
	static const char *const bad[] = {"",
					  "-",
					  "+1",
					  " 1",
					  "1 ",
					  "1.0",
					  "1e3",
					  "0x1",
					  "--1",
					  "1-",
					  "9223372036854775808",
					  "-9223372036854775809",
					  "99999999999999999999999"};
	int64_t number;

	(void)state;
	assert_true(integer_parse(SPAN("-0"), &number) && number == 0);
	assert_true(integer_parse(SPAN("00042"), &number) && number == 42);
	assert_true(integer_parse(SPAN("9223372036854775807"), &number) && number == INT64_MAX);
	assert_true(integer_parse(SPAN("-9223372036854775808"), &number) && number == INT64_MIN);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (integer_parse(span_of(bad[i]), &number))
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_query_is_split, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(a_bad_query_is_refused, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(too_many_pairs_are_refused, open_arena,
						close_arena),
		cmocka_unit_test_setup_teardown(a_path_keeps_its_plus, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(base64url_goes_both_ways, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(bad_base64url_is_refused, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(base64_goes_both_ways, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(long_base64_goes_both_ways, open_arena,
						close_arena),
		cmocka_unit_test_setup_teardown(bad_base64_is_refused, open_arena, close_arena),
		cmocka_unit_test(integers_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
