/* catalog_vanish.c - marks the events that a feed no longer has. A step of catalog_sync.c.
 *
 * Most feeds lose nothing from one sync to the next: counting is enough. Only when the numbers
 * differ are the stored keys read page by page and held against those the feed has shown.
 */
#include <stdlib.h>

#include "almanac/container.h"
#include "almanac/rows.h"
#include "sync.h"

#define PAGE_ROWS 5000
#define IDS_BYTES ((size_t)1 << 20)

struct vanishing {
	struct flow flow; /* one page */
	struct sync *sync;
	struct db_array gone;
	int64_t last_id;
	bool is_counted;
	bool is_over;
};

static struct vanishing *vanishing_of(struct flow *flow)
{
	return container_of(flow, struct vanishing, flow);
}

static enum flow_next ask_page(struct flow *flow)
{
	struct vanishing *vanishing = vanishing_of(flow);
	const struct db_value values[] = {
		db_text(vanishing->sync->provider_id),
		db_number(flow->arena, vanishing->last_id),
		db_number(flow->arena, vanishing->is_counted ? PAGE_ROWS : 1),
	};

	flow_ask(flow, vanishing->sync->workshop->read, SQL_CATALOG_SYNC_PRESENT, values, 3);
	return FLOW_WAIT;
}

/* True when as many stand in the table as the feed has shown. */
static bool is_complete(struct vanishing *vanishing, const struct db_rows *rows)
{
	int64_t present = rows_count(rows) ? rows_number_of(rows, 0, "present") : 0;

	vanishing->is_counted = true;
	return present == (int64_t)vanishing->sync->seen.accepted;
}

static void list_gone(struct vanishing *vanishing, const struct db_rows *rows)
{
	db_array_clear(&vanishing->gone);
	for (size_t row = 0; row < rows_count(rows); row++) {
		uint64_t key = seen_key(rows_text(rows, row, 1), rows_text(rows, row, 2));

		vanishing->last_id = rows_number(rows, row, 0);
		if (!seen_has(&vanishing->sync->seen, key))
			db_array_add(&vanishing->gone, rows_text(rows, row, 0));
	}
	vanishing->is_over = rows_count(rows) < PAGE_ROWS;
}

static enum flow_next mark_gone(struct flow *flow)
{
	struct vanishing *vanishing = vanishing_of(flow);
	struct sync *sync = vanishing->sync;

	if (!sync_answered(sync, flow))
		return FLOW_END;
	if (!vanishing->is_counted) {
		vanishing->is_over = is_complete(vanishing, flow->answer->rows);
		return FLOW_END;
	}
	list_gone(vanishing, flow->answer->rows);
	if (vanishing->gone.count == 0)
		return FLOW_END;
	const struct db_value values[] = {db_text(sync->provider_id), db_text(sync->lease),
					  db_array_value(&vanishing->gone)};

	flow_ask(flow, sync->workshop->write, SQL_CATALOG_SYNC_VANISH, values, 3);
	return FLOW_WAIT;
}

static enum flow_next count_gone(struct flow *flow)
{
	struct sync *sync = vanishing_of(flow)->sync;

	if (!sync_answered(sync, flow))
		return FLOW_END;
	sync->is_stale = !span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "vanished");
	sync->counters.vanished += rows_number_of(flow->answer->rows, 0, "vanished");
	return FLOW_END;
}

static const struct flow_step page_steps[] = {
	{"ask page", ask_page}, {"mark gone", mark_gone}, {"count gone", count_gone}, {0}};

static void begin(struct sync *sync)
{
	sync->vanishing = calloc(1, sizeof(*sync->vanishing));
	if (!sync->vanishing)
		abort();
	sync->vanishing->sync = sync;
	db_array_init(&sync->vanishing->gone, IDS_BYTES);
}

static void finish(struct sync *sync)
{
	if (!sync->vanishing)
		return;
	db_array_finish(&sync->vanishing->gone);
	free(sync->vanishing);
	sync->vanishing = NULL;
}

enum flow_next sync_vanish(struct flow *flow)
{
	struct sync *sync = sync_of(flow);

	if (!sync->vanishing && sync_goes_on(sync))
		begin(sync);
	if (!sync->vanishing || !sync_goes_on(sync) || sync->vanishing->is_over ||
	    flow->is_stopping) {
		finish(sync);
		return FLOW_NEXT;
	}
	flow_branch(flow, &sync->vanishing->flow, page_steps);
	return FLOW_STAY;
}
