/* catalog_follow.c - follows the catalog's edition and makes the picture of it for the workers.
 *
 *   look ─▶ judge ─▶ changes … ─▶ merge … ─▶ publish
 *               └──▶ measure ─▶ pages … ─▶ order … ─▶ changes …   (a picture from nothing)
 *
 * Looking is told by NOTIFY and repeated every second. Pages are read as the rows lie on the disk and
 * brought into the order (start, id) here. What changed meanwhile, and between two pictures, comes as
 * changes: rows of a higher edition than the picture's, merged in slices so that the loop is never
 * held for long. A row that moved while pages were read has changed, so it comes as a change too.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "room.h"
#include "runs.h"
#include "snapshot.h"

#define SECOND INT64_C(1000000)
#define LOOK_US SECOND
#define WORN_BYTES ((size_t)4 << 20)

/* A catalog past the memory limit is measured again after this long. */
#define TOO_LARGE_US (600 * SECOND)
#define PAGE_BLOCKS 256
#define PAGE_CHANGES 5000
#define SLICE_ENTRIES 20000

/* A changed row; `entry.text` NULL: no longer searchable. */
struct change {
	struct snapshot_entry entry;
	size_t order; /* as it was read: the later one counts */
};

struct follow {
	struct flow flow;
	struct catalog *catalog;
	struct loop_timer timer;
	bool is_looking;
	bool looks_again;
	int64_t measure_again_us; /* 0: the catalog fits */
	struct snapshot *current; /* published; NULL before the first */

	/* one making */
	struct snapshot *base; /* what the changes are merged into; NULL: nothing to do */
	struct snapshot *made;
	bool from_nothing;
	bool is_too_large;
	int64_t edition, removed_edition, changed_us;
	int64_t file, blocks, next_block; /* the table, and how far its pages were asked for */
	struct runs runs;                 /* a page each */
	int64_t last_edition, last_id;    /* how far the changes were read */
	struct change *changes;
	size_t change_count, change_size;
	int64_t *changed_ids;
	size_t at_base, at_change;
	int64_t began_us;
	struct metric *bytes, *events, *edition_metric;
};

static struct follow *follow_of(struct flow *flow)
{
	return container_of(flow, struct follow, flow);
}

static void look_in(struct follow *follow, int64_t wait_us)
{
	struct loop *loop = follow->catalog->workshop->loop;

	loop_timer_set(loop, &follow->timer, loop_now_us(loop) + wait_us);
}

/* --- look, judge ------------------------------------------------------------------------------------ */

static enum flow_next look(struct flow *flow)
{
	flow_ask(flow, follow_of(flow)->catalog->workshop->read, SQL_CATALOG_STATE, NULL, 0);
	return FLOW_WAIT;
}

/* 64 bits of the epoch's UUID are plenty to tell databases apart. */
static uint64_t epoch_of(struct span text)
{
	struct uuid uuid;
	uint64_t epoch = 0;

	if (uuid_read(text, &uuid))
		memcpy(&epoch, uuid.bytes, sizeof(epoch));
	return epoch;
}

static void note_state(struct follow *follow, const struct db_rows *rows)
{
	struct edition *edition = follow->catalog->options->edition;

	int64_t removed_edition = rows_number_of(rows, 0, "removed_edition");

	/* A provider may be gone: those that are not tell their age again with their next sync. */
	if (removed_edition > follow->removed_edition)
		metrics_hide_all(follow->catalog->workshop->metrics, PROVIDER_SYNCED_METRIC);
	follow->edition = rows_number_of(rows, 0, "edition");
	follow->removed_edition = removed_edition;
	follow->changed_us = rows_number_of(rows, 0, "changed_us");
	atomic_store(&edition->epoch, epoch_of(rows_text_of(rows, 0, "epoch")));
	atomic_store(&edition->changed_us, follow->changed_us);
	atomic_store(&edition->number, follow->edition);
	metric_set(follow->edition_metric, follow->edition);
}

/* The age told to clients counts from the last time the picture was known to be current. */
static void confirm(struct follow *follow)
{
	atomic_store(&follow->catalog->options->edition->confirmed_us, clock_steady_us());
}

static bool is_current(const struct follow *follow)
{
	return follow->current && follow->current->publication.edition == follow->edition;
}

static int64_t memory_limit(const struct follow *follow)
{
	return settings_number(follow->catalog->workshop->settings, SETTING_CATALOG_MEMORY_MB)
	       << 20;
}

/* Texts of events that changed stay in their blocks: when half is dead, begin anew. */
static bool is_worn(const struct snapshot *snapshot)
{
	return snapshot->text_bytes > 2 * snapshot->live_bytes + WORN_BYTES;
}

static bool needs_all(const struct follow *follow)
{
	const struct snapshot *current = follow->current;

	return !current || !current->is_complete ||
	       follow->removed_edition > current->publication.edition ||
	       follow->edition < current->publication.edition || is_worn(current);
}

static enum flow_next judge(struct flow *flow)
{
	struct follow *follow = follow_of(flow);

	if (flow->answer->verdict != DB_ANSWERED || rows_count(flow->answer->rows) == 0)
		return FLOW_END;
	note_state(follow, flow->answer->rows);
	if (is_current(follow)) {
		confirm(follow);
		return FLOW_END;
	}
	follow->began_us = clock_steady_us();
	follow->from_nothing = needs_all(follow);
	follow->base = follow->from_nothing ? snapshot_create() : follow->current;
	follow->last_edition =
		follow->from_nothing ? follow->edition : follow->current->publication.edition;
	follow->last_id = INT64_MAX;
	follow->blocks = -1;
	follow->next_block = 0;
	return FLOW_NEXT;
}

/* --- pages ------------------------------------------------------------------------------------------ */

enum row_column { ROW_ID, ROW_UUID, ROW_START, ROW_END, ROW_ITEM, ROW_EDITION };

static struct snapshot_entry entry_of(const struct db_rows *rows, size_t row)
{
	struct snapshot_entry entry = {
		.id = rows_number(rows, row, ROW_ID),
		.start_us = rows_number(rows, row, ROW_START),
		.end_us = rows_number(rows, row, ROW_END),
	};

	if (!uuid_read(rows_text(rows, row, ROW_UUID), &entry.uuid))
		abort();
	return entry;
}

static void keep_text(struct snapshot *snapshot, struct snapshot_entry *entry, struct span text)
{
	entry->text = snapshot_keep_text(snapshot, text);
	entry->text_length = (uint32_t)text.length;
}

/* Nothing to read, or no room for it. */
static bool skips_pages(struct follow *follow)
{
	follow->is_too_large |=
		follow->from_nothing &&
		(memory_limit(follow) == 0 || follow->measure_again_us > clock_steady_us());
	return !follow->from_nothing || follow->is_too_large;
}

static enum flow_next measure(struct flow *flow)
{
	struct follow *follow = follow_of(flow);

	if (skips_pages(follow))
		return FLOW_NEXT;
	flow_ask(flow, follow->catalog->workshop->read, SQL_CATALOG_SNAPSHOT_EXTENT, NULL, 0);
	return FLOW_WAIT;
}

static void take_page(struct follow *follow, const struct db_rows *rows)
{
	size_t before = follow->base->count;

	for (size_t row = 0; row < rows_count(rows); row++) {
		struct snapshot_entry entry = entry_of(rows, row);

		keep_text(follow->base, &entry, rows_text(rows, row, ROW_ITEM));
		snapshot_append(follow->base, &entry);
	}
	runs_add(&follow->runs, follow->base, before);
	follow->is_too_large = (int64_t)snapshot_bytes(follow->base) > memory_limit(follow);
}

static enum flow_next ask_page(struct flow *flow)
{
	struct follow *follow = follow_of(flow);
	long long first = follow->next_block, behind = first + PAGE_BLOCKS;
	const struct db_value values[] = {
		db_text(arena_format(flow->arena, "(%lld,0)", first)),
		db_text(arena_format(flow->arena, "(%lld,0)", behind)),
	};

	if (first >= follow->blocks)
		return FLOW_NEXT;
	follow->next_block = behind;
	flow_ask(flow, follow->catalog->workshop->read, SQL_CATALOG_SNAPSHOT_PAGE, values, 2);
	db_hurry(follow->catalog->workshop->read);
	return FLOW_STAY;
}

/* The next page is asked for before this one is taken in: the database works meanwhile. */
static enum flow_next pages(struct flow *flow)
{
	struct follow *follow = follow_of(flow);
	const struct db_rows *rows;
	bool is_first = follow->blocks < 0;
	enum flow_next next;

	if (skips_pages(follow))
		return FLOW_NEXT;
	if (flow->answer->verdict != DB_ANSWERED || flow->is_stopping)
		return FLOW_END;
	rows = flow->answer->rows;
	if (is_first) {
		follow->blocks = rows_number_of(rows, 0, "blocks");
		follow->file = rows_number_of(rows, 0, "file");
	}
	next = ask_page(flow);
	if (!is_first)
		take_page(follow, rows);
	return next;
}

/* --- order ------------------------------------------------------------------------------------------ */

static enum flow_next order(struct flow *flow)
{
	struct follow *follow = follow_of(flow);

	if (skips_pages(follow) || (follow->runs.count < 2 && !follow->made))
		return FLOW_NEXT;
	if (!follow->made) {
		runs_begin(&follow->runs, follow->base);
		follow->made = snapshot_create();
		snapshot_share_texts(follow->made, follow->base);
		snapshot_reserve(follow->made, follow->base->count);
	}
	if (runs_merge(&follow->runs, follow->base, follow->made, SLICE_ENTRIES)) {
		flow_pause(flow, 0);
		return FLOW_STAY;
	}
	publication_drop(&follow->base->publication);
	follow->base = follow->made;
	follow->made = NULL;
	return FLOW_NEXT;
}

/* --- changes ---------------------------------------------------------------------------------------- */

static void add_change(struct follow *follow, const struct snapshot_entry *entry)
{
	if (follow->change_count == follow->change_size) {
		follow->change_size = follow->change_size ? follow->change_size * 2 : PAGE_CHANGES;
		follow->changes =
			realloc(follow->changes, follow->change_size * sizeof(*follow->changes));
		if (!follow->changes)
			abort();
	}
	follow->changes[follow->change_count] = (struct change){*entry, follow->change_count};
	follow->change_count++;
}

static void take_changes(struct follow *follow, const struct db_rows *rows)
{
	for (size_t row = 0; row < rows_count(rows); row++) {
		struct snapshot_entry entry;

		if (rows_is_null(rows, row, ROW_ID))
			continue;
		entry = entry_of(rows, row);
		if (!rows_is_null(rows, row, ROW_ITEM))
			keep_text(follow->base, &entry, rows_text(rows, row, ROW_ITEM));
		add_change(follow, &entry);
		follow->last_edition = rows_number(rows, row, ROW_EDITION);
		follow->last_id = entry.id;
	}
	follow->edition = rows_number_of(rows, 0, "edition");
	follow->changed_us = rows_number_of(rows, 0, "changed_us");
}

static enum flow_next ask_changes(struct flow *flow)
{
	struct follow *follow = follow_of(flow);
	const struct db_value values[] = {
		db_number(flow->arena, follow->last_edition),
		db_number(flow->arena, follow->last_id),
		db_number(flow->arena, PAGE_CHANGES),
	};

	flow_ask(flow, follow->catalog->workshop->read, SQL_CATALOG_SNAPSHOT_CHANGES, values, 3);
	return FLOW_STAY;
}

static int by_id(const void *one, const void *other)
{
	const struct change *a = one, *b = other;

	if (a->entry.id != b->entry.id)
		return a->entry.id < b->entry.id ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static int by_start(const void *one, const void *other)
{
	const struct change *a = one, *b = other;

	return snapshot_compare(&a->entry, &b->entry);
}

/* Of a row that came several times only the last one counts; then in the order of searches. */
static void sort_changes(struct follow *follow)
{
	size_t kept = 0;

	follow->changed_ids = calloc(follow->change_count + 1, sizeof(*follow->changed_ids));
	if (!follow->changed_ids)
		abort();
	if (follow->change_count == 0)
		return;
	qsort(follow->changes, follow->change_count, sizeof(*follow->changes), by_id);
	for (size_t i = 0; i < follow->change_count; i++) {
		if (i + 1 < follow->change_count &&
		    follow->changes[i + 1].entry.id == follow->changes[i].entry.id)
			continue;
		follow->changed_ids[kept] = follow->changes[i].entry.id;
		follow->changes[kept++] = follow->changes[i];
	}
	follow->change_count = kept;
	qsort(follow->changes, kept, sizeof(*follow->changes), by_start);
}

/* Events were taken away meanwhile, or all rows moved: what was read may show too many or too few.
 * The next look begins anew. */
static bool is_spoiled(const struct follow *follow, const struct db_rows *rows)
{
	return rows_number_of(rows, 0, "removed_edition") > follow->removed_edition ||
	       (follow->from_nothing && rows_number_of(rows, 0, "file") != follow->file);
}

static enum flow_next changes(struct flow *flow)
{
	struct follow *follow = follow_of(flow);
	const struct db_rows *rows;

	if (follow->is_too_large)
		return FLOW_NEXT;
	if (!flow->answer)
		return ask_changes(flow);
	if (flow->answer->verdict != DB_ANSWERED || flow->is_stopping)
		return FLOW_END;
	rows = flow->answer->rows;
	if (is_spoiled(follow, rows))
		return FLOW_END;
	take_changes(follow, rows);
	if (rows_count(rows) == PAGE_CHANGES)
		return ask_changes(flow);
	sort_changes(follow);
	return FLOW_NEXT;
}

/* --- merge ------------------------------------------------------------------------------------------ */

static bool is_changed(const struct follow *follow, int64_t id)
{
	size_t low = 0, high = follow->change_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (follow->changed_ids[middle] == id)
			return true;
		if (follow->changed_ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static const struct snapshot_entry *next_change(const struct follow *follow)
{
	return follow->at_change < follow->change_count ? &follow->changes[follow->at_change].entry
							: NULL;
}

static void merge_slice(struct follow *follow)
{
	const struct snapshot *base = follow->base;

	for (int i = 0; i < SLICE_ENTRIES; i++) {
		const struct snapshot_entry *old =
			follow->at_base < base->count ? &base->entries[follow->at_base] : NULL;
		const struct snapshot_entry *new = next_change(follow);

		if (new && (!old || snapshot_compare(new, old) <= 0)) {
			if (new->text)
				snapshot_append(follow->made, new);
			follow->at_change++;
		} else if (old) {
			if (!is_changed(follow, old->id))
				snapshot_append(follow->made, old);
			follow->at_base++;
		} else {
			return;
		}
	}
}

static enum flow_next merge(struct flow *flow)
{
	struct follow *follow = follow_of(flow);

	if (follow->is_too_large || (follow->from_nothing && follow->change_count == 0))
		return FLOW_NEXT;
	if (!follow->made) {
		follow->made = snapshot_create();
		snapshot_share_texts(follow->made, follow->base);
		snapshot_reserve(follow->made, follow->base->count + follow->change_count);
	}
	merge_slice(follow);
	if (follow->at_base == follow->base->count && !next_change(follow))
		return FLOW_NEXT;
	flow_pause(flow, 0);
	return FLOW_STAY;
}

/* --- publish ---------------------------------------------------------------------------------------- */

/* Takes the finished picture out of the making; one that is too large goes when the run ends. */
static struct snapshot *take_made(struct follow *follow)
{
	struct snapshot **place = follow->made ? &follow->made : &follow->base;
	struct snapshot *made;

	if (follow->is_too_large) {
		made = snapshot_create();
		made->is_complete = false;
	} else {
		made = *place;
		*place = NULL;
	}
	return made;
}

static void tell(struct follow *follow, const struct snapshot *made)
{
	metric_set(follow->bytes, (int64_t)snapshot_bytes(made));
	metric_set(follow->events, (int64_t)made->count);
	log_info(log_what("catalog picture"), log_number("edition", made->publication.edition),
		 log_number("events", (int64_t)made->count),
		 log_number("changes", (int64_t)follow->change_count),
		 log_number("bytes", (int64_t)snapshot_bytes(made)),
		 log_ms("ms", clock_steady_us() - follow->began_us));
}

static void judge_size(struct follow *follow)
{
	const struct snapshot *made = follow->made ? follow->made : follow->base;
	int64_t now = clock_steady_us();

	if ((int64_t)snapshot_bytes(made) > memory_limit(follow))
		follow->is_too_large = true;
	if (!follow->is_too_large) {
		follow->measure_again_us = 0;
		return;
	}
	if (follow->measure_again_us <= now) {
		log_warn(
			log_what(
				"catalog larger than CATALOG_MEMORY_MB: searches ask the database"),
			log_number("limit_bytes", memory_limit(follow)));
		follow->measure_again_us = now + TOO_LARGE_US;
	}
}

static enum flow_next publish(struct flow *flow)
{
	struct follow *follow = follow_of(flow);
	struct snapshot *made;

	judge_size(follow);
	made = take_made(follow);
	snapshot_seal(made);
	made->publication.edition = follow->edition;
	made->publication.changed_us = follow->changed_us;
	tell(follow, made);
	follow->catalog->options->publish(follow->catalog->options, &made->publication);
	if (follow->base == follow->current)
		follow->base = NULL;
	if (follow->current)
		publication_drop(&follow->current->publication);
	follow->current = made;
	confirm(follow);
	return FLOW_END;
}

static const struct flow_step steps[] = {
	{"look", look},   {"judge", judge},     {"measure", measure},
	{"pages", pages}, {"order", order},     {"changes", changes},
	{"merge", merge}, {"publish", publish}, {0},
};

/* Half the time at most goes into making pictures. */
static void ended(struct flow *flow)
{
	struct follow *follow = follow_of(flow);
	int64_t took_us = follow->began_us ? clock_steady_us() - follow->began_us : 0;

	if (follow->base && follow->base != follow->current)
		publication_drop(&follow->base->publication);
	if (follow->made)
		publication_drop(&follow->made->publication);
	runs_finish(&follow->runs);
	free(follow->changes);
	free(follow->changed_ids);
	follow->base = NULL;
	follow->made = NULL;
	follow->changes = NULL;
	follow->changed_ids = NULL;
	follow->change_count = 0;
	follow->change_size = 0;
	follow->at_base = 0;
	follow->at_change = 0;
	follow->is_too_large = false;
	follow->began_us = 0;
	follow->is_looking = false;
	if (!flow->is_stopping)
		look_in(follow, follow->looks_again ? took_us : LOOK_US);
	follow->looks_again = false;
}

static void due(struct loop_timer *timer)
{
	follow_look(container_of(timer, struct follow, timer));
}

/* --- the door --------------------------------------------------------------------------------------- */

struct follow *follow_create(struct catalog *catalog)
{
	struct follow *follow = calloc(1, sizeof(*follow));
	struct metrics *metrics = catalog->workshop->metrics;

	if (!follow)
		abort();
	follow->catalog = catalog;
	follow->timer.fire = due;
	follow->bytes = metrics_get(metrics, METRIC_GAUGE, "almanac_catalog_memory_bytes",
				    "Memory of the catalog's picture.", NULL);
	follow->events = metrics_get(metrics, METRIC_GAUGE, "almanac_catalog_events",
				     "Searchable events in the catalog's picture.", NULL);
	follow->edition_metric = metrics_get(metrics, METRIC_GAUGE, "almanac_catalog_edition",
					     "The catalog's edition.", NULL);
	look_in(follow, 0);
	return follow;
}

void follow_look(struct follow *follow)
{
	follow->looks_again = follow->is_looking;
	if (follow->is_looking)
		return;
	follow->is_looking = true;
	loop_timer_clear(follow->catalog->workshop->loop, &follow->timer);
	flow_start(follow->catalog->workshop->flows, &follow->flow, steps, ended);
}

void follow_destroy(struct follow *follow)
{
	if (!follow)
		return;
	loop_timer_clear(follow->catalog->workshop->loop, &follow->timer);
	if (follow->current)
		publication_drop(&follow->current->publication);
	free(follow);
}
