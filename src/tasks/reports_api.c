/* reports_api.c - reports on request, and the files of those that were written: records over sql/tasks. */
#include <string.h>

#include "almanac/paging.h"
#include "almanac/rows.h"
#include "almanac/schema.h"
#include "almanac/tasks.h"
#include "report.h"

#define TASKS_MAX 100000

static const char csv[] = "text/csv; charset=utf-8; header=present";

/* clang-format off */
#define TOLD_SCHEMA                                                                                \
	SCHEMA_TITLED("ReportedTask", "\"id\",\"content\",\"createdOrCompletedAt\"",               \
		MEMBER("id", SCHEMA_TEXT) "," MEMBER("content", SCHEMA_TEXT) ","                   \
		MEMBER("createdOrCompletedAt", SCHEMA_MOMENT) "," MEMBER("late", SCHEMA_FLAG))

#define REPORT_SCHEMA                                                                              \
	SCHEMA_TITLED("Report", "\"userId\",\"period\",\"newIncompleteTasks\",\"completedTasks\","   \
			"\"oldIncompleteTasks\"",                                                  \
		MEMBER("userId", SCHEMA_TEXT) ","                                                  \
		MEMBER("period", "{\"type\":\"object\",\"required\":[\"start\",\"end\"],"            \
			"\"properties\":{" MEMBER("start", SCHEMA_MOMENT) ","                      \
			MEMBER("end", SCHEMA_MOMENT) "}}") ","                                     \
		MEMBER("newIncompleteTasks", SCHEMA_LIST(TOLD_SCHEMA)) ","                         \
		MEMBER("completedTasks", SCHEMA_LIST(TOLD_SCHEMA)) ","                             \
		MEMBER("oldIncompleteTasks", SCHEMA_LIST(TOLD_SCHEMA)))

#define FILE_SCHEMA                                                                                \
	SCHEMA_TITLED("ReportFile", "\"name\",\"userId\",\"start\",\"end\",\"bytes\","             \
			"\"writtenAt\"",                                                           \
		MEMBER("name", SCHEMA_TEXT) "," MEMBER("userId", SCHEMA_TEXT) ","                  \
		MEMBER("start", SCHEMA_MOMENT) "," MEMBER("end", SCHEMA_MOMENT) ","                \
		MEMBER("bytes", SCHEMA_INTEGER) "," MEMBER("writtenAt", SCHEMA_MOMENT))
/* clang-format on */

/* --- GET /api/v1/reports ------------------------------------------------------------------------------------- */

enum { MAKE_USER, MAKE_FROM, MAKE_TO };

static const struct field make_fields[] = {
	{.name = "userId",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_TEXT,
	 .is_required = true,
	 .min = 1,
	 .max = 1000,
	 .description = "Whose tasks.",
	 .example = "u1"},
	{.name = "from",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description =
		 "Start of the period, which does not belong to it; one interval before its end "
		 "when not given.",
	 .example = "2026-01-01T10:00:00Z"},
	{.name = "to",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "End of the period, which does; now when not given.",
	 .example = "2026-01-01T10:00:15Z"},
	{0},
};

static enum problem make_rules(struct request *request, struct field_faults *faults)
{
	const struct field_value *from = request_value(request, MAKE_FROM);
	const struct field_value *to = request_value(request, MAKE_TO);

	if (from->is_given && to->is_given && from->number > to->number)
		fields_fault(faults, &make_fields[MAKE_FROM], "conflict",
			     "must not be later than to", from->text);
	return PROBLEM_NONE;
}

static void make_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = request_given(request, MAKE_USER);
	asking->values[1] = request_given(request, MAKE_FROM);
	asking->values[2] = request_given(request, MAKE_TO);
	asking->values[3] =
		db_number(request_arena(request), settings_number(request_settings(request),
								  SETTING_REPORT_INTERVAL_SECONDS));
	asking->values[4] = db_number(request_arena(request), TASKS_MAX + 1);
	asking->value_count = 5;
}

static bool wants_csv(const struct request *request)
{
	return request_weight_of(request, "text/csv") >
	       request_weight_of(request, "application/json");
}

static void read_rows(struct report *report, const struct db_rows *rows)
{
	for (size_t row = 0; row < rows_count(rows); row++)
		if (!rows_is_null(rows, row, 3))
			report_add(report, rows_text(rows, row, 3), rows_text(rows, row, 4),
				   rows_text(rows, row, 5), rows_number(rows, row, 6), false);
}

/* A complaint that only the rows could show. */
static void refuse(struct request *request, const char *detail, struct reply *reply)
{
	reply->status = 400;
	complain_problem(request,
			 &(struct complaint){.problem = PROBLEM_INVALID_QUERY, .detail = detail},
			 reply);
}

static void say_report(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	struct report report;

	report_init(&report, rows_number_of(rows, 0, "starts_us"),
		    rows_number_of(rows, 0, "ends_us"));
	report_begin(&report, span_of(request_value(request, MAKE_USER)->text));
	read_rows(&report, rows);
	reply_header(reply, "Vary", "Accept");
	if (wants_csv(request)) {
		reply->content_type = csv;
		report_append_csv(&report, &reply->body);
	} else {
		report_append_json(&report, &reply->body);
	}
	report_finish(&report);
}

/* starts_us, ends_us, is_wrong, list, id, content, at_us */
static void say_made(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	if (rows_flag(rows, 0, 2))
		refuse(request, "from must not be later than to", reply);
	else if (rows_count(rows) > TASKS_MAX)
		refuse(request, "there are more than 100,000 tasks to tell", reply);
	else
		say_report(request, rows, reply);
}

const struct endpoint reports_make = {
	.name = "reports_make",
	.method = "GET",
	.path = "/api/v1/reports",
	.tag = "reports",
	.summary = "Make a report",
	.description =
		"Of any user and period: tasks created in it and still open at its end, tasks "
		"completed in it (also when they were deleted since), tasks that were open before. "
		"As CSV with `Accept: text/csv`, where what a spreadsheet would take for a formula "
		"has an apostrophe in front.",
	.reads = make_fields,
	.check = make_rules,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_TASKS_REPORT,
	.prepares = make_prepare,
	.says = say_made,
	.answer_schema = REPORT_SCHEMA,
	.other_type = csv,
};

/* --- GET /api/v1/reports/files --------------------------------------------------------------------------------- */

enum { FILES_USER, FILES_CURSOR, FILES_LIMIT };

static const struct field files_fields[] = {
	{.name = "userId",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_TEXT,
	 .min = 1,
	 .max = 1000,
	 .description = "Only those of this user.",
	 .example = "u1"},
	PAGE_CURSOR("MjAyNi0wMS0wMXxh"),
	PAGE_LIMIT,
	{0},
};

static enum problem files_rules(struct request *request, struct field_faults *faults)
{
	struct page_place last;

	if (request_value(request, FILES_CURSOR)->is_given &&
	    !page_cursor_place(request, FILES_CURSOR, &last))
		page_refuse(request, FILES_CURSOR, faults);
	return PROBLEM_NONE;
}

static void files_prepare(struct request *request, struct asking *asking)
{
	struct page_place last = {0};

	if (request_value(request, FILES_CURSOR)->is_given &&
	    !page_cursor_place(request, FILES_CURSOR, &last))
		return;
	asking->values[0] = request_given(request, FILES_USER);
	asking->values[1] = db_text(last.moment);
	asking->values[2] = db_text(last.name);
	asking->values[3] = request_given(request, FILES_LIMIT);
	asking->value_count = 4;
}

const struct endpoint reports_files = {
	.name = "reports_files",
	.method = "GET",
	.path = "/api/v1/reports/files",
	.tag = "reports",
	.summary = "List report files",
	.description = "Those that were written and are kept, the newest period first.",
	.reads = files_fields,
	.check = files_rules,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_TASKS_REPORT_FILES,
	.prepares = files_prepare,
	.says = say_rows,
	.has_etag = true,
	.answer_schema = PAGE_SCHEMA(FILE_SCHEMA),
};

/* --- GET /api/v1/reports/files/{name} -------------------------------------------------------------------------- */

static const struct field file_fields[] = {
	{.name = "name",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_TEXT,
	 .is_required = true,
	 .min = 1,
	 .max = REPORT_NAME_MAX,
	 .description = "As in the list.",
	 .example = "task_report_u1_20260101T100000Z_20260101T100015Z.json"},
	{0},
};

/* Only names that were written come from the database; none of them holds a slash. */
static void say_file(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	const char *name = arena_text(request_arena(request), rows_text_of(rows, 0, "name"));
	const char *folder = settings_text(request_settings(request), SETTING_REPORT_DIR);

	if (report_folder_read(folder, name, &reply->body))
		return;
	str_clear(&reply->body);
	reply->status = 404;
	complain_problem(request,
			 &(struct complaint){.problem = PROBLEM_REPORT_NOT_FOUND,
					     .detail = "The file is not in this daemon's folder"},
			 reply);
}

const struct endpoint reports_file = {
	.name = "reports_file",
	.method = "GET",
	.path = "/api/v1/reports/files/{name}",
	.tag = "reports",
	.summary = "Read a report file",
	.description = "The file as it was written.",
	.reads = file_fields,
	.has_statement = true,
	.asks = SQL_TASKS_REPORT_FILE,
	.says = say_file,
	.empty = PROBLEM_REPORT_NOT_FOUND,
	.has_etag = true,
	.answer_schema = REPORT_SCHEMA,
};
