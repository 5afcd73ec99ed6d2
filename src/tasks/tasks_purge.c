/* tasks_purge.c - the job tasks-purge: makes the partitions of webhooks that will be needed, drops those
 * that are too old, and removes old keys and facts without a task. */
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "room.h"

#define BATCH_ROWS 2000

static struct tasks *tasks_of(struct flow *flow)
{
	return container_of(job_run_of(flow)->job, struct tasks, purge_job);
}

static enum flow_next partition(struct flow *flow)
{
	struct workshop *workshop = tasks_of(flow)->workshop;
	const struct db_value values[] = {
		db_number(flow->arena,
			  settings_number(workshop->settings, SETTING_WEBHOOK_RETENTION_DAYS)),
	};

	flow_ask(flow, workshop->write, SQL_TASKS_PARTITIONS, values, 1);
	return FLOW_WAIT;
}

static enum flow_next tell(struct flow *flow)
{
	if (flow->answer->verdict == DB_REFUSED)
		log_error(log_what("partitions of webhooks cannot be made"),
			  log_text("reason", flow->answer->message));
	else if (flow->answer->verdict == DB_ANSWERED &&
		 rows_number_of(flow->answer->rows, 0, "dropped") > 0)
		log_info(log_what("webhooks dropped"),
			 log_number("days", rows_number_of(flow->answer->rows, 0, "dropped")));
	return FLOW_NEXT;
}

/* Batch after batch, as long as they are full. */
static enum flow_next purge(struct flow *flow, enum sql statement)
{
	const struct db_value values[] = {db_number(flow->arena, BATCH_ROWS)};

	if (flow->is_stopping)
		return FLOW_END;
	if (flow->answer && (flow->answer->verdict != DB_ANSWERED ||
			     rows_number_of(flow->answer->rows, 0, "purged") < BATCH_ROWS))
		return FLOW_NEXT;
	flow_ask(flow, tasks_of(flow)->workshop->write, statement, values, 1);
	return FLOW_STAY;
}

static enum flow_next purge_keys(struct flow *flow)
{
	return purge(flow, SQL_TASKS_PURGE_KEYS);
}

static enum flow_next purge_unborn(struct flow *flow)
{
	return purge(flow, SQL_TASKS_PURGE_UNBORN);
}

static enum flow_next weigh(struct flow *flow)
{
	flow_ask(flow, tasks_of(flow)->workshop->read, SQL_TASKS_REPORT_WEIGHT, NULL, 0);
	return FLOW_WAIT;
}

static enum flow_next tell_weight(struct flow *flow)
{
	struct metrics *metrics = tasks_of(flow)->workshop->metrics;

	if (flow->answer->verdict != DB_ANSWERED)
		return FLOW_END;
	metric_set(metrics_get(metrics, METRIC_GAUGE, "almanac_report_files_kept",
			       "Report files that are kept, as PostgreSQL last counted them.",
			       NULL),
		   rows_number_of(flow->answer->rows, 0, "files"));
	metric_set(metrics_get(metrics, METRIC_GAUGE, "almanac_report_files_kept_bytes",
			       "What they weigh, judged by the newest thousand.", NULL),
		   rows_number_of(flow->answer->rows, 0, "bytes"));
	return FLOW_END;
}

const struct flow_step tasks_purge_steps[] = {{"partition", partition},
					      {"tell", tell},
					      {"keys", purge_keys},
					      {"unborn", purge_unborn},
					      {"weigh", weigh},
					      {"tell weight", tell_weight},
					      {0}};

bool tasks_prepare_days(const char *conninfo, struct str *complaint)
{
	const struct db_value keep_all = db_text("0");
	struct db_call call = {SQL_TASKS_PARTITIONS, &keep_all, 1, NULL};

	return db_call(conninfo, &call, complaint) == DB_START_OK;
}
