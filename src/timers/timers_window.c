/* timers_window.c - what is due within the next seconds comes into memory: from the table, page by
 * page, and from those who store or change timers meanwhile. Called by timers.c and timers_lease.c.
 *
 * The horizon is the time before which all timers of our shards are in memory. Workers need not tell of
 * timers behind it; when it comes near, the table is read on from there. */
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "engine.h"

/* How far ahead is read, how near the horizon may come, and how far it goes when nothing is there. */
#define WINDOW_US (15 * SECOND_US)
#define NEAR_US (5 * SECOND_US)
#define FAR_US (120 * SECOND_US)
#define PAGE_ROWS 5000
#define AWAY_US (SECOND_US / 4)
#define BEFORE_ALL_US INT64_C(-62000000000000000)

static struct timers *timers_of(struct flow *flow)
{
	return container_of(container_of(flow, struct timers_reading, flow), struct timers,
			    reading);
}

/* --- into memory -------------------------------------------------------------------------------------- */

/* One that is about to be confirmed gets its time from the row. */
static void move(struct timers *timers, struct timer_entry *entry, int64_t next_us)
{
	if (entry->next_us == next_us)
		return;
	if (entry->state == TIMER_WAITING) {
		entry->next_us = next_us;
		heap_move(&timers->waiting, entry);
	} else if (entry->state >= TIMER_ARMED) {
		entry->again_us = next_us;
	}
}

static void add(struct timers *timers, const struct timer_news *news)
{
	struct timer_entry *entry = table_add(&timers->table, &news->id);

	entry->shard = (uint8_t)news->shard;
	entry->next_us = news->next_us;
	entry->is_old = news->next_us < timers_now_us(timers) - OLD_US;
	entry->destination = destination_take(&timers->destinations, news->destination);
	entry->state = TIMER_WAITING;
	heap_push(&timers->waiting, entry);
}

/* Memory is full: what is due then is read later, from the table. */
static void lower_horizon(struct timers *timers, int64_t next_us)
{
	struct timers_reading *reading = &timers->reading;

	if (next_us < reading->horizon_us)
		reading->horizon_us = next_us;
	reading->is_full = true;
}

static void keep(struct timers *timers, const struct timer_news *news)
{
	struct timer_entry *known = table_find(&timers->table, &news->id);

	if (known)
		move(timers, known, news->next_us);
	else if (timers->table.count >= ENTRIES_MAX)
		lower_horizon(timers, news->next_us);
	else
		add(timers, news);
}

void timers_expect(struct timers *timers, const struct timer_news *news)
{
	if (!timers_owns(timers, news->shard)) {
		timers_tell_holder(timers, news);
		return;
	}
	if (news->next_us >= timers->reading.horizon_us && !timers->reading.is_running)
		return;
	keep(timers, news);
	if (timers->hold.is_long)
		lease_renew(timers);
}

/* --- reading ------------------------------------------------------------------------------------------ */

static void open_horizon(struct timers *timers)
{
	atomic_store(&timers->desk->horizon_us, INT64_MAX);
}

static void close_horizon(struct timers *timers)
{
	atomic_store(&timers->desk->horizon_us, timers->reading.horizon_us);
}

/* New shards are read from the beginning, the others from the horizon on. False: nothing to read. */
static bool choose(struct timers *timers)
{
	struct timers_reading *reading = &timers->reading;
	struct timers_hold *hold = &timers->hold;
	int64_t now = timers_now_us(timers);

	if (reading->is_full && timers->table.count > ENTRIES_MAX / 2)
		return false;
	reading->is_fresh = hold->fresh != 0;
	reading->shards = reading->is_fresh ? hold->fresh : hold->owned;
	if (!reading->shards || (!reading->is_fresh && reading->horizon_us > now + NEAR_US))
		return false;
	reading->is_full = false;
	if (reading->horizon_us < now)
		reading->horizon_us = reading->is_fresh ? now + WINDOW_US : reading->horizon_us;
	reading->until_us = reading->is_fresh ? reading->horizon_us : now + WINDOW_US;
	reading->last_us = reading->is_fresh ? BEFORE_ALL_US : reading->horizon_us - 1;
	memset(reading->last_id.bytes, 0xff, sizeof(reading->last_id.bytes));
	return true;
}

static enum flow_next ask_page(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	const struct timers_reading *reading = &timers->reading;
	char *id = arena_alloc(flow->arena, UUID_TEXT_LENGTH + 1);

	uuid_write(&reading->last_id, id);
	const struct db_value values[] = {
		lease_shards_value(flow, reading->shards),
		db_number(flow->arena, reading->last_us),
		db_text(id),
		db_number(flow->arena, reading->until_us),
		db_number(flow->arena, PAGE_ROWS),
	};

	flow_ask(flow, timers->read, SQL_TIMERS_WINDOW, values, 5);
	return FLOW_STAY;
}

static void take_row(struct timers *timers, const struct db_rows *rows, size_t row)
{
	struct timers_reading *reading = &timers->reading;
	struct timer_news news = {
		.shard = (int)rows_number(rows, row, 1),
		.next_us = rows_number(rows, row, 2),
		.destination = rows_text(rows, row, 3),
	};

	if (!uuid_read(rows_text(rows, row, 0), &news.id))
		abort();
	keep(timers, &news);
	reading->last_us = news.next_us;
	reading->last_id = news.id;
}

/* The whole window was read: up to `beyond` there is nothing, so the horizon may go there. */
static void end_reading(struct timers *timers, const struct db_rows *rows)
{
	struct timers_reading *reading = &timers->reading;
	int64_t far = timers_now_us(timers) + FAR_US;

	if (reading->is_fresh) {
		timers->hold.fresh &= ~reading->shards;
		return;
	}
	reading->horizon_us = reading->until_us;
	if (rows_is_null(rows, 0, 5) || rows_number(rows, 0, 5) > far)
		reading->horizon_us = far;
	else if (rows_number(rows, 0, 5) > reading->horizon_us)
		reading->horizon_us = rows_number(rows, 0, 5);
}

/* Stops at the last row that found room; its whole instant is read again then. */
static void end_full(struct timers *timers)
{
	struct timers_reading *reading = &timers->reading;

	timers->hold.fresh &= reading->is_fresh ? ~reading->shards : UINT64_MAX;
	if (reading->last_us < reading->horizon_us || !reading->is_fresh)
		reading->horizon_us = reading->last_us;
	log_warn(log_what("more timers are due than memory holds: the rest is read later"),
		 log_number("held", (int64_t)timers->table.count));
}

static bool take_page(struct timers *timers, const struct db_rows *rows)
{
	size_t count = rows_is_null(rows, 0, 0) ? 0 : rows_count(rows);

	timers->reading.is_full = false;
	for (size_t row = 0; row < count && !timers->reading.is_full; row++)
		take_row(timers, rows, row);
	if (timers->reading.is_full)
		end_full(timers);
	else if (count < PAGE_ROWS)
		end_reading(timers, rows);
	else
		return true;
	return false;
}

static enum flow_next read_on(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	const struct db_rows *rows;

	if (timers->is_stopping)
		return FLOW_END;
	if (flow->answer) {
		if (flow->answer->verdict != DB_ANSWERED)
			return FLOW_END;
		rows = flow->answer->rows;
		timers_note_clock(timers, rows_number(rows, 0, 4),
				  clock_steady_us() - flow->answer->waited_us);
		if (take_page(timers, rows))
			return ask_page(flow);
	}
	if (!choose(timers))
		return FLOW_NEXT;
	open_horizon(timers);
	return ask_page(flow);
}

static enum flow_next rest(struct flow *flow)
{
	close_horizon(timers_of(flow));
	return FLOW_END;
}

static const struct flow_step reading_steps[] = {{"read", read_on}, {"rest", rest}, {0}};

/* Near the horizon, or when there is room again, the table is read on. */
static void plan(struct timers *timers)
{
	struct timers_reading *reading = &timers->reading;
	int64_t now = clock_steady_us();
	int64_t due = timers_steady_of(timers, reading->horizon_us - NEAR_US);

	if (timers->is_stopping)
		return;
	if (timers->hold.fresh || due <= now)
		due = now + AWAY_US;
	loop_timer_set(timers->workshop->loop, &reading->timer, due);
}

static void ended(struct flow *flow)
{
	struct timers *timers = timers_of(flow);

	timers->reading.is_running = false;
	plan(timers);
	timers_turn(timers);
}

static void due(struct loop_timer *timer)
{
	struct timers_reading *reading = container_of(timer, struct timers_reading, timer);

	window_read(container_of(reading, struct timers, reading));
}

/* --- the door ----------------------------------------------------------------------------------------- */

void window_open(struct timers *timers)
{
	timers->reading.timer.fire = due;
}

void window_read(struct timers *timers)
{
	struct timers_reading *reading = &timers->reading;

	if (reading->is_running || timers->is_stopping || !timers_has_clock(timers))
		return;
	reading->is_running = true;
	loop_timer_clear(timers->workshop->loop, &reading->timer);
	flow_start(timers->workshop->flows, &reading->flow, reading_steps, ended);
}

void window_close(struct timers *timers)
{
	loop_timer_clear(timers->workshop->loop, &timers->reading.timer);
}
