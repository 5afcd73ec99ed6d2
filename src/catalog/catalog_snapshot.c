/* catalog_snapshot.c - the picture of the catalog in memory; made by catalog_follow.c, searched by
 * catalog_search.c. */
#include "snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "almanac/container.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define CACHE_LINE 64

/* How many events ahead, and how much of their texts. */
#define AHEAD 8
#define NEAR_BYTES 512
#define FIRST_ENTRIES 1024

struct text_block {
	atomic_int holders;
	size_t used;
	size_t size;
	char bytes[];
};

static_assert(sizeof(struct text_block) <= HUGE_PAGE - SNAPSHOT_BLOCK_BYTES,
	      "a block is a huge page");

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* --- text blocks ------------------------------------------------------------------------------------ */

static void *map(size_t size)
{
	void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (place == MAP_FAILED)
		abort();
	return place;
}

/* A block of so many bytes takes whole huge pages. */
static size_t mapped_size(size_t size)
{
	size_t pages = (sizeof(struct text_block) + size + HUGE_PAGE - 1) / HUGE_PAGE;

	return pages * HUGE_PAGE;
}

/* They spare searches, whose texts lie anywhere, most of the address translation. */
static void *map_huge(size_t size)
{
	char *place = map(size + HUGE_PAGE);
	size_t before = (HUGE_PAGE - (uintptr_t)place % HUGE_PAGE) % HUGE_PAGE;

	if (before > 0)
		munmap(place, before);
	munmap(place + before + size, HUGE_PAGE - before);
	madvise(place + before, size, MADV_HUGEPAGE);
	return place + before;
}

/* From the kernel, and back to it: what a picture took is free when it goes, whichever thread lets
 * go of it last. */
static struct text_block *block_create(size_t size)
{
	struct text_block *block = map_huge(mapped_size(size));

	atomic_init(&block->holders, 1);
	block->used = 0;
	block->size = size;
	return block;
}

static void block_drop(struct text_block *block)
{
	if (atomic_fetch_sub_explicit(&block->holders, 1, memory_order_acq_rel) == 1)
		munmap(block, mapped_size(block->size));
}

static struct text_block *block_with_room(struct snapshot *snapshot, size_t length)
{
	size_t count = snapshot->block_count;
	struct text_block *last = count ? snapshot->blocks[count - 1] : NULL;

	if (last && last->size - last->used >= length)
		return last;
	snapshot->blocks = need(realloc(snapshot->blocks, (count + 1) * sizeof(*snapshot->blocks)));
	snapshot->blocks[count] =
		block_create(length > SNAPSHOT_BLOCK_BYTES ? length : SNAPSHOT_BLOCK_BYTES);
	snapshot->block_count = count + 1;
	return snapshot->blocks[count];
}

static void destroy(struct publication *publication)
{
	struct snapshot *snapshot = container_of(publication, struct snapshot, publication);

	for (size_t i = 0; i < snapshot->block_count; i++)
		block_drop(snapshot->blocks[i]);
	free(snapshot->blocks);
	free(snapshot->entries);
	free(snapshot->latest_ends);
	free(snapshot);
}

/* --- making ----------------------------------------------------------------------------------------- */

struct snapshot *snapshot_create(void)
{
	struct snapshot *snapshot = need(calloc(1, sizeof(*snapshot)));

	publication_init(&snapshot->publication, destroy);
	snapshot->is_complete = true;
	return snapshot;
}

void snapshot_share_texts(struct snapshot *snapshot, const struct snapshot *other)
{
	assert(snapshot->block_count == 0);
	if (other->block_count == 0)
		return;
	snapshot->blocks = need(malloc(other->block_count * sizeof(*snapshot->blocks)));
	for (size_t i = 0; i < other->block_count; i++) {
		snapshot->blocks[i] = other->blocks[i];
		atomic_fetch_add_explicit(&other->blocks[i]->holders, 1, memory_order_relaxed);
	}
	snapshot->block_count = other->block_count;
	snapshot->text_bytes = other->text_bytes;
}

const char *snapshot_keep_text(struct snapshot *snapshot, struct span text)
{
	struct text_block *block = block_with_room(snapshot, text.length);
	char *place = block->bytes + block->used;

	if (text.length)
		memcpy(place, text.bytes, text.length);
	block->used += text.length;
	snapshot->text_bytes += text.length;
	return place;
}

void snapshot_reserve(struct snapshot *snapshot, size_t count)
{
	if (count <= snapshot->size)
		return;
	snapshot->entries = need(realloc(snapshot->entries, count * sizeof(*snapshot->entries)));
	snapshot->size = count;
}

void snapshot_append(struct snapshot *snapshot, const struct snapshot_entry *entry)
{
	if (snapshot->count == snapshot->size)
		snapshot_reserve(snapshot, snapshot->size ? snapshot->size + snapshot->size / 2
							  : FIRST_ENTRIES);
	snapshot->entries[snapshot->count++] = *entry;
}

void snapshot_seal(struct snapshot *snapshot)
{
	size_t strides = (snapshot->count + SNAPSHOT_STRIDE - 1) / SNAPSHOT_STRIDE;

	if (snapshot->count > 0 && snapshot->count < snapshot->size) {
		snapshot->entries = need(
			realloc(snapshot->entries, snapshot->count * sizeof(*snapshot->entries)));
		snapshot->size = snapshot->count;
	}
	snapshot->latest_ends = need(malloc((strides + 1) * sizeof(*snapshot->latest_ends)));
	for (size_t i = 0; i < snapshot->count; i++) {
		int64_t *latest = &snapshot->latest_ends[i / SNAPSHOT_STRIDE];

		snapshot->live_bytes += snapshot->entries[i].text_length;
		if (i % SNAPSHOT_STRIDE == 0 || snapshot->entries[i].end_us > *latest)
			*latest = snapshot->entries[i].end_us;
	}
}

size_t snapshot_bytes(const struct snapshot *snapshot)
{
	size_t bytes = sizeof(*snapshot) + snapshot->size * sizeof(*snapshot->entries) +
		       snapshot->count / SNAPSHOT_STRIDE * sizeof(*snapshot->latest_ends) +
		       snapshot->block_count * sizeof(*snapshot->blocks);

	for (size_t i = 0; i < snapshot->block_count; i++)
		bytes += sizeof(*snapshot->blocks[i]) + snapshot->blocks[i]->size;
	return bytes;
}

int snapshot_compare(const struct snapshot_entry *one, const struct snapshot_entry *other)
{
	if (one->start_us != other->start_us)
		return one->start_us < other->start_us ? -1 : 1;
	return (one->id > other->id) - (one->id < other->id);
}

/* --- searching -------------------------------------------------------------------------------------- */

/* The first place whose event stands behind (start, id). Ids are above INT64_MIN: there begins a
 * start. */
static size_t place_behind(const struct snapshot *snapshot, int64_t start_us, int64_t id)
{
	const struct snapshot_entry wanted = {.start_us = start_us, .id = id};
	size_t low = 0, high = snapshot->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (snapshot_compare(&snapshot->entries[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool matches(const struct snapshot_window *window, int64_t end_us)
{
	switch (window->match) {
	case MATCH_WITHIN:
		return end_us <= window->to_us;
	case MATCH_OVERLAPS:
		return end_us >= window->from_us;
	case MATCH_STARTS:
	default:
		return true;
	}
}

void snapshot_find(const struct snapshot *snapshot, struct snapshot_window *window)
{
	window->next = window->match == MATCH_OVERLAPS
			       ? 0
			       : place_behind(snapshot, window->from_us, INT64_MIN);
	window->end = place_behind(snapshot, window->to_us, INT64_MAX);
	if (window->has_cursor) {
		size_t place = place_behind(snapshot, window->cursor_start_us, window->cursor_id);

		if (place > window->next)
			window->next = place;
	}
}

/* Overlaps: a stride whose events all end too early is passed over at once. */
static bool skips_stride(const struct snapshot *snapshot, const struct snapshot_window *window)
{
	return window->match == MATCH_OVERLAPS && window->next % SNAPSHOT_STRIDE == 0 &&
	       snapshot->latest_ends[window->next / SNAPSHOT_STRIDE] < window->from_us;
}

const struct snapshot_entry *snapshot_next(const struct snapshot *snapshot,
					   struct snapshot_window *window)
{
	while (window->next < window->end) {
		const struct snapshot_entry *entry = &snapshot->entries[window->next];

		if (skips_stride(snapshot, window)) {
			window->next += SNAPSHOT_STRIDE;
			continue;
		}
		window->next++;
		if (matches(window, entry->end_us))
			return entry;
	}
	return NULL;
}

void snapshot_draw_near(const struct snapshot *snapshot, const struct snapshot_window *window)
{
	const struct snapshot_entry *entry;

	if (window->next + AHEAD >= window->end)
		return;
	entry = &snapshot->entries[window->next + AHEAD];
	for (size_t at = 0; at < entry->text_length && at < NEAR_BYTES; at += CACHE_LINE)
		__builtin_prefetch(entry->text + at);
}

size_t snapshot_total(const struct snapshot *snapshot, const struct snapshot_window *window)
{
	struct snapshot_window all = *window;
	size_t total = 0;

	all.has_cursor = false;
	snapshot_find(snapshot, &all);
	while (snapshot_next(snapshot, &all))
		total++;
	return total;
}
