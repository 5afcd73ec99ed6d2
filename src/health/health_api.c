/* health_api.c - the paths that say whether process and parts are well, and the metrics. */
#include "almanac/health.h"

#include "almanac/clock.h"
#include "almanac/process.h"

#define SECOND INT64_C(1000000)

/* The scheduler goes round once a second. */
#define HEARTBEAT_LATE_US (10 * SECOND)

static const char plain_text[] = "text/plain; charset=utf-8";
static const char metrics_text[] = "text/plain; version=0.0.4; charset=utf-8";

/* --- the process is up --------------------------------------------------------------------------------- */

static bool say_ok(struct request *request, struct reply *reply)
{
	(void)request;
	str_append_text(&reply->body, "ok");
	return true;
}

const struct endpoint health_status = {
	.name = "health_status",
	.method = "GET",
	.path = "/status",
	.tag = "health",
	.summary = "The process is up",
	.description = "The text `ok`. The database is not asked.",
	.answers = say_ok,
	.scope = SCOPE_OPEN,
	.is_quiet = true,
	.answer_type = plain_text,
};

const struct endpoint health_text = {
	.name = "health_text",
	.method = "GET",
	.path = "/health",
	.tag = "health",
	.summary = "The process is up",
	.description = "The text `ok`. The database is not asked.",
	.answers = say_ok,
	.scope = SCOPE_OPEN,
	.is_quiet = true,
	.answer_type = plain_text,
};

const struct endpoint health_live = {
	.name = "health_live",
	.method = "GET",
	.path = "/livez",
	.tag = "health",
	.summary = "Liveness",
	.description =
		"200 as long as requests are answered at all: restart the process when it is not. "
		"The database is not asked.",
	.answers = say_ok,
	.scope = SCOPE_OPEN,
	.is_quiet = true,
	.answer_type = plain_text,
};

/* --- its parts are well -------------------------------------------------------------------------------- */

static bool has_heartbeat(const struct request *request)
{
	return clock_steady_us() - atomic_load(&request_heartbeat(request)->beat_us) <
	       HEARTBEAT_LATE_US;
}

static bool is_draining(const struct request *request)
{
	return atomic_load(&request_heartbeat(request)->is_draining);
}

static void say_parts(struct request *request, bool is_database_well, struct reply *reply)
{
	bool is_scheduler_well = has_heartbeat(request);
	bool are_reports_well = !atomic_load(&request_heartbeat(request)->are_reports_stuck);
	bool is_well = is_database_well && is_scheduler_well && are_reports_well;
	bool is_leaving = is_draining(request);

	reply->status = is_well && !is_leaving ? 200 : 503;
	str_format(&reply->body,
		   "{\"status\":\"%s\",\"database\":\"%s\",\"scheduler\":\"%s\",\"reports\":\"%s\"",
		   is_leaving ? "stopping"
		   : is_well  ? "ok"
			      : "unavailable",
		   is_database_well ? "ok" : "unavailable", is_scheduler_well ? "ok" : "stuck",
		   are_reports_well ? "ok" : "stuck");
}

/* The question went over the connection for reads: the one for writes must stand as well. */
static void say_well(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	say_parts(request, request_has_database(request), reply);
	if (reply->status == 503)
		reply_header(reply, "Retry-After", "1");
	str_append_text(&reply->body, ",\"schema\":");
	str_append_number(&reply->body, rows_number_of(rows, 0, "schema"));
	str_format(&reply->body, ",\"version\":\"%s\"}\n", request_version(request));
}

static void complain_unwell(struct request *request, const struct complaint *complaint,
			    struct reply *reply)
{
	if (reply->status != 503) {
		complain_problem(request, complaint, reply);
		return;
	}
	say_parts(request, false, reply);
	str_format(&reply->body, ",\"version\":\"%s\"}\n", request_version(request));
}

#define PARTS_SCHEMA                                                                                                  \
	"{\"title\":\"Health\",\"type\":\"object\",\"required\":[\"status\",\"database\",\"scheduler\",\"reports\"]," \
	"\"properties\":{"                                                                                            \
	"\"status\":{\"type\":\"string\",\"enum\":[\"ok\",\"unavailable\",\"stopping\"]},"                            \
	"\"database\":{\"type\":\"string\",\"enum\":[\"ok\",\"unavailable\"]},"                                       \
	"\"scheduler\":{\"type\":\"string\",\"enum\":[\"ok\",\"stuck\"]},"                                            \
	"\"reports\":{\"type\":\"string\",\"enum\":[\"ok\",\"stuck\"]},"                                              \
	"\"schema\":{\"type\":\"integer\"},\"version\":{\"type\":\"string\"}}}"

/* Also of complaints: complain_unwell. */
static const struct other_answer unwell[] = {
	{.status = 503, .description = "A part is not well.", .schema = PARTS_SCHEMA},
	{0},
};

const struct endpoint health_ready = {
	.name = "health_ready",
	.method = "GET",
	.path = "/readyz",
	.tag = "health",
	.summary = "Readiness",
	.description =
		"200 when the database answers, its schema is the one this binary needs, the "
		"scheduler goes round, no report that is due waits for its folder, and the daemon was "
		"not told to stop; else 503 "
		"with the failing part: send no requests here.",
	.has_statement = true,
	.asks = SQL_HEALTH_CHECK,
	.says = say_well,
	.complains = complain_unwell,
	.scope = SCOPE_OPEN,
	.is_quiet = true,
	.answer_schema = PARTS_SCHEMA,
	.others = unwell,
};

const struct endpoint health_check = {
	.name = "health_check",
	.method = "GET",
	.path = "/api/v1/health/check",
	.tag = "health",
	.summary = "The health of all parts",
	.description = "As /readyz.",
	.has_statement = true,
	.asks = SQL_HEALTH_CHECK,
	.says = say_well,
	.complains = complain_unwell,
	.scope = SCOPE_OPEN,
	.is_quiet = true,
	.answer_schema = PARTS_SCHEMA,
	.others = unwell,
};

const enum sql health_replica_asks = SQL_HEALTH_REPLICA;

/* --- metrics ------------------------------------------------------------------------------------------- */

static void measure(struct request *request)
{
	struct metrics *metrics = request_metrics(request);

	process_measure(metrics);
	metric_set(metrics_get(metrics, METRIC_GAUGE, "almanac_scheduler_stuck",
			       "1 when the scheduler's loop does not go round.", NULL),
		   !has_heartbeat(request));
	metric_set(metrics_get(metrics, METRIC_GAUGE, "almanac_reports_stuck",
			       "1 when report files that are due cannot be written.", NULL),
		   atomic_load(&request_heartbeat(request)->are_reports_stuck));
}

static bool say_metrics(struct request *request, struct reply *reply)
{
	measure(request);
	metrics_render(request_metrics(request), &reply->body);
	return true;
}

const struct endpoint health_metrics = {
	.name = "health_metrics",
	.method = "GET",
	.path = "/metrics",
	.tag = "health",
	.summary = "Metrics",
	.description =
		"Numbers about this process in the Prometheus text format 0.0.4: requests and "
		"latencies per route, the database's queues, sync runs and age per provider.",
	.answers = say_metrics,
	.opened_by = SETTING_METRICS_OPEN,
	.is_quiet = true,
	.answer_type = metrics_text,
};
