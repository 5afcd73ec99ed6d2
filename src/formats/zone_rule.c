/* zone_rule.c - the rule behind a zone's last change (POSIX TZ, RFC 8536 section 3.3); zone.c and
 * zone_tzif.c call me, I call nobody */
#include <string.h>

#include "days.h"
#include "zones.h"

#define NAME_MIN 3
#define OFFSET_HOURS_MAX 24
#define MOMENT_HOURS_MAX 167

/* --- reading --------------------------------------------------------------------------------- */

static bool take_char(struct span *rest, char character)
{
	if (rest->length == 0 || rest->bytes[0] != character)
		return false;
	rest->bytes++;
	rest->length--;
	return true;
}

static bool take_number(struct span *rest, int least, int most, int *number)
{
	size_t digits = 0;

	*number = 0;
	while (digits < rest->length && digits < 3 && rest->bytes[digits] >= '0' &&
	       rest->bytes[digits] <= '9')
		*number = *number * 10 + (rest->bytes[digits++] - '0');
	rest->bytes += digits;
	rest->length -= digits;
	return digits > 0 && *number >= least && *number <= most;
}

static bool is_letter(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/* Letters, or anything between angle brackets. */
static bool take_name(struct span *rest)
{
	size_t length = 0;

	if (take_char(rest, '<')) {
		const char *end = memchr(rest->bytes, '>', rest->length);

		if (!end || end - rest->bytes < NAME_MIN)
			return false;
		rest->length -= (size_t)(end + 1 - rest->bytes);
		rest->bytes = end + 1;
		return true;
	}
	while (length < rest->length && is_letter(rest->bytes[length]))
		length++;
	rest->bytes += length;
	rest->length -= length;
	return length >= NAME_MIN;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct span *rest, int hours_max, int32_t *seconds)
{
	int sign = take_char(rest, '-') ? -1 : 1;
	int hour;
	int minute = 0;
	int second = 0;

	if (sign > 0)
		(void)take_char(rest, '+');
	if (!take_number(rest, 0, hours_max, &hour))
		return false;
	if (take_char(rest, ':')) {
		if (!take_number(rest, 0, 59, &minute))
			return false;
		if (take_char(rest, ':') && !take_number(rest, 0, 59, &second))
			return false;
	}
	*seconds = sign * (hour * 3600 + minute * 60 + second);
	return true;
}

static bool take_day(struct span *rest, struct zone_moment *moment)
{
	if (take_char(rest, 'M')) {
		moment->kind = MOMENT_WEEKDAY;
		return take_number(rest, 1, 12, &moment->month) && take_char(rest, '.') &&
		       take_number(rest, 1, 5, &moment->week) && take_char(rest, '.') &&
		       take_number(rest, 0, 6, &moment->weekday);
	}
	if (take_char(rest, 'J')) {
		moment->kind = MOMENT_DAY_WITHOUT_LEAP;
		return take_number(rest, 1, 365, &moment->day);
	}
	moment->kind = MOMENT_DAY;
	return take_number(rest, 0, 365, &moment->day);
}

static bool take_moment(struct span *rest, struct zone_moment *moment)
{
	moment->wall_s = 2 * 3600;
	return take_char(rest, ',') && take_day(rest, moment) &&
	       (!take_char(rest, '/') || take_time(rest, MOMENT_HOURS_MAX, &moment->wall_s));
}

/* --- the door of this file ------------------------------------------------------------------- */

/* Its offsets are to be added to local time to get UTC; ours the other way round. */
bool zone_rule_read(struct span text, struct zone_rule *rule)
{
	struct span rest = text;
	int32_t offset;

	*rule = (struct zone_rule){0};
	if (!take_name(&rest) || !take_time(&rest, OFFSET_HOURS_MAX, &offset))
		return false;
	rule->standard_s = -offset;
	if (rest.length == 0)
		return true;
	rule->has_daylight = true;
	rule->daylight_s = rule->standard_s + 3600;
	if (!take_name(&rest))
		return false;
	if (rest.length > 0 && rest.bytes[0] != ',') {
		if (!take_time(&rest, OFFSET_HOURS_MAX, &offset))
			return false;
		rule->daylight_s = -offset;
	}
	return take_moment(&rest, &rule->begin) && take_moment(&rest, &rule->end) &&
	       rest.length == 0;
}

/* The day of the year on which it happens, as days since 1970. */
static int64_t day_of(const struct zone_moment *moment, int year)
{
	int64_t first = days_of_date((struct date){year, 1, 1});
	int day;

	if (moment->kind == MOMENT_DAY)
		return first + moment->day;
	if (moment->kind == MOMENT_DAY_WITHOUT_LEAP)
		return first + moment->day - (is_leap_year(year) && moment->day > 59 ? 0 : 1);
	first = days_of_date((struct date){year, moment->month, 1});
	day = (moment->weekday - weekday_of_days(first) + 7) % 7 + 7 * (moment->week - 1);
	return first + (day < days_of_month(year, moment->month) ? day : day - 7);
}

void zone_rule_year(const struct zone_rule *rule, int year, struct zone_change changes[2])
{
	changes[0].unix_s =
		day_of(&rule->begin, year) * DAY_S + rule->begin.wall_s - rule->standard_s;
	changes[0].offset_s = rule->daylight_s;
	changes[1].unix_s = day_of(&rule->end, year) * DAY_S + rule->end.wall_s - rule->daylight_s;
	changes[1].offset_s = rule->standard_s;
}
