/* calendar_api.c - lists of events, and sync runs: records over sql/calendar. Users who were never synced are
 * answered from their source: the generator here, others by errand (calendar_peek.c). */
#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/paging.h"
#include "almanac/rows.h"
#include "peek.h"
#include "schemas.h"
#include "users.h"

#define HOUR_US INT64_C(3600000000)
#define LIMIT_MAX 1000

#define USER_ID                                                                                    \
	{                                                                                          \
		.name = "id", .place = FIELD_IN_PATH, .kind = FIELD_TEXT, .is_required = true,     \
		.min = 1, .max = USER_MAX_BYTES, .description = "The user.", .example = "1"        \
	}

/* --- GET /api/v1/users/{id}/events --------------------------------------------------------------------------- */

enum { EVENTS_USER, EVENTS_START, EVENTS_LIMIT, EVENTS_FROM, EVENTS_TO };

static const struct field events_fields[] = {
	USER_ID,
	{.name = "start",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_INTEGER,
	 .min = 0,
	 .max = -1,
	 .by_default = "0",
	 .description = "How many events are left out before the first.",
	 .example = "50"},
	{.name = "limit",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = LIMIT_MAX,
	 .is_lowered = true,
	 .by_default = "100",
	 .description = "Events of an answer; lowered to 1,000.",
	 .example = "100"},
	{.name = "from",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "Only events that end behind it, or begin at it or later.",
	 .example = "2026-02-01T00:00:00Z"},
	{.name = "to",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "Only events that begin before it.",
	 .example = "2026-03-01T00:00:00Z"},
	{0},
};

static enum problem events_rules(struct request *request, struct field_faults *faults)
{
	const struct field_value *from = request_value(request, EVENTS_FROM);
	const struct field_value *to = request_value(request, EVENTS_TO);

	if (from->is_given && to->is_given && from->number > to->number)
		fields_fault(faults, &events_fields[EVENTS_FROM], "conflict",
			     "must not be later than to", from->text);
	return PROBLEM_NONE;
}

static void events_prepare(struct request *request, struct asking *asking)
{
	bool has_window = request_value(request, EVENTS_FROM)->is_given ||
			  request_value(request, EVENTS_TO)->is_given;

	for (size_t place = EVENTS_USER; place <= EVENTS_TO; place++)
		asking->values[place] = request_given(request, place);
	asking->value_count = has_window ? EVENTS_TO + 1 : EVENTS_LIMIT + 1;
	if (has_window)
		asking->statement = SQL_CALENDAR_LIST_WINDOW;
}

static struct item_page page_of(const struct request *request)
{
	const struct field_value *from = request_value(request, EVENTS_FROM);
	const struct field_value *to = request_value(request, EVENTS_TO);

	return (struct item_page){
		.start = request_value(request, EVENTS_START)->number,
		.limit = request_value(request, EVENTS_LIMIT)->number,
		.has_from = from->is_given,
		.has_to = to->is_given,
		.from_us = from->number,
		.to_us = to->number,
	};
}

static void refuse(struct request *request, enum problem problem, const char *detail,
		   struct reply *reply)
{
	reply->status = problem_kind(problem)->status;
	complain_problem(request, &(struct complaint){.problem = problem, .detail = detail}, reply);
}

static void say_peek(struct errand *errand, struct request *request, struct reply *reply)
{
	const struct peek_errand *peek = container_of(errand, struct peek_errand, errand);
	struct span text = str_span(&peek->body);

	if (peek->problem == PROBLEM_NONE)
		str_append(&reply->body, text);
	else
		refuse(request, peek->problem,
		       text.length ? arena_text(request_arena(request), text) : NULL, reply);
}

static bool is_generated(const struct db_rows *rows)
{
	return rows_is_null_of(rows, 0, "_kind") ||
	       span_is(rows_text_of(rows, 0, "_kind"), "generator");
}

static bool events_defer(struct request *request, const struct db_rows *rows)
{
	struct calendar_desk *desk =
		container_of(request_desk(request, "calendar"), struct calendar_desk, desk);
	struct mailbox *mailbox = atomic_load(&desk->mailbox);
	struct peek_errand *peek;

	if (!rows_is_null_of(rows, 0, "syncedAt") || is_generated(rows) || !mailbox)
		return false;
	peek = peek_errand_create(desk);
	peek->errand.says = say_peek;
	peek->page = page_of(request);
	peek->user = peek_keep(peek, span_of(request_value(request, EVENTS_USER)->text));
	peek->kind = peek_keep(peek, rows_text_of(rows, 0, "_kind"));
	peek->url = peek_keep(peek, rows_text_of(rows, 0, "_url"));
	peek->timezone = peek_keep(peek, rows_text_of(rows, 0, "_timezone"));
	peek->request_id = peek_keep(peek, span_of(request_id(request)));
	peek->traceparent = peek_keep(peek, span_of(request_trace(request)));
	errand_send(request, &peek->errand, mailbox);
	return true;
}

static void say_generated(struct request *request, struct reply *reply)
{
	const struct item_page page = page_of(request);
	struct calendar_items items;

	calendar_generate(request_arena(request),
			  span_of(request_value(request, EVENTS_USER)->text),
			  clock_wall_us() / HOUR_US, &items);
	calendar_order_by_start(&items);
	item_append_page(&reply->body, &items, &page);
}

static void say_stored(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	const struct item_page page = page_of(request);
	struct str synced;

	str_init(&synced, 64);
	reply_append_value(&synced, rows, 0, (size_t)rows_find(rows, "syncedAt"));
	str_append(&reply->body, SPAN("{\"data\":["));
	str_append(&reply->body, rows_text_of(rows, 0, "items"));
	item_append_end(&reply->body, &page, rows_number_of(rows, 0, "total"), "store",
			str_span(&synced));
	str_finish(&synced);
}

static void say_events(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	if (!rows_is_null_of(rows, 0, "syncedAt"))
		say_stored(request, rows, reply);
	else if (is_generated(rows))
		say_generated(request, reply);
	else
		refuse(request, PROBLEM_OVERLOADED, "the daemon is only just starting", reply);
}

static const struct other_answer events_others[] = {{.problem = PROBLEM_SOURCE_FAILED}, {0}};

const struct endpoint calendar_events = {
	.name = "calendar_events",
	.method = "GET",
	.path = "/api/v1/users/{id}/events",
	.tag = "calendar",
	.summary = "List a user's events",
	.description =
		"In the order of their starts, the first 5,000. The times of an all-day event are "
		"dates, its end does not belong to it. A user who was never synced is answered from "
		"the source (`origin`), every user has one: the built-in generator unless another "
		"was set.",
	.reads = events_fields,
	.check = events_rules,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_CALENDAR_LIST,
	.prepares = events_prepare,
	.defers = events_defer,
	.says = say_events,
	.has_etag = true,
	.answer_schema = EVENTS_SCHEMA,
	.others = events_others,
};

/* --- POST /api/v1/users/{id}/events -------------------------------------------------------------------------- */

enum { SYNC_USER, SYNC_FORCE };

static const struct field sync_fields[] = {
	USER_ID,
	{.name = "force",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_FLAG,
	 .by_default = "false",
	 .description = "Also when more than half of the calendar vanishes at once.",
	 .example = "true"},
	{0},
};

static void sync_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = request_given(request, SYNC_USER);
	asking->values[1] = request_given(request, SYNC_FORCE);
	asking->values[2] = db_text(request_id(request));
	asking->values[3] = db_text(request_trace(request));
	asking->values[4] = db_number(request_arena(request),
				      settings_number(request_settings(request),
						      SETTING_CALENDAR_SYNC_INTERVAL_SECONDS));
	asking->value_count = 5;
}

static const struct outcome sync_outcomes[] = {{"queued", 202, PROBLEM_NONE}, {0}};

static const char *const sync_headers[] = {"Location", NULL};

const struct endpoint calendar_sync = {
	.name = "calendar_sync",
	.method = "POST",
	.path = "/api/v1/users/{id}/events",
	.tag = "calendar",
	.summary = "Sync a user now",
	.description =
		"Queues a run and answers with it; while one is queued or running, with that "
		"one. Any body is ignored.",
	.reads = sync_fields,
	.has_statement = true,
	.asks = SQL_CALENDAR_ASK,
	.prepares = sync_prepare,
	.says = say_row,
	.outcomes = sync_outcomes,
	.status = 202,
	.answer_schema = ASKED_SCHEMA,
	.headers = sync_headers,
};

/* --- GET /api/v1/users/{id}/syncs ---------------------------------------------------------------------------- */

static const struct field syncs_fields[] = {USER_ID, PAGE_CURSOR("MQ"), PAGE_LIMIT, {0}};

const struct endpoint calendar_syncs = {
	.name = "calendar_syncs",
	.method = "GET",
	.path = "/api/v1/users/{id}/syncs",
	.tag = "calendar",
	.summary = "List a user's sync runs",
	.description =
		"The newest first: how each ended, what it counted, and the first 100 problems "
		"of the source.",
	.reads = syncs_fields,
	.check = page_runs_check,
	.has_statement = true,
	.asks = SQL_CALENDAR_SYNC_LIST,
	.prepares = page_runs_prepare,
	.says = say_rows,
	.has_etag = true,
	.answer_schema = PAGE_SCHEMA(RUN_SCHEMA),
};

/* --- GET /api/v1/syncs/{id} ---------------------------------------------------------------------------------- */

static const struct field sync_find_fields[] = {
	{.name = "id",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_UUID,
	 .is_required = true,
	 .description = "The run.",
	 .example = "0d0bb0f3-3a52-4a6e-8a8a-0f6b4f2f5a11"},
	{0},
};

const struct endpoint calendar_sync_find = {
	.name = "calendar_sync_find",
	.method = "GET",
	.path = "/api/v1/syncs/{id}",
	.tag = "calendar",
	.summary = "Look a user's sync run up",
	.description = "One run, as in the list of its user.",
	.reads = sync_find_fields,
	.has_statement = true,
	.asks = SQL_CALENDAR_SYNC_FIND,
	.says = say_row,
	.empty = PROBLEM_SYNC_NOT_FOUND,
	.has_etag = true,
	.answer_schema = RUN_SCHEMA,
};
