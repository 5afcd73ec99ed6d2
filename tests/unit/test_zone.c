/* test_zone.c - clocks on the wall: leaps and overlaps, before and behind the tables, broken files */
#include <stdio.h>
#include <string.h>

#include "almanac/moment.h"
#include "almanac/zone.h"
#include "story.h"

#define SECOND_US INT64_C(1000000)

static int64_t seconds_of(const char *text)
{
	struct moment moment;

	assert_true(moment_parse(span_of(text), &moment));
	return moment_unix_us(&moment) / SECOND_US;
}

static const char *text_of(struct arena *arena, int64_t seconds)
{
	struct moment moment = moment_of_unix_us(seconds * SECOND_US);

	return arena_format(arena, "%04d-%02d-%02d %02d:%02d:%02d", moment.year, moment.month,
			    moment.day, moment.hour, moment.minute, moment.second);
}

static const struct zone *load(struct arena *arena, const char *name)
{
	const struct zone *zone = zone_load(arena, span_of(name));

	if (!zone)
		fail_msg("no zone %s", name);
	assert_true(span_is(zone_name(zone), name));
	return zone;
}

/* --- from the wall to UTC ------------------------------------------------------------------------ */

static const struct {
	const char *zone, *wall, *utc;
} walls[] = {
	{"UTC", "2026-07-01 12:00:00", "2026-07-01 12:00:00"},
	{"Europe/Madrid", "2026-01-15 09:00:00", "2026-01-15 08:00:00"},
	{"Europe/Madrid", "2026-07-15 09:00:00", "2026-07-15 07:00:00"},
	/* On 29 March 2:00 became 3:00: what was leapt over comes an hour later. */
	{"Europe/Madrid", "2026-03-29 01:59:59", "2026-03-29 00:59:59"},
	{"Europe/Madrid", "2026-03-29 02:00:00", "2026-03-29 01:00:00"},
	{"Europe/Madrid", "2026-03-29 02:30:00", "2026-03-29 01:30:00"},
	{"Europe/Madrid", "2026-03-29 02:59:59", "2026-03-29 01:59:59"},
	{"Europe/Madrid", "2026-03-29 03:00:00", "2026-03-29 01:00:00"},
	/* On 25 October 3:00 became 2:00: the first of both counts. */
	{"Europe/Madrid", "2026-10-25 01:59:59", "2026-10-24 23:59:59"},
	{"Europe/Madrid", "2026-10-25 02:00:00", "2026-10-25 00:00:00"},
	{"Europe/Madrid", "2026-10-25 02:59:59", "2026-10-25 00:59:59"},
	{"Europe/Madrid", "2026-10-25 03:00:00", "2026-10-25 02:00:00"},
	/* RFC 5545 section 3.3.5 has these two. */
	{"America/New_York", "2007-11-04 01:30:00", "2007-11-04 05:30:00"},
	{"America/New_York", "2007-03-11 02:30:00", "2007-03-11 07:30:00"},
	{"America/New_York", "2007-03-11 03:30:00", "2007-03-11 07:30:00"},
	/* Half an hour, in the south. */
	{"Australia/Lord_Howe", "2026-01-15 12:00:00", "2026-01-15 01:00:00"},
	{"Australia/Lord_Howe", "2026-07-15 12:00:00", "2026-07-15 01:30:00"},
	{"Australia/Lord_Howe", "2026-04-05 01:29:59", "2026-04-04 14:29:59"},
	{"Australia/Lord_Howe", "2026-04-05 01:30:00", "2026-04-04 14:30:00"},
	{"Australia/Lord_Howe", "2026-04-05 01:59:59", "2026-04-04 14:59:59"},
	{"Australia/Lord_Howe", "2026-04-05 02:00:00", "2026-04-04 15:30:00"},
	{"Australia/Lord_Howe", "2026-10-04 01:59:59", "2026-10-03 15:29:59"},
	{"Australia/Lord_Howe", "2026-10-04 02:15:00", "2026-10-03 15:45:00"},
	{"Australia/Lord_Howe", "2026-10-04 02:30:00", "2026-10-03 15:30:00"},
	{"Australia/Sydney", "2026-01-15 12:00:00", "2026-01-15 01:00:00"},
	{"Australia/Sydney", "2026-07-15 12:00:00", "2026-07-15 02:00:00"},
	{"America/Santiago", "2026-09-06 00:30:00", "2026-09-06 04:30:00"},
	/* Clocks that do not change, also by odd amounts. */
	{"Asia/Kolkata", "2026-03-29 02:30:00", "2026-03-28 21:00:00"},
	{"Asia/Kathmandu", "2026-07-15 12:00:00", "2026-07-15 06:15:00"},
	{"Pacific/Kiritimati", "2026-01-01 00:00:00", "2025-12-31 10:00:00"},
	{"Etc/GMT+12", "2026-01-01 00:00:00", "2026-01-01 12:00:00"},
	/* A whole day that Samoa leapt over. */
	{"Pacific/Apia", "2011-12-29 23:59:59", "2011-12-30 09:59:59"},
	{"Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 22:00:00"},
	{"Pacific/Apia", "2011-12-31 00:00:00", "2011-12-30 10:00:00"},
	/* Winter time is summer time less an hour. */
	{"Europe/Dublin", "2026-01-15 09:00:00", "2026-01-15 09:00:00"},
	{"Europe/Dublin", "2026-07-15 09:00:00", "2026-07-15 08:00:00"},
	/* Before 1970, and before there were zones. */
	{"Europe/Madrid", "1940-01-01 12:00:00", "1940-01-01 12:00:00"},
	{"Europe/Madrid", "1960-07-01 12:00:00", "1960-07-01 11:00:00"},
	{"America/New_York", "1943-01-15 12:00:00", "1943-01-15 16:00:00"},
	{"America/New_York", "1850-01-01 12:00:00", "1850-01-01 16:56:02"},
	{"America/New_York", "0001-01-01 12:00:00", "0001-01-01 16:56:02"},
	/* Behind 2037, where the tables end and the rule goes on. */
	{"Europe/Madrid", "2038-01-15 09:00:00", "2038-01-15 08:00:00"},
	{"Europe/Madrid", "2038-07-15 09:00:00", "2038-07-15 07:00:00"},
	{"Europe/Madrid", "2050-03-27 02:30:00", "2050-03-27 01:30:00"},
	{"Europe/Madrid", "2050-10-30 02:30:00", "2050-10-30 00:30:00"},
	{"Europe/Madrid", "2500-07-01 09:00:00", "2500-07-01 07:00:00"},
	{"Europe/Madrid", "9999-07-01 09:00:00", "9999-07-01 07:00:00"},
	{"Australia/Sydney", "2100-01-15 12:00:00", "2100-01-15 01:00:00"},
	{"Asia/Kolkata", "3000-01-01 05:30:00", "3000-01-01 00:00:00"},
};

static void walls_become_instants(void **state)
{
	for (size_t i = 0; i < LENGTH(walls); i++) {
		const struct zone *zone = load(*state, walls[i].zone);
		int64_t unix_s = zone_unix_s(zone, seconds_of(walls[i].wall));

		if (strcmp(text_of(*state, unix_s), walls[i].utc) != 0)
			fail_msg("%s in %s is %s", walls[i].wall, walls[i].zone,
				 text_of(*state, unix_s));
	}
}

/* --- and back ------------------------------------------------------------------------------------ */

static void instants_become_walls(void **state)
{
	const struct zone *madrid = load(*state, "Europe/Madrid");
	int64_t leap = seconds_of("2026-03-29 01:00:00");
	int64_t back = seconds_of("2026-10-25 01:00:00");

	assert_int_equal(zone_offset_s(madrid, leap - 1), 3600);
	assert_int_equal(zone_offset_s(madrid, leap), 7200);
	assert_int_equal(zone_offset_s(madrid, back - 1), 7200);
	assert_int_equal(zone_offset_s(madrid, back), 3600);
	assert_string_equal(text_of(*state, zone_wall_s(madrid, leap)), "2026-03-29 03:00:00");
	assert_string_equal(text_of(*state, zone_wall_s(madrid, back)), "2026-10-25 02:00:00");
	assert_int_equal(zone_offset_s(zone_utc(), leap), 0);
}

/* In 15 minutes' steps over the changes of some years and zones: what the wall shows at an instant is
 * shown at that instant, or was before. */
static void both_ways_agree(void **state)
{
	static const char *const zones[] = {"Europe/Madrid",       "America/New_York",
					    "Australia/Lord_Howe", "America/Santiago",
					    "Africa/Casablanca",   "Antarctica/Troll"};
	static const char *const years[] = {"1975-01-01", "2026-01-01", "2044-01-01", "2799-01-01"};

	for (size_t i = 0; i < LENGTH(zones) * LENGTH(years); i++) {
		const struct zone *zone = load(*state, zones[i % LENGTH(zones)]);
		int64_t unix_s = seconds_of(years[i / LENGTH(zones)]);

		for (int step = 0; step < 4 * 24 * 366; step++, unix_s += 900) {
			int64_t wall_s = zone_wall_s(zone, unix_s);
			int64_t again_s = zone_unix_s(zone, wall_s);

			assert_true(again_s <= unix_s && zone_wall_s(zone, again_s) == wall_s);
		}
	}
}

/* --- rules ---------------------------------------------------------------------------------------- */

static const struct {
	const char *rule, *wall, *utc;
} by_rules[] = {
	{"UTC0", "2026-07-01 12:00:00", "2026-07-01 12:00:00"},
	{"EST5", "2026-07-01 12:00:00", "2026-07-01 17:00:00"},
	{"<+0545>-5:45", "2026-07-01 12:00:00", "2026-07-01 06:15:00"},
	{"<-03>3", "2026-07-01 12:00:00", "2026-07-01 15:00:00"},
	{"LMT-0:14:44", "2026-07-01 12:00:00", "2026-07-01 11:45:16"},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29 02:30:00", "2026-03-29 01:30:00"},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25 02:30:00", "2026-10-25 00:30:00"},
	{"CET-1CEST,M3.5.0,M10.5.0/3", "1899-07-01 12:00:00", "1899-07-01 11:00:00"},
	{"EST5EDT,M3.2.0,M11.1.0", "2026-03-08 02:30:00", "2026-03-08 07:30:00"},
	{"EST5EDT4,M3.2.0/2:00:00,M11.1.0/+2", "2026-07-01 12:00:00", "2026-07-01 16:00:00"},
	{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-15 12:00:00", "2026-01-15 01:00:00"},
	/* Ireland: the time that is not standard lies behind. */
	{"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-15 12:00:00", "2026-01-15 12:00:00"},
	{"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-15 12:00:00", "2026-07-15 11:00:00"},
	/* Hours below zero and beyond a day. */
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-28 22:59:00", "2026-03-29 00:59:00"},
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-28 23:30:00", "2026-03-29 01:30:00"},
	{"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28 01:59:00", "2026-03-27 23:59:00"},
	{"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28 03:00:00", "2026-03-28 00:00:00"},
	/* Days of the year, with and without 29 February. */
	{"AAA0BBB,J60/0,J305/0", "2028-02-29 12:00:00", "2028-02-29 12:00:00"},
	{"AAA0BBB,J60/0,J305/0", "2028-03-01 12:00:00", "2028-03-01 11:00:00"},
	{"AAA0BBB,59/0,J305/0", "2028-02-29 12:00:00", "2028-02-29 11:00:00"},
	{"AAA0BBB,59/0,J305/0", "2027-03-01 12:00:00", "2027-03-01 11:00:00"},
	{"AAA0BBB,0/0,J365/0", "2027-06-01 12:00:00", "2027-06-01 11:00:00"},
	/* Daylight time that never ends (RFC 8536 section 3.3.1). */
	{"EST5EDT,0/0,J365/25", "2026-01-01 12:00:00", "2026-01-01 16:00:00"},
	{"EST5EDT,0/0,J365/25", "2026-12-31 23:59:59", "2027-01-01 03:59:59"},
	{"EST5EDT,0/0,J365/25", "2027-01-01 00:00:00", "2027-01-01 04:00:00"},
};

static void rules_are_followed(void **state)
{
	for (size_t i = 0; i < LENGTH(by_rules); i++) {
		const struct zone *zone =
			zone_of_rule(*state, SPAN("test"), span_of(by_rules[i].rule));
		const char *utc;

		if (!zone)
			fail_msg("%s is refused", by_rules[i].rule);
		utc = text_of(*state, zone_unix_s(zone, seconds_of(by_rules[i].wall)));
		if (strcmp(utc, by_rules[i].utc) != 0)
			fail_msg("%s by %s is %s", by_rules[i].wall, by_rules[i].rule, utc);
	}
}

static void bad_rules_are_refused(void **state)
{
	static const char *const bad[] = {"",
					  "5",
					  "ES5",
					  "EST",
					  "EST25",
					  "EST5:60",
					  "<+1>1",
					  "<+01",
					  "EST5EDT",
					  "EST5EDT,",
					  "EST5EDT,M3.2.0",
					  "EST5EDT,M3.2.0,",
					  "EST5EDT,M13.2.0,M11.1.0",
					  "EST5EDT,M3.6.0,M11.1.0",
					  "EST5EDT,M3.0.0,M11.1.0",
					  "EST5EDT,M3.2.7,M11.1.0",
					  "EST5EDT,M3.2,M11.1.0",
					  "EST5EDT,J0,J100",
					  "EST5EDT,J366,J100",
					  "EST5EDT,366,J100",
					  "EST5EDT,M3.2.0/168,M11.1.0",
					  "EST5EDT,M3.2.0,M11.1.0 ",
					  "EST5EDT,M3.2.0,M11.1.0,M1.1.1"};

	for (size_t i = 0; i < LENGTH(bad); i++)
		if (zone_of_rule(*state, SPAN("test"), span_of(bad[i])))
			fail_msg("taken: \"%s\"", bad[i]);
}

static void changes_make_a_zone(void **state)
{
	static const struct zone_change changes[] = {{1000, 7200}, {50000, -3600}};
	const struct zone *zone =
		zone_of_changes(*state, SPAN("mine"), 3600, changes, LENGTH(changes));

	assert_int_equal(zone_offset_s(zone, 999), 3600);
	assert_int_equal(zone_offset_s(zone, 1000), 7200);
	assert_int_equal(zone_offset_s(zone, 50000), -3600);
	assert_int_equal(zone_unix_s(zone, 4599), 999);
	assert_int_equal(zone_unix_s(zone, 5000), 1400);
	assert_int_equal(zone_unix_s(zone, 57199), 49999);
	assert_int_equal(zone_unix_s(zone, 50000), 42800);
	assert_true(span_is(zone_name(zone), "mine"));
}

/* --- names ----------------------------------------------------------------------------------------- */

static void names_lead_nowhere_else(void **state)
{
	static const char *const bad[] = {
		"",
		"Nowhere/Town",
		"europe/madrid",
		"/etc/passwd",
		"../../../etc/passwd",
		"Europe/../Europe/Madrid",
		"Europe//Madrid",
		"Europe/Madrid/",
		"Europe",
		".",
		"zone.tab",
		"tzdata.zi",
		"Europe/Madrid ",
		"Europe\\Madrid",
		"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < LENGTH(bad); i++)
		if (zone_load(*state, span_of(bad[i])))
			fail_msg("taken: \"%s\"", bad[i]);
	assert_null(zone_load(*state, (struct span){"UTC\0x", 5}));
	assert_null(zone_load(*state, (struct span){NULL, 0}));
	assert_non_null(zone_load(*state, SPAN("America/Argentina/Buenos_Aires")));
}

static void windows_names_are_known(void **state)
{
	static const char *const names[][2] = {
		{"W. Europe Standard Time", "Europe/Berlin"},
		{"Romance Standard Time", "Europe/Paris"},
		{"GMT Standard Time", "Europe/London"},
		{"Eastern Standard Time", "America/New_York"},
		{"pacific standard time", "America/Los_Angeles"},
		{"Tokyo Standard Time", "Asia/Tokyo"},
		{"AUS Eastern Standard Time", "Australia/Sydney"},
		{"Afghanistan Standard Time", "Asia/Kabul"},
		{"Yukon Standard Time", "America/Whitehorse"},
		{"UTC", "Etc/UTC"},
	};

	for (size_t i = 0; i < LENGTH(names); i++) {
		const char *name = zone_name_of_windows(span_of(names[i][0]));

		assert_non_null(name);
		if (strcmp(names[i][0], "UTC") != 0)
			assert_string_equal(name, names[i][1]);
		(void)load(*state, name);
	}
	assert_null(zone_name_of_windows(SPAN("Europe/Madrid")));
	assert_null(zone_name_of_windows(SPAN("")));
	assert_null(zone_name_of_windows(SPAN("Middle-earth Standard Time")));
}

/* --- files ------------------------------------------------------------------------------------------ */

/* A small file of version 2: the first block is empty, the second has two changes. */
#define HEADER(version, changes, types, names)                                                     \
	"TZif" version "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                            \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" changes "\0\0\0" types "\0\0\0" names
#define DATA                                                                                       \
	"\0\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\x07\xd0\1\0"                                             \
	"\0\0\x0e\x10\0\0\0\0\x1c\x20\1\4"                                                         \
	"AAA\0BBB\0"
#define GOOD HEADER("2", "\0", "\1", "\1") "\0\0\0\0\0\0\0" HEADER("2", "\2", "\2", "\x8") DATA
#define BYTES(text)                                                                                \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
#define FILE_OF(text) ((struct span)BYTES(text))

static void a_file_is_read(void **state)
{
	const struct zone *zone = zone_read(*state, SPAN("good"), FILE_OF(GOOD "\nAAA-1\n"));

	assert_non_null(zone);
	assert_int_equal(zone_offset_s(zone, 999), 3600);
	assert_int_equal(zone_offset_s(zone, 1000), 7200);
	assert_int_equal(zone_offset_s(zone, 2000), 3600);
	assert_non_null(zone_read(*state, SPAN("no rule"), FILE_OF(GOOD "\n\n")));
}

static void a_cut_file_is_refused(void **state)
{
	static const char good[] = GOOD "\nAAA-1\n";

	for (size_t length = 0; length < sizeof(good) - 1; length++)
		assert_null(zone_read(*state, SPAN("cut"), (struct span){good, length}));
}

static void broken_files_are_refused(void **state)
{
	static const struct span bad[] = {
		/* no newline; a bad rule; a type that is not there; changes that do not ascend */
		BYTES(GOOD "AAA-1\n"),
		BYTES(GOOD "\nnonsense\n"),
		BYTES(HEADER("1", "\1", "\1", "\0") "\0\0\0\1\7\0\0\0\0\0\0"),
		BYTES(HEADER("1", "\2", "\1", "\0") "\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0"),
		/* an offset of more than a day; no types at all; no such magic */
		BYTES(HEADER("1", "\0", "\1", "\0") "\0\2\0\0\0\0"),
		BYTES(HEADER("1", "\0", "\0", "\0")),
		BYTES("TZIF" HEADER("1", "\0", "\1", "\0") "\0\0\0\0\0\0"),
	};

	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_null(zone_read(*state, SPAN("bad"), bad[i]));
	assert_non_null(
		zone_read(*state, SPAN("good"),
			  FILE_OF(HEADER("1", "\1", "\1", "\0") "\0\0\0\1\0\0\0\x0e\x10\0\0")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(walls_become_instants),    ARENA_TEST(instants_become_walls),
		ARENA_TEST(both_ways_agree),          ARENA_TEST(rules_are_followed),
		ARENA_TEST(bad_rules_are_refused),    ARENA_TEST(changes_make_a_zone),
		ARENA_TEST(names_lead_nowhere_else),  ARENA_TEST(windows_names_are_known),
		ARENA_TEST(a_file_is_read),           ARENA_TEST(a_cut_file_is_refused),
		ARENA_TEST(broken_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
