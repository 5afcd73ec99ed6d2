/* tasks.c - opens and closes what the room has on the scheduler's thread, and the command rebuild-tasks.
 * Called by the hall. */
#include "almanac/tasks.h"

#include <stdlib.h>

#include "almanac/container.h"
#include "almanac/json.h"
#include "almanac/rows.h"
#include "room.h"

#define REPORT_LEASE_S 30
#define PURGE_PERIOD_S 3600
#define PURGE_LEASE_S 300

struct tasks *tasks_open(struct tasks_options *options)
{
	struct tasks *tasks = calloc(1, sizeof(*tasks));
	struct workshop *workshop = options->workshop;
	const struct report_writer_options writing = {
		.settings = workshop->settings,
		.metrics = workshop->metrics,
		.are_stuck = options->are_reports_stuck,
	};

	if (!tasks)
		abort();
	tasks->options = options;
	tasks->workshop = workshop;
	tasks->report_job = (struct job){
		.name = "tasks-report",
		.period_s = settings_number(workshop->settings, SETTING_REPORT_INTERVAL_SECONDS),
		.lease_s = REPORT_LEASE_S,
		.steps = tasks_report_steps,
	};
	tasks->purge_job = (struct job){
		.name = "tasks-purge",
		.period_s = PURGE_PERIOD_S,
		.lease_s = PURGE_LEASE_S,
		.steps = tasks_purge_steps,
	};
	tasks->mailbox = mailbox_create(workshop->loop);
	tasks->writer = report_writer_start(&writing);
	return tasks;
}

void tasks_stop(struct tasks *tasks)
{
	report_writer_stop(tasks->writer);
}

bool tasks_is_quiet(const struct tasks *tasks)
{
	return !tasks->order.is_away;
}

/* An order that is still away comes back first, and finds no one waiting. */
void tasks_close(struct tasks *tasks)
{
	if (!tasks)
		return;
	report_writer_destroy(tasks->writer);
	mailbox_destroy(tasks->mailbox);
	free(tasks);
}

struct job *tasks_report_job(struct tasks *tasks)
{
	return &tasks->report_job;
}

struct job *tasks_purge_job(struct tasks *tasks)
{
	return &tasks->purge_job;
}

/* --- rebuild-tasks ------------------------------------------------------------------------------------------ */

struct rebuilding {
	struct db_call call;
	bool *agrees;
	struct str *out;
};

static void tell_rebuilt(struct db_call *call, const struct db_rows *rows)
{
	struct rebuilding *rebuilding = container_of(call, struct rebuilding, call);
	int64_t differ = rows_number_of(rows, 0, "differ");
	int64_t missing = rows_number_of(rows, 0, "missing");

	*rebuilding->agrees = differ == 0 && missing == 0;
	str_format(rebuilding->out,
		   "%lld tasks agree, %lld differ, %lld are missing, %lld cannot be judged",
		   (long long)rows_number_of(rows, 0, "agree"), (long long)differ,
		   (long long)missing, (long long)rows_number_of(rows, 0, "unjudged"));
	if (rows_is_null_of(rows, 0, "example"))
		return;
	str_append_text(rebuilding->out, "; the first: ");
	json_append_text(rebuilding->out, rows_text_of(rows, 0, "example"));
}

bool tasks_rebuild(const char *conninfo, bool is_dry, bool *agrees, struct str *out)
{
	const struct db_value values[] = {db_text(is_dry ? "true" : "false")};
	struct rebuilding rebuilding = {
		.call = {.statement = SQL_TASKS_REBUILD,
			 .values = values,
			 .value_count = 1,
			 .answered = tell_rebuilt},
		.agrees = agrees,
		.out = out,
	};

	return db_call(conninfo, &rebuilding.call, out) == DB_START_OK;
}
