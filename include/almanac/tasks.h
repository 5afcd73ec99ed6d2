/*
 * The room "tasks": webhooks come in, reports go out.
 *
 * POST /webhook keeps every webhook and judges it in one statement (tasks_webhook.c, sql/tasks/receive.sql);
 * the tasks are what the facts among the webhooks give, in whatever order they came. The job tasks-report
 * has the reports of each period written by a thread of its own (reports_writer.c).
 */
#ifndef ALMANAC_TASKS_H
#define ALMANAC_TASKS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "almanac/desk.h"
#include "almanac/endpoint.h"
#include "almanac/metrics.h"
#include "almanac/scheduler.h"
#include "almanac/settings.h"

/* --- the desk: what the workers' half has for all requests --------------------------------------------- */

enum tasks_outcome {
	TASKS_ACCEPTED,
	TASKS_DUPLICATE,
	TASKS_NOT_FOUND,
	TASKS_REFUSED,
	TASKS_REPEATED,
	TASKS_INVALID,
	TASKS_UNSIGNED,
	TASKS_OUTCOME_COUNT
};

struct tasks_secrets;

struct tasks_desk {
	struct desk desk;                             /* "tasks" */
	struct tasks_secrets *secrets;                /* never changes while requests are served */
	struct metric *received[TASKS_OUTCOME_COUNT]; /* webhooks by outcome */
};

/* Whether the settings of the room that are small languages of their own can be read. */
bool tasks_judge(const struct settings *settings, struct str *complaint);

/* The settings were judged before. */
void tasks_desk_init(struct tasks_desk *desk, const struct settings *settings,
		     struct metrics *metrics);
void tasks_desk_finish(struct tasks_desk *desk);

/* --- on the scheduler's thread -------------------------------------------------------------------------- */

struct tasks;

struct tasks_options {
	struct workshop *workshop;
	/* Set while reports that are due cannot be written to REPORT_DIR. */
	_Atomic bool *are_reports_stuck;
};

/* `options` must outlive it. */
struct tasks *tasks_open(struct tasks_options *options);

/* Begins to end: no further report is begun; the one under way is left to be taken up again. */
void tasks_stop(struct tasks *tasks);
bool tasks_is_quiet(const struct tasks *tasks); /* after tasks_stop: nothing is written any more */
void tasks_close(struct tasks *tasks);

struct job *tasks_report_job(struct tasks *tasks);
struct job *tasks_purge_job(struct tasks *tasks);

/* Before it is opened, blocking: makes the partitions of the coming days where they are missing. False when
 * that cannot be done now; `complaint` says why. */
bool tasks_prepare_days(const char *conninfo, struct str *complaint);

/* --- the command rebuild-tasks: blocking --------------------------------------------------------------- */

/* Makes the tasks from the webhooks again, or only compares (`is_dry`). `out` gets one line about what was
 * found; false when the database refused or cannot be reached. `agrees` is whether all were as they should
 * be. */
bool tasks_rebuild(const char *conninfo, bool is_dry, bool *agrees, struct str *out)
	__attribute__((warn_unused_result));

/* --- the paths ----------------------------------------------------------------------------------------- */

extern const struct endpoint tasks_webhook;       /* POST /webhook */
extern const struct endpoint tasks_webhook_slash; /* POST /webhook/ */
extern const struct endpoint tasks_list;          /* GET /api/v1/tasks */
extern const struct endpoint tasks_find;          /* GET /api/v1/tasks/{id} */
extern const struct endpoint tasks_history;       /* GET /api/v1/tasks/{id}/history */
extern const struct endpoint tasks_webhooks;      /* GET /api/v1/webhooks */
extern const struct endpoint tasks_webhook_find;  /* GET /api/v1/webhooks/{id} */
extern const struct endpoint reports_make;        /* GET /api/v1/reports */
extern const struct endpoint reports_files;       /* GET /api/v1/reports/files */
extern const struct endpoint reports_file;        /* GET /api/v1/reports/files/{name} */

#endif
