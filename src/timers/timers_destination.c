/* timers_destination.c - queues, limits and breakers of the places webhooks go to; called by
 * timers_fire.c and timers_window.c. */
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "destination.h"

#define BUCKETS 4096

static uint64_t hash_of(struct span name)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ (unsigned char)name.bytes[i]) * UINT64_C(1099511628211);
	return hash;
}

/* --- the rounds --------------------------------------------------------------------------------------- */

static void join(struct destination *destination, enum round_name name)
{
	struct round *round = &destination->all->rounds[name];

	destination->turns[name] = (struct turn){.before = round->last, .is_taken = true};
	if (round->last)
		round->last->turns[name].after = destination;
	else
		round->first = destination;
	round->last = destination;
}

static void leave(struct destination *destination, enum round_name name)
{
	struct round *round = &destination->all->rounds[name];
	struct turn *turn = &destination->turns[name];

	if (turn->before)
		turn->before->turns[name].after = turn->after;
	else
		round->first = turn->after;
	if (turn->after)
		turn->after->turns[name].before = turn->before;
	else
		round->last = turn->before;
	*turn = (struct turn){0};
}

static void place(struct destination *destination, enum round_name name, bool takes_part)
{
	if (takes_part == destination->turns[name].is_taken)
		return;
	if (takes_part)
		join(destination, name);
	else
		leave(destination, name);
}

/* --- limits ------------------------------------------------------------------------------------------- */

static bool is_open(const struct destination *destination)
{
	return destination->open_until_us > clock_steady_us();
}

/* Past its wait an open breaker lets one call through. */
static size_t call_limit(const struct destination *destination)
{
	if (destination->open_until_us == 0)
		return destination->all->limit;
	return is_open(destination) ? 0 : 1;
}

static size_t pipe_limit(const struct destination *destination)
{
	size_t limit = call_limit(destination);

	return limit > 1 ? limit * PIPE_FACTOR : limit;
}

static bool may_take_old(const struct destination *destination)
{
	return destination->old.count > 0 &&
	       destination->old_in_pipe < (pipe_limit(destination) + 1) / 2;
}

static bool may_confirm(const struct destination *destination)
{
	return destination->in_pipe < pipe_limit(destination) &&
	       (destination->due.count > 0 || may_take_old(destination));
}

static bool may_call(const struct destination *destination)
{
	return destination->ready.count > 0 && destination->flying < call_limit(destination);
}

void destination_place(struct destination *destination)
{
	place(destination, ROUND_HUNGRY, may_confirm(destination));
	place(destination, ROUND_LOADED, may_call(destination));
}

struct timer_entry *destinations_next_due(struct destinations *all)
{
	struct destination *destination = all->rounds[ROUND_HUNGRY].first;
	struct timer_entry *entry;

	if (!destination)
		return NULL;
	entry = queue_pop(destination->due.count ? &destination->due : &destination->old);
	leave(destination, ROUND_HUNGRY);
	destination->in_pipe++;
	destination->old_in_pipe += entry->is_old;
	destination_place(destination);
	return entry;
}

struct timer_entry *destinations_next_ready(struct destinations *all)
{
	struct destination *destination = all->rounds[ROUND_LOADED].first;
	struct timer_entry *entry;

	if (!destination)
		return NULL;
	entry = queue_pop(&destination->ready);
	leave(destination, ROUND_LOADED);
	destination->flying++;
	destination_place(destination);
	return entry;
}

void destination_leave(struct destination *destination, const struct timer_entry *entry)
{
	destination->in_pipe--;
	destination->old_in_pipe -= entry->is_old;
	destination_place(destination);
}

struct timer_entry *destinations_any_ready(struct destinations *all)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct destination *destination = all->buckets[i]; destination;
		     destination = destination->next_in_bucket)
			if (destination->ready.first)
				return queue_pop(&destination->ready);
	return NULL;
}

static int64_t older(int64_t oldest, const struct timer_queue *queue)
{
	if (!queue->first || (oldest && oldest <= queue->first->next_us))
		return oldest;
	return queue->first->next_us;
}

int64_t destinations_oldest_us(const struct destinations *all)
{
	int64_t oldest = 0;

	for (size_t i = 0; all->count && i < BUCKETS; i++) {
		for (const struct destination *destination = all->buckets[i]; destination;
		     destination = destination->next_in_bucket) {
			oldest = older(oldest, &destination->due);
			oldest = older(oldest, &destination->old);
			oldest = older(oldest, &destination->ready);
		}
	}
	return oldest;
}

/* --- the breaker -------------------------------------------------------------------------------------- */

static void forget(struct destination *destination);

static void reopen(struct loop_timer *timer)
{
	struct destination *destination = container_of(timer, struct destination, reopen);
	struct destinations *all = destination->all;

	if (destination->entries == 0)
		forget(destination);
	else
		destination_place(destination);
	all->reopened(all);
}

static void open_breaker(struct destination *destination)
{
	int64_t now = clock_steady_us();

	destination->wait_us = destination->wait_us ? destination->wait_us * 2 : BREAKER_FIRST_US;
	if (destination->wait_us > BREAKER_MOST_US)
		destination->wait_us = BREAKER_MOST_US;
	destination->open_until_us = now + destination->wait_us;
	loop_timer_set(destination->all->loop, &destination->reopen, destination->open_until_us);
	log_warn(log_what("destination is unwell"), log_text("destination", destination->name),
		 log_ms("wait_ms", destination->wait_us));
}

static void close_breaker(struct destination *destination)
{
	if (destination->open_until_us)
		log_info(log_what("destination is well again"),
			 log_text("destination", destination->name));
	destination->failures = 0;
	destination->open_until_us = 0;
	destination->wait_us = 0;
	loop_timer_clear(destination->all->loop, &destination->reopen);
}

/* Calls that were under way when the breaker opened do not make its wait longer. */
void destination_judge(struct destination *destination, bool is_unwell)
{
	if (!is_unwell)
		close_breaker(destination);
	else if (++destination->failures >= BREAKER_FAILURES && !is_open(destination))
		open_breaker(destination);
}

/* --- finding and forgetting --------------------------------------------------------------------------- */

void destinations_init(struct destinations *all, struct loop *loop, size_t limit)
{
	all->loop = loop;
	all->limit = limit;
	all->buckets = calloc(BUCKETS, sizeof(*all->buckets));
	if (!all->buckets)
		abort();
}

static struct destination **place_of(struct destinations *all, struct span name, uint64_t hash)
{
	struct destination **at = &all->buckets[hash % BUCKETS];

	while (*at && ((*at)->hash != hash || !span_is(name, (*at)->name)))
		at = &(*at)->next_in_bucket;
	return at;
}

static struct destination *create(struct destinations *all, struct span name, uint64_t hash)
{
	struct destination *destination = calloc(1, sizeof(*destination));

	if (!destination)
		abort();
	destination->all = all;
	destination->hash = hash;
	destination->name = calloc(1, name.length + 1);
	if (!destination->name)
		abort();
	memcpy(destination->name, name.bytes, name.length);
	destination->reopen.fire = reopen;
	all->count++;
	return destination;
}

static void destroy(struct destination *destination)
{
	struct destinations *all = destination->all;

	loop_timer_clear(all->loop, &destination->reopen);
	place(destination, ROUND_HUNGRY, false);
	place(destination, ROUND_LOADED, false);
	free(destination->name);
	free(destination);
	all->count--;
}

struct destination *destination_take(struct destinations *all, struct span name)
{
	uint64_t hash = hash_of(name);
	struct destination **at = place_of(all, name, hash);

	if (!*at)
		*at = create(all, name, hash);
	(*at)->entries++;
	return *at;
}

static void forget(struct destination *destination)
{
	struct destination **at =
		place_of(destination->all, span_of(destination->name), destination->hash);

	*at = destination->next_in_bucket;
	destroy(destination);
}

void destination_give(struct destination *destination)
{
	if (--destination->entries == 0 && !is_open(destination))
		forget(destination);
}

void destinations_finish(struct destinations *all)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (all->buckets[i]) {
			struct destination *destination = all->buckets[i];

			all->buckets[i] = destination->next_in_bucket;
			destroy(destination);
		}
	}
	free(all->buckets);
	all->buckets = NULL;
}
