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

bool page_cursor_run(struct request *request, size_t place, struct page_place *found)
{
	struct uuid uuid;

	*found = (struct page_place){0};
	return !request_value(request, place)->is_given ||
	       (page_cursor_place(request, place, found) && uuid_read(span_of(found->name), &uuid));
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
