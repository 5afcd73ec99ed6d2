/* Every recurring job of the house, and the rooms that live on the scheduler's thread. */
#ifndef ALMANAC_SCHEDULE_H
#define ALMANAC_SCHEDULE_H

#include "almanac/calendar.h"
#include "almanac/catalog.h"
#include "almanac/daemons.h"
#include "almanac/health.h"
#include "almanac/scheduler.h"
#include "almanac/server.h"
#include "almanac/tasks.h"
#include "almanac/timers.h"

struct schedule {
	struct scheduler_rooms rooms; /* what the scheduler calls */
	struct server *server;        /* who gets the catalog's pictures */
	struct edition *edition;
	const char *demo_url;
	struct timers_desk *timers_desk;
	struct calendar_desk *calendar_desk;
	const char *user_agent;
	struct catalog_options catalog_options;
	struct catalog *catalog;
	struct timers_options timers_options;
	struct timers *timers;
	_Atomic bool *are_reports_stuck;
	struct tasks_options tasks_options;
	struct tasks *tasks;
	struct daemons_options daemons_options; /* all but the workshop */
	struct daemons *daemons;
	struct calendar_options calendar_options;
	struct calendar *calendar;
	struct health_sizes *sizes;
};

/* Fill server, edition, demo_url, timers_desk, calendar_desk, daemons_options, user_agent and
 * are_reports_stuck first. */
void schedule_init(struct schedule *schedule);

#endif
