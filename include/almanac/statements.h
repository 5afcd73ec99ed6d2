/*
 * The statements and migrations under sql/, embedded at build time. A file is a statement and its
 * path is its name: sql/catalog/find.sql is SQL_CATALOG_FIND. sql_names.h is generated.
 *
 * First line of a statement: `-- $1 what, $2 what -> rows: columns` for a read,
 * `-- $1 what -> outcome: words` for a command. The word behind the arrow decides on which
 * connection it travels; further comment lines explain.
 *
 * A statement may have a form for many, X_many.sql beside X.sql: its parameters are arrays (bytea[] of
 * those that are asked as binary, text[] of all others) of what X takes, its rows those of X for each
 * element, in their order, and behind the columns of X the column _place: the element's number from 1.
 * It does nothing for one element that it would not do for that alone.
 */
#ifndef ALMANAC_STATEMENTS_H
#define ALMANAC_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "sql_names.h" /* enum sql { SQL_CATALOG_FIND, …, SQL_COUNT } */

struct statement {
	const char *file; /* "sql/catalog/find.sql" */
	const char *name; /* "catalog_find": the prepared statement's name */
	const char *text;
	bool is_command;
	enum sql many; /* its form for many; SQL_COUNT: it has none */
};

struct migration {
	int version; /* the number in front of the file name */
	const char *file;
	const char *text;
};

extern const struct statement statements[SQL_COUNT];
extern const struct migration migrations[];
extern const size_t migration_count;

#endif
