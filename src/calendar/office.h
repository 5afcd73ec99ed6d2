/*
 * The calendar's own thread: a loop with a database connection and a fetcher of its own, where feeds may take
 * their time to be computed. What crosses to it: peeks by letter; from it: the same, and metrics.
 *
 *   calendar_office.c  the thread; claims runs and begins them
 *   calendar_sync.c    one run: read, compare, store
 *   calendar_intake.c  the reading of a source
 *   calendar_peek.c    sources read for a request, nothing stored
 */
#ifndef ALMANAC_CALENDAR_OFFICE_H
#define ALMANAC_CALENDAR_OFFICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "almanac/db.h"
#include "almanac/fetch.h"
#include "almanac/flow.h"
#include "almanac/loop.h"
#include "almanac/mailbox.h"
#include "almanac/metrics.h"
#include "almanac/settings.h"

#define CALENDAR_CHANNEL "almanac_calendar"
#define SYNC_LEASE_S 10

struct office_options {
	const struct settings *settings;
	struct metrics *metrics;
	const char *user_agent;
};

struct peek;

struct office {
	struct office_options options;
	const struct settings *settings;
	pthread_t thread;
	struct loop *loop;
	struct mailbox *mailbox;
	struct flows *flows;
	struct guard *guard;
	struct fetcher *fetcher;
	struct db *db;
	struct db_listener listener;
	struct letter stop, quit;
	struct loop_timer drain, wake;
	struct flow looking;
	struct db_array users;     /* of CALENDAR_USERS */
	bool is_looking, has_news; /* news came while it looked */
	bool is_stopping, has_offered;
	int64_t runs, doubtful_runs; /* under way; those whose last one failed */
	struct peek *peeks;
	int64_t peek_count;
	struct metric *succeeded, *partial, *failed, *running;
	_Atomic bool is_quiet; /* after office_stop: nothing is under way */
};

struct office *office_start(const struct office_options *options);

/* Begins no further run; those under way are given back. */
void office_stop(struct office *office);
bool office_is_quiet(struct office *office);

/* Ends the thread and frees all; peeks are returned before. */
void office_destroy(struct office *office);

/* --- on its thread -------------------------------------------------------------------------------- */

/* Something may be due, or there is room for it again. */
void office_look(struct office *office);

struct db_rows;
void sync_begin(struct office *office, const struct db_rows *rows,
		size_t row); /* calendar_sync.c */

#endif
