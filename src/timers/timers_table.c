/* timers_table.c - timers in memory by id, by time and in turn; called by the parts of the engine. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define FIRST_SIZE 1024

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* --- by id ------------------------------------------------------------------------------------------ */

/* The last eight bytes of the id are random. */
static size_t bucket_of(const struct timer_table *table, const struct uuid *id)
{
	uint64_t hash;

	memcpy(&hash, id->bytes + 8, sizeof(hash));
	return (size_t)hash & (table->size - 1);
}

static void grow(struct timer_table *table)
{
	struct timer_table larger = {.size = table->size ? table->size * 2 : FIRST_SIZE,
				     .count = table->count};

	larger.buckets = need(calloc(larger.size, sizeof(*larger.buckets)));
	for (size_t i = 0; i < table->size; i++) {
		struct timer_entry *entry = table->buckets[i];

		while (entry) {
			struct timer_entry *next = entry->next_in_bucket;
			struct timer_entry **bucket =
				&larger.buckets[bucket_of(&larger, &entry->id)];

			entry->next_in_bucket = *bucket;
			*bucket = entry;
			entry = next;
		}
	}
	free(table->buckets);
	*table = larger;
}

void table_finish(struct timer_table *table)
{
	for (size_t i = 0; i < table->size; i++)
		while (table->buckets[i])
			table_remove(table, table->buckets[i]);
	free(table->buckets);
	*table = (struct timer_table){0};
}

struct timer_entry *table_find(const struct timer_table *table, const struct uuid *id)
{
	struct timer_entry *entry;

	if (table->size == 0)
		return NULL;
	entry = table->buckets[bucket_of(table, id)];
	while (entry && memcmp(entry->id.bytes, id->bytes, sizeof(id->bytes)) != 0)
		entry = entry->next_in_bucket;
	return entry;
}

struct timer_entry *table_add(struct timer_table *table, const struct uuid *id)
{
	struct timer_entry *entry = need(calloc(1, sizeof(*entry)));
	struct timer_entry **bucket;

	if (table->count == table->size)
		grow(table);
	bucket = &table->buckets[bucket_of(table, id)];
	entry->id = *id;
	entry->next_in_bucket = *bucket;
	*bucket = entry;
	table->count++;
	return entry;
}

void table_remove(struct timer_table *table, struct timer_entry *entry)
{
	struct timer_entry **at = &table->buckets[bucket_of(table, &entry->id)];

	while (*at != entry)
		at = &(*at)->next_in_bucket;
	*at = entry->next_in_bucket;
	table->count--;
	free(entry);
}

/* --- by time ---------------------------------------------------------------------------------------- */

static void put(struct timer_heap *heap, size_t place, struct timer_entry *entry)
{
	heap->entries[place] = entry;
	entry->heap_place = place;
}

static void sift_up(struct timer_heap *heap, size_t place)
{
	struct timer_entry *entry = heap->entries[place];

	while (place > 0 && heap->entries[(place - 1) / 2]->next_us > entry->next_us) {
		put(heap, place, heap->entries[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(heap, place, entry);
}

static void sift_down(struct timer_heap *heap, size_t place)
{
	struct timer_entry *entry = heap->entries[place];

	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < heap->count &&
		    heap->entries[child + 1]->next_us < heap->entries[child]->next_us)
			child++;
		if (child >= heap->count || heap->entries[child]->next_us >= entry->next_us)
			break;
		put(heap, place, heap->entries[child]);
		place = child;
	}
	put(heap, place, entry);
}

void heap_finish(struct timer_heap *heap)
{
	free(heap->entries);
	*heap = (struct timer_heap){0};
}

struct timer_entry *heap_first(const struct timer_heap *heap)
{
	return heap->count ? heap->entries[0] : NULL;
}

void heap_push(struct timer_heap *heap, struct timer_entry *entry)
{
	if (heap->count == heap->size) {
		heap->size = heap->size ? heap->size * 2 : FIRST_SIZE;
		heap->entries = need(realloc(heap->entries, heap->size * sizeof(*heap->entries)));
	}
	put(heap, heap->count++, entry);
	sift_up(heap, entry->heap_place);
}

void heap_move(struct timer_heap *heap, struct timer_entry *entry)
{
	assert(heap->entries[entry->heap_place] == entry);
	sift_up(heap, entry->heap_place);
	sift_down(heap, entry->heap_place);
}

void heap_remove(struct timer_heap *heap, struct timer_entry *entry)
{
	struct timer_entry *last = heap->entries[heap->count - 1];
	size_t place = entry->heap_place;

	assert(heap->entries[place] == entry);
	heap->count--;
	if (last == entry)
		return;
	put(heap, place, last);
	heap_move(heap, last);
}

/* --- in turn ---------------------------------------------------------------------------------------- */

void queue_push(struct timer_queue *queue, struct timer_entry *entry)
{
	entry->next = NULL;
	if (queue->last)
		queue->last->next = entry;
	else
		queue->first = entry;
	queue->last = entry;
	queue->count++;
}

struct timer_entry *queue_pop(struct timer_queue *queue)
{
	struct timer_entry *entry = queue->first;

	if (!entry)
		return NULL;
	queue->first = entry->next;
	if (!queue->first)
		queue->last = NULL;
	queue->count--;
	entry->next = NULL;
	return entry;
}
