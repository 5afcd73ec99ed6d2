/* test_openapi.c - the description made of small records: schemas told once, statuses, parameters, paths; and
 * bytes that are compressed once. */
#include <string.h>

#include "almanac/json.h"
#include "almanac/openapi.h"
#include "almanac/schema.h"
#include "http/http.h"
#include "story.h"

#define INNER SCHEMA_TITLED("Inner", "\"a\"", MEMBER("a", SCHEMA_TEXT))
#define OUTER SCHEMA_TITLED("Outer", "\"in\"", MEMBER("in", INNER) "," MEMBER("also", INNER))

static const char *const words[] = {"one", "two", NULL};

static const struct field fields[] = {
	{.name = "id",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_INTEGER,
	 .is_required = true,
	 .min = 1,
	 .max = INT64_MAX,
	 .description = "The \"number\".",
	 .example = "7"},
	{.name = "limit",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = 1000,
	 .is_lowered = true,
	 .by_default = "100",
	 .description = "Rows.",
	 .example = "100"},
	{.name = "word",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = words,
	 .description = "One.",
	 .example = "one"},
	{0},
};

static const struct field body_fields[] = {
	{.name = "name",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_TEXT,
	 .is_required = true,
	 .min = 1,
	 .max = 200,
	 .description = "A name.",
	 .example = "n"},
	{.name = "count",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_INTEGER,
	 .description = "How many.",
	 .example = "3"},
	{0},
};

static const struct outcome outcomes[] = {
	{"made", 201, PROBLEM_NONE}, {"gone", 0, PROBLEM_TIMER_NOT_FOUND}, {0}};

static const struct other_answer moved[] = {
	{400, PROBLEM_INVALID_BODY, NULL, NULL},
	{401, PROBLEM_NONE, "No signature.", SCHEMA_DETAIL},
	{0},
};

static const struct endpoint find = {
	.name = "things_find",
	.method = "GET",
	.path = "/things/{id}",
	.tag = "things",
	.summary = "Find",
	.description = "Finds.",
	.reads = fields,
	.has_etag = true,
	.answer_schema = OUTER,
};

static const struct endpoint make = {
	.name = "things_make",
	.method = "POST",
	.path = "/things",
	.tag = "things",
	.summary = "Make",
	.description = "Makes.",
	.reads = body_fields,
	.outcomes = outcomes,
	.complaint_schema = INNER,
	.others = moved,
	.answer_schema = OUTER,
};

static const struct endpoint drop = {
	.name = "things_drop",
	.method = "DELETE",
	.path = "/things/{id}",
	.tag = "things",
	.summary = "Drop",
	.description = "Drops.",
	.reads = fields,
	.status = 204,
	.scope = SCOPE_OPEN,
};

static const struct endpoint *const routes[] = {&find, &make, &drop, NULL};
static const struct tag tags[] = {{"things", "All things."}, {0}};

/* --- what it says ------------------------------------------------------------------------------------------ */

struct document {
	struct arena *arena;
	struct str text;
	const struct json *root;
};

static int setup(void **state)
{
	static struct document document;
	const struct openapi_options options = {routes, tags, "1.2.3", "X-Age"};
	const char *complaint = NULL;

	document.arena = arena_create();
	str_init(&document.text, OPENAPI_MAX_BYTES);
	openapi_append(&options, &document.text);
	document.root = json_parse(document.arena, str_span(&document.text), &complaint);
	assert_null(complaint);
	*state = &document;
	return 0;
}

static int teardown(void **state)
{
	struct document *document = *state;

	str_finish(&document->text);
	arena_destroy(document->arena);
	return 0;
}

/* Follows "a b c" down the members. */
static const struct json *at(void **state, const char *path)
{
	const struct document *document = *state;
	const struct json *json = document->root;
	struct span rest = span_of(path), name;

	while (json && span_split(&rest, ' ', &name))
		json = json_member(json, arena_text(document->arena, name));
	return json;
}

static const char *text_at(void **state, const char *path)
{
	const struct document *document = *state;
	const struct json *json = at(state, path);

	assert_non_null(json);
	return arena_text(document->arena, json_text(json));
}

static size_t count_text(void **state, const char *wanted)
{
	const struct document *document = *state;
	size_t count = 0;

	for (const char *found = strstr(str_text(&document->text), wanted); found;
	     found = strstr(found + 1, wanted))
		count++;
	return count;
}

static void test_a_schema_with_a_title_is_told_once(void **state)
{
	assert_int_equal(count_text(state, "\"Outer\":{\"title\":\"Outer\""), 1);
	assert_int_equal(count_text(state, "\"Inner\":{\"title\":\"Inner\""), 1);
	assert_int_equal(count_text(state, "{\"title\":\"Inner\""), 1);
	assert_string_equal(text_at(state, "components schemas Outer properties in $ref"),
			    "#/components/schemas/Inner");
	assert_string_equal(
		text_at(state,
			"paths /things post responses 201 content application/json schema $ref"),
		"#/components/schemas/Outer");
}

static void test_methods_of_a_path_stand_together(void **state)
{
	assert_int_equal(json_count(at(state, "paths")), 2);
	assert_int_equal(json_count(at(state, "paths /things/{id}")), 2);
}

static void test_outcomes_and_problems_are_statuses(void **state)
{
	assert_null(at(state, "paths /things post responses 200"));
	assert_non_null(at(state, "paths /things post responses 201"));
	assert_non_null(at(state, "paths /things post responses 404"));
	assert_non_null(at(state, "paths /things/{id} get responses 304"));
	assert_null(at(state, "paths /things/{id} delete responses 304"));
}

static void test_a_dialect_has_its_own_schema_and_statuses(void **state)
{
	assert_null(at(state, "paths /things post responses 422"));
	assert_non_null(at(state, "paths /things post responses 400 content application/json"));
	assert_non_null(
		at(state, "paths /things post responses 400 content application/problem+json"));
	assert_null(at(state, "paths /things post responses 404 content application/problem+json"));
	assert_string_equal(
		text_at(state,
			"paths /things post responses 401 content application/json schema $ref"),
		"#/components/schemas/Detail");
}

static void test_nothing_has_no_content(void **state)
{
	assert_non_null(at(state, "paths /things/{id} delete responses 204"));
	assert_null(at(state, "paths /things/{id} delete responses 204 content"));
	assert_int_equal(json_length(at(state, "paths /things/{id} delete security")), 0);
}

static void test_parameters_have_limits_that_are_limits(void **state)
{
	const struct json *list = at(state, "paths /things/{id} get parameters");
	const struct json *limit = json_member(json_item(list, 1), "schema");

	assert_int_equal(json_length(list), 4);
	assert_int_equal(json_integer(json_member(limit, "minimum")), 1);
	assert_null(json_member(limit, "maximum"));
	assert_int_equal(json_integer(json_member(limit, "default")), 100);
	assert_null(json_member(json_member(json_item(list, 0), "schema"), "maximum"));
	assert_int_equal(
		json_length(json_member(json_member(json_item(list, 2), "schema"), "enum")), 2);
}

static void test_a_body_has_its_fields_and_an_example(void **state)
{
	const struct json *body =
		at(state, "paths /things post requestBody content application/json");

	assert_int_equal(json_length(json_member(json_member(body, "schema"), "required")), 1);
	assert_int_equal(json_integer(json_member(json_member(body, "example"), "count")), 3);
}

/* --- bytes that are compressed once ------------------------------------------------------------------------ */

static void test_an_asset_unpacks_to_what_it_was(void **state)
{
	struct made_asset made = {0};
	struct str text, again;

	(void)state;
	str_init(&text, REPLY_BODY_MAX);
	for (int i = 0; i < 5000; i++)
		str_format(&text, "line %d of many\n", i);
	asset_make(&made, &text);
	assert_true(made.asset.gzip.length > 0 && made.asset.gzip.length < made.asset.length / 2);
	asset_inflate(&made.asset, &again);
	assert_int_equal(again.length, made.asset.length);
	assert_memory_equal(again.bytes, made.asset.plain.bytes, again.length);
	assert_int_equal(strlen(made.asset.tag), 16);
	str_finish(&again);
	asset_finish(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_schema_with_a_title_is_told_once),
		cmocka_unit_test(test_methods_of_a_path_stand_together),
		cmocka_unit_test(test_outcomes_and_problems_are_statuses),
		cmocka_unit_test(test_a_dialect_has_its_own_schema_and_statuses),
		cmocka_unit_test(test_nothing_has_no_content),
		cmocka_unit_test(test_parameters_have_limits_that_are_limits),
		cmocka_unit_test(test_a_body_has_its_fields_and_an_example),
		cmocka_unit_test(test_an_asset_unpacks_to_what_it_was),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
