/* schedule.c - every recurring job, one line each; opens the rooms on the scheduler's thread. */
#include "almanac/schedule.h"

#include <string.h>

#include "almanac/container.h"

static const char *const channels[] = {CATALOG_CHANNEL, TIMERS_CHANNEL, NULL};

static struct schedule *schedule_of(struct scheduler_rooms *rooms)
{
	return container_of(rooms, struct schedule, rooms);
}

static void publish(struct catalog_options *options, struct publication *publication)
{
	struct schedule *schedule = container_of(options, struct schedule, catalog_options);

	server_publish(schedule->server, publication);
}

static void open_rooms(struct scheduler_rooms *rooms, struct workshop *workshop)
{
	struct schedule *schedule = schedule_of(rooms);

	schedule->daemons_options.workshop = workshop;
	schedule->daemons = daemons_open(&schedule->daemons_options);
	schedule->catalog_options = (struct catalog_options){
		.workshop = workshop,
		.edition = schedule->edition,
		.publish = publish,
		.demo_url = schedule->demo_url,
	};
	schedule->catalog = catalog_open(&schedule->catalog_options);
	scheduler_add(workshop->scheduler, catalog_sync_job(schedule->catalog));
	scheduler_add(workshop->scheduler, catalog_purge_job(schedule->catalog));
	schedule->timers_options = (struct timers_options){
		.workshop = workshop,
		.desk = schedule->timers_desk,
		.user_agent = schedule->user_agent,
		.daemon_name = schedule->daemons_options.name,
	};
	schedule->timers = timers_open(&schedule->timers_options);
	scheduler_add(workshop->scheduler, timers_purge_job(schedule->timers));
	schedule->tasks_options = (struct tasks_options){
		.workshop = workshop,
		.are_reports_stuck = schedule->are_reports_stuck,
	};
	schedule->tasks = tasks_open(&schedule->tasks_options);
	scheduler_add(workshop->scheduler, tasks_report_job(schedule->tasks));
	scheduler_add(workshop->scheduler, tasks_purge_job(schedule->tasks));
	schedule->calendar_options = (struct calendar_options){
		.workshop = workshop,
		.desk = schedule->calendar_desk,
		.user_agent = schedule->user_agent,
	};
	schedule->calendar = calendar_open(&schedule->calendar_options);
	scheduler_add(workshop->scheduler, calendar_purge_job(schedule->calendar));
	schedule->sizes = health_sizes_open(workshop);
	scheduler_add(workshop->scheduler, health_sizes_job(schedule->sizes));
}

static void heard(struct scheduler_rooms *rooms, const char *channel, const char *payload)
{
	if (strcmp(channel, CATALOG_CHANNEL) == 0)
		catalog_heard(schedule_of(rooms)->catalog);
	if (strcmp(channel, TIMERS_CHANNEL) == 0)
		timers_heard(schedule_of(rooms)->timers, payload);
}

static void stop_rooms(struct scheduler_rooms *rooms)
{
	daemons_stop(schedule_of(rooms)->daemons);
	timers_stop(schedule_of(rooms)->timers);
	tasks_stop(schedule_of(rooms)->tasks);
	calendar_stop(schedule_of(rooms)->calendar);
}

static bool is_quiet(struct scheduler_rooms *rooms)
{
	struct schedule *schedule = schedule_of(rooms);

	return timers_is_quiet(schedule->timers) && tasks_is_quiet(schedule->tasks) &&
	       calendar_is_quiet(schedule->calendar);
}

static void give_up(struct scheduler_rooms *rooms)
{
	timers_give_up(schedule_of(rooms)->timers);
}

static void close_rooms(struct scheduler_rooms *rooms)
{
	health_sizes_close(schedule_of(rooms)->sizes);
	calendar_close(schedule_of(rooms)->calendar);
	tasks_close(schedule_of(rooms)->tasks);
	timers_close(schedule_of(rooms)->timers);
	catalog_close(schedule_of(rooms)->catalog);
	daemons_close(schedule_of(rooms)->daemons);
}

void schedule_init(struct schedule *schedule)
{
	schedule->rooms = (struct scheduler_rooms){
		.open = open_rooms,
		.heard = heard,
		.stop = stop_rooms,
		.is_quiet = is_quiet,
		.give_up = give_up,
		.close = close_rooms,
		.channels = channels,
	};
}
