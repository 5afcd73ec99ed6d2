/*
 * A search of the catalog, as all paths see it: read from the request's fields, answered from the
 * picture in memory or put as a question to SQL, told in the shape of its path.
 */
#ifndef ALMANAC_CATALOG_SEARCH_H
#define ALMANAC_CATALOG_SEARCH_H

#include "almanac/endpoint.h"
#include "snapshot.h"

/* A list of the older paths is cut here. */
#define SEARCH_LIST_MAX 10000

/* No event starts outside: years 1 to 9999 and some room for timezones. */
#define SEARCH_START_MIN_US INT64_C(-62200000000000000)
#define SEARCH_START_MAX_US INT64_C(253500000000000000)

/* Where a walk goes on: behind this event. */
struct search_cursor {
	bool is_given;
	int64_t id;
	int64_t start_us;   /* in the order of start */
	const char *number; /* in another order: its keys */
	const char *title;
};

struct search {
	struct snapshot_window window;
	const char *from, *to; /* bounds for SQL, NULL: open */
	const char *words, *provider, *min_price, *max_price;
	bool is_available;
	bool with_offline;
	const char *order; /* of search_sorted.sql; NULL: by (start, id) */
	struct search_cursor cursor;
	int64_t limit;
	int64_t skip; /* rows of the pages before */
	bool wants_total;
};

struct listing {
	struct request *request;
	struct reply *reply;
	const struct search *search;
	int64_t shown;
	int64_t total;    /* -1: not known */
	const char *next; /* the cursor behind the last item; NULL: this is the end */
};

/* How a path tells a list. */
struct search_shape {
	bool has_integer_ids;
	void (*begin)(struct listing *listing);
	void (*end)(struct listing *listing);
};

/* The fields every search may have, by their names in the endpoint's table. */
struct search_names {
	const char *from, *to;
};

/* The value of the row called `name`; NULL when the table has none or the client gave none. */
const struct field_value *search_value(struct request *request, const char *name);
const struct field *search_field(struct request *request, const char *name);

/* Fills what the common fields say: bounds, q, provider, prices, available, limit, total, cursor.
 * False when the cursor is not one. */
bool search_read(struct request *request, const struct search_names *names, struct search *search);

/* Rules across fields: the bounds' order, the cursor. */
void search_check(struct request *request, const struct search_names *names,
		  struct field_faults *faults);

/* From memory; false when it cannot be told from there. */
bool search_answer(struct request *request, const struct search *search,
		   const struct search_shape *shape, struct reply *reply);

void search_ask(struct request *request, const struct search *search, struct asking *asking);

void search_say(struct request *request, const struct search *search,
		const struct search_shape *shape, const struct db_rows *rows, struct reply *reply);

#endif
