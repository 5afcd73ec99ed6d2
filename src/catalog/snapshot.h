/*
 * The searchable catalog in memory: an immutable picture of one edition, made by the scheduler's
 * thread, read by all workers.
 *
 * Arrays in the order (start, id); a window is two binary searches and a walk. Each event's finished
 * JSON lies in a text block; blocks are counted and shared by successive pictures, so a small change
 * costs small memory.
 */
#ifndef ALMANAC_CATALOG_SNAPSHOT_H
#define ALMANAC_CATALOG_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/publication.h"
#include "almanac/str.h"
#include "almanac/uuid.h"

/* One event. `text` is the JSON of a search's item behind its id: "title":…}. */
struct snapshot_entry {
	int64_t id;
	int64_t start_us;
	int64_t end_us; /* the start when there is no end */
	struct uuid uuid;
	const char *text;
	uint32_t text_length;
};

struct text_block;

struct snapshot {
	struct publication publication;
	bool is_complete; /* false: past the memory limit; ask SQL */
	size_t count;
	size_t size;
	struct snapshot_entry *entries;
	int64_t *latest_ends; /* of every SNAPSHOT_STRIDE entries */
	struct text_block **blocks;
	size_t block_count;
	size_t text_bytes; /* in the blocks, in use and dead */
	size_t live_bytes; /* of these in use */
};

#define SNAPSHOT_STRIDE 64

/* Of texts in a block: with its head it fills a huge page. */
#define SNAPSHOT_BLOCK_BYTES (((size_t)2 << 20) - 64)

/* --- making ----------------------------------------------------------------------------------------- */

struct snapshot *snapshot_create(void);

/* Shares the blocks of `other`. */
void snapshot_share_texts(struct snapshot *snapshot, const struct snapshot *other);

/* Copies a text into the last block, or a new one. Only for the maker, before or after it is
 * published: readers never look behind the texts they know. */
const char *snapshot_keep_text(struct snapshot *snapshot, struct span text);

/* Appends; entries must come in the order (start, id). */
void snapshot_append(struct snapshot *snapshot, const struct snapshot_entry *entry);
void snapshot_reserve(struct snapshot *snapshot, size_t count);

/* After the last entry: trims the arrays and computes what searches skip by. */
void snapshot_seal(struct snapshot *snapshot);

size_t snapshot_bytes(const struct snapshot *snapshot);

/* <0, 0, >0 by (start, id). */
int snapshot_compare(const struct snapshot_entry *one, const struct snapshot_entry *other);

/* --- searching -------------------------------------------------------------------------------------- */

enum snapshot_match { MATCH_WITHIN, MATCH_STARTS, MATCH_OVERLAPS };

struct snapshot_window {
	enum snapshot_match match;
	int64_t from_us; /* INT64_MIN, INT64_MAX: open */
	int64_t to_us;
	bool has_cursor; /* begin behind (cursor_start_us, cursor_id) */
	int64_t cursor_start_us;
	int64_t cursor_id;
	/* the search's own */
	size_t next, end;
};

/* Begins a walk. */
void snapshot_find(const struct snapshot *snapshot, struct snapshot_window *window);

/* The next event of the walk, or NULL. */
const struct snapshot_entry *snapshot_next(const struct snapshot *snapshot,
					   struct snapshot_window *window);

/* Has the texts of the next few events brought nearer while those before are being told: they lie
 * anywhere. */
void snapshot_draw_near(const struct snapshot *snapshot, const struct snapshot_window *window);

/* How many the window holds in all, whatever the cursor. */
size_t snapshot_total(const struct snapshot *snapshot, const struct snapshot_window *window);

#endif
