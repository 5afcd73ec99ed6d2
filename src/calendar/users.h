/* The users of CALENDAR_USERS. */
#ifndef ALMANAC_CALENDAR_USERS_H
#define ALMANAC_CALENDAR_USERS_H

#include <stdbool.h>

#include "almanac/db.h"

#define USER_MAX_BYTES 200

/* Whether each is a user's id; `complaint` says what is wrong. */
bool users_judge(const char *text, struct str *complaint);

/* Adds each once. */
void users_list(const char *text, struct db_array *users);

#endif
