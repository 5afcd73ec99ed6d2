/* The proleptic Gregorian calendar as numbers: days since 1970-01-01, and back. */
#ifndef ALMANAC_FORMATS_DAYS_H
#define ALMANAC_FORMATS_DAYS_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_S INT64_C(86400)
#define HOUR_S INT64_C(3600)
#define MINUTE_S INT64_C(60)

/* 0001-01-01T00:00:00 and 9999-12-31T23:59:59, seconds since 1970. */
#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)

struct date {
	int year, month, day;
};

bool is_leap_year(int year);
int days_of_year(int year);
int days_of_month(int year, int month);
bool is_date(struct date date); /* one of the years 1 to 9999 */

int64_t days_of_date(struct date date);
struct date date_of_days(int64_t days);
int weekday_of_days(int64_t days); /* 0: Sunday */

/* Rounded down, also below zero. */
static inline int64_t floor_divide(int64_t number, int64_t divisor)
{
	return number / divisor - (number % divisor < 0 ? 1 : 0);
}

static inline int64_t floor_rest(int64_t number, int64_t divisor)
{
	return number - floor_divide(number, divisor) * divisor;
}

#endif
