/* test_guard.c - where calls may go. */
#include "story.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "almanac/fetch.h"

struct judged {
	const char *address;
	bool is_allowed;
};

static struct guard *make(const char *allow)
{
	struct str complaint;
	str_init(&complaint, 1000);
	struct guard *guard = guard_create(allow, &complaint);
	assert_non_null(guard);
	assert_string_equal(str_text(&complaint), "");
	str_finish(&complaint);
	return guard;
}

static bool allows(const struct guard *guard, const char *text)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
		return guard_allows(guard, (const struct sockaddr *)&ipv4);
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
	return guard_allows(guard, (const struct sockaddr *)&ipv6);
}

static void check(const char *allow, const struct judged *cases)
{
	struct guard *guard = make(allow);
	for (; cases->address != NULL; cases++) {
		if (allows(guard, cases->address) != cases->is_allowed)
			fail_msg("allow \"%s\": %s is judged wrongly", allow == NULL ? "" : allow,
				 cases->address);
	}
	guard_destroy(guard);
}

static const struct judged by_default[] = {
	{"8.8.8.8", true},
	{"1.0.0.1", true},
	{"9.255.255.255", true},
	{"11.0.0.0", true},
	{"100.63.255.255", true},
	{"100.128.0.0", true},
	{"126.255.255.255", true},
	{"128.0.0.0", true},
	{"172.15.255.255", true},
	{"172.32.0.0", true},
	{"192.167.255.255", true},
	{"192.169.0.0", true},
	{"198.17.255.255", true},
	{"198.20.0.0", true},
	{"223.255.255.255", true},
	{"2606:4700::1111", true},
	{"2a00:1450:4001::1", true},
	{"2001:200::1", true},

	{"0.0.0.0", false},
	{"0.1.2.3", false},
	{"10.0.0.1", false},
	{"100.64.0.1", false},
	{"100.127.255.255", false},
	{"127.0.0.1", false},
	{"127.255.255.255", false},
	{"169.254.0.1", false},
	{"169.254.169.254", false},
	{"172.16.0.1", false},
	{"172.31.255.255", false},
	{"192.0.0.1", false},
	{"192.0.2.1", false},
	{"192.88.99.1", false},
	{"192.168.1.1", false},
	{"198.18.0.1", false},
	{"198.19.255.255", false},
	{"198.51.100.1", false},
	{"203.0.113.1", false},
	{"224.0.0.1", false},
	{"239.255.255.255", false},
	{"240.0.0.1", false},
	{"255.255.255.255", false},
	{"::", false},
	{"::1", false},
	{"100::1", false},
	{"2001::1", false},
	{"2001:db8::1", false},
	{"3fff::1", false},
	{"5f00::1", false},
	{"fc00::1", false},
	{"fd00:ec2::254", false},
	{"fd12:3456::1", false},
	{"fe80::1", false},
	{"fec0::1", false},
	{"ff02::1", false},
	{"4000::1", false},
	{0},
};

static void test_only_public_addresses_by_default(void **state)
{
	(void)state;
	check(NULL, by_default);
	check("", by_default);
	check("  ", by_default);
}

static void test_ipv6_that_carries_ipv4_is_judged_by_it(void **state)
{
	(void)state;
	static const struct judged closed[] = {
		{"::ffff:8.8.8.8", true},      {"::ffff:127.0.0.1", false},
		{"::ffff:10.0.0.1", false},    {"64:ff9b::8.8.8.8", true},
		{"64:ff9b::127.0.0.1", false}, {"64:ff9b::169.254.169.254", false},
		{"64:ff9b:1::8.8.8.8", false}, {"2002:808:808::1", true},
		{"2002:7f00:1::1", false},     {"2002:a9fe:a9fe::", false},
		{"::8.8.8.8", true},           {"::127.0.0.1", false},
		{"::0.0.0.2", false},          {0},
	};
	check(NULL, closed);
	static const struct judged opened[] = {
		{"::ffff:127.0.0.1", true},
		{"64:ff9b::127.0.0.1", true},
		{"2002:7f00:1::1", true},
		{"::127.0.0.1", true},
		{"::1", false},
		{"::ffff:10.0.0.1", false},
		{0},
	};
	check("127.0.0.0/8", opened);
	static const struct judged by_carrier[] = {
		{"64:ff9b::10.0.0.1", true},
		{"10.0.0.1", false},
		{"::ffff:10.0.0.1", false},
		{0},
	};
	check("64:ff9b::/96", by_carrier);
}

static void test_listed_networks(void **state)
{
	(void)state;
	static const struct judged cases[] = {
		{"127.0.0.1", true},
		{"127.255.255.255", true},
		{"::1", true},
		{"10.1.2.3", true},
		{"10.1.2.4", false},
		{"172.20.0.1", true},
		{"172.21.0.1", false},
		{"fd00:1:2::1", true},
		{"fd00:1:3::1", false},
		{"8.8.8.8", true},
		{"192.168.0.129", true},
		{"192.168.0.127", false},
		{0},
	};
	check("127.0.0.0/8,::1/128, 10.1.2.3 ,172.20.0.0/16,fd00:1:2::/48,192.168.0.128/25", cases);
	static const struct judged all_ipv4[] = {
		{"127.0.0.1", true}, {"169.254.169.254", true}, {"::1", false}, {0}};
	check("0.0.0.0/0", all_ipv4);
	static const struct judged all_ipv6[] = {{"::1", true},
						 {"fe80::1", true},
						 {"127.0.0.1", false},
						 {"::ffff:127.0.0.1", false},
						 {0}};
	check("::/0", all_ipv6);
}

static void test_words(void **state)
{
	(void)state;
	static const struct judged loopback[] = {
		{"127.0.0.1", true}, {"::1", true},      {"::ffff:127.0.0.1", true},
		{"10.0.0.1", false}, {"0.0.0.0", false}, {0},
	};
	check("loopback", loopback);
	static const struct judged private_networks[] = {
		{"10.0.0.1", true},      {"172.16.0.1", true},
		{"192.168.0.1", true},   {"fd12::1", true},
		{"127.0.0.1", false},    {"100.64.0.1", false},
		{"169.254.1.1", false},  {"fd00:ec2::254", false},
		{"fd20:ce::254", false}, {0},
	};
	check("private", private_networks);
	static const struct judged any[] = {
		{"127.0.0.1", true},
		{"10.0.0.1", true},
		{"0.0.0.0", true},
		{"169.254.1.1", true},
		{"ff02::1", true},
		{"169.254.169.254", false},
		{"::ffff:169.254.169.254", false},
		{"64:ff9b::a9fe:a9fe", false},
		{"fd00:ec2::254", false},
		{0},
	};
	check("any", any);
	static const struct judged metadata[] = {
		{"169.254.169.254", true}, {"fd00:ec2::254", true}, {"169.254.1.1", false}, {0}};
	check("169.254.169.254/32, fd00:ec2::254, loopback", metadata);
}

static void test_other_families_are_refused(void **state)
{
	(void)state;
	struct guard *guard = make("any");
	struct sockaddr other = {.sa_family = AF_UNIX};
	assert_false(guard_allows(guard, &other));
	guard_destroy(guard);
}

static void test_malformed_lists_are_named(void **state)
{
	(void)state;
	static const char *const parts[] = {
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/8/8",
		"10.0.0/8",
		"::/129",
		"Loopback",
		"localhost",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/008x",
		"/8",
		"10.0.0.0 /8",
		"1.2.3.4.5",
		"fe80::1%eth0",
		"10.0.0.0/0008",
		"300.0.0.0/8",
		"private;any/8",
		"0x7f.1/8",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/8",
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char list[200];
		snprintf(list, sizeof(list), "loopback,%s,10.0.0.0/8", parts[i]);
		struct str complaint;
		str_init(&complaint, 1000);
		assert_null(guard_create(list, &complaint));
		assert_non_null(strstr(str_text(&complaint), parts[i]));
		str_finish(&complaint);
	}
}

static void test_empty_parts_are_malformed(void **state)
{
	(void)state;
	static const char *const lists[] = {"loopback,", ",", "loopback,,any"};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct str complaint;
		str_init(&complaint, 1000);
		assert_null(guard_create(lists[i], &complaint));
		assert_true(complaint.length > 0);
		str_finish(&complaint);
	}
	guard_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_public_addresses_by_default),
		cmocka_unit_test(test_ipv6_that_carries_ipv4_is_judged_by_it),
		cmocka_unit_test(test_listed_networks),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_other_families_are_refused),
		cmocka_unit_test(test_malformed_lists_are_named),
		cmocka_unit_test(test_empty_parts_are_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
