/* test_recurrence.c - recurrence rules: the examples of RFC 5545, what is refused, hostile ones, and
 * random ones against a slow reading of the definition */
#include <stdio.h>
#include <string.h>

#include "almanac/moment.h"
#include "almanac/recurrence.h"
#include "almanac/zone.h"
#include "story.h"

#define DAY_S INT64_C(86400)
#define SECOND_US INT64_C(1000000)
#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)
#define STORY_MAX (1 << 20)

/* --- helpers --------------------------------------------------------------------------------- */

static int64_t wall_of(const char *text)
{
	struct moment moment;

	assert_true(moment_parse(span_of(text), &moment));
	return moment_unix_us(&moment) / SECOND_US;
}

static void write_wall(struct str *story, int64_t wall_s)
{
	struct moment moment = moment_of_unix_us(wall_s * SECOND_US);

	str_format(story, "%s%04d%02d%02dT%02d%02d%02d", story->length > 0 ? " " : "", moment.year,
		   moment.month, moment.day, moment.hour, moment.minute, moment.second);
}

static struct rule rule_of(const char *text)
{
	struct rule rule;
	const char *complaint;

	if (!rule_read(span_of(text), &rule, &complaint))
		fail_msg("%s: %s", text, complaint);
	return rule;
}

/* At most `count` occurrences, as text. */
static void tell_walk(struct rule_walk *walk, size_t count, struct str *story)
{
	int64_t wall_s;

	str_init(story, STORY_MAX);
	while (count-- > 0 && rule_walk_next(walk, &wall_s))
		write_wall(story, wall_s);
}

static size_t count_words(const char *text)
{
	size_t words = 0;

	for (const char *c = text; *c; c++)
		if (*c != ' ' && (c == text || c[-1] == ' '))
			words++;
	return words;
}

/* --- the examples of RFC 5545 section 3.8.5.3 -------------------------------------------------- */

/* "19970902" stands for that day at the time of the start, "19970902..19970911" for each day of
 * them. At the end, "…" says that the rule goes on. */
struct example {
	const char *start, *rule, *expected;
};

static const struct example of_rfc[] = {
	{"19970902T090000", "FREQ=DAILY;COUNT=10", "19970902..19970911"},
	{"19970902T090000", "FREQ=DAILY;UNTIL=19971224T000000Z", "19970902..19971223"},
	{"19970902T090000", "FREQ=DAILY;INTERVAL=2",
	 "19970902 19970904 19970906 19970908 19970910 19970912 19970914 19970916 19970918 19970920 "
	 "19970922 19970924 19970926 19970928 19970930 19971002 19971004 …"},
	{"19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5",
	 "19970902 19970912 19970922 19971002 19971012"},
	{"19980101T090000",
	 "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
	 "19980101..19980131 19990101..19990131 20000101..20000131"},
	{"19980101T090000", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
	 "19980101..19980131 19990101..19990131 20000101..20000131"},
	{"19970902T090000", "FREQ=WEEKLY;COUNT=10",
	 "19970902 19970909 19970916 19970923 19970930 19971007 19971014 19971021 19971028 19971104"},
	{"19970902T090000", "FREQ=WEEKLY;UNTIL=19971224T000000Z",
	 "19970902 19970909 19970916 19970923 19970930 19971007 19971014 19971021 19971028 19971104 "
	 "19971111 19971118 19971125 19971202 19971209 19971216 19971223"},
	{"19970902T090000", "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
	 "19970902 19970916 19970930 19971014 19971028 19971111 19971125 19971209 19971223 19980106 "
	 "19980120 19980203 19980217 …"},
	{"19970902T090000", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
	 "19970902 19970904 19970909 19970911 19970916 19970918 19970923 19970925 19970930 19971002"},
	{"19970902T090000", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
	 "19970902 19970904 19970909 19970911 19970916 19970918 19970923 19970925 19970930 19971002"},
	{"19970901T090000", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
	 "19970901 19970903 19970905 19970915 19970917 19970919 19970929 19971001 19971003 19971013 "
	 "19971015 19971017 19971027 19971029 19971031 19971110 19971112 19971114 19971124 19971126 "
	 "19971128 19971208 19971210 19971212 19971222"},
	{"19970902T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
	 "19970902 19970904 19970916 19970918 19970930 19971002 19971014 19971016"},
	{"19970905T090000", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
	 "19970905 19971003 19971107 19971205 19980102 19980206 19980306 19980403 19980501 19980605"},
	{"19970905T090000", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
	 "19970905 19971003 19971107 19971205"},
	{"19970907T090000", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
	 "19970907 19970928 19971102 19971130 19980104 19980125 19980301 19980329 19980503 19980531"},
	{"19970922T090000", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
	 "19970922 19971020 19971117 19971222 19980119 19980216"},
	{"19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3",
	 "19970928 19971029 19971128 19971229 19980129 19980226 …"},
	{"19970902T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
	 "19970902 19970915 19971002 19971015 19971102 19971115 19971202 19971215 19980102 19980115"},
	{"19970930T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
	 "19970930 19971001 19971031 19971101 19971130 19971201 19971231 19980101 19980131 19980201"},
	{"19970910T090000", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
	 "19970910..19970915 19990310..19990313"},
	{"19970902T090000", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
	 "19970902 19970909 19970916 19970923 19970930 19971104 19971111 19971118 19971125 19980106 "
	 "19980113 19980120 19980127 19980303 19980310 19980317 19980324 19980331 …"},
	{"19970610T090000", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
	 "19970610 19970710 19980610 19980710 19990610 19990710 20000610 20000710 20010610 20010710"},
	{"19970310T090000", "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
	 "19970310 19990110 19990210 19990310 20010110 20010210 20010310 20030110 20030210 20030310"},
	{"19970101T090000", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
	 "19970101 19970410 19970719 20000101 20000409 20000718 20030101 20030410 20030719 20060101"},
	{"19970519T090000", "FREQ=YEARLY;BYDAY=20MO", "19970519 19980518 19990517 …"},
	{"19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "19970512 19980511 19990517 …"},
	{"19970313T090000", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
	 "19970313 19970320 19970327 19980305 19980312 19980319 19980326 19990304 19990311 19990318 "
	 "19990325 …"},
	{"19970605T090000", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
	 "19970605 19970612 19970619 19970626 19970703 19970710 19970717 19970724 19970731 19970807 "
	 "19970814 19970821 19970828 19980604 19980611 19980618 19980625 19980702 19980709 19980716 "
	 "19980723 19980730 19980806 19980813 19980820 19980827 19990603 19990610 19990617 19990624 "
	 "19990701 19990708 19990715 19990722 19990729 19990805 19990812 19990819 19990826 …"},
	/* There the start is excluded by an EXDATE; test_ics.c does that. */
	{"19970902T090000", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
	 "19970902 19980213 19980313 19981113 19990813 20001013 …"},
	{"19970913T090000", "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
	 "19970913 19971011 19971108 19971213 19980110 19980207 19980307 19980411 19980509 19980613 …"},
	{"19961105T090000", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
	 "19961105 20001107 20041102 …"},
	{"19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
	 "19970904 19971007 19971106"},
	{"19970929T090000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
	 "19970929 19971030 19971127 19971230 19980129 19980226 19980330 …"},
	/* The RFC says 17:00Z, which is 13:00 there and would end before 15:00; its list does not. */
	{"19970902T090000", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
	 "19970902T090000 19970902T120000 19970902T150000"},
	{"19970902T090000", "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
	 "19970902T090000 19970902T091500 19970902T093000 19970902T094500 19970902T100000 "
	 "19970902T101500"},
	{"19970902T090000", "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
	 "19970902T090000 19970902T103000 19970902T120000 19970902T133000"},
	{"19970902T090000", "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
	 "19970902T090000 19970902T092000 19970902T094000 19970902T100000 19970902T102000 "
	 "19970902T104000 19970902T110000 19970902T112000 19970902T114000 19970902T120000 "
	 "19970902T122000 19970902T124000 19970902T130000 19970902T132000 19970902T134000 "
	 "19970902T140000 19970902T142000 19970902T144000 19970902T150000 19970902T152000 "
	 "19970902T154000 19970902T160000 19970902T162000 19970902T164000 19970903T090000 …"},
	{"19970902T090000", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
	 "19970902T090000 19970902T092000 19970902T094000 19970902T100000 19970902T102000 "
	 "19970902T104000 19970902T110000 19970902T112000 19970902T114000 19970902T120000 "
	 "19970902T122000 19970902T124000 19970902T130000 19970902T132000 19970902T134000 "
	 "19970902T140000 19970902T142000 19970902T144000 19970902T150000 19970902T152000 "
	 "19970902T154000 19970902T160000 19970902T162000 19970902T164000 19970903T090000 …"},
	{"19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
	 "19970805 19970810 19970819 19970824"},
	{"19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
	 "19970805 19970817 19970819 19970831"},
	{"20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
	 "20070115 20070130 20070215 20070315 20070330"},
};

/* What the RFC has no example for. */
static const struct example of_ours[] = {
	/* Leap days, and days that only some months have. */
	{"20240229T090000", "FREQ=YEARLY;COUNT=4", "20240229 20280229 20320229 20360229"},
	{"20960229T090000", "FREQ=YEARLY;COUNT=2", "20960229 21040229"},
	{"20260131T090000", "FREQ=MONTHLY;COUNT=5", "20260131 20260331 20260531 20260731 20260831"},
	{"20260131T090000", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=4",
	 "20260131 20260228 20260331 20260430"},
	{"20240101T000000", "FREQ=YEARLY;BYYEARDAY=366;COUNT=3", "20240101 20241231 20281231"},
	{"20240101T000000", "FREQ=YEARLY;BYYEARDAY=-366;COUNT=3", "20240101 20280101 20320101"},
	{"20230101T000000", "FREQ=YEARLY;BYYEARDAY=60;COUNT=3", "20230101 20230301 20240229"},
	{"20260228T090000", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;COUNT=3",
	 "20260228 20270228 20280229"},
	/* Weeks: the first has four days in the year, whatever day it begins on. */
	{"20241230T090000", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;COUNT=3",
	 "20241230 20251229 20270104"},
	{"20150101T090000", "FREQ=YEARLY;BYWEEKNO=53;COUNT=3", "20150101 20151231 20201231"},
	{"20150101T090000", "FREQ=YEARLY;BYWEEKNO=-1;COUNT=4",
	 "20150101 20151231 20161229 20171228"},
	{"19980101T090000", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU;COUNT=3",
	 "19980101 19980104 19990103"},
	{"19970105T090000", "FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=MO;COUNT=2", "19970105 19980104"},
	{"19970101T090000", "FREQ=YEARLY;BYWEEKNO=20;COUNT=3", "19970101 19970514 19980513"},
	/* Numbered weekdays of the year, from both its ends. */
	{"19970101T090000", "FREQ=YEARLY;BYDAY=1MO,-1FR;COUNT=5",
	 "19970101 19970106 19971226 19980105 19981225"},
	{"19970101T090000", "FREQ=YEARLY;BYDAY=53TH;COUNT=3", "19970101 19981231 20041230"},
	{"20260101T090000", "FREQ=YEARLY;BYMONTH=5,11;BYDAY=-1MO,+2TH;COUNT=5",
	 "20260101 20260514 20260525 20261112 20261130"},
	/* Positions: doubles count once, those before the start count as positions only. */
	{"20260105T090000", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,-4,-1;COUNT=5",
	 "20260105 20260126 20260202 20260223 20260302"},
	{"20260115T090000", "FREQ=MONTHLY;BYMONTHDAY=1,15,20;BYSETPOS=1,3;COUNT=4",
	 "20260115 20260120 20260201 20260220"},
	{"20260101T090000", "FREQ=DAILY;BYHOUR=9,12,18;BYSETPOS=-1;COUNT=3",
	 "20260101T090000 20260101T180000 20260102T180000"},
	{"20260101T000000", "FREQ=HOURLY;BYMINUTE=5,10;BYSECOND=1,2;BYSETPOS=2,-1;COUNT=4",
	 "20260101T000000 20260101T000502 20260101T001002 20260101T010502"},
	/* A start that the rule does not tell is the first and counts. */
	{"20260101T090000", "FREQ=WEEKLY;BYDAY=MO;COUNT=3", "20260101 20260105 20260112"},
	{"20260101T090000", "FREQ=DAILY;COUNT=1", "20260101"},
	/* Limits of all kinds. */
	{"20260101T090000", "FREQ=DAILY;UNTIL=20260103", "20260101..20260103"},
	{"20260101T090000", "FREQ=DAILY;UNTIL=20260103T090000", "20260101..20260103"},
	{"20260101T090000", "FREQ=DAILY;UNTIL=20260103T085959", "20260101 20260102"},
	{"20260101T090000", "FREQ=DAILY;UNTIL=20260103T140000Z", "20260101..20260103"},
	{"20260101T090000", "FREQ=DAILY;UNTIL=20251231", ""},
	{"20260102T000030", "FREQ=SECONDLY;INTERVAL=20;COUNT=3",
	 "20260102T000030 20260102T000050 20260102T000110"},
	{"20260102T000000", "FREQ=SECONDLY;BYSECOND=60;COUNT=2", "20260102T000000 20260102T000059"},
	{"20260102T000000",
	 "FREQ=SECONDLY;BYMONTH=3;BYDAY=SU;BYHOUR=2;BYMINUTE=30;BYSECOND=0;COUNT=3",
	 "20260102T000000 20260301T023000 20260308T023000"},
	{"99991229T090000", "FREQ=DAILY", "99991229..99991231"},
	{"99980301T090000", "FREQ=YEARLY", "99980301 99990301"},
	{"99991101T090000", "FREQ=MONTHLY", "99991101 99991201"},
	{"99991231T235958", "FREQ=SECONDLY", "99991231T235958 99991231T235959"},
	{"00010101T000000", "FREQ=YEARLY;BYWEEKNO=1;COUNT=3", "00010101 00011231 00021230"},
	{"20260101T090000", "FREQ=YEARLY;INTERVAL=999999999", "20260101"},
	/* How rules are written. */
	{"20260101T090000", "freq=daily;count=2;", "20260101 20260102"},
	{"20260101T090000", "COUNT=2;FREQ=DAILY", "20260101 20260102"},
	{"20260101T090000", "RSCALE=GREGORIAN;FREQ=DAILY;SKIP=OMIT;COUNT=2", "20260101 20260102"},
};

static void expand_word(const char *word, size_t length, const char *start, struct str *story)
{
	char text[16] = {0};
	int64_t last;
	int64_t wall_s;

	memcpy(text, word, length < 15 ? length : 8);
	if (length != 15) {
		text[8] = '\0';
		memcpy(text + 8, start + 8, 7);
	}
	wall_s = wall_of(text);
	last = wall_s;
	if (length == 18) {
		memcpy(text, word + 10, 8);
		last = wall_of(text);
	} else if (length == 15) {
		memcpy(text, word, 15);
		wall_s = last = wall_of(text);
	}
	for (; wall_s <= last; wall_s += DAY_S)
		write_wall(story, wall_s);
}

/* The expectation in full; true when the rule goes on behind it. */
static bool expand_expected(const struct example *example, struct str *story)
{
	const char *word = example->expected;

	str_init(story, STORY_MAX);
	while (*word) {
		size_t length = strcspn(word, " ");

		if (strncmp(word, "…", length) == 0)
			return true;
		expand_word(word, length, example->start, story);
		word += length + strspn(word + length, " ");
	}
	return false;
}

static void check_example(const struct example *example, const struct zone *zone)
{
	struct rule rule = rule_of(example->rule);
	struct str expected, found;
	struct rule_walk walk;
	int64_t wall_s;
	bool goes_on = expand_expected(example, &expected);

	if (rule.until == RULE_UNTIL_UTC)
		rule.until_s = zone_wall_s(zone, rule.until_s);
	rule_walk_begin(&walk, &rule, wall_of(example->start), false, FIRST_S, LAST_S);
	tell_walk(&walk, count_words(str_text(&expected)), &found);
	if (strcmp(str_text(&found), str_text(&expected)) != 0)
		fail_msg("%s %s: %s", example->start, example->rule, str_text(&found));
	if (rule_walk_next(&walk, &wall_s) != goes_on)
		fail_msg("%s %s: %s", example->start, example->rule,
			 goes_on ? "ends" : "does not end");
	str_finish(&expected);
	str_finish(&found);
}

static void test_examples_of_the_rfc(void **state)
{
	struct arena *arena = arena_create();
	const struct zone *zone = zone_load(arena, SPAN("America/New_York"));

	(void)state;
	assert_non_null(zone);
	for (size_t i = 0; i < LENGTH(of_rfc); i++)
		check_example(&of_rfc[i], zone);
	arena_destroy(arena);
}

static void test_other_examples(void **state)
{
	struct arena *arena = arena_create();
	const struct zone *zone = zone_load(arena, SPAN("America/New_York"));

	(void)state;
	for (size_t i = 0; i < LENGTH(of_ours); i++)
		check_example(&of_ours[i], zone);
	arena_destroy(arena);
}

/* --- what is refused ---------------------------------------------------------------------------- */

static const struct {
	const char *rule, *complaint;
} refused[] = {
	{"", "the rule has an unknown part"},
	{"FREQ=SOMETIMES", "the rule has an unknown FREQ"},
	{"FREQ=", "the rule has an unknown FREQ"},
	{"FREQ", "the rule has an unknown FREQ"},
	{"INTERVAL=2", "the rule has no FREQ"},
	{"FREQ=DAILY;FREQ=DAILY", "the rule has a part twice"},
	{"FREQ=DAILY;INTERVAL=0", "the rule has a bad INTERVAL"},
	{"FREQ=DAILY;INTERVAL=-1", "the rule has a bad INTERVAL"},
	{"FREQ=DAILY;INTERVAL=1000000000", "the rule has a bad INTERVAL"},
	{"FREQ=DAILY;COUNT=0", "the rule has a bad COUNT"},
	{"FREQ=DAILY;COUNT=ten", "the rule has a bad COUNT"},
	{"FREQ=DAILY;COUNT=", "the rule has a bad COUNT"},
	{"FREQ=DAILY;COUNT=1;UNTIL=20260101", "the rule has both COUNT and UNTIL"},
	{"FREQ=DAILY;UNTIL=20260931", "the rule has a bad UNTIL"},
	{"FREQ=DAILY;UNTIL=tomorrow", "the rule has a bad UNTIL"},
	{"FREQ=DAILY;BYSECOND=61", "the rule has a bad BYSECOND"},
	{"FREQ=DAILY;BYMINUTE=60", "the rule has a bad BYMINUTE"},
	{"FREQ=DAILY;BYMINUTE=-1", "the rule has a bad BYMINUTE"},
	{"FREQ=DAILY;BYHOUR=24", "the rule has a bad BYHOUR"},
	{"FREQ=DAILY;BYHOUR=1,,2", "the rule has a bad BYHOUR"},
	{"FREQ=DAILY;BYMONTHDAY=0", "the rule has a bad BYMONTHDAY"},
	{"FREQ=DAILY;BYMONTHDAY=32", "the rule has a bad BYMONTHDAY"},
	{"FREQ=DAILY;BYMONTHDAY=-32", "the rule has a bad BYMONTHDAY"},
	{"FREQ=YEARLY;BYYEARDAY=367", "the rule has a bad BYYEARDAY"},
	{"FREQ=YEARLY;BYWEEKNO=54", "the rule has a bad BYWEEKNO"},
	{"FREQ=YEARLY;BYMONTH=13", "the rule has a bad BYMONTH"},
	{"FREQ=YEARLY;BYMONTH=5L", "the rule has a bad BYMONTH"},
	{"FREQ=YEARLY;BYDAY=XX", "the rule has a bad BYDAY"},
	{"FREQ=YEARLY;BYDAY=0MO", "the rule has a bad BYDAY"},
	{"FREQ=YEARLY;BYDAY=54MO", "the rule has a bad BYDAY"},
	{"FREQ=YEARLY;BYDAY=-MO", "the rule has a bad BYDAY"},
	{"FREQ=YEARLY;BYDAY=M", "the rule has a bad BYDAY"},
	{"FREQ=YEARLY;BYDAY=MO;BYSETPOS=0", "the rule has a bad BYSETPOS"},
	{"FREQ=YEARLY;BYDAY=MO;BYSETPOS=367", "the rule has a bad BYSETPOS"},
	{"FREQ=YEARLY;BYSETPOS=1", "BYSETPOS needs another BY part"},
	{"FREQ=WEEKLY;WKST=1", "the rule has a bad WKST"},
	{"FREQ=WEEKLY;BYEASTER=1", "the rule has an unknown part"},
	{"FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO is for yearly rules only"},
	{"FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY is not for daily, weekly and monthly rules"},
	{"FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY is not for weekly rules"},
	{"FREQ=WEEKLY;BYDAY=1MO", "numbers in BYDAY are for monthly and yearly rules only"},
	{"FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "numbers in BYDAY do not go with BYWEEKNO"},
	{"RSCALE=HEBREW;FREQ=YEARLY", "the rule has a RSCALE other than GREGORIAN"},
	{"RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD", "the rule has a SKIP other than OMIT"},
};

static void test_refused_rules(void **state)
{
	struct rule rule;
	const char *complaint;

	(void)state;
	for (size_t i = 0; i < LENGTH(refused); i++) {
		if (rule_read(span_of(refused[i].rule), &rule, &complaint))
			fail_msg("%s was taken", refused[i].rule);
		assert_string_equal(complaint, refused[i].complaint);
	}
}

/* --- windows ------------------------------------------------------------------------------------ */

/* A window gives what the whole walk gives within it. */
static void check_window(const char *text, int64_t start_s, int64_t from_s, int64_t last_s)
{
	struct rule rule = rule_of(text);
	struct rule_walk whole, part;
	int64_t expected = 0;
	int64_t found = 0;

	rule_walk_begin(&whole, &rule, start_s, false, FIRST_S, LAST_S);
	rule_walk_begin(&part, &rule, start_s, false, from_s, last_s);
	while (rule_walk_next(&whole, &expected) && expected <= last_s) {
		if (expected < from_s)
			continue;
		if (!rule_walk_next(&part, &found) || found != expected)
			fail_msg("%s: %ld instead of %ld", text, (long)found, (long)expected);
	}
	assert_false(rule_walk_next(&part, &found));
	assert_false(whole.is_truncated || part.is_truncated);
}

static void test_a_window_is_a_part_of_the_whole(void **state)
{
	static const char *const rules[] = {"FREQ=YEARLY",
					    "FREQ=YEARLY;COUNT=9",
					    "FREQ=YEARLY;INTERVAL=3;BYDAY=MO;COUNT=400",
					    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=2,-3;COUNT=20",
					    "FREQ=MONTHLY;INTERVAL=5;COUNT=30",
					    "FREQ=MONTHLY;INTERVAL=7",
					    "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU;WKST=SU",
					    "FREQ=WEEKLY;COUNT=300",
					    "FREQ=DAILY;INTERVAL=11;COUNT=500",
					    "FREQ=DAILY;INTERVAL=11",
					    "FREQ=DAILY;BYHOUR=1,9,23;COUNT=2000",
					    "FREQ=HOURLY;INTERVAL=7;COUNT=9000",
					    "FREQ=HOURLY;INTERVAL=7;BYHOUR=1,2,3,4",
					    "FREQ=MINUTELY;INTERVAL=777",
					    "FREQ=MINUTELY;INTERVAL=777;COUNT=5000",
					    "FREQ=SECONDLY;INTERVAL=86399;COUNT=3000",
					    "FREQ=SECONDLY;INTERVAL=86399;BYMONTH=2,7"};
	int64_t start = wall_of("20200115T093017");

	(void)state;
	for (size_t i = 0; i < LENGTH(rules); i++) {
		check_window(rules[i], start, start - DAY_S, start + 900 * DAY_S);
		check_window(rules[i], start, start + 1, start + 400 * DAY_S);
		check_window(rules[i], start, start + 700 * DAY_S + 5, start + 1500 * DAY_S);
		check_window(rules[i], start, start + 3000 * DAY_S, start + 3700 * DAY_S);
		check_window(rules[i], start, start - 50 * DAY_S, start - DAY_S);
	}
}

/* --- all-day events ------------------------------------------------------------------------------ */

static void test_time_parts_do_not_count_for_dates(void **state)
{
	struct rule rule = rule_of("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=30;BYSECOND=5;COUNT=2");
	struct rule_walk walk;
	struct str found;

	(void)state;
	rule_walk_begin(&walk, &rule, wall_of("20260101"), true, FIRST_S, LAST_S);
	tell_walk(&walk, 9, &found);
	assert_string_equal(str_text(&found), "20260101T000000 20260102T000000");
	str_finish(&found);
}

/* --- hostile rules -------------------------------------------------------------------------------- */

static const char *const hostile[] = {
	"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
	"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
	"FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;COUNT=3",
	"FREQ=YEARLY;BYYEARDAY=1;BYMONTH=12;COUNT=3",
	"FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11;COUNT=3",
	"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
	"FREQ=DAILY;BYHOUR=1;BYSETPOS=2;COUNT=3",
	"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
	"FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
	"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
	"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
	"FREQ=SECONDLY;BYSECOND=1;BYSETPOS=2",
	"FREQ=SECONDLY;INTERVAL=60;BYSECOND=1",
	"FREQ=SECONDLY;INTERVAL=60;BYSECOND=1;COUNT=2",
	"FREQ=SECONDLY;INTERVAL=7;BYHOUR=3;BYMINUTE=7;BYSECOND=59;BYYEARDAY=366;COUNT=99999999",
	"FREQ=SECONDLY;COUNT=999999999;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12",
	"FREQ=YEARLY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYSECOND=0,1,"
	"2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30;BYMINUTE=0,1,2,"
	"3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36;"
	"BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=999999999",
	"FREQ=MINUTELY;INTERVAL=60;BYMINUTE=30;COUNT=5",
};

static void test_hostile_rules_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(hostile); i++) {
		struct rule rule = rule_of(hostile[i]);
		struct rule_walk walk;
		int64_t wall_s;

		rule_walk_begin(&walk, &rule, wall_of("19000101T000000"), false,
				wall_of("20260101"), LAST_S);
		while (rule_walk_next(&walk, &wall_s))
			;
		assert_true(walk.steps <= RULE_STEPS_MAX + 1000);
	}
}

static void test_a_walk_of_too_many_steps_is_truncated(void **state)
{
	struct rule rule = rule_of("FREQ=SECONDLY;INTERVAL=60;BYSECOND=1");
	struct rule_walk walk;
	int64_t wall_s;

	(void)state;
	rule_walk_begin(&walk, &rule, wall_of("20260101"), false, FIRST_S, LAST_S);
	assert_true(rule_walk_next(&walk, &wall_s));
	assert_false(rule_walk_next(&walk, &wall_s));
	assert_true(walk.is_truncated);
	assert_false(rule_walk_next(&walk, &wall_s));
}

/* --- random rules against the definition ---------------------------------------------------------- */

/*
 * A slow reading of RFC 5545 section 3.3.10: every second (of a rule below a day) or every wanted time
 * of every day is asked whether it fits, and weekdays, weeks and days of the year are numbered by
 * counting.
 */
#define LIST_MAX 6
#define PLAIN 0 /* the number of a weekday without one */

enum list {
	SECONDS,
	MINUTES,
	HOURS,
	WEEKDAYS,
	MONTH_DAYS,
	YEAR_DAYS,
	WEEKS,
	MONTHS,
	POSITIONS,
	LISTS
};

struct slow_rule {
	enum rule_frequency frequency;
	int interval, count, week_start;
	int64_t start_s, until_s;
	struct {
		int count;
		int numbers[LIST_MAX], weekdays[LIST_MAX];
	} lists[LISTS];
};

struct fields {
	int64_t day; /* since 1970 */
	int year, month, month_day, hour, minute, second, weekday;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static int random_to(uint32_t *state, int least, int most)
{
	return least + (int)(next_random(state) % (uint32_t)(most - least + 1));
}

static struct fields fields_of(int64_t wall_s)
{
	struct moment moment = moment_of_unix_us(wall_s * SECOND_US);
	int64_t day = (wall_s - ((wall_s % DAY_S) + DAY_S) % DAY_S) / DAY_S;

	return (struct fields){day,           moment.year,
			       moment.month,  moment.day,
			       moment.hour,   moment.minute,
			       moment.second, (int)(((day + 4) % 7 + 7) % 7)};
}

static struct fields day_fields(int64_t day)
{
	return fields_of(day * DAY_S);
}

/* Days from this one to the last for which `same` holds, in one direction. */
static int count_days(struct fields now, int step, int by, bool in_year)
{
	int count = 1;

	for (int64_t day = now.day + step;; day += step) {
		struct fields other = day_fields(day);

		if (other.year != now.year || (!in_year && other.month != now.month))
			return count;
		if ((other.day - now.day) % by == 0)
			count++;
	}
}

static bool is_number(int number, int from_front, int from_back)
{
	return number > 0 ? number == from_front : -number == from_back;
}

static int week_of(int64_t day, int week_start, int *year)
{
	int64_t begin = day;
	struct fields middle;

	while (day_fields(begin).weekday != week_start)
		begin--;
	middle = day_fields(begin + 3);
	*year = middle.year;
	return (count_days(middle, -1, 1, true) - 1) / 7 + 1;
}

static bool is_week(const struct slow_rule *rule, int number, struct fields now)
{
	int year, other;
	int week = week_of(now.day, rule->week_start, &year);
	int64_t last = now.day;

	if (number > 0)
		return week == number;
	while (week_of(last + 7, rule->week_start, &other) && other == year)
		last += 7;
	return week_of(last, rule->week_start, &other) - week + 1 == -number;
}

static bool is_weekday(const struct slow_rule *rule, int i, struct fields now)
{
	int number = rule->lists[WEEKDAYS].numbers[i];
	bool in_year = rule->frequency == RULE_YEARLY && rule->lists[MONTHS].count == 0;

	if (rule->lists[WEEKDAYS].weekdays[i] != now.weekday)
		return false;
	return number == PLAIN ||
	       is_number(number, count_days(now, -1, 7, in_year), count_days(now, 1, 7, in_year));
}

static bool fits_one(const struct slow_rule *rule, enum list list, int i, struct fields now)
{
	int number = rule->lists[list].numbers[i];

	switch (list) {
	case SECONDS:
		return number == now.second;
	case MINUTES:
		return number == now.minute;
	case HOURS:
		return number == now.hour;
	case WEEKDAYS:
		return is_weekday(rule, i, now);
	case MONTH_DAYS:
		return is_number(number, count_days(now, -1, 1, false),
				 count_days(now, 1, 1, false));
	case YEAR_DAYS:
		return is_number(number, count_days(now, -1, 1, true), count_days(now, 1, 1, true));
	case WEEKS:
		return is_week(rule, number, now);
	case MONTHS:
		return number == now.month;
	case POSITIONS:
	case LISTS:
		break;
	}
	return true;
}

static bool fits_list(const struct slow_rule *rule, enum list list, struct fields now)
{
	if (rule->lists[list].count == 0)
		return true;
	for (int i = 0; i < rule->lists[list].count; i++)
		if (fits_one(rule, list, i, now))
			return true;
	return false;
}

/* What the rule does not say is as at the start. */
static bool fits_start(const struct slow_rule *rule, struct fields now)
{
	struct fields start = fields_of(rule->start_s);
	bool has_days = rule->lists[WEEKDAYS].count || rule->lists[MONTH_DAYS].count ||
			rule->lists[YEAR_DAYS].count;

	if (!rule->lists[SECONDS].count && rule->frequency > RULE_SECONDLY &&
	    now.second != start.second)
		return false;
	if (!rule->lists[MINUTES].count && rule->frequency > RULE_MINUTELY &&
	    now.minute != start.minute)
		return false;
	if (!rule->lists[HOURS].count && rule->frequency > RULE_HOURLY && now.hour != start.hour)
		return false;
	if (has_days || rule->frequency < RULE_WEEKLY)
		return true;
	if (rule->frequency == RULE_WEEKLY || rule->lists[WEEKS].count)
		return now.weekday == start.weekday;
	if (rule->frequency == RULE_YEARLY && !rule->lists[MONTHS].count &&
	    now.month != start.month)
		return false;
	return now.month_day == start.month_day;
}

static int64_t period_of(const struct slow_rule *rule, int64_t wall_s)
{
	struct fields now = fields_of(wall_s);

	switch (rule->frequency) {
	case RULE_YEARLY:
		return now.year;
	case RULE_MONTHLY:
		return now.year * 12 + now.month;
	case RULE_WEEKLY:
		/* Far enough back, on a first day of a week. */
		return (now.day + 700000 + 4 - rule->week_start) / 7;
	case RULE_DAILY:
		return now.day;
	case RULE_HOURLY:
		return now.day * 24 + now.hour;
	case RULE_MINUTELY:
		return (now.day * 24 + now.hour) * 60 + now.minute;
	case RULE_SECONDLY:
		break;
	}
	return wall_s;
}

static bool fits(const struct slow_rule *rule, int64_t wall_s)
{
	struct fields now = fields_of(wall_s);
	int64_t distance = period_of(rule, wall_s) - period_of(rule, rule->start_s);

	if (distance % rule->interval != 0 || !fits_start(rule, now))
		return false;
	for (enum list list = SECONDS; list < POSITIONS; list++)
		if (!fits_list(rule, list, now))
			return false;
	return true;
}

#define FOUND_MAX 200000

struct found {
	int64_t times[FOUND_MAX];
	int count;
};

static void add_found(struct found *found, int64_t wall_s)
{
	assert_true(found->count < FOUND_MAX);
	found->times[found->count++] = wall_s;
}

/* One of the list, or as at the start. */
static bool fits_time(const struct slow_rule *rule, enum list list, struct fields now, int number,
		      int at_start)
{
	return rule->lists[list].count ? fits_list(rule, list, now) : number == at_start;
}

static void find_times(const struct slow_rule *rule, int64_t day, struct found *found)
{
	struct fields start = fields_of(rule->start_s);

	for (int of_day = 0; of_day < DAY_S; of_day++) {
		struct fields now = {
			.hour = of_day / 3600, .minute = of_day % 3600 / 60, .second = of_day % 60};

		if (fits_time(rule, HOURS, now, now.hour, start.hour) &&
		    fits_time(rule, MINUTES, now, now.minute, start.minute) &&
		    fits_time(rule, SECONDS, now, now.second, start.second))
			add_found(found, day * DAY_S + of_day);
	}
}

/* A time that fits whenever its day does. */
static int64_t time_that_fits(const struct slow_rule *rule)
{
	static const int64_t units[] = {[SECONDS] = 1, [MINUTES] = 60, [HOURS] = 3600};
	struct fields start = fields_of(rule->start_s);
	const int at_start[] = {
		[SECONDS] = start.second, [MINUTES] = start.minute, [HOURS] = start.hour};
	int64_t of_day = 0;

	for (enum list list = SECONDS; list <= HOURS; list++)
		of_day += units[list] *
			  (rule->lists[list].count ? rule->lists[list].numbers[0] : at_start[list]);
	return of_day;
}

/* All that fit, positions and limits aside. */
static void find_fitting(const struct slow_rule *rule, int64_t first_s, int64_t last_s,
			 struct found *found)
{
	int64_t of_day = time_that_fits(rule);

	found->count = 0;
	if (rule->frequency < RULE_DAILY) {
		for (int64_t wall_s = first_s; wall_s <= last_s; wall_s++)
			if (fits(rule, wall_s))
				add_found(found, wall_s);
		return;
	}
	for (int64_t day = first_s / DAY_S; day <= last_s / DAY_S; day++)
		if (fits(rule, day * DAY_S + of_day))
			find_times(rule, day, found);
}

/* Within each period only the named positions stay. */
static void keep_positions(const struct slow_rule *rule, struct found *found)
{
	int kept = 0;

	if (rule->lists[POSITIONS].count == 0)
		return;
	for (int begin = 0, end; begin < found->count; begin = end) {
		int64_t period = period_of(rule, found->times[begin]);

		for (end = begin;
		     end < found->count && period_of(rule, found->times[end]) == period;)
			end++;
		for (int i = begin; i < end; i++)
			for (int p = 0; p < rule->lists[POSITIONS].count; p++)
				if (is_number(rule->lists[POSITIONS].numbers[p], i - begin + 1,
					      end - i)) {
					found->times[kept++] = found->times[i];
					break;
				}
	}
	found->count = kept;
}

/* The start, then what comes later, as far as UNTIL and COUNT let it. */
static void keep_limits(const struct slow_rule *rule, int64_t last_s, struct found *found)
{
	static struct found limited;

	limited.count = 0;
	if (rule->start_s <= rule->until_s)
		add_found(&limited, rule->start_s);
	for (int i = 0; i < found->count; i++)
		if (found->times[i] > rule->start_s && found->times[i] <= rule->until_s &&
		    found->times[i] <= last_s && (rule->count == 0 || limited.count < rule->count))
			add_found(&limited, found->times[i]);
	*found = limited;
}

static const struct {
	const char *name;
	int least, most;
	bool is_signed;
} list_kinds[LISTS] = {
	[SECONDS] = {"BYSECOND", 0, 59, false},     [MINUTES] = {"BYMINUTE", 0, 59, false},
	[HOURS] = {"BYHOUR", 0, 23, false},         [WEEKDAYS] = {"BYDAY", 1, 5, true},
	[MONTH_DAYS] = {"BYMONTHDAY", 1, 31, true}, [YEAR_DAYS] = {"BYYEARDAY", 1, 366, true},
	[WEEKS] = {"BYWEEKNO", 1, 53, true},        [MONTHS] = {"BYMONTH", 1, 12, false},
	[POSITIONS] = {"BYSETPOS", 1, 8, true},
};

static bool is_allowed(const struct slow_rule *rule, enum list list)
{
	int others = 0;

	for (enum list other = SECONDS; other < POSITIONS; other++)
		others += rule->lists[other].count;
	if (list == WEEKS)
		return rule->frequency == RULE_YEARLY;
	if (list == YEAR_DAYS)
		return rule->frequency == RULE_YEARLY || rule->frequency < RULE_DAILY;
	if (list == MONTH_DAYS)
		return rule->frequency != RULE_WEEKLY;
	return list != POSITIONS || others > 0;
}

static bool may_number_weekdays(const struct slow_rule *rule)
{
	return (rule->frequency == RULE_YEARLY && rule->lists[WEEKS].count == 0) ||
	       rule->frequency == RULE_MONTHLY;
}

static void fill_list(struct slow_rule *rule, enum list list, uint32_t *random)
{
	bool is_long = random_to(random, 0, 9) < 4 && list > HOURS;
	int most = is_long ? LIST_MAX : 2;
	int count = random_to(random, 1, most);

	for (int i = 0; i < count; i++) {
		int number = random_to(random, list_kinds[list].least, list_kinds[list].most);

		if (list_kinds[list].is_signed && random_to(random, 0, 2) == 0)
			number = -number;
		if (list == WEEKDAYS && (!may_number_weekdays(rule) || random_to(random, 0, 1)))
			number = PLAIN;
		rule->lists[list].numbers[i] = number;
		rule->lists[list].weekdays[i] = random_to(random, 0, 6);
	}
	rule->lists[list].count = count;
}

static struct slow_rule make_rule(uint32_t *random)
{
	static const enum list order[] = {WEEKS, MONTHS,  MONTH_DAYS, YEAR_DAYS, WEEKDAYS,
					  HOURS, MINUTES, SECONDS,    POSITIONS};
	struct slow_rule rule = {.frequency = (enum rule_frequency)random_to(random, 0, 6)};

	rule.interval = random_to(random, 0, 1) ? 1 : random_to(random, 1, 7);
	rule.week_start = random_to(random, 0, 6);
	rule.count = random_to(random, 0, 2) ? 0 : random_to(random, 1, 40);
	rule.start_s = wall_of("20190101") + random_to(random, 0, 1500) * DAY_S +
		       random_to(random, 0, (int)DAY_S - 1);
	rule.until_s = LAST_S;
	if (rule.count == 0 && random_to(random, 0, 1))
		rule.until_s = rule.start_s + random_to(random, 0, 90000);
	for (size_t i = 0; i < LENGTH(order); i++)
		if (is_allowed(&rule, order[i]) && random_to(random, 0, 3) == 0)
			fill_list(&rule, order[i], random);
	return rule;
}

static void write_list(const struct slow_rule *rule, enum list list, struct str *text)
{
	static const char names[7][3] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

	if (rule->lists[list].count == 0)
		return;
	str_format(text, ";%s=", list_kinds[list].name);
	for (int i = 0; i < rule->lists[list].count; i++) {
		int number = rule->lists[list].numbers[i];

		if (i > 0)
			str_append_char(text, ',');
		if (list != WEEKDAYS || number != PLAIN)
			str_append_number(text, number);
		if (list == WEEKDAYS)
			str_append_text(text, names[rule->lists[list].weekdays[i]]);
	}
}

static void write_rule(const struct slow_rule *rule, struct str *text)
{
	static const char *const names[] = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
					    "WEEKLY",   "MONTHLY",  "YEARLY"};
	static const char weekdays[7][3] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
	struct str until;

	str_init(text, 4096);
	str_format(text, "FREQ=%s;INTERVAL=%d;WKST=%s", names[rule->frequency], rule->interval,
		   weekdays[rule->week_start]);
	if (rule->count > 0)
		str_format(text, ";COUNT=%d", rule->count);
	if (rule->until_s < LAST_S) {
		str_init(&until, 64);
		write_wall(&until, rule->until_s);
		str_format(text, ";UNTIL=%s", str_text(&until));
		str_finish(&until);
	}
	for (enum list list = SECONDS; list < LISTS; list++)
		write_list(rule, list, text);
}

/* Rules below a day are asked second by second, so for two days only. */
static void check_random(uint32_t seed)
{
	static struct found expected;
	uint32_t random = seed;
	struct slow_rule slow = make_rule(&random);
	bool is_daily = slow.frequency >= RULE_DAILY;
	int64_t first_s = slow.start_s / DAY_S * DAY_S - (is_daily ? 370 * DAY_S : 0);
	int64_t last_s = slow.start_s + (is_daily ? 1000 : 1) * DAY_S;
	struct rule rule;
	struct rule_walk walk;
	struct str text;
	int64_t wall_s = 0;

	write_rule(&slow, &text);
	rule = rule_of(str_text(&text));
	find_fitting(&slow, first_s, last_s + (is_daily ? 370 * DAY_S : 3600), &expected);
	keep_positions(&slow, &expected);
	keep_limits(&slow, last_s, &expected);
	rule_walk_begin(&walk, &rule, slow.start_s, false, FIRST_S, last_s);
	for (int i = 0; i < expected.count; i++)
		if (!rule_walk_next(&walk, &wall_s) || wall_s != expected.times[i])
			fail_msg("%u: %ld %s: number %d of %d is %ld, not %ld", seed,
				 (long)slow.start_s, str_text(&text), i, expected.count,
				 (long)wall_s, (long)expected.times[i]);
	if (rule_walk_next(&walk, &wall_s))
		fail_msg("%u: %ld %s: goes on with %ld", seed, (long)slow.start_s, str_text(&text),
			 (long)wall_s);
	str_finish(&text);
}

static void test_random_rules_agree_with_the_definition(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 80; seed++)
		check_random(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples_of_the_rfc),
		cmocka_unit_test(test_other_examples),
		cmocka_unit_test(test_refused_rules),
		cmocka_unit_test(test_a_window_is_a_part_of_the_whole),
		cmocka_unit_test(test_time_parts_do_not_count_for_dates),
		cmocka_unit_test(test_hostile_rules_end),
		cmocka_unit_test(test_a_walk_of_too_many_steps_is_truncated),
		cmocka_unit_test(test_random_rules_agree_with_the_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
