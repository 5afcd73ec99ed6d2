/* Settings while the house stands: judged, and read again on SIGHUP. Of the hall; see reload.c. */
#ifndef ALMANAC_SRC_RELOAD_H
#define ALMANAC_SRC_RELOAD_H

#include "almanac/server.h"
#include "almanac/settings.h"

struct reload {
	const struct settings *started;
	struct server *server;
	struct settings *current; /* the last that were taken; NULL: those of the start */
};

/* What the table of settings cannot judge: values that are small languages of their own. */
bool reload_judge(const struct settings *settings, struct str *complaint);

/* The log from now on is as these settings say. */
void reload_log(const struct settings *settings);

/* Reads the environment and .env again and takes what can be taken while running, or nothing when any of it
 * is wrong; the log says what changed, what waits for a restart, and why not. */
void reload_settings(struct reload *reload);
void reload_finish(struct reload *reload);

#endif
