/* catalog_search.c - one search for all paths; called by catalog_api.c, walks catalog_snapshot.c. */
#include "search.h"

#include <string.h>

#include "almanac/container.h"
#include "almanac/rows.h"

#define CURSOR_BYTES 4096
#define CURSOR_PARTS 4
#define NUMBER_LENGTH_MAX 40
#define DIGITS "0123456789"

/* Columns that the three statements share. */
enum { ROW_ID, ROW_UUID, ROW_ITEM, ROW_START };

/* --- fields ----------------------------------------------------------------------------------------- */

static int place_of(struct request *request, const char *name)
{
	const struct field *table = request_endpoint(request)->reads;

	for (int place = 0; table[place].name; place++)
		if (strcmp(table[place].name, name) == 0)
			return place;
	return -1;
}

const struct field *search_field(struct request *request, const char *name)
{
	int place = place_of(request, name);

	return place < 0 ? NULL : &request_endpoint(request)->reads[place];
}

const struct field_value *search_value(struct request *request, const char *name)
{
	int place = place_of(request, name);
	const struct field_value *value = place < 0 ? NULL : request_value(request, (size_t)place);

	return value && value->is_given ? value : NULL;
}

static const char *text_of(struct request *request, const char *name)
{
	const struct field_value *value = search_value(request, name);

	return value ? value->text : NULL;
}

static bool flag_of(struct request *request, const char *name)
{
	const struct field_value *value = search_value(request, name);

	return value && value->number;
}

static int64_t number_of(struct request *request, const char *name, int64_t otherwise)
{
	const struct field_value *value = search_value(request, name);

	return value ? value->number : otherwise;
}

/* --- cursors: "start|µs|id" or "order|number|id|title", in base64url --------------------------------- */

static size_t split(struct arena *arena, struct span text, const char *parts[CURSOR_PARTS])
{
	struct span part;
	size_t count = 0;

	while (count < CURSOR_PARTS - 1 && span_split(&text, '|', &part))
		parts[count++] = arena_text(arena, part);
	if (text.bytes)
		parts[count++] = arena_text(arena, text);
	return count;
}

/* As PostgreSQL writes a numeric: "-12.50". */
static bool is_number(const char *text)
{
	const char *whole = text + (*text == '-');
	const char *rest = whole + strspn(whole, DIGITS);
	const char *fraction = rest + (*rest == '.');
	const char *end = fraction + strspn(fraction, DIGITS);

	return rest > whole && *end == '\0' && (*rest == '\0' || end > fraction) &&
	       end - text < NUMBER_LENGTH_MAX;
}

static bool read_cursor(struct request *request, struct span text, const char *order,
			struct search_cursor *cursor)
{
	const char *parts[CURSOR_PARTS];
	struct span bytes;
	size_t wanted = order ? 4 : 3;

	if (!base64url_parse(request_arena(request), text, &bytes) || !span_is_text(bytes) ||
	    split(request_arena(request), bytes, parts) != wanted)
		return false;
	if (strcmp(parts[0], order ? order : "start") != 0 ||
	    !integer_parse(span_of(parts[2]), &cursor->id) || cursor->id < 0 ||
	    cursor->id == INT64_MAX)
		return false;
	cursor->is_given = true;
	cursor->number = parts[1];
	cursor->title = order ? parts[3] : "";
	if (order)
		return is_number(parts[1]) || strcmp(parts[1], "Infinity") == 0;
	return integer_parse(span_of(parts[1]), &cursor->start_us) &&
	       cursor->start_us > SEARCH_START_MIN_US && cursor->start_us < SEARCH_START_MAX_US;
}

static const char *write_cursor(struct request *request, const char *text)
{
	struct str out;
	const char *cursor;

	str_init(&out, CURSOR_BYTES);
	base64url_append(&out, span_of(text));
	cursor = arena_text(request_arena(request), str_span(&out));
	str_finish(&out);
	return cursor;
}

static const char *cursor_behind(struct request *request, int64_t start_us, int64_t id)
{
	return write_cursor(request, arena_format(request_arena(request), "start|%lld|%lld",
						  (long long)start_us, (long long)id));
}

static const char *cursor_of_row(struct request *request, const struct search *search,
				 const struct db_rows *rows, size_t row)
{
	struct span number, title;

	if (!search->order)
		return cursor_behind(request, rows_number(rows, row, ROW_START),
				     rows_number(rows, row, ROW_ID));
	number = rows_text_of(rows, row, "_number");
	title = rows_text_of(rows, row, "_title");
	return write_cursor(request, arena_format(request_arena(request), "%s|%.*s|%lld|%.*s",
						  search->order, (int)number.length, number.bytes,
						  (long long)rows_number(rows, row, ROW_ID),
						  (int)title.length, title.bytes));
}

/* --- reading ---------------------------------------------------------------------------------------- */

/* What clients call the orders, and what the statement does. "start" is the order of walks. */
static const struct {
	const char *sort, *order;
} orders[] = {
	{"-start", "-start"}, {"price", "min_price"}, {"-price", "-max_price"},
	{"title", "title"},   {"-title", "-title"},
};

static const char *order_of(struct request *request)
{
	const char *sort = text_of(request, "sort");

	for (size_t i = 0; sort && i < sizeof(orders) / sizeof(*orders); i++)
		if (strcmp(sort, orders[i].sort) == 0)
			return orders[i].order;
	return NULL;
}

static void read_bounds(struct request *request, const struct search_names *names,
			struct search *search)
{
	search->from = text_of(request, names->from);
	search->to = text_of(request, names->to);
	search->window.match = (enum snapshot_match)number_of(request, "match", MATCH_WITHIN);
	search->window.from_us = number_of(request, names->from, INT64_MIN);
	search->window.to_us = number_of(request, names->to, INT64_MAX);
}

bool search_read(struct request *request, const struct search_names *names, struct search *search)
{
	const struct field_value *cursor = search_value(request, "cursor");

	*search = (struct search){
		.words = text_of(request, "q"),
		.provider = text_of(request, "provider"),
		.min_price = text_of(request, "minPrice"),
		.max_price = text_of(request, "maxPrice"),
		.is_available = flag_of(request, "available"),
		.with_offline = flag_of(request, "offline"),
		.order = order_of(request),
		.limit = number_of(request, "limit", SEARCH_LIST_MAX),
		.wants_total = flag_of(request, "total"),
	};
	read_bounds(request, names, search);
	if (!cursor)
		return true;
	if (!read_cursor(request, (struct span){cursor->text, cursor->length}, search->order,
			 &search->cursor))
		return false;
	search->window.has_cursor = true;
	search->window.cursor_start_us = search->cursor.start_us;
	search->window.cursor_id = search->cursor.id;
	return true;
}

void search_check(struct request *request, const struct search_names *names,
		  struct field_faults *faults)
{
	struct search search;

	if (!search_read(request, names, &search))
		fields_fault(faults, search_field(request, "cursor"), "format",
			     "must be the cursor of an earlier answer to the same search",
			     text_of(request, "cursor"));
	if (search.from && search.to && search.window.from_us > search.window.to_us)
		fields_fault(faults, search_field(request, names->to), "order",
			     arena_format(request_arena(request), "must not be before %s",
					  names->from),
			     search.to);
}

/* --- from memory ------------------------------------------------------------------------------------ */

static const struct snapshot *picture_for(struct request *request, const struct search *search)
{
	const struct publication *publication = request_publication(request);
	const struct snapshot *snapshot;

	if (!publication || search->words || search->provider || search->min_price ||
	    search->max_price || search->is_available || search->with_offline || search->order)
		return NULL;
	snapshot = container_of_const(publication, struct snapshot, publication);
	return snapshot->is_complete ? snapshot : NULL;
}

static void append_item(struct listing *listing, const struct search_shape *shape, int64_t id,
			struct span uuid, struct span text)
{
	struct str *out = &listing->reply->body;

	str_append_text(out, listing->shown++ ? ",{\"id\":" : "{\"id\":");
	if (shape->has_integer_ids) {
		str_append_number(out, id);
	} else {
		str_append_char(out, '"');
		str_append(out, uuid);
		str_append_char(out, '"');
	}
	str_append_char(out, ',');
	str_append(out, text);
}

static void skip_rows(const struct snapshot *snapshot, struct snapshot_window *window, int64_t rows)
{
	while (rows-- > 0 && snapshot_next(snapshot, window))
		;
}

static void walk(const struct snapshot *snapshot, struct snapshot_window *window,
		 struct listing *listing, const struct search_shape *shape)
{
	const struct snapshot_entry *entry, *last = NULL;
	char uuid[UUID_TEXT_LENGTH];

	while (listing->shown < listing->search->limit &&
	       (entry = snapshot_next(snapshot, window))) {
		snapshot_draw_near(snapshot, window);
		uuid_write(&entry->uuid, uuid);
		append_item(listing, shape, entry->id, (struct span){uuid, sizeof(uuid)},
			    (struct span){entry->text, entry->text_length});
		last = entry;
	}
	if (last && snapshot_next(snapshot, window))
		listing->next = cursor_behind(listing->request, last->start_us, last->id);
}

bool search_answer(struct request *request, const struct search *search,
		   const struct search_shape *shape, struct reply *reply)
{
	const struct snapshot *snapshot = picture_for(request, search);
	struct snapshot_window window = search->window;
	struct listing listing = {request, reply, search, 0, -1, NULL};

	if (!snapshot)
		return false;
	if (search->wants_total)
		listing.total = (int64_t)snapshot_total(snapshot, &window);
	snapshot_find(snapshot, &window);
	skip_rows(snapshot, &window, search->skip);
	shape->begin(&listing);
	walk(snapshot, &window, &listing, shape);
	shape->end(&listing);
	return true;
}

/* --- from SQL --------------------------------------------------------------------------------------- */

enum {
	START_MIN,
	START_MAX,
	END_MIN,
	END_MAX,
	PROVIDER,
	MIN_PRICE,
	MAX_PRICE,
	AVAILABLE,
	OFFLINE,
	CURSOR_KEY,
	CURSOR_ID,
	LIMIT,
	TOTAL,
	WORDS,
	ORDER,
	CURSOR_TITLE,
	SKIP,
	VALUE_COUNT
};

static struct db_value flag(bool is_so)
{
	return db_text(is_so ? "true" : "false");
}

static void ask_bounds(const struct search *search, struct db_value *values)
{
	values[START_MIN] = db_text(search->window.match == MATCH_OVERLAPS ? NULL : search->from);
	values[START_MAX] = db_text(search->to);
	values[END_MIN] = db_text(search->window.match == MATCH_OVERLAPS ? search->from : NULL);
	values[END_MAX] = db_text(search->window.match == MATCH_WITHIN ? search->to : NULL);
}

static void ask_cursor(struct arena *arena, const struct search *search, struct db_value *values)
{
	const struct search_cursor *cursor = &search->cursor;

	values[CURSOR_KEY] = db_text(cursor->is_given ? cursor->number : NULL);
	values[CURSOR_ID] = cursor->is_given ? db_number(arena, cursor->id) : db_text(NULL);
	values[CURSOR_TITLE] = db_text(cursor->is_given ? cursor->title : NULL);
}

/* One row more than is shown tells whether there is more. */
void search_ask(struct request *request, const struct search *search, struct asking *asking)
{
	struct arena *arena = request_arena(request);
	struct db_value *values = asking->values;

	ask_bounds(search, values);
	ask_cursor(arena, search, values);
	values[PROVIDER] = db_text(search->provider);
	values[MIN_PRICE] = db_text(search->min_price);
	values[MAX_PRICE] = db_text(search->max_price);
	values[AVAILABLE] = flag(search->is_available);
	values[OFFLINE] = flag(search->with_offline);
	values[LIMIT] = db_number(arena, search->limit + 1);
	values[TOTAL] = flag(search->wants_total);
	values[WORDS] = db_text(search->words);
	values[ORDER] = db_text(search->order);
	values[SKIP] = db_number(arena, search->skip);
	asking->statement = search->order   ? SQL_CATALOG_SEARCH_SORTED
			    : search->words ? SQL_CATALOG_SEARCH_TEXT
					    : SQL_CATALOG_SEARCH_WINDOW;
	asking->value_count = search->order ? VALUE_COUNT : search->words ? WORDS + 1 : TOTAL + 1;
}

static int64_t total_of(const struct search *search, const struct db_rows *rows)
{
	return search->wants_total ? rows_number_of(rows, 0, "_total") : -1;
}

void search_say(struct request *request, const struct search *search,
		const struct search_shape *shape, const struct db_rows *rows, struct reply *reply)
{
	struct listing listing = {request, reply, search, 0, total_of(search, rows), NULL};
	size_t count = rows_count(rows);
	size_t shown = count > (size_t)search->limit ? (size_t)search->limit : count;

	if (count == 1 && rows_is_null(rows, 0, ROW_ID))
		shown = 0;
	shape->begin(&listing);
	for (size_t row = 0; row < shown; row++)
		append_item(&listing, shape, rows_number(rows, row, ROW_ID),
			    rows_text(rows, row, ROW_UUID), rows_text(rows, row, ROW_ITEM));
	if (shown > 0 && shown < count)
		listing.next = cursor_of_row(request, search, rows, shown - 1);
	shape->end(&listing);
}
