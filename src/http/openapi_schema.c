/* openapi_schema.c - fields as parameters and as members of a body, in JSON Schema; schemas with a title are
 * told once. Called by openapi.c and openapi_answers.c. */
#include <string.h>

#include "almanac/json.h"
#include "http.h"
#include "openapi.h"

#define SCHEMA_MAX ((size_t)1 << 18)
#define SECOND_US 1000000
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define UTF8_MAX_BYTES 4 /* of a character */

/* --- schemas that are told once ------------------------------------------------------------------------ */

static const struct span titled = {"{\"title\":\"", 10};

/* The object that the text begins with, to its closing brace. */
static struct span take_object(struct span text)
{
	size_t depth = 0;
	bool is_quoted = false;

	for (size_t i = 0; i < text.length; i++) {
		char byte = text.bytes[i];

		if (is_quoted && byte == '\\')
			i++;
		else if (byte == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && byte == '{')
			depth++;
		else if (!is_quoted && byte == '}' && --depth == 0)
			return (struct span){text.bytes, i + 1};
	}
	return text;
}

static void copy_schema(struct description *description, struct str *out, struct span text);

static bool is_told(const struct description *description, const char *name)
{
	struct str wanted;
	bool is_there;

	str_init(&wanted, SCHEMA_MAX);
	str_format(&wanted, "\"%s\":{\"title\":\"%s\"", name, name);
	is_there = strstr(str_text(&description->schemas), str_text(&wanted)) != NULL;
	str_finish(&wanted);
	return is_there;
}

/* What lies within it comes first: components.schemas is written behind it. */
static void tell_once(struct description *description, struct span object, const char *name)
{
	struct str body;

	if (is_told(description, name))
		return;
	str_init(&body, SCHEMA_MAX);
	str_append_char(&body, '{');
	copy_schema(description, &body, (struct span){object.bytes + 1, object.length - 1});
	write_name(&description->schemas, name);
	str_append(&description->schemas, str_span(&body));
	str_finish(&body);
}

static void refer(struct description *description, struct str *out, struct span object)
{
	struct span rest = {object.bytes + titled.length, object.length - titled.length};
	struct str title;
	struct span name;

	str_init(&title, SCHEMA_MAX);
	if (span_split(&rest, '"', &name))
		str_append(&title, name);
	tell_once(description, object, str_text(&title));
	str_format(out, "{\"$ref\":\"#/components/schemas/%s\"}", str_text(&title));
	str_finish(&title);
}

static void copy_schema(struct description *description, struct str *out, struct span text)
{
	while (text.length > 0) {
		struct span part = {text.bytes, 1};

		if (span_starts_with(text, titled)) {
			part = take_object(text);
			refer(description, out, part);
		} else {
			str_append(out, part);
		}
		text = (struct span){text.bytes + part.length, text.length - part.length};
	}
}

void schema_append(struct description *description, struct str *out, const char *text)
{
	copy_schema(description, out, span_of(text));
}

/* --- a field ------------------------------------------------------------------------------------------- */

/* In a parameter everything is text, in a body some kinds are more than that. */
static const char *const shapes[] = {
	[FIELD_TEXT] = "\"type\":\"string\"",
	[FIELD_INTEGER] = "\"type\":\"integer\",\"format\":\"int64\"",
	[FIELD_DECIMAL] = "\"type\":\"number\"",
	[FIELD_FLAG] = "\"type\":\"boolean\"",
	[FIELD_CHOICE] = "\"type\":\"string\"",
	[FIELD_UUID] = "\"type\":\"string\",\"format\":\"uuid\"",
	[FIELD_MOMENT] = "\"type\":\"string\",\"anyOf\":[{\"format\":\"date-time\"},{\"format\":"
			 "\"date\"}]",
	[FIELD_URL] = "\"type\":\"string\",\"format\":\"uri\",\"maxLength\":2048",
	[FIELD_CURSOR] = "\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_-]+$\",\"maxLength\":1024",
	[FIELD_KEY] = "\"type\":\"string\",\"pattern\":\"^[!-~]+$\"",
	[FIELD_DURATION] = "\"type\":[\"number\",\"string\"],\"minimum\":0,\"pattern\":"
			   "\"^(P[0-9WDTHMS.,]+|[0-9]+([.][0-9]+)?)$\"",
	[FIELD_TARGET] = "\"type\":\"string\",\"minLength\":1,\"maxLength\":2048",
	[FIELD_JSON] = "",
	[FIELD_OBJECT] = "\"type\":\"object\"",
	[FIELD_HEADERS] = "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}",
};

static void append_length(struct str *out, const struct field *field)
{
	if (field_has_minimum(field) && field->min > 0)
		write_number(out, "minLength", (field->min + UTF8_MAX_BYTES - 1) / UTF8_MAX_BYTES);
	if (field_has_maximum(field))
		write_number(out, "maxLength", field->max);
}

static void append_range(struct str *out, const struct field *field, int64_t unit)
{
	if (field_has_minimum(field))
		write_number(out, "minimum", field->min / unit);
	if (field_has_maximum(field) && !field->is_lowered)
		write_number(out, "maximum", field->max / unit);
}

static void append_choices(struct str *out, const struct field *field)
{
	write_open(out, "enum", '[');
	for (size_t i = 0; field->choices[i]; i++)
		write_text(out, NULL, field->choices[i]);
	write_close(out, ']');
}

static void append_limits(struct str *out, const struct field *field)
{
	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_KEY:
		append_length(out, field);
		break;
	case FIELD_INTEGER:
		append_range(out, field, 1);
		break;
	case FIELD_DECIMAL:
		append_range(out, field, SECOND_US);
		break;
	case FIELD_DURATION:
		if (field_has_maximum(field))
			write_number(out, "maximum", field->max / SECOND_US);
		break;
	case FIELD_CHOICE:
		append_choices(out, field);
		break;
	case FIELD_HEADERS:
		write_number(out, "maxProperties", FIELD_HEADERS_MAX);
		break;
	case FIELD_FLAG:
	case FIELD_UUID:
	case FIELD_MOMENT:
	case FIELD_URL:
	case FIELD_CURSOR:
	case FIELD_TARGET:
	case FIELD_JSON:
	case FIELD_OBJECT:
		break;
	}
}

/* A table's example or default, as JSON. */
static void append_value(struct str *out, const char *name, const struct field *field,
			 const char *value)
{
	switch (field->kind) {
	case FIELD_INTEGER:
	case FIELD_DECIMAL:
	case FIELD_FLAG:
	case FIELD_JSON:
	case FIELD_OBJECT:
	case FIELD_HEADERS:
		write_raw(out, name, value);
		break;
	case FIELD_TEXT:
	case FIELD_CHOICE:
	case FIELD_UUID:
	case FIELD_MOMENT:
	case FIELD_URL:
	case FIELD_CURSOR:
	case FIELD_KEY:
	case FIELD_DURATION:
	case FIELD_TARGET:
		write_text(out, name, value);
		break;
	}
}

static void append_shape(struct str *out, const struct field *field)
{
	str_append_text(out, shapes[field->kind]);
	append_limits(out, field);
	if (field->by_default)
		append_value(out, "default", field, field->by_default);
}

/* --- parameters ---------------------------------------------------------------------------------------- */

bool schema_has(const struct endpoint *endpoint, enum field_place place)
{
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		if (field->place == place)
			return true;
	return false;
}

bool schema_has_etag(const struct endpoint *endpoint)
{
	return strcmp(endpoint->method, "GET") == 0 &&
	       (endpoint->has_etag || endpoint->is_of_edition);
}

static void append_parameter(struct str *out, const struct field *field)
{
	static const char *const places[] = {
		[FIELD_IN_PATH] = "path",
		[FIELD_IN_QUERY] = "query",
		[FIELD_IN_HEADER] = "header",
	};

	write_open(out, NULL, '{');
	write_text(out, "name", field->name);
	write_text(out, "in", places[field->place]);
	write_text(out, "description", field->description);
	if (field->is_required)
		write_flag(out, "required", true);
	write_open(out, "schema", '{');
	append_shape(out, field);
	write_close(out, '}');
	append_value(out, "example", field, field->example);
	write_close(out, '}');
}

void schema_append_parameters(struct description *description, const struct endpoint *endpoint)
{
	struct str *out = description->out;

	if (!schema_has(endpoint, FIELD_IN_PATH) && !schema_has(endpoint, FIELD_IN_QUERY) &&
	    !schema_has(endpoint, FIELD_IN_HEADER) && !schema_has_etag(endpoint))
		return;
	write_open(out, "parameters", '[');
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		if (field->place != FIELD_IN_BODY)
			append_parameter(out, field);
	if (schema_has_etag(endpoint))
		write_reference(out, NULL, "parameters", "If-None-Match");
	write_close(out, ']');
}

/* --- the body ------------------------------------------------------------------------------------------ */

static void append_required(struct str *out, const struct endpoint *endpoint)
{
	bool is_first = true;

	for (const struct field *field = endpoint->reads; field->name; field++) {
		if (field->place != FIELD_IN_BODY || !field->is_required)
			continue;
		if (is_first)
			write_open(out, "required", '[');
		is_first = false;
		write_text(out, NULL, field->name);
	}
	if (!is_first)
		write_close(out, ']');
}

static void append_members(struct str *out, const struct endpoint *endpoint)
{
	write_open(out, "properties", '{');
	for (const struct field *field = endpoint->reads; field->name; field++) {
		if (field->place != FIELD_IN_BODY)
			continue;
		write_open(out, field->name, '{');
		append_shape(out, field);
		write_text(out, "description", field->description);
		write_open(out, "examples", '[');
		append_value(out, NULL, field, field->example);
		write_close(out, ']');
		write_close(out, '}');
	}
	write_close(out, '}');
}

static void append_example(struct str *out, const struct endpoint *endpoint)
{
	if (endpoint->body_example) {
		write_raw(out, "example", endpoint->body_example);
		return;
	}
	write_open(out, "example", '{');
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		if (field->place == FIELD_IN_BODY)
			append_value(out, field->name, field, field->example);
	write_close(out, '}');
}

static void append_json_body(struct description *description, const struct endpoint *endpoint)
{
	struct str *out = description->out;

	write_open(out, "application/json", '{');
	if (endpoint->body == BODY_RAW) {
		write_name(out, "schema");
		schema_append(description, out, endpoint->body_schema);
	} else {
		write_open(out, "schema", '{');
		write_text(out, "type", "object");
		append_required(out, endpoint);
		append_members(out, endpoint);
		write_close(out, '}');
	}
	append_example(out, endpoint);
	write_close(out, '}');
}

void schema_append_body(struct description *description, const struct endpoint *endpoint)
{
	struct str *out = description->out;
	size_t max = endpoint->max_body ? endpoint->max_body : DEFAULT_MAX_BODY;

	if (!reading_has_body(endpoint))
		return;
	write_open(out, "requestBody", '{');
	write_name(out, "description");
	str_format(out, "\"At most %zu %s.\"", max % MIB == 0 ? max / MIB : max / KIB,
		   max % MIB == 0 ? "MiB" : "KiB");
	write_flag(out, "required", true);
	write_open(out, "content", '{');
	append_json_body(description, endpoint);
	if (endpoint->other_body_type) {
		write_open(out, endpoint->other_body_type, '{');
		write_raw(out, "schema", "{\"type\":\"string\"}");
		write_close(out, '}');
	}
	write_close(out, '}');
	write_close(out, '}');
}
