/* kinds_json.c - JSON that is kept as it was written, and HTTP headers in it; kinds.c and fields.c
 * call me, I call json.c and json_written.c */
#include <string.h>

#include "kinds.h"

#define WRITTEN_MAX_BYTES ((size_t)64 << 20) /* bodies are smaller */

static const struct ruling no_fault = {NULL, NULL};

/* --- headers (RFC 9110 sections 5.1, 5.5, 5.6.2) ---------------------------------------------- */

static bool is_token(struct span name)
{
	for (size_t i = 0; i < name.length; i++) {
		unsigned char byte = (unsigned char)name.bytes[i];

		if (byte <= ' ' || byte >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", byte))
			return false;
	}
	return name.length > 0;
}

static bool is_header_value(struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		unsigned char byte = (unsigned char)value.bytes[i];

		if ((byte < ' ' && byte != '\t') || byte == 0x7F)
			return false;
	}
	return true;
}

/* "proxy-*" stands for all names that begin so. */
static bool is_like(struct span name, struct span pattern)
{
	if (pattern.length > 0 && pattern.bytes[pattern.length - 1] == '*') {
		pattern.length--;
		if (name.length > pattern.length)
			name.length = pattern.length;
	}
	return span_equals_nocase(name, pattern);
}

static bool is_refused(const struct field *field, struct span name)
{
	for (size_t i = 0; field->refused && field->refused[i]; i++)
		if (is_like(name, span_of(field->refused[i])))
			return true;
	return false;
}

/* Whether the name stood there before, in other capitals. */
static bool is_repeated(const struct json *headers, const char *name)
{
	for (const char *other = json_first_name(headers); other != name;
	     other = json_next_name(headers, other))
		if (span_equals_nocase(span_of(other), span_of(name)))
			return true;
	return false;
}

static struct ruling judge_header(struct arena *arena, const struct field *field,
				  const struct json *headers, const char *name)
{
	const struct json *value = json_member(headers, name);
	enum json_kind kind = json_kind(value);

	if (!is_token(span_of(name)))
		return (struct ruling){"format",
				       arena_format(arena,
						    "must have tokens (RFC 9110) as names, "
						    "which \"%.100s\" is not",
						    name)};
	if (is_refused(field, span_of(name)))
		return (struct ruling){"refused", arena_format(arena, "must not set %s", name)};
	if (is_repeated(headers, name))
		return (struct ruling){"conflict",
				       arena_format(arena, "must not set %.100s twice", name)};
	if (kind != JSON_TEXT)
		return (struct ruling){"type",
				       arena_format(arena, "must hold strings only: %.100s is %s",
						    name, json_kind_name(kind))};
	if (!is_header_value(json_text(value)))
		return (struct ruling){"format", arena_format(arena,
							      "must not hold line breaks or other "
							      "control characters, as %.100s does",
							      name)};
	return no_fault;
}

static struct ruling judge_headers(struct arena *arena, const struct field *field,
				   const struct json *headers)
{
	struct ruling ruling = no_fault;
	size_t bytes = 0;

	if (json_count(headers) > FIELD_HEADERS_MAX)
		return (struct ruling){"length", arena_format(arena, "must be at most %d headers",
							      FIELD_HEADERS_MAX)};
	for (const char *name = json_first_name(headers); name && !ruling.rule;
	     name = json_next_name(headers, name)) {
		ruling = judge_header(arena, field, headers, name);
		if (!ruling.rule)
			bytes += strlen(name) + json_text(json_member(headers, name)).length;
	}
	return ruling.rule ? ruling : kind_judge_length(arena, field, bytes);
}

/* --- the door ------------------------------------------------------------------------------- */

bool kind_is_json(enum field_kind kind)
{
	return kind == FIELD_JSON || kind == FIELD_OBJECT || kind == FIELD_HEADERS;
}

/* As it was written, or as it is read when nobody knows how. */
static struct span compact(struct arena *arena, const struct json *json, struct span text)
{
	struct str out;

	if (text.length > 0)
		return json_compact(arena, text);
	str_init(&out, WRITTEN_MAX_BYTES);
	json_append(&out, json);
	text = arena_copy(arena, str_span(&out));
	str_finish(&out);
	return text;
}

struct ruling kind_judge_json(struct arena *arena, const struct field *field,
			      const struct json *json, struct span text, struct field_value *value)
{
	struct span written = compact(arena, json, text);

	kind_accept(value, written);
	if (field->kind == FIELD_HEADERS)
		return judge_headers(arena, field, json);
	return kind_judge_length(arena, field, written.length);
}

struct ruling kind_judge_json_text(struct arena *arena, const struct field *field, struct span text,
				   struct field_value *value)
{
	const char *complaint = NULL;
	const struct json *json = json_parse(arena, text, &complaint);

	if (!json)
		return (struct ruling){"format",
				       arena_format(arena, "must be JSON: %s", complaint)};
	if (field->kind != FIELD_JSON && json_kind(json) != JSON_OBJECT)
		return (struct ruling){"type", arena_format(arena, "must be an object, not %s",
							    json_kind_name(json_kind(json)))};
	return kind_judge_json(arena, field, json, text, value);
}
