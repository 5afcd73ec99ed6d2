/* test_str.c - borrowed spans and owned text: cutting, comparing, UTF-8, growing and the maximum */
#include <stdlib.h>
#include <string.h>

#include "almanac/str.h"
#include "story.h"

static const struct span nothing = {NULL, 0};

/* --- spans ------------------------------------------------------------------------------------ */

static void spans_are_compared(void **state)
{
	(void)state;
	assert_true(span_is(SPAN("abc"), "abc") && !span_is(SPAN("abc"), "abd"));
	assert_true(!span_is(SPAN("abc"), "ab") && !span_is(SPAN("ab"), "abc"));
	assert_true(span_is(nothing, "") && span_is(SPAN(""), "") && !span_is(nothing, "a"));
	assert_false(span_is((struct span){"ab\0", 3}, "ab"));
	assert_true(span_equals(nothing, SPAN("")) && span_equals(SPAN("ab"), SPAN("ab")));
	assert_false(span_equals(SPAN("ab"), SPAN("Ab")));
	assert_true(span_equals_nocase(SPAN("Content-LENGTH"), SPAN("content-length")));
	assert_false(span_equals_nocase(SPAN("a"), SPAN("ab")));
	/* '@' and '`', '[' and '{' differ by the same bit as letters do. */
	assert_false(span_equals_nocase(SPAN("@["), SPAN("`{")));
	assert_false(span_equals_nocase(SPAN("\xc3\x89"), SPAN("\xc3\xa9")));
	assert_true(span_starts_with(SPAN("abc"), SPAN("ab")) &&
		    span_starts_with(SPAN("abc"), nothing) && span_starts_with(nothing, nothing));
	assert_false(span_starts_with(SPAN("ab"), SPAN("abc")));
	assert_true(span_of(NULL).length == 0 && span_is(span_of("xy"), "xy"));
}

static void white_space_is_trimmed(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},
		{" ", ""},
		{" \t\r\n\v\f", ""},
		{"a", "a"},
		{" a", "a"},
		{"a ", "a"},
		{"\r\n a b \t", "a b"},
		{"\x1f a", "\x1f a"},
		{"\xc2\xa0", "\xc2\xa0"},
		{"a\x7f", "a\x7f"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(pairs); i++)
		if (!span_is(span_trim(span_of(pairs[i][0])), pairs[i][1]))
			fail_msg("wrongly trimmed: \"%s\"", pairs[i][0]);
	assert_int_equal(span_trim(nothing).length, 0);
	assert_int_equal(span_trim((struct span){" \0 ", 3}).length, 1);
}

/* "a|b" for the parts of "a,b". */
static void assert_parts(struct span rest, const char *parts)
{
	struct str told;
	struct span part;

	str_init(&told, 100);
	while (span_split(&rest, ',', &part)) {
		str_append(&told, part);
		str_append_char(&told, '|');
	}
	assert_false(span_split(&rest, ',', &part));
	assert_string_equal(str_text(&told), parts);
	str_finish(&told);
}

static void spans_are_split(void **state)
{
	(void)state;
	assert_parts(SPAN("a,b,c"), "a|b|c|");
	assert_parts(SPAN("a"), "a|");
	assert_parts(SPAN("a,"), "a||");
	assert_parts(SPAN(",a"), "|a|");
	assert_parts(SPAN(",,"), "|||");
	assert_parts(SPAN(""), "|");
	assert_parts(nothing, "");
}

static void text_is_valid_utf8_without_nul(void **state)
{
	static const char *const good[] = {
		"",
		"abc",
		"\x01\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2z",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xe2\x82z",
		"\xe2z\x82",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98",
		"\xf0\x9f\x98z",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
		"abc\xc3",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++)
		if (!span_is_text(span_of(good[i])))
			fail_msg("refused: good %zu", i);
	for (size_t i = 0; i < LENGTH(bad); i++)
		if (span_is_text(span_of(bad[i])))
			fail_msg("taken: bad %zu", i);
	assert_false(span_is_text((struct span){"a\0b", 3}));
	assert_true(span_is_text(nothing));
}

/* All sequences of up to two bytes, and every scalar value, against the definition. */
static void every_character_is_judged(void **state)
{
	(void)state;
	for (unsigned pair = 0; pair < 0x10000; pair++) {
		char bytes[2] = {(char)(pair >> 8), (char)(pair & 0xff)};
		unsigned char first = (unsigned char)bytes[0], second = (unsigned char)bytes[1];
		bool is_ascii = first > 0 && first < 0x80 && second > 0 && second < 0x80;
		bool is_two = first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf;

		assert_int_equal(span_is_text((struct span){bytes, 2}), is_ascii || is_two);
	}
	for (unsigned value = 0x800; value <= 0x10ffff; value++) {
		bool is_long = value >= 0x10000;
		char bytes[4] = {(char)(0xf0 | value >> 18), (char)(0x80 | (value >> 12 & 0x3f)),
				 (char)(0x80 | (value >> 6 & 0x3f)), (char)(0x80 | (value & 0x3f))};
		struct span text = {is_long ? bytes : bytes + 1, is_long ? 4 : 3};

		if (!is_long)
			bytes[1] = (char)(0xe0 | value >> 12);
		assert_int_equal(span_is_text(text), value < 0xd800 || value > 0xdfff);
	}
}

/* --- owned text -------------------------------------------------------------------------------- */

static void text_is_appended(void **state)
{
	struct str str;

	(void)state;
	str_init(&str, 1000);
	assert_string_equal(str_text(&str), "");
	assert_int_equal(str_span(&str).length, 0);
	str_append(&str, SPAN("one "));
	str_append(&str, nothing);
	str_append_text(&str, "two ");
	str_append_text(&str, NULL);
	str_append_char(&str, '3');
	str_append_hex(&str, "\x00\xab\xff", 3);
	str_format(&str, " %s-%d", "four", 5);
	assert_string_equal(str_text(&str), "one two 300abff four-5");
	assert_int_equal(str_span(&str).length, strlen(str_text(&str)));
	str_clear(&str);
	assert_string_equal(str_text(&str), "");
	str_append_text(&str, "again");
	assert_string_equal(str_text(&str), "again");
	str_finish(&str);
	str_finish(&str);
	str_finish(NULL);
}

static void numbers_are_appended(void **state)
{
	static const struct {
		int64_t number;
		const char *text;
	} numbers[] = {
		{0, "0"},
		{7, "7"},
		{-7, "-7"},
		{10, "10"},
		{-1000, "-1000"},
		{INT64_MAX, "9223372036854775807"},
		{INT64_MIN, "-9223372036854775808"},
	};
	struct str str;

	(void)state;
	str_init(&str, 100);
	for (size_t i = 0; i < LENGTH(numbers); i++) {
		str_clear(&str);
		str_append_number(&str, numbers[i].number);
		assert_string_equal(str_text(&str), numbers[i].text);
	}
	str_finish(&str);
}

static void nothing_is_appended_past_the_maximum(void **state)
{
	struct str str;

	(void)state;
	str_init(&str, 5);
	str_append_text(&str, "abc");
	str_append_text(&str, "def");
	assert_true(str.has_overflowed);
	assert_string_equal(str_text(&str), "abc");
	str_append_text(&str, "de");
	assert_string_equal(str_text(&str), "abcde");
	str_append_char(&str, 'f');
	str_append_hex(&str, "x", 1);
	str_append_number(&str, 1);
	str_format(&str, "%d", 1);
	str_append(&str, nothing);
	assert_string_equal(str_text(&str), "abcde");
	assert_true(str.size <= 6);
	str_clear(&str);
	assert_true(str.has_overflowed); /* for good */
	str_finish(&str);
	str_init(&str, 0);
	str_append(&str, nothing);
	assert_false(str.has_overflowed);
	str_append_char(&str, 'a');
	assert_true(str.has_overflowed);
	str_finish(&str);
}

static void text_grows_by_every_length(void **state)
{
	enum { MOST = 3000 };
	static char letters[MOST];

	(void)state;
	memset(letters, 'x', sizeof(letters));
	for (size_t length = 0; length <= MOST; length += 7) {
		struct str str;

		str_init(&str, MOST);
		for (size_t done = 0; done < length; done += done + 1 < length ? 2 : 1)
			str_append(&str, (struct span){letters, done + 1 < length ? 2 : 1});
		assert_int_equal(strlen(str_text(&str)), length);
		assert_false(str.has_overflowed);
		str_finish(&str);
	}
}

static void room_is_reserved(void **state)
{
	struct str str;
	const char *before;

	(void)state;
	str_init(&str, 2000);
	str_reserve(&str, 1500);
	before = str.bytes;
	for (int i = 0; i < 1500; i++)
		str_append_char(&str, 'x');
	assert_ptr_equal(str.bytes, before);
	str_reserve(&str, SIZE_MAX);
	assert_true(!str.has_overflowed && str.size == 2001);
	str_finish(&str);
}

static void bytes_are_given_away(void **state)
{
	struct str str;
	char *bytes;

	(void)state;
	str_init(&str, 100);
	assert_null(str_release(&str));
	str_append_text(&str, "mine");
	bytes = str_release(&str);
	assert_string_equal(bytes, "mine");
	assert_string_equal(str_text(&str), "");
	str_append_text(&str, "new");
	assert_string_equal(str_text(&str), "new");
	assert_string_equal(bytes, "mine");
	free(bytes);
	str_finish(&str);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_compared),
		cmocka_unit_test(white_space_is_trimmed),
		cmocka_unit_test(spans_are_split),
		cmocka_unit_test(text_is_valid_utf8_without_nul),
		cmocka_unit_test(every_character_is_judged),
		cmocka_unit_test(text_is_appended),
		cmocka_unit_test(numbers_are_appended),
		cmocka_unit_test(nothing_is_appended_past_the_maximum),
		cmocka_unit_test(text_grows_by_every_length),
		cmocka_unit_test(room_is_reserved),
		cmocka_unit_test(bytes_are_given_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
