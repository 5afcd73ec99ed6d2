/* test_cache.c - finished answers: found, replaced, forgotten, and never heavier than allowed */
#include <stdio.h>
#include <string.h>

#include "http/http.h"
#include "story.h"

#define EDITION 7
#define TTL_US 1000
#define MAX_BYTES 100000

static struct cache *cache;

static int open_cache(void **state)
{
	(void)state;
	cache = cache_create(MAX_BYTES, TTL_US);
	return 0;
}

static int close_cache(void **state)
{
	(void)state;
	cache_destroy(cache);
	return 0;
}

/* Fills an entry with `length` bytes at time `now_us`; the caller still holds it. */
static void fill(struct cache_entry *entry, size_t length, int64_t now_us)
{
	struct reply reply;

	reply_init(&reply);
	str_reserve(&reply.body, length);
	while (reply.body.length < length)
		str_append_char(&reply.body, 'x');
	cache_fill(cache, entry, &reply, now_us);
	assert_int_equal(reply.body.length, 0);
	reply_finish(&reply);
}

static void put(const char *key, size_t length, int64_t now_us)
{
	struct cache_entry *entry = cache_begin(cache, span_of(key), EDITION);

	fill(entry, length, now_us);
	cache_drop(entry);
}

static struct cache_entry *find(const char *key, int64_t now_us)
{
	return cache_find(cache, span_of(key), EDITION, now_us);
}

/* What an entry of that key and length weighs. */
static size_t weight_of(const char *key, size_t length)
{
	struct str body;
	size_t size;

	str_init(&body, REPLY_BODY_MAX);
	str_reserve(&body, length);
	size = body.size;
	str_finish(&body);
	return sizeof(struct cache_entry) + strlen(key) + size;
}

/* --- finding ------------------------------------------------------------------------------------- */

static void a_filled_entry_is_found(void **state)
{
	struct cache_entry *entry;
	struct reply reply;
	char value[] = "</next>";

	(void)state;
	assert_null(find("/a", 0));
	entry = cache_begin(cache, SPAN("/a"), EDITION);
	assert_ptr_equal(find("/a", 0), entry);
	assert_false(entry->is_filled);
	reply_init(&reply);
	reply.status = 203;
	reply.content_type = "text/x";
	str_append_text(&reply.body, "hello");
	reply_header(&reply, "Link", value);
	cache_fill(cache, entry, &reply, 5);
	memset(value, '?', sizeof(value) - 1); /* the entry has a copy of its own */
	cache_drop(entry);

	entry = find("/a", 6);
	assert_true(entry && entry->is_filled);
	assert_int_equal(entry->status, 203);
	assert_string_equal(entry->content_type, "text/x");
	assert_string_equal(str_text(&entry->body), "hello");
	assert_true(entry->body_hash == send_hash(SPAN("hello")));
	assert_int_equal(entry->header_count, 1);
	assert_string_equal(entry->headers[0].name, "Link");
	assert_string_equal(entry->headers[0].value, "</next>");
	assert_null(find("/b", 6));
	assert_null(find("/", 6));
	assert_null(find("/aa", 6));
	reply_finish(&reply);
}

static void an_answer_expires(void **state)
{
	(void)state;
	put("/a", 10, 5000);
	assert_non_null(find("/a", 5000 + TTL_US - 1));
	assert_null(find("/a", 5000 + TTL_US));
	assert_null(find("/a", 5000)); /* and is gone */
}

/* What is being asked for does not expire: its time begins when it is filled. */
static void a_question_under_way_does_not_expire(void **state)
{
	struct cache_entry *entry = cache_begin(cache, SPAN("/a"), EDITION);

	(void)state;
	assert_ptr_equal(find("/a", INT64_MAX), entry);
	fill(entry, 10, 90000);
	assert_ptr_equal(find("/a", 90000), entry);
	cache_drop(entry);
}

static void another_edition_is_another_answer(void **state)
{
	struct cache_entry *asked;

	(void)state;
	put("/a", 10, 0);
	assert_null(cache_find(cache, SPAN("/a"), EDITION + 1, 0));
	assert_null(find("/a", 0));

	/* Asked before the edition rose, filled after: kept by those who wait, found by nobody. */
	asked = cache_begin(cache, SPAN("/b"), EDITION);
	assert_null(cache_find(cache, SPAN("/b"), EDITION + 1, 0));
	fill(asked, 10, 0);
	assert_int_equal(asked->body.length, 10);
	assert_null(find("/b", 0));
	cache_drop(asked);
}

static void what_was_given_up_is_not_found(void **state)
{
	struct cache_entry *entry = cache_begin(cache, SPAN("/a"), EDITION);

	(void)state;
	cache_give_up(cache, entry);
	assert_null(find("/a", 0));
	cache_give_up(cache, entry);
	cache_drop(entry);
}

static void a_new_question_replaces_what_stood_there(void **state)
{
	struct cache_entry *first = cache_begin(cache, SPAN("/a"), EDITION);
	struct cache_entry *second = cache_begin(cache, SPAN("/a"), EDITION);

	(void)state;
	assert_ptr_equal(find("/a", 0), second);
	fill(first, 10, 0); /* too late */
	assert_ptr_equal(find("/a", 0), second);
	cache_give_up(cache, second);
	assert_null(find("/a", 0));
	cache_drop(first);
	cache_drop(second);
	put("/a", 10, 0);
	put("/a", 20, 0);
	assert_int_equal(find("/a", 0)->body.length, 20);
}

static void holders_keep_a_forgotten_entry_alive(void **state)
{
	struct cache_entry *entry = cache_begin(cache, SPAN("/a"), EDITION);

	(void)state;
	fill(entry, 5000, 0);
	cache_hold(entry);
	assert_null(find("/a", TTL_US)); /* expired, forgotten */
	cache_drop(entry);
	assert_int_equal(entry->body.length, 5000);
	assert_int_equal(entry->body.bytes[4999], 'x');
	cache_weigh(cache, entry, 1 << 30); /* weighs nothing any more */
	put("/b", 10, 0);
	assert_non_null(find("/b", 0));
	cache_drop(entry);
}

/* --- weight -------------------------------------------------------------------------------------- */

static void keys_from(char *key, size_t size, size_t number)
{
	snprintf(key, size, "/key/%06zu", number);
}

/* How many of the entries 0 … count-1 are found, without an order of use of their own. */
static size_t count_found(size_t count, int64_t now_us)
{
	size_t found = 0;
	char key[32];

	for (size_t i = 0; i < count; i++) {
		keys_from(key, sizeof(key), i);
		found += find(key, now_us) != NULL;
	}
	return found;
}

static size_t fill_up(int64_t now_us)
{
	char key[32];

	for (size_t i = 0; i < 1000; i++) {
		keys_from(key, sizeof(key), i);
		put(key, 500, now_us);
	}
	return count_found(1000, now_us);
}

static void the_least_used_go_first(void **state)
{
	size_t most = MAX_BYTES / weight_of("/key/000000", 500);
	char key[32];

	(void)state;
	for (size_t i = 0; i < most; i++) {
		keys_from(key, sizeof(key), i);
		put(key, 500, 0);
	}
	assert_int_equal(count_found(most, 0), most);
	assert_non_null(find("/key/000000", 0)); /* used: the second is the oldest now */
	put("/key/999999", 500, 0);
	assert_non_null(find("/key/000000", 0));
	assert_null(find("/key/000001", 0));
	assert_int_equal(count_found(most, 0), most - 1);
}

static void the_cache_keeps_what_fits(void **state)
{
	size_t most = MAX_BYTES / weight_of("/key/000000", 500);

	(void)state;
	assert_int_equal(fill_up(0), most);
}

/* A body's memory grows by doubling: one byte more than fits into 16 KiB takes 32. */
static void an_answer_larger_than_a_quarter_is_not_kept(void **state)
{
	enum { FITS = 16383 };
	struct cache_entry *entry = cache_begin(cache, SPAN("/large"), EDITION);

	(void)state;
	assert_true(weight_of("/large", FITS) <= MAX_BYTES / 4);
	assert_true(weight_of("/large", FITS + 1) > MAX_BYTES / 4);
	put("/small", 10, 0);
	fill(entry, FITS + 1, 0);
	assert_int_equal(entry->body.length, FITS + 1); /* the caller has it */
	assert_null(find("/large", 0));
	cache_drop(entry);
	assert_non_null(find("/small", 0)); /* and nothing had to go for it */
	put("/large", FITS, 0);
	assert_non_null(find("/large", 0));
}

static void a_cache_without_room_keeps_nothing(void **state)
{
	struct cache *before = cache;
	struct cache_entry *entry;

	(void)state;
	cache = cache_create(0, TTL_US);
	entry = cache_begin(cache, SPAN("/a"), EDITION);
	assert_ptr_equal(find("/a", 0), entry); /* but one question is asked once */
	fill(entry, 10, 0);
	assert_null(find("/a", 0));
	cache_drop(entry);
	cache_destroy(cache);
	cache = before;
}

/* A gzip variant counts, and is counted back when its entry goes. */
static void a_second_form_of_the_answer_weighs_too(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct cache_entry *entry = cache_begin(cache, SPAN("/a"), EDITION);

		fill(entry, 100, 0);
		str_reserve(&entry->gzip, 60000);
		cache_weigh(cache, entry, entry->gzip.size);
		assert_non_null(find("/a", 0));
		cache_weigh(cache, entry, 0);
		cache_drop(entry);
		assert_null(find("/a", TTL_US));
	}
	assert_int_equal(fill_up(0), MAX_BYTES / weight_of("/key/000000", 500));
}

static void a_second_form_that_is_too_heavy_makes_room(void **state)
{
	struct cache_entry *entry;

	(void)state;
	put("/old", 500, 0);
	entry = cache_begin(cache, SPAN("/a"), EDITION);
	fill(entry, 100, 0);
	put("/new", 500, 0);
	str_reserve(&entry->gzip, MAX_BYTES);
	cache_weigh(cache, entry, entry->gzip.size);
	assert_null(find("/old", 0));
	assert_null(find("/a", 0));
	assert_non_null(find("/new", 0));
	cache_drop(entry);
}

/* Keys that come and go in every way leave the cache as roomy as it was born. */
static void ten_thousand_keys_leave_no_trace(void **state)
{
	size_t born = fill_up(0);

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		struct cache_entry *entry;
		char key[32];

		keys_from(key, sizeof(key), i);
		entry = cache_begin(cache, span_of(key), EDITION);
		if (i % 3 == 0)
			cache_give_up(cache, entry);
		else
			fill(entry, i % 7 == 0 ? 30000 : i % 3000, (int64_t)i);
		if (i % 11 == 0)
			assert_null(cache_find(cache, span_of(key), EDITION - 1, 0));
		cache_drop(entry);
	}
	assert_int_equal(count_found(10000, INT64_MAX), 0);
	assert_int_equal(fill_up(0), born);
}

/* --- everything at random, against a plain list ----------------------------------------------------- */

enum { KEYS = 60, STEPS = 40000 };

static struct {
	bool is_kept;
	size_t weight;
	int64_t expires_us;
	uint64_t used;
} model[KEYS];

static uint64_t uses;
static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static void model_put(size_t number, size_t weight, int64_t now_us)
{
	size_t total = 0;

	model[number].is_kept = weight <= MAX_BYTES / 4;
	model[number].weight = weight;
	model[number].expires_us = now_us + TTL_US;
	model[number].used = ++uses;
	for (size_t i = 0; i < KEYS; i++)
		total += model[i].is_kept ? model[i].weight : 0;
	while (total > MAX_BYTES) {
		size_t oldest = KEYS;

		for (size_t i = 0; i < KEYS; i++)
			if (model[i].is_kept &&
			    (oldest == KEYS || model[i].used < model[oldest].used))
				oldest = i;
		model[oldest].is_kept = false;
		total -= model[oldest].weight;
	}
}

static void check_model(size_t number, const char *key, int64_t now_us)
{
	bool is_found = find(key, now_us) != NULL;

	if (model[number].expires_us <= now_us)
		model[number].is_kept = false;
	assert_int_equal(is_found, model[number].is_kept);
	if (is_found)
		model[number].used = ++uses;
}

static void the_cache_is_as_good_as_a_list(void **state)
{
	size_t found = 0;

	(void)state;
	for (int64_t now_us = 0; now_us < STEPS; now_us++) {
		size_t number = roll(KEYS), length = roll(20) ? roll(4000) : roll(40000);
		char key[32];

		keys_from(key, sizeof(key), number);
		if (roll(3)) {
			check_model(number, key, now_us);
			found += model[number].is_kept;
		} else {
			put(key, length, now_us);
			model_put(number, weight_of(key, length), now_us);
		}
	}
	assert_in_range(found, STEPS / 10, STEPS); /* the test is about something */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_cache, close_cache)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_filled_entry_is_found),
		TEST(an_answer_expires),
		TEST(a_question_under_way_does_not_expire),
		TEST(another_edition_is_another_answer),
		TEST(what_was_given_up_is_not_found),
		TEST(a_new_question_replaces_what_stood_there),
		TEST(holders_keep_a_forgotten_entry_alive),
		TEST(the_least_used_go_first),
		TEST(the_cache_keeps_what_fits),
		TEST(an_answer_larger_than_a_quarter_is_not_kept),
		TEST(a_cache_without_room_keeps_nothing),
		TEST(a_second_form_of_the_answer_weighs_too),
		TEST(a_second_form_that_is_too_heavy_makes_room),
		TEST(ten_thousand_keys_leave_no_trace),
		TEST(the_cache_is_as_good_as_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
