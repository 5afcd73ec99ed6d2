/* catalog.c - opens and closes the catalog's part on the scheduler's thread; called by the hall. */
#include "almanac/catalog.h"

#include <stdlib.h>

#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "room.h"

#define PURGE_PERIOD_S 3600
#define SYNC_JOB_LEASE_S 30
#define PURGE_JOB_LEASE_S 600

static struct catalog *catalog_of_demo(struct flow *flow)
{
	return container_of(flow, struct catalog, demo);
}

/* --- a fresh database gets the demo provider -------------------------------------------------------- */

static enum flow_next offer(struct flow *flow)
{
	flow_ask(flow, catalog_of_demo(flow)->workshop->write, SQL_CATALOG_DEMO_OFFER, NULL, 0);
	return FLOW_WAIT;
}

static enum flow_next judge_offer(struct flow *flow)
{
	struct catalog *catalog = catalog_of_demo(flow);

	if (flow->answer->verdict != DB_ANSWERED)
		return FLOW_END;
	catalog->has_offered = true;
	if (span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "offered"))
		log_info(log_what("demo provider added"));
	return FLOW_END;
}

static const struct flow_step demo_steps[] = {{"offer", offer}, {"judge", judge_offer}, {0}};

static void offered(struct flow *flow)
{
	catalog_of_demo(flow)->is_offering = false;
}

static void offer_demo(struct catalog *catalog)
{
	bool is_wanted = settings_flag(catalog->workshop->settings, SETTING_DEMO_PROVIDER);

	if (!is_wanted || catalog->has_offered || catalog->is_offering)
		return;
	catalog->is_offering = true;
	flow_start(catalog->workshop->flows, &catalog->demo, demo_steps, offered);
}

/* --- the door --------------------------------------------------------------------------------------- */

static struct metric *sync_counter(struct catalog *catalog, const char *status)
{
	const char *const labels[] = {"status", status, NULL};

	return metrics_get(catalog->workshop->metrics, METRIC_COUNTER,
			   "almanac_catalog_syncs_total",
			   "Sync runs of providers' feeds by how they ended.", labels);
}

struct catalog *catalog_open(struct catalog_options *options)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		abort();
	catalog->options = options;
	catalog->workshop = options->workshop;
	catalog->sync_job = (struct job){
		.name = "catalog-sync",
		.period_s = settings_number(options->workshop->settings,
					    SETTING_EVENTS_SYNC_DELAY_SECONDS),
		.lease_s = SYNC_JOB_LEASE_S,
		.steps = catalog_sync_steps,
	};
	catalog->purge_job = (struct job){
		.name = "catalog-purge",
		.period_s = PURGE_PERIOD_S,
		.lease_s = PURGE_JOB_LEASE_S,
		.steps = catalog_purge_steps,
	};
	catalog->syncs_succeeded = sync_counter(catalog, "succeeded");
	catalog->syncs_partial = sync_counter(catalog, "partial");
	catalog->syncs_failed = sync_counter(catalog, "failed");
	catalog->follow = follow_create(catalog);
	return catalog;
}

void catalog_close(struct catalog *catalog)
{
	if (!catalog)
		return;
	follow_destroy(catalog->follow);
	free(catalog);
}

struct job *catalog_sync_job(struct catalog *catalog)
{
	return &catalog->sync_job;
}

struct job *catalog_purge_job(struct catalog *catalog)
{
	return &catalog->purge_job;
}

void catalog_heard(struct catalog *catalog)
{
	offer_demo(catalog);
	follow_look(catalog->follow);
}
