/*
 * Canonical lists page by an opaque cursor and a limit: their fields, their shape, and how a cursor is
 * read. The other half is say_rows (endpoint.h), which writes the cursor from the column `_cursor`.
 */
#ifndef ALMANAC_PAGING_H
#define ALMANAC_PAGING_H

#include "almanac/endpoint.h"

/* Rows of a field table. */
#define PAGE_CURSOR(example_)                                                                      \
	{                                                                                          \
		.name = "cursor", .place = FIELD_IN_QUERY, .kind = FIELD_CURSOR,                   \
		.description = "`next` of an earlier answer: goes on behind it.",                  \
		.example = (example_)                                                              \
	}

#define PAGE_LIMIT                                                                                 \
	{                                                                                          \
		.name = "limit", .place = FIELD_IN_QUERY, .kind = FIELD_INTEGER, .min = 1,         \
		.max = 1000, .is_lowered = true, .by_default = "100",                              \
		.description = "Rows of an answer; lowered to 1,000.", .example = "100"            \
	}

/* The JSON Schema of a list of items with that schema (a string literal). */
#define PAGE_SCHEMA(item)                                                                          \
	"{\"type\":\"object\",\"required\":[\"data\",\"next\"],\"properties\":{\"data\":{"         \
	"\"type\":\"array\",\"items\":" item "},\"next\":{\"type\":[\"string\",\"null\"]}}}"

/* The text that the cursor in row `place` of the table holds; NULL when there is none, or it is no
 * UTF-8 text in base64url. */
const char *page_cursor(struct request *request, size_t place);

/* A row of a list in the order of times and, within one, of names. */
struct page_place {
	const char *moment; /* as PostgreSQL writes it */
	const char *name;
};

/* The place in a cursor "2026-02-01 20:00:00+00|name"; false when it is not such a one. */
bool page_cursor_place(struct request *request, size_t place, struct page_place *found);

/* Adds the fault of a cursor that is not one of ours. */
void page_refuse(struct request *request, size_t place, struct field_faults *faults);

/* The same unless there is no cursor, or it holds a whole number. */
void page_judge_number(struct request *request, size_t place, struct field_faults *faults);

/* Lists of somebody's sync runs, whose fields are {whose, PAGE_CURSOR, PAGE_LIMIT}, a cursor naming time and run:
 * `check` and `prepares` of their endpoints. Asks with whose, time and run behind which it goes on (NULL: from the
 * newest), and the limit. */
enum problem page_runs_check(struct request *request, struct field_faults *faults);
void page_runs_prepare(struct request *request, struct asking *asking);

#endif
