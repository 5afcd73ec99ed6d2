/*
 * The room "catalog": public events from providers' feeds, synced and searched.
 *
 * Its endpoints answer date searches from a picture of the catalog in memory (catalog_snapshot.c),
 * which the scheduler's thread makes anew when the edition rises (catalog_follow.c), and ask SQL for
 * the rest. Its jobs sync the feeds (catalog_sync.c) and remove what is gone (catalog_purge.c).
 */
#ifndef ALMANAC_CATALOG_H
#define ALMANAC_CATALOG_H

#include "almanac/endpoint.h"
#include "almanac/publication.h"
#include "almanac/scheduler.h"
#include "almanac/server.h"

extern const struct endpoint catalog_search;      /* GET /search */
extern const struct endpoint catalog_search_all;  /* GET /search/ */
extern const struct endpoint catalog_pages;       /* GET /events/ */
extern const struct endpoint catalog_events;      /* GET /api/v1/events */
extern const struct endpoint catalog_event;       /* GET /api/v1/events/{uuid} */
extern const struct endpoint catalog_demo;        /* GET /demo/events.xml */
extern const struct endpoint providers_list;      /* GET /api/v1/providers */
extern const struct endpoint providers_create;    /* POST /api/v1/providers */
extern const struct endpoint providers_find;      /* GET /api/v1/providers/{id} */
extern const struct endpoint providers_change;    /* PATCH /api/v1/providers/{id} */
extern const struct endpoint providers_delete;    /* DELETE /api/v1/providers/{id} */
extern const struct endpoint providers_sync;      /* POST /api/v1/providers/{id}/sync */
extern const struct endpoint providers_syncs;     /* GET /api/v1/providers/{id}/syncs */
extern const struct endpoint providers_sync_find; /* GET /api/v1/providers/{id}/syncs/{syncId} */

struct catalog;

struct catalog_options {
	struct workshop *workshop;
	struct edition *edition;
	/* Hands a new picture to all workers. */
	void (*publish)(struct catalog_options *options, struct publication *publication);
	const char *demo_url; /* where the daemon's own demo feed is; NULL: offer none */
};

/* On the scheduler's thread. `options` must outlive the catalog. */
struct catalog *catalog_open(struct catalog_options *options);
void catalog_close(struct catalog *catalog);

/* The recurring jobs, for the schedule. */
struct job *catalog_sync_job(struct catalog *catalog);
struct job *catalog_purge_job(struct catalog *catalog);

/* News on the channel almanac_catalog: the edition rose, or may have. */
#define CATALOG_CHANNEL "almanac_catalog"
void catalog_heard(struct catalog *catalog);

#endif
