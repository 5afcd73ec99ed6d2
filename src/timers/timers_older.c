/* timers_older.c - the older form: POST /api/v1/timer, GET /api/v1/timer/{timerId}. Its bodies and its
 * sentences are those of the service this form comes from. */
#include <string.h>

#include "almanac/clock.h"
#include "almanac/schema.h"
#include "draft.h"

/* clang-format off */
#define OLDER_SCHEMA                                                                               \
	SCHEMA_TITLED("OlderTimer", "\"code\",\"message\",\"timer\"",                              \
		MEMBER("code", SCHEMA_INTEGER) "," MEMBER("message", SCHEMA_TEXT) ","              \
		MEMBER("timer", "{\"type\":\"object\",\"required\":[\"timerId\",\"timeLeft\","         \
			"\"timerStatus\"],\"properties\":{" MEMBER("timerId", SCHEMA_UUID) ","       \
			MEMBER("timeLeft", SCHEMA_INTEGER) ","                                     \
			MEMBER("timerStatus", "{\"type\":\"string\",\"enum\":[\"Scheduled\","          \
				"\"Running\",\"Finished\",\"Failed\",\"Cancelled\"]}") "}}"))

/* Of every faulty field its sentences, or one message. */
#define OLDER_ERROR_SCHEMA                                                                         \
	SCHEMA_TITLED("OlderTimerError", "\"code\",\"details\",\"timestamp\",\"message\"",         \
		MEMBER("code", SCHEMA_INTEGER) ","                                                 \
		MEMBER("details", "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":["         \
			SCHEMA_TEXT "," SCHEMA_LIST(SCHEMA_TEXT) "]}}") ","                        \
		MEMBER("timestamp", SCHEMA_INTEGER) "," MEMBER("message", SCHEMA_TEXT))
/* clang-format on */

/* --- what is wrong, sentence by sentence --------------------------------------------------------------- */

/* Every rule is judged by itself: a string is no integer, and not in the range either. */
static bool is_number(const struct json *json)
{
	return json && (json_kind(json) == JSON_INTEGER || json_kind(json) == JSON_REAL);
}

static double number_of(const struct json *json)
{
	return json_kind(json) == JSON_INTEGER ? (double)json_integer(json) : json_real(json);
}

/* Beyond these bounds a double has no fraction. */
static bool is_whole(const struct json *json)
{
	double number = is_number(json) ? number_of(json) : 0.5;

	return number < -1e18 || number > 1e18 || (double)(int64_t)number == number;
}

/* The sentences of one field, as a JSON array. */
struct sentences {
	struct str *out;
	const char *field;
	size_t count;
};

static void add_sentence(struct sentences *sentences, const char *text)
{
	str_append_text(sentences->out, sentences->count++ ? ",\"" : "\"");
	str_append_text(sentences->out, sentences->field);
	str_append_char(sentences->out, ' ');
	str_append_text(sentences->out, text);
	str_append_char(sentences->out, '"');
}

static void judge_number(struct request *request, const struct field *field,
			 const struct json *json, struct sentences *sentences)
{
	struct arena *arena = request_arena(request);

	if (!is_whole(json))
		add_sentence(sentences, "must be an integer number");
	if (!is_number(json) || number_of(json) < (double)field->min)
		add_sentence(sentences, arena_format(arena, "must not be less than %lld",
						     (long long)field->min));
	if (!is_number(json) || number_of(json) > (double)field->max)
		add_sentence(sentences, arena_format(arena, "must not be greater than %lld",
						     (long long)field->max));
}

static const struct field *row_of(struct request *request, const struct field_fault *fault)
{
	const struct field *row = request_endpoint(request)->reads;

	while (strcmp(row->name, fault->field) != 0)
		row++;
	return row;
}

static void append_sentences(struct request *request, const struct field_fault *fault,
			     struct str *out)
{
	const struct field *row = row_of(request, fault);
	struct sentences sentences = {.out = out, .field = fault->field};

	if (row->kind == FIELD_INTEGER)
		judge_number(request, row, fault->json, &sentences);
	else
		add_sentence(&sentences,
			     row->kind == FIELD_UUID ? "must be a UUID" : "must be a URL address");
	if (row->place == FIELD_IN_BODY && (!fault->json || json_kind(fault->json) == JSON_NULL))
		add_sentence(&sentences, "should not be null or undefined");
}

static void append_details(struct request *request, const struct field_faults *faults,
			   struct str *out)
{
	for (size_t i = 0; i < faults->count; i++) {
		str_append_text(out, i ? "],\"" : "\"");
		str_append_text(out, faults->items[i].field);
		str_append_text(out, "\":[");
		append_sentences(request, &faults->items[i], out);
	}
	str_append_char(out, ']');
}

static const char *detail_of(struct request *request, const struct complaint *complaint)
{
	if (complaint->problem == PROBLEM_TIMER_NOT_FOUND)
		return arena_format(request_arena(request), "timer by timerId: %s, not found",
				    request_value(request, 0)->text);
	return complaint->detail ? complaint->detail : problem_kind(complaint->problem)->title;
}

static void complain(struct request *request, const struct complaint *complaint,
		     struct reply *reply)
{
	struct str *out = &reply->body;

	if (complaint->problem == PROBLEM_INVALID_BODY)
		reply->status = 400;
	str_format(out, "{\"code\":%d,\"details\":{", reply->status);
	if (complaint->faults && complaint->faults->count > 0) {
		append_details(request, complaint->faults, out);
	} else {
		str_append_text(out, "\"message\":");
		json_append_text(out, span_of(detail_of(request, complaint)));
	}
	str_format(out, "},\"timestamp\":%lld,\"message\":", (long long)(clock_wall_us() / 1000));
	json_append_text(out, span_of(problem_kind(complaint->problem)->title));
	str_append_text(out, "}\n");
}

/* --- POST /api/v1/timer --------------------------------------------------------------------------------- */

enum { OLDER_HOURS, OLDER_MINUTES, OLDER_SECONDS, OLDER_URL };

static const struct field older_fields[] = {
	{.name = "hours",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_INTEGER,
	 .is_required = true,
	 .max = TIMER_HOURS_MAX,
	 .description = "Hours from now, at most ten years.",
	 .example = "1"},
	{.name = "minutes",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_INTEGER,
	 .is_required = true,
	 .max = 59,
	 .description = "Minutes besides the hours.",
	 .example = "2"},
	{.name = "seconds",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_INTEGER,
	 .is_required = true,
	 .max = 59,
	 .description = "Seconds besides the minutes.",
	 .example = "3"},
	{.name = "webhookUrl",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_TARGET,
	 .is_required = true,
	 .description =
		 "What is called: http or https; without a scheme http. At most 2,048 bytes.",
	 .example = "http://receiver.example/hook"},
	{0},
};

/* What the older form does not name is as it is by default in the other. */
static void create_prepare(struct request *request, struct asking *asking)
{
	struct arena *arena = request_arena(request);
	struct timers_draft *draft = arena_alloc(arena, sizeof(*draft));
	int64_t seconds = request_value(request, OLDER_HOURS)->number * 3600 +
			  request_value(request, OLDER_MINUTES)->number * 60 +
			  request_value(request, OLDER_SECONDS)->number;

	*draft = (struct timers_draft){
		.due.us = seconds * INT64_C(1000000),
		.url = request_value(request, OLDER_URL)->text,
		.method = timers_fields[TIMER_METHOD].by_default,
		.max_attempts = timers_fields[TIMER_MAX_ATTEMPTS].by_default,
		.timeout_ms = timers_fields[TIMER_TIMEOUT_MS].by_default,
	};
	draft->destination = timers_destination(arena, draft->url);
	timers_ask_create(request, draft, asking);
}

static void say_created(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	const struct timers_draft *draft = request_kept(request);
	int64_t created_us = rows_number_of(rows, 0, "created_us");

	timers_draft_tell(draft, created_us, timers_desk_of(request));
	str_format(&reply->body,
		   "{\"code\":201,\"message\":\"Timer Created!\",\"timer\":{\"timerId\":\"%s\","
		   "\"timeLeft\":%lld,\"timerStatus\":\"Scheduled\"}}\n",
		   draft->id_text, (long long)timers_draft_left(draft, created_us));
}

static const struct other_answer create_others[] = {{400, PROBLEM_INVALID_BODY, NULL, NULL}, {0}};

const struct endpoint timers_older_create = {
	.name = "timers_older_create",
	.method = "POST",
	.path = "/api/v1/timer",
	.tag = "timers",
	.summary = "Create a timer (older form)",
	.description = "The webhook is called when hours, minutes and seconds have passed; at once "
		       "when all are 0.",
	.reads = older_fields,
	.has_statement = true,
	.asks = SQL_TIMERS_CREATE,
	.prepares = create_prepare,
	.says = say_created,
	.status = 201,
	.complains = complain,
	.complaint_schema = OLDER_ERROR_SCHEMA,
	.answer_schema = OLDER_SCHEMA,
	.others = create_others,
};

/* --- GET /api/v1/timer/{timerId} ---------------------------------------------------------------------------- */

static const struct field id_fields[] = {
	{.name = "timerId",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_UUID,
	 .is_required = true,
	 .description = "The timer, of this form or the other.",
	 .example = "019ab8f2-61d0-7c4e-9d2b-3f1c5e7a9b0d"},
	{0},
};

static void say_found(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	(void)request;
	str_append_text(&reply->body,
			"{\"code\":200,\"message\":\"fetched successfully!\",\"timer\":");
	reply_append_row(&reply->body, rows, 0);
	str_append_text(&reply->body, "}\n");
}

const struct endpoint timers_older_find = {
	.name = "timers_older_find",
	.method = "GET",
	.path = "/api/v1/timer/{timerId}",
	.tag = "timers",
	.summary = "Look a timer up (older form)",
	.description = "The whole seconds that are left, and the state.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_TIMERS_FIND_OLDER,
	.says = say_found,
	.empty = PROBLEM_TIMER_NOT_FOUND,
	.complains = complain,
	.complaint_schema = OLDER_ERROR_SCHEMA,
	.answer_schema = OLDER_SCHEMA,
};
