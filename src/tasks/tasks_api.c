/* tasks_api.c - tasks, their history, and the audit of webhooks: records over sql/tasks. */
#include <stdlib.h>

#include "almanac/json.h"
#include "almanac/paging.h"
#include "almanac/rows.h"
#include "almanac/schema.h"
#include "almanac/tasks.h"

#define SHOWN_BODY_BYTES 4096

/* clang-format off */
#define TASK_SCHEMA                                                                                \
	SCHEMA_TITLED("Task", "\"id\",\"userId\",\"content\",\"status\",\"createdAt\"",            \
		MEMBER("id", SCHEMA_TEXT) "," MEMBER("userId", SCHEMA_TEXT) ","                    \
		MEMBER("content", SCHEMA_TEXT) ","                                                 \
		MEMBER("status", "{\"type\":\"string\",\"enum\":[\"open\",\"completed\","            \
			"\"deleted\"]}") ","                                                       \
		MEMBER("createdAt", SCHEMA_MOMENT) "," MEMBER("completedAt", SCHEMA_MAYBE_MOMENT)  \
		"," MEMBER("deletedAt", SCHEMA_MAYBE_MOMENT))

/* What the webhook said is as it was said. */
#define HISTORY_SCHEMA                                                                             \
	SCHEMA_TITLED("TaskHistory", "\"webhook\",\"receivedAt\",\"status\"",                      \
		MEMBER("webhook", SCHEMA_INTEGER) "," MEMBER("event", SCHEMA_MAYBE_TEXT) ","       \
		MEMBER("timestamp", SCHEMA_MAYBE_MOMENT) "," MEMBER("userId", SCHEMA_MAYBE_TEXT)   \
		"," MEMBER("content", SCHEMA_MAYBE_TEXT) "," MEMBER("isCompleted", "{}") ","       \
		MEMBER("receivedAt", SCHEMA_MOMENT) "," MEMBER("status", SCHEMA_INTEGER) ","       \
		MEMBER("counts", SCHEMA_FLAG) "," MEMBER("isRepeat", SCHEMA_FLAG))

#define AUDIT_SCHEMA                                                                               \
	SCHEMA_TITLED("TaskWebhook", "\"id\",\"receivedAt\",\"status\",\"answer\"",                \
		MEMBER("id", SCHEMA_INTEGER) "," MEMBER("receivedAt", SCHEMA_MOMENT) ","           \
		MEMBER("status", SCHEMA_INTEGER) "," MEMBER("answer", "{}") ","                    \
		MEMBER("taskId", SCHEMA_MAYBE_TEXT) "," MEMBER("timestamp", SCHEMA_MAYBE_MOMENT)   \
		"," MEMBER("webhookId", SCHEMA_MAYBE_TEXT) "," MEMBER("isRepeat", SCHEMA_FLAG)     \
		"," MEMBER("headers", SCHEMA_ANY_OBJECT) "," MEMBER("bodyBytes", SCHEMA_INTEGER)   \
		"," MEMBER("body", SCHEMA_MAYBE_TEXT) "," MEMBER("bodyHex", SCHEMA_TEXT))
/* clang-format on */

#define TASK_ID                                                                                    \
	{                                                                                          \
		.name = "id", .place = FIELD_IN_PATH, .kind = FIELD_TEXT, .is_required = true,     \
		.min = 1, .max = 1000, .description = "The task's id, as its sender gave it.",     \
		.example = "t1"                                                                    \
	}

/* --- GET /api/v1/tasks --------------------------------------------------------------------------------------- */

enum { LIST_USER, LIST_STATUS, LIST_CURSOR, LIST_LIMIT };

static const char *const statuses[] = {"open", "completed", "deleted", NULL};

static const struct field list_fields[] = {
	{.name = "userId",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_TEXT,
	 .min = 1,
	 .max = 1000,
	 .description = "Only tasks of this user.",
	 .example = "u1"},
	{.name = "status",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = statuses,
	 .description = "Only tasks that are so.",
	 .example = "open"},
	PAGE_CURSOR("MQ"),
	PAGE_LIMIT,
	{0},
};

static enum problem list_rules(struct request *request, struct field_faults *faults)
{
	if (request_value(request, LIST_CURSOR)->is_given && !page_cursor(request, LIST_CURSOR))
		page_refuse(request, LIST_CURSOR, faults);
	return PROBLEM_NONE;
}

static void list_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = request_given(request, LIST_USER);
	asking->values[1] = request_given(request, LIST_STATUS);
	asking->values[2] = db_text(page_cursor(request, LIST_CURSOR));
	asking->values[3] = request_given(request, LIST_LIMIT);
	asking->value_count = 4;
}

const struct endpoint tasks_list = {
	.name = "tasks_list",
	.method = "GET",
	.path = "/api/v1/tasks",
	.tag = "tasks",
	.summary = "List tasks",
	.description = "All tasks, or those of a user or a status, in the order of their ids.",
	.reads = list_fields,
	.check = list_rules,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_TASKS_LIST,
	.prepares = list_prepare,
	.says = say_rows,
	.has_etag = true,
	.answer_schema = PAGE_SCHEMA(TASK_SCHEMA),
};

/* --- GET /api/v1/tasks/{id}, …/history ------------------------------------------------------------------------- */

static const struct field id_fields[] = {TASK_ID, {0}};

const struct endpoint tasks_find = {
	.name = "tasks_find",
	.method = "GET",
	.path = "/api/v1/tasks/{id}",
	.tag = "tasks",
	.summary = "Look a task up",
	.description = "The task as its webhooks made it.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_TASKS_FIND,
	.says = say_row,
	.empty = PROBLEM_TASK_NOT_FOUND,
	.has_etag = true,
	.answer_schema = TASK_SCHEMA,
};

enum { HISTORY_ID, HISTORY_CURSOR, HISTORY_LIMIT };

static const struct field history_fields[] = {TASK_ID, PAGE_CURSOR("MQ"), PAGE_LIMIT, {0}};

static enum problem history_rules(struct request *request, struct field_faults *faults)
{
	page_judge_number(request, HISTORY_CURSOR, faults);
	return PROBLEM_NONE;
}

static void history_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = request_given(request, HISTORY_ID);
	asking->values[1] = db_text(page_cursor(request, HISTORY_CURSOR));
	asking->values[2] = request_given(request, HISTORY_LIMIT);
	asking->value_count = 3;
}

/* A task of which nothing more is kept comes as one row without a webhook. */
static void say_history(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	if (rows_is_null_of(rows, 0, "webhook"))
		str_append_text(&reply->body, "{\"data\":[],\"next\":null}\n");
	else
		say_rows(request, rows, reply);
}

const struct endpoint tasks_history = {
	.name = "tasks_history",
	.method = "GET",
	.path = "/api/v1/tasks/{id}/history",
	.tag = "tasks",
	.summary = "What webhooks told of a task",
	.description =
		"In the order of receipt, with their answers. `counts`: it is one of the facts "
		"that make the task, whatever the answer was; repeated and duplicate ones are "
		"not.",
	.reads = history_fields,
	.check = history_rules,
	.has_statement = true,
	.asks = SQL_TASKS_HISTORY,
	.prepares = history_prepare,
	.says = say_history,
	.empty = PROBLEM_TASK_NOT_FOUND,
	.answer_schema = PAGE_SCHEMA(HISTORY_SCHEMA),
};

/* --- GET /api/v1/webhooks, /api/v1/webhooks/{id} ----------------------------------------------------------------- */

static unsigned hex_value(char digit)
{
	return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a') + 10;
}

/* bytea as PostgreSQL writes it: \x and hexadecimal digits. */
static struct span read_bytes(struct arena *arena, struct span hex)
{
	char *bytes = arena_alloc(arena, hex.length / 2 + 1);
	size_t length = 0;

	for (size_t i = 2; i + 1 < hex.length; i += 2)
		bytes[length++] =
			(char)(hex_value(hex.bytes[i]) << 4 | hex_value(hex.bytes[i + 1]));
	return (struct span){bytes, length};
}

/* A cut may have gone through a character. */
static bool is_text(struct span *body, bool is_cut)
{
	for (size_t lost = 0; lost <= (is_cut ? 3u : 0u) && lost <= body->length; lost++) {
		struct span rest = {body->bytes, body->length - lost};

		if (!span_is_text(rest))
			continue;
		*body = rest;
		return true;
	}
	return false;
}

static void append_webhook(struct request *request, const struct db_rows *rows, size_t row,
			   struct str *out)
{
	struct span hex = rows_text_of(rows, row, "_body");
	struct span body = read_bytes(request_arena(request), hex);
	bool is_cut = (int64_t)body.length < rows_number_of(rows, row, "bodyBytes");

	reply_append_row(out, rows, row);
	out->length--; /* the object goes on */
	if (is_text(&body, is_cut)) {
		str_append_text(out, ",\"body\":");
		json_append_text(out, body);
	} else {
		str_append_text(out, ",\"body\":null,\"bodyHex\":\"");
		str_append(out, (struct span){hex.bytes + 2, hex.length - 2});
		str_append_char(out, '"');
	}
	str_append_char(out, '}');
}

enum { WEBHOOKS_CURSOR, WEBHOOKS_LIMIT };

static const struct field webhooks_fields[] = {PAGE_CURSOR("MQ"), PAGE_LIMIT, {0}};

static enum problem webhooks_rules(struct request *request, struct field_faults *faults)
{
	page_judge_number(request, WEBHOOKS_CURSOR, faults);
	return PROBLEM_NONE;
}

static void webhooks_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = db_text(page_cursor(request, WEBHOOKS_CURSOR));
	asking->values[1] = request_given(request, WEBHOOKS_LIMIT);
	asking->values[2] = db_number(request_arena(request), SHOWN_BODY_BYTES);
	asking->value_count = 3;
}

static const char *next_cursor(struct request *request, const struct db_rows *rows)
{
	size_t count = rows_count(rows);
	const char *cursor;
	struct str out;

	if (count == 0 || rows_is_null_of(rows, count - 1, "_cursor"))
		return NULL;
	str_init(&out, 64);
	base64url_append(&out, rows_text_of(rows, count - 1, "_cursor"));
	cursor = arena_text(request_arena(request), str_span(&out));
	str_finish(&out);
	return cursor;
}

static void say_webhooks(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	const char *next = next_cursor(request, rows);

	str_append_text(&reply->body, "{\"data\":[");
	for (size_t row = 0; row < rows_count(rows); row++) {
		if (row)
			str_append_char(&reply->body, ',');
		append_webhook(request, rows, row, &reply->body);
	}
	str_append_text(&reply->body, "],\"next\":");
	if (next)
		json_append_text(&reply->body, span_of(next));
	else
		str_append_text(&reply->body, "null");
	str_append_text(&reply->body, "}\n");
	if (next)
		reply_link_next(request, reply, link_with(request, "cursor", next));
}

static void say_webhook(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	append_webhook(request, rows, 0, &reply->body);
	str_append_char(&reply->body, '\n');
}

const struct endpoint tasks_webhooks = {
	.name = "tasks_webhooks",
	.method = "GET",
	.path = "/api/v1/webhooks",
	.tag = "tasks",
	.scope = SCOPE_ADMIN,
	.summary = "List webhooks received",
	.description =
		"Every webhook about a task that came, with its answer, the newest first. Of a "
		"body the first 4 KiB; one that is not UTF-8 is told as hexadecimal digits.",
	.reads = webhooks_fields,
	.check = webhooks_rules,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_TASKS_WEBHOOKS,
	.prepares = webhooks_prepare,
	.says = say_webhooks,
	.answer_schema = PAGE_SCHEMA(AUDIT_SCHEMA),
};

static const struct field webhook_fields[] = {
	{.name = "id",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_INTEGER,
	 .is_required = true,
	 .min = 1,
	 .max = INT64_MAX,
	 .description = "The webhook's number.",
	 .example = "1"},
	{0},
};

const struct endpoint tasks_webhook_find = {
	.name = "tasks_webhook_find",
	.method = "GET",
	.path = "/api/v1/webhooks/{id}",
	.tag = "tasks",
	.scope = SCOPE_ADMIN,
	.summary = "Look a webhook received up",
	.description = "As in the list, with the whole body.",
	.reads = webhook_fields,
	.has_statement = true,
	.asks = SQL_TASKS_WEBHOOK_FIND,
	.says = say_webhook,
	.empty = PROBLEM_WEBHOOK_NOT_FOUND,
	.answer_schema = AUDIT_SCHEMA,
};
