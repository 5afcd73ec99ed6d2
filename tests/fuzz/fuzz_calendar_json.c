/* fuzz_calendar_json.c - whatever the pages of a list are, its items are whole and in order, its words
 * are text, and it asks for a next page until it is over; pages are cut at the byte 0x1E */
#include <assert.h>
#include <string.h>

#include "almanac/moment.h"
#include "calendar/source.h"

#define FIRST_US INT64_C(-62135596800000000)
#define LAST_US INT64_C(253402300799999999)
#define URL "http://source.example/events?limit=7&q=x"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span text, size_t max_bytes)
{
	assert(text.length <= max_bytes && span_is_text(text));
}

static void check_item(const struct calendar_item *item, bool is_incremental)
{
	assert(item->id.length > 0 && span_equals(item->id, item->series));
	check_text(item->id, CALENDAR_ID_MAX_BYTES);
	assert(is_incremental || !item->is_removed);
	if (item->is_removed)
		return;
	check_text(item->title, CALENDAR_TITLE_MAX_BYTES);
	check_text(item->description, CALENDAR_DESCRIPTION_MAX_BYTES);
	check_text(item->location, CALENDAR_LOCATION_MAX_BYTES);
	assert(item->starts_us >= FIRST_US && item->ends_us <= LAST_US);
	assert(item->starts_us <= item->ends_us);
	assert(item->updated_us >= FIRST_US && item->updated_us <= LAST_US);
	if (item->is_all_day)
		assert(item->starts_us % 86400000000 == 0 && item->ends_us % 86400000000 == 0 &&
		       item->starts_us < item->ends_us);
}

static int compare(struct span one, struct span other)
{
	size_t common = one.length < other.length ? one.length : other.length;
	int order = memcmp(one.bytes, other.bytes, common);

	return order != 0 ? order : (one.length > other.length) - (one.length < other.length);
}

static void check_problems(const struct calendar_items *items)
{
	assert(items->rejected_count <= items->problem_count);
	for (size_t i = 0; i < items->problem_count && i < CALENDAR_PROBLEMS_MAX; i++) {
		check_text(items->problems[i].series, CALENDAR_ID_MAX_BYTES);
		assert(span_is_text(span_of(items->problems[i].reason)));
		assert(items->problems[i].place > 0);
	}
	for (size_t i = 1; i < items->held_count; i++)
		assert(compare(items->held[i - 1], items->held[i]) < 0);
}

static void check_list(struct calendar_json *list)
{
	struct calendar_items items;

	calendar_json_end(list, &items);
	check_problems(&items);
	for (size_t i = 0; i < items.count; i++) {
		check_item(&items.all[i], calendar_json_is_incremental(list));
		assert(i == 0 || compare(items.all[i - 1].id, items.all[i].id) < 0);
	}
	check_text(calendar_json_sync_token(list), CALENDAR_TOKEN_MAX_BYTES);
	calendar_order_by_start(&items);
}

static void check_url(const char *url)
{
	struct span rest = span_of(url);

	assert(span_starts_with(rest, SPAN("http://source.example/events?")));
	for (size_t i = 0; i < rest.length; i++)
		assert(rest.bytes[i] > ' ' && rest.bytes[i] < 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create();
	bool is_incremental = size > 0 && data[0] == '+';
	struct calendar_json *list =
		calendar_json_create(arena, SPAN(URL), is_incremental ? SPAN("S") : SPAN(""), NULL);
	struct span rest = {(const char *)data + is_incremental, size - is_incremental};
	bool is_good = true;
	struct span page;

	while (is_good && calendar_json_url(list) && span_split(&rest, 0x1E, &page)) {
		const char *complaint = NULL;

		check_url(calendar_json_url(list));
		is_good = calendar_json_read(list, page, &complaint);
		assert(is_good || span_is_text(span_of(complaint)));
	}
	if (is_good)
		check_list(list);
	arena_destroy(arena);
	return 0;
}
