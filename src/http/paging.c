/* paging.c - cursors of lists are read; called by the endpoints' records. */
#include "almanac/paging.h"

#include "almanac/moment.h"
#include "almanac/uuid.h"

const char *page_cursor(struct request *request, size_t place)
{
	const struct field_value *value = request_value(request, place);
	struct span bytes;

	if (!value->is_given ||
	    !base64url_parse(request_arena(request), (struct span){value->text, value->length},
			     &bytes) ||
	    !span_is_text(bytes))
		return NULL;
	return arena_text(request_arena(request), bytes);
}

bool page_cursor_place(struct request *request, size_t place, struct page_place *found)
{
	struct span rest = span_of(page_cursor(request, place));
	struct moment moment;
	struct span text;

	if (!span_split(&rest, '|', &text) || rest.length == 0 || !moment_parse(text, &moment))
		return false;
	found->moment = arena_text(request_arena(request), text);
	found->name = arena_text(request_arena(request), rest);
	return true;
}

void page_refuse(struct request *request, size_t place, struct field_faults *faults)
{
	fields_fault(faults, &request_endpoint(request)->reads[place], "format",
		     "must be `next` of an earlier answer", request_value(request, place)->text);
}

void page_judge_number(struct request *request, size_t place, struct field_faults *faults)
{
	const char *cursor = page_cursor(request, place);
	int64_t number;

	if (request_value(request, place)->is_given &&
	    (!cursor || !integer_parse(span_of(cursor), &number)))
		page_refuse(request, place, faults);
}

/* --- runs of syncs -------------------------------------------------------------------------------------- */

enum { RUNS_OF, RUNS_CURSOR, RUNS_LIMIT };

/* True as well, with NULLs, when there is no cursor. */
static bool run_cursor(struct request *request, struct page_place *found)
{
	struct uuid uuid;

	*found = (struct page_place){0};
	return !request_value(request, RUNS_CURSOR)->is_given ||
	       (page_cursor_place(request, RUNS_CURSOR, found) &&
		uuid_read(span_of(found->name), &uuid));
}

enum problem page_runs_check(struct request *request, struct field_faults *faults)
{
	struct page_place cursor;

	if (!run_cursor(request, &cursor))
		page_refuse(request, RUNS_CURSOR, faults);
	return PROBLEM_NONE;
}

void page_runs_prepare(struct request *request, struct asking *asking)
{
	struct page_place cursor;

	if (!run_cursor(request, &cursor))
		return;
	asking->values[0] = request_given(request, RUNS_OF);
	asking->values[1] = db_text(cursor.moment);
	asking->values[2] = db_text(cursor.name);
	asking->values[3] = request_given(request, RUNS_LIMIT);
	asking->value_count = 4;
}
