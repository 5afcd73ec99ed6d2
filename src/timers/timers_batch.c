/* timers_batch.c - POST /api/v1/timers/batch: many timers by one statement, each judged by itself. */
#include "almanac/clock.h"
#include "draft.h"
#include "schemas.h"

#define BATCH_ITEMS_MAX 1000
#define BATCH_BODY_MAX ((size_t)16 << 20)
#define ERRORS_MAX ((size_t)1 << 20)

/* An array holds each value with its length; NULLs too. */
#define ARRAY_MAX (BATCH_BODY_MAX + (size_t)64 * BATCH_ITEMS_MAX)

/* clang-format off */
#define FAULT_SCHEMA                                                                               \
	SCHEMA_TITLED("FieldFault", "\"field\",\"rule\",\"message\"",                              \
		MEMBER("field", SCHEMA_TEXT) "," MEMBER("rule", SCHEMA_TEXT) ","                   \
		MEMBER("message", SCHEMA_TEXT))

#define ITEM_SCHEMA                                                                                \
	SCHEMA_TITLED("TimerBatchItem", "\"index\",\"status\"",                                    \
		MEMBER("index", SCHEMA_INTEGER) ","                                                \
		MEMBER("status", "{\"type\":\"integer\",\"enum\":[201,422]}") ","                    \
		MEMBER("timer", TIMER_BRIEF_SCHEMA) ","                                            \
		MEMBER("errors", SCHEMA_LIST(FAULT_SCHEMA)))

#define ANSWER_SCHEMA                                                                              \
	SCHEMA_TITLED("TimerBatch", "\"data\",\"created\",\"failed\"",                             \
		MEMBER("data", SCHEMA_LIST(ITEM_SCHEMA)) "," MEMBER("created", SCHEMA_INTEGER) "," \
		MEMBER("failed", SCHEMA_INTEGER))

#define BODY_SCHEMA                                                                                \
	"{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"type\":\"object\",\"required\":["        \
	"\"url\"],\"additionalProperties\":true}}"

#define BODY_EXAMPLE                                                                               \
	"[{\"url\":\"https://receiver.example/hook\",\"delay\":3600},"                             \
	"{\"url\":\"https://receiver.example/hook\",\"dueAt\":\"2030-02-01T20:00:00Z\"}]"
/* clang-format on */

/* Either is good and has a draft, or has what is wrong with it as JSON. */
struct batch_item {
	struct timers_draft draft;
	const char *errors;
};

struct batch {
	struct batch_item *items;
	size_t count, good;
	int64_t now_us; /* wall clock */
	struct db_array columns[DRAFT_VALUES];
};

/* What is wrong with the whole of it. */
struct refusal {
	enum problem problem;
	const char *detail;
};

static const struct refusal no_refusal = {PROBLEM_NONE, NULL};

/* --- judging one item ------------------------------------------------------------------------------- */

static const char *errors_text(struct arena *arena, const struct field_faults *faults)
{
	const char *text;
	struct str out;

	str_init(&out, ERRORS_MAX);
	for (size_t i = 0; i < faults->count; i++) {
		str_append_text(&out, i ? ",{\"field\":" : "[{\"field\":");
		json_append_text(&out, span_of(faults->items[i].field));
		str_append_text(&out, ",\"rule\":");
		json_append_text(&out, span_of(faults->items[i].rule));
		str_append_text(&out, ",\"message\":");
		json_append_text(&out, span_of(faults->items[i].message));
		str_append_char(&out, '}');
	}
	str_append_char(&out, ']');
	text = arena_text(arena, str_span(&out));
	str_finish(&out);
	return text;
}

/* A fault of the item itself: it has no name. */
static const char *refuse_item(struct arena *arena, const char *rule, const char *message)
{
	const struct field item = {.name = "", .place = FIELD_IN_BODY};
	struct field_faults faults = {0};

	fields_fault(&faults, &item, rule, message, "");
	return errors_text(arena, &faults);
}

static void judge_fields(struct arena *arena, const struct field_input *input, int64_t now_us,
			 struct batch_item *item)
{
	struct field_value *values = arena_alloc(arena, sizeof(*values) * TIMER_FIELD_COUNT);
	struct field_faults faults;

	fields_read(arena, timers_fields, input, values, &faults);
	timers_judge_due(&timers_fields[TIMER_DELAY], &values[TIMER_DELAY], now_us, &faults);
	if (faults.count)
		item->errors = errors_text(arena, &faults);
	else
		item->draft = timers_draft_read(arena, values);
}

/* NULL, or why the text is no JSON. */
static const char *judge_text(struct arena *arena, struct arena *document, struct span text,
			      int64_t now_us, struct batch_item *item)
{
	const char *complaint = NULL;
	struct field_input input = {.body_text = text};

	if (text.length > TIMER_TEXT_MAX) {
		item->errors = refuse_item(arena, "length",
					   arena_format(arena, "must be at most %zu bytes long",
							TIMER_TEXT_MAX));
		return NULL;
	}
	input.body = json_parse(document, text, &complaint);
	if (!input.body)
		return arena_text(arena, span_of(complaint));
	if (json_kind(input.body) == JSON_OBJECT)
		judge_fields(arena, &input, now_us, item);
	else
		item->errors = refuse_item(arena, "type",
					   arena_format(arena, "must be an object, not %s",
							json_kind_name(json_kind(input.body))));
	return NULL;
}

/* Documents are large beside what is taken out of them: each goes before the next one comes. */
static const char *judge_item(struct arena *arena, struct batch *batch, struct span text)
{
	struct batch_item *item = &batch->items[batch->count++];
	struct arena *document = arena_create();
	const char *complaint = judge_text(arena, document, text, batch->now_us, item);

	arena_destroy(document);
	if (!complaint && !item->errors)
		batch->good++;
	return complaint;
}

/* --- the items -------------------------------------------------------------------------------------- */

static struct refusal refuse_count(struct arena *arena)
{
	return (struct refusal){PROBLEM_INVALID_BODY,
				arena_format(arena, "at most %d timers are taken at once",
					     BATCH_ITEMS_MAX)};
}

/* A line that is no JSON spoils only itself. */
static struct refusal take_lines(struct arena *arena, struct batch *batch, struct span body)
{
	struct span line;

	while (span_split(&body, '\n', &line)) {
		const char *complaint;

		line = span_trim(line);
		if (line.length == 0)
			continue;
		if (batch->count == BATCH_ITEMS_MAX)
			return refuse_count(arena);
		complaint = judge_item(arena, batch, line);
		if (complaint)
			batch->items[batch->count - 1].errors =
				refuse_item(arena, "format",
					    arena_format(arena, "must be JSON: %s", complaint));
	}
	return no_refusal;
}

/* What is no array at all: another value, or no JSON. A large one is not worth reading. */
static struct refusal refuse_root(struct arena *arena, struct span body)
{
	struct refusal refusal = {PROBLEM_INVALID_BODY, "the body must be an array"};
	struct arena *document = arena_create();
	const char *complaint = NULL;
	const struct json *root = NULL;

	if (body.length <= TIMER_TEXT_MAX)
		root = json_parse(document, body, &complaint);
	if (complaint)
		refusal = (struct refusal){PROBLEM_BAD_JSON, arena_text(arena, span_of(complaint))};
	else if (root)
		refusal.detail = arena_format(arena, "the body must be an array, not %s",
					      json_kind_name(json_kind(root)));
	arena_destroy(document);
	return refusal;
}

static struct refusal take_array(struct arena *arena, struct batch *batch, struct span body)
{
	struct json_items items = json_items(body);
	struct span text;

	if (items.is_broken)
		return refuse_root(arena, body);
	while (json_next_item(&items, &text)) {
		const char *complaint;

		if (batch->count == BATCH_ITEMS_MAX)
			return refuse_count(arena);
		complaint = judge_item(arena, batch, text);
		if (complaint)
			return (struct refusal){PROBLEM_BAD_JSON,
						arena_format(arena, "item %zu: %s",
							     batch->count - 1, complaint)};
	}
	if (items.is_broken)
		return (struct refusal){PROBLEM_BAD_JSON,
					arena_format(arena, "the array is broken at item %zu",
						     items.count)};
	return no_refusal;
}

static struct refusal take_body(struct request *request, struct batch *batch)
{
	struct arena *arena = request_arena(request);

	if (request_is_of(request, "application/json"))
		return take_array(arena, batch, request_body(request));
	if (request_is_of(request, "application/x-ndjson") ||
	    request_is_of(request, "application/ndjson"))
		return take_lines(arena, batch, request_body(request));
	return (struct refusal){PROBLEM_NOT_JSON, "Content-Type must be application/json or "
						  "application/x-ndjson"};
}

/* --- the statement ---------------------------------------------------------------------------------- */

static void finish_column(void *column)
{
	db_array_finish(column);
}

static void begin_columns(struct arena *arena, struct batch *batch)
{
	for (size_t i = 0; i < DRAFT_VALUES; i++) {
		db_array_init(&batch->columns[i], ARRAY_MAX);
		arena_defer(arena, finish_column, &batch->columns[i]);
	}
}

static void add_row(struct arena *arena, struct batch *batch, const struct timers_draft *draft)
{
	const char *values[DRAFT_VALUES];

	timers_draft_values(draft, arena, values);
	for (size_t i = 0; i < DRAFT_VALUES; i++) {
		if (values[i])
			db_array_add(&batch->columns[i], span_of(values[i]));
		else
			db_array_add_null(&batch->columns[i]);
	}
}

/* Ids in the order of the items. */
static void prepare(struct request *request, struct asking *asking)
{
	struct arena *arena = request_arena(request);
	struct timers_desk *desk = timers_desk_of(request);
	struct batch *batch = request_kept(request);
	struct uuid *ids = arena_alloc(arena, sizeof(*ids) * BATCH_ITEMS_MAX);

	uuid_make_many(ids, batch->count);
	begin_columns(arena, batch);
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_item *item = &batch->items[i];

		if (item->errors)
			continue;
		timers_draft_name(&item->draft, ids[i], desk);
		add_row(arena, batch, &item->draft);
	}
	for (size_t i = 0; i < DRAFT_VALUES; i++)
		asking->values[asking->value_count++] = db_array_value(&batch->columns[i]);
	asking->values[asking->value_count++] = db_text(request_id(request));
	asking->values[asking->value_count++] = db_text(request_trace(request));
}

/* --- the answer ------------------------------------------------------------------------------------- */

static void append_item(struct str *out, const struct batch *batch, size_t index,
			int64_t created_us)
{
	const struct batch_item *item = &batch->items[index];

	str_append_text(out, index ? ",{\"index\":" : "{\"index\":");
	str_append_number(out, (int64_t)index);
	if (item->errors) {
		str_append_text(out, ",\"status\":422,\"errors\":");
		str_append_text(out, item->errors);
	} else {
		str_append_text(out, ",\"status\":201,\"timer\":");
		timers_draft_append(out, &item->draft, created_us, true);
	}
	str_append_char(out, '}');
}

static void append_all(const struct batch *batch, int64_t created_us, struct str *out)
{
	str_append_text(out, "{\"data\":[");
	for (size_t i = 0; i < batch->count; i++)
		append_item(out, batch, i, created_us);
	str_format(out, "],\"created\":%zu,\"failed\":%zu}\n", batch->good,
		   batch->count - batch->good);
}

/* Without a good item there is nothing to ask. */
static bool answer(struct request *request, struct reply *reply)
{
	struct arena *arena = request_arena(request);
	struct batch *batch = arena_alloc(arena, sizeof(*batch));
	struct refusal refusal;

	batch->items = arena_alloc(arena, sizeof(*batch->items) * BATCH_ITEMS_MAX);
	batch->now_us = clock_wall_us();
	refusal = take_body(request, batch);
	if (refusal.problem != PROBLEM_NONE) {
		const struct complaint complaint = {refusal.problem, refusal.detail, NULL};

		reply->status = problem_kind(refusal.problem)->status;
		complain_problem(request, &complaint, reply);
		return true;
	}
	request_keep(request, batch);
	if (batch->good == 0)
		append_all(batch, 0, &reply->body);
	return batch->good == 0;
}

static void say(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	const struct batch *batch = request_kept(request);
	struct timers_desk *desk = timers_desk_of(request);
	int64_t created_us = rows_number_of(rows, 0, "created_us");

	for (size_t i = 0; i < batch->count; i++)
		if (!batch->items[i].errors)
			timers_draft_tell(&batch->items[i].draft, created_us, desk);
	append_all(batch, created_us, &reply->body);
}

static const struct other_answer others[] = {{.problem = PROBLEM_NOT_JSON},
					     {.problem = PROBLEM_BAD_JSON},
					     {.problem = PROBLEM_INVALID_BODY},
					     {0}};

const struct endpoint timers_batch = {
	.name = "timers_batch",
	.method = "POST",
	.path = "/api/v1/timers/batch",
	.tag = "timers",
	.summary = "Create many timers",
	.description =
		"Up to 1,000 timers, each as in the body of POST /api/v1/timers: a JSON array, or one "
		"object a line (application/x-ndjson). Each is judged by itself: the answer has the "
		"timer (without headers and payload) or all that is wrong with it, in the order of "
		"the items. Those that are good are stored together. There is no idempotency key.",
	.body = BODY_RAW,
	.answers = answer,
	.has_statement = true,
	.asks = SQL_TIMERS_CREATE_BATCH,
	.prepares = prepare,
	.says = say,
	.max_body = BATCH_BODY_MAX,
	.answer_schema = ANSWER_SCHEMA,
	.body_schema = BODY_SCHEMA,
	.body_example = BODY_EXAMPLE,
	.other_body_type = "application/x-ndjson",
	.others = others,
};
