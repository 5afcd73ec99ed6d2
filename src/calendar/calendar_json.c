/* calendar_json.c - a list of events in JSON, page by page; the room calls me, I call json.c and the
 * readers of one event */
#include <string.h>

#include "gather.h"
#include "json_list.h"

struct calendar_json {
	struct arena *arena;
	struct span source;
	struct calendar_question question; /* the page to come */
	int64_t first;                     /* the `start` of the source's own URL */
	bool is_over, is_incremental;
	struct span next_sync_token;
	size_t pages;
	int64_t received; /* items so far, good or not */

	/* The page before: a source that does not know `start` gives it again. */
	struct span first_id, last_id;
	size_t last_count;

	struct calendar_item_reader items;
	struct calendar_gather gather;
};

/* One page, while it is read. The events are parsed one by one: what is wrong with one, be it a byte that
 * is no UTF-8, costs no other. */
struct page {
	struct arena *arena;
	const struct json *root; /* without its events; NULL when it is a bare list */
	bool has_list;           /* a page with tokens may do without */
	struct span *items;      /* the texts of the events */
	size_t count;
	struct span page_token, sync_token;
	int64_t total, limit; /* -1: it does not say */
	struct span first_id, last_id;
};

static bool complain(const char **complaint, const char *text)
{
	*complaint = text;
	return false;
}

/* --- the page --------------------------------------------------------------------------------------- */

static struct span without_byte_order_mark(struct span body)
{
	struct span text = span_trim(body);

	if (span_starts_with(text, SPAN("\xef\xbb\xbf"))) {
		text.bytes += 3;
		text.length -= 3;
	}
	return span_trim(text);
}

/* What an answer without a list says of itself, as Google writes errors. */
static const char *lament(struct arena *arena, const struct json *root)
{
	const struct json *error = json_member(root, "error");
	const struct json *message = error;

	if (error && json_kind(error) == JSON_OBJECT)
		message = json_member(error, "message");
	if (!message || json_kind(message) != JSON_TEXT)
		return "an object without a list named data, events or items";
	return arena_format(arena, "the source says: %.*s",
			    (int)calendar_cut(json_text(message), 256).length,
			    json_text(message).bytes);
}

/* jansson quotes what it stumbles over, which may be cut within a character. */
static const char *because(const struct page *page, const char *reason)
{
	return span_is_text(span_of(reason)) ? arena_format(page->arena, ": %s", reason) : "";
}

static const struct json *parse(struct calendar_json *list, struct page *page, struct span text,
				const char **complaint)
{
	const char *reason;
	const struct json *root = json_parse(page->arena, text, &reason);

	if (!root)
		*complaint = arena_format(list->arena, "this is not JSON%s", because(page, reason));
	return root;
}

static bool cut_items(struct page *page, struct span text, const char **complaint)
{
	struct json_items items = json_items(text);
	size_t room = 0;
	struct span item;

	while (json_next_item(&items, &item)) {
		page->items = calendar_grow(page->arena, page->items, page->count, &room,
					    sizeof(*page->items));
		page->items[page->count++] = item;
	}
	page->has_list = true;
	return !items.is_broken ||
	       complain(complaint, "this is not JSON: the list of events is broken or cut");
}

/* The text of the list among the members of an object; the empty span: there is none. */
static struct span find_list(struct span object, const char **name)
{
	static const char *const names[] = {"data", "events", "items"};
	struct span text = {0};

	for (size_t i = 0; i < 3 && text.length == 0; i++) {
		*name = names[i];
		text = json_member_text(object, names[i]);
	}
	return text;
}

static struct span without_list(struct arena *arena, struct span object, struct span items)
{
	struct span front = {object.bytes, (size_t)(items.bytes - object.bytes)};
	struct span back = {items.bytes + items.length,
			    object.length - front.length - items.length};
	char *text = arena_alloc(arena, front.length + back.length + 3);

	memcpy(text, front.bytes, front.length);
	memcpy(text + front.length, "[]", 2);
	memcpy(text + front.length + 2, back.bytes, back.length);
	return (struct span){text, front.length + 2 + back.length};
}

static bool read_object(struct calendar_json *list, struct page *page, struct span text,
			const char **complaint)
{
	const char *name;
	struct span items = find_list(text, &name);
	bool is_list = items.length > 0 && items.bytes[0] == '[';

	page->root = parse(list, page, is_list ? without_list(page->arena, text, items) : text,
			   complaint);
	if (!page->root)
		return false;
	if (is_list)
		return cut_items(page, items, complaint);
	if (items.length == 0)
		return true;
	return complain(complaint,
			arena_format(list->arena, "%s has to be a list, not %s", name,
				     json_kind_name(json_kind(json_member(page->root, name)))));
}

static bool read_body(struct calendar_json *list, struct page *page, struct span body,
		      const char **complaint)
{
	struct span text = without_byte_order_mark(body);
	const struct json *root;

	if (text.length == 0)
		return complain(complaint, "the answer is empty");
	if (text.bytes[0] == '<')
		return complain(complaint, "this is a page for people (HTML or XML), not JSON");
	if (text.bytes[0] == '[')
		return cut_items(page, text, complaint);
	if (text.bytes[0] == '{')
		return read_object(list, page, text, complaint);
	root = parse(list, page, text, complaint);
	return root && complain(complaint,
				arena_format(list->arena, "a list of events was expected, not %s",
					     json_kind_name(json_kind(root))));
}

static bool read_token(struct calendar_json *list, const struct page *page, const char *name,
		       struct span *token, const char **complaint)
{
	const struct json *value = json_member(page->root, name);

	if (!value || json_kind(value) == JSON_NULL)
		return true;
	if (json_kind(value) != JSON_TEXT)
		return complain(complaint,
				arena_format(list->arena, "%s has to be a string, not %s", name,
					     json_kind_name(json_kind(value))));
	if (json_text(value).length > CALENDAR_TOKEN_MAX_BYTES)
		return complain(complaint,
				arena_format(list->arena, "%s has more than 4,096 bytes", name));
	*token = arena_copy(list->arena, json_text(value));
	return true;
}

static int64_t number_in(const struct page *page, const char *name)
{
	const struct json *value = json_member(page->root, name);

	return value && json_kind(value) == JSON_INTEGER && json_integer(value) >= 0
		       ? json_integer(value)
		       : -1;
}

static bool has_tokens(const struct page *page)
{
	return page->page_token.length > 0 || page->sync_token.length > 0;
}

/* A name that means nothing is no reason to refuse a list. */
static void take_zone(struct calendar_json *list, const struct page *page)
{
	const struct json *name = json_member(page->root, "timeZone");
	const struct zone *zone;

	if (!name || json_kind(name) != JSON_TEXT)
		return;
	zone = calendar_item_zone(&list->items, json_text(name));
	if (zone)
		list->items.zone = zone;
}

static bool read_head(struct calendar_json *list, struct page *page, const char **complaint)
{
	if (!page->root)
		return true;
	if (!read_token(list, page, "nextPageToken", &page->page_token, complaint) ||
	    !read_token(list, page, "nextSyncToken", &page->sync_token, complaint))
		return false;
	page->total = number_in(page, "total");
	page->limit = number_in(page, "limit");
	take_zone(list, page);
	if (!page->has_list && !has_tokens(page))
		return complain(complaint, lament(list->arena, page->root));
	return true;
}

/* --- its items -------------------------------------------------------------------------------------- */

static struct span id_at(struct calendar_json *list, struct page *page, size_t place)
{
	const char *complaint;
	const struct json *json = json_parse(page->arena, page->items[place], &complaint);

	return json ? calendar_item_id(list->arena, json) : SPAN("");
}

static bool is_repeated(struct calendar_json *list, struct page *page)
{
	if (page->count == 0)
		return false;
	page->first_id = id_at(list, page, 0);
	page->last_id = id_at(list, page, page->count - 1);
	return list->question.start >= 0 && page->count == list->last_count &&
	       page->first_id.length > 0 && span_equals(page->first_id, list->first_id) &&
	       span_equals(page->last_id, list->last_id);
}

static void reject(struct calendar_json *list, struct span id, const char *reason)
{
	calendar_gather_reject(&list->gather, id, list->received, reason);
	calendar_gather_hold(&list->gather, id);
}

/* One that cannot even be parsed may be any of those that are stored. */
static void take_item(struct calendar_json *list, struct page *page, struct span text)
{
	const char *reason;
	const struct json *json = json_parse(page->arena, text, &reason);
	struct calendar_item item;

	list->received++;
	if (!json) {
		reject(list, SPAN(""),
		       arena_format(list->arena, "it is not JSON%s", because(page, reason)));
		list->gather.holds_all = true;
		return;
	}
	reason = calendar_item_read(&list->items, json, &item);
	if (reason)
		reject(list, item.id, reason);
	else
		calendar_gather_add(&list->gather, &item);
}

static void take_items(struct calendar_json *list, struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		take_item(list, page, page->items[i]);
}

/* --- what comes next -------------------------------------------------------------------------------- */

static bool is_by_token(const struct calendar_json *list, const struct page *page)
{
	const struct json *kind = page->root ? json_member(page->root, "kind") : NULL;

	return has_tokens(page) || list->question.page_token.length > 0 || list->is_incremental ||
	       (kind && json_kind(kind) == JSON_TEXT &&
		span_is(json_text(kind), "calendar#events"));
}

static bool plan_by_token(struct calendar_json *list, const struct page *page,
			  const char **complaint)
{
	if (page->page_token.length > 0 && span_equals(page->page_token, list->question.page_token))
		return complain(complaint, "the source gives the same page token again");
	list->question.page_token = page->page_token;
	list->next_sync_token = page->sync_token;
	list->is_over = page->page_token.length == 0;
	return true;
}

/* A source may keep a limit to itself: nearly always a multiple of five. */
static bool may_have_more(const struct calendar_json *list, const struct page *page)
{
	int64_t limit = page->limit > 0 ? page->limit : list->question.limit;

	if (page->count == 0)
		return false;
	if (limit < 0)
		limit = calendar_url_number(list->source, "limit");
	return page->count % 5 == 0 || (limit > 0 && (int64_t)page->count >= limit);
}

static void ask_from(struct calendar_json *list, int64_t start)
{
	list->question.start = start;
	if (calendar_url_number(list->source, "limit") <= 0)
		list->question.limit = CALENDAR_PAGE_LIMIT;
}

static bool plan_by_start(struct calendar_json *list, const struct page *page,
			  const char **complaint)
{
	int64_t at = list->first + list->received;

	if (page->total < 0)
		list->is_over = !may_have_more(list, page);
	else if (page->count == 0 && at < page->total)
		return complain(complaint, arena_format(list->arena,
							"the list ended after %lld of %lld events",
							(long long)at, (long long)page->total));
	else
		list->is_over = at >= page->total;
	if (!list->is_over)
		ask_from(list, at);
	return true;
}

/* The same page again: the list was whole before, unless it says that there is more. */
static bool end_by_repetition(struct calendar_json *list, const struct page *page,
			      const char **complaint)
{
	if (page->total > list->first + list->received)
		return complain(complaint, "the source gives the same page again, whatever `start` "
					   "says");
	list->is_over = true;
	return true;
}

static bool take_page(struct calendar_json *list, struct page *page, const char **complaint)
{
	if (is_repeated(list, page) && !is_by_token(list, page))
		return end_by_repetition(list, page, complaint);
	if (list->received + (int64_t)page->count > CALENDAR_ITEMS_MAX)
		return complain(complaint, "the list has more than 50,000 events");
	take_items(list, page);
	list->first_id = page->first_id;
	list->last_id = page->last_id;
	list->last_count = page->count;
	if (is_by_token(list, page))
		return plan_by_token(list, page, complaint);
	return plan_by_start(list, page, complaint);
}

/* --- the door --------------------------------------------------------------------------------------- */

struct calendar_json *calendar_json_create(struct arena *arena, struct span url,
					   struct span sync_token, const struct zone *floating)
{
	struct calendar_json *list = arena_alloc(arena, sizeof(*list));
	int64_t first = calendar_url_number(url, "start");

	list->arena = arena;
	list->source = arena_copy(arena, url);
	list->question = (struct calendar_question){.start = -1, .limit = -1};
	list->question.sync_token = arena_copy(arena, sync_token);
	list->is_incremental = sync_token.length > 0;
	list->first = first > 0 ? first : 0;
	list->items.arena = arena;
	list->items.zone = floating ? floating : zone_utc();
	list->gather.arena = arena;
	return list;
}

const char *calendar_json_url(const struct calendar_json *list)
{
	return list->is_over ? NULL
			     : calendar_question_url(list->arena, list->source, &list->question);
}

bool calendar_json_read(struct calendar_json *list, struct span body, const char **complaint)
{
	struct page page = {.arena = arena_create(), .total = -1, .limit = -1};
	bool is_good = read_body(list, &page, body, complaint) &&
		       read_head(list, &page, complaint) && take_page(list, &page, complaint);

	arena_destroy(page.arena);
	list->pages++;
	if (is_good && !list->is_over && list->pages >= CALENDAR_PAGES_MAX)
		return complain(complaint, "the list has more than 2,000 pages");
	return is_good;
}

void calendar_json_end(struct calendar_json *list, struct calendar_items *items)
{
	calendar_gather_end(&list->gather, !list->is_incremental, items);
}

bool calendar_json_is_incremental(const struct calendar_json *list)
{
	return list->is_incremental;
}

struct span calendar_json_sync_token(const struct calendar_json *list)
{
	return list->next_sync_token;
}

size_t calendar_json_page_count(const struct calendar_json *list)
{
	return list->pages;
}
