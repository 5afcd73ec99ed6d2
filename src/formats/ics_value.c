/* ics_value.c - dates, lengths, offsets and texts of iCalendar; its other files and rule.c call me */
#include <string.h>

#include "days.h"
#include "ics_parts.h"

#define LENGTH_MAX_S (36525 * DAY_S) /* a hundred years */

static bool take_char(struct span *rest, char character)
{
	if (rest->length == 0 || rest->bytes[0] != character)
		return false;
	rest->bytes++;
	rest->length--;
	return true;
}

/* Takes exactly `digits` digits. */
static bool take_number(struct span *rest, size_t digits, int *number)
{
	*number = 0;
	if (rest->length < digits)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (rest->bytes[i] < '0' || rest->bytes[i] > '9')
			return false;
		*number = *number * 10 + (rest->bytes[i] - '0');
	}
	rest->bytes += digits;
	rest->length -= digits;
	return true;
}

/* --- dates -------------------------------------------------------------------------------------- */

static bool take_date(struct span *rest, int64_t *seconds)
{
	struct date date;

	if (!take_number(rest, 4, &date.year) || !take_number(rest, 2, &date.month) ||
	    !take_number(rest, 2, &date.day) || !is_date(date))
		return false;
	*seconds = days_of_date(date) * DAY_S;
	return true;
}

/* A leap second is taken for the one before it (RFC 5545 section 3.3.12). */
static bool take_time(struct span *rest, int64_t *seconds)
{
	int hour, minute, second;

	if (!take_number(rest, 2, &hour) || !take_number(rest, 2, &minute) ||
	    !take_number(rest, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*seconds = hour * HOUR_S + minute * MINUTE_S + (second == 60 ? 59 : second);
	return true;
}

bool ics_read_stamp(struct span text, struct ics_stamp *stamp)
{
	struct span rest = span_trim(text);
	int64_t of_day;

	*stamp = (struct ics_stamp){.is_date = true};
	if (!take_date(&rest, &stamp->wall_s))
		return false;
	if (rest.length == 0)
		return true;
	stamp->is_date = false;
	if (!take_char(&rest, 'T') || !take_time(&rest, &of_day))
		return false;
	stamp->wall_s += of_day;
	stamp->is_utc = take_char(&rest, 'Z');
	return rest.length == 0;
}

/* --- lengths ------------------------------------------------------------------------------------ */

/* One to nine digits and the letter of their unit, which has to come later in `units` than the one
 * before. */
static bool take_amount(struct span *rest, const char *units, size_t *place, int64_t *amount,
			char *unit)
{
	size_t digits = 0;
	const char *found;

	*amount = 0;
	while (digits < rest->length && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9')
		if (++digits > 9)
			return false;
		else
			*amount = *amount * 10 + (rest->bytes[digits - 1] - '0');
	if (digits == 0 || digits == rest->length)
		return false;
	*unit = rest->bytes[digits];
	found = *unit ? strchr(units + *place, *unit) : NULL;
	if (!found)
		return false;
	*place = (size_t)(found - units) + 1;
	rest->bytes += digits + 1;
	rest->length -= digits + 1;
	return true;
}

static bool take_days(struct span *rest, struct ics_length *length)
{
	size_t place = 0;
	int64_t amount;
	char unit;

	while (rest->length > 0 && rest->bytes[0] != 'T') {
		if (!take_amount(rest, "WD", &place, &amount, &unit))
			return false;
		length->days += unit == 'W' ? 7 * amount : amount;
	}
	return true;
}

static bool take_times(struct span *rest, struct ics_length *length)
{
	size_t place = 0;
	int64_t amount;
	char unit;

	if (rest->length == 0)
		return false;
	while (rest->length > 0) {
		if (!take_amount(rest, "HMS", &place, &amount, &unit))
			return false;
		length->seconds += amount * (unit == 'H' ? HOUR_S : unit == 'M' ? MINUTE_S : 1);
	}
	return true;
}

bool ics_read_length(struct span text, struct ics_length *length)
{
	struct span rest = span_trim(text);
	bool is_negative = take_char(&rest, '-');

	*length = (struct ics_length){0};
	if (!is_negative)
		(void)take_char(&rest, '+');
	if (!take_char(&rest, 'P') || rest.length == 0 || !take_days(&rest, length))
		return false;
	if (take_char(&rest, 'T') && !take_times(&rest, length))
		return false;
	if (is_negative && (length->days != 0 || length->seconds != 0))
		return false;
	return length->days * DAY_S + length->seconds <= LENGTH_MAX_S;
}

bool ics_read_offset(struct span text, int32_t *offset_s)
{
	struct span rest = span_trim(text);
	bool is_negative = take_char(&rest, '-');
	int hour, minute;
	int second = 0;

	if (!is_negative && !take_char(&rest, '+'))
		return false;
	if (!take_number(&rest, 2, &hour) || !take_number(&rest, 2, &minute))
		return false;
	if (rest.length > 0 && !take_number(&rest, 2, &second))
		return false;
	*offset_s = hour * 3600 + minute * 60 + second;
	if (is_negative)
		*offset_s = -*offset_s;
	return rest.length == 0 && hour <= 23 && minute <= 59 && second <= 59;
}

/* --- texts -------------------------------------------------------------------------------------- */

/* What a backslash and this character mean; NUL: nothing, both stay. */
static char unescaped(char character)
{
	if (character == 'n' || character == 'N')
		return '\n';
	return character && strchr("\\;,:\"", character) ? character : '\0';
}

bool ics_read_text(struct arena *arena, struct span value, struct span *text)
{
	char *bytes = arena_alloc(arena, value.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < value.length; i++) {
		char meant = '\0';

		if (value.bytes[i] == '\\' && i + 1 < value.length)
			meant = unescaped(value.bytes[i + 1]);
		bytes[length++] = meant ? meant : value.bytes[i];
		if (meant)
			i++;
	}
	*text = (struct span){bytes, length};
	return span_is_text(*text);
}
