/* duration.c - lengths of time (ISO 8601); kinds.c and the rooms call me, I call nobody */
#include "almanac/duration.h"

#include <stddef.h>

#define SECOND_US INT64_C(1000000)

/* In the order of writing. */
static const struct unit {
	char letter;
	int64_t us;
} date_units[] = {{'D', 86400 * SECOND_US}, {0, 0}},
  time_units[] = {{'H', 3600 * SECOND_US}, {'M', 60 * SECOND_US}, {'S', SECOND_US}, {0, 0}},
  week_units[] = {{'W', 604800 * SECOND_US}, {0, 0}};

static bool take_char(struct span *rest, char wanted)
{
	if (rest->length == 0 || *rest->bytes != wanted)
		return false;
	rest->bytes++;
	rest->length--;
	return true;
}

static bool take_digit(struct span *rest, int *digit)
{
	if (rest->length == 0 || *rest->bytes < '0' || *rest->bytes > '9')
		return false;
	*digit = *rest->bytes - '0';
	rest->bytes++;
	rest->length--;
	return true;
}

static int64_t add(int64_t one, int64_t other)
{
	int64_t sum;

	return __builtin_add_overflow(one, other, &sum) ? INT64_MAX : sum;
}

static int64_t multiply(int64_t one, int64_t other)
{
	int64_t product;

	return __builtin_mul_overflow(one, other, &product) ? INT64_MAX : product;
}

static bool take_number(struct span *rest, int64_t *number)
{
	int digit;

	if (!take_digit(rest, &digit))
		return false;
	*number = digit;
	while (take_digit(rest, &digit))
		*number = add(multiply(*number, 10), digit);
	return true;
}

/* Behind the separator: at least one digit. */
static bool take_fraction(struct span *rest, int64_t *us)
{
	int64_t worth = SECOND_US / 10;
	int digit;

	if (!take_digit(rest, &digit))
		return false;
	do {
		*us += digit * worth;
		worth /= 10;
	} while (take_digit(rest, &digit));
	return true;
}

/* One part, by its unit; the units in front of it can no longer come. */
static bool take_part(struct span *rest, const struct unit **units, int64_t *us)
{
	int64_t number, fraction_us = 0;
	bool has_fraction;

	if (!take_number(rest, &number))
		return false;
	has_fraction = take_char(rest, '.') || take_char(rest, ',');
	if (has_fraction && !take_fraction(rest, &fraction_us))
		return false;
	while ((*units)->letter && !take_char(rest, (*units)->letter))
		(*units)++;
	if (!(*units)->letter || (has_fraction && (*units)->us != SECOND_US))
		return false;
	*us = add(*us, add(multiply(number, (*units)->us), fraction_us));
	(*units)++;
	return true;
}

/* Parts up to the end or a 'T'; at least one. */
static bool take_parts(struct span *rest, const struct unit *units, int64_t *us)
{
	do {
		if (!take_part(rest, &units, us))
			return false;
	} while (rest->length > 0 && *rest->bytes != 'T');
	return true;
}

bool duration_parse(struct span text, int64_t *duration_us)
{
	struct span rest = text;
	bool has_weeks = text.length > 0 && text.bytes[text.length - 1] == 'W';

	*duration_us = 0;
	if (!take_char(&rest, 'P'))
		return false;
	if (has_weeks)
		return take_parts(&rest, week_units, duration_us) && rest.length == 0;
	if (!take_char(&rest, 'T')) {
		if (!take_parts(&rest, date_units, duration_us))
			return false;
		if (rest.length == 0)
			return true;
		take_char(&rest, 'T');
	}
	return take_parts(&rest, time_units, duration_us) && rest.length == 0;
}

void duration_append(struct str *out, int64_t duration_us)
{
	int64_t fraction = duration_us % SECOND_US;
	int digits = 6;

	for (; fraction > 0 && fraction % 10 == 0; digits--)
		fraction /= 10;
	str_format(out, "PT%lld", (long long)(duration_us / SECOND_US));
	if (fraction > 0)
		str_format(out, ".%0*lld", digits, (long long)fraction);
	str_append_char(out, 'S');
}
