/* replica.c - a worker's connection to READ_DATABASE_URL: which questions go over it, and when the primary
 * is asked instead. Called by asking.c and worker.c, calls db.h.
 *
 * A standby is a moment behind. Once a second, and when the edition has risen, it is asked how far it has
 * come: what depends on an edition that it has not seen goes to the primary, and everything does when it
 * was not heard for half a minute. */
#include <stdio.h>
#include <stdlib.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "http.h"

#define SECOND INT64_C(1000000)
#define PROBE_US SECOND
#define MOST_BEHIND_US (30 * SECOND)

enum reason { REASON_AWAY, REASON_BEHIND, REASON_FAILED, REASON_COUNT };

static const char *const reasons[] = {"away", "behind", "failed"};

struct replica {
	struct worker *worker;
	struct db *db;
	char label[32];
	struct loop_timer timer;
	struct question probe;
	bool is_probing;
	int64_t probed_connects; /* which connection the probe under way went over */
	int64_t connects;        /* which one the following is known of */
	bool is_near;            /* not too far behind */
	int64_t edition;         /* that it has seen */
	bool is_told_far;
	struct metric *fallbacks[REASON_COUNT];
};

/* --- how far it has come --------------------------------------------------------------------------------- */

static void tell_distance(struct replica *replica, bool is_far, int64_t behind_us)
{
	if (is_far && !replica->is_told_far)
		log_warn(log_what("the replica is too far behind: the primary is asked"),
			 log_text("connection", replica->label),
			 log_number("seconds", behind_us / SECOND));
	if (!is_far && replica->is_told_far)
		log_info(log_what("the replica has caught up"),
			 log_text("connection", replica->label));
	replica->is_told_far = is_far;
}

static void take_distance(struct replica *replica, const struct db_rows *rows)
{
	bool is_known = rows_count(rows) > 0 && !rows_is_null_of(rows, 0, "behind_us");
	int64_t behind_us = is_known ? rows_number_of(rows, 0, "behind_us") : 0;
	bool is_far = is_known && behind_us > MOST_BEHIND_US;

	replica->is_near = is_known && !is_far;
	replica->edition = is_known ? rows_number_of(rows, 0, "edition") : 0;
	replica->connects = replica->probed_connects;
	tell_distance(replica, is_far, behind_us);
}

static void probed(struct question *question, const struct db_answer *answer)
{
	struct replica *replica = container_of(question, struct replica, probe);

	replica->is_probing = false;
	if (answer->verdict == DB_ANSWERED)
		take_distance(replica, answer->rows);
	else
		replica->is_near = false;
}

static void probe(struct replica *replica)
{
	if (replica->is_probing)
		return;
	replica->probed_connects = db_connects(replica->db);
	replica->probe.statement = replica->worker->server->options.replica_asks;
	replica->probe.answered = probed;
	replica->is_probing = db_ask(replica->db, &replica->probe);
}

static void due(struct loop_timer *timer)
{
	struct replica *replica = container_of(timer, struct replica, timer);

	probe(replica);
	loop_timer_set(replica->worker->loop, timer, clock_steady_us() + PROBE_US);
}

/* Of another connection, perhaps to another server, nothing is known yet. */
static bool has_seen(const struct replica *replica, int64_t edition)
{
	return replica->is_near && replica->connects == db_connects(replica->db) &&
	       replica->edition >= edition;
}

/* --- for requests ---------------------------------------------------------------------------------------- */

struct db *replica_for(const struct request *request)
{
	struct replica *replica = request->worker->replica;
	const struct endpoint *endpoint = request->endpoint;

	if (!replica || !endpoint->may_lag || statements[request->asking.statement].is_command)
		return NULL;
	if (!db_is_connected(replica->db)) {
		metric_add(replica->fallbacks[REASON_AWAY], 1);
		return NULL;
	}
	if (has_seen(replica, endpoint->is_of_edition ? request->edition : 0))
		return replica->db;
	metric_add(replica->fallbacks[REASON_BEHIND], 1);
	probe(replica);
	return NULL;
}

void replica_note_failure(const struct request *request)
{
	metric_add(request->worker->replica->fallbacks[REASON_FAILED], 1);
}

/* --- opening and closing --------------------------------------------------------------------------------- */

static void register_metrics(struct replica *replica)
{
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		const char *const labels[] = {"reason", reasons[reason], NULL};

		replica->fallbacks[reason] = metrics_get(
			replica->worker->server->options.metrics, METRIC_COUNTER,
			"almanac_replica_fallbacks_total",
			"Questions for READ_DATABASE_URL that went to the primary instead.",
			labels);
	}
}

struct replica *replica_open(struct worker *worker)
{
	const char *url =
		settings_text(worker->server->options.settings, SETTING_READ_DATABASE_URL);
	struct replica *replica;

	if (!*url)
		return NULL;
	replica = calloc(1, sizeof(*replica));
	if (!replica)
		abort();
	replica->worker = worker;
	snprintf(replica->label, sizeof(replica->label), "almanac-%d-replica", worker->index);
	register_metrics(replica);
	replica->db = worker_open_db(worker, url, true, replica->label);
	replica->timer.fire = due;
	loop_timer_set(worker->loop, &replica->timer, 0);
	return replica;
}

void replica_close(struct replica *replica)
{
	if (!replica)
		return;
	loop_timer_clear(replica->worker->loop, &replica->timer);
	db_close(replica->db);
	free(replica);
}
