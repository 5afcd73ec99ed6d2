/* rows.c - reads results; called by everyone who asked. */
#include "almanac/rows.h"

#include <assert.h>
#include <string.h>

#include "connection.h"

/* Type numbers from PostgreSQL's catalog/pg_type.dat. */
static const struct {
	Oid type;
	enum column_kind kind;
} kinds[] = {
	{16, COLUMN_FLAG},   {20, COLUMN_NUMBER},  {21, COLUMN_NUMBER},   {23, COLUMN_NUMBER},
	{26, COLUMN_NUMBER}, {700, COLUMN_NUMBER}, {701, COLUMN_NUMBER},  {1700, COLUMN_NUMBER},
	{114, COLUMN_JSON},  {3802, COLUMN_JSON},  {1184, COLUMN_MOMENT},
};

static int row_of(const struct db_rows *rows, size_t row)
{
	return (int)(rows->first + row);
}

size_t rows_count(const struct db_rows *rows)
{
	return rows ? rows->count : 0;
}

size_t rows_columns(const struct db_rows *rows)
{
	return (size_t)PQnfields(rows->result);
}

const char *rows_column_name(const struct db_rows *rows, size_t column)
{
	return PQfname(rows->result, (int)column);
}

enum column_kind rows_column_kind(const struct db_rows *rows, size_t column)
{
	Oid type = PQftype(rows->result, (int)column);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].type == type)
			return kinds[i].kind;
	return COLUMN_TEXT;
}

int rows_find(const struct db_rows *rows, const char *name)
{
	int count = PQnfields(rows->result);

	for (int column = 0; column < count; column++)
		if (strcmp(PQfname(rows->result, column), name) == 0)
			return column;
	return -1;
}

bool rows_is_null(const struct db_rows *rows, size_t row, size_t column)
{
	return PQgetisnull(rows->result, row_of(rows, row), (int)column);
}

struct span rows_text(const struct db_rows *rows, size_t row, size_t column)
{
	return (struct span){PQgetvalue(rows->result, row_of(rows, row), (int)column),
			     (size_t)PQgetlength(rows->result, row_of(rows, row), (int)column)};
}

/* PostgreSQL writes bigint as an optional minus and digits: it always fits. */
int64_t rows_number(const struct db_rows *rows, size_t row, size_t column)
{
	struct span text = rows_text(rows, row, column);
	bool is_negative = text.length > 0 && *text.bytes == '-';
	uint64_t number = 0;

	for (size_t i = is_negative; i < text.length; i++)
		number = number * 10 + (uint64_t)(text.bytes[i] - '0');
	return (int64_t)(is_negative ? 0 - number : number);
}

bool rows_flag(const struct db_rows *rows, size_t row, size_t column)
{
	return span_is(rows_text(rows, row, column), "t");
}

static size_t column_of(const struct db_rows *rows, const char *name)
{
	int column = rows_find(rows, name);

	assert(column >= 0);
	return (size_t)column;
}

struct span rows_text_of(const struct db_rows *rows, size_t row, const char *name)
{
	return rows_text(rows, row, column_of(rows, name));
}

int64_t rows_number_of(const struct db_rows *rows, size_t row, const char *name)
{
	return rows_number(rows, row, column_of(rows, name));
}

bool rows_is_null_of(const struct db_rows *rows, size_t row, const char *name)
{
	return rows_is_null(rows, row, column_of(rows, name));
}
