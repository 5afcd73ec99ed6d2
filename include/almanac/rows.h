/* Reading the rows of an answer. Values are text as PostgreSQL writes it; columns go by name or place. */
#ifndef ALMANAC_ROWS_H
#define ALMANAC_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/db.h"
#include "almanac/str.h"

/* How a column's values stand in JSON, from its PostgreSQL type. COLUMN_MOMENT (timestamptz) is
 * told in RFC 3339, UTC, with milliseconds. */
enum column_kind { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_FLAG, COLUMN_JSON, COLUMN_MOMENT };

size_t rows_count(const struct db_rows *rows);
size_t rows_columns(const struct db_rows *rows);
const char *rows_column_name(const struct db_rows *rows, size_t column);
enum column_kind rows_column_kind(const struct db_rows *rows, size_t column);

/* The column of that name, or -1. */
int rows_find(const struct db_rows *rows, const char *name);

bool rows_is_null(const struct db_rows *rows, size_t row, size_t column);
struct span rows_text(const struct db_rows *rows, size_t row, size_t column);
int64_t rows_number(const struct db_rows *rows, size_t row, size_t column); /* 0 when NULL */
bool rows_flag(const struct db_rows *rows, size_t row, size_t column);

/* By name, of row `row`; asserts that the column exists. */
struct span rows_text_of(const struct db_rows *rows, size_t row, const char *name);
int64_t rows_number_of(const struct db_rows *rows, size_t row, const char *name);
bool rows_is_null_of(const struct db_rows *rows, size_t row, const char *name);

#endif
