/* ics_line.c - content lines, unfolded and taken apart; ics.c and ics_zone.c call me */
#include <string.h>

#include "ics_parts.h"

#define NAME_MAX_BYTES 64 /* that are looked at when a line is too long */

/* --- physical lines --------------------------------------------------------------------------- */

static bool take_physical(struct ics_lines *lines, struct span *line)
{
	if (lines->rest.length == 0)
		return false;
	(void)span_split(&lines->rest, '\n', line);
	lines->number++;
	if (line->length > 0 && line->bytes[line->length - 1] == '\r')
		line->length--;
	return true;
}

static bool is_folded(struct span rest)
{
	return rest.length > 0 && (rest.bytes[0] == ' ' || rest.bytes[0] == '\t');
}

/* Of a line that is too long at once the beginning is kept: the name is in it. */
static void append(struct ics_lines *lines, struct span piece)
{
	if (lines->text.length == 0 && piece.length > ICS_LINE_MAX_BYTES)
		str_append(&lines->text, (struct span){piece.bytes, NAME_MAX_BYTES});
	str_append(&lines->text, piece);
}

/* A character may be cut by a fold, so nothing is judged before the line is whole. */
static bool take_logical(struct ics_lines *lines, struct ics_line *line)
{
	struct span piece;

	str_clear(&lines->text);
	lines->text.has_overflowed = false;
	if (!take_physical(lines, &piece))
		return false;
	line->number = lines->number;
	append(lines, piece);
	while (is_folded(lines->rest)) {
		(void)take_physical(lines, &piece);
		str_append(&lines->text, (struct span){piece.bytes + 1, piece.length - 1});
	}
	line->is_too_long = lines->text.has_overflowed;
	return true;
}

/* --- parts ------------------------------------------------------------------------------------- */

static bool is_name_char(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || character == '-' || character == '_';
}

/* Where a character stands outside of quotes; the length when it does not. */
static size_t find_unquoted(struct span text, char character)
{
	bool is_quoted = false;

	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] == '"')
			is_quoted = !is_quoted;
		else if (text.bytes[i] == character && !is_quoted)
			return i;
	}
	return text.length;
}

static struct span part_of(struct span text, size_t from, size_t to)
{
	return (struct span){text.bytes + from, to - from};
}

static void take_apart(struct span text, struct ics_line *line)
{
	size_t name = 0;
	size_t colon = find_unquoted(text, ':');

	line->name = line->parameters = line->value = (struct span){0};
	while (name < text.length && is_name_char(text.bytes[name]))
		name++;
	if (name == 0 || name == text.length)
		return;
	/* A quote that never ends hides the colon; then the first one has to do. */
	if (colon == text.length) {
		const char *first = memchr(text.bytes, ':', text.length);

		colon = first ? (size_t)(first - text.bytes) : text.length;
	}
	if (colon == text.length && !line->is_too_long)
		return;
	if (text.bytes[name] != ':' && text.bytes[name] != ';')
		return;
	line->name = part_of(text, 0, name);
	line->parameters = part_of(text, name, colon);
	if (colon < text.length)
		line->value = part_of(text, colon + 1, text.length);
}

/* --- for the other files ----------------------------------------------------------------------- */

void ics_lines_init(struct ics_lines *lines, struct span text, unsigned number)
{
	*lines = (struct ics_lines){.rest = text, .number = number};
	str_init(&lines->text, ICS_LINE_MAX_BYTES);
}

void ics_lines_finish(struct ics_lines *lines)
{
	str_finish(&lines->text);
}

bool ics_lines_next(struct ics_lines *lines, struct ics_line *line)
{
	while (take_logical(lines, line)) {
		if (lines->text.length == 0 && !line->is_too_long)
			continue;
		take_apart(str_span(&lines->text), line);
		return true;
	}
	return false;
}

bool ics_line_is(const struct ics_line *line, const char *name, const char *value)
{
	return span_equals_nocase(line->name, span_of(name)) &&
	       span_equals_nocase(span_trim(line->value), span_of(value));
}

struct span ics_parameter(const struct ics_line *line, const char *name)
{
	struct span rest = line->parameters;

	while (rest.length > 0 && rest.bytes[0] == ';') {
		struct span one = part_of(rest, 1, rest.length);
		struct span found;

		one.length = find_unquoted(one, ';');
		rest = part_of(rest, 1 + one.length, rest.length);
		(void)span_split(&one, '=', &found);
		if (!one.bytes || !span_equals_nocase(span_trim(found), span_of(name)))
			continue;
		if (one.length >= 2 && one.bytes[0] == '"' && one.bytes[one.length - 1] == '"')
			one = part_of(one, 1, one.length - 1);
		return one;
	}
	return (struct span){0};
}
