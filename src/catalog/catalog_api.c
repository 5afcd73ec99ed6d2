/* catalog_api.c - the paths that search the catalog: records over catalog_search.c, and the shapes
 * in which each path tells lists and errors. */
#include "almanac/catalog.h"

#include <string.h>

#include "almanac/json.h"
#include "schemas.h"
#include "search.h"

#define PAGE_ROWS_MAX 1000

static const char *const envelopes[] = {"events", NULL};
static const char *const matches[] = {"within", "starts", "overlaps", NULL};
static const char *const sorts[] = {"start", "-start", "price", "-price", "title", "-title", NULL};
static const char *const sort_columns[] = {"start_date", "end_date", "min_price",
					   "max_price",  "title",    NULL};
static const char *const directions[] = {"asc", "desc", NULL};

static const struct search_names older_names = {"starts_at", "ends_at"};
static const struct search_names own_names = {"startsAt", "endsAt"};

static void link_next(struct listing *listing)
{
	if (listing->next)
		reply_link_next(listing->request, listing->reply,
				link_with(listing->request, "cursor", listing->next));
}

static void append(struct listing *listing, const char *text)
{
	str_append_text(&listing->reply->body, text);
}

/* --- what the searches have in common ----------------------------------------------------------------- */

static bool is_in_events(struct request *request)
{
	return search_value(request, "envelope") != NULL;
}

static void begin_envelope(struct listing *listing)
{
	append(listing, is_in_events(listing->request) ? "{\"data\":{\"events\":[" : "{\"data\":[");
}

static void end_envelope(struct listing *listing)
{
	append(listing,
	       is_in_events(listing->request) ? "]},\"error\":null}\n" : "],\"error\":null}\n");
	link_next(listing);
}

static void begin_events(struct listing *listing)
{
	append(listing, "{\"data\":[");
}

static void end_events(struct listing *listing)
{
	struct str *out = &listing->reply->body;

	append(listing, "],\"next\":");
	if (listing->next)
		json_append_text(out, span_of(listing->next));
	else
		append(listing, "null");
	append(listing, ",\"limit\":");
	str_append_number(out, listing->search->limit);
	if (listing->total >= 0) {
		append(listing, ",\"total\":");
		str_append_number(out, listing->total);
	}
	append(listing, "}\n");
	link_next(listing);
}

static const struct search_shape envelope_shape = {false, begin_envelope, end_envelope};
static const struct search_shape integer_shape = {true, begin_envelope, end_envelope};
static const struct search_shape events_shape = {false, begin_events, end_events};

static const struct search_path {
	const struct endpoint *endpoint;
	const struct search_names *names;
	const struct search_shape *shape;
	bool compares_starts; /* whatever `match` says */
} paths[] = {
	{&catalog_search, &older_names, &envelope_shape, false},
	{&catalog_search_all, &older_names, &integer_shape, true},
	{&catalog_pages, &older_names, NULL, false},
	{&catalog_events, &own_names, &events_shape, false},
};

static const struct search_path *path_of(const struct request *request)
{
	const struct search_path *path = paths;

	while (path->endpoint != request_endpoint(request))
		path++;
	return path;
}

static bool read_search(struct request *request, struct search *search)
{
	bool is_good = search_read(request, path_of(request)->names, search);

	if (path_of(request)->compares_starts)
		search->window.match = MATCH_STARTS;
	return is_good;
}

static enum problem search_rules(struct request *request, struct field_faults *faults)
{
	search_check(request, path_of(request)->names, faults);
	return PROBLEM_NONE;
}

static bool search_from_memory(struct request *request, struct reply *reply)
{
	struct search search;

	return read_search(request, &search) &&
	       search_answer(request, &search, path_of(request)->shape, reply);
}

static void search_prepare(struct request *request, struct asking *asking)
{
	struct search search;

	if (read_search(request, &search))
		search_ask(request, &search, asking);
}

static void search_rows(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	struct search search;

	if (read_search(request, &search))
		search_say(request, &search, path_of(request)->shape, rows, reply);
}

/* --- GET /search ------------------------------------------------------------------------------------ */

static const struct field search_fields[] = {
	{.name = "starts_at",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .is_required = true,
	 .description = "Events start at this instant or later. A date alone is its midnight, UTC.",
	 .example = "2026-02-01T00:00:00Z"},
	{.name = "ends_at",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .is_required = true,
	 .description = "Events end at this instant or earlier; one without end ends as it starts.",
	 .example = "2027-07-03T00:00:00Z"},
	{.name = "envelope",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = envelopes,
	 .description = "`events`: the list stands in data.events, and error codes are text.",
	 .example = "events"},
	{.name = "cursor",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CURSOR,
	 .description = "Goes on behind an earlier answer; taken from its Link header.",
	 .example = "c3RhcnR8MHwx"},
	{0},
};

/* "starts_at is required": the first fault, or what the problem says. */
static const char *in_words(struct request *request, const struct complaint *complaint)
{
	if (complaint->faults && complaint->faults->count > 0)
		return arena_format(request_arena(request), "%s %s",
				    complaint->faults->items[0].field,
				    complaint->faults->items[0].message);
	return complaint->detail ? complaint->detail : problem_kind(complaint->problem)->title;
}

static void search_complains(struct request *request, const struct complaint *complaint,
			     struct reply *reply)
{
	const char *quote = is_in_events(request) ? "\"" : "";

	str_format(&reply->body, "{\"data\":null,\"error\":{\"code\":%s%d%s,\"message\":", quote,
		   reply->status, quote);
	json_append_text(&reply->body, span_of(in_words(request, complaint)));
	str_append_text(&reply->body, "}}\n");
}

const struct endpoint catalog_search = {
	.name = "catalog_search",
	.method = "GET",
	.path = "/search",
	.tag = "catalog",
	.summary = "Events within a window",
	.description =
		"Events that were ever online, start at starts_at or later and end at ends_at "
		"or earlier, both inclusive, in the order (start, id). At most 10,000 rows; "
		"more follow the Link header. Dates and times are local, as the feed gave them.",
	.reads = search_fields,
	.check = search_rules,
	.answers = search_from_memory,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_CATALOG_SEARCH_WINDOW,
	.prepares = search_prepare,
	.says = search_rows,
	.complains = search_complains,
	.complaint_schema = SEARCH_ERROR_SCHEMA,
	.is_of_edition = true,
	.answer_schema = "{\"type\":\"object\",\"required\":[\"data\",\"error\"],\"properties\":{"
			 "\"data\":{\"anyOf\":[{\"type\":\"array\",\"items\":" SEARCH_ITEM_SCHEMA
			 "},{\"type\":\"object\",\"properties\":{\"events\":{\"type\":\"array\","
			 "\"items\":" SEARCH_ITEM_SCHEMA "}}}]},\"error\":{\"type\":\"null\"}}}",
};

/* --- GET /search/ ----------------------------------------------------------------------------------- */

static const struct field search_all_fields[] = {
	{.name = "starts_at",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "Events start at this instant or later.",
	 .example = "2026-02-01T00:00:00Z"},
	{.name = "ends_at",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "Events start at this instant or earlier.",
	 .example = "2027-07-03T00:00:00Z"},
	{.name = "offline",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_FLAG,
	 .description = "Also events that were never online.",
	 .example = "true"},
	{.name = "cursor",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CURSOR,
	 .description = "Goes on behind an earlier answer; taken from its Link header.",
	 .example = "c3RhcnR8MHwx"},
	{0},
};

static const struct field_fault *fault_of(const struct complaint *complaint, const char *field)
{
	for (size_t i = 0; complaint->faults && i < complaint->faults->count; i++)
		if (strcmp(complaint->faults->items[i].field, field) == 0)
			return &complaint->faults->items[i];
	return NULL;
}

/* The words of the service this path comes from: 422 for the flag, 400 with a sentence for dates. */
static void search_all_complains(struct request *request, const struct complaint *complaint,
				 struct reply *reply)
{
	const struct field_fault *first =
		complaint->faults && complaint->faults->count ? &complaint->faults->items[0] : NULL;

	if (fault_of(complaint, "offline")) {
		reply->status = 422;
		str_append_text(
			&reply->body,
			"{\"detail\":[{\"loc\":[\"query\",\"offline\"],\"msg\":\"value could not "
			"be parsed to a boolean\",\"type\":\"type_error.bool\"}]}\n");
		return;
	}
	str_append_text(&reply->body, "{\"detail\":");
	if (first && strcmp(first->rule, "format") == 0 && strcmp(first->field, "cursor") != 0)
		json_append_text(&reply->body,
				 span_of(arena_format(request_arena(request),
						      "Invalid %s date format. date: %s",
						      first->field, first->value)));
	else
		json_append_text(&reply->body, span_of(in_words(request, complaint)));
	str_append_text(&reply->body, "}\n");
}

static const struct other_answer search_all_others[] = {
	{400, PROBLEM_INVALID_QUERY, NULL, NULL}, {422, PROBLEM_INVALID_QUERY, NULL, NULL}, {0}};

const struct endpoint catalog_search_all = {
	.name = "catalog_search_all",
	.method = "GET",
	.path = "/search/",
	.tag = "catalog",
	.summary = "Events that start in a window, with integer ids",
	.description =
		"Both bounds are optional, inclusive, and compare the start only. offline=true "
		"adds events that were never online. At most 10,000 rows; more follow the Link "
		"header.",
	.reads = search_all_fields,
	.check = search_rules,
	.answers = search_from_memory,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_CATALOG_SEARCH_WINDOW,
	.prepares = search_prepare,
	.says = search_rows,
	.complains = search_all_complains,
	.complaint_schema = DETAILS_SCHEMA,
	.others = search_all_others,
	.is_of_edition = true,
	.answer_schema = "{\"type\":\"object\",\"required\":[\"data\",\"error\"],\"properties\":{"
			 "\"data\":{\"type\":\"array\",\"items\":" NUMBERED_ITEM_SCHEMA
			 "},\"error\":{\"type\":\"null\"}}}",
};

/* --- GET /events/ ----------------------------------------------------------------------------------- */

static const struct field page_fields[] = {
	{.name = "starts_at",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .is_required = true,
	 .description = "Events start at this instant or later.",
	 .example = "2026-02-01T00:00:00Z"},
	{.name = "ends_at",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .is_required = true,
	 .description = "Events end at this instant or earlier.",
	 .example = "2027-07-03T00:00:00Z"},
	{.name = "page",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = 1000000,
	 .by_default = "1",
	 .description = "Which page, from 1.",
	 .example = "1"},
	{.name = "pageSize",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = PAGE_ROWS_MAX,
	 .is_lowered = true,
	 .by_default = "20",
	 .description = "Rows of a page; lowered to 1,000.",
	 .example = "20"},
	{.name = "sortBy",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = sort_columns,
	 .by_default = "start_date",
	 .description = "What to sort by; ties go by id.",
	 .example = "min_price"},
	{.name = "sortDir",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = directions,
	 .by_default = "asc",
	 .description = "Ascending or descending.",
	 .example = "desc"},
	{0},
};

/* sortBy and sortDir as search_sorted.sql knows them; the places are those of the choices. */
static const char *const page_orders[][2] = {
	{"start", "-start"},         {"end", "-end"},     {"min_price", "-min_price"},
	{"max_price", "-max_price"}, {"title", "-title"},
};

static void read_page(struct request *request, struct search *search)
{
	int64_t column = search_value(request, "sortBy")->number;
	int64_t direction = search_value(request, "sortDir")->number;

	if (!search_read(request, &older_names, search))
		return;
	search->limit = search_value(request, "pageSize")->number;
	search->skip = (search_value(request, "page")->number - 1) * search->limit;
	search->wants_total = true;
	search->order = column || direction ? page_orders[column][direction] : NULL;
}

static void begin_page(struct listing *listing)
{
	int64_t size = listing->search->limit;

	str_format(
		&listing->reply->body,
		"{\"page\":%lld,\"pageSize\":%lld,\"totalRows\":%lld,\"totalPages\":%lld,\"data\":[",
		(long long)(listing->search->skip / size + 1), (long long)size,
		(long long)listing->total, (long long)((listing->total + size - 1) / size));
}

static void end_page(struct listing *listing)
{
	const struct complaint nothing = {.problem = PROBLEM_NOTHING_FOUND};

	append(listing, "]}\n");
	if (listing->total > 0)
		return;
	listing->reply->status = problem_kind(PROBLEM_NOTHING_FOUND)->status;
	str_clear(&listing->reply->body);
	complain_problem(listing->request, &nothing, listing->reply);
}

static const struct search_shape page_shape = {false, begin_page, end_page};

static bool page_from_memory(struct request *request, struct reply *reply)
{
	struct search search;

	read_page(request, &search);
	return search_answer(request, &search, &page_shape, reply);
}

static void page_prepare(struct request *request, struct asking *asking)
{
	struct search search;

	read_page(request, &search);
	if (!search.order)
		search.order = "start";
	search_ask(request, &search, asking);
}

static void page_rows(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	struct search search;

	read_page(request, &search);
	if (!search.order)
		search.order = "start";
	search_say(request, &search, &page_shape, rows, reply);
}

static const struct other_answer page_others[] = {{.problem = PROBLEM_NOTHING_FOUND}, {0}};

const struct endpoint catalog_pages = {
	.name = "catalog_pages",
	.method = "GET",
	.path = "/events/",
	.tag = "catalog",
	.summary = "Events within a window, by pages",
	.description =
		"As /search, by numbered pages and in the order asked for. 404 when the window "
		"holds nothing; a page past the end is empty.",
	.reads = page_fields,
	.check = search_rules,
	.answers = page_from_memory,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_CATALOG_SEARCH_SORTED,
	.prepares = page_prepare,
	.says = page_rows,
	.is_of_edition = true,
	.others = page_others,
	.answer_schema = "{\"type\":\"object\",\"required\":[\"page\",\"pageSize\",\"totalRows\","
			 "\"totalPages\",\"data\"],\"properties\":{\"page\":{\"type\":\"integer\"},"
			 "\"pageSize\":{\"type\":\"integer\"},\"totalRows\":{\"type\":\"integer\"},"
			 "\"totalPages\":{\"type\":\"integer\"},\"data\":{\"type\":\"array\","
			 "\"items\":" SEARCH_ITEM_SCHEMA "}}}",
};

/* --- GET /api/v1/events ----------------------------------------------------------------------------- */

static const struct field event_fields[] = {
	{.name = "startsAt",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "The window's beginning; open when not given.",
	 .example = "2026-02-01T00:00:00Z"},
	{.name = "endsAt",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_MOMENT,
	 .description = "The window's end; open when not given.",
	 .example = "2027-07-03T00:00:00Z"},
	{.name = "match",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = matches,
	 .by_default = "within",
	 .description =
		 "within: start and end lie in the window; starts: the start does; overlaps: "
		 "some moment of the event does. All bounds are inclusive.",
	 .example = "overlaps"},
	{.name = "q",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_TEXT,
	 .min = 1,
	 .max = 200,
	 .description = "Words of the title: all of them, \"a phrase\", one or another, -not this.",
	 .example = "jazz -gala"},
	{.name = "provider",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = INT64_MAX,
	 .description = "Only events of the provider with this id.",
	 .example = "1"},
	{.name = "minPrice",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_DECIMAL,
	 .description = "The highest price is at least this.",
	 .example = "10"},
	{.name = "maxPrice",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_DECIMAL,
	 .description = "The lowest price is at most this.",
	 .example = "49.90"},
	{.name = "available",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_FLAG,
	 .description = "Only events that are not sold out and have a zone with capacity.",
	 .example = "true"},
	{.name = "sort",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CHOICE,
	 .choices = sorts,
	 .by_default = "start",
	 .description = "price: the lowest price first; -price: the highest price first; no price "
			"comes last. Of titles the first 150 characters count. Ties go by id.",
	 .example = "price"},
	{.name = "cursor",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_CURSOR,
	 .description = "`next` of an earlier answer to the same search: goes on behind it.",
	 .example = "c3RhcnR8MHwx"},
	{.name = "limit",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = PAGE_ROWS_MAX,
	 .is_lowered = true,
	 .by_default = "100",
	 .description = "Rows of an answer; lowered to 1,000.",
	 .example = "100"},
	{.name = "total",
	 .place = FIELD_IN_QUERY,
	 .kind = FIELD_FLAG,
	 .description = "Also count all rows of the search.",
	 .example = "true"},
	{0},
};

const struct endpoint catalog_events = {
	.name = "catalog_events",
	.method = "GET",
	.path = "/api/v1/events",
	.tag = "catalog",
	.summary = "Search the catalog",
	.description =
		"By window, words, provider and price, page by page. Searches by window alone "
		"are answered from memory, all others by the database and a cache.",
	.reads = event_fields,
	.check = search_rules,
	.answers = search_from_memory,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_CATALOG_SEARCH_WINDOW,
	.prepares = search_prepare,
	.says = search_rows,
	.is_of_edition = true,
	.answer_schema =
		"{\"type\":\"object\",\"required\":[\"data\",\"next\",\"limit\"],"
		"\"properties\":{\"data\":{\"type\":\"array\",\"items\":" SEARCH_ITEM_SCHEMA
		"},\"next\":{\"type\":[\"string\",\"null\"]},\"limit\":{\"type\":\"integer\"},"
		"\"total\":{\"type\":\"integer\"}}}",
};

/* --- GET /api/v1/events/{uuid} ---------------------------------------------------------------------- */

static const struct field event_id[] = {
	{.name = "uuid",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_UUID,
	 .is_required = true,
	 .description = "The event's UUID.",
	 .example = "7b0c0b0e-6c5b-4c9a-9a52-0d6a2a1f9c11"},
	{0},
};

/* {"id":…, the item without its closing brace, the provider, the row's own columns}. */
static void say_event(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	struct span item = rows_text_of(rows, 0, "_item");
	struct str *out = &reply->body;
	struct str row;

	(void)request;
	str_init(&row, REPLY_BODY_MAX);
	reply_append_row(&row, rows, 0);
	str_append_text(out, "{\"id\":\"");
	str_append(out, rows_text_of(rows, 0, "_uuid"));
	str_append_text(out, "\",");
	str_append(out, (struct span){item.bytes, item.length - 1});
	str_append_text(out, ",\"provider\":{\"id\":");
	str_append(out, rows_text_of(rows, 0, "_provider"));
	str_append_text(out, ",\"name\":");
	json_append_text(out, rows_text_of(rows, 0, "_name"));
	str_append_text(out, "},");
	str_append(out, (struct span){row.bytes + 1, row.length - 1});
	str_append_char(out, '\n');
	str_finish(&row);
}

const struct endpoint catalog_event = {
	.name = "catalog_event",
	.method = "GET",
	.path = "/api/v1/events/{uuid}",
	.tag = "catalog",
	.summary = "One event with its zones",
	.description =
		"All that is known of an event: instants in UTC, sale times, zones, provider, "
		"and when the feed showed it first and last.",
	.reads = event_id,
	.has_statement = true,
	.may_lag = true,
	.asks = SQL_CATALOG_EVENT_FIND,
	.says = say_event,
	.empty = PROBLEM_EVENT_NOT_FOUND,
	.is_of_edition = true,
	.answer_schema = EVENT_SCHEMA,
};
