/* Every recurring job of the house, and the rooms that live on the scheduler's thread. */
#ifndef ALMANAC_SCHEDULE_H
#define ALMANAC_SCHEDULE_H

#include "almanac/catalog.h"
#include "almanac/scheduler.h"
#include "almanac/server.h"

struct schedule {
	struct scheduler_rooms rooms; /* what the scheduler calls */
	struct server *server;        /* who gets the catalog's pictures */
	struct edition *edition;
	const char *demo_url;
	struct catalog_options catalog_options;
	struct catalog *catalog;
};

/* Fill server, edition and demo_url first. */
void schedule_init(struct schedule *schedule);

#endif
