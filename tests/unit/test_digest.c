/* test_digest.c - SHA-256 against the vectors of NIST (FIPS 180-4 examples, SHAVS), HMAC against those
 * of RFC 4231, in any pieces */
#include <stdlib.h>
#include <string.h>

#include "almanac/digest.h"
#include "story.h"

static const struct {
	const char *text;
	const char *hex;
} vectors[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
	 "mnopqrsmnopqrstnopqrstu",
	 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static const char million_hex[] =
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void assert_hex(const uint8_t out[DIGEST_LENGTH], const char *hex)
{
	struct str text;

	str_init(&text, 2 * DIGEST_LENGTH);
	str_append_hex(&text, out, DIGEST_LENGTH);
	assert_string_equal(str_text(&text), hex);
	str_finish(&text);
}

static void known_texts_have_known_digests(void **state)
{
	uint8_t out[DIGEST_LENGTH];

	(void)state;
	for (size_t i = 0; i < LENGTH(vectors); i++) {
		digest_of(span_of(vectors[i].text), out);
		assert_hex(out, vectors[i].hex);
	}
	digest_of((struct span){NULL, 0}, out);
	assert_hex(out, vectors[0].hex);
}

/* One digest, used again and again, fed in pieces of every length. */
static void pieces_make_no_difference(void **state)
{
	struct digest *digest = digest_create();
	uint8_t out[DIGEST_LENGTH];

	(void)state;
	digest_take(digest, out);
	assert_hex(out, vectors[0].hex);
	for (size_t i = 0; i < LENGTH(vectors); i++) {
		size_t length = strlen(vectors[i].text);

		for (size_t piece = 1; piece <= length; piece++) {
			for (size_t at = 0; at < length; at += piece) {
				size_t rest = length - at;

				digest_feed(digest, (struct span){vectors[i].text + at,
								  rest < piece ? rest : piece});
				digest_feed(digest, (struct span){NULL, 0});
			}
			digest_take(digest, out);
			assert_hex(out, vectors[i].hex);
		}
	}
	digest_destroy(digest);
	digest_destroy(NULL);
}

static void a_million_bytes_are_digested(void **state)
{
	struct digest *digest = digest_create();
	uint8_t out[DIGEST_LENGTH];
	static char letters[1000];

	(void)state;
	memset(letters, 'a', sizeof(letters));
	for (int i = 0; i < 1000; i++)
		digest_feed(digest, (struct span){letters, sizeof(letters)});
	digest_take(digest, out);
	assert_hex(out, million_hex);
	digest_destroy(digest);
}

/* RFC 4231, cases 1, 6 and 7; 2 is below. */
static const struct {
	char key; /* repeated */
	size_t key_length;
	const char *text;
	const char *hex;
} keyed[] = {
	{'\x0b', 20, "Hi There",
	 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{'\xaa', 131, "Test Using Larger Than Block-Size Key - Hash Key First",
	 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	{'\xaa', 131,
	 "This is a test using a larger than block-size key and a larger than block-size data. "
	 "The key needs to be hashed before being used by the HMAC algorithm.",
	 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void known_keys_have_known_codes(void **state)
{
	uint8_t out[DIGEST_LENGTH];
	char key[131];

	(void)state;
	for (size_t i = 0; i < LENGTH(keyed); i++) {
		struct hmac *hmac;

		memset(key, keyed[i].key, sizeof(key));
		hmac = hmac_create((struct span){key, keyed[i].key_length});
		hmac_feed(hmac, span_of(keyed[i].text));
		hmac_take(hmac, out);
		assert_hex(out, keyed[i].hex);
		hmac_destroy(hmac);
	}
	hmac_destroy(NULL);
}

/* "Jefe", "what do ya want for nothing?": again and again, cut everywhere. */
static void a_key_serves_many_times(void **state)
{
	static const char text[] = "what do ya want for nothing?";
	struct hmac *hmac = hmac_create(SPAN("Jefe"));
	uint8_t out[DIGEST_LENGTH];

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		hmac_feed(hmac, (struct span){text, cut});
		hmac_feed(hmac, (struct span){NULL, 0});
		hmac_feed(hmac, (struct span){text + cut, sizeof(text) - 1 - cut});
		hmac_take(hmac, out);
		assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	}
	hmac_take(hmac, out);
	assert_hex(out, "923598ca6d64af2a5dba79dcd021a8a0fe5c5f557519adaaf0ad532d4506dd30");
	hmac_destroy(hmac);
}

/* Not a test of randomness: only that all bytes are written, and never twice the same. */
static void random_bytes_fill_all(void **state)
{
	unsigned char before[64] = {0}, out[66], ever[64] = {0};

	(void)state;
	for (int i = 0; i < 200; i++) {
		memset(out, 0, sizeof(out));
		random_bytes(out + 1, 64);
		assert_true(out[0] == 0 && out[65] == 0);
		assert_memory_not_equal(out + 1, before, 64);
		memcpy(before, out + 1, 64);
		for (size_t k = 0; k < 64; k++)
			ever[k] |= out[k + 1];
	}
	for (size_t k = 0; k < 64; k++)
		assert_int_equal(ever[k], 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_have_known_digests),
		cmocka_unit_test(pieces_make_no_difference),
		cmocka_unit_test(a_million_bytes_are_digested),
		cmocka_unit_test(known_keys_have_known_codes),
		cmocka_unit_test(a_key_serves_many_times),
		cmocka_unit_test(random_bytes_fill_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
