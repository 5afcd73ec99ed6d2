/* schedule.c - every recurring job, one line each; opens the rooms on the scheduler's thread. */
#include "almanac/schedule.h"

#include <string.h>

#include "almanac/container.h"

static const char *const channels[] = {CATALOG_CHANNEL, NULL};

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

	schedule->catalog_options = (struct catalog_options){
		.workshop = workshop,
		.edition = schedule->edition,
		.publish = publish,
		.demo_url = schedule->demo_url,
	};
	schedule->catalog = catalog_open(&schedule->catalog_options);
	scheduler_add(workshop->scheduler, catalog_sync_job(schedule->catalog));
	scheduler_add(workshop->scheduler, catalog_purge_job(schedule->catalog));
}

static void heard(struct scheduler_rooms *rooms, const char *channel, const char *payload)
{
	(void)payload;
	if (strcmp(channel, CATALOG_CHANNEL) == 0)
		catalog_heard(schedule_of(rooms)->catalog);
}

static void close_rooms(struct scheduler_rooms *rooms)
{
	catalog_close(schedule_of(rooms)->catalog);
}

void schedule_init(struct schedule *schedule)
{
	schedule->rooms = (struct scheduler_rooms){
		.open = open_rooms,
		.heard = heard,
		.close = close_rooms,
		.channels = channels,
	};
}
