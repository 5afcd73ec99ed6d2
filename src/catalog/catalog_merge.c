/* catalog_merge.c - the second reading of a feed: events in batches are compared with what is
 * stored, only those that differ are written; then what vanished is marked. Steps of catalog_sync.c.
 *
 *   read a slice of the spool … until the batch is full ─▶ compare digests ─▶ store what differs
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "almanac/container.h"
#include "almanac/decimal.h"
#include "almanac/json.h"
#include "almanac/rows.h"
#include "sync.h"

#define SLICE_BYTES ((size_t)32 << 10)
#define BATCH_EVENTS 500

/* A slice is read to its end, and the reader may hold back as much again: a full batch must have
 * room for the events of both; the shortest has more than 32 bytes. */
#define BATCH_ROOM (BATCH_EVENTS + 2 * SLICE_BYTES / 32 + 2)

#define BATCH_BYTES ((size_t)1 << 20)
#define ARRAY_BYTES ((size_t)64 << 20)
#define ITEM_BYTES ((size_t)64 << 10)
#define DIGEST_HEX 32

enum column {
	COLUMN_BASE_ID,
	COLUMN_EVENT_ID,
	COLUMN_DIGEST,
	COLUMN_ONLINE,
	COLUMN_TITLE,
	COLUMN_START,
	COLUMN_END,
	COLUMN_SELL_FROM,
	COLUMN_SELL_TO,
	COLUMN_SOLD_OUT,
	COLUMN_AVAILABLE,
	COLUMN_MIN_PRICE,
	COLUMN_MAX_PRICE,
	COLUMN_ITEM,
	COLUMN_ZONES,
	COLUMN_COUNT
};

/* How many of them a comparison needs: the first four. */
#define COLUMNS_COMPARED (COLUMN_ONLINE + 1)

/* One event, as the texts of its columns; the empty span with bytes NULL is SQL NULL. */
struct batch_item {
	struct span columns[COLUMN_COUNT];
};

struct batch {
	struct flow flow;
	struct sync *sync;
	struct batch_item items[BATCH_ROOM];
	size_t count;
	size_t bytes;
	struct db_array columns[COLUMN_COUNT];
};

/* What the second reading keeps between batches. */
struct merging {
	struct batch batch;
	struct feed_listener listener;
	struct feed *feed;
	uint32_t ordinal;
	bool is_at_end;
};

static struct batch *batch_of(struct flow *flow)
{
	return container_of(flow, struct batch, flow);
}

static struct merging *merging_of(struct batch *batch)
{
	return container_of(batch, struct merging, batch);
}

/* --- an event becomes the texts of its columns ------------------------------------------------------ */

static struct span copy(struct batch *batch, struct span text)
{
	batch->bytes += text.length;
	return arena_copy(batch->flow.arena, text);
}

static struct span flag(bool is_so)
{
	return is_so ? SPAN("true") : SPAN("false");
}

/* As catalog_instant() in SQL reads it: local, or with its offset. */
static struct span written(struct batch *batch, bool is_given, const struct moment *moment)
{
	char date[MOMENT_TEXT_MAX], time[MOMENT_TEXT_MAX];
	int date_length, time_length;
	const char *text;

	if (!is_given)
		return (struct span){0};
	date_length = (int)moment_write_date(moment, date);
	time_length = (int)moment_write_time(moment, time);
	text = arena_format(batch->flow.arena, "%.*sT%.*s.%06d", date_length, date, time_length,
			    time, moment->microsecond);
	if (moment->has_offset)
		text = arena_format(batch->flow.arena, "%s%c%02d:%02d", text,
				    moment->offset_minutes < 0 ? '-' : '+',
				    abs(moment->offset_minutes) / 60,
				    abs(moment->offset_minutes) % 60);
	return span_of(text);
}

static struct span price(struct batch *batch, const struct feed_event *event, int64_t millionths)
{
	struct str out;
	struct span text = {0};

	if (!event->has_prices)
		return text;
	str_init(&out, 32);
	decimal_append(&out, millionths);
	text = copy(batch, str_span(&out));
	str_finish(&out);
	return text;
}

static void append_member(struct str *out, const char *name, struct span text, bool is_quoted)
{
	str_append_text(out, name);
	if (!text.bytes)
		str_append(out, SPAN("null"));
	else if (is_quoted)
		json_append_text(out, text);
	else
		str_append(out, text);
}

static void append_moment(struct str *out, const char *date_name, const char *time_name,
			  const struct moment *moment)
{
	char text[MOMENT_TEXT_MAX];
	struct span none = {0};

	append_member(out, date_name,
		      moment ? (struct span){text, moment_write_date(moment, text)} : none, true);
	append_member(out, time_name,
		      moment && moment->has_time
			      ? (struct span){text, moment_write_time(moment, text)}
			      : none,
		      true);
}

/* The finished JSON of a search's item behind its id. */
static struct span item_text(struct batch *batch, const struct feed_event *event,
			     const struct batch_item *item)
{
	struct str out;
	struct span text;

	str_init(&out, ITEM_BYTES);
	append_member(&out, "\"title\":", event->title.bytes ? event->title : SPAN(""), true);
	append_moment(&out, ",\"start_date\":", ",\"start_time\":", &event->start);
	append_moment(&out,
		      ",\"end_date\":", ",\"end_time\":", event->has_end ? &event->end : NULL);
	append_member(&out, ",\"min_price\":", item->columns[COLUMN_MIN_PRICE], false);
	append_member(&out, ",\"max_price\":", item->columns[COLUMN_MAX_PRICE], false);
	str_append_char(&out, '}');
	text = copy(batch, str_span(&out));
	str_finish(&out);
	return text;
}

/* Half a SHA-256 of all columns and of the timezone that local times are read by. */
static struct span item_digest(struct batch *batch, const struct batch_item *item)
{
	struct sync *sync = batch->sync;
	uint8_t bytes[DIGEST_LENGTH];
	struct str hex;
	struct span text;

	digest_feed(sync->digest, span_of(sync->timezone));
	for (int i = COLUMN_ONLINE; i < COLUMN_COUNT; i++) {
		digest_feed(sync->digest, (struct span){"", 1});
		digest_feed(sync->digest, item->columns[i]);
	}
	digest_take(sync->digest, bytes);
	str_init(&hex, DIGEST_HEX);
	str_append_hex(&hex, bytes, DIGEST_HEX / 2);
	text = copy(batch, str_span(&hex));
	str_finish(&hex);
	return text;
}

static void fill(struct batch *batch, const struct feed_event *event, struct batch_item *item)
{
	struct span *columns = item->columns;

	columns[COLUMN_BASE_ID] = copy(batch, event->base_id);
	columns[COLUMN_EVENT_ID] = copy(batch, event->event_id);
	columns[COLUMN_ONLINE] = flag(event->is_online);
	columns[COLUMN_TITLE] = copy(batch, event->title);
	columns[COLUMN_START] = written(batch, true, &event->start);
	columns[COLUMN_END] = written(batch, event->has_end, &event->end);
	columns[COLUMN_SELL_FROM] = written(batch, event->has_sell_from, &event->sell_from);
	columns[COLUMN_SELL_TO] = written(batch, event->has_sell_to, &event->sell_to);
	columns[COLUMN_SOLD_OUT] = flag(event->is_sold_out);
	columns[COLUMN_AVAILABLE] = flag(event->is_available);
	columns[COLUMN_MIN_PRICE] = price(batch, event, event->min_price);
	columns[COLUMN_MAX_PRICE] = price(batch, event, event->max_price);
	columns[COLUMN_ZONES] = copy(batch, event->zones);
	columns[COLUMN_ITEM] = item_text(batch, event, item);
	columns[COLUMN_DIGEST] = item_digest(batch, item);
}

/* --- reading a batch -------------------------------------------------------------------------------- */

/* Of an event that stands several times in the feed only the last one counts. */
static bool take_event(struct feed_listener *listener, const struct feed_event *event)
{
	struct merging *merging = container_of(listener, struct merging, listener);
	struct batch *batch = &merging->batch;

	merging->ordinal++;
	if (seen_last(&batch->sync->seen, seen_key(event->base_id, event->event_id)) !=
	    merging->ordinal)
		return true;
	if (batch->count == BATCH_ROOM)
		return false;
	fill(batch, event, &batch->items[batch->count++]);
	return true;
}

static bool skip_rejected(struct feed_listener *listener, struct span base_id, struct span event_id)
{
	(void)listener;
	(void)base_id;
	(void)event_id;
	return true;
}

static void skip_problem(struct feed_listener *listener, const struct feed_problem *problem)
{
	(void)listener;
	(void)problem;
}

/* False when the file does not read as it did before. */
static bool read_slice(struct merging *merging)
{
	char bytes[SLICE_BYTES];
	ssize_t length;

	do {
		length = read(merging->batch.sync->spool, bytes, sizeof(bytes));
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return false;
	merging->is_at_end = length == 0;
	if (merging->is_at_end)
		return feed_end(merging->feed);
	return feed_read(merging->feed, (struct span){bytes, (size_t)length});
}

static enum flow_next read_batch(struct flow *flow)
{
	struct batch *batch = batch_of(flow);
	struct merging *merging = merging_of(batch);

	if (!read_slice(merging)) {
		sync_fail(batch->sync, "the spooled feed could not be read again");
		return FLOW_END;
	}
	if (flow->is_stopping)
		return FLOW_END;
	if (merging->is_at_end)
		return batch->count ? FLOW_NEXT : FLOW_END;
	if (batch->count >= BATCH_EVENTS || batch->bytes >= BATCH_BYTES)
		return FLOW_NEXT;
	flow_pause(flow, 0);
	return FLOW_STAY;
}

/* --- comparing and storing -------------------------------------------------------------------------- */

static void add_to_arrays(struct batch *batch, const struct batch_item *item, int columns)
{
	for (int i = 0; i < columns; i++) {
		if (item->columns[i].bytes)
			db_array_add(&batch->columns[i], item->columns[i]);
		else
			db_array_add_null(&batch->columns[i]);
	}
}

static void clear_arrays(struct batch *batch)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		db_array_clear(&batch->columns[i]);
}

static enum flow_next compare_batch(struct flow *flow)
{
	struct batch *batch = batch_of(flow);
	struct db_value values[1 + COLUMNS_COMPARED] = {db_text(batch->sync->provider_id)};

	clear_arrays(batch);
	for (size_t i = 0; i < batch->count; i++)
		add_to_arrays(batch, &batch->items[i], COLUMNS_COMPARED);
	for (int i = 0; i < COLUMNS_COMPARED; i++)
		values[1 + i] = db_array_value(&batch->columns[i]);
	flow_ask(flow, batch->sync->workshop->read, SQL_CATALOG_SYNC_COMPARE, values,
		 1 + COLUMNS_COMPARED);
	return FLOW_WAIT;
}

static enum flow_next store_batch(struct flow *flow)
{
	struct batch *batch = batch_of(flow);
	struct db_value values[2 + COLUMN_COUNT] = {db_text(batch->sync->provider_id),
						    db_text(batch->sync->lease)};

	if (!sync_answered(batch->sync, flow) || rows_count(flow->answer->rows) == 0)
		return FLOW_END;
	clear_arrays(batch);
	for (size_t row = 0; row < rows_count(flow->answer->rows); row++) {
		size_t place = (size_t)rows_number(flow->answer->rows, row, 0) - 1;

		add_to_arrays(batch, &batch->items[place], COLUMN_COUNT);
	}
	for (int i = 0; i < COLUMN_COUNT; i++)
		values[2 + i] = db_array_value(&batch->columns[i]);
	flow_ask(flow, batch->sync->workshop->write, SQL_CATALOG_SYNC_MERGE, values,
		 2 + COLUMN_COUNT);
	return FLOW_WAIT;
}

static enum flow_next count_batch(struct flow *flow)
{
	struct sync *sync = batch_of(flow)->sync;

	if (!sync_answered(sync, flow))
		return FLOW_END;
	sync->is_stale = !span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "merged");
	sync->counters.created += rows_number_of(flow->answer->rows, 0, "created");
	sync->counters.updated += rows_number_of(flow->answer->rows, 0, "updated");
	return FLOW_END;
}

static const struct flow_step batch_steps[] = {{"read", read_batch},
					       {"compare", compare_batch},
					       {"store", store_batch},
					       {"count", count_batch},
					       {0}};

/* --- all batches ------------------------------------------------------------------------------------ */

static struct merging *begin_merging(struct sync *sync)
{
	struct merging *merging = calloc(1, sizeof(*merging));

	if (!merging)
		abort();
	merging->batch.sync = sync;
	merging->listener = (struct feed_listener){take_event, skip_rejected, skip_problem};
	merging->feed = feed_create(&merging->listener, true);
	for (int i = 0; i < COLUMN_COUNT; i++)
		db_array_init(&merging->batch.columns[i], ARRAY_BYTES);
	return merging;
}

static void end_merging(struct sync *sync)
{
	struct merging *merging = sync->merging;

	if (!merging)
		return;
	sync->merging = NULL;
	feed_destroy(merging->feed);
	for (int i = 0; i < COLUMN_COUNT; i++)
		db_array_finish(&merging->batch.columns[i]);
	free(merging);
}

enum flow_next sync_merge(struct flow *flow)
{
	struct sync *sync = sync_of(flow);

	if (!sync->merging && sync_goes_on(sync)) {
		sync->merging = begin_merging(sync);
		if (lseek(sync->spool, 0, SEEK_SET) != 0)
			sync_fail(sync, "the spooled feed could not be read again");
	}
	if (!sync->merging || !sync_goes_on(sync) || sync->merging->is_at_end) {
		end_merging(sync);
		return FLOW_NEXT;
	}
	sync->merging->batch.count = 0;
	sync->merging->batch.bytes = 0;
	flow_branch(flow, &sync->merging->batch.flow, batch_steps);
	return FLOW_STAY;
}
