/* timers_fire.c - fires what is due: confirms a batch of timers, calls each at its time. Called by
 * timers.c; results go to timers_settle.c.
 *
 * A confirmed timer cannot be changed any more, so it is confirmed shortly before its time, many
 * at once, and called at its millisecond without asking again. */
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/digest.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "engine.h"

/* Confirming begins this long before the first of a batch is due, and takes all that it may. */
#define CONFIRM_AHEAD_US (TIMER_CLOSING_US / 2)
#define AWAY_US (SECOND_US / 10)

/* From so long on a call is slow. */
#define SLOW_US (SECOND_US / 10)
#define ARRAY_BYTES ((size_t)1 << 20)

static struct timers *timers_of(struct flow *flow)
{
	return container_of(flow, struct timers, confirming);
}

/* --- waiting becomes due ------------------------------------------------------------------------------ */

static void become_due(struct timers *timers, struct timer_entry *entry)
{
	struct destination *destination = entry->destination;

	entry->state = TIMER_DUE;
	queue_push(entry->is_old ? &destination->old : &destination->due, entry);
	timers->due++;
	destination_place(destination);
}

static void take_due(struct timers *timers, int64_t now)
{
	struct timer_entry *entry = heap_first(&timers->waiting);

	if (!entry || entry->next_us > now + CONFIRM_AHEAD_US)
		return;
	while ((entry = heap_first(&timers->waiting)) && entry->next_us <= now + TIMER_CLOSING_US) {
		heap_remove(&timers->waiting, entry);
		if (timers_owns(timers, entry->shard))
			become_due(timers, entry);
		else
			timers_forget(timers, entry);
	}
}

/* --- confirm ------------------------------------------------------------------------------------------ */

static void fill_batch(struct timers *timers)
{
	struct timer_entry *entry;

	timers->batch_count = 0;
	while (timers->batch_count < CONFIRM_MAX &&
	       (entry = destinations_next_due(&timers->destinations))) {
		timers->due--;
		if (!timers_owns(timers, entry->shard)) {
			destination_leave(entry->destination, entry);
			timers_forget(timers, entry);
			continue;
		}
		entry->state = TIMER_CONFIRMING;
		timers->batch[timers->batch_count++] = entry;
	}
}

static enum flow_next ask_confirm(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	char text[UUID_TEXT_LENGTH];

	db_array_clear(&timers->batch_ids);
	db_array_clear(&timers->batch_shards);
	for (size_t i = 0; i < timers->batch_count; i++) {
		uuid_write(&timers->batch[i]->id, text);
		db_array_add(&timers->batch_ids, (struct span){text, sizeof(text)});
		db_array_add_number(&timers->batch_shards, timers->batch[i]->shard);
	}
	const struct db_value values[] = {db_text(timers->hold.run_text),
					  db_array_value(&timers->batch_ids),
					  db_array_value(&timers->batch_shards)};

	flow_ask(flow, timers->read, SQL_TIMERS_CONFIRM, values, 3);
	return FLOW_WAIT;
}

enum confirm_column {
	CONFIRM_ID,
	CONFIRM_IS_DUE,
	CONFIRM_NEXT,
	CONFIRM_DUE,
	CONFIRM_URL,
	CONFIRM_METHOD,
	CONFIRM_HEADERS,
	CONFIRM_PAYLOAD,
	CONFIRM_MAX_ATTEMPTS,
	CONFIRM_TIMEOUT,
	CONFIRM_ATTEMPTS,
	CONFIRM_REQUEST_ID,
	CONFIRM_TRACEPARENT,
	CONFIRM_NOW
};

static const char *keep(struct flight *flight, const struct db_rows *rows, size_t row,
			size_t column)
{
	if (rows_is_null(rows, row, column))
		return NULL;
	return arena_text(flight->arena, rows_text(rows, row, column));
}

static struct span keep_span(struct flight *flight, const struct db_rows *rows, size_t row,
			     size_t column)
{
	struct span nothing = {0};

	if (rows_is_null(rows, row, column))
		return nothing;
	return arena_copy(flight->arena, rows_text(rows, row, column));
}

static struct flight *make_flight(struct timers *timers, struct timer_entry *entry,
				  const struct db_rows *rows, size_t row)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		abort();
	flight->timers = timers;
	flight->entry = entry;
	flight->epoch = timers->hold.epochs[entry->shard];
	flight->arena = arena_create();
	flight->webhook = (struct webhook){
		.timer_id = entry->id,
		.url = keep(flight, rows, row, CONFIRM_URL),
		.method = keep(flight, rows, row, CONFIRM_METHOD),
		.headers = keep_span(flight, rows, row, CONFIRM_HEADERS),
		.payload = keep_span(flight, rows, row, CONFIRM_PAYLOAD),
		.request_id = keep(flight, rows, row, CONFIRM_REQUEST_ID),
		.traceparent = keep(flight, rows, row, CONFIRM_TRACEPARENT),
		.due_us = rows_number(rows, row, CONFIRM_DUE),
		.attempt = (int)rows_number(rows, row, CONFIRM_ATTEMPTS) + 1,
		.max_attempts = (int)rows_number(rows, row, CONFIRM_MAX_ATTEMPTS),
		.timeout_ms = rows_number(rows, row, CONFIRM_TIMEOUT),
	};
	return flight;
}

static void wait_again(struct timers *timers, struct timer_entry *entry, int64_t next_us)
{
	destination_leave(entry->destination, entry);
	entry->state = TIMER_WAITING;
	entry->next_us = next_us;
	heap_push(&timers->waiting, entry);
}

static void take_confirmed(struct timers *timers, const struct db_rows *rows, size_t row)
{
	struct timer_entry *entry;
	struct uuid id;

	if (!uuid_read(rows_text(rows, row, CONFIRM_ID), &id))
		abort();
	entry = table_find(&timers->table, &id);
	if (!entry || entry->state != TIMER_CONFIRMING)
		return;
	if (!rows_flag(rows, row, CONFIRM_IS_DUE)) {
		wait_again(timers, entry, rows_number(rows, row, CONFIRM_NEXT));
		return;
	}
	entry->state = TIMER_ARMED;
	entry->next_us = rows_number(rows, row, CONFIRM_NEXT);
	entry->flight = make_flight(timers, entry, rows, row);
	timers->hold.in_pipe[entry->shard]++;
	heap_push(&timers->armed, entry);
}

/* What did not come back is gone: cancelled, or another's. */
static void drop_unconfirmed(struct timers *timers)
{
	for (size_t i = 0; i < timers->batch_count; i++) {
		struct timer_entry *entry = timers->batch[i];

		if (entry->state != TIMER_CONFIRMING)
			continue;
		destination_leave(entry->destination, entry);
		timers_forget(timers, entry);
	}
}

static void put_back(struct timers *timers)
{
	for (size_t i = 0; i < timers->batch_count; i++)
		wait_again(timers, timers->batch[i], timers->batch[i]->next_us);
}

static enum flow_next take_batch(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	const struct db_answer *answer = flow->answer;

	if (answer->verdict != DB_ANSWERED) {
		put_back(timers);
		timers->batch_count = 0;
		timers->confirm_after_us = clock_steady_us() + AWAY_US;
		if (answer->verdict == DB_REFUSED)
			log_error(log_what("timers could not be confirmed"),
				  log_text("reason", answer->message));
		return FLOW_END;
	}
	if (rows_count(answer->rows))
		timers_note_clock(timers, rows_number(answer->rows, 0, CONFIRM_NOW),
				  clock_steady_us() - answer->waited_us);
	for (size_t row = 0; row < rows_count(answer->rows); row++)
		take_confirmed(timers, answer->rows, row);
	return FLOW_NEXT;
}

/* The batch holds entries of which some are on their way by now: by state it tells them apart. */
static enum flow_next drop_rest(struct flow *flow)
{
	struct timers *timers = timers_of(flow);

	drop_unconfirmed(timers);
	timers->batch_count = 0;
	return FLOW_END;
}

static const struct flow_step confirm_steps[] = {
	{"ask confirm", ask_confirm}, {"take batch", take_batch}, {"drop rest", drop_rest}, {0}};

static void confirmed(struct flow *flow)
{
	struct timers *timers = timers_of(flow);

	timers->is_confirming = false;
	if (timers->is_stopping)
		timers_drop_confirmed(timers);
	timers_turn(timers);
}

static void confirm_due(struct timers *timers)
{
	if (timers->is_confirming || clock_steady_us() < timers->confirm_after_us)
		return;
	fill_batch(timers);
	if (timers->batch_count == 0)
		return;
	timers->is_confirming = true;
	flow_start(timers->workshop->flows, &timers->confirming, confirm_steps, confirmed);
}

/* --- places: a call leaves its own when it is over, or slow --------------------------------------------- */

static void take_place(struct timers *timers, struct flight *flight)
{
	flight->launched_us = clock_steady_us();
	flight->is_quick = true;
	flight->before = timers->quick_last;
	if (flight->before)
		flight->before->after = flight;
	else
		timers->quick_first = flight;
	timers->quick_last = flight;
}

static void leave_place(struct timers *timers, struct flight *flight)
{
	if (!flight->is_quick)
		return;
	if (flight->before)
		flight->before->after = flight->after;
	else
		timers->quick_first = flight->after;
	if (flight->after)
		flight->after->before = flight->before;
	else
		timers->quick_last = flight->before;
	flight->is_quick = false;
}

static bool may_get_slow(const struct timers *timers)
{
	return timers->quick_first && timers->slow < timers->slow_limit;
}

static bool has_place(const struct timers *timers)
{
	return timers->flying - timers->slow < timers->concurrency;
}

static void let_slow_ones_leave(struct timers *timers)
{
	int64_t now = clock_steady_us();

	while (may_get_slow(timers) && timers->quick_first->launched_us + SLOW_US <= now) {
		timers->quick_first->is_slow = true;
		leave_place(timers, timers->quick_first);
		timers->slow++;
	}
}

int64_t fire_next_us(const struct timers *timers)
{
	if (has_place(timers) || !may_get_slow(timers))
		return INT64_MAX;
	return timers->quick_first->launched_us + SLOW_US;
}

/* --- call --------------------------------------------------------------------------------------------- */

static void land(struct timers *timers, struct timer_entry *entry)
{
	entry->state = TIMER_SETTLING;
	leave_place(timers, entry->flight);
	timers->slow -= entry->flight->is_slow;
	timers->flying--;
	entry->destination->flying--;
	destination_leave(entry->destination, entry);
	settle_add(timers, entry);
}

static bool received(struct fetch *fetch, struct span bytes)
{
	struct flight *flight = container_of(fetch, struct flight, fetch);
	size_t room = sizeof(flight->kept) - flight->kept_length;
	size_t length = bytes.length < room ? bytes.length : room;

	memcpy(flight->kept + flight->kept_length, bytes.bytes, length);
	flight->kept_length += length;
	return true;
}

static void finished(struct fetch *fetch, const struct fetch_result *result)
{
	struct flight *flight = container_of(fetch, struct flight, fetch);
	struct timers *timers = flight->timers;
	struct timer_entry *entry = flight->entry;
	struct webhook_verdict *verdict = &flight->verdict;

	if (timers->is_closed)
		return;
	webhook_judge(&flight->webhook, result, (struct span){flight->kept, flight->kept_length},
		      random_roll(&timers->dice), timers->retries, flight->arena, verdict);
	destination_judge(entry->destination, verdict->is_unwell);
	land(timers, entry);
	timers_turn(timers);
}

static void launch(struct timers *timers, struct timer_entry *entry)
{
	struct flight *flight = entry->flight;
	int64_t now = timers_now_us(timers);

	timers->flying++;
	if (timers_is_stale(timers, entry)) {
		land(timers, entry);
		return;
	}
	entry->state = TIMER_FLYING;
	flight->webhook.fired_us = now;
	webhook_prepare(&flight->webhook, timers->secrets, flight->arena, &flight->fetch);
	flight->fetch.received = received;
	flight->fetch.finished = finished;
	metric_add(timers->metrics.fired, 1);
	metric_observe_us(timers->metrics.lateness, now - entry->next_us);
	take_place(timers, flight);
	fetch_start(timers->fetcher, &flight->fetch);
}

static void load(struct timers *timers, int64_t now)
{
	struct timer_entry *entry;

	while ((entry = heap_first(&timers->armed)) && entry->next_us <= now) {
		heap_remove(&timers->armed, entry);
		entry->state = TIMER_READY;
		queue_push(&entry->destination->ready, entry);
		destination_place(entry->destination);
	}
}

static void launch_ready(struct timers *timers)
{
	struct timer_entry *entry;

	let_slow_ones_leave(timers);
	while (has_place(timers) && (entry = destinations_next_ready(&timers->destinations)))
		launch(timers, entry);
}

/* --- the door ----------------------------------------------------------------------------------------- */

void fire_open(struct timers *timers)
{
	db_array_init(&timers->batch_ids, ARRAY_BYTES);
	db_array_init(&timers->batch_shards, ARRAY_BYTES);
}

void fire_turn(struct timers *timers)
{
	int64_t now = timers_now_us(timers);

	if (!timers_may_fire(timers))
		return;
	take_due(timers, now);
	load(timers, now);
	launch_ready(timers);
	confirm_due(timers);
}

void fire_close(struct timers *timers)
{
	db_array_finish(&timers->batch_ids);
	db_array_finish(&timers->batch_shards);
}
