/* reading.c - reads the fields of a request by its endpoint's table and judges them; called by
 * request.c. */
#include <assert.h>

#include "almanac/json.h"
#include "http.h"

bool reading_has_body(const struct endpoint *endpoint)
{
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		if (field->place == FIELD_IN_BODY)
			return true;
	return false;
}

static bool is_json_type(struct span type)
{
	struct span essence = {0};

	span_split(&type, ';', &essence);
	essence = span_trim(essence);
	return span_equals_nocase(essence, SPAN("application/json")) ||
	       (essence.length > 5 &&
		span_equals_nocase((struct span){essence.bytes + essence.length - 5, 5},
				   SPAN("+json")));
}

static bool read_body(struct request *request, const struct json **body)
{
	const char *complaint = NULL;

	if (!is_json_type(request_header(request, "Content-Type"))) {
		request_complain(request, PROBLEM_NOT_JSON, "Content-Type must be application/json",
				 NULL);
		return false;
	}
	*body = json_parse(request->arena, str_span(&request->body), &complaint);
	if (!*body) {
		request_complain(request, PROBLEM_BAD_JSON, complaint, NULL);
		return false;
	}
	if (json_kind(*body) != JSON_OBJECT) {
		request_complain(request, PROBLEM_INVALID_BODY,
				 arena_format(request->arena, "the body must be an object, not %s",
					      json_kind_name(json_kind(*body))),
				 NULL);
		return false;
	}
	return true;
}

static bool decode_path(struct request *request)
{
	const char *complaint = NULL;

	for (size_t i = 0; i < request->path_count; i++) {
		struct field_pair *pair = &request->path_pairs[i];

		if (!fields_decode(request->arena, pair->value, false, &pair->value, &complaint)) {
			request_complain(request, PROBLEM_BAD_REQUEST, complaint, NULL);
			return false;
		}
	}
	return true;
}

static enum problem problem_of_faults(const struct field_faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		if (faults->items[i].place != FIELD_IN_BODY)
			return PROBLEM_INVALID_QUERY;
	return PROBLEM_INVALID_BODY;
}

/* The table's fields, then the rules across them. */
static bool judge_fields(struct request *request, const struct field_input *input)
{
	const struct endpoint *endpoint = request->endpoint;
	struct field_faults *faults = arena_alloc(request->arena, sizeof(*faults));
	enum problem problem = PROBLEM_NONE;

	assert(fields_count(endpoint->reads) <= ENDPOINT_FIELDS_MAX);
	if (fields_read(request->arena, endpoint->reads, input, request->values, faults) &&
	    endpoint->check)
		problem = endpoint->check(request, faults);
	if (faults->count)
		problem = problem_of_faults(faults);
	if (problem == PROBLEM_NONE)
		return true;
	request_complain(request, problem, NULL, faults);
	return false;
}

bool reading_take(struct request *request)
{
	struct field_pair query[QUERY_FIELDS_MAX];
	const char *complaint = NULL;
	struct field_input input = {
		.path = request->path_pairs,
		.path_count = request->path_count,
		.query = query,
	};

	if (!fields_split_query(request->arena, request->query, query, QUERY_FIELDS_MAX,
				&input.query_count, &complaint)) {
		request_complain(request, PROBLEM_BAD_REQUEST, complaint, NULL);
		return false;
	}
	if (!request->endpoint->reads)
		return true;
	if (!decode_path(request))
		return false;
	if (reading_has_body(request->endpoint) && !read_body(request, &input.body))
		return false;
	return judge_fields(request, &input);
}
