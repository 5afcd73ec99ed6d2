/*
 * The timers that the engine has in memory: found by id, ordered by time, queued while they go their
 * way. Pure data structures; called by the parts of the engine.
 */
#ifndef ALMANAC_TIMERS_TABLE_H
#define ALMANAC_TIMERS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/uuid.h"

struct destination;
struct flight;

/*
 *   WAITING ─▶ DUE ─▶ CONFIRMING ─▶ ARMED ─▶ READY ─▶ FLYING ─▶ SETTLING ─▶ gone, or WAITING again
 *   in a heap  queue   one statement  heap     queue    a call    one statement
 */
enum timer_state {
	TIMER_WAITING,
	TIMER_DUE,
	TIMER_CONFIRMING,
	TIMER_ARMED,
	TIMER_READY,
	TIMER_FLYING,
	TIMER_SETTLING
};

struct timer_entry {
	struct uuid id;
	int64_t next_us; /* µs since 1970, the database's clock */
	struct destination *destination;
	struct timer_entry *next_in_bucket;
	struct timer_entry *next; /* in the queue it stands in */
	struct flight *flight;    /* from ARMED on */
	int64_t again_us;         /* it was told to be due then, while on its way; 0: no */
	size_t heap_place;
	uint8_t shard;
	uint8_t state;
	bool is_old; /* from before: a backlog is not to hold up what is due now */
};

/* --- by id --- */

struct timer_table {
	struct timer_entry **buckets;
	size_t size; /* a power of two, or 0 */
	size_t count;
};

void table_finish(struct timer_table *table); /* frees all entries */
struct timer_entry *table_find(const struct timer_table *table, const struct uuid *id);
struct timer_entry *table_add(struct timer_table *table, const struct uuid *id);
void table_remove(struct timer_table *table, struct timer_entry *entry); /* frees it */

/* --- by time --- */

struct timer_heap {
	struct timer_entry **entries;
	size_t count, size;
};

void heap_finish(struct timer_heap *heap);
struct timer_entry *heap_first(const struct timer_heap *heap); /* NULL when empty */
void heap_push(struct timer_heap *heap, struct timer_entry *entry);
void heap_remove(struct timer_heap *heap, struct timer_entry *entry);

/* The entry's time has changed. */
void heap_move(struct timer_heap *heap, struct timer_entry *entry);

/* --- in turn --- */

struct timer_queue {
	struct timer_entry *first, *last;
	size_t count;
};

void queue_push(struct timer_queue *queue, struct timer_entry *entry);
struct timer_entry *queue_pop(struct timer_queue *queue); /* NULL when empty */

#endif
