/* test_hosts.c - the servers of a conninfo, one at a time */
#include <stdlib.h>
#include <string.h>

#include "db/hosts.h"
#include "story.h"

struct expected {
	struct turn turn;
	const char *name, *address, *port, *wants;
};

static void assert_text(const char *told, const char *wanted, const char *what)
{
	if (!told != !wanted || (told && strcmp(told, wanted) != 0))
		fail_msg("%s: %s instead of %s", what, told ? told : "-", wanted ? wanted : "-");
}

static void assert_choices(const char *conninfo, bool is_replica, const struct expected *expected,
			   size_t count)
{
	struct hosts hosts;

	hosts_init(&hosts, conninfo, is_replica);
	assert_true(hosts.is_apart);
	for (size_t i = 0; i < count; i++) {
		struct server_choice choice;

		hosts_choose(&hosts, &expected[i].turn, &choice);
		assert_text(choice.name, expected[i].name, "name");
		assert_text(choice.address, expected[i].address, "address");
		assert_text(choice.port, expected[i].port, "port");
		assert_text(choice.wants, expected[i].wants, "target_session_attrs");
	}
	hosts_finish(&hosts);
}

#define CHOICES(...)                                                                               \
	(const struct expected[]){__VA_ARGS__},                                                    \
		sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected)

static void one_server_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_choices("postgresql://u@10.0.0.1:6000/d", false,
		       CHOICES({{0, 0}, "10.0.0.1", "10.0.0.1", "6000", NULL},
			       {{0, 7}, "10.0.0.1", "10.0.0.1", "6000", NULL}));
	assert_choices("host=/run/postgresql dbname=d", false,
		       CHOICES({{0, 0}, "/run/postgresql", NULL, "5432", NULL}));
	assert_choices("hostaddr=10.0.0.1 host=db.example", false,
		       CHOICES({{0, 0}, "db.example", "10.0.0.1", "5432", NULL}));
	assert_choices("", false, CHOICES({{0, 0}, NULL, NULL, "5432", NULL}));
}

static void of_several_each_has_its_turn(void **state)
{
	(void)state;
	assert_choices("postgresql://10.0.0.1:1,10.0.0.2:2,10.0.0.3:3/d", false,
		       CHOICES({{0, 0}, "10.0.0.1", "10.0.0.1", "1", "primary"},
			       {{0, 1}, "10.0.0.2", "10.0.0.2", "2", "primary"},
			       {{0, 3}, "10.0.0.1", "10.0.0.1", "1", "primary"},
			       {{2, 0}, "10.0.0.3", "10.0.0.3", "3", "primary"},
			       {{2, 1}, "10.0.0.1", "10.0.0.1", "1", "primary"}));
	assert_choices("host=10.0.0.1,/run/pg port=7000", false,
		       CHOICES({{0, 0}, "10.0.0.1", "10.0.0.1", "7000", "primary"},
			       {{0, 1}, "/run/pg", NULL, "7000", "primary"}));
	assert_choices("hostaddr=10.0.0.1,::1", false,
		       CHOICES({{0, 1}, NULL, "::1", "5432", "primary"}));
}

static void the_environment_names_servers_too(void **state)
{
	(void)state;
	setenv("PGHOST", "10.0.0.1,10.0.0.2", 1);
	setenv("PGPORT", "1,2", 1);
	assert_choices("dbname=d", false,
		       CHOICES({{0, 1}, "10.0.0.2", "10.0.0.2", "2", "primary"}));
	setenv("PGTARGETSESSIONATTRS", "standby", 1);
	assert_choices("dbname=d", false,
		       CHOICES({{0, 1}, "10.0.0.2", "10.0.0.2", "2", "standby"}));
	unsetenv("PGTARGETSESSIONATTRS");
	assert_choices("host=10.0.0.9 port=9", false,
		       CHOICES({{0, 0}, "10.0.0.9", "10.0.0.9", "9", NULL}));
	unsetenv("PGHOST");
	unsetenv("PGPORT");
}

static void what_is_said_of_the_session_counts(void **state)
{
	(void)state;
	assert_choices("host=10.0.0.1,10.0.0.2 target_session_attrs=any", false,
		       CHOICES({{0, 0}, "10.0.0.1", "10.0.0.1", "5432", "any"}));
	assert_choices("host=10.0.0.1 target_session_attrs=read-write", false,
		       CHOICES({{0, 0}, "10.0.0.1", "10.0.0.1", "5432", "read-write"}));
}

static void a_replica_is_a_standby_of_any_server_or_else_any_server(void **state)
{
	(void)state;
	assert_choices("host=10.0.0.1,10.0.0.2", true,
		       CHOICES({{1, 0}, "10.0.0.2", "10.0.0.2", "5432", "standby"},
			       {{1, 1}, "10.0.0.1", "10.0.0.1", "5432", "standby"},
			       {{1, 2}, "10.0.0.2", "10.0.0.2", "5432", "any"},
			       {{1, 3}, "10.0.0.1", "10.0.0.1", "5432", "any"},
			       {{1, 4}, "10.0.0.2", "10.0.0.2", "5432", "standby"}));
}

/* localhost is ::1 and 127.0.0.1, or one of them. */
static void in_every_round_another_address_of_a_name_comes_first(void **state)
{
	struct server_choice first, second;
	struct hosts hosts;

	(void)state;
	hosts_init(&hosts, "host=localhost", false);
	hosts_choose(&hosts, &(struct turn){0, 0}, &first);
	hosts_choose(&hosts, &(struct turn){0, 1}, &second);
	assert_int_equal(strlen(first.address), strlen(second.address));
	if (strchr(first.address, ',')) {
		assert_string_equal(first.name, "localhost,localhost");
		assert_string_not_equal(first.address, second.address);
	} else {
		assert_string_equal(first.name, "localhost");
		assert_string_equal(first.address, second.address);
	}
	hosts_finish(&hosts);
}

static void what_cannot_be_taken_apart_is_left_to_libpq(void **state)
{
	static const char *const left[] = {
		"host='open",
		"postgresql://[::1/d",
		"host=10.0.0.1,10.0.0.2 port=1,2,3",
		"host=one hostaddr=10.0.0.1,10.0.0.2",
		"service=some",
	};
	struct hosts hosts;

	(void)state;
	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++) {
		hosts_init(&hosts, left[i], false);
		if (hosts.is_apart || hosts.count != 1)
			fail_msg("%s", left[i]);
		hosts_finish(&hosts);
	}
}

static void servers_are_counted(void **state)
{
	(void)state;
	assert_int_equal(hosts_count(""), 1);
	assert_int_equal(hosts_count("host=one"), 1);
	assert_int_equal(hosts_count("postgresql://a,b,c/d"), 3);
	assert_int_equal(hosts_count("host='open"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_server_is_taken_as_it_is),
		cmocka_unit_test(of_several_each_has_its_turn),
		cmocka_unit_test(the_environment_names_servers_too),
		cmocka_unit_test(what_is_said_of_the_session_counts),
		cmocka_unit_test(a_replica_is_a_standby_of_any_server_or_else_any_server),
		cmocka_unit_test(in_every_round_another_address_of_a_name_comes_first),
		cmocka_unit_test(what_cannot_be_taken_apart_is_left_to_libpq),
		cmocka_unit_test(servers_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
