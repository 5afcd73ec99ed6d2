/* timers_api.c - the paths of timers: create, list, find, change, cancel, fire, attempts; records over
 * sql/timers. */
#include <string.h>

#include "almanac/clock.h"
#include "almanac/digest.h"
#include "almanac/paging.h"
#include "draft.h"
#include "schemas.h"

#define DIGEST_TEXT_MAX (2 * DIGEST_LENGTH)

/* clang-format off */
#define LIST_SCHEMA PAGE_SCHEMA(TIMER_BRIEF_SCHEMA)

#define ATTEMPTS_SCHEMA                                                                            \
	"{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{"                            \
	MEMBER("data", SCHEMA_LIST(TIMER_ATTEMPT_SCHEMA)) "}}"
/* clang-format on */

/* --- POST /api/v1/timers ---------------------------------------------------------------------------- */

static enum problem create_rules(struct request *request, struct field_faults *faults)
{
	timers_judge_due(&timers_fields[TIMER_DELAY], request_value(request, TIMER_DELAY),
			 clock_wall_us(), faults);
	return PROBLEM_NONE;
}

static const char *digest_text(struct request *request)
{
	uint8_t digest[DIGEST_LENGTH];
	const char *text;
	struct str out;

	digest_of(request_body(request), digest);
	str_init(&out, DIGEST_TEXT_MAX);
	str_append_hex(&out, digest, sizeof(digest));
	text = arena_text(request_arena(request), str_span(&out));
	str_finish(&out);
	return text;
}

void timers_ask_create(struct request *request, struct timers_draft *draft, struct asking *asking)
{
	const char *values[DRAFT_VALUES];

	timers_draft_name(draft, uuid_make_ordered(), timers_desk_of(request));
	timers_draft_values(draft, request_arena(request), values);
	asking->value_count = 0;
	for (size_t i = 0; i < DRAFT_VALUES; i++)
		asking->values[asking->value_count++] = db_text(values[i]);
	asking->values[asking->value_count++] = db_text(request_id(request));
	asking->values[asking->value_count++] = db_text(request_trace(request));
	if (draft->idempotency_key) {
		asking->statement = SQL_TIMERS_CREATE_KEYED;
		asking->values[asking->value_count++] = db_text(draft->idempotency_key);
		asking->values[asking->value_count++] = db_text(digest_text(request));
	}
	request_keep(request, draft);
}

static void create_prepare(struct request *request, struct asking *asking)
{
	struct arena *arena = request_arena(request);
	struct timers_draft *draft = arena_alloc(arena, sizeof(*draft));

	*draft = timers_draft_read(arena, request_value(request, 0));
	timers_ask_create(request, draft, asking);
}

/* A replay tells of the timer that the key brought about first. */
static bool take_first(struct timers_draft *draft, const struct db_rows *rows)
{
	struct span id = draft->idempotency_key ? rows_text_of(rows, 0, "id") : (struct span){0};

	if (!id.bytes || span_is(id, draft->id_text))
		return false;
	memcpy(draft->id_text, id.bytes, UUID_TEXT_LENGTH);
	return true;
}

static void say_created(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	struct timers_draft *draft = request_kept(request);
	int64_t created_us = rows_number_of(rows, 0, "created_us");

	if (take_first(draft, rows))
		reply_header(reply, "Idempotent-Replayed", "true");
	else
		timers_draft_tell(draft, created_us, timers_desk_of(request));
	reply_header(reply, "Location",
		     arena_format(request_arena(request), "/api/v1/timers/%s", draft->id_text));
	timers_draft_append(&reply->body, draft, created_us, false);
	str_append_char(&reply->body, '\n');
}

static const struct outcome create_outcomes[] = {
	{"created", 201, PROBLEM_NONE},
	{"replayed", 201, PROBLEM_NONE},
	{"other_body", 0, PROBLEM_KEY_REUSED},
	{0},
};

static const char *const create_headers[] = {"Location", "Idempotent-Replayed", NULL};

const struct endpoint timers_create = {
	.name = "timers_create",
	.method = "POST",
	.path = "/api/v1/timers",
	.tag = "timers",
	.summary = "Create a timer",
	.description =
		"The url is called when the timer is due, at least once, with the body {\"timerId\","
		"\"dueAt\",\"firedAt\",\"attempt\",\"payload\"}, and again after a failure, as often "
		"as maxAttempts says.",
	.reads = timers_fields,
	.check = create_rules,
	.checks_always = true,
	.has_statement = true,
	.asks = SQL_TIMERS_CREATE,
	.prepares = create_prepare,
	.says = say_created,
	.outcomes = create_outcomes,
	.status = 201,
	.max_body = TIMER_TEXT_MAX,
	.body_example = "{\"url\":\"https://receiver.example/hook\",\"delay\":\"PT1H30M\","
			"\"payload\":{\"orderId\":42}}",
	.headers = create_headers,
	.answer_schema = TIMER_SCHEMA,
};

/* --- GET /api/v1/timers ----------------------------------------------------------------------------- */

static const char *const statuses[] = {"scheduled", "running",   "finished",
				       "failed",    "cancelled", NULL};

/* In the order of the words above. */
static const enum sql list_statements[] = {
	SQL_TIMERS_LIST_SCHEDULED, SQL_TIMERS_LIST_RUNNING, SQL_TIMERS_LIST_FINISHED,
	SQL_TIMERS_LIST_LOST,      SQL_TIMERS_LIST_LOST,
};

enum { LIST_STATUS, LIST_DUE_AFTER, LIST_DUE_BEFORE, LIST_CURSOR, LIST_LIMIT };

static const struct field list_fields[] = {
	{.name = "status",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = statuses,
	 .description = "Only timers in this state.",
	 .example = "failed"},
	{.name = "dueAfter",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "Due at this time or later.",
	 .example = "2026-02-01T00:00:00Z"},
	{.name = "dueBefore",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "Due before this time.",
	 .example = "2026-02-02T00:00:00Z"},
	PAGE_CURSOR("MDE5YWI4ZjItNjFkMC03YzRlLTlkMmItM2YxYzVlN2E5YjBk"),
	PAGE_LIMIT,
	{0},
};

static enum sql list_statement(struct request *request)
{
	const struct field_value *status = request_value(request, LIST_STATUS);
	enum sql statement = status->is_given ? list_statements[status->number] : SQL_TIMERS_LIST;
	bool has_time = request_value(request, LIST_DUE_AFTER)->is_given ||
			request_value(request, LIST_DUE_BEFORE)->is_given;

	return has_time && statement != SQL_TIMERS_LIST_RUNNING ? SQL_TIMERS_LIST_DUE : statement;
}

/* The last row that the cursor tells of: its id, and its time where the list is in the order of times.
 * False when the cursor is not one of such a list. */
static bool read_last(struct request *request, enum sql statement, struct page_place *last)
{
	struct uuid id;

	*last = (struct page_place){0};
	if (!request_value(request, LIST_CURSOR)->is_given)
		return true;
	if (statement == SQL_TIMERS_LIST_DUE || statement == SQL_TIMERS_LIST_RUNNING)
		return page_cursor_place(request, LIST_CURSOR, last) &&
		       uuid_read(span_of(last->name), &id);
	last->name = page_cursor(request, LIST_CURSOR);
	return last->name && uuid_read(span_of(last->name), &id);
}

static enum problem list_rules(struct request *request, struct field_faults *faults)
{
	struct page_place last;

	if (!read_last(request, list_statement(request), &last))
		page_refuse(request, LIST_CURSOR, faults);
	return PROBLEM_NONE;
}

static void give(struct asking *asking, struct db_value value)
{
	asking->values[asking->value_count++] = value;
}

static void give_times(struct request *request, struct asking *asking, struct page_place last)
{
	give(asking, request_given(request, LIST_DUE_AFTER));
	give(asking, request_given(request, LIST_DUE_BEFORE));
	if (asking->statement == SQL_TIMERS_LIST_DUE)
		give(asking, request_given(request, LIST_STATUS));
	give(asking, db_text(last.moment));
}

static void list_prepare(struct request *request, struct asking *asking)
{
	struct page_place last;

	asking->statement = list_statement(request);
	if (!read_last(request, asking->statement, &last))
		return;
	if (asking->statement == SQL_TIMERS_LIST_DUE ||
	    asking->statement == SQL_TIMERS_LIST_RUNNING)
		give_times(request, asking, last);
	give(asking, db_text(last.name));
	give(asking, request_given(request, LIST_LIMIT));
	if (asking->statement == SQL_TIMERS_LIST_LOST)
		give(asking, request_given(request, LIST_STATUS));
}

const struct endpoint timers_list = {
	.name = "timers_list",
	.method = "GET",
	.path = "/api/v1/timers",
	.tag = "timers",
	.summary = "List timers",
	.description =
		"The newest first; with dueAfter or dueBefore in the order of due times, and those that "
		"are running in that of their attempts. Those that are over for as long as "
		"TIMER_RETENTION_DAYS says. Without headers and payload: look a timer up to see them.",
	.reads = list_fields,
	.check = list_rules,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_TIMERS_LIST,
	.prepares = list_prepare,
	.says = say_rows,
	.has_etag = true,
	.answer_schema = LIST_SCHEMA,
};

/* --- GET /api/v1/timers/{id}, GET /api/v1/timers/{id}/attempts ------------------------------------------ */

static const struct field id_fields[] = {
	{.name = "id",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_UUID,
	 .is_required = true,
	 .description = "The timer.",
	 .example = "019ab8f2-61d0-7c4e-9d2b-3f1c5e7a9b0d"},
	{0},
};

const struct endpoint timers_find = {
	.name = "timers_find",
	.method = "GET",
	.path = "/api/v1/timers/{id}",
	.tag = "timers",
	.summary = "Look a timer up",
	.description = "The timer, its state, and how its last attempt ended.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_TIMERS_FIND,
	.says = say_row,
	.empty = PROBLEM_TIMER_NOT_FOUND,
	.has_etag = true,
	.answer_schema = TIMER_SCHEMA,
};

const struct endpoint timers_attempts = {
	.name = "timers_attempts",
	.method = "GET",
	.path = "/api/v1/timers/{id}/attempts",
	.tag = "timers",
	.summary = "List a timer's attempts",
	.description =
		"All attempts, the oldest first: when, how long, the status of the answer or why there "
		"was none, and the first 1 KiB of its body.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_TIMERS_ATTEMPTS,
	.says = say_row,
	.empty = PROBLEM_TIMER_NOT_FOUND,
	.has_etag = true,
	.answer_schema = ATTEMPTS_SCHEMA,
};

/* --- PATCH, DELETE /api/v1/timers/{id}, POST /api/v1/timers/{id}/fire ------------------------------------- */

/* The engine will know of its new time. */
static void tell_row(const struct request *request, const struct db_rows *rows)
{
	struct timers_desk *desk = timers_desk_of(request);
	struct moment next;
	struct timer_news news = {
		.shard = (int)rows_number_of(rows, 0, "_shard"),
		.destination = rows_text_of(rows, 0, "_destination"),
	};

	if (!desk || !uuid_read(rows_text_of(rows, 0, "id"), &news.id) ||
	    !moment_parse(rows_text_of(rows, 0, "nextAttemptAt"), &next))
		return;
	news.next_us = moment_unix_us(&next);
	timers_desk_tell(desk, &news);
}

static void say_changed(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	tell_row(request, rows);
	say_row(request, rows, reply);
}

static enum problem change_rules(struct request *request, struct field_faults *faults)
{
	timers_judge_due(&timers_change_fields[CHANGE_DELAY], request_value(request, CHANGE_DELAY),
			 clock_wall_us(), faults);
	return PROBLEM_NONE;
}

static void change_prepare(struct request *request, struct asking *asking)
{
	struct timers_due due = timers_read_due(request_value(request, CHANGE_DELAY));

	asking->values[0] = request_given(request, CHANGE_ID);
	asking->values[1] = db_text(due.at);
	asking->values[2] = due.at ? db_text(NULL) : db_number(request_arena(request), due.us);
	asking->value_count = 3;
}

static const struct outcome change_outcomes[] = {
	{"changed", 200, PROBLEM_NONE},
	{"running", 0, PROBLEM_TIMER_RUNNING},
	{"over", 0, PROBLEM_TIMER_OVER},
	{"not_found", 0, PROBLEM_TIMER_NOT_FOUND},
	{0},
};

const struct endpoint timers_change = {
	.name = "timers_change",
	.method = "PATCH",
	.path = "/api/v1/timers/{id}",
	.tag = "timers",
	.summary = "Reschedule a timer",
	.description =
		"Gives it another due time, also when it waits for a further attempt. Refused "
		"once it is running (from 100 ms before its time on) or over.",
	.reads = timers_change_fields,
	.check = change_rules,
	.checks_always = true,
	.has_statement = true,
	.asks = SQL_TIMERS_CHANGE,
	.prepares = change_prepare,
	.says = say_changed,
	.outcomes = change_outcomes,
	.answer_schema = TIMER_SCHEMA,
	.body_example = "{\"delay\":\"PT2H\"}",
};

static const struct outcome cancel_outcomes[] = {
	{"cancelled", 200, PROBLEM_NONE},
	{"running", 0, PROBLEM_TIMER_RUNNING},
	{"over", 0, PROBLEM_TIMER_OVER},
	{"not_found", 0, PROBLEM_TIMER_NOT_FOUND},
	{0},
};

const struct endpoint timers_cancel = {
	.name = "timers_cancel",
	.method = "DELETE",
	.path = "/api/v1/timers/{id}",
	.tag = "timers",
	.summary = "Cancel a timer",
	.description =
		"It is not called any more. Refused once it is running (from 100 ms before its "
		"time on) or over.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_TIMERS_CANCEL,
	.says = say_row,
	.outcomes = cancel_outcomes,
	.answer_schema = TIMER_SCHEMA,
};

static void fire_prepare(struct request *request, struct asking *asking)
{
	struct timers_draft draft = {0};

	timers_draft_name(&draft, uuid_make(), timers_desk_of(request));
	asking->values[0] = request_given(request, 0);
	asking->values[1] = db_number(request_arena(request), draft.shard);
	asking->value_count = 2;
}

static const struct outcome fire_outcomes[] = {
	{"fired", 202, PROBLEM_NONE},
	{"running", 0, PROBLEM_TIMER_RUNNING},
	{"not_found", 0, PROBLEM_TIMER_NOT_FOUND},
	{0},
};

const struct endpoint timers_fire = {
	.name = "timers_fire",
	.method = "POST",
	.path = "/api/v1/timers/{id}/fire",
	.tag = "timers",
	.summary = "Fire a timer now",
	.description =
		"Makes a scheduled timer due at once. One that is finished, failed or cancelled "
		"begins anew with all its attempts; those it had stay in the list. Refused "
		"while it is running.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_TIMERS_FIRE,
	.prepares = fire_prepare,
	.says = say_changed,
	.outcomes = fire_outcomes,
	.status = 202,
	.answer_schema = TIMER_SCHEMA,
};
