/* test_access.c - what access is made of: trails through proxies, rates, counts, origins. */
#include <pthread.h>
#include <string.h>

#include "http/access.h"
#include "story.h"

#define SECOND INT64_C(1000000)

static struct proxies trusted_ones(const char *text)
{
	struct proxies proxies;
	struct str complaint;

	str_init(&complaint, 1000);
	assert_true(proxies_init(&proxies, text, &complaint));
	str_finish(&complaint);
	return proxies;
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_true(address_read(span_of(text), &address));
	return address;
}

/* --- trails --------------------------------------------------------------------------------------------- */

struct way {
	const char *line;
	const char *client;
};

static void check_ways(void (*add)(struct trail *trail, struct span line), const struct way *ways,
		       size_t count)
{
	struct proxies proxies = trusted_ones("10.0.0.0/8,fd00::/8");
	struct address peer = address_of("10.0.0.1");

	for (size_t i = 0; i < count; i++) {
		struct trail trail = {.proxies = &proxies};
		struct address client;
		char text[ADDRESS_TEXT_MAX];

		add(&trail, span_of(ways[i].line));
		client = trail_client(&trail, &peer);
		address_write(&client, text);
		if (strcmp(text, ways[i].client) != 0)
			fail_msg("%s: %s instead of %s", ways[i].line, text, ways[i].client);
	}
	proxies_finish(&proxies);
}

static void test_forwarded_for_is_read_from_its_end(void **state)
{
	static const struct way ways[] = {
		{"", "10.0.0.1"},
		{" , ,", "10.0.0.1"},
		{"1.1.1.1", "1.1.1.1"},
		{"1.1.1.1,2.2.2.2", "2.2.2.2"},
		{"1.1.1.1, 2.2.2.2 ,10.0.0.2,fd00::1", "2.2.2.2"},
		{"10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"1.1.1.1:80", "1.1.1.1"},
		{"[2001:db8::1]:80", "2001:db8::1"},
		{"2001:db8::1", "2001:db8::1"},
		{"1.1.1.1, unknown", "10.0.0.1"},
		{"1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"},
		{"unknown, 1.1.1.1", "1.1.1.1"},
		{"1.1.1.1:", "10.0.0.1"},
		{"1.1.1.1:123456", "10.0.0.1"},
		{"1.1.1.1:x", "10.0.0.1"},
		{"[1.1.1.1]", "10.0.0.1"},
		{"[2001:db8::1", "10.0.0.1"},
		{"[2001:db8::1]x", "10.0.0.1"},
		{"1.1.1.1 2.2.2.2", "10.0.0.1"},
		{"::ffff:1.1.1.1", "1.1.1.1"},
	};

	(void)state;
	check_ways(trail_add_forwarded_for, ways, LENGTH(ways));
}

static void test_forwarded_is_read_as_the_rfc_has_it(void **state)
{
	static const struct way ways[] = {
		{"for=1.1.1.1", "1.1.1.1"},
		{"FOR = \"1.1.1.1:80\" ; proto=http", "1.1.1.1"},
		{"by=3.3.3.3;for=1.1.1.1;host=x", "1.1.1.1"},
		{"for=1.1.1.1, for=\"[2001:db8::1]:4711\", for=10.0.0.2", "2001:db8::1"},
		{"for=1.1.1.1;host=\"a,for=9.9.9.9\"", "1.1.1.1"},
		{"for=1.1.1.1;host=\"a\\\",for=9.9.9.9\"", "1.1.1.1"},
		{"for=1.1.1.1, proto=https", "10.0.0.1"},
		{"for=1.1.1.1, for=_x, for=10.0.0.2", "10.0.0.2"},
		{"for=\"1.1.1.1", "10.0.0.1"},
		{"for=", "10.0.0.1"},
		{"for", "10.0.0.1"},
		{"fork=1.1.1.1", "10.0.0.1"},
		{"for=2001:db8::1", "2001:db8::1"},
		{"for=1.1.1.1;for=2.2.2.2", "1.1.1.1"},
		{"\\", "10.0.0.1"},
		{"\"\\", "10.0.0.1"},
		{";;;for=1.1.1.1", "1.1.1.1"},
	};

	(void)state;
	check_ways(trail_add_forwarded, ways, LENGTH(ways));
}

static void test_lines_join_to_one_trail(void **state)
{
	struct proxies proxies = trusted_ones("private");
	struct trail trail = {.proxies = &proxies};
	struct address peer = address_of("10.0.0.1");
	struct address client, expected = address_of("2.2.2.2");

	(void)state;
	trail_add_forwarded_for(&trail, SPAN("1.1.1.1"));
	trail_add_forwarded_for(&trail, SPAN("2.2.2.2"));
	trail_add_forwarded_for(&trail, SPAN("192.168.1.1"));
	client = trail_client(&trail, &peer);
	assert_memory_equal(&client, &expected, sizeof(client));
	proxies_finish(&proxies);
}

static void test_words_stand_for_networks(void **state)
{
	static const struct {
		const char *list, *address;
		bool is_held;
	} cases[] = {
		{"loopback", "127.1.2.3", true}, {"loopback", "::1", true},
		{"loopback", "10.0.0.1", false}, {"private", "172.31.0.1", true},
		{"private", "fd12::1", true},    {"private", "172.32.0.1", false},
		{"", "127.0.0.1", false},        {"1.1.1.1, loopback", "1.1.1.1", true},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct proxies proxies = trusted_ones(cases[i].list);
		struct address address = address_of(cases[i].address);

		if (proxies_hold(&proxies, &address) != cases[i].is_held)
			fail_msg("%s and %s", cases[i].list, cases[i].address);
		proxies_finish(&proxies);
	}
}

/* --- rates ---------------------------------------------------------------------------------------------- */

static struct rate rate_of(const char *text, int64_t burst)
{
	struct rate rate;
	struct str complaint;

	str_init(&complaint, 1000);
	assert_true(rate_read(text, burst, &rate, &complaint));
	str_finish(&complaint);
	return rate;
}

static void test_rates_are_read(void **state)
{
	struct rate rate = rate_of("6000/min", 0);

	(void)state;
	assert_int_equal(rate.quota, 6000);
	assert_int_equal(rate.window_s, 60);
	assert_int_equal(rate.burst, 6000);
	assert_int_equal(rate_of("1/h", 7).burst, 7);
	assert_int_equal(rate_of("1/h", 7).window_s, 3600);
	assert_int_equal(rate_of("", 7).quota, 0);
}

static void test_a_bucket_empties_and_fills(void **state)
{
	struct limits *limits = limits_create();
	struct rate rate = rate_of("10/s", 3);
	int64_t now = 1000 * SECOND;
	struct rate_verdict verdict;

	(void)state;
	for (int i = 2; i >= 0; i--) {
		verdict = limits_take(limits, &rate, 1, now);
		assert_false(verdict.is_refused);
		assert_int_equal(verdict.remaining, i);
		assert_int_equal(verdict.reset_s, 1);
	}
	verdict = limits_take(limits, &rate, 1, now);
	assert_true(verdict.is_refused && verdict.is_counted);
	assert_int_equal(verdict.wait_s, 1);
	assert_false(limits_take(limits, &rate, 2, now).is_refused);
	assert_true(limits_take(limits, &rate, 1, now + SECOND / 10 - 1).is_refused);
	assert_false(limits_take(limits, &rate, 1, now + SECOND / 10).is_refused);
	assert_true(limits_take(limits, &rate, 1, now + SECOND / 10).is_refused);
	verdict = limits_take(limits, &rate, 1, now + 100 * SECOND);
	assert_int_equal(verdict.remaining, 2);
	limits_destroy(limits);
}

/* Over a long time exactly what is allowed comes through, whatever is asked. */
static void test_the_rate_is_exact(void **state)
{
	struct limits *limits = limits_create();
	struct rate rate = rate_of("100/s", 10);
	int64_t now = SECOND;
	int taken = 0;

	(void)state;
	for (int i = 0; i < 100000; i++, now += 1000)
		taken += !limits_take(limits, &rate, 1, now).is_refused;
	assert_in_range(taken, 100 * 100, 100 * 100 + 10);
	limits_destroy(limits);
}

static void test_slow_rates_tell_how_long_to_wait(void **state)
{
	struct limits *limits = limits_create();
	struct rate rate = rate_of("1/h", 0);
	struct rate_verdict verdict;

	(void)state;
	assert_int_equal(limits_take(limits, &rate, 1, SECOND).reset_s, 3600);
	verdict = limits_take(limits, &rate, 1, 2 * SECOND);
	assert_true(verdict.is_refused);
	assert_int_equal(verdict.wait_s, 3599);
	assert_int_equal(verdict.remaining, 0);
	limits_destroy(limits);
}

static void test_more_clients_than_there_is_room_for_do_no_harm(void **state)
{
	struct limits *limits = limits_create();
	struct rate rate = rate_of("2/h", 0);

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		struct address address = address_of_ipv4(&i);
		uint64_t key = limits_key_of_address(limits, &address);

		assert_false(limits_take(limits, &rate, key, SECOND).is_refused);
	}
	limits_destroy(limits);
}

static void test_keys_tell_clients_apart(void **state)
{
	struct limits *limits = limits_create(), *other = limits_create();
	struct address one = address_of("2001:db8::1"), same = address_of("2001:db8::ffff:1");
	struct address next = address_of("2001:db8:0:1::1");
	struct address ipv4 = address_of("10.0.0.1"), ipv4_next = address_of("10.0.0.2");

	(void)state;
	assert_true(limits_key_of_address(limits, &one) == limits_key_of_address(limits, &same));
	assert_true(limits_key_of_address(limits, &one) != limits_key_of_address(limits, &next));
	assert_true(limits_key_of_address(limits, &ipv4) !=
		    limits_key_of_address(limits, &ipv4_next));
	assert_true(limits_key_of_address(limits, &one) != limits_key_of_address(other, &one));
	assert_true(limits_key_of_name(limits, "a") == limits_key_of_name(limits, "a"));
	assert_true(limits_key_of_name(limits, "a") != limits_key_of_name(limits, "b"));
	limits_destroy(limits);
	limits_destroy(other);
}

/* --- connections ---------------------------------------------------------------------------------------- */

static void test_connections_are_counted_by_key(void **state)
{
	struct limits *limits = limits_create();

	(void)state;
	assert_int_equal(limits_enter(limits, 1), 1);
	assert_int_equal(limits_enter(limits, 1), 2);
	assert_int_equal(limits_enter(limits, 1 + 64 * 4096), 1); /* the same list */
	limits_leave(limits, 1);
	assert_int_equal(limits_enter(limits, 1), 2);
	limits_leave(limits, 1);
	limits_leave(limits, 1);
	assert_int_equal(limits_enter(limits, 1), 1);
	limits_destroy(limits);
	limits_destroy(NULL);
}

static void *come_and_go(void *argument)
{
	struct limits *limits = argument;
	struct rate rate = rate_of("1000/s", 1000);
	intptr_t taken = 0;

	for (int i = 0; i < 20000; i++) {
		limits_enter(limits, (uint64_t)i % 7);
		taken += !limits_take(limits, &rate, 1, SECOND).is_refused;
		limits_leave(limits, (uint64_t)i % 7);
	}
	return (void *)taken;
}

static void test_threads_count_together(void **state)
{
	struct limits *limits = limits_create();
	pthread_t threads[4];
	intptr_t sum = 0;

	(void)state;
	for (size_t i = 0; i < LENGTH(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, limits), 0);
	for (size_t i = 0; i < LENGTH(threads); i++) {
		void *taken;

		pthread_join(threads[i], &taken);
		sum += (intptr_t)taken;
	}
	assert_int_equal(sum, 1000);
	for (uint64_t key = 0; key < 7; key++)
		assert_int_equal(limits_enter(limits, key), 1);
	limits_destroy(limits);
}

/* --- origins -------------------------------------------------------------------------------------------- */

static void test_origins_are_compared_whole(void **state)
{
	struct cors cors;
	struct str complaint;

	(void)state;
	str_init(&complaint, 1000);
	assert_true(cors_init(&cors, "https://a.b, http://localhost:1", &complaint));
	assert_true(cors_allows(&cors, SPAN("https://a.b")));
	assert_true(cors_allows(&cors, SPAN("http://localhost:1")));
	assert_false(cors_allows(&cors, SPAN("http://localhost:12")));
	assert_false(cors_allows(&cors, SPAN("https://a.b, http://localhost:1")));
	assert_false(cors_allows(&cors, SPAN("")));
	assert_true(cors_init(&cors, "*", &complaint));
	assert_true(cors_allows(&cors, SPAN("https://x.y")));
	assert_false(cors_allows(&cors, SPAN("")));
	assert_true(cors_init(&cors, "", &complaint));
	assert_false(cors_allows(&cors, SPAN("https://a.b")));
	assert_false(cors_allows(&cors, SPAN("")));
	str_finish(&complaint);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forwarded_for_is_read_from_its_end),
		cmocka_unit_test(test_forwarded_is_read_as_the_rfc_has_it),
		cmocka_unit_test(test_lines_join_to_one_trail),
		cmocka_unit_test(test_words_stand_for_networks),
		cmocka_unit_test(test_rates_are_read),
		cmocka_unit_test(test_a_bucket_empties_and_fills),
		cmocka_unit_test(test_the_rate_is_exact),
		cmocka_unit_test(test_slow_rates_tell_how_long_to_wait),
		cmocka_unit_test(test_more_clients_than_there_is_room_for_do_no_harm),
		cmocka_unit_test(test_keys_tell_clients_apart),
		cmocka_unit_test(test_connections_are_counted_by_key),
		cmocka_unit_test(test_threads_count_together),
		cmocka_unit_test(test_origins_are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
