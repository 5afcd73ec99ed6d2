/* routes.c - every endpoint of the house, one line each; walked by http/. */
#include "almanac/routes.h"

#include "almanac/calendar.h"
#include "almanac/catalog.h"
#include "almanac/daemons.h"
#include "almanac/documents.h"
#include "almanac/health.h"
#include "almanac/tasks.h"
#include "almanac/timers.h"

const struct endpoint *const routes[] = {
	/* documents */
	&documents_guide,
	&documents_openapi,
	&documents_page,
	&documents_file,
	/* health */
	&health_status,
	&health_text,
	&health_live,
	&health_ready,
	&health_check,
	&health_metrics,
	/* daemons */
	&daemons_list,
	/* calendar */
	&calendar_events,
	&calendar_sync,
	&calendar_syncs,
	&calendar_sync_find,
	&calendar_source_find,
	&calendar_source_change,
	&calendar_source_delete,
	/* catalog */
	&catalog_search,
	&catalog_search_all,
	&catalog_pages,
	&catalog_events,
	&catalog_event,
	&catalog_demo,
	&providers_list,
	&providers_create,
	&providers_find,
	&providers_change,
	&providers_delete,
	&providers_sync,
	&providers_syncs,
	&providers_sync_find,
	/* timers */
	&timers_create,
	&timers_batch,
	&timers_list,
	&timers_find,
	&timers_change,
	&timers_cancel,
	&timers_fire,
	&timers_attempts,
	&timers_older_create,
	&timers_older_find,
	/* tasks */
	&tasks_webhook,
	&tasks_webhook_slash,
	&tasks_list,
	&tasks_find,
	&tasks_history,
	&tasks_webhooks,
	&tasks_webhook_find,
	&reports_make,
	&reports_files,
	&reports_file,
	NULL,
};

const struct tag route_tags[] = {
	{"calendar", "Events of users, synced from their sources."},
	{"timers", "URLs that are called at a time, at least once."},
	{"tasks", "Tasks, made of the webhooks that tell of them; what came is kept."},
	{"reports", "What became of a user's tasks in a period."},
	{"catalog", "Public events: searches by time, words and price."},
	{"providers", "The feeds that the catalog is made of, and their syncs."},
	{"daemons", "Who serves this database, and what each holds."},
	{"health", "Whether the daemon and its parts are well."},
	{"documents", "What there is to read about this interface."},
	{0},
};
