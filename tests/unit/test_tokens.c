/* test_tokens.c - lists of bearer tokens, who is found in them, and what Authorization headers hold. */
#include <stdio.h>
#include <string.h>

#include "almanac/tokens.h"
#include "story.h"

/* SHA-256 of "one" and of "two". */
#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
#define TWO "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"

static struct tokens *make(const char *text)
{
	struct str complaint;
	struct tokens *tokens;

	str_init(&complaint, 1000);
	tokens = tokens_create(text, &complaint);
	if (!tokens)
		fail_msg("%s: %s", text, str_text(&complaint));
	assert_string_equal(str_text(&complaint), "");
	str_finish(&complaint);
	return tokens;
}

static const struct token *find(const struct tokens *tokens, const char *text)
{
	struct digest *digest = digest_create();
	const struct token *found = tokens_find(tokens, digest, span_of(text));

	digest_destroy(digest);
	return found;
}

static void test_an_empty_list_knows_nobody(void **state)
{
	struct tokens *tokens = make("");

	(void)state;
	assert_int_equal(tokens_count(tokens), 0);
	assert_null(find(tokens, ""));
	assert_null(find(tokens, "one"));
	tokens_destroy(tokens);
	tokens_destroy(NULL);
}

static void test_everybody_is_found_by_the_token(void **state)
{
	struct tokens *tokens = make("a:read:" ONE " , B.2_-:admin:" TWO);

	(void)state;
	assert_int_equal(tokens_count(tokens), 2);
	assert_string_equal(find(tokens, "one")->name, "a");
	assert_int_equal(find(tokens, "one")->scope, SCOPE_READ);
	assert_string_equal(find(tokens, "two")->name, "B.2_-");
	assert_int_equal(find(tokens, "two")->scope, SCOPE_ADMIN);
	assert_null(find(tokens, "three"));
	assert_null(find(tokens, ONE));
	assert_null(find(tokens, ""));
	tokens_destroy(tokens);
}

static void test_a_name_may_have_several(void **state)
{
	struct tokens *tokens = make("a:read:" ONE ",a:write:" TWO);

	(void)state;
	assert_string_equal(find(tokens, "one")->name, "a");
	assert_int_equal(find(tokens, "two")->scope, SCOPE_WRITE);
	tokens_destroy(tokens);
}

static void test_hashes_may_be_in_capitals(void **state)
{
	struct tokens *tokens =
		make("a:read:7692C3AD3540BB803C020B3AEE66CD8887123234EA0C6E7143C0ADD73FF"
		     "431ED");

	(void)state;
	assert_non_null(find(tokens, "one"));
	tokens_destroy(tokens);
}

static void test_wrong_lists_are_refused_without_a_hash(void **state)
{
	static const char *const lists[] = {
		",",
		"a",
		"a:read",
		"a:read:",
		":read:" ONE,
		"a::" ONE,
		"a:all:" ONE,
		"a b:read:" ONE,
		"a:read:" ONE "0",
		"a:read:" ONE ":",
		"a:read:x" ONE,
		"a:read:" ONE ",",
		"a:open:" ONE,
		"\xc3\xa9:read:" ONE,
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:read:" ONE,
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(lists); i++) {
		struct str complaint;

		str_init(&complaint, 1000);
		if (tokens_create(lists[i], &complaint))
			fail_msg("\"%s\" is taken", lists[i]);
		assert_true(complaint.length > 0);
		assert_null(strstr(str_text(&complaint), "7692c3"));
		str_finish(&complaint);
	}
}

static void test_new_ones_are_taken_and_differ(void **state)
{
	struct str one, two;

	(void)state;
	str_init(&one, 1000);
	str_init(&two, 1000);
	assert_true(tokens_make("ci", "write", &one));
	assert_true(tokens_make("ci", "write", &two));
	assert_string_not_equal(str_text(&one), str_text(&two));

	char token[100], entry[200];
	struct tokens *tokens;

	assert_int_equal(sscanf(str_text(&one), "token=%99s\nentry=%199s", token, entry), 2);
	tokens = make(entry);
	assert_string_equal(find(tokens, token)->name, "ci");
	tokens_destroy(tokens);
	str_finish(&one);
	str_finish(&two);
}

static void test_headers_are_read(void **state)
{
	static const struct {
		const char *header;
		enum credentials credentials;
		const char *token;
	} cases[] = {
		{"Bearer abc", CREDENTIALS_BEARER, "abc"},
		{"  bEARER   a-._~+/9==  ", CREDENTIALS_BEARER, "a-._~+/9=="},
		{"", CREDENTIALS_OTHER, NULL},
		{"abc", CREDENTIALS_OTHER, NULL},
		{"Basic abc", CREDENTIALS_OTHER, NULL},
		{"Bearerabc", CREDENTIALS_OTHER, NULL},
		{"Bearer", CREDENTIALS_MALFORMED, NULL},
		{"Bearer ", CREDENTIALS_MALFORMED, NULL},
		{"Bearer a b", CREDENTIALS_MALFORMED, NULL},
		{"Bearer a=b", CREDENTIALS_MALFORMED, NULL},
		{"Bearer ==", CREDENTIALS_MALFORMED, NULL},
		{"Bearer a,Bearer b", CREDENTIALS_MALFORMED, NULL},
		{"Bearer \xc3\xa9", CREDENTIALS_MALFORMED, NULL},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct span token;

		if (credentials_read(span_of(cases[i].header), &token) != cases[i].credentials)
			fail_msg("\"%s\"", cases[i].header);
		if (cases[i].token)
			assert_true(span_is(token, cases[i].token));
	}
}

static void test_digests_are_compared_whole(void **state)
{
	uint8_t one[DIGEST_LENGTH] = {1}, other[DIGEST_LENGTH] = {1};

	(void)state;
	assert_true(digest_equals(one, other));
	other[DIGEST_LENGTH - 1] = 1;
	assert_false(digest_equals(one, other));
	other[DIGEST_LENGTH - 1] = 0;
	other[0] = 0;
	assert_false(digest_equals(one, other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_list_knows_nobody),
		cmocka_unit_test(test_everybody_is_found_by_the_token),
		cmocka_unit_test(test_a_name_may_have_several),
		cmocka_unit_test(test_hashes_may_be_in_capitals),
		cmocka_unit_test(test_wrong_lists_are_refused_without_a_hash),
		cmocka_unit_test(test_new_ones_are_taken_and_differ),
		cmocka_unit_test(test_headers_are_read),
		cmocka_unit_test(test_digests_are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
