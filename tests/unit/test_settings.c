/* test_settings.c - the environment, .env, wrong values, secrets, and what is told of them */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "almanac/settings.h"
#include "story.h"

#define COMPLAINT_MAX 16384

/* A .env of the test's own. */
static char dotenv[] = "/tmp/almanac-test-settings-XXXXXX";

static int make_dotenv(void **state)
{
	int file = mkstemp(dotenv);

	(void)state;
	return file < 0 || close(file) != 0;
}

static int remove_dotenv(void **state)
{
	(void)state;
	return unlink(dotenv);
}

static void write_dotenv(struct span text)
{
	FILE *file = fopen(dotenv, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text.bytes, 1, text.length, file), text.length);
	assert_int_equal(fclose(file), 0);
}

static struct settings *load(const char *const *environment, const char *path)
{
	struct settings *settings;
	struct str complaint;

	str_init(&complaint, COMPLAINT_MAX);
	settings = settings_load(environment, path, &complaint);
	if (!settings)
		fail_msg("refused: %s", str_text(&complaint));
	assert_int_equal(complaint.length, 0);
	str_finish(&complaint);
	return settings;
}

static struct settings *load_dotenv(const char *text)
{
	static const char *const nothing[] = {NULL};

	write_dotenv(span_of(text));
	return load(nothing, dotenv);
}

/* "%s" in `expected` stands for the path of .env. */
static void assert_refused(const char *const *environment, struct span text, const char *expected)
{
	struct str complaint, wanted;

	write_dotenv(text);
	str_init(&complaint, COMPLAINT_MAX);
	str_init(&wanted, COMPLAINT_MAX);
	for (const char *at = expected; *at; at++) {
		if (at[0] == '%' && at[1] == 's')
			str_append_text(&wanted, dotenv);
		else if (at[0] != 's' || at == expected || at[-1] != '%')
			str_append_char(&wanted, *at);
	}
	assert_null(settings_load(environment, dotenv, &complaint));
	assert_string_equal(str_text(&complaint), str_text(&wanted));
	str_finish(&complaint);
	str_finish(&wanted);
}

/* --- good values ------------------------------------------------------------------------------- */

static void without_anything_the_defaults_stand(void **state)
{
	struct settings *settings = load(NULL, NULL);
	struct str summary;

	(void)state;
	str_init(&summary, 1000);
	assert_string_equal(settings_text(settings, SETTING_HTTP_ADDRESS), "127.0.0.1");
	assert_int_equal(settings_number(settings, SETTING_HTTP_PORT), 8000);
	assert_true(settings_flag(settings, SETTING_DEMO_PROVIDER));
	assert_false(settings_flag(settings, SETTING_ALLOW_ANONYMOUS));
	assert_int_equal(settings_choice(settings, SETTING_LOG_LEVEL), 1);
	assert_int_equal(settings_choice(settings, SETTING_LOG_FORMAT), 0);
	assert_string_equal(settings_text(settings, SETTING_DATABASE_URL), "");
	assert_string_equal(settings_database(settings), "");
	settings_summary(settings, &summary);
	assert_string_equal(str_text(&summary), "");
	str_finish(&summary);
	settings_destroy(settings);
	settings_destroy(NULL);
}

static void the_environment_is_read(void **state)
{
	static const char *const environment[] = {
		"PATH=/bin",       "HTTP_PORT=65535", "NO_EQUALS_SIGN", "=x", "DEMO_PROVIDER=no",
		"LOG_LEVEL=error", "SPOOL_DIR=/a=b",  "http_threads=3", NULL,
	};
	struct settings *settings = load(environment, "/nowhere/at/all/.env");

	(void)state;
	assert_int_equal(settings_number(settings, SETTING_HTTP_PORT), 65535);
	assert_false(settings_flag(settings, SETTING_DEMO_PROVIDER));
	assert_int_equal(settings_choice(settings, SETTING_LOG_LEVEL), 3);
	assert_string_equal(settings_text(settings, SETTING_SPOOL_DIR), "/a=b");
	assert_int_equal(settings_number(settings, SETTING_HTTP_THREADS), 0);
	settings_destroy(settings);
}

static void flags_have_several_spellings(void **state)
{
	static const char *const words[] = {"1", "true", "yes", "on", "0", "false", "no", "off"};

	(void)state;
	for (size_t i = 0; i < LENGTH(words); i++) {
		char line[64];
		const char *const environment[] = {line, NULL};
		struct settings *settings;

		snprintf(line, sizeof(line), "ALLOW_ANONYMOUS=%s", words[i]);
		settings = load(environment, NULL);
		assert_int_equal(settings_flag(settings, SETTING_ALLOW_ANONYMOUS), i < 4);
		settings_destroy(settings);
	}
}

static void an_empty_value_counts_as_not_set(void **state)
{
	static const char *const environment[] = {
		"HTTP_PORT=", "HTTP_ADDRESS=", "LOG_LEVEL=", NULL};
	struct settings *settings;

	(void)state;
	write_dotenv(SPAN("HTTP_PORT=8123\nLOG_FORMAT=\nHTTP_THREADS=\"\"\n"));
	settings = load(environment, dotenv);
	assert_int_equal(settings_number(settings, SETTING_HTTP_PORT), 8123);
	assert_string_equal(settings_text(settings, SETTING_HTTP_ADDRESS), "127.0.0.1");
	assert_int_equal(settings_choice(settings, SETTING_LOG_LEVEL), 1);
	assert_int_equal(settings_number(settings, SETTING_HTTP_THREADS), 0);
	settings_destroy(settings);
}

static void the_environment_goes_before_dotenv(void **state)
{
	static const char *const environment[] = {"HTTP_PORT=81", NULL};
	struct settings *settings;

	(void)state;
	write_dotenv(SPAN("HTTP_PORT=not a port\nHTTP_THREADS=2\nHTTP_THREADS=3\n"));
	settings = load(environment, dotenv);
	assert_int_equal(settings_number(settings, SETTING_HTTP_PORT), 81);
	assert_int_equal(settings_number(settings, SETTING_HTTP_THREADS), 3);
	settings_destroy(settings);
}

/* --- .env -------------------------------------------------------------------------------------- */

static void dotenv_values_are_unquoted(void **state)
{
	static const char *const pairs[][2] = {
		{"SPOOL_DIR=/a b", "/a b"},
		{"  SPOOL_DIR =  /a  ", "/a"},
		{"export SPOOL_DIR=/a", "/a"},
		{"export   SPOOL_DIR=/a", "/a"},
		{"SPOOL_DIR=\"/a b\"", "/a b"},
		{"SPOOL_DIR=' /a '", " /a "},
		{"SPOOL_DIR=\"it's\"", "it's"},
		{"SPOOL_DIR='a # b'  # c", "a # b"},
		{"SPOOL_DIR=\"a\"# c", "a"},
		{"SPOOL_DIR=/a # b", "/a"},
		{"SPOOL_DIR=/a\t# b # c", "/a"},
		{"SPOOL_DIR=/a#b", "/a#b"},
		{"SPOOL_DIR=# b", ""},
		{"SPOOL_DIR=a=b", "a=b"},
		{"SPOOL_DIR=a\"b", "a\"b"},
		{"SPOOL_DIR=/a\r", "/a"},
		{"\xc3\xa9=1\n\n# c = d\n  # e\n\t\nSPOOL_DIR=/a", "/a"},
		{"SPOOL_DIR=/a\n", "/a"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(pairs); i++) {
		struct settings *settings = load_dotenv(pairs[i][0]);

		if (strcmp(settings_text(settings, SETTING_SPOOL_DIR), pairs[i][1]) != 0)
			fail_msg("misread: %s", pairs[i][0]);
		settings_destroy(settings);
	}
}

static void malformed_lines_are_named(void **state)
{
	static const char rule[] = "must be NAME=value, a comment or empty\n";
	struct str expected;

	(void)state;
	str_init(&expected, 1000);
	str_format(&expected, "%%s:2: %s%%s:4: %s%%s:5: %s", rule, rule, rule);
	assert_refused(NULL, (struct span){"A=1\nHTTP_PORT 80\n\n=x\nA=\0\n", 25},
		       str_text(&expected));
	str_finish(&expected);
	assert_refused(NULL, SPAN("\n\nSPOOL_DIR=\"/a\n"),
		       "%s:3: a quote must be closed at the end of the value\n");
	assert_refused(NULL, SPAN("SPOOL_DIR='a'b"),
		       "%s:1: a quote must be closed at the end of the value\n");
	assert_refused(NULL, SPAN("SPOOL_DIR='"),
		       "%s:1: a quote must be closed at the end of the value\n");
}

static void a_dotenv_that_cannot_be_read_is_told(void **state)
{
	struct str complaint, large;
	char folder[] = "/tmp";

	(void)state;
	str_init(&complaint, COMPLAINT_MAX);
	assert_null(settings_load(NULL, folder, &complaint));
	assert_string_equal(str_text(&complaint),
			    "/tmp: cannot be read, or is larger than 64 KiB\n");
	str_clear(&complaint);
	assert_null(settings_load(NULL, "/dev/null/.env", &complaint));
	assert_string_equal(str_text(&complaint), "/dev/null/.env: Not a directory\n");
	str_finish(&complaint);
	str_init(&large, 100000);
	while (large.length < 65536)
		str_append_text(&large, "# nothing\n");
	assert_refused(NULL, str_span(&large), "%s: cannot be read, or is larger than 64 KiB\n");
	str_finish(&large);
}

/* --- wrong values ------------------------------------------------------------------------------ */

static void wrong_numbers_are_refused(void **state)
{
	static const char *const values[] = {"65536",    "-1",  "abc",
					     "80a",      "1.5", " 80",
					     "0x50",     "+1",  "99999999999999999999",
					     "8000 9000"};
	char line[64], expected[200];
	const char *const environment[] = {line, NULL};

	(void)state;
	for (size_t i = 0; i < LENGTH(values); i++) {
		snprintf(line, sizeof(line), "HTTP_PORT=%s", values[i]);
		snprintf(expected, sizeof(expected),
			 "HTTP_PORT=%s: must be a whole number from 0 to 65535 (environment)\n",
			 values[i]);
		assert_refused(environment, SPAN(""), expected);
	}
}

static void wrong_words_are_refused(void **state)
{
	static const char *const environment[] = {"LOG_LEVEL=INFO", "DEMO_PROVIDER=TRUE",
						  "LOG_FORMAT=xml", NULL};

	(void)state;
	assert_refused(environment, SPAN(""),
		       "DEMO_PROVIDER=TRUE: must be 1 or 0 (also true, false, yes, no, on, off) "
		       "(environment)\n"
		       "LOG_LEVEL=INFO: must be one of debug, info, warn, error (environment)\n"
		       "LOG_FORMAT=xml: must be one of logfmt, json (environment)\n");
	assert_refused(NULL, SPAN("\nHTTP_PORT=1\nLOG_LEVEL=loud"),
		       "LOG_LEVEL=loud: must be one of debug, info, warn, error (%s:3)\n");
}

static void wrong_texts_are_refused(void **state)
{
	static const char *const long_address[] = {
		"HTTP_ADDRESS=0123456789012345678901234567890123456789012345678901234567890123x",
		NULL};
	static const char *const bad_text[] = {"SPOOL_DIR=/\xff\n\x1b[1m", NULL};

	(void)state;
	assert_refused(
		long_address, SPAN(""),
		"HTTP_ADDRESS=0123456789012345678901234567890123456789012345678901234567890123x: "
		"must be text of 1 to 64 bytes (environment)\n");
	assert_refused(bad_text, SPAN(""),
		       "SPOOL_DIR=/???[1m: must be text of 0 to 1000 bytes (environment)\n");
}

static void secrets_are_never_shown(void **state)
{
	struct str url, complaint, summary;
	const char *environment[] = {NULL, "DB_PASSWORD=hush-hush", NULL};
	struct settings *settings;

	(void)state;
	str_init(&url, 4000);
	str_append_text(&url, "DATABASE_URL=");
	while (url.length < 2100)
		str_append_text(&url, "hush-hush");
	environment[0] = str_text(&url);
	str_init(&complaint, COMPLAINT_MAX);
	assert_null(settings_load((const char *const *)environment, NULL, &complaint));
	assert_string_equal(str_text(&complaint),
			    "DATABASE_URL=***: must be text of 0 to 2000 bytes (environment)\n");
	str_finish(&complaint);
	str_finish(&url);

	environment[0] = "DATABASE_URL=postgresql://me:hush-hush@db/x";
	settings = load((const char *const *)environment, NULL);
	str_init(&summary, 1000);
	settings_summary(settings, &summary);
	assert_string_equal(str_text(&summary), "DATABASE_URL=*** DB_PASSWORD=***");
	str_finish(&summary);
	settings_destroy(settings);
}

/* A value longer than the complaint may be is still refused, in a line of its own. */
static void endless_values_are_refused(void **state)
{
	static const char *const names[] = {"LOG_LEVEL=", "HTTP_PORT=", "SPOOL_DIR="};

	(void)state;
	for (size_t i = 0; i < LENGTH(names); i++) {
		struct str line, complaint;

		str_init(&line, 100000);
		str_append_text(&line, names[i]);
		while (line.length < 90000)
			str_append_char(&line, 'x');
		for (size_t most = 0; most < 1000; most += 333) {
			const char *const environment[] = {str_text(&line), NULL};

			str_init(&complaint, most);
			assert_null(settings_load(environment, NULL, &complaint));
			str_finish(&complaint);
		}
		str_finish(&line);
	}
}

/* --- the database ------------------------------------------------------------------------------ */

static void assert_database(const char *text, const char *conninfo)
{
	struct settings *settings = load_dotenv(text);

	assert_string_equal(settings_database(settings), conninfo);
	settings_destroy(settings);
}

static void the_conninfo_is_composed(void **state)
{
	(void)state;
	assert_database("DB_HOST=db", "host='db'");
	assert_database("DB_NAME=x\nDB_PASSWORD=p\nDB_USER=u\nDB_PORT=5433\nDB_HOST=/run/pg",
			"host='/run/pg' port='5433' user='u' password='p' dbname='x'");
	assert_database("DB_PASSWORD=a'b\\c d\nDB_USER=me", "user='me' password='a\\'b\\\\c d'");
	assert_database("DATABASE_URL=postgresql://x/y\nDB_HOST=db", "postgresql://x/y");
	assert_database("DATABASE_URL=host=a user=b", "host=a user=b");
}

/* --- what is told ------------------------------------------------------------------------------ */

static void the_example_is_read_as_the_defaults(void **state)
{
	struct str example, summary;
	struct settings *settings;

	(void)state;
	str_init(&example, 65536);
	settings_example(&example);
	assert_non_null(strstr(str_text(&example),
			       "\n# port to listen on; 0: any free one, told in the log;\n"
			       "# a whole number from 0 to 65535.\nHTTP_PORT=8000\n"));
	settings = load_dotenv(str_text(&example));
	str_init(&summary, 1000);
	settings_summary(settings, &summary);
	assert_string_equal(str_text(&summary), "");
	settings_destroy(settings);
	str_finish(&summary);
	str_finish(&example);
}

static void the_help_names_every_setting(void **state)
{
	struct str help, example;
	struct span rest, line, name;
	size_t count = 0;

	(void)state;
	str_init(&help, 65536);
	settings_help(&help);
	assert_false(help.has_overflowed);
	str_init(&example, 65536);
	settings_example(&example);
	rest = str_span(&example);
	while (span_split(&rest, '\n', &line)) {
		char wanted[100];

		if (line.length == 0 || *line.bytes == '#')
			continue;
		assert_true(span_split(&line, '=', &name));
		snprintf(wanted, sizeof(wanted), "\n  %.*s=", (int)name.length, name.bytes);
		assert_non_null(strstr(str_text(&help), wanted));
		count++;
	}
	assert_int_equal(count, SETTING_COUNT);
	str_finish(&example);
	str_finish(&help);
}

static void the_summary_lists_what_differs(void **state)
{
	struct settings *settings = load_dotenv("HTTP_PORT=9000\nLOG_LEVEL=info\nSPOOL_DIR=/a b");
	struct str summary;

	(void)state;
	str_init(&summary, 1000);
	settings_summary(settings, &summary);
	assert_string_equal(str_text(&summary), "HTTP_PORT=9000 SPOOL_DIR=/a b");
	str_finish(&summary);
	settings_destroy(settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_anything_the_defaults_stand),
		cmocka_unit_test(the_environment_is_read),
		cmocka_unit_test(flags_have_several_spellings),
		cmocka_unit_test(an_empty_value_counts_as_not_set),
		cmocka_unit_test(the_environment_goes_before_dotenv),
		cmocka_unit_test(dotenv_values_are_unquoted),
		cmocka_unit_test(malformed_lines_are_named),
		cmocka_unit_test(a_dotenv_that_cannot_be_read_is_told),
		cmocka_unit_test(wrong_numbers_are_refused),
		cmocka_unit_test(wrong_words_are_refused),
		cmocka_unit_test(wrong_texts_are_refused),
		cmocka_unit_test(secrets_are_never_shown),
		cmocka_unit_test(endless_values_are_refused),
		cmocka_unit_test(the_conninfo_is_composed),
		cmocka_unit_test(the_example_is_read_as_the_defaults),
		cmocka_unit_test(the_help_names_every_setting),
		cmocka_unit_test(the_summary_lists_what_differs),
	};

	return cmocka_run_group_tests(tests, make_dotenv, remove_dotenv);
}
