/* kinds.c - one field's text by its kind; fields.c calls me, I call moment.c, decimal.c, query.c,
 * duration.c, kinds_url.c and kinds_json.c */
#include "kinds.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/decimal.h"
#include "almanac/duration.h"
#include "almanac/uuid.h"

#define CURSOR_MAX_BYTES 1024
#define DOUBLE_EXACT_DIGITS 15 /* decimal digits every double can give back (DBL_DIG) */
#define NUMBER_TEXT_MAX 64
#define SECOND_US 1000000

static const struct ruling no_fault = {NULL, NULL};

static const char *const formats[] = {
	[FIELD_TEXT] = "must be valid UTF-8 text without NUL",
	[FIELD_DECIMAL] = "must be a decimal number such as 12.50, without sign or exponent, with "
			  "at most 12 digits before and 6 behind the point",
	[FIELD_FLAG] = "must be true or false",
	[FIELD_UUID] = "must be a UUID",
	[FIELD_MOMENT] = "must be a date or date-time (RFC 3339), for example 2026-02-01T20:00:00Z",
	[FIELD_CURSOR] = "must be a cursor from an earlier answer",
	[FIELD_KEY] = "must be visible ASCII without spaces",
	[FIELD_DURATION] =
		"must be a number of seconds or an ISO 8601 duration of weeks, days, hours, "
		"minutes and seconds, for example PT1H30M",
};

static struct ruling refuse_format(enum field_kind kind)
{
	return (struct ruling){"format", formats[kind]};
}

void kind_accept(struct field_value *value, struct span text)
{
	value->text = text.bytes;
	value->length = text.length;
}

/* --- limits --------------------------------------------------------------------------------- */

static const char *limit_text(struct arena *arena, const struct field *field, int64_t limit)
{
	struct str text;
	const char *copy;

	str_init(&text, NUMBER_TEXT_MAX);
	if (field->kind == FIELD_DECIMAL)
		decimal_append(&text, limit);
	else if (field->kind == FIELD_DURATION)
		str_append_number(&text, limit / SECOND_US);
	else
		str_append_number(&text, limit);
	copy = arena_text(arena, str_span(&text));
	str_finish(&text);
	return copy;
}

static const char *number_message(struct arena *arena, const struct field *field)
{
	const char *noun = field->kind == FIELD_DECIMAL ? "decimal" : "whole";
	const char *min = limit_text(arena, field, field->min);
	const char *max = limit_text(arena, field, field->max);

	if (field_has_minimum(field) && field_has_maximum(field))
		return arena_format(arena, "must be a %s number from %s to %s", noun, min, max);
	if (field_has_minimum(field))
		return arena_format(arena, "must be a %s number, at least %s", noun, min);
	if (field_has_maximum(field))
		return arena_format(arena, "must be a %s number, at most %s", noun, max);
	return arena_format(arena, "must be a %s number that fits 64 bits", noun);
}

static struct ruling judge_limits(struct arena *arena, const struct field *field, int64_t number)
{
	if (field_has_minimum(field) && number < field->min)
		return (struct ruling){"minimum", number_message(arena, field)};
	if (field_has_maximum(field) && number > field->max)
		return (struct ruling){"maximum", number_message(arena, field)};
	return no_fault;
}

/* --- text ----------------------------------------------------------------------------------- */

static const char *length_message(struct arena *arena, const struct field *field)
{
	const char *min = limit_text(arena, field, field->min);
	const char *max = limit_text(arena, field, field->max);
	int64_t last = field_has_maximum(field) ? field->max : field->min;
	const char *unit = last == 1 ? "byte" : "bytes";

	if (!field_has_maximum(field))
		return arena_format(arena, "must be at least %s %s long", min, unit);
	if (field->min <= 0)
		return arena_format(arena, "must be at most %s %s long", max, unit);
	return arena_format(arena, "must be from %s to %s %s long", min, max, unit);
}

struct ruling kind_judge_length(struct arena *arena, const struct field *field, size_t length)
{
	int64_t bytes = (int64_t)length;

	if ((field_has_minimum(field) && bytes < field->min) ||
	    (field_has_maximum(field) && bytes > field->max))
		return (struct ruling){"length", length_message(arena, field)};
	return no_fault;
}

static struct ruling judge_text(struct arena *arena, const struct field *field, struct span text,
				struct field_value *value)
{
	if (!span_is_text(text))
		return refuse_format(FIELD_TEXT);
	kind_accept(value, arena_copy(arena, text));
	return kind_judge_length(arena, field, text.length);
}

/* A key may be shown in logs and headers as it is. */
static struct ruling judge_key(struct arena *arena, const struct field *field, struct span text,
			       struct field_value *value)
{
	struct ruling ruling = kind_judge_length(arena, field, text.length);

	for (size_t i = 0; i < text.length && !ruling.rule; i++)
		if (text.bytes[i] <= ' ' || text.bytes[i] >= 0x7F)
			ruling = refuse_format(FIELD_KEY);
	kind_accept(value, arena_copy(arena, text));
	return ruling;
}

/* --- numbers -------------------------------------------------------------------------------- */

static bool is_digits(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
	}
	return text.length > 0;
}

/* Not an integer that fits: either too far out, or no integer at all. */
static struct ruling refuse_integer(struct arena *arena, const struct field *field,
				    struct span text)
{
	bool is_negative = text.length > 0 && text.bytes[0] == '-';
	const char *message = number_message(arena, field);

	if (is_negative)
		text = (struct span){text.bytes + 1, text.length - 1};
	if (!is_digits(text)) {
		if (!field_has_minimum(field) && !field_has_maximum(field))
			message = "must be a whole number";
		return (struct ruling){"format", message};
	}
	return (struct ruling){is_negative ? "minimum" : "maximum", message};
}

static struct ruling judge_integer(struct arena *arena, const struct field *field, struct span text,
				   struct field_value *value)
{
	int64_t number;

	if (integer_parse(text, &number))
		return kind_judge_integer(arena, field, number, value);
	if (field->is_lowered && field_has_maximum(field) && is_digits(text)) /* beyond 64 bits */
		return kind_judge_integer(arena, field, INT64_MAX, value);
	return refuse_integer(arena, field, text);
}

static struct ruling judge_decimal(struct arena *arena, const struct field *field, struct span text,
				   struct field_value *value)
{
	struct str canonical;

	if (!decimal_parse(text, &value->number))
		return refuse_format(FIELD_DECIMAL);
	str_init(&canonical, NUMBER_TEXT_MAX);
	decimal_append(&canonical, value->number);
	kind_accept(value, arena_copy(arena, str_span(&canonical)));
	str_finish(&canonical);
	return judge_limits(arena, field, value->number);
}

/* --- words ---------------------------------------------------------------------------------- */

static struct ruling judge_flag(struct arena *arena, const struct field *field, struct span text,
				struct field_value *value)
{
	bool is_in_query = field->place == FIELD_IN_QUERY;

	(void)arena;
	if (span_is(text, "true") || (is_in_query && span_is(text, "1"))) {
		value->number = 1;
		kind_accept(value, SPAN("true"));
		return no_fault;
	}
	if (span_is(text, "false") || (is_in_query && span_is(text, "0"))) {
		kind_accept(value, SPAN("false"));
		return no_fault;
	}
	return refuse_format(FIELD_FLAG);
}

static const char *choice_message(struct arena *arena, const struct field *field)
{
	const char *message = arena_format(arena, "must be one of: %s", field->choices[0]);

	for (size_t i = 1; field->choices[i]; i++)
		message = arena_format(arena, "%s, %s", message, field->choices[i]);
	return message;
}

static struct ruling judge_choice(struct arena *arena, const struct field *field, struct span text,
				  struct field_value *value)
{
	assert(field->choices && field->choices[0]);
	for (size_t i = 0; field->choices[i]; i++) {
		if (span_is(text, field->choices[i])) {
			value->number = (int64_t)i;
			kind_accept(value, span_of(field->choices[i]));
			return no_fault;
		}
	}
	return (struct ruling){"choice", choice_message(arena, field)};
}

static struct ruling judge_uuid(struct arena *arena, const struct field *field, struct span text,
				struct field_value *value)
{
	char canonical[UUID_TEXT_LENGTH];
	struct uuid uuid;

	(void)field;
	if (!uuid_read(text, &uuid))
		return refuse_format(FIELD_UUID);
	uuid_write(&uuid, canonical);
	kind_accept(value, arena_copy(arena, (struct span){canonical, sizeof(canonical)}));
	return no_fault;
}

static struct ruling judge_cursor(struct arena *arena, const struct field *field, struct span text,
				  struct field_value *value)
{
	struct span bytes;

	(void)field;
	if (text.length == 0 || text.length > CURSOR_MAX_BYTES ||
	    !base64url_parse(arena, text, &bytes))
		return refuse_format(FIELD_CURSOR);
	kind_accept(value, arena_copy(arena, text));
	return no_fault;
}

static struct ruling judge_moment(struct arena *arena, const struct field *field, struct span text,
				  struct field_value *value)
{
	char written[MOMENT_TEXT_MAX];

	(void)field;
	if (!moment_parse(text, &value->moment))
		return refuse_format(FIELD_MOMENT);
	value->number = moment_unix_us(&value->moment);
	value->length = moment_write_exact(value->number, written);
	value->text = arena_text(arena, (struct span){written, value->length});
	return no_fault;
}

/* --- durations ------------------------------------------------------------------------------ */

static const char *duration_message(struct arena *arena, const struct field *field)
{
	const char *min = limit_text(arena, field, field->min);
	const char *max = limit_text(arena, field, field->max);

	if (!field_has_maximum(field))
		return arena_format(arena, "must be at least %s seconds", min);
	return arena_format(arena, "must be from %s to %s seconds", min, max);
}

/* Never negative, whatever the limits. */
static struct ruling judge_microseconds(struct arena *arena, const struct field *field,
					int64_t microseconds, struct field_value *value)
{
	struct str canonical;

	if (microseconds < 0 || (field_has_minimum(field) && microseconds < field->min))
		return (struct ruling){"minimum", duration_message(arena, field)};
	if (field_has_maximum(field) && microseconds > field->max)
		return (struct ruling){"maximum", duration_message(arena, field)};
	value->number = microseconds;
	str_init(&canonical, NUMBER_TEXT_MAX);
	duration_append(&canonical, microseconds);
	kind_accept(value, arena_copy(arena, str_span(&canonical)));
	str_finish(&canonical);
	return no_fault;
}

static struct ruling judge_duration(struct arena *arena, const struct field *field,
				    struct span text, struct field_value *value)
{
	int64_t microseconds;

	if (!duration_parse(text, &microseconds))
		return refuse_format(FIELD_DURATION);
	return judge_microseconds(arena, field, microseconds, value);
}

/* What does not fit is as long as can be said. */
static struct ruling judge_seconds(struct arena *arena, const struct field *field, double seconds,
				   struct field_value *value)
{
	double microseconds = seconds * SECOND_US + 0.5;
	int64_t number = INT64_MAX;

	if (seconds < 0)
		number = -1;
	else if (microseconds < 0x1p63)
		number = (int64_t)microseconds;
	return judge_microseconds(arena, field, number, value);
}

static struct ruling judge_whole_seconds(struct arena *arena, const struct field *field,
					 int64_t seconds, struct field_value *value)
{
	int64_t microseconds;

	if (__builtin_mul_overflow(seconds, SECOND_US, &microseconds))
		microseconds = seconds < 0 ? -1 : INT64_MAX;
	return judge_microseconds(arena, field, microseconds, value);
}

/* --- the door ------------------------------------------------------------------------------- */

struct ruling kind_judge(struct arena *arena, const struct field *field, struct span text,
			 struct field_value *value)
{
	static struct ruling (*const judges[])(struct arena *, const struct field *, struct span,
					       struct field_value *) = {
		[FIELD_TEXT] = judge_text,
		[FIELD_INTEGER] = judge_integer,
		[FIELD_DECIMAL] = judge_decimal,
		[FIELD_FLAG] = judge_flag,
		[FIELD_CHOICE] = judge_choice,
		[FIELD_UUID] = judge_uuid,
		[FIELD_MOMENT] = judge_moment,
		[FIELD_URL] = kind_judge_url,
		[FIELD_CURSOR] = judge_cursor,
		[FIELD_KEY] = judge_key,
		[FIELD_DURATION] = judge_duration,
		[FIELD_TARGET] = kind_judge_target,
		[FIELD_JSON] = kind_judge_json_text,
		[FIELD_OBJECT] = kind_judge_json_text,
		[FIELD_HEADERS] = kind_judge_json_text,
	};

	assert(field->kind >= FIELD_TEXT && field->kind <= FIELD_HEADERS);
	return judges[field->kind](arena, field, text, value);
}

struct ruling kind_judge_integer(struct arena *arena, const struct field *field, int64_t number,
				 struct field_value *value)
{
	if (field->kind == FIELD_DECIMAL)
		return judge_decimal(arena, field,
				     span_of(arena_format(arena, "%lld", (long long)number)),
				     value);
	if (field->kind == FIELD_DURATION)
		return judge_whole_seconds(arena, field, number, value);
	if (field->is_lowered && field_has_maximum(field) && number > field->max)
		number = field->max;
	value->number = number;
	kind_accept(value, span_of(arena_format(arena, "%lld", (long long)number)));
	return judge_limits(arena, field, number);
}

/* A number without a fraction is an integer however it is written (JSON Schema, section 6.1.1). */
static struct ruling judge_whole_real(struct arena *arena, const struct field *field, double number,
				      struct field_value *value)
{
	if (number < -0x1p63)
		return (struct ruling){"minimum", number_message(arena, field)};
	if (number >= 0x1p63)
		return (struct ruling){"maximum", number_message(arena, field)};
	if ((double)(int64_t)number != number)
		return (struct ruling){"type", "must be a whole number, not a decimal number"};
	return kind_judge_integer(arena, field, (int64_t)number, value);
}

/* JSON has lost the digits as written by now. Up to fifteen of them survive in a double, so the
 * shortest spelling that reads back as the same number is the one that was written; with more
 * digits nobody can know. */
static struct ruling judge_decimal_real(struct arena *arena, const struct field *field,
					double number, struct field_value *value)
{
	char text[NUMBER_TEXT_MAX];

	for (int digits = 0; digits <= 6 && number >= 0 && number < 1e12; digits++) {
		int length = snprintf(text, sizeof(text), "%.*f", digits, number);

		if (length <= DOUBLE_EXACT_DIGITS + 1 && strtod(text, NULL) == number)
			return judge_decimal(arena, field, span_of(text), value);
	}
	return refuse_format(FIELD_DECIMAL);
}

struct ruling kind_judge_real(struct arena *arena, const struct field *field, double number,
			      struct field_value *value)
{
	if (field->kind == FIELD_DURATION)
		return judge_seconds(arena, field, number, value);
	if (field->kind == FIELD_INTEGER)
		return judge_whole_real(arena, field, number, value);
	return judge_decimal_real(arena, field, number, value);
}
