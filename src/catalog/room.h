/* What the parts of the catalog on the scheduler's thread share. */
#ifndef ALMANAC_CATALOG_ROOM_H
#define ALMANAC_CATALOG_ROOM_H

#include "almanac/catalog.h"
#include "almanac/metrics.h"

/* One series a provider: when its feed was last seen whole. */
#define PROVIDER_SYNCED_METRIC "almanac_provider_synced_timestamp_seconds"

struct follow;

struct catalog {
	struct catalog_options *options;
	struct workshop *workshop;
	struct job sync_job;
	struct job purge_job;
	int64_t syncs_running;
	struct metric *syncs_succeeded, *syncs_partial, *syncs_failed;
	struct follow *follow;
	struct flow demo; /* offers the demo provider once the database is there */
	bool is_offering;
	bool has_offered;
};

extern const struct flow_step catalog_sync_steps[];  /* catalog_sync.c */
extern const struct flow_step catalog_purge_steps[]; /* catalog_purge.c */

struct follow *follow_create(struct catalog *catalog); /* catalog_follow.c */
void follow_look(struct follow *follow);
void follow_destroy(struct follow *follow);

#endif
