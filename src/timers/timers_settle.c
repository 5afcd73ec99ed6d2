/* timers_settle.c - writes the results of calls, many by one statement, under the epochs of their
 * shards. Called by timers_fire.c. A result stays in memory until it is written, so a call is not
 * made again because the database was away or would not take it. */
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "engine.h"

#define AWAY_US (SECOND_US / 10)
#define REFUSED_US (5 * SECOND_US)
#define ARRAY_BYTES ((size_t)32 << 20)

enum column { SHARDS, EPOCHS, IDS, ENDS, ATTEMPTS, LOGS, WAITS, COLUMNS };

static struct timers *timers_of(struct flow *flow)
{
	return container_of(flow, struct timers, settling);
}

static const char *end_of(const struct webhook_verdict *verdict)
{
	static const char *const ends[] = {
		[WEBHOOK_DONE] = "finished", [WEBHOOK_GONE] = "failed", [WEBHOOK_RETRY] = "retry"};

	return ends[verdict->end];
}

/* --- the statement ------------------------------------------------------------------------------------ */

static void add_shards(struct timers *timers, uint64_t shards)
{
	for (int shard = 0; shard < TIMER_SHARDS; shard++) {
		if (!(shards >> shard & 1))
			continue;
		db_array_add_number(&timers->columns[SHARDS], shard);
		db_array_add_number(&timers->columns[EPOCHS], timers->hold.epochs[shard]);
	}
}

static void add_result(struct timers *timers, const struct timer_entry *entry)
{
	const struct flight *flight = entry->flight;
	char text[UUID_TEXT_LENGTH];

	uuid_write(&entry->id, text);
	db_array_add(&timers->columns[IDS], (struct span){text, sizeof(text)});
	db_array_add(&timers->columns[ENDS], span_of(end_of(&flight->verdict)));
	db_array_add_number(&timers->columns[ATTEMPTS], flight->webhook.attempt);
	db_array_add(&timers->columns[LOGS], flight->verdict.log);
	db_array_add_number(&timers->columns[WAITS], flight->verdict.wait_us);
}

static enum flow_next ask_settle(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	struct db_value values[1 + COLUMNS] = {db_text(timers->hold.run_text)};
	uint64_t shards = 0;

	for (int i = 0; i < COLUMNS; i++)
		db_array_clear(&timers->columns[i]);
	for (struct timer_entry *entry = timers->being_settled.first; entry; entry = entry->next) {
		shards |= UINT64_C(1) << entry->shard;
		add_result(timers, entry);
	}
	add_shards(timers, shards);
	for (int i = 0; i < COLUMNS; i++)
		values[1 + i] = db_array_value(&timers->columns[i]);
	flow_ask(flow, timers->write, SQL_TIMERS_SETTLE, values, 1 + COLUMNS);
	return FLOW_WAIT;
}

/* --- the answer --------------------------------------------------------------------------------------- */

static void note_again(struct timers *timers, const struct db_rows *rows)
{
	for (size_t row = 0; row < rows_count(rows); row++) {
		struct timer_entry *entry;
		struct uuid id;

		if (!uuid_read(rows_text(rows, row, 1), &id))
			abort();
		entry = table_find(&timers->table, &id);
		if (entry && entry->state == TIMER_SETTLING)
			entry->again_us = rows_number(rows, row, 2);
	}
}

static void count(struct timers *timers, const struct timer_entry *entry)
{
	const struct webhook_verdict *verdict = &entry->flight->verdict;

	metric_add(verdict->end == WEBHOOK_DONE   ? timers->metrics.finished
		   : verdict->end == WEBHOOK_GONE ? timers->metrics.failed
						  : timers->metrics.retried,
		   1);
}

static void take_back(struct timers *timers)
{
	struct timer_entry *entry;

	while ((entry = queue_pop(&timers->being_settled)))
		queue_push(&timers->results, entry);
}

/* Nobody else can write it meanwhile, unless its shard is to go to another daemon. */
static void keep_refused(struct timers *timers, struct timer_entry *entry)
{
	if (timers->hold.leaving >> entry->shard & 1) {
		timers_forget(timers, entry);
		return;
	}
	queue_push(&timers->refused, entry);
	if (!timers->settle_refused.is_set)
		loop_timer_set(timers->workshop->loop, &timers->settle_refused,
			       clock_steady_us() + REFUSED_US);
}

/* A batch that the database will not take is tried result by result; a single one again later. */
static void take_refusal(struct timers *timers, const char *reason)
{
	log_error(log_what("results of timers were refused"), log_text("reason", reason),
		  log_number("results", (int64_t)timers->being_settled.count));
	if (timers->being_settled.count > 1) {
		timers->settles_singly = timers->being_settled.count;
		take_back(timers);
		return;
	}
	keep_refused(timers, queue_pop(&timers->being_settled));
}

static enum flow_next take_settled(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	struct timer_entry *entry;

	if (flow->answer->verdict == DB_AWAY || db_may_pass(flow->answer)) {
		if (flow->answer->verdict == DB_REFUSED)
			log_warn(log_what("results of timers wait for the database"),
				 log_text("reason", flow->answer->message));
		take_back(timers);
		loop_timer_set(timers->workshop->loop, &timers->settle_again,
			       clock_steady_us() + AWAY_US);
		return FLOW_END;
	}
	if (flow->answer->verdict == DB_REFUSED) {
		take_refusal(timers, flow->answer->message);
		return FLOW_END;
	}
	note_again(timers, flow->answer->rows);
	while ((entry = queue_pop(&timers->being_settled))) {
		count(timers, entry);
		timers_forget(timers, entry);
	}
	return FLOW_END;
}

static const struct flow_step settle_steps[] = {
	{"ask settle", ask_settle}, {"take settled", take_settled}, {0}};

static void settle(struct timers *timers);

static void settled(struct flow *flow)
{
	struct timers *timers = timers_of(flow);

	timers->is_settling = false;
	if (!timers->settle_again.is_set)
		settle(timers);
	timers_turn(timers);
}

/* --- what is to be written ---------------------------------------------------------------------------- */

/* One that was not called, since it had become stale before, has no verdict. */
static bool has_result(const struct timers *timers, const struct timer_entry *entry)
{
	return entry->flight->verdict.end != 0 && !timers_is_stale(timers, entry);
}

static size_t batch_limit(struct timers *timers)
{
	if (timers->settles_singly == 0)
		return SETTLE_MAX;
	timers->settles_singly--;
	return 1;
}

static void settle(struct timers *timers)
{
	size_t limit = SETTLE_MAX;
	struct timer_entry *entry;

	if (timers->is_settling || !timers->results.first)
		return;
	limit = batch_limit(timers);
	while (timers->being_settled.count < limit && (entry = queue_pop(&timers->results))) {
		if (!has_result(timers, entry)) {
			metric_add(timers->metrics.stale, 1);
			timers_forget(timers, entry);
			continue;
		}
		queue_push(&timers->being_settled, entry);
	}
	if (!timers->being_settled.first)
		return;
	timers->is_settling = true;
	flow_start(timers->workshop->flows, &timers->settling, settle_steps, settled);
}

static void again(struct loop_timer *timer)
{
	settle(container_of(timer, struct timers, settle_again));
}

/* Result by result, lest one hold up the others. */
static void try_refused(struct timers *timers)
{
	struct timer_entry *entry;

	if (!timers->refused.first)
		return;
	loop_timer_clear(timers->workshop->loop, &timers->settle_refused);
	while ((entry = queue_pop(&timers->refused)))
		queue_push(&timers->results, entry);
	timers->settles_singly = timers->results.count;
	settle(timers);
}

static void refused_again(struct loop_timer *timer)
{
	try_refused(container_of(timer, struct timers, settle_refused));
}

/* --- the door ----------------------------------------------------------------------------------------- */

void settle_open(struct timers *timers)
{
	timers->settle_again.fire = again;
	timers->settle_refused.fire = refused_again;
	for (int i = 0; i < COLUMNS; i++)
		db_array_init(&timers->columns[i], ARRAY_BYTES);
}

void settle_add(struct timers *timers, struct timer_entry *entry)
{
	queue_push(&timers->results, entry);
	if (!timers->settle_again.is_set)
		settle(timers);
}

void settle_stop(struct timers *timers)
{
	try_refused(timers);
}

void settle_close(struct timers *timers)
{
	loop_timer_clear(timers->workshop->loop, &timers->settle_refused);
	loop_timer_clear(timers->workshop->loop, &timers->settle_again);
	for (int i = 0; i < COLUMNS; i++)
		db_array_finish(&timers->columns[i]);
}
