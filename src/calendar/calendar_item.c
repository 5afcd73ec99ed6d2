/* calendar_item.c - events put into words: the JSON of one, and pages of those that are not stored. Called by
 * calendar_sync.c, calendar_peek.c and calendar_api.c. */
#include <string.h>

#include "almanac/digest.h"
#include "almanac/json.h"
#include "almanac/moment.h"
#include "item.h"

#define DATE_LENGTH 10 /* of an RFC 3339 text */

static const char *const status_words[] = {
	[CALENDAR_CONFIRMED] = "confirmed",
	[CALENDAR_TENTATIVE] = "tentative",
	[CALENDAR_CANCELLED] = "cancelled",
};

static void append_time(struct str *out, const char *name, int64_t unix_us, bool is_date)
{
	char text[MOMENT_TEXT_MAX];
	size_t length = moment_write_rfc3339(unix_us, text);

	str_append_text(out, name);
	str_append_char(out, '"');
	str_append(out, (struct span){text, is_date ? DATE_LENGTH : length});
	str_append_char(out, '"');
}

static void append_text(struct str *out, const char *name, struct span text)
{
	str_append_text(out, name);
	json_append_text(out, text);
}

void item_append(struct str *out, const struct calendar_item *item, int64_t updated_us)
{
	if (item->updated_us)
		updated_us = item->updated_us;
	append_text(out, "{\"id\":", item->id);
	append_text(out, ",\"title\":", item->title);
	append_text(out, ",\"description\":", item->description);
	append_text(out, ",\"location\":", item->location);
	append_time(out, ",\"startsAt\":", item->starts_us, item->is_all_day);
	append_time(out, ",\"endsAt\":", item->ends_us, item->is_all_day);
	str_append_text(out, item->is_all_day ? ",\"allDay\":true" : ",\"allDay\":false");
	append_text(out, ",\"status\":", span_of(status_words[item->status]));
	if (updated_us)
		append_time(out, ",\"updatedAt\":", updated_us, false);
	else
		str_append_text(out, ",\"updatedAt\":null");
	str_append_char(out, '}');
}

void item_digest(const struct calendar_item *item, struct str *scratch,
		 char hex[ITEM_DIGEST_LENGTH + 1])
{
	uint8_t bytes[DIGEST_LENGTH];
	struct str text;

	str_clear(scratch);
	item_append(scratch, item, 0);
	str_append(scratch, item->series);
	digest_of(str_span(scratch), bytes);
	str_init(&text, ITEM_DIGEST_LENGTH);
	str_append_hex(&text, bytes, ITEM_DIGEST_LENGTH / 2);
	memcpy(hex, str_text(&text), ITEM_DIGEST_LENGTH + 1);
	str_finish(&text);
}

/* --- pages ------------------------------------------------------------------------------------------------ */

static bool is_in(const struct item_page *page, const struct calendar_item *item)
{
	return (!page->has_to || item->starts_us < page->to_us) &&
	       (!page->has_from || item->starts_us >= page->from_us ||
		item->ends_us > page->from_us);
}

void item_append_end(struct str *out, const struct item_page *page, int64_t total,
		     const char *origin, struct span synced)
{
	str_format(out, "],\"start\":%lld,\"limit\":%lld,\"total\":%lld,\"origin\":\"%s\",",
		   (long long)page->start, (long long)page->limit, (long long)total, origin);
	str_append(out, SPAN("\"syncedAt\":"));
	str_append(out, synced);
	str_append(out, SPAN("}\n"));
}

void item_append_page(struct str *out, const struct calendar_items *items,
		      const struct item_page *page)
{
	int64_t total = 0;

	str_append(out, SPAN("{\"data\":["));
	for (size_t i = 0; i < items->count && total < CALENDAR_REACHABLE; i++) {
		if (!is_in(page, &items->all[i]))
			continue;
		total++;
		if (total <= page->start || total - page->start > page->limit)
			continue;
		if (total - page->start > 1)
			str_append_char(out, ',');
		item_append(out, &items->all[i], 0);
	}
	item_append_end(out, page, total, "source", SPAN("null"));
}
