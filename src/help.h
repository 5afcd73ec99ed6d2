/* What the command line tells of itself. Of the hall; see help.c. */
#ifndef ALMANAC_SRC_HELP_H
#define ALMANAC_SRC_HELP_H

#include <stdbool.h>

#include "almanac/str.h"

/* Commands, exit codes and all settings. */
void help_append(struct str *out);

/* About one command, or the settings whose name holds this word, or those of a group. False when there
 * is nothing to say. */
bool help_append_about(struct str *out, const char *word);

/* The command that was perhaps meant; NULL when none is near. */
const char *help_suggest(const char *word);

#endif
