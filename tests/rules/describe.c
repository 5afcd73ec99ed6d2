/* describe.c - tells what the house's tables say: `describe settings`, the text of .env.example;
 * `describe routes`, the endpoints' records as JSON. Run by the tests, and of use to people. */
#include <stdio.h>
#include <string.h>

#include "almanac/json.h"
#include "almanac/routes.h"
#include "almanac/settings.h"

#define TEXT_MAX ((size_t)16 << 20)

static const char *const places[] = {
	[FIELD_IN_PATH] = "path",
	[FIELD_IN_QUERY] = "query",
	[FIELD_IN_BODY] = "body",
	[FIELD_IN_HEADER] = "header",
};

static const char *const kinds[] = {
	[FIELD_TEXT] = "text",     [FIELD_INTEGER] = "integer",   [FIELD_DECIMAL] = "decimal",
	[FIELD_FLAG] = "flag",     [FIELD_CHOICE] = "choice",     [FIELD_UUID] = "uuid",
	[FIELD_MOMENT] = "moment", [FIELD_URL] = "url",           [FIELD_CURSOR] = "cursor",
	[FIELD_KEY] = "key",       [FIELD_DURATION] = "duration", [FIELD_TARGET] = "target",
	[FIELD_JSON] = "json",     [FIELD_OBJECT] = "object",     [FIELD_HEADERS] = "headers",
};

/* --- JSON, a member a line ---------------------------------------------------------------------------- */

static void append_name(struct str *out, const char *name)
{
	char last = out->bytes[out->length - 1];

	str_append_text(out, last == '{' || last == '[' ? "" : ",");
	if (name) {
		str_append_char(out, '\n');
		json_append_text(out, span_of(name));
		str_append_char(out, ':');
	}
}

static void append_text(struct str *out, const char *name, const char *text)
{
	append_name(out, name);
	if (text)
		json_append_text(out, span_of(text));
	else
		str_append_text(out, "null");
}

static void append_number(struct str *out, const char *name, int64_t number)
{
	append_name(out, name);
	str_append_number(out, number);
}

static void append_flag(struct str *out, const char *name, bool flag)
{
	append_name(out, name);
	str_append_text(out, flag ? "true" : "false");
}

static void append_choices(struct str *out, const struct field *field)
{
	append_name(out, "choices");
	str_append_char(out, '[');
	for (size_t i = 0; field->choices && field->choices[i]; i++)
		append_text(out, NULL, field->choices[i]);
	str_append_char(out, ']');
}

static void append_field(struct str *out, const struct field *field)
{
	append_name(out, NULL);
	str_append_char(out, '{');
	append_text(out, "name", field->name);
	append_text(out, "place", places[field->place]);
	append_text(out, "kind", kinds[field->kind]);
	append_flag(out, "required", field->is_required);
	append_number(out, "min", field->min);
	append_number(out, "max", field->max);
	append_choices(out, field);
	append_text(out, "default", field->by_default);
	append_text(out, "description", field->description);
	append_text(out, "example", field->example);
	str_append_char(out, '}');
}

static void append_outcomes(struct str *out, const struct outcome *outcome)
{
	append_name(out, "outcomes");
	str_append_char(out, '{');
	for (; outcome && outcome->word; outcome++)
		append_number(out, outcome->word,
			      outcome->problem ? problem_kind(outcome->problem)->status
					       : outcome->status);
	str_append_char(out, '}');
}

static void append_others(struct str *out, const struct other_answer *other)
{
	append_name(out, "other_schemas");
	str_append_char(out, '[');
	for (; other && (other->status || other->problem); other++)
		if (other->schema)
			append_text(out, NULL, other->schema);
	str_append_char(out, ']');
}

static void append_endpoint(struct str *out, const struct endpoint *endpoint)
{
	append_name(out, NULL);
	str_append_char(out, '{');
	append_text(out, "name", endpoint->name);
	append_text(out, "method", endpoint->method);
	append_text(out, "path", endpoint->path);
	append_text(out, "tag", endpoint->tag);
	append_text(out, "scope", scope_name(endpoint_scope(endpoint, NULL)));
	append_text(out, "summary", endpoint->summary);
	append_text(out, "description", endpoint->description);
	append_text(out, "statement",
		    endpoint->has_statement ? statements[endpoint->asks].file : NULL);
	append_number(out, "status", endpoint->status ? endpoint->status : 200);
	append_text(out, "empty", problem_kind(endpoint->empty)->code);
	append_outcomes(out, endpoint->outcomes);
	append_text(out, "answer_schema", endpoint->answer_schema);
	append_text(out, "body_schema", endpoint->body_schema);
	append_text(out, "complaint_schema", endpoint->complaint_schema);
	append_others(out, endpoint->others);
	append_flag(out, "raw_body", endpoint->body == BODY_RAW);
	append_flag(out, "may_lag", endpoint->may_lag);
	append_name(out, "fields");
	str_append_char(out, '[');
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		append_field(out, field);
	str_append_text(out, "]}");
}

static void append_routes(struct str *out)
{
	str_append_char(out, '[');
	for (size_t i = 0; routes[i]; i++)
		append_endpoint(out, routes[i]);
	str_append_text(out, "]\n");
}

static const struct {
	const char *name;
	void (*append)(struct str *out);
} topics[] = {{"settings", settings_example}, {"routes", append_routes}};

int main(int count, char **arguments)
{
	struct str out;

	str_init(&out, TEXT_MAX);
	for (size_t i = 0; count == 2 && i < sizeof(topics) / sizeof(*topics); i++)
		if (strcmp(arguments[1], topics[i].name) == 0)
			topics[i].append(&out);
	bool is_fine = out.length > 0 && !out.has_overflowed;

	fputs(is_fine ? str_text(&out) : "usage: describe settings|routes\n",
	      is_fine ? stdout : stderr);
	str_finish(&out);
	return is_fine ? 0 : 2;
}
