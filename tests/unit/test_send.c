/* test_send.c - what If-None-Match and Accept-Encoding say, and the hash that tells answers apart */
#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "story.h"

static const struct span absent = {NULL, 0};

/* RFC 9110 section 12.5.3 */
static const struct {
	const char *header;
	bool is_accepted;
} encodings[] = {
	{"gzip", true},
	{"GZip", true},
	{"gzip, deflate, br", true},
	{"deflate,gzip", true},
	{"br , gzip", true},
	{" gzip ", true},
	{"\tgzip\t;\tq=1", true},
	{"gzip;q=0.5", true},
	{"gzip;q=0.001", true},
	{"gzip;q=1.000", true},
	{"gzip;q=", true},
	{"gzip;x=0", true},
	{"*", true},
	{"*;q=0.1", true},
	{"identity;q=0, *", true},
	{"*;q=0, gzip", true},
	{"gzip, *;q=0", true},
	{",,gzip,,", true},
	{"", false},
	{" ", false},
	{",", false},
	{";q=1", false},
	{"identity", false},
	{"deflate, br", false},
	{"gzipped", false},
	{"gzi", false},
	{"gzip2;q=1", false},
	{"gzip;q=0", false},
	{"gzip; q=0", false},
	{"gzip ;q=0 ", false},
	{"gzip;q=0.", false},
	{"gzip;q=0.000", false},
	{"gzip;Q=0", false},
	{"gzip;x=1;q=0", false},
	{"*;q=0", false},
	{"gzip;q=0, *", false},
	{"*, gzip;q=0", false},
	{"gzip;q=0, *;q=1, deflate", false},
};

static void gzip_is_sent_to_those_who_accept_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(encodings); i++)
		if (send_accepts_gzip(span_of(encodings[i].header)) != encodings[i].is_accepted)
			fail_msg("misjudged: \"%s\"", encodings[i].header);
	assert_false(send_accepts_gzip(absent));
}

/* RFC 9110 section 13.1.2 */
static const struct {
	const char *header;
	bool is_there;
} tags[] = {
	{"\"abc\"", true},
	{"W/\"abc\"", true},
	{"\"x\", \"abc\"", true},
	{"\"abc\",\"x\"", true},
	{"\"x\",W/\"abc\" ,\"y\"", true},
	{"  \"abc\"  ", true},
	{"*", true},
	{" * ", true},
	{"", false},
	{"abc", false},
	{"\"ABC\"", false},
	{"\"abc", false},
	{"\"abcd\"", false},
	{"\"ab\"", false},
	{"w/\"abc\"", false},
	{"W/ \"abc\"", false},
	{"\"*\"", false},
	{"\"abc\"-gz", false},
	{"\"abc-gz\"", false},
	{",,", false},
};

static void known_tags_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(tags); i++)
		if (send_has_etag(span_of(tags[i].header), SPAN("\"abc\"")) != tags[i].is_there)
			fail_msg("misjudged: %s", tags[i].header);
	assert_false(send_has_etag(absent, SPAN("\"abc\"")));
}

/* A header of nothing but separators, as long as libmicrohttpd takes it, is judged in linear time. */
static void long_headers_are_judged(void **state)
{
	static char header[32768];

	(void)state;
	memset(header, ',', sizeof(header));
	assert_false(send_accepts_gzip((struct span){header, sizeof(header)}));
	assert_false(send_has_etag((struct span){header, sizeof(header)}, SPAN("\"abc\"")));
	memset(header, ';', sizeof(header));
	assert_false(send_accepts_gzip((struct span){header, sizeof(header)}));
}

/* Every single bit of every byte counts, and so does the length. */
static void the_hash_sees_every_bit(void **state)
{
	enum { MOST = 40 };
	static uint64_t seen[MOST * MOST * 8 * 2];
	char bytes[MOST] = {0};
	size_t count = 0;

	(void)state;
	for (size_t length = 0; length <= MOST; length++) {
		seen[count++] = send_hash((struct span){bytes, length});
		for (size_t bit = 0; bit < length * 8; bit++) {
			bytes[bit / 8] = (char)(1 << bit % 8);
			seen[count++] = send_hash((struct span){bytes, length});
			bytes[bit / 8] = 0;
		}
	}
	assert_true(count <= LENGTH(seen));
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			assert_true(seen[i] != seen[k]);
}

static void the_hash_does_not_depend_on_the_place(void **state)
{
	char place[64];

	(void)state;
	for (size_t shift = 0; shift < 9; shift++) {
		memcpy(place + shift, "the same seventeen", 18);
		assert_true(send_hash((struct span){place + shift, 18}) ==
			    send_hash(SPAN("the same seventeen")));
	}
}

static const struct {
	const char *query;
	bool is_pretty;
} queries[] = {
	{"", false},
	{"a=b", false},
	{"pretty", true},
	{"pretty=", true},
	{"pretty=1", true},
	{"pretty=true", true},
	{"pretty=0", false},
	{"pretty=false", false},
	{"pretty=no", false},
	{"pretty=off", false},
	{"a=b&pretty", true},
	{"pretty&a=b", true},
	{"pretty=1&pretty=0", false},
	{"pretty=0&pretty", true},
	{"a=pretty", false},
	{"prettyy", false},
	{"apretty=1", false},
	{"q=pretty&&", false},
};

static void pretty_is_asked_for_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(queries); i++)
		if (send_wants_pretty(span_of(queries[i].query)) != queries[i].is_pretty)
			fail_msg("%s", queries[i].query);
	assert_false(send_wants_pretty((struct span){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_is_sent_to_those_who_accept_it),
		cmocka_unit_test(known_tags_are_found),
		cmocka_unit_test(long_headers_are_judged),
		cmocka_unit_test(the_hash_sees_every_bit),
		cmocka_unit_test(the_hash_does_not_depend_on_the_place),
		cmocka_unit_test(pretty_is_asked_for_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
