/* gather.c - questions of one flight that ask the same travel as one statement; called by batch.c. */
#include <assert.h>
#include <string.h>

#include "almanac/rows.h"
#include "connection.h"

/* What one statement carries at most, so that a large value does not make others wait. */
#define GROUP_MAX_BYTES ((size_t)1 << 20)

static size_t bytes_of(const struct question *question)
{
	size_t bytes = 0;

	for (size_t i = 0; i < question->value_count; i++) {
		const struct db_value *value = &question->values[i];

		if (value->bytes)
			bytes += value->is_binary ? value->length : strlen(value->bytes);
	}
	return bytes;
}

/* The groups that are still open, by statement: their last question and what they carry. */
struct group {
	struct question *last;
	size_t bytes;
};

static bool join(struct group *group, struct question *question)
{
	size_t bytes = bytes_of(question);
	bool fits = group->last && group->bytes + bytes <= GROUP_MAX_BYTES;

	if (fits)
		group->last->group = question;
	group->last = question;
	group->bytes = fits ? group->bytes + bytes : bytes;
	return fits;
}

void gather_flight(struct questions *flight)
{
	struct group groups[SQL_COUNT] = {{0}};
	struct questions heads = {0};
	struct question *question;

	while ((question = questions_pop(flight)))
		if (statements[question->statement].many == SQL_COUNT ||
		    !join(&groups[question->statement], question))
			questions_push(&heads, question);
	*flight = heads;
}

void gather_spread(struct questions *flight)
{
	struct questions all = {0};
	struct question *question, *next;

	for (; (question = questions_pop(flight)); question = NULL)
		for (; question; question = next) {
			next = question->group;
			question->group = NULL;
			questions_push(&all, question);
		}
	*flight = all;
}

/* The values number `place` of all in the group. */
static void line_up(const struct question *head, size_t place, struct db_array *array)
{
	db_array_init(array, GROUP_MAX_BYTES * 2);
	array->is_binary = head->values[place].is_binary;
	for (const struct question *question = head; question; question = question->group) {
		const struct db_value *value = &question->values[place];

		if (!value->bytes)
			db_array_add_null(array);
		else
			db_array_add(array, value->is_binary
						    ? (struct span){value->bytes, value->length}
						    : span_of(value->bytes));
	}
}

bool gather_send(PGconn *connection, const struct question *head)
{
	struct db_array arrays[QUESTION_VALUES_MAX];
	const char *bytes[QUESTION_VALUES_MAX];
	int lengths[QUESTION_VALUES_MAX];
	int formats[QUESTION_VALUES_MAX];
	const struct statement *many = &statements[statements[head->statement].many];
	bool is_sent;

	for (size_t i = 0; i < head->value_count; i++) {
		struct db_value value;

		line_up(head, i, &arrays[i]);
		value = db_array_value(&arrays[i]);
		bytes[i] = value.bytes;
		lengths[i] = (int)value.length;
		formats[i] = 1;
	}
	is_sent = PQsendQueryPrepared(connection, many->name, (int)head->value_count, bytes,
				      lengths, formats, 0);
	for (size_t i = 0; i < head->value_count; i++)
		db_array_finish(&arrays[i]);
	return is_sent;
}

struct db_rows gather_share(const struct db_rows *rows, int64_t place, size_t from)
{
	size_t column = rows_columns(rows) - 1;
	size_t end = from;

	assert(strcmp(rows_column_name(rows, column), "_place") == 0);
	while (end < rows_count(rows) && rows_number(rows, end, column) == place)
		end++;
	return (struct db_rows){rows->result, from, end - from};
}
