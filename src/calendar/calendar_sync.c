/* calendar_sync.c - one sync run: the source is read, compared with what is stored, and what differs stored with
 * the run's record in one transaction. Begun by calendar_office.c; calls calendar_intake.c.
 *
 *   read ─▶ compare ─▶ judge ─▶ finish         renew, beside it, keeps the lease
 */
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/fields.h"
#include "almanac/json.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "intake.h"
#include "item.h"

#define SECOND INT64_C(1000000)
#define ARRAY_BYTES ((size_t)512 << 20)
#define TOLD_BYTES ((size_t)512 << 10)
#define PROBLEMS_TOLD 100
#define PROBLEM_TEXT_MAX 300
#define DEADLINE_FACTOR 10 /* of all requests, to the patience with one */

/* Fewer events may vanish at once as they like; of more, half. */
#define GUARDED_EVENTS 10

/* The most calendars that have a series of their own in the metrics: those that were there first. */
#define MEASURED_CALENDARS 1000

enum column {
	COLUMN_ID,
	COLUMN_DIGEST,
	COLUMN_SERIES,
	COLUMN_START,
	COLUMN_END,
	COLUMN_ITEM,
	COLUMN_GONE,
	COLUMN_COUNT
};

struct sync {
	struct intake intake;
	struct flow renewal; /* keeps the lease while the run goes on */
	int open_flows;
	bool is_over;  /* the renewal may end */
	bool is_stale; /* the lease was lost: write nothing more */

	/* as claimed */
	const char *calendar_id, *lease, *sync_id;
	int64_t known_events;
	bool is_first, is_doubtful;

	struct db_array ids, digests, held;    /* of all items: to compare */
	struct db_array columns[COLUMN_COUNT]; /* of what differs: to store */
	struct str told;
	int64_t created, updated, deleted;
	int64_t began_us;
};

static struct sync *sync_of(struct flow *flow)
{
	return container_of(intake_of(flow), struct sync, intake);
}

static struct sync *sync_of_renewal(struct flow *flow)
{
	return container_of(flow, struct sync, renewal);
}

/* There is something to store, and nothing stands in the way. */
static bool goes_on(const struct sync *sync)
{
	return sync->intake.is_read && !sync->intake.is_not_modified && !sync->intake.error &&
	       !sync->is_stale && !sync->intake.flow.is_stopping;
}

/* The database did not answer, or refused: fails the run. True when there is an answer. */
static bool is_answered(struct sync *sync, const struct db_answer *answer)
{
	if (answer->verdict == DB_ANSWERED)
		return true;
	intake_fail(&sync->intake,
		    arena_format(sync->intake.arena, "the database %s: %s",
				 answer->verdict == DB_REFUSED ? "refused" : "did not answer",
				 answer->message));
	return false;
}

/* --- the lease is renewed beside the run --------------------------------------------------------------------- */

static enum flow_next sleep_a_while(struct flow *flow)
{
	struct sync *sync = sync_of_renewal(flow);

	flow_pause(flow, loop_now_us(sync->intake.office->loop) + SYNC_LEASE_S * SECOND / 3);
	return FLOW_WAIT;
}

static enum flow_next renew(struct flow *flow)
{
	struct sync *sync = sync_of_renewal(flow);
	const struct db_value values[] = {
		db_text(sync->calendar_id),
		db_text(sync->lease),
		db_number(flow->arena, SYNC_LEASE_S),
		db_number(flow->arena, sync->intake.requests),
	};

	if (sync->is_over)
		return FLOW_END;
	flow_ask(flow, sync->intake.office->db, SQL_CALENDAR_SYNC_RENEW, values, 4);
	return FLOW_WAIT;
}

static enum flow_next judge_renewal(struct flow *flow)
{
	if (flow->answer->verdict == DB_ANSWERED &&
	    !span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "held"))
		sync_of_renewal(flow)->is_stale = true;
	return FLOW_END;
}

static const struct flow_step renewal_steps[] = {
	{"sleep", sleep_a_while}, {"renew", renew}, {"judge", judge_renewal}, {0}};

static void flow_is_over(struct sync *sync);

static void renewed(struct flow *flow)
{
	struct sync *sync = sync_of_renewal(flow);

	if (sync->is_over || sync->is_stale || flow->is_stopping)
		flow_is_over(sync);
	else
		flow_start(sync->intake.office->flows, &sync->renewal, renewal_steps, renewed);
}

/* --- compare ------------------------------------------------------------------------------------------------- */

static void list_digests(struct sync *sync)
{
	const struct calendar_items *items = &sync->intake.items;
	char hex[ITEM_DIGEST_LENGTH + 1];
	struct str scratch;

	str_init(&scratch, ITEM_MAX_BYTES);
	for (size_t i = 0; i < items->count; i++) {
		db_array_add(&sync->ids, items->all[i].id);
		if (items->all[i].is_removed) {
			db_array_add_null(&sync->digests);
			continue;
		}
		item_digest(&items->all[i], &scratch, hex);
		db_array_add(&sync->digests, span_of(hex));
	}
	for (size_t i = 0; i < items->held_count; i++)
		db_array_add(&sync->held, items->held[i]);
	str_finish(&scratch);
}

static enum flow_next compare(struct flow *flow)
{
	struct sync *sync = sync_of(flow);
	bool are_all = !sync->intake.is_incremental && !sync->intake.items.holds_all;

	if (!goes_on(sync))
		return FLOW_NEXT;
	list_digests(sync);
	const struct db_value values[] = {
		db_text(sync->calendar_id),     db_array_value(&sync->ids),
		db_array_value(&sync->digests), db_text(are_all ? "true" : "false"),
		db_array_value(&sync->held),
	};

	flow_ask(flow, sync->intake.office->db, SQL_CALENDAR_SYNC_COMPARE, values, 5);
	return FLOW_WAIT;
}

/* --- judge --------------------------------------------------------------------------------------------------- */

static void add_item(struct sync *sync, const struct calendar_item *item, struct span id,
		     struct str *scratch)
{
	struct db_array *columns = sync->columns;
	char hex[ITEM_DIGEST_LENGTH + 1];

	item_digest(item, scratch, hex);
	str_clear(scratch);
	item_append(scratch, item, clock_wall_us());
	db_array_add(&columns[COLUMN_ID], id);
	db_array_add(&columns[COLUMN_DIGEST], span_of(hex));
	if (span_equals(item->series, item->id))
		db_array_add_null(&columns[COLUMN_SERIES]);
	else
		db_array_add(&columns[COLUMN_SERIES], item->series);
	db_array_add_number(&columns[COLUMN_START], item->starts_us);
	db_array_add_number(&columns[COLUMN_END], item->ends_us);
	db_array_add(&columns[COLUMN_ITEM], str_span(scratch));
}

/* change, place, id, is_forced */
static void take_change(struct sync *sync, const struct db_rows *rows, size_t row,
			struct str *scratch)
{
	struct span change = rows_text(rows, row, 0), id = rows_text(rows, row, 2);

	if (span_is(change, "deleted")) {
		sync->deleted++;
		db_array_add(&sync->columns[COLUMN_GONE], id);
		return;
	}
	if (span_is(change, "created"))
		sync->created++;
	else
		sync->updated++;
	add_item(sync, &sync->intake.items.all[rows_number(rows, row, 1) - 1], id, scratch);
}

/* A source that has lost its events is likelier than a user who has. */
static void hold_back(struct sync *sync, bool is_forced)
{
	if (sync->is_first || is_forced || sync->known_events < GUARDED_EVENTS ||
	    sync->deleted * 2 <= sync->known_events)
		return;
	intake_fail(&sync->intake,
		    arena_format(sync->intake.arena,
				 "held back: %lld of %lld events would vanish at once; ask with "
				 "?force=true when that is right",
				 (long long)sync->deleted, (long long)sync->known_events));
}

static bool has_overflowed(const struct sync *sync)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (sync->columns[i].bytes.has_overflowed)
			return true;
	return false;
}

static enum flow_next judge(struct flow *flow)
{
	struct sync *sync = sync_of(flow);
	const struct db_rows *rows;
	struct str scratch;

	if (!flow->answer || !is_answered(sync, flow->answer))
		return FLOW_NEXT;
	rows = flow->answer->rows;
	str_init(&scratch, ITEM_MAX_BYTES);
	for (size_t row = 0; row < rows_count(rows); row++)
		take_change(sync, rows, row, &scratch);
	str_finish(&scratch);
	hold_back(sync, rows_count(rows) > 0 && rows_flag(rows, 0, 3));
	if (has_overflowed(sync))
		intake_fail(&sync->intake, "the calendar is too large to be stored");
	return FLOW_NEXT;
}

/* --- finish -------------------------------------------------------------------------------------------------- */

static const char *status_of(const struct sync *sync)
{
	if (sync->intake.error)
		return "failed";
	return sync->intake.items.problem_count > 0 ? "partial" : "succeeded";
}

/* What stood as the source gives it. */
static int64_t unchanged(const struct sync *sync)
{
	return sync->intake.error ? 0 : sync->known_events - sync->updated - sync->deleted;
}

/* Not in the middle of a character. */
static struct span cut(struct span text)
{
	size_t length = PROBLEM_TEXT_MAX;

	if (text.length <= length)
		return text;
	while (length > 0 && ((unsigned char)text.bytes[length] & 0xc0) == 0x80)
		length--;
	return (struct span){text.bytes, length};
}

static void tell_problems(struct str *out, const struct calendar_items *items)
{
	size_t kept = items->problem_count < CALENDAR_PROBLEMS_MAX ? items->problem_count
								   : CALENDAR_PROBLEMS_MAX;

	str_append_text(out, ",\"problems\":[");
	for (size_t i = 0; i < kept && i < PROBLEMS_TOLD; i++) {
		const struct calendar_problem *problem = &items->problems[i];

		str_append_text(out, i ? ",{\"id\":" : "{\"id\":");
		json_append_text(out, cut(problem->series));
		str_format(out,
			   ",\"place\":%lld,\"rejected\":%s,\"reason\":", (long long)problem->place,
			   problem->is_rejected ? "true" : "false");
		json_append_text(out, cut(span_of(problem->reason)));
		str_append_char(out, '}');
	}
	str_append_char(out, ']');
}

static void tell_number(struct str *out, const char *name, int64_t number)
{
	str_format(out, ",\"%s\":%lld", name, (long long)number);
}

static void tell_text(struct str *out, const char *name, const char *text)
{
	str_format(out, ",\"%s\":", name);
	if (text)
		json_append_text(out, span_of(text));
	else
		str_append_text(out, "null");
}

/* What the source must hear the next time; after 304 the same as this time. */
static void tell_state(struct str *out, const struct intake *intake)
{
	bool is_same = intake->is_not_modified;
	const char *token = is_same ? intake->sync_token : intake->new_sync_token;

	tell_text(out, "syncToken", *token ? token : NULL);
	tell_text(out, "etag", is_same ? intake->etag : intake->new_etag);
	tell_text(out, "lastModified", is_same ? intake->last_modified : intake->new_last_modified);
	tell_text(out, "windowOn", *intake->new_window_on ? intake->new_window_on : NULL);
	tell_number(out, "waitSeconds", intake->wait_s > 0 ? intake->wait_s : 0);
}

static const char *tell_run(struct sync *sync)
{
	const struct intake *intake = &sync->intake;
	bool is_good = !intake->error;
	struct str *out = &sync->told;

	str_format(out, "{\"status\":\"%s\"", status_of(sync));
	tell_text(out, "error", intake->error);
	tell_number(out, "requests", intake->requests);
	tell_number(out, "httpStatus", intake->http_status);
	tell_text(out, "notModified", intake->is_not_modified ? "true" : "false");
	tell_text(out, "isWhole", intake->is_incremental ? "false" : "true");
	tell_number(out, "wireBytes", intake->wire_bytes);
	tell_number(out, "bodyBytes", intake->body_bytes);
	tell_number(out, "created", is_good ? sync->created : 0);
	tell_number(out, "updated", is_good ? sync->updated : 0);
	tell_number(out, "deleted", is_good ? sync->deleted : 0);
	tell_number(out, "unchanged", unchanged(sync));
	tell_number(out, "rejected", (int64_t)intake->items.rejected_count);
	tell_number(out, "problemCount", (int64_t)intake->items.problem_count);
	tell_problems(out, &intake->items);
	tell_state(out, intake);
	str_append_char(out, '}');
	return str_text(out);
}

static enum flow_next give_back(struct sync *sync)
{
	const struct db_value values[] = {db_text(sync->calendar_id), db_text(sync->lease)};

	flow_ask(&sync->intake.flow, sync->intake.office->db, SQL_CALENDAR_SYNC_RELEASE, values, 2);
	return FLOW_WAIT;
}

static void forget_changes(struct sync *sync)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		db_array_clear(&sync->columns[i]);
}

static enum flow_next finish(struct flow *flow)
{
	struct sync *sync = sync_of(flow);
	struct office *office = sync->intake.office;
	struct db_array *columns = sync->columns;

	if (sync->is_stale)
		return FLOW_NEXT;
	if (flow->is_stopping)
		return give_back(sync);
	if (sync->intake.error)
		forget_changes(sync);
	const struct db_value values[] = {
		db_text(sync->calendar_id),
		db_text(sync->lease),
		db_text(tell_run(sync)),
		db_array_value(&columns[COLUMN_ID]),
		db_array_value(&columns[COLUMN_DIGEST]),
		db_array_value(&columns[COLUMN_SERIES]),
		db_array_value(&columns[COLUMN_START]),
		db_array_value(&columns[COLUMN_END]),
		db_array_value(&columns[COLUMN_ITEM]),
		db_array_value(&columns[COLUMN_GONE]),
		db_number(flow->arena, settings_number(office->settings,
						       SETTING_CALENDAR_SYNC_INTERVAL_SECONDS)),
	};

	flow_ask(flow, office->db, SQL_CALENDAR_SYNC_FINISH, values, 11);
	return FLOW_WAIT;
}

static void note_outcome(struct sync *sync, const struct db_answer *answer)
{
	if (answer->verdict == DB_ANSWERED)
		sync->is_stale = span_is(rows_text_of(answer->rows, 0, "outcome"), "stale");
}

/* What the database would not take has failed; what it did not answer is taken up again when the lease is
 * over. */
static enum flow_next settle(struct flow *flow)
{
	struct sync *sync = sync_of(flow);

	if (!flow->answer || is_answered(sync, flow->answer)) {
		if (flow->answer)
			note_outcome(sync, flow->answer);
		return FLOW_END;
	}
	if (flow->answer->verdict != DB_REFUSED || flow->is_stopping)
		return FLOW_END;
	str_clear(&sync->told);
	return finish(flow);
}

static enum flow_next settle_again(struct flow *flow)
{
	if (flow->answer)
		note_outcome(sync_of(flow), flow->answer);
	return FLOW_END;
}

static const struct flow_step steps[] = {
	{"read", intake_read},
	{"compare", compare},
	{"judge", judge},
	{"finish", finish},
	{"settle", settle},
	{"settle again", settle_again},
	{0},
};

/* --- the end of a run ---------------------------------------------------------------------------------------- */

static void tell(const struct sync *sync)
{
	const struct intake *intake = &sync->intake;
	bool is_good = !intake->error;
	const struct log_field fields[] = {
		log_what("calendar sync"),
		log_text("user", intake->user),
		log_text("run", sync->sync_id),
		log_text("request", intake->request_id),
		log_text("status", sync->is_stale             ? "stale"
				   : intake->flow.is_stopping ? "given back"
							      : status_of(sync)),
		log_ms("ms", clock_steady_us() - sync->began_us),
		log_number("http_status", intake->http_status),
		log_number("requests", intake->requests),
		log_number("bytes", intake->body_bytes),
		log_number("created", is_good ? sync->created : 0),
		log_number("updated", is_good ? sync->updated : 0),
		log_number("deleted", is_good ? sync->deleted : 0),
		log_number("unchanged", unchanged(sync)),
		log_number("rejected", (int64_t)intake->items.rejected_count),
		log_number("problems", (int64_t)intake->items.problem_count),
		log_text("error", intake->error),
		{0},
	};

	log_write(intake->error ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, fields);
}

static void count(struct sync *sync)
{
	struct office *office = sync->intake.office;
	const char *const labels[] = {"user", sync->intake.user, NULL};
	int64_t number = 0;

	metric_add(office->running, -1);
	if (sync->is_stale || sync->intake.flow.is_stopping)
		return;
	metric_add(sync->intake.error                     ? office->failed
		   : sync->intake.items.problem_count > 0 ? office->partial
							  : office->succeeded,
		   1);
	if (sync->intake.error || !integer_parse(span_of(sync->calendar_id), &number) ||
	    number > MEASURED_CALENDARS)
		return;
	metric_set_time_us(metrics_get(office->options.metrics, METRIC_GAUGE,
				       "almanac_calendar_synced_timestamp_seconds",
				       "When the user's source was last seen whole, of the first "
				       "1,000 calendars.",
				       labels),
			   clock_wall_us());
}

static void delete_sync(struct sync *sync)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		db_array_finish(&sync->columns[i]);
	db_array_finish(&sync->ids);
	db_array_finish(&sync->digests);
	db_array_finish(&sync->held);
	str_finish(&sync->told);
	intake_finish(&sync->intake);
	free(sync);
}

static void flow_is_over(struct sync *sync)
{
	if (--sync->open_flows == 0)
		delete_sync(sync);
}

static void ended(struct flow *flow)
{
	struct sync *sync = sync_of(flow);
	struct office *office = sync->intake.office;

	tell(sync);
	count(sync);
	office->runs--;
	office->doubtful_runs -= sync->is_doubtful;
	sync->is_over = true;
	flow_nudge(&sync->renewal);
	flow_is_over(sync);
	office_look(office);
}

/* --- the beginning ------------------------------------------------------------------------------------------- */

static void init_arrays(struct sync *sync)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		db_array_init(&sync->columns[i], ARRAY_BYTES);
	db_array_init(&sync->ids, ARRAY_BYTES);
	db_array_init(&sync->digests, ARRAY_BYTES);
	db_array_init(&sync->held, ARRAY_BYTES);
	str_init(&sync->told, TOLD_BYTES);
}

static const char *keep(struct sync *sync, const struct db_rows *rows, size_t row, const char *name)
{
	return arena_text(sync->intake.arena, rows_text_of(rows, row, name));
}

static void take_claim(struct sync *sync, const struct db_rows *rows, size_t row)
{
	struct intake *intake = &sync->intake;

	sync->calendar_id = keep(sync, rows, row, "calendar_id");
	sync->lease = keep(sync, rows, row, "lease");
	sync->sync_id = keep(sync, rows, row, "sync_id");
	sync->known_events = rows_number_of(rows, row, "events");
	sync->is_first = span_is(rows_text_of(rows, row, "is_first"), "t");
	sync->is_doubtful = span_is(rows_text_of(rows, row, "is_doubtful"), "t");
	intake->kind = keep(sync, rows, row, "kind");
	intake->user = keep(sync, rows, row, "user_id");
	intake->url = keep(sync, rows, row, "url");
	intake->timezone = keep(sync, rows, row, "timezone");
	intake->request_id = keep(sync, rows, row, "request_id");
	intake->traceparent = keep(sync, rows, row, "traceparent");
	intake->sync_token = keep(sync, rows, row, "sync_token");
	intake->etag = keep(sync, rows, row, "etag");
	intake->last_modified = keep(sync, rows, row, "last_modified");
	intake->window_on = keep(sync, rows, row, "window_on");
}

void sync_begin(struct office *office, const struct db_rows *rows, size_t row)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (!sync)
		abort();
	intake_init(&sync->intake, office);
	init_arrays(sync);
	take_claim(sync, rows, row);
	sync->began_us = clock_steady_us();
	sync->intake.attempts_max =
		settings_number(office->settings, SETTING_CALENDAR_SYNC_ATTEMPTS);
	sync->intake.deadline_us =
		sync->began_us +
		settings_number(office->settings, SETTING_CALENDAR_SYNC_TIMEOUT_SECONDS) *
			DEADLINE_FACTOR * SECOND;
	sync->open_flows = 2;
	office->runs++;
	office->doubtful_runs += sync->is_doubtful;
	metric_add(office->running, 1);
	flow_start(office->flows, &sync->intake.flow, steps, ended);
	flow_start(office->flows, &sync->renewal, renewal_steps, renewed);
}
