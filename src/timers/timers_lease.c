/* timers_lease.c - holds shards: renews the hold, takes its share, gives back what is too much. Called
 * by timers.c; what it gains is read by timers_window.c.
 *
 * While timers are due soon the lease is short, so that a daemon that dies is followed at once; while
 * nothing is, it is long, so that an idle daemon asks next to nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "engine.h"

#define SHORT_LEASE_S 5
#define SHORT_RENEWAL_US SECOND_US
#define LONG_LEASE_S 25
#define LONG_RENEWAL_US (12 * SECOND_US)
#define SOON_US (30 * SECOND_US)
#define AWAY_US (SECOND_US / 4)
#define LOOK_MARGIN_US (SECOND_US / 20)
#define SHARDS_BYTES 4096

static struct timers *timers_of(struct flow *flow)
{
	return container_of(container_of(flow, struct timers_hold, flow), struct timers, hold);
}

/* --- what others see ---------------------------------------------------------------------------------- */

bool timers_owns(const struct timers *timers, int shard)
{
	return timers->hold.owned >> shard & 1;
}

bool timers_is_stale(const struct timers *timers, const struct timer_entry *entry)
{
	return !timers_owns(timers, entry->shard) ||
	       timers->hold.epochs[entry->shard] != entry->flight->epoch;
}

bool timers_may_fire(const struct timers *timers)
{
	return !timers->is_stopping && clock_steady_us() < timers->hold.ends_us;
}

static void publish(struct timers *timers)
{
	struct timers_hold *hold = &timers->hold;

	atomic_store(&timers->desk->owned, hold->owned & ~hold->leaving);
	metric_set(timers->metrics.shards, __builtin_popcountll(hold->owned));
}

/* --- asking ------------------------------------------------------------------------------------------- */

static bool is_soon(const struct timers *timers)
{
	const struct timer_entry *first = heap_first(&timers->waiting);

	return timers->table.count > timers->waiting.count ||
	       (first && first->next_us < timers_now_us(timers) + SOON_US);
}

static uint64_t given_back(const struct timers_hold *hold)
{
	uint64_t shards = 0;

	for (int shard = 0; shard < TIMER_SHARDS; shard++)
		if ((hold->leaving >> shard & 1) && hold->in_pipe[shard] == 0)
			shards |= UINT64_C(1) << shard;
	return shards;
}

struct db_value lease_shards_value(struct flow *flow, uint64_t shards)
{
	struct str out;
	const char *text;

	str_init(&out, SHARDS_BYTES);
	for (int shard = 0; shard < TIMER_SHARDS; shard++)
		if (shards >> shard & 1)
			str_format(&out, "%s%d", out.length ? "," : "{", shard);
	text = arena_format(flow->arena, "%s}", out.length ? str_text(&out) : "{");
	str_finish(&out);
	return db_text(text);
}

static enum flow_next ask_lease(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	struct timers_hold *hold = &timers->hold;
	uint64_t back = given_back(hold);

	hold->is_long = !timers->is_stopping && timers_has_clock(timers) && !is_soon(timers);
	hold->lease_s = hold->is_long ? LONG_LEASE_S : SHORT_LEASE_S;
	hold->asked_us = clock_steady_us();
	if (timers->is_stopping && back == hold->owned)
		hold->lease_s = 0;
	/* What is named as given back is not taken, either. */
	if (timers->is_stopping)
		back |= ~hold->owned;
	const struct db_value values[] = {
		db_text(hold->name),
		db_text(hold->run_text),
		db_number(flow->arena, hold->lease_s),
		db_text(hold->is_known ? "false" : "true"),
		lease_shards_value(flow, back),
	};

	flow_ask(flow, timers->write, SQL_TIMERS_LEASE, values, 5);
	return FLOW_WAIT;
}

/* --- the answer --------------------------------------------------------------------------------------- */

/* Another run goes by our name: the newer one keeps it. */
static void take_other_name(struct timers *timers)
{
	struct timers_hold *hold = &timers->hold;
	size_t length = strlen(hold->name) + UUID_TEXT_LENGTH + 2;
	char *name = malloc(length);

	if (!name)
		abort();
	log_info(log_what("timer shards are held under another name"),
		 log_text("name", hold->name));
	snprintf(name, length, "%s-%s", hold->name, hold->run_text);
	free(hold->name);
	hold->name = name;
	hold->is_known = false;
	hold->is_wanted_again = true;
}

static uint64_t read_shards(struct timers_hold *hold, const struct db_rows *rows)
{
	uint64_t shards = 0;

	for (size_t row = 0; row < rows_count(rows); row++) {
		int64_t shard, epoch;

		if (rows_is_null_of(rows, row, "shard"))
			continue;
		shard = rows_number_of(rows, row, "shard");
		epoch = rows_number_of(rows, row, "epoch");
		if (hold->epochs[shard] != epoch)
			hold->owned &= ~(UINT64_C(1) << shard);
		hold->epochs[shard] = epoch;
		shards |= UINT64_C(1) << shard;
	}
	return shards;
}

/* Of too many shards the last ones go first; what is told of them meanwhile is not ours to fire. */
static void choose_leaving(struct timers_hold *hold, int64_t fair)
{
	uint64_t staying = hold->owned & ~hold->leaving;

	while (__builtin_popcountll(staying) > fair) {
		uint64_t last = UINT64_C(1) << (63 - __builtin_clzll(staying));

		hold->leaving |= last;
		staying &= ~last;
	}
}

static void take_shards(struct timers *timers, const struct db_rows *rows)
{
	struct timers_hold *hold = &timers->hold;
	uint64_t before = hold->owned;
	uint64_t shards = read_shards(hold, rows);
	uint64_t lost = before & ~shards;

	hold->fresh = (hold->fresh | (shards & ~hold->owned)) & shards;
	hold->owned = shards;
	hold->leaving &= shards;
	hold->ends_us = hold->asked_us + hold->lease_s * SECOND_US;
	hold->is_known = true;
	if (timers->is_stopping)
		hold->leaving = shards;
	else
		choose_leaving(hold, rows_number_of(rows, 0, "fair"));
	metric_add(timers->metrics.reclaimed, rows_number_of(rows, 0, "reclaimed"));
	publish(timers);
	if (before != shards)
		log_info(log_what("timer shards"), log_text("daemon", hold->name),
			 log_number("held", __builtin_popcountll(shards)),
			 log_number("before", __builtin_popcountll(before)));
	/* What was stored meanwhile in a shard that is another's by now may not be in what he read. */
	if (lost)
		timers_tell_look(timers, lost);
}

static int64_t wait_of(const struct timers *timers, const struct db_rows *rows)
{
	const struct timers_hold *hold = &timers->hold;
	int64_t wait = hold->is_long ? LONG_RENEWAL_US : SHORT_RENEWAL_US;

	if (!rows_is_null_of(rows, 0, "look_us")) {
		int64_t look = rows_number_of(rows, 0, "look_us") + LOOK_MARGIN_US;

		if (look > 0 && look < wait)
			wait = look;
	}
	if (hold->leaving)
		wait = timers->is_stopping ? SECOND_US / 10 : SECOND_US / 50;
	return wait;
}

static void renew_in(struct timers *timers, int64_t wait_us)
{
	loop_timer_set(timers->workshop->loop, &timers->hold.timer, clock_steady_us() + wait_us);
}

static enum flow_next take_lease(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	const struct db_rows *rows = flow->answer->rows;

	if (flow->answer->verdict != DB_ANSWERED) {
		if (flow->answer->verdict == DB_REFUSED)
			log_error(log_what("the lease of timer shards was refused"),
				  log_text("reason", flow->answer->message));
		renew_in(timers, AWAY_US);
		return FLOW_END;
	}
	if (rows_count(rows) == 0) {
		timers->hold.owned = timers->hold.leaving = timers->hold.fresh = 0;
		publish(timers);
		take_other_name(timers);
		return FLOW_END;
	}
	timers_note_clock(timers, rows_number_of(rows, 0, "now_us"), timers->hold.asked_us);
	take_shards(timers, rows);
	if (timers->is_stopping && timers->hold.owned == 0)
		timers->hold.is_gone = true;
	else
		renew_in(timers, wait_of(timers, rows));
	return FLOW_END;
}

static const struct flow_step lease_steps[] = {
	{"ask lease", ask_lease}, {"take lease", take_lease}, {0}};

static void leased(struct flow *flow)
{
	struct timers *timers = timers_of(flow);
	struct timers_hold *hold = &timers->hold;
	bool is_wanted_again = hold->is_wanted_again;

	hold->is_running = false;
	hold->is_wanted_again = false;
	if (is_wanted_again && !hold->is_gone)
		lease_renew(timers);
	if (hold->fresh)
		window_read(timers);
	timers_turn(timers);
}

static void due(struct loop_timer *timer)
{
	struct timers_hold *hold = container_of(timer, struct timers_hold, timer);

	lease_renew(container_of(hold, struct timers, hold));
}

/* --- the door ----------------------------------------------------------------------------------------- */

void lease_open(struct timers *timers)
{
	struct timers_hold *hold = &timers->hold;

	hold->timer.fire = due;
	hold->run_text = timers->workshop->daemon;
	hold->name = strdup(timers->options->daemon_name);
	if (!hold->name)
		abort();
	lease_renew(timers);
}

void lease_renew(struct timers *timers)
{
	struct timers_hold *hold = &timers->hold;

	if (hold->is_running || hold->is_gone) {
		hold->is_wanted_again = hold->is_running;
		return;
	}
	hold->is_running = true;
	loop_timer_clear(timers->workshop->loop, &hold->timer);
	flow_start(timers->workshop->flows, &hold->flow, lease_steps, leased);
}

void lease_close(struct timers *timers)
{
	loop_timer_clear(timers->workshop->loop, &timers->hold.timer);
	free(timers->hold.name);
}
