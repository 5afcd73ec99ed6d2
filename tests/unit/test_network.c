/* test_network.c - addresses and networks: reading, writing, which holds which. */
#include "story.h"
#include <netinet/in.h>
#include <string.h>

#include "almanac/network.h"

static void test_addresses_come_back_as_they_are_written(void **state)
{
	static const char *const pairs[][2] = {
		{"10.0.0.1", "10.0.0.1"},        {"::1", "::1"},
		{"::ffff:10.0.0.1", "10.0.0.1"}, {"2001:DB8::1", "2001:db8::1"},
		{"0.0.0.0", "0.0.0.0"},          {"::", "::"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(pairs); i++) {
		struct address address;
		char text[ADDRESS_TEXT_MAX];

		assert_true(address_read(span_of(pairs[i][0]), &address));
		address_write(&address, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void test_what_is_no_address_is_refused(void **state)
{
	static const char *const texts[] = {"",
					    "10.0.0",
					    "10.0.0.256",
					    "10.0.0.1 ",
					    "::g",
					    "[::1]",
					    "10.0.0.1:80",
					    "localhost",
					    "1.2.3.4.5",
					    "::1%lo",
					    "1111:2222:3333:4444:5555:6666:7777:8888:9999"};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct address address;

		if (address_read(span_of(texts[i]), &address))
			fail_msg("\"%s\" is taken", texts[i]);
	}
	struct address address;

	assert_false(address_read(SPAN("10.0.0.1\0"), &address));
}

static void test_networks_hold_what_lies_in_them(void **state)
{
	static const struct {
		const char *network, *address;
		bool is_held;
	} cases[] = {
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"192.168.4.0/22", "192.168.7.255", true},
		{"192.168.4.0/22", "192.168.8.0", false},
		{"0.0.0.0/0", "8.8.8.8", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "8.8.8.8", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"::1", "::1", true},
		{"127.0.0.1", "127.0.0.2", false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct network network;
		struct address address;

		assert_true(network_read(span_of(cases[i].network), &network));
		assert_true(address_read(span_of(cases[i].address), &address));
		if (network_holds(&network, &address) != cases[i].is_held)
			fail_msg("%s and %s", cases[i].network, cases[i].address);
	}
}

static void test_what_is_no_network_is_refused(void **state)
{
	static const char *const texts[] = {"10.0.0.0/33", "10.0.0.0/",    "::/129",
					    "10/8",        "/8",           "10.0.0.0/8/8",
					    "10.0.0.0/-1", "10.0.0.0/0008"};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct network network;

		if (network_read(span_of(texts[i]), &network))
			fail_msg("\"%s\" is taken", texts[i]);
	}
}

static void test_addresses_of_sockets(void **state)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct address address;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	assert_true(address_of_socket((const struct sockaddr *)&ipv4, &address));
	address_write(&address, text);
	assert_string_equal(text, "10.0.0.1");
	assert_true(address_of_socket((const struct sockaddr *)&ipv6, &address));
	address_write(&address, text);
	assert_string_equal(text, "::1");
	assert_false(address_of_socket(&local, &address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_come_back_as_they_are_written),
		cmocka_unit_test(test_what_is_no_address_is_refused),
		cmocka_unit_test(test_networks_hold_what_lies_in_them),
		cmocka_unit_test(test_what_is_no_network_is_refused),
		cmocka_unit_test(test_addresses_of_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
