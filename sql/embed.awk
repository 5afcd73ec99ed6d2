# embed.awk - makes C tables of the statements and migrations under sql/.
#
#   awk -v out=DIR -f sql/embed.awk sql/*/*.sql
#
# writes DIR/sql_names.h (enum sql) and DIR/sql_texts.c (see include/almanac/statements.h). Files
# must come sorted by name. Plain awk (POSIX); fails with the file's name when a rule is broken:
# a statement's first line says "-- … -> rows: …" or "-- … -> outcome: …", migrations are numbered
# 0001, 0002 … without gap.

function fail(message) {
	print FILENAME ": " message > "/dev/stderr"
	failed = 1
	exit 1
}

function begin_file(    parts, count) {
	count = split(FILENAME, parts, "/")
	room = parts[count - 1]
	name = parts[count]
	sub(/\.sql$/, "", name)
	files++
	printf "static const char text_%d[] =", files > texts
	if (room == "migrations") {
		if (substr(name, 1, 4) + 0 != ++migrations || name !~ /^[0-9][0-9][0-9][0-9]_/)
			fail("migrations must be numbered without gap")
		migration[migrations] = files
		migration_file[migrations] = "sql/migrations/" name ".sql"
		return
	}
	if ($0 !~ /^-- .* -> (rows|outcome): /)
		fail("the first line must say \"-- ... -> rows: ...\" or \"-- ... -> outcome: ...\"")
	statement[++statements] = files
	statement_room[statements] = room
	statement_name[statements] = name
	statement_command[statements] = $0 ~ / -> outcome: /
	number[room "/" name] = statements
}

# X_many.sql is the form for many of X.sql.
function many(i) {
	if (!((statement_room[i] "/" statement_name[i] "_many") in number))
		return "SQL_COUNT"
	return "SQL_" toupper(statement_room[i]) "_" toupper(statement_name[i]) "_MANY"
}

BEGIN {
	names = out "/sql_names.h"
	texts = out "/sql_texts.c"
	print "/* Made by sql/embed.awk. */\n#include \"almanac/statements.h\"\n" > texts
}

FNR == 1 {
	if (files)
		print "0};" > texts
	begin_file()
	print " {" > texts
}

# Characters one by one: a string literal may not be that long (C11 5.2.4.1).
{
	line = $0 "\n"
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (c == "\n")
			c = "\\n"
		else if (c == "\t")
			c = "\\t"
		else if (c == "\\" || c == "'")
			c = "\\" c
		else if (c < " " || c > "~")
			fail("line " FNR ": only printable ASCII may stand here")
		printf "'%s',", c > texts
	}
	print "" > texts
}

END {
	if (failed)
		exit 1
	print "0};\n" > texts
	print "const struct statement statements[SQL_COUNT] = {" > texts
	print "/* Made by sql/embed.awk. */\n#ifndef ALMANAC_SQL_NAMES_H\n#define ALMANAC_SQL_NAMES_H\n\nenum sql {" > names
	for (i = 1; i <= statements; i++) {
		printf "\tSQL_%s_%s,\n", toupper(statement_room[i]), toupper(statement_name[i]) > names
		printf "\t{\"sql/%s/%s.sql\", \"%s_%s\", text_%d, %d, %s},\n", statement_room[i], statement_name[i],
			statement_room[i], statement_name[i], statement[i], statement_command[i], many(i) > texts
	}
	print "\tSQL_COUNT\n};\n\n#endif" > names
	print "};\n\nconst struct migration migrations[] = {" > texts
	for (i = 1; i <= migrations; i++)
		printf "\t{%d, \"%s\", text_%d},\n", i, migration_file[i], migration[i] > texts
	printf "};\n\nconst size_t migration_count = %d;\n", migrations > texts
}
