/* What the files of the settings share: settings.c has the table, settings_read.c finds the values. */
#ifndef ALMANAC_BASE_SETTINGS_PARTS_H
#define ALMANAC_BASE_SETTINGS_PARTS_H

#include "almanac/arena.h"
#include "almanac/settings.h"

#define SETTINGS_MAX_BYTES 65536 /* of a file */

enum kind { KIND_TEXT, KIND_NUMBER, KIND_FLAG, KIND_CHOICE };

struct row {
	const char *name;
	const char *group;
	enum kind kind;
	int64_t min, max;
	const char *by_default;
	const char *const *words;
	bool is_secret;
	const char *help;
};

struct value {
	const char *text;
	int64_t number;
	const char *origin; /* NULL: the default */
	bool is_hidden;     /* .env says otherwise than the environment */
	const char *file;   /* of a secret: where it is, and who says so */
	const char *file_origin;
};

struct settings {
	struct arena *arena;
	struct value values[SETTING_COUNT];
	const char *database;
};

extern const struct row settings_table[SETTING_COUNT];

/* Fills in the texts that are given, and from where; `complaint` gets a line for each fault. */
void settings_take(struct settings *settings, const char *const *environment,
		   const char *dotenv_path, struct str *complaint);

/* A wrong value may be anything; the complaint about it is one line all the same. */
void settings_append_shown(struct str *out, const char *text);

#endif
