/* timers_purge.c - the job timers-purge: makes the partitions of the coming days, drops those that
 * are too old, forgets old idempotency keys. */
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "engine.h"

#define BATCH_ROWS 5000

static struct timers *timers_of(struct flow *flow)
{
	return container_of(job_run_of(flow)->job, struct timers, purge_job);
}

static enum flow_next tend_partitions(struct flow *flow)
{
	const struct settings *settings = timers_of(flow)->workshop->settings;
	const struct db_value values[] = {
		db_number(flow->arena, settings_number(settings, SETTING_TIMER_RETENTION_DAYS))};

	flow_ask(flow, timers_of(flow)->workshop->write, SQL_TIMERS_PARTITIONS, values, 1);
	return FLOW_WAIT;
}

static enum flow_next judge_partitions(struct flow *flow)
{
	if (flow->answer->verdict != DB_ANSWERED) {
		log_warn(log_what("partitions of timers were not tended"),
			 log_text("reason", flow->answer->message));
		return FLOW_END;
	}
	if (rows_number_of(flow->answer->rows, 0, "dropped") > 0)
		log_info(log_what("partitions of timers dropped"),
			 log_number("dropped", rows_number_of(flow->answer->rows, 0, "dropped")));
	return FLOW_NEXT;
}

static enum flow_next purge_keys(struct flow *flow)
{
	const struct db_value values[] = {db_number(flow->arena, BATCH_ROWS)};
	const struct db_answer *answer = flow->answer;

	if (flow->is_stopping ||
	    (answer && (answer->verdict != DB_ANSWERED ||
			rows_number_of(answer->rows, 0, "purged") < BATCH_ROWS)))
		return FLOW_END;
	flow_ask(flow, timers_of(flow)->workshop->write, SQL_TIMERS_PURGE_KEYS, values, 1);
	return FLOW_STAY;
}

const struct flow_step timers_purge_steps[] = {
	{"partitions", tend_partitions}, {"judge", judge_partitions}, {"keys", purge_keys}, {0}};

bool timers_prepare_days(const char *conninfo, struct str *complaint)
{
	const struct db_value keep_all = db_text("0");
	struct db_call call = {SQL_TIMERS_PARTITIONS, &keep_all, 1, NULL};

	return db_call(conninfo, &call, complaint) == DB_START_OK;
}
