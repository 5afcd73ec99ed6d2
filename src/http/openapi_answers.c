/* openapi_answers.c - the answers of an operation, by status: what the record says, and what any request may
 * meet. Called by openapi.c. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "http.h"
#include "openapi.h"

#define ANSWERS_MAX 64
#define FIRST_STATUS 200
#define LAST_STATUS 599

/* One thing that may be said: good, a problem, or JSON of another schema. */
struct answer {
	int status;
	enum problem problem;
	bool is_dialect; /* a problem in the words of `complains` */
	const struct other_answer *other;
};

struct answers {
	const struct endpoint *endpoint;
	struct answer items[ANSWERS_MAX];
	size_t count;
};

/* --- collecting ---------------------------------------------------------------------------------------- */

static void add(struct answers *answers, struct answer answer)
{
	for (size_t i = 0; i < answers->count; i++)
		if (answers->items[i].status == answer.status &&
		    answers->items[i].problem == answer.problem &&
		    answers->items[i].is_dialect == answer.is_dialect)
			return;
	assert(answers->count < ANSWERS_MAX);
	answers->items[answers->count++] = answer;
}

/* Before an endpoint was found. */
static void add_plain(struct answers *answers, enum problem problem)
{
	add(answers, (struct answer){.status = problem_kind(problem)->status, .problem = problem});
}

static bool is_row(const struct other_answer *row)
{
	return row && (row->status || row->problem);
}

static void add_problem(struct answers *answers, enum problem problem)
{
	const struct endpoint *endpoint = answers->endpoint;
	struct answer answer = {
		.status = problem_kind(problem)->status,
		.problem = problem,
		.is_dialect = endpoint->complaint_schema != NULL,
	};
	bool has_rows = false;

	for (const struct other_answer *row = endpoint->others; is_row(row); row++) {
		if (row->problem != problem)
			continue;
		if (row->status)
			answer.status = row->status;
		add(answers, answer);
		has_rows = true;
	}
	if (!has_rows)
		add(answers, answer);
}

static void add_good(struct answers *answers)
{
	const struct endpoint *endpoint = answers->endpoint;

	for (const struct outcome *outcome = endpoint->outcomes; outcome && outcome->word;
	     outcome++)
		if (outcome->problem == PROBLEM_NONE)
			add(answers, (struct answer){.status = outcome->status});
	if (!endpoint->outcomes)
		add(answers, (struct answer){.status = endpoint->status ? endpoint->status : 200});
	if (schema_has_etag(endpoint))
		add(answers, (struct answer){.status = 304});
}

static void add_of_record(struct answers *answers)
{
	const struct endpoint *endpoint = answers->endpoint;

	for (const struct outcome *outcome = endpoint->outcomes; outcome && outcome->word;
	     outcome++)
		if (outcome->problem != PROBLEM_NONE)
			add_problem(answers, outcome->problem);
	if (endpoint->empty != PROBLEM_NONE)
		add_problem(answers, endpoint->empty);
	for (const struct other_answer *row = endpoint->others; is_row(row); row++) {
		if (row->problem == PROBLEM_NONE)
			add(answers, (struct answer){.status = row->status, .other = row});
		else
			add_problem(answers, row->problem);
	}
}

static void add_all(struct answers *answers, const enum problem *problems, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_problem(answers, problems[i]);
}

static void add_of_request(struct answers *answers)
{
	static const enum problem plain[] = {PROBLEM_BAD_REQUEST, PROBLEM_HEADERS_TOO_LARGE,
					     PROBLEM_OVERLOADED, PROBLEM_SHUTTING_DOWN,
					     PROBLEM_TOO_MANY_CONNECTIONS};
	static const enum problem always[] = {PROBLEM_BAD_REQUEST, PROBLEM_BODY_TOO_LARGE};
	static const enum problem of_token[] = {PROBLEM_TOKEN_MISSING, PROBLEM_TOKEN_INVALID,
						PROBLEM_TOKEN_SCOPE};
	static const enum problem of_body[] = {PROBLEM_NOT_JSON, PROBLEM_BAD_JSON,
					       PROBLEM_INVALID_BODY};
	static const enum problem of_statement[] = {PROBLEM_DATABASE_AWAY, PROBLEM_OVERLOADED,
						    PROBLEM_SHUTTING_DOWN, PROBLEM_REFUSED};
	const struct endpoint *endpoint = answers->endpoint;

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		add_plain(answers, plain[i]);
	add_all(answers, always, sizeof(always) / sizeof(*always));
	if (endpoint_scope(endpoint, NULL) != SCOPE_OPEN)
		add_all(answers, of_token, sizeof(of_token) / sizeof(*of_token));
	if (!endpoint->is_quiet)
		add_problem(answers, PROBLEM_RATE_LIMITED);
	if (schema_has(endpoint, FIELD_IN_PATH) || schema_has(endpoint, FIELD_IN_QUERY) ||
	    schema_has(endpoint, FIELD_IN_HEADER))
		add_problem(answers, PROBLEM_INVALID_QUERY);
	if (endpoint->body == BODY_FIELDS && schema_has(endpoint, FIELD_IN_BODY))
		add_all(answers, of_body, sizeof(of_body) / sizeof(*of_body));
	if (endpoint->has_statement)
		add_all(answers, of_statement, sizeof(of_statement) / sizeof(*of_statement));
}

/* --- headers ------------------------------------------------------------------------------------------- */

struct header {
	const char *name, *description, *schema;
};

static const struct header headers[] = {
	{"X-Request-Id", "The request's id: the one that came with it, or one made here.",
	 "{\"type\":\"string\"}"},
	{"ETag", "Strong; send it back in If-None-Match.", "{\"type\":\"string\"}"},
	{"Last-Modified", "When what is told changed last.", "{\"type\":\"string\"}"},
	{"Location", "The path of what was made.",
	 "{\"type\":\"string\",\"format\":\"uri-reference\"}"},
	{"Link", "`rel=\"next\"`: the next page, when there is one (RFC 8288).",
	 "{\"type\":\"string\"}"},
	{"Retry-After", "Seconds to wait before asking again.",
	 "{\"type\":\"integer\",\"minimum\":0}"},
	{"WWW-Authenticate", "How to send a token, and what it must be good for (RFC 6750).",
	 "{\"type\":\"string\"}"},
	{"RateLimit-Policy",
	 "How many requests are taken in how many seconds, where that is limited.",
	 "{\"type\":\"string\"}"},
	{"RateLimit", "How many of them are left, and when all are there again.",
	 "{\"type\":\"string\"}"},
	{"Idempotent-Replayed", "`true` when the same key and body had been answered before.",
	 "{\"type\":\"string\",\"enum\":[\"true\"]}"},
};

#define HEADERS (sizeof(headers) / sizeof(*headers))

static void refer_header(struct description *description, const char *name)
{
	size_t place = 0;

	while (place < HEADERS && strcmp(headers[place].name, name) != 0)
		place++;
	assert(place < HEADERS);
	description->uses_header |= 1U << place;
	write_reference(description->out, name, "headers", name);
}

static void append_age(struct description *description)
{
	struct str *out = description->out;

	write_open(out, description->options->age_header, '{');
	write_raw(out, "schema", "{\"type\":\"integer\",\"minimum\":0}");
	write_text(out, "description", "Seconds since what is told was last known to be current.");
	write_close(out, '}');
}

static void append_good_headers(struct description *description, const struct endpoint *endpoint)
{
	if (schema_has_etag(endpoint))
		refer_header(description, "ETag");
	if (endpoint->is_of_edition) {
		refer_header(description, "Last-Modified");
		append_age(description);
	}
	for (const struct field *field = endpoint->reads; field && field->name; field++)
		if (field->kind == FIELD_CURSOR)
			refer_header(description, "Link");
	for (const char *const *name = endpoint->headers; name && *name; name++)
		refer_header(description, *name);
}

static bool is_good(int status)
{
	return status < 400;
}

static void append_headers(struct description *description, const struct answers *answers,
			   int status)
{
	bool is_later = status == 429;

	for (size_t i = 0; i < answers->count; i++)
		is_later |= answers->items[i].status == status &&
			    problem_kind(answers->items[i].problem)->retry_after_s > 0;
	write_open(description->out, "headers", '{');
	refer_header(description, "X-Request-Id");
	if (is_good(status))
		append_good_headers(description, answers->endpoint);
	if (is_later)
		refer_header(description, "Retry-After");
	if (status == 401 || status == 403)
		refer_header(description, "WWW-Authenticate");
	if ((is_good(status) || status == 429) && !answers->endpoint->is_quiet) {
		refer_header(description, "RateLimit-Policy");
		refer_header(description, "RateLimit");
	}
	write_close(description->out, '}');
}

/* --- bodies -------------------------------------------------------------------------------------------- */

static void append_content(struct str *out, const char *type)
{
	write_open(out, type, '{');
	write_name(out, "schema");
}

static void append_good_content(struct description *description, const struct endpoint *endpoint)
{
	struct str *out = description->out;

	append_content(out, endpoint->answer_type ? endpoint->answer_type : "application/json");
	schema_append(description, out,
		      endpoint->answer_schema ? endpoint->answer_schema : "{\"type\":\"string\"}");
	write_close(out, '}');
	if (endpoint->other_type) {
		append_content(out, endpoint->other_type);
		str_append_text(out, "{\"type\":\"string\"}");
		write_close(out, '}');
	}
}

/* Of the answers with that status: how many are problems as problem+json, and the schema of the JSON. */
static size_t count_problems(const struct answers *answers, int status, const char **json)
{
	size_t problems = 0;

	*json = NULL;
	for (size_t i = 0; i < answers->count; i++) {
		const struct answer *answer = &answers->items[i];

		if (answer->status != status)
			continue;
		if (answer->other)
			*json = answer->other->schema;
		else if (answer->is_dialect && !*json)
			*json = answers->endpoint->complaint_schema;
		else if (answer->problem != PROBLEM_NONE)
			problems++;
	}
	return problems;
}

static void append_problems(struct description *description, const struct answers *answers,
			    int status)
{
	struct str *out = description->out;

	append_content(out, "application/problem+json");
	str_append_text(out, "{\"$ref\":\"#/components/schemas/Problem\"}");
	write_open(out, "examples", '{');
	for (size_t i = 0; i < answers->count; i++) {
		const struct answer *answer = &answers->items[i];

		if (answer->status != status || answer->is_dialect || !answer->problem)
			continue;
		description->uses_problem[answer->problem] = true;
		write_reference(out, problem_kind(answer->problem)->code, "examples",
				problem_kind(answer->problem)->code);
	}
	write_close(out, '}');
	write_close(out, '}');
}

static void append_bodies(struct description *description, const struct answers *answers,
			  int status)
{
	struct str *out = description->out;
	const char *json = NULL;
	size_t problems = count_problems(answers, status, &json);

	if (status == 204 || status == 304)
		return;
	write_open(out, "content", '{');
	if (is_good(status))
		append_good_content(description, answers->endpoint);
	if (json) {
		append_content(out, "application/json");
		schema_append(description, out, json);
		write_close(out, '}');
	}
	if (problems)
		append_problems(description, answers, status);
	write_close(out, '}');
}

/* --- one status ---------------------------------------------------------------------------------------- */

static const char *describe_good(int status)
{
	switch (status) {
	case 201:
		return "Created.";
	case 202:
		return "Accepted.";
	case 204:
		return "Done; there is nothing to tell.";
	case 304:
		return "As it was when that ETag was given.";
	default:
		return "OK.";
	}
}

/* Each sentence once: a problem may be told in two shapes. */
static void add_sentence(struct str *words, const char *sentence)
{
	if (strstr(str_text(words), sentence))
		return;
	str_append_text(words, words->length ? " " : "");
	str_append_text(words, sentence);
	if (sentence[strlen(sentence) - 1] != '.')
		str_append_char(words, '.');
}

static void append_words(struct str *out, const struct answers *answers, int status)
{
	struct str words;

	str_init(&words, OPENAPI_MAX_BYTES);
	for (size_t i = 0; i < answers->count; i++) {
		const struct answer *answer = &answers->items[i];

		if (answer->status != status)
			continue;
		if (answer->other)
			add_sentence(&words, answer->other->description);
		else if (answer->problem != PROBLEM_NONE)
			add_sentence(&words, problem_kind(answer->problem)->title);
		else
			add_sentence(&words, describe_good(status));
	}
	write_text(out, "description", str_text(&words));
	str_finish(&words);
}

static void append_status(struct description *description, const struct answers *answers,
			  int status)
{
	char name[8];

	snprintf(name, sizeof(name), "%d", status);
	write_open(description->out, name, '{');
	append_words(description->out, answers, status);
	append_headers(description, answers, status);
	append_bodies(description, answers, status);
	write_close(description->out, '}');
}

static bool has_status(const struct answers *answers, int status)
{
	for (size_t i = 0; i < answers->count; i++)
		if (answers->items[i].status == status)
			return true;
	return false;
}

void answers_append(struct description *description, const struct endpoint *endpoint)
{
	struct answers answers = {.endpoint = endpoint};

	add_good(&answers);
	add_of_record(&answers);
	add_of_request(&answers);
	write_open(description->out, "responses", '{');
	for (int status = FIRST_STATUS; status <= LAST_STATUS; status++)
		if (has_status(&answers, status))
			append_status(description, &answers, status);
	write_close(description->out, '}');
}

/* --- what is told once --------------------------------------------------------------------------------- */

void answers_append_headers(struct description *description)
{
	struct str *out = description->out;

	write_open(out, "headers", '{');
	for (size_t i = 0; i < HEADERS; i++) {
		if (!(description->uses_header & 1U << i))
			continue;
		write_open(out, headers[i].name, '{');
		write_text(out, "description", headers[i].description);
		write_raw(out, "schema", headers[i].schema);
		write_close(out, '}');
	}
	write_close(out, '}');
}

static void append_example(struct str *out, const struct problem_kind *kind)
{
	write_open(out, kind->code, '{');
	write_text(out, "summary", kind->title);
	write_open(out, "value", '{');
	write_name(out, "type");
	str_format(out, "\"urn:almanac:problem:%s\"", kind->code);
	write_text(out, "title", kind->title);
	write_number(out, "status", kind->status);
	write_text(out, "detail", kind->advice);
	write_text(out, "instance", "/path/of/the/request");
	write_text(out, "code", kind->code);
	write_close(out, '}');
	write_close(out, '}');
}

void answers_append_examples(struct description *description)
{
	write_open(description->out, "examples", '{');
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++)
		if (description->uses_problem[i])
			append_example(description->out, problem_kind((enum problem)i));
	write_close(description->out, '}');
}

void answers_append_problem(struct description *description)
{
	write_raw(
		&description->schemas, "Problem",
		"{\"title\":\"Problem\",\"type\":\"object\",\"description\":\"What is wrong (RFC "
		"9457).\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"instance\","
		"\"code\"],\"properties\":{"
		"\"type\":{\"type\":\"string\",\"format\":\"uri\"},"
		"\"title\":{\"type\":\"string\"},"
		"\"status\":{\"type\":\"integer\",\"minimum\":400,\"maximum\":599},"
		"\"detail\":{\"type\":\"string\",\"description\":\"A sentence about this case.\"},"
		"\"instance\":{\"type\":\"string\",\"description\":\"The path asked for.\"},"
		"\"code\":{\"type\":\"string\",\"pattern\":\"^[a-z_]+$\",\"description\":\"A "
		"stable word for programs.\"},"
		"\"errors\":{\"type\":\"array\",\"description\":\"Every faulty field.\","
		"\"items\":{\"type\":\"object\",\"required\":[\"field\",\"rule\",\"message\"],"
		"\"properties\":{\"field\":{\"type\":\"string\"},\"rule\":{\"type\":\"string\"},"
		"\"message\":{\"type\":\"string\"}}}},"
		"\"message\":{\"type\":\"string\",\"description\":\"Of an unknown path: for "
		"older clients.\"},"
		"\"error\":{\"type\":\"string\",\"description\":\"Likewise.\"}}}");
}
