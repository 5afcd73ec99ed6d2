/*
 * The room "calendar": every user's events, synced from the user's source.
 *
 * Its endpoints list what is stored, and queue sync runs in the database. A thread of its own
 * (calendar_office.c) takes runs by lease, reads sources, and stores what differs; it also reads sources for
 * requests of users who were never synced. The two meet at the desk.
 */
#ifndef ALMANAC_CALENDAR_H
#define ALMANAC_CALENDAR_H

#include <stdatomic.h>

#include "almanac/desk.h"
#include "almanac/endpoint.h"
#include "almanac/scheduler.h"

struct calendar;

/* --- the desk ----------------------------------------------------------------------------------- */

struct calendar_desk {
	struct desk desk;                    /* "calendar" */
	_Atomic(struct mailbox *) mailbox;   /* the scheduler's; NULL before it runs */
	_Atomic(struct calendar *) calendar; /* for letters only, on the scheduler's thread */
};

void calendar_desk_init(struct calendar_desk *desk);

/* --- on the scheduler's thread -------------------------------------------------------------------- */

struct calendar_options {
	struct workshop *workshop;
	struct calendar_desk *desk;
	const char *user_agent;
};

/* Whether the settings of the room that are small languages of their own can be read. */
bool calendar_judge(const struct settings *settings, struct str *complaint);

/* `options` must outlive it. */
struct calendar *calendar_open(struct calendar_options *options);

/* Begins to end: no further run is begun; those under way are given back. */
void calendar_stop(struct calendar *calendar);
bool calendar_is_quiet(const struct calendar *calendar); /* after calendar_stop */
void calendar_close(struct calendar *calendar);

/* The recurring job that removes old records and what was deleted long ago. */
struct job *calendar_purge_job(struct calendar *calendar);

/* --- the paths ------------------------------------------------------------------------------------ */

extern const struct endpoint calendar_events;        /* GET /api/v1/users/{id}/events */
extern const struct endpoint calendar_sync;          /* POST /api/v1/users/{id}/events */
extern const struct endpoint calendar_syncs;         /* GET /api/v1/users/{id}/syncs */
extern const struct endpoint calendar_sync_find;     /* GET /api/v1/syncs/{id} */
extern const struct endpoint calendar_source_find;   /* GET /api/v1/users/{id}/source */
extern const struct endpoint calendar_source_change; /* PUT /api/v1/users/{id}/source */
extern const struct endpoint calendar_source_delete; /* DELETE /api/v1/users/{id}/source */

#endif
