/* catalog_purge.c - the job catalog-purge: removes, batch by batch, the rows of deleted providers and
 * old records of sync runs. */
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "room.h"

#define BATCH_ROWS 2000

static struct catalog *catalog_of(struct flow *flow)
{
	return container_of(job_run_of(flow)->job, struct catalog, purge_job);
}

/* True while the last batch was a full one. */
static bool has_more(const struct flow *flow)
{
	return flow->answer->verdict == DB_ANSWERED &&
	       rows_number_of(flow->answer->rows, 0, "purged") == BATCH_ROWS;
}

static enum flow_next purge_events(struct flow *flow)
{
	const struct db_value values[] = {db_number(flow->arena, BATCH_ROWS)};

	if (flow->is_stopping)
		return FLOW_END;
	if (flow->answer && !has_more(flow))
		return FLOW_NEXT;
	flow_ask(flow, catalog_of(flow)->workshop->write, SQL_CATALOG_PURGE_EVENTS, values, 1);
	return FLOW_STAY;
}

static enum flow_next purge_syncs(struct flow *flow)
{
	struct workshop *workshop = catalog_of(flow)->workshop;
	const struct db_value values[] = {
		db_number(flow->arena,
			  settings_number(workshop->settings, SETTING_EVENTS_SYNC_RETENTION_DAYS)),
		db_number(flow->arena, BATCH_ROWS),
	};

	if (flow->is_stopping)
		return FLOW_END;
	if (flow->answer && !has_more(flow))
		return FLOW_NEXT;
	flow_ask(flow, workshop->write, SQL_CATALOG_PURGE_SYNCS, values, 2);
	return FLOW_STAY;
}

static enum flow_next purge_providers(struct flow *flow)
{
	flow_ask(flow, catalog_of(flow)->workshop->write, SQL_CATALOG_PURGE_PROVIDERS, NULL, 0);
	return FLOW_WAIT;
}

static enum flow_next tell(struct flow *flow)
{
	if (flow->answer->verdict == DB_ANSWERED)
		log_info(log_what("purge"),
			 log_number("providers", rows_number_of(flow->answer->rows, 0, "purged")));
	return FLOW_END;
}

const struct flow_step catalog_purge_steps[] = {{"events", purge_events},
						{"syncs", purge_syncs},
						{"providers", purge_providers},
						{"tell", tell},
						{0}};
