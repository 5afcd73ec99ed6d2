/*
 * One sync of one provider, shared by its parts:
 *
 *   catalog_sync.c    claims providers, runs the steps, tells how it ended
 *   catalog_intake.c  first reading: fetch, spool, judge the whole feed
 *   catalog_merge.c   second reading: compare and store in batches
 *   catalog_vanish.c  marks what the feed no longer has
 */
#ifndef ALMANAC_CATALOG_SYNC_H
#define ALMANAC_CATALOG_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/catalog.h"
#include "almanac/digest.h"
#include "almanac/flow.h"
#include "almanac/scheduler.h"
#include "almanac/uuid.h"
#include "feed.h"
#include "seen.h"

#define SYNC_DEMO_URL "almanac:demo"
#define SYNC_LEASE_S 30
#define SYNC_PROBLEMS_MAX 100

/* What a run counts; the names of the columns it is told in. */
struct sync_counters {
	int64_t attempts, http_status;
	int64_t wire_bytes, body_bytes;
	int64_t events, zones;
	int64_t created, updated, rejected, vanished;
	int64_t problem_count;
};

struct sync {
	struct flow flow;
	struct flow renewal; /* keeps the lease while the run goes on */
	int open_flows;
	bool is_over; /* the renewal may end */
	struct catalog *catalog;
	struct workshop *workshop;
	const char *demo_url;
	struct arena *arena;

	/* the provider, as claimed */
	const char *provider_id, *lease, *sync_id, *name, *url, *timezone;
	const char *request_id, *traceparent; /* passed on */
	const char *etag, *last_modified, *body_digest;
	int64_t known_events;

	/* the feed */
	int spool;
	struct digest *digest;
	struct feed *feed;
	struct feed_listener listener;
	struct seen seen;
	uint32_t ordinal;
	const char *new_etag, *new_last_modified;
	char new_digest[2 * DIGEST_LENGTH + 1];
	const char *header_lines[6];
	int64_t wait_s;       /* the source asked for this much patience */
	bool is_not_modified; /* 304, or the same bytes: nothing to compare */
	bool is_read;         /* the whole feed was read and judged good */

	struct merging *merging;     /* catalog_merge.c's, while it works */
	struct vanishing *vanishing; /* catalog_vanish.c's, while it works */

	/* the outcome */
	struct sync_counters counters;
	struct str problems; /* a JSON array without its end */
	const char *error;   /* NULL: all is well */
	bool is_stale;       /* the lease was lost: write nothing more */
	int64_t began_us;
};

struct sync *sync_of(struct flow *flow); /* of its main flow */

/* Ends the run with a reason for people (arena memory or a constant). */
void sync_fail(struct sync *sync, const char *error);

/* There is a new feed to store, and nothing stands in the way. */
bool sync_goes_on(const struct sync *sync);

/* The database did not answer, or refused: fails the run. True when there is an answer. */
bool sync_answered(struct sync *sync, const struct flow *flow);

/* Steps, for the table in catalog_sync.c. */
enum flow_next sync_fetch(struct flow *flow);  /* STAY over attempts */
enum flow_next sync_merge(struct flow *flow);  /* STAY over batches */
enum flow_next sync_vanish(struct flow *flow); /* STAY over pages */

/* Frees what the parts hold. */
void sync_intake_finish(struct sync *sync);

#endif
