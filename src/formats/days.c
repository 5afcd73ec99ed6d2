/* days.c - the Gregorian calendar as numbers; zones, rules and events call me, I call nobody */
#include "days.h"

bool is_leap_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_of_year(int year)
{
	return is_leap_year(year) ? 366 : 365;
}

int days_of_month(int year, int month)
{
	static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

bool is_date(struct date date)
{
	return date.year >= 1 && date.year <= 9999 && date.month >= 1 && date.month <= 12 &&
	       date.day >= 1 && date.day <= days_of_month(date.year, date.month);
}

/* The year is taken to start in March, so the leap day is its last one; 146,097 is the number of
 * days in 400 years. */
int64_t days_of_date(struct date date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = floor_divide(year, 400);
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year =
		(153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

struct date date_of_days(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = floor_divide(shifted, 146097);
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * day_of_year + 2) / 153;
	struct date date;

	date.day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
	date.month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
	date.year = (int)(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
	return date;
}

/* 1970-01-01 was a Thursday. */
int weekday_of_days(int64_t days)
{
	return (int)floor_rest(days + 4, 7);
}
