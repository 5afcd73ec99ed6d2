/* reading.c - reads the fields of a request by its endpoint's table and judges them; called by
 * request.c. */
#include <assert.h>

#include "almanac/json.h"
#include "http.h"

static bool has_body_fields(const struct endpoint *endpoint)
{
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		if (field->place == FIELD_IN_BODY)
			return true;
	return false;
}

bool reading_has_body(const struct endpoint *endpoint)
{
	return endpoint->body == BODY_RAW || has_body_fields(endpoint);
}

static bool read_body(struct request *request, struct arena *arena, struct field_input *input)
{
	const char *complaint = NULL;

	if (!request_is_of(request, "application/json")) {
		request_complain(request, PROBLEM_NOT_JSON, "Content-Type must be application/json",
				 NULL);
		return false;
	}
	input->body_text = str_span(&request->body);
	input->body = json_parse(arena, input->body_text, &complaint);
	if (!input->body) {
		request_complain(request, PROBLEM_BAD_JSON, complaint, NULL);
		return false;
	}
	if (json_kind(input->body) != JSON_OBJECT) {
		request_complain(request, PROBLEM_INVALID_BODY,
				 arena_format(request->arena, "the body must be an object, not %s",
					      json_kind_name(json_kind(input->body))),
				 NULL);
		return false;
	}
	return true;
}

static void read_headers(const struct request *request, struct field_pair *pairs,
			 struct field_input *input)
{
	for (const struct field *field = request->endpoint->reads; field->name; field++) {
		struct span value;

		if (field->place != FIELD_IN_HEADER)
			continue;
		value = request_header(request, field->name);
		if (value.bytes)
			pairs[input->header_count++] =
				(struct field_pair){span_of(field->name), value};
	}
	input->headers = pairs;
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

	if ((fields_read(request->arena, endpoint->reads, input, request->values, faults) ||
	     endpoint->checks_always) &&
	    endpoint->check)
		problem = endpoint->check(request, faults);
	if (faults->count)
		problem = problem_of_faults(faults);
	if (problem == PROBLEM_NONE)
		return true;
	request_complain(request, problem, NULL, faults);
	return false;
}

/* The document is large beside what is taken out of it: it goes before the request waits. */
static bool judge_body(struct request *request, struct field_input *input)
{
	struct arena *arena = arena_create();
	bool is_fine = read_body(request, arena, input) && judge_fields(request, input);

	arena_destroy(arena);
	return is_fine;
}

bool reading_take(struct request *request)
{
	struct field_pair query[QUERY_FIELDS_MAX];
	struct field_pair headers[ENDPOINT_FIELDS_MAX];
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
	assert(fields_count(request->endpoint->reads) <= ENDPOINT_FIELDS_MAX);
	read_headers(request, headers, &input);
	if (request->endpoint->body == BODY_FIELDS && has_body_fields(request->endpoint))
		return judge_body(request, &input);
	return judge_fields(request, &input);
}
