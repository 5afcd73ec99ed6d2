/* moment.c - dates and times as people write them; fields.c and the rooms call me, I call nobody */
#include "almanac/moment.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

#define FIRST_US INT64_C(-62135596800000000) /* 0001-01-01T00:00:00Z */
#define LAST_US INT64_C(253402300799999999)  /* 9999-12-31T23:59:59.999999Z */

static const char weekday_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* --- calendar arithmetic -------------------------------------------------------------------- */

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
	static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool is_date(const struct moment *moment)
{
	return moment->year >= 1 && moment->month >= 1 && moment->month <= 12 && moment->day >= 1 &&
	       moment->day <= days_of_month(moment->year, moment->month);
}

/* Days since 1970-01-01. The year is taken to start in March, so the leap day is its last one;
 * 146,097 is the number of days in 400 years. */
static int64_t days_from_date(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

/* The way back. */
static void date_from_days(int64_t days, struct moment *moment)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * day_of_year + 2) / 153;

	moment->day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
	moment->month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
	moment->year = (int)(year_of_era + era * 400 + (moment->month <= 2 ? 1 : 0));
}

/* --- reading -------------------------------------------------------------------------------- */

/* Takes the first byte off when it is one of `allowed`. */
static bool take_one_of(struct span *rest, const char *allowed)
{
	if (rest->length == 0 || rest->bytes[0] == '\0' || !strchr(allowed, rest->bytes[0]))
		return false;
	rest->bytes++;
	rest->length--;
	return true;
}

/* Takes exactly `digits` digits. */
static bool take_number(struct span *rest, size_t digits, int *number)
{
	int value = 0;

	if (rest->length < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		char c = rest->bytes[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	rest->bytes += digits;
	rest->length -= digits;
	*number = value;
	return true;
}

static bool take_date(struct span *rest, struct moment *moment)
{
	bool has_dashes;

	if (!take_number(rest, 4, &moment->year))
		return false;
	has_dashes = take_one_of(rest, "-");
	if (!take_number(rest, 2, &moment->month))
		return false;
	if (has_dashes && !take_one_of(rest, "-"))
		return false;
	if (!take_number(rest, 2, &moment->day))
		return false;
	if (!has_dashes)
		moment->is_basic = true;
	return is_date(moment);
}

/* One digit or more; those past the sixth are cut. */
static bool take_fraction(struct span *rest, int *microsecond)
{
	int weight = 100000;
	int digit;

	if (!take_number(rest, 1, &digit))
		return false;
	do {
		*microsecond += digit * weight;
		weight /= 10;
	} while (take_number(rest, 1, &digit));
	return true;
}

static bool take_time(struct span *rest, struct moment *moment)
{
	bool has_colons;

	if (!take_number(rest, 2, &moment->hour))
		return false;
	has_colons = take_one_of(rest, ":");
	if (!take_number(rest, 2, &moment->minute))
		return false;
	if (has_colons) {
		if (take_one_of(rest, ":")) {
			if (!take_number(rest, 2, &moment->second))
				return false;
			if (take_one_of(rest, ".,") && !take_fraction(rest, &moment->microsecond))
				return false;
		}
	} else {
		moment->is_basic = true;
		if (!take_number(rest, 2, &moment->second))
			moment->second = 0;
	}
	return moment->hour <= 23 && moment->minute <= 59 && moment->second <= 59;
}

static bool take_offset(struct span *rest, struct moment *moment)
{
	int sign = rest->bytes[0] == '-' ? -1 : 1;
	int hours;
	int minutes = 0;

	moment->has_offset = true;
	if (take_one_of(rest, "Zz"))
		return true;
	if (!take_one_of(rest, "+-") || !take_number(rest, 2, &hours))
		return false;
	if (take_one_of(rest, ":")) {
		if (!take_number(rest, 2, &minutes))
			return false;
	} else if (!take_number(rest, 2, &minutes)) {
		minutes = 0;
	}
	moment->offset_minutes = sign * (hours * 60 + minutes);
	return hours <= 23 && minutes <= 59;
}

/* Takes the three letters of a month's English name. */
static bool take_month(struct span *rest, int *month)
{
	if (rest->length < 3)
		return false;
	for (*month = 1; *month <= 12; (*month)++) {
		if (memcmp(rest->bytes, month_names[*month - 1], 3) == 0) {
			rest->bytes += 3;
			rest->length -= 3;
			return true;
		}
	}
	return false;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Writes `number` with leading zeros in exactly `digits` places. */
static char *put_number(char *text, int number, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		text[i] = (char)('0' + number % 10);
		number /= 10;
	}
	return text + digits;
}

static char *put_char(char *text, char character)
{
	*text = character;
	return text + 1;
}

static char *put_name(char *text, const char name[4])
{
	memcpy(text, name, 3);
	return text + 3;
}

static char *put_date(char *text, const struct moment *moment)
{
	text = put_char(put_number(text, moment->year, 4), '-');
	text = put_char(put_number(text, moment->month, 2), '-');
	return put_number(text, moment->day, 2);
}

static char *put_time(char *text, const struct moment *moment)
{
	text = put_char(put_number(text, moment->hour, 2), ':');
	text = put_char(put_number(text, moment->minute, 2), ':');
	return put_number(text, moment->second, 2);
}

/* 1970-01-01 was a Thursday. */
static int weekday_of(const struct moment *moment)
{
	int64_t days = days_from_date(moment->year, moment->month, moment->day);

	return (int)(((days + 4) % 7 + 7) % 7);
}

/* --- the door ------------------------------------------------------------------------------- */

bool moment_parse(struct span text, struct moment *moment)
{
	struct span rest = span_trim(text);
	int64_t unix_us;

	*moment = (struct moment){0};
	if (!take_date(&rest, moment))
		return false;
	if (take_one_of(&rest, "Tt ")) {
		moment->has_time = true;
		if (!take_time(&rest, moment))
			return false;
	}
	if (rest.length > 0 && !take_offset(&rest, moment))
		return false;
	if (rest.length > 0)
		return false;
	unix_us = moment_unix_us(moment);
	return unix_us >= FIRST_US && unix_us <= LAST_US;
}

int64_t moment_unix_us(const struct moment *moment)
{
	return days_from_date(moment->year, moment->month, moment->day) * DAY_US +
	       moment->hour * HOUR_US + (moment->minute - moment->offset_minutes) * MINUTE_US +
	       moment->second * SECOND_US + moment->microsecond;
}

struct moment moment_of_unix_us(int64_t unix_us)
{
	struct moment moment = {.has_time = true, .has_offset = true};
	int64_t days;
	int64_t of_day;

	assert(unix_us >= FIRST_US && unix_us <= LAST_US);
	days = unix_us / DAY_US - (unix_us % DAY_US < 0 ? 1 : 0);
	of_day = unix_us - days * DAY_US;
	date_from_days(days, &moment);
	moment.hour = (int)(of_day / HOUR_US);
	moment.minute = (int)(of_day % HOUR_US / MINUTE_US);
	moment.second = (int)(of_day % MINUTE_US / SECOND_US);
	moment.microsecond = (int)(of_day % SECOND_US);
	return moment;
}

/* With the fraction of a second cut behind so many digits. */
static size_t write_utc(int64_t unix_us, int unit_us, int digits, char *text)
{
	struct moment moment = moment_of_unix_us(unix_us);
	char *end = put_date(text, &moment);

	end = put_time(put_char(end, 'T'), &moment);
	end = put_number(put_char(end, '.'), moment.microsecond / unit_us, digits);
	return (size_t)(put_char(end, 'Z') - text);
}

size_t moment_write_rfc3339(int64_t unix_us, char *text)
{
	return write_utc(unix_us, 1000, 3, text);
}

size_t moment_write_exact(int64_t unix_us, char *text)
{
	return write_utc(unix_us, 1, 6, text);
}

size_t moment_write_date(const struct moment *moment, char *text)
{
	return (size_t)(put_date(text, moment) - text);
}

size_t moment_write_time(const struct moment *moment, char *text)
{
	return (size_t)(put_time(text, moment) - text);
}

size_t moment_write_http(int64_t unix_s, char *text)
{
	struct moment moment;
	char *end;

	assert(unix_s >= FIRST_US / SECOND_US && unix_s <= LAST_US / SECOND_US);
	moment = moment_of_unix_us(unix_s * SECOND_US);
	end = put_name(text, weekday_names[weekday_of(&moment)]);
	end = put_number(put_char(put_char(end, ','), ' '), moment.day, 2);
	end = put_name(put_char(end, ' '), month_names[moment.month - 1]);
	end = put_number(put_char(end, ' '), moment.year, 4);
	end = put_time(put_char(end, ' '), &moment);
	memcpy(end, " GMT", 4);
	return (size_t)(end + 4 - text);
}

/* An instant has one spelling only, the one we write: so the numbers are read, the text is written
 * again, and every byte between the numbers is judged by comparing. */
bool moment_parse_http(struct span text, int64_t *unix_s)
{
	struct moment moment = {0};
	char again[MOMENT_TEXT_MAX];
	struct span day, month, year, time;

	if (text.length != sizeof("Sun, 06 Nov 1994 08:49:37 GMT") - 1)
		return false;
	day = (struct span){text.bytes + 5, 2};
	month = (struct span){text.bytes + 8, 3};
	year = (struct span){text.bytes + 12, 4};
	time = (struct span){text.bytes + 17, 8};
	if (!take_number(&day, 2, &moment.day) || !take_month(&month, &moment.month) ||
	    !take_number(&year, 4, &moment.year) || !take_time(&time, &moment))
		return false;
	if (!is_date(&moment))
		return false;
	*unix_s = moment_unix_us(&moment) / SECOND_US;
	return moment_write_http(*unix_s, again) == text.length &&
	       memcmp(again, text.bytes, text.length) == 0;
}
