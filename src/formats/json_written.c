/* json_written.c - the texts of JSON values, as they were written; fields.c and the rooms call me, I
 * call nobody */
#include "almanac/json.h"

#define INDENT 2
#define INDENTED_LEVELS 32

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip(struct span *rest, size_t bytes)
{
	rest->bytes += bytes;
	rest->length -= bytes;
}

static void skip_spaces(struct span *rest)
{
	while (rest->length > 0 && is_space(*rest->bytes))
		skip(rest, 1);
}

static bool take_char(struct span *rest, char wanted)
{
	skip_spaces(rest);
	if (rest->length == 0 || *rest->bytes != wanted)
		return false;
	skip(rest, 1);
	return true;
}

/* The length of the string at the front with its quotes; 0 when it does not end. */
static size_t string_length(struct span text)
{
	for (size_t i = 1; i < text.length; i++) {
		if (text.bytes[i] == '\\')
			i++;
		else if (text.bytes[i] == '"')
			return i + 1;
	}
	return 0;
}

/* The same of an array or object; brackets of both kinds count alike. */
static size_t nest_length(struct span text)
{
	size_t depth = 0;
	size_t length = 0;

	while (length < text.length) {
		struct span rest = {text.bytes + length, text.length - length};
		size_t step = *rest.bytes == '"' ? string_length(rest) : 1;

		if (step == 0)
			return 0;
		if (*rest.bytes == '[' || *rest.bytes == '{')
			depth++;
		else if (*rest.bytes == ']' || *rest.bytes == '}')
			depth--;
		length += step;
		if (depth == 0)
			return length;
	}
	return 0;
}

static size_t scalar_length(struct span text)
{
	size_t length = 0;

	while (length < text.length && !is_space(text.bytes[length]) && text.bytes[length] != ',' &&
	       text.bytes[length] != ']' && text.bytes[length] != '}')
		length++;
	return length;
}

static bool take_value(struct span *rest, struct span *value)
{
	skip_spaces(rest);
	value->bytes = rest->bytes;
	value->length = 0;
	if (rest->length == 0)
		return false;
	if (*rest->bytes == '"')
		value->length = string_length(*rest);
	else if (*rest->bytes == '[' || *rest->bytes == '{')
		value->length = nest_length(*rest);
	else
		value->length = scalar_length(*rest);
	skip(rest, value->length);
	return value->length > 0;
}

/* --- the door ------------------------------------------------------------------------------- */

struct span json_member_text(struct span object, const char *name)
{
	struct span rest = object;
	struct span key, value;

	if (!take_char(&rest, '{'))
		return (struct span){0};
	while (take_value(&rest, &key) && take_char(&rest, ':') && take_value(&rest, &value)) {
		if (key.length >= 2 && span_is((struct span){key.bytes + 1, key.length - 2}, name))
			return value;
		if (!take_char(&rest, ','))
			break;
	}
	return (struct span){0};
}

struct span json_compact(struct arena *arena, struct span text)
{
	char *bytes = arena_alloc(arena, text.length + 1);
	size_t length = 0;
	bool is_quoted = false;

	for (size_t i = 0; i < text.length; i++) {
		char byte = text.bytes[i];

		if (is_quoted || !is_space(byte))
			bytes[length++] = byte;
		if (is_quoted && byte == '\\' && i + 1 < text.length)
			bytes[length++] = text.bytes[++i];
		else if (byte == '"')
			is_quoted = !is_quoted;
	}
	bytes[length] = '\0';
	return (struct span){bytes, length};
}

static void break_line(struct str *out, size_t depth)
{
	static const char spaces[] =
		"                                                                ";
	size_t levels = depth < INDENTED_LEVELS ? depth : INDENTED_LEVELS;

	str_append_char(out, '\n');
	str_append(out, (struct span){spaces, levels * INDENT});
}

/* An opening bracket; an empty pair stays together. */
static void open_pretty(struct str *out, struct span *rest, size_t *depth)
{
	str_append(out, (struct span){rest->bytes, 1});
	skip(rest, 1);
	skip_spaces(rest);
	if (rest->length > 0 && (*rest->bytes == ']' || *rest->bytes == '}')) {
		str_append(out, (struct span){rest->bytes, 1});
		skip(rest, 1);
		return;
	}
	break_line(out, ++*depth);
}

static void close_pretty(struct str *out, struct span *rest, size_t *depth)
{
	if (*depth > 0)
		--*depth;
	break_line(out, *depth);
	str_append(out, (struct span){rest->bytes, 1});
	skip(rest, 1);
}

static void scalar_pretty(struct str *out, struct span *rest)
{
	size_t length = *rest->bytes == '"' ? string_length(*rest) : scalar_length(*rest);

	if (length == 0)
		length = rest->length;
	str_append(out, (struct span){rest->bytes, length});
	skip(rest, length);
}

void json_append_pretty(struct str *out, struct span text)
{
	size_t depth = 0;

	for (skip_spaces(&text); text.length > 0; skip_spaces(&text)) {
		switch (*text.bytes) {
		case '{':
		case '[':
			open_pretty(out, &text, &depth);
			break;
		case '}':
		case ']':
			close_pretty(out, &text, &depth);
			break;
		case ',':
			str_append_char(out, ',');
			skip(&text, 1);
			break_line(out, depth);
			break;
		case ':':
			str_append(out, SPAN(": "));
			skip(&text, 1);
			break;
		default:
			scalar_pretty(out, &text);
		}
	}
}

struct json_items json_items(struct span array)
{
	struct json_items items = {.rest = array};

	items.is_broken = !take_char(&items.rest, '[');
	return items;
}

/* Behind the array's end there must be nothing. */
static bool end_items(struct json_items *items)
{
	skip_spaces(&items->rest);
	items->is_broken = items->rest.length > 0;
	items->rest = (struct span){0};
	return false;
}

bool json_next_item(struct json_items *items, struct span *item)
{
	if (items->is_broken || !items->rest.bytes)
		return false;
	if (take_char(&items->rest, ']'))
		return end_items(items);
	if ((items->count > 0 && !take_char(&items->rest, ',')) ||
	    !take_value(&items->rest, item)) {
		items->is_broken = true;
		return false;
	}
	items->count++;
	return true;
}
