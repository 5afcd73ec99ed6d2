/* fuzz_feed.c - however a feed is cut, and whether its zones are wanted, it tells the same events;
 * and what it tells keeps to its limits */
#include <assert.h>
#include <string.h>

#include "almanac/container.h"
#include "almanac/json.h"
#include "catalog/feed.h"

#define STORY_MAX_BYTES (16 * 1024 * 1024)
#define MOST_PRICE (INT64_C(1000000000000) * 1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scribe {
	struct feed_listener listener;
	struct str story;
	bool wants_zones;
	bool is_good;
	size_t faults; /* told of the event that is open */
};

static void check_moment(const struct moment *moment)
{
	struct moment again;
	char text[MOMENT_TEXT_MAX];
	size_t length = moment_write_date(moment, text);

	assert(!moment->is_basic);
	assert(moment_parse((struct span){text, length}, &again));
	assert(again.year == moment->year && again.month == moment->month &&
	       again.day == moment->day);
	assert(moment->has_time || moment->hour + moment->minute + moment->second == 0);
	moment_of_unix_us(moment_unix_us(moment)); /* asserts that it is in range */
}

static void check_zones(const struct scribe *scribe, const struct feed_event *event)
{
	struct arena *arena = arena_create();
	const char *complaint = NULL;
	const struct json *zones;

	if (scribe->wants_zones) {
		zones = json_parse(arena, event->zones, &complaint);
		assert(zones && json_kind(zones) == JSON_ARRAY);
		assert(json_length(zones) == event->zone_count);
	} else {
		assert(event->zones.length == 0);
	}
	arena_destroy(arena);
}

static void check_event(const struct scribe *scribe, const struct feed_event *event)
{
	assert(event->base_id.length > 0 && event->base_id.length <= 200);
	assert(event->event_id.length > 0 && event->event_id.length <= 200);
	assert(event->title.length <= 2000);
	assert(span_is_text(event->base_id) && span_is_text(event->event_id));
	assert(span_is_text(event->title));
	assert(!event->is_available || (!event->is_sold_out && event->zone_count > 0));
	if (event->has_prices)
		assert(event->zone_count > 0 && event->min_price >= 0 &&
		       event->min_price <= event->max_price && event->max_price < MOST_PRICE);
	check_moment(&event->start);
	if (event->has_end)
		check_moment(&event->end);
	if (event->has_sell_from)
		check_moment(&event->sell_from);
	if (event->has_sell_to)
		check_moment(&event->sell_to);
	check_zones(scribe, event);
}

static void write_moment(struct str *story, bool is_given, const struct moment *moment)
{
	if (is_given)
		str_format(story, "|%lld %d %d", (long long)moment_unix_us(moment),
			   moment->has_time, moment->offset_minutes);
}

static bool note_event(struct feed_listener *listener, const struct feed_event *event)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);
	struct str *story = &scribe->story;

	check_event(scribe, event);
	str_append_char(story, '+');
	str_append(story, event->base_id);
	str_append_char(story, '/');
	str_append(story, event->event_id);
	str_append_char(story, '/');
	str_append(story, event->title);
	write_moment(story, true, &event->start);
	write_moment(story, event->has_end, &event->end);
	write_moment(story, event->has_sell_from, &event->sell_from);
	write_moment(story, event->has_sell_to, &event->sell_to);
	str_format(story, "|%d%d%d%d %lld-%lld %zu\n", event->is_online, event->is_sold_out,
		   event->is_available, event->has_prices, (long long)event->min_price,
		   (long long)event->max_price, event->zone_count);
	scribe->faults = 0;
	return true;
}

static bool note_rejected(struct feed_listener *listener, struct span base_id, struct span event_id)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	assert(scribe->faults > 0); /* why was told before */
	assert(span_is_text(base_id) && span_is_text(event_id));
	str_append_char(&scribe->story, '-');
	str_append(&scribe->story, base_id);
	str_append_char(&scribe->story, '/');
	str_append(&scribe->story, event_id);
	str_append_char(&scribe->story, '\n');
	scribe->faults = 0;
	return true;
}

static void note_problem(struct feed_listener *listener, const struct feed_problem *problem)
{
	struct scribe *scribe = container_of(listener, struct scribe, listener);

	assert(problem->base_id.length <= 200 && problem->event_id.length <= 200);
	assert(span_is_text(problem->base_id) && span_is_text(problem->event_id));
	assert(span_is_text(problem->value) && problem->value.length <= 8192);
	assert(*problem->field && *problem->message);
	str_format(&scribe->story, "!%s %s ", problem->field, problem->message);
	str_append(&scribe->story, problem->value);
	str_append_char(&scribe->story, '\n');
	scribe->faults++;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Pieces of random length up to `longest`. */
static void read_pieces(struct scribe *scribe, struct span feed, size_t longest, bool wants_zones)
{
	uint32_t seed = (uint32_t)feed.length;
	struct feed *reader;

	*scribe = (struct scribe){.listener = {note_event, note_rejected, note_problem},
				  .wants_zones = wants_zones,
				  .is_good = true};
	str_init(&scribe->story, STORY_MAX_BYTES);
	reader = feed_create(&scribe->listener, wants_zones);
	while (feed.length > 0 && scribe->is_good) {
		size_t length = 1 + next_random(&seed) % longest;

		if (length > feed.length || longest >= feed.length)
			length = feed.length;
		scribe->is_good = feed_read(reader, (struct span){feed.bytes, length});
		feed.bytes += length;
		feed.length -= length;
	}
	if (scribe->is_good)
		scribe->is_good = feed_end(reader);
	assert(scribe->is_good == (*feed_complaint(reader) == '\0'));
	assert(span_is_text(span_of(feed_complaint(reader))));
	str_append_text(&scribe->story, feed_complaint(reader));
	feed_destroy(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span feed = {(const char *)data, size};
	struct scribe whole, other;

	read_pieces(&whole, feed, size + 1, true);
	for (int i = 0; i < 3; i++) {
		read_pieces(&other, feed, i == 0 ? 1 : i == 1 ? 16 : size + 1, i != 2);
		assert(other.is_good == whole.is_good);
		assert(span_equals(str_span(&other.story), str_span(&whole.story)));
		str_finish(&other.story);
	}
	str_finish(&whole.story);
	return 0;
}
