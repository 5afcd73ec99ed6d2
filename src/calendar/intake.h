/*
 * The reading of one source, shared by the runs of calendar_sync.c and the peeks of calendar_peek.c: requests
 * with retries, pages, and what they gave. Its step is the first of either.
 */
#ifndef ALMANAC_CALENDAR_INTAKE_H
#define ALMANAC_CALENDAR_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/flow.h"
#include "office.h"
#include "source.h"

struct intake {
	struct flow flow;
	struct office *office;
	struct arena *arena; /* outlives the flow's: items lie here */

	/* what is read; texts are never NULL */
	const char *kind, *user, *url, *timezone;
	const char *request_id, *traceparent; /* passed on */
	const char *sync_token, *etag, *last_modified, *window_on;
	int64_t attempts_max;
	int64_t deadline_us; /* steady clock: of all requests together */

	/* while it goes on */
	struct calendar_json *list;
	const struct zone *zone;
	const char *header_lines[6];
	struct str body;
	int64_t attempts; /* for this page */
	bool has_begun;
	bool is_conditional; /* the request under way */

	/* the outcome */
	struct calendar_items items;
	bool is_read;         /* all there is was read, or it said that nothing has changed */
	bool is_not_modified; /* nothing has changed: there are no items */
	bool is_incremental;  /* items are changes */
	const char *error;    /* NULL: all is well */
	int64_t wait_s;       /* the source asked for this much patience */
	int64_t requests, http_status, wire_bytes, body_bytes;
	const char *new_sync_token, *new_etag, *new_last_modified, *new_window_on;
};

struct intake *intake_of(struct flow *flow);

/* Zeroes it; fill the second part then. */
void intake_init(struct intake *intake, struct office *office);
void intake_finish(struct intake *intake);

/* Ends the reading with a reason for people (arena memory or a constant); the first one counts. */
void intake_fail(struct intake *intake, const char *error);

/* The step; STAY over requests and pauses. */
enum flow_next intake_read(struct flow *flow);

#endif
