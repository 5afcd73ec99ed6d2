/* rule.c - the text of a recurrence rule; events call me, I call the reader of dates */
#include <assert.h>
#include <string.h>

#include "almanac/recurrence.h"
#include "ics_parts.h"

#define INTERVAL_MAX 999999999
#define COUNT_MAX 999999999
#define NUMBERS_MAX 1024 /* of one list; those that come again count too */

typedef bool read_part(struct span value, struct rule *rule);

static const char weekday_names[7][3] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

/* --- numbers --------------------------------------------------------------------------------- */

static bool read_number(struct span text, int64_t least, int64_t most, int64_t *number)
{
	*number = 0;
	if (text.length == 0 || text.length > 9)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
		*number = *number * 10 + (text.bytes[i] - '0');
	}
	return *number >= least && *number <= most;
}

/* Takes a sign off. */
static bool take_sign(struct span *text)
{
	bool is_negative = text->length > 0 && text->bytes[0] == '-';

	if (text->length > 0 && (text->bytes[0] == '-' || text->bytes[0] == '+')) {
		text->bytes++;
		text->length--;
	}
	return is_negative;
}

/* A list of numbers as bits; `back` takes the negative ones, NULL allows none. */
static bool read_bits(struct span value, int64_t least, int64_t most, uint64_t *front,
		      uint64_t *back)
{
	struct span part;
	int64_t number;
	int count = 0;

	assert(front);
	while (span_split(&value, ',', &part)) {
		bool is_negative = back && take_sign(&part);

		if (++count > NUMBERS_MAX || !read_number(part, least, most, &number))
			return false;
		(is_negative ? back : front)[number / 64] |= UINT64_C(1) << number % 64;
	}
	return true;
}

static bool read_small_bits(struct span value, int64_t least, int64_t most, uint32_t *front,
			    uint32_t *back)
{
	uint64_t bits[2] = {0};

	assert(front);
	if (!read_bits(value, least, most, &bits[0], back ? &bits[1] : NULL))
		return false;
	*front = (uint32_t)bits[0];
	if (back)
		*back = (uint32_t)bits[1];
	return true;
}

/* --- parts ----------------------------------------------------------------------------------- */

static bool read_frequency(struct span value, struct rule *rule)
{
	static const char *const names[] = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
					    "WEEKLY",   "MONTHLY",  "YEARLY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (span_equals_nocase(value, span_of(names[i]))) {
			rule->frequency = (enum rule_frequency)i;
			return true;
		}
	}
	return false;
}

static bool read_interval(struct span value, struct rule *rule)
{
	return read_number(value, 1, INTERVAL_MAX, &rule->interval);
}

static bool read_count(struct span value, struct rule *rule)
{
	return read_number(value, 1, COUNT_MAX, &rule->count);
}

static bool read_until(struct span value, struct rule *rule)
{
	struct ics_stamp stamp;

	if (!ics_read_stamp(value, &stamp))
		return false;
	rule->until_s = stamp.wall_s;
	rule->until = stamp.is_date  ? RULE_UNTIL_DATE
		      : stamp.is_utc ? RULE_UNTIL_UTC
				     : RULE_UNTIL_WALL;
	return true;
}

/* A leap second is taken for the one before it. */
static bool read_seconds(struct span value, struct rule *rule)
{
	const uint64_t leap = UINT64_C(1) << 60;

	if (!read_bits(value, 0, 60, &rule->seconds, NULL))
		return false;
	if (rule->seconds & leap)
		rule->seconds = (rule->seconds & ~leap) | leap >> 1;
	return true;
}

static bool read_minutes(struct span value, struct rule *rule)
{
	return read_bits(value, 0, 59, &rule->minutes, NULL);
}

static bool read_hours(struct span value, struct rule *rule)
{
	return read_small_bits(value, 0, 23, &rule->hours, NULL);
}

static bool read_month_days(struct span value, struct rule *rule)
{
	return read_small_bits(value, 1, 31, &rule->month_days, &rule->month_days_back);
}

static bool read_year_days(struct span value, struct rule *rule)
{
	return read_bits(value, 1, 366, rule->year_days.front, rule->year_days.back);
}

static bool read_weeks(struct span value, struct rule *rule)
{
	return read_bits(value, 1, 53, &rule->weeks, &rule->weeks_back);
}

static bool read_months(struct span value, struct rule *rule)
{
	return read_small_bits(value, 1, 12, &rule->months, NULL);
}

static bool read_positions(struct span value, struct rule *rule)
{
	return read_bits(value, 1, 366, rule->positions.front, rule->positions.back);
}

static bool read_weekday(struct span name, int *weekday)
{
	for (*weekday = 0; *weekday < 7; (*weekday)++)
		if (span_equals_nocase(name, (struct span){weekday_names[*weekday], 2}))
			return true;
	return false;
}

static bool read_week_start(struct span value, struct rule *rule)
{
	return read_weekday(value, &rule->week_start);
}

/* "MO", "1MO", "+1MO", "-53SU". */
static bool read_weekdays(struct span value, struct rule *rule)
{
	struct span part;
	int64_t number;
	int weekday;
	int count = 0;

	while (span_split(&value, ',', &part)) {
		bool is_negative = take_sign(&part);

		if (++count > NUMBERS_MAX || part.length < 2 ||
		    !read_weekday((struct span){part.bytes + part.length - 2, 2}, &weekday))
			return false;
		part.length -= 2;
		if (part.length == 0 && !is_negative) {
			rule->weekdays |= 1u << weekday;
			continue;
		}
		if (!read_number(part, 1, 53, &number))
			return false;
		(is_negative ? rule->weekday_nth_back : rule->weekday_nth)[weekday] |= UINT64_C(1)
										       << number;
	}
	return true;
}

/* The only calendar and the only way with days that do not exist (RFC 7529) known here. */
static bool read_calendar(struct span value, struct rule *rule)
{
	(void)rule;
	return span_equals_nocase(value, SPAN("GREGORIAN"));
}

static bool read_skip(struct span value, struct rule *rule)
{
	(void)rule;
	return span_equals_nocase(value, SPAN("OMIT"));
}

static const struct part {
	const char *name;
	read_part *read;
	const char *complaint;
} parts[] = {
	{"FREQ", read_frequency, "the rule has an unknown FREQ"},
	{"INTERVAL", read_interval, "the rule has a bad INTERVAL"},
	{"COUNT", read_count, "the rule has a bad COUNT"},
	{"UNTIL", read_until, "the rule has a bad UNTIL"},
	{"BYSECOND", read_seconds, "the rule has a bad BYSECOND"},
	{"BYMINUTE", read_minutes, "the rule has a bad BYMINUTE"},
	{"BYHOUR", read_hours, "the rule has a bad BYHOUR"},
	{"BYDAY", read_weekdays, "the rule has a bad BYDAY"},
	{"BYMONTHDAY", read_month_days, "the rule has a bad BYMONTHDAY"},
	{"BYYEARDAY", read_year_days, "the rule has a bad BYYEARDAY"},
	{"BYWEEKNO", read_weeks, "the rule has a bad BYWEEKNO"},
	{"BYMONTH", read_months, "the rule has a bad BYMONTH"},
	{"BYSETPOS", read_positions, "the rule has a bad BYSETPOS"},
	{"WKST", read_week_start, "the rule has a bad WKST"},
	{"RSCALE", read_calendar, "the rule has a RSCALE other than GREGORIAN"},
	{"SKIP", read_skip, "the rule has a SKIP other than OMIT"},
};

enum { PART_COUNT = sizeof(parts) / sizeof(*parts) };

/* --- the whole ------------------------------------------------------------------------------- */

static bool is_given(uint32_t given, const char *name)
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (strcmp(parts[i].name, name) == 0)
			return given & 1u << i;
	return false;
}

static bool has_numbered_weekdays(const struct rule *rule)
{
	uint64_t bits = 0;

	for (int i = 0; i < 7; i++)
		bits |= rule->weekday_nth[i] | rule->weekday_nth_back[i];
	return bits != 0;
}

static bool has_no_other_by_part(uint32_t given)
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (given & 1u << i && strncmp(parts[i].name, "BY", 2) == 0 &&
		    parts[i].read != read_positions)
			return false;
	return true;
}

/* What must not stand together; NULL when all may. */
static const char *judge(const struct rule *rule, uint32_t given)
{
	enum rule_frequency frequency = rule->frequency;

	if (!is_given(given, "FREQ"))
		return "the rule has no FREQ";
	if (is_given(given, "COUNT") && is_given(given, "UNTIL"))
		return "the rule has both COUNT and UNTIL";
	if (is_given(given, "BYWEEKNO") && frequency != RULE_YEARLY)
		return "BYWEEKNO is for yearly rules only";
	if (is_given(given, "BYYEARDAY") && frequency >= RULE_DAILY && frequency <= RULE_MONTHLY)
		return "BYYEARDAY is not for daily, weekly and monthly rules";
	if (is_given(given, "BYMONTHDAY") && frequency == RULE_WEEKLY)
		return "BYMONTHDAY is not for weekly rules";
	if (has_numbered_weekdays(rule) && frequency != RULE_MONTHLY && frequency != RULE_YEARLY)
		return "numbers in BYDAY are for monthly and yearly rules only";
	if (has_numbered_weekdays(rule) && is_given(given, "BYWEEKNO"))
		return "numbers in BYDAY do not go with BYWEEKNO";
	if (is_given(given, "BYSETPOS") && has_no_other_by_part(given))
		return "BYSETPOS needs another BY part";
	return NULL;
}

static const char *read_one(struct span part, struct rule *rule, uint32_t *given)
{
	struct span value = part;
	struct span name;

	(void)span_split(&value, '=', &name);
	for (size_t i = 0; i < PART_COUNT; i++) {
		if (!span_equals_nocase(name, span_of(parts[i].name)))
			continue;
		if (*given & 1u << i)
			return "the rule has a part twice";
		*given |= 1u << i;
		return value.bytes && parts[i].read(value, rule) ? NULL : parts[i].complaint;
	}
	return "the rule has an unknown part";
}

bool rule_read(struct span text, struct rule *rule, const char **complaint)
{
	uint32_t given = 0;
	struct span part;

	*rule = (struct rule){.interval = 1, .week_start = 1};
	*complaint = NULL;
	text = span_trim(text);
	/* A semicolon at the end is common and harmless. */
	if (text.length > 0 && text.bytes[text.length - 1] == ';')
		text.length--;
	while (!*complaint && span_split(&text, ';', &part))
		*complaint = read_one(part, rule, &given);
	if (!*complaint)
		*complaint = judge(rule, given);
	return !*complaint;
}
