/* recurrence.c - from one occurrence of a rule to the next; events call me, I call nobody
 *
 * A rule's time is cut into periods as long as its frequency says, of which every INTERVALth counts.
 * A period is opened by collecting the days in it that pass all BY parts (for frequencies below a
 * day: by the one day it lies in) and the times within a day; days times times are its candidates.
 */
#include <string.h>

#include "almanac/recurrence.h"
#include "days.h"

#define ALL_60 ((UINT64_C(1) << 60) - 1)
#define ALL_24 ((1u << 24) - 1)

/* --- BY parts --------------------------------------------------------------------------------- */

static bool has_bit(const uint64_t *bits, int number)
{
	return bits[number / 64] >> number % 64 & 1;
}

static bool has_numbers(const struct rule_numbers *numbers)
{
	uint64_t all = 0;

	for (int i = 0; i < 6; i++)
		all |= numbers->front[i] | numbers->back[i];
	return all != 0;
}

static bool has_weekdays(const struct rule *rule)
{
	uint64_t all = rule->weekdays;

	for (int i = 0; i < 7; i++)
		all |= rule->weekday_nth[i] | rule->weekday_nth_back[i];
	return all != 0;
}

/* Where the year's week 1 begins: the one with at least four days in the year. */
static int64_t first_week(int year, int week_start)
{
	int64_t fourth = days_of_date((struct date){year, 1, 4});

	return fourth - (weekday_of_days(fourth) - week_start + 7) % 7;
}

/* Days at the edges of a year may belong to a week of the year beside it. */
static bool is_in_weeks(const struct rule *rule, int64_t day, int year)
{
	int64_t begin = first_week(year, rule->week_start);
	int64_t end = first_week(year + 1, rule->week_start);
	int week, weeks;

	if (day < begin) {
		end = begin;
		begin = first_week(year - 1, rule->week_start);
	} else if (day >= end) {
		begin = end;
		end = first_week(year + 2, rule->week_start);
	}
	week = (int)((day - begin) / 7) + 1;
	weeks = (int)((end - begin) / 7);
	return (rule->weeks >> week & 1) || (rule->weeks_back >> (weeks - week + 1) & 1);
}

static bool is_in_year_days(const struct rule *rule, int64_t day, int year)
{
	int number = (int)(day - days_of_date((struct date){year, 1, 1})) + 1;

	return has_bit(rule->year_days.front, number) ||
	       has_bit(rule->year_days.back, days_of_year(year) - number + 1);
}

static bool is_in_month_days(const struct rule *rule, struct date date)
{
	int back = days_of_month(date.year, date.month) - date.day + 1;

	return (rule->month_days >> date.day & 1) || (rule->month_days_back >> back & 1);
}

/* "The second Monday" is one of the month, or in a yearly rule without months one of the year. */
static bool is_in_weekdays(const struct rule *rule, int64_t day, struct date date)
{
	int weekday = weekday_of_days(day);
	int number = date.day;
	int length = days_of_month(date.year, date.month);

	if (rule->weekdays >> weekday & 1)
		return true;
	if (rule->frequency == RULE_YEARLY && rule->months == 0) {
		number = (int)(day - days_of_date((struct date){date.year, 1, 1})) + 1;
		length = days_of_year(date.year);
	}
	return (rule->weekday_nth[weekday] >> ((number - 1) / 7 + 1) & 1) ||
	       (rule->weekday_nth_back[weekday] >> ((length - number) / 7 + 1) & 1);
}

static bool is_month(const struct rule *rule, int month)
{
	return rule->months == 0 || (rule->months >> month & 1);
}

static bool is_day(const struct rule *rule, int64_t day, struct date date)
{
	if (!is_month(rule, date.month))
		return false;
	if ((rule->month_days | rule->month_days_back) && !is_in_month_days(rule, date))
		return false;
	if (has_weekdays(rule) && !is_in_weekdays(rule, day, date))
		return false;
	if (has_numbers(&rule->year_days) && !is_in_year_days(rule, day, date.year))
		return false;
	return !(rule->weeks | rule->weeks_back) || is_in_weeks(rule, day, date.year);
}

/* --- what DTSTART gives ------------------------------------------------------------------------ */

static void complete_times(struct rule *rule, int64_t start_s)
{
	int64_t of_day = floor_rest(start_s, DAY_S);

	if (!rule->seconds)
		rule->seconds =
			rule->frequency == RULE_SECONDLY ? ALL_60 : UINT64_C(1) << of_day % 60;
	if (!rule->minutes)
		rule->minutes = rule->frequency <= RULE_MINUTELY
					? ALL_60
					: UINT64_C(1) << of_day % HOUR_S / MINUTE_S;
	if (!rule->hours)
		rule->hours = rule->frequency <= RULE_HOURLY ? ALL_24 : 1u << of_day / HOUR_S;
}

static void complete_days(struct rule *rule, int64_t start_s)
{
	int64_t day = floor_divide(start_s, DAY_S);
	struct date date = date_of_days(day);
	bool has_month_days = rule->month_days | rule->month_days_back;
	bool has_weeks = (rule->weeks | rule->weeks_back) != 0;

	if (rule->frequency < RULE_WEEKLY || has_month_days || has_weekdays(rule) ||
	    has_numbers(&rule->year_days))
		return;
	if (rule->frequency == RULE_WEEKLY || has_weeks) {
		rule->weekdays = 1u << weekday_of_days(day);
		return;
	}
	if (rule->frequency == RULE_YEARLY && !rule->months)
		rule->months = 1u << date.month;
	rule->month_days = 1u << date.day;
}

/* --- periods ----------------------------------------------------------------------------------- */

/* How long a period is in its unit: seconds below a day, else days; months and years count months. */
static int64_t period_length(enum rule_frequency frequency)
{
	static const int64_t lengths[] = {1, MINUTE_S, HOUR_S, 1, 7, 1, 12};

	return lengths[frequency];
}

static int64_t month_number(int64_t seconds)
{
	struct date date = date_of_days(floor_divide(seconds, DAY_S));

	return date.year * 12 + date.month - 1;
}

/* The beginning, in its unit, of the period in which these seconds lie. */
static int64_t period_begin(const struct rule *rule, int64_t seconds)
{
	int64_t day = floor_divide(seconds, DAY_S);

	switch (rule->frequency) {
	case RULE_YEARLY:
		return floor_divide(month_number(seconds), 12) * 12;
	case RULE_MONTHLY:
		return month_number(seconds);
	case RULE_WEEKLY:
		return day - (weekday_of_days(day) - rule->week_start + 7) % 7;
	case RULE_DAILY:
		return day;
	case RULE_HOURLY:
	case RULE_MINUTELY:
	case RULE_SECONDLY:
		break;
	}
	return floor_divide(seconds, period_length(rule->frequency)) *
	       period_length(rule->frequency);
}

/* The number of the last period that begins not after these seconds; below zero: before the start. */
static int64_t period_at(const struct rule_walk *walk, int64_t seconds)
{
	const struct rule *rule = &walk->rule;

	return floor_divide(period_begin(rule, seconds) - period_begin(rule, walk->start_s),
			    rule->interval * period_length(rule->frequency));
}

static void end_walk(struct rule_walk *walk)
{
	walk->is_over = true;
	walk->at = walk->end = 0;
}

static void add_day(struct rule_walk *walk, int64_t day, struct date date)
{
	walk->steps++;
	if (is_day(&walk->rule, day, date))
		walk->days[walk->day_count++] = (int32_t)day;
}

static void add_month(struct rule_walk *walk, int64_t month)
{
	struct date date = {(int)(month / 12), (int)(month % 12) + 1, 1};
	int64_t day;

	if (!is_month(&walk->rule, date.month))
		return;
	day = days_of_date(date);
	for (int last = days_of_month(date.year, date.month); date.day <= last; date.day++)
		add_day(walk, day++, date);
}

static void open_months(struct rule_walk *walk, int64_t month, int64_t months)
{
	struct date first = {(int)(month / 12), (int)(month % 12) + 1, 1};

	if (month / 12 > 9999 || days_of_date(first) * DAY_S > walk->last_s) {
		end_walk(walk);
		return;
	}
	for (int64_t i = 0; i < months; i++)
		add_month(walk, month + i);
}

static void open_days(struct rule_walk *walk, int64_t day, int64_t days)
{
	if (day * DAY_S > walk->last_s) {
		end_walk(walk);
		return;
	}
	for (int64_t i = 0; i < days; i++)
		add_day(walk, day + i, date_of_days(day + i));
}

/* The next period opened will be the first that begins not before these seconds. */
static void leap_to(struct rule_walk *walk, int64_t seconds)
{
	int64_t period = period_at(walk, seconds - 1) + 1;

	if (period > walk->period)
		walk->period = period;
}

/* The same day is asked for again and again. */
static bool is_judged_day(struct rule_walk *walk, int64_t day)
{
	if (!walk->has_judged || walk->judged_day != day) {
		walk->has_judged = true;
		walk->judged_day = day;
		walk->is_good_day = is_day(&walk->rule, day, date_of_days(day));
		walk->steps += 4;
	}
	return walk->is_good_day;
}

/* A period below a day: where its day, hour or minute is not wanted the rest of those is leapt over. */
static void open_times(struct rule_walk *walk, int64_t begin)
{
	const struct rule *rule = &walk->rule;
	int64_t day = floor_divide(begin, DAY_S);
	int64_t of_day = begin - day * DAY_S;
	int64_t hour = of_day / HOUR_S;
	int64_t minute = of_day % HOUR_S / MINUTE_S;

	if (begin > walk->last_s)
		end_walk(walk);
	else if (!is_judged_day(walk, day))
		leap_to(walk, (day + 1) * DAY_S);
	else if (!(rule->hours >> hour & 1))
		leap_to(walk, begin - of_day % HOUR_S + HOUR_S);
	else if (rule->frequency <= RULE_MINUTELY && !(rule->minutes >> minute & 1))
		leap_to(walk, begin - of_day % MINUTE_S + MINUTE_S);
	else if (rule->frequency > RULE_SECONDLY || (rule->seconds >> of_day % 60 & 1))
		walk->days[walk->day_count++] = (int32_t)day;
}

static int32_t list_bits(uint64_t bits, uint8_t *numbers)
{
	int32_t count = 0;

	for (uint8_t i = 0; i < 60; i++)
		if (bits >> i & 1)
			numbers[count++] = i;
	return count;
}

/* What all periods have in common. */
static void list_times(struct rule_walk *walk)
{
	walk->hour_count = list_bits(walk->rule.hours, walk->hours);
	walk->minute_count = list_bits(walk->rule.minutes, walk->minutes);
	walk->second_count = list_bits(walk->rule.seconds, walk->seconds);
}

/* A period shorter than a day has one hour, and so on. */
static void fix_times(struct rule_walk *walk, int64_t begin)
{
	int64_t of_day = floor_rest(begin, DAY_S);

	walk->hour_count = 1;
	walk->hours[0] = (uint8_t)(of_day / HOUR_S);
	if (walk->rule.frequency == RULE_HOURLY)
		return;
	walk->minute_count = 1;
	walk->minutes[0] = (uint8_t)(of_day % HOUR_S / MINUTE_S);
	if (walk->rule.frequency == RULE_MINUTELY)
		return;
	walk->second_count = 1;
	walk->seconds[0] = (uint8_t)(of_day % 60);
}

static int32_t times_of_day(const struct rule_walk *walk)
{
	return walk->hour_count * walk->minute_count * walk->second_count;
}

/* --- candidates -------------------------------------------------------------------------------- */

/* BYSETPOS: from the front and from the back, each list ascending; joined without doubles. */
static void choose(struct rule_walk *walk, int32_t total)
{
	const struct rule_numbers *positions = &walk->rule.positions;
	int front = 1;
	int back = 366;

	walk->end = 0;
	while (front <= 366 || back >= 1) {
		int32_t from_front = front <= 366 ? front - 1 : INT32_MAX;
		int32_t from_back = back >= 1 ? total - back : INT32_MAX;
		int32_t least = from_front < from_back ? from_front : from_back;
		bool is_chosen = false;

		if (from_front == least)
			is_chosen = has_bit(positions->front, front++);
		if (from_back == least)
			is_chosen = has_bit(positions->back, back--) || is_chosen;
		if (is_chosen && least >= 0 && least < total)
			walk->chosen[walk->end++] = least;
	}
	walk->steps += 366;
}

/* Leaves out the days before the start, and those before what is asked for if they need not be judged
 * one by one. */
static void skip_days(struct rule_walk *walk)
{
	int64_t start = floor_divide(walk->start_s, DAY_S);
	int64_t from = floor_divide(walk->from_s, DAY_S);
	bool is_behind_start = walk->days[0] > start;
	int32_t days = 0;

	if (from < start || (walk->rule.count > 0 && !is_behind_start))
		from = start;
	while (days < walk->day_count && walk->days[days] < from)
		days++;
	walk->at = days * times_of_day(walk);
	if (walk->rule.count > 0 && is_behind_start) {
		walk->left -= walk->at;
		if (walk->left <= 0)
			end_walk(walk);
	}
}

static void open_period(struct rule_walk *walk)
{
	const struct rule *rule = &walk->rule;
	int64_t length = period_length(rule->frequency);
	int64_t begin = period_begin(rule, walk->start_s) + walk->period * rule->interval * length;

	walk->period++;
	walk->steps++;
	walk->day_count = 0;
	walk->at = walk->end = 0;
	if (rule->frequency >= RULE_MONTHLY)
		open_months(walk, begin, length);
	else if (rule->frequency >= RULE_DAILY)
		open_days(walk, begin, length);
	else
		open_times(walk, begin);
	if (walk->is_over || walk->day_count == 0)
		return;
	if (rule->frequency <= RULE_HOURLY)
		fix_times(walk, begin);
	walk->end = walk->day_count * times_of_day(walk);
	if (walk->has_positions)
		choose(walk, walk->end);
	else
		skip_days(walk);
}

static int64_t candidate(const struct rule_walk *walk, int32_t place)
{
	int32_t times = times_of_day(walk);
	int32_t number = walk->has_positions ? walk->chosen[place] : place;
	int32_t of_day = number % times;
	int64_t second = walk->seconds[of_day % walk->second_count];
	int64_t minute = walk->minutes[of_day / walk->second_count % walk->minute_count];
	int64_t hour = walk->hours[of_day / walk->second_count / walk->minute_count];

	return walk->days[number / times] * DAY_S + hour * HOUR_S + minute * MINUTE_S + second;
}

/* False when the count is used up. */
static bool count_one(struct rule_walk *walk)
{
	if (walk->rule.count == 0)
		return true;
	if (walk->left == 0)
		end_walk(walk);
	return walk->left-- > 0;
}

/* The next candidate that counts and is asked for within this period. */
static bool take_candidate(struct rule_walk *walk, int64_t *wall_s)
{
	while (walk->at < walk->end && walk->steps <= RULE_STEPS_MAX) {
		*wall_s = candidate(walk, walk->at++);
		walk->steps++;
		if (*wall_s <= walk->start_s)
			continue;
		if (*wall_s > walk->last_s) {
			end_walk(walk);
			return false;
		}
		if (!count_one(walk))
			return false;
		if (*wall_s >= walk->from_s)
			return true;
	}
	return false;
}

/* --- the door ---------------------------------------------------------------------------------- */

/* Every period has exactly one candidate: so they need not be counted one by one. */
static bool is_plain(const struct rule *rule)
{
	return rule->frequency <= RULE_WEEKLY && !rule->seconds && !rule->minutes && !rule->hours &&
	       !rule->months && !(rule->month_days | rule->month_days_back) &&
	       !has_weekdays(rule) && !has_numbers(&rule->year_days);
}

static void clear_times(struct rule *rule)
{
	rule->seconds = rule->minutes = 0;
	rule->hours = 0;
}

static void apply_until(struct rule_walk *walk)
{
	int64_t until_s = walk->rule.until_s;

	if (walk->rule.until == RULE_ENDLESS)
		return;
	if (walk->rule.until == RULE_UNTIL_DATE)
		until_s += DAY_S - 1;
	if (until_s < walk->last_s)
		walk->last_s = until_s;
}

/* Leaves out the periods before `from_s`. */
static void leap_to_window(struct rule_walk *walk, bool is_simple)
{
	int64_t period = period_at(walk, walk->from_s);

	if (period <= 0 || (walk->rule.count > 0 && !is_simple))
		return;
	walk->period = period;
	walk->is_at_start = false;
	walk->left -= period;
	if (walk->rule.count > 0 && walk->left <= 0)
		end_walk(walk);
}

void rule_walk_begin(struct rule_walk *walk, const struct rule *rule, int64_t start_s,
		     bool is_all_day, int64_t from_s, int64_t last_s)
{
	bool is_simple;

	memset(walk, 0, sizeof(*walk));
	walk->rule = *rule;
	walk->start_s = start_s;
	walk->from_s = from_s < FIRST_S ? FIRST_S : from_s > LAST_S ? LAST_S : from_s;
	walk->last_s = last_s > LAST_S ? LAST_S : last_s;
	walk->left = rule->count;
	walk->is_at_start = true;
	walk->has_positions = has_numbers(&rule->positions);
	if (is_all_day)
		clear_times(&walk->rule);
	is_simple = is_plain(&walk->rule);
	complete_times(&walk->rule, start_s);
	complete_days(&walk->rule, start_s);
	list_times(walk);
	apply_until(walk);
	leap_to_window(walk, is_simple);
}

static bool take_start(struct rule_walk *walk, int64_t *wall_s)
{
	if (!walk->is_at_start)
		return false;
	walk->is_at_start = false;
	*wall_s = walk->start_s;
	if (walk->start_s > walk->last_s)
		end_walk(walk);
	return !walk->is_over && count_one(walk) && walk->start_s >= walk->from_s;
}

bool rule_walk_next(struct rule_walk *walk, int64_t *wall_s)
{
	if (take_start(walk, wall_s))
		return true;
	while (!walk->is_over) {
		if (take_candidate(walk, wall_s))
			return true;
		if (walk->steps > RULE_STEPS_MAX) {
			walk->is_truncated = true;
			end_walk(walk);
		}
		if (!walk->is_over)
			open_period(walk);
	}
	return false;
}
