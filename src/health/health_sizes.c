/* health_sizes.c - the job sizes: how large the tables are is told in metrics now and then, by the daemon
 * that runs it; a scrape asks the database nothing. Opened by schedule.c. */
#include <stdlib.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/health.h"
#include "almanac/rows.h"

#define PERIOD_S 600
#define LEASE_S 60

struct health_sizes {
	struct workshop *workshop;
	struct job job;
};

static struct health_sizes *sizes_of(struct flow *flow)
{
	return container_of(job_run_of(flow)->job, struct health_sizes, job);
}

static enum flow_next ask(struct flow *flow)
{
	flow_ask(flow, sizes_of(flow)->workshop->read, SQL_HEALTH_SIZES, NULL, 0);
	return FLOW_WAIT;
}

static void tell_table(struct flow *flow, const struct db_rows *rows, size_t row)
{
	struct metrics *metrics = sizes_of(flow)->workshop->metrics;
	const char *name = arena_text(flow->arena, rows_text(rows, row, 0));
	const char *const labels[] = {"table", name, NULL};

	metric_set(metrics_get(metrics, METRIC_GAUGE, "almanac_table_bytes",
			       "Size of a table with its partitions and indexes.", labels),
		   rows_number(rows, row, 1));
	metric_set(metrics_get(metrics, METRIC_GAUGE, "almanac_table_rows",
			       "Its rows, as PostgreSQL last counted them.", labels),
		   rows_number(rows, row, 2));
}

static enum flow_next tell(struct flow *flow)
{
	struct metrics *metrics = sizes_of(flow)->workshop->metrics;

	if (flow->answer->verdict != DB_ANSWERED)
		return FLOW_END;
	for (size_t row = 0; row < rows_count(flow->answer->rows); row++)
		tell_table(flow, flow->answer->rows, row);
	metric_set_time_us(metrics_get(metrics, METRIC_GAUGE, "almanac_sizes_timestamp_seconds",
				       "When this daemon last looked how large the tables are.",
				       NULL),
			   clock_wall_us());
	return FLOW_END;
}

static const struct flow_step steps[] = {{"ask", ask}, {"tell", tell}, {0}};

struct health_sizes *health_sizes_open(struct workshop *workshop)
{
	struct health_sizes *sizes = calloc(1, sizeof(*sizes));

	if (!sizes)
		abort();
	sizes->workshop = workshop;
	sizes->job = (struct job){
		.name = "sizes", .period_s = PERIOD_S, .lease_s = LEASE_S, .steps = steps};
	return sizes;
}

void health_sizes_close(struct health_sizes *sizes)
{
	free(sizes);
}

struct job *health_sizes_job(struct health_sizes *sizes)
{
	return &sizes->job;
}
