/* kinds.c - one field's text by its kind; fields.c calls me, I call moment.c, decimal.c, query.c */
#include "kinds.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/decimal.h"
#include "almanac/uuid.h"

#define URL_MAX_BYTES 2048
#define CURSOR_MAX_BYTES 1024
#define DOUBLE_EXACT_DIGITS 15 /* decimal digits every double can give back (DBL_DIG) */
#define NUMBER_TEXT_MAX 64

static const struct ruling no_fault = {NULL, NULL};

static const char *const formats[] = {
	[FIELD_TEXT] = "must be valid UTF-8 text without NUL",
	[FIELD_DECIMAL] = "must be a decimal number such as 12.50, without sign or exponent, with "
			  "at most 12 digits before and 6 behind the point",
	[FIELD_FLAG] = "must be true or false",
	[FIELD_UUID] = "must be a UUID",
	[FIELD_MOMENT] = "must be a date or date-time (RFC 3339), for example 2026-02-01T20:00:00Z",
	[FIELD_URL] = "must be an http or https URL with a host",
	[FIELD_CURSOR] = "must be a cursor from an earlier answer",
};

static struct ruling refuse_format(enum field_kind kind)
{
	return (struct ruling){"format", formats[kind]};
}

static void accept(struct field_value *value, struct span text)
{
	value->text = text.bytes;
	value->length = text.length;
}

/* --- limits --------------------------------------------------------------------------------- */

static bool has_minimum(const struct field *field)
{
	return (field->min != 0 || field->max != 0) && field->min != INT64_MIN;
}

/* A maximum below the minimum is none. */
static bool has_maximum(const struct field *field)
{
	return (field->min != 0 || field->max != 0) && field->max >= field->min &&
	       field->max != INT64_MAX;
}

static const char *limit_text(struct arena *arena, const struct field *field, int64_t limit)
{
	struct str text;
	const char *copy;

	str_init(&text, NUMBER_TEXT_MAX);
	if (field->kind == FIELD_DECIMAL)
		decimal_append(&text, limit);
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

	if (has_minimum(field) && has_maximum(field))
		return arena_format(arena, "must be a %s number from %s to %s", noun, min, max);
	if (has_minimum(field))
		return arena_format(arena, "must be a %s number, at least %s", noun, min);
	if (has_maximum(field))
		return arena_format(arena, "must be a %s number, at most %s", noun, max);
	return arena_format(arena, "must be a %s number that fits 64 bits", noun);
}

static struct ruling judge_limits(struct arena *arena, const struct field *field, int64_t number)
{
	if (has_minimum(field) && number < field->min)
		return (struct ruling){"minimum", number_message(arena, field)};
	if (has_maximum(field) && number > field->max)
		return (struct ruling){"maximum", number_message(arena, field)};
	return no_fault;
}

/* --- text ----------------------------------------------------------------------------------- */

static const char *length_message(struct arena *arena, const struct field *field)
{
	const char *min = limit_text(arena, field, field->min);
	const char *max = limit_text(arena, field, field->max);
	int64_t last = has_maximum(field) ? field->max : field->min;
	const char *unit = last == 1 ? "byte" : "bytes";

	if (!has_maximum(field))
		return arena_format(arena, "must be at least %s %s long", min, unit);
	if (field->min <= 0)
		return arena_format(arena, "must be at most %s %s long", max, unit);
	return arena_format(arena, "must be from %s to %s %s long", min, max, unit);
}

static struct ruling judge_length(struct arena *arena, const struct field *field, size_t length)
{
	int64_t bytes = (int64_t)length;

	if ((has_minimum(field) && bytes < field->min) ||
	    (has_maximum(field) && bytes > field->max))
		return (struct ruling){"length", length_message(arena, field)};
	return no_fault;
}

static struct ruling judge_text(struct arena *arena, const struct field *field, struct span text,
				struct field_value *value)
{
	if (!span_is_text(text))
		return refuse_format(FIELD_TEXT);
	accept(value, arena_copy(arena, text));
	return judge_length(arena, field, text.length);
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
		if (!has_minimum(field) && !has_maximum(field))
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
	if (field->is_lowered && has_maximum(field) && is_digits(text)) /* beyond 64 bits */
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
	accept(value, arena_copy(arena, str_span(&canonical)));
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
		accept(value, SPAN("true"));
		return no_fault;
	}
	if (span_is(text, "false") || (is_in_query && span_is(text, "0"))) {
		accept(value, SPAN("false"));
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
			accept(value, span_of(field->choices[i]));
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
	accept(value, arena_copy(arena, (struct span){canonical, sizeof(canonical)}));
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
	accept(value, arena_copy(arena, text));
	return no_fault;
}

static struct ruling judge_moment(struct arena *arena, const struct field *field, struct span text,
				  struct field_value *value)
{
	struct moment utc;

	(void)field;
	if (!moment_parse(text, &value->moment))
		return refuse_format(FIELD_MOMENT);
	value->number = moment_unix_us(&value->moment);
	utc = moment_of_unix_us(value->number);
	value->text =
		arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.year, utc.month,
			     utc.day, utc.hour, utc.minute, utc.second, utc.microsecond);
	value->length = strlen(value->text);
	return no_fault;
}

/* --- URLs (RFC 3986 section 3, narrowed) ---------------------------------------------------- */

static bool take_prefix_nocase(struct span *rest, struct span prefix)
{
	if (rest->length < prefix.length ||
	    !span_equals_nocase((struct span){rest->bytes, prefix.length}, prefix))
		return false;
	rest->bytes += prefix.length;
	rest->length -= prefix.length;
	return true;
}

/* Printable ASCII only, and no fragment. */
static bool is_url_text(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] <= ' ' || text.bytes[i] >= 0x7F || text.bytes[i] == '#')
			return false;
	}
	return text.length <= URL_MAX_BYTES;
}

/* Letters, digits and "-._" of a name or IPv4 address; hexadecimal digits, ':' and '.' of a
 * bracketed IPv6 address. Returns the length of the host at the front, 0 when there is none. */
static size_t host_length(struct span authority)
{
	static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._";
	static const char address_bytes[] = "0123456789abcdefABCDEF:.";
	bool is_address = authority.length > 0 && authority.bytes[0] == '[';
	const char *allowed = is_address ? address_bytes : name_bytes;
	size_t length = is_address ? 1 : 0;

	while (length < authority.length && strchr(allowed, authority.bytes[length]))
		length++;
	if (!is_address)
		return length;
	if (length == 1 || length == authority.length || authority.bytes[length] != ']')
		return 0;
	return length + 1;
}

static bool is_port(struct span port)
{
	int64_t number;

	return is_digits(port) && port.length <= 5 && integer_parse(port, &number) && number >= 1 &&
	       number <= 65535;
}

static bool is_authority(struct span authority)
{
	size_t length = host_length(authority);
	struct span rest = {authority.bytes + length, authority.length - length};

	if (length == 0)
		return false;
	if (rest.length == 0)
		return true;
	return rest.bytes[0] == ':' && is_port((struct span){rest.bytes + 1, rest.length - 1});
}

static struct ruling judge_url(struct arena *arena, const struct field *field, struct span text,
			       struct field_value *value)
{
	struct span rest = text;
	size_t length = 0;

	if (!is_url_text(text) || (!take_prefix_nocase(&rest, SPAN("http://")) &&
				   !take_prefix_nocase(&rest, SPAN("https://"))))
		return refuse_format(FIELD_URL);
	while (length < rest.length && rest.bytes[length] != '/' && rest.bytes[length] != '?')
		length++;
	if (!is_authority((struct span){rest.bytes, length}))
		return refuse_format(FIELD_URL);
	accept(value, arena_copy(arena, text));
	return judge_length(arena, field, text.length);
}

/* --- the door ------------------------------------------------------------------------------- */

struct ruling kind_judge(struct arena *arena, const struct field *field, struct span text,
			 struct field_value *value)
{
	static struct ruling (*const judges[])(struct arena *, const struct field *, struct span,
					       struct field_value *) = {
		[FIELD_TEXT] = judge_text,       [FIELD_INTEGER] = judge_integer,
		[FIELD_DECIMAL] = judge_decimal, [FIELD_FLAG] = judge_flag,
		[FIELD_CHOICE] = judge_choice,   [FIELD_UUID] = judge_uuid,
		[FIELD_MOMENT] = judge_moment,   [FIELD_URL] = judge_url,
		[FIELD_CURSOR] = judge_cursor,
	};

	assert(field->kind >= FIELD_TEXT && field->kind <= FIELD_CURSOR);
	return judges[field->kind](arena, field, text, value);
}

struct ruling kind_judge_integer(struct arena *arena, const struct field *field, int64_t number,
				 struct field_value *value)
{
	if (field->kind == FIELD_DECIMAL)
		return judge_decimal(arena, field,
				     span_of(arena_format(arena, "%lld", (long long)number)),
				     value);
	if (field->is_lowered && has_maximum(field) && number > field->max)
		number = field->max;
	value->number = number;
	accept(value, span_of(arena_format(arena, "%lld", (long long)number)));
	return judge_limits(arena, field, number);
}

/* JSON has lost the digits as written by now. Up to fifteen of them survive in a double, so the
 * shortest spelling that reads back as the same number is the one that was written; with more
 * digits nobody can know. */
struct ruling kind_judge_real(struct arena *arena, const struct field *field, double number,
			      struct field_value *value)
{
	char text[NUMBER_TEXT_MAX];

	for (int digits = 0; digits <= 6 && number >= 0 && number < 1e12; digits++) {
		int length = snprintf(text, sizeof(text), "%.*f", digits, number);

		if (length <= DOUBLE_EXACT_DIGITS + 1 && strtod(text, NULL) == number)
			return judge_decimal(arena, field, span_of(text), value);
	}
	return refuse_format(FIELD_DECIMAL);
}
