/* calendar.c - opens and closes the calendar's part on the scheduler's thread: the office, the desk, and the job
 * that removes what is old. Called by the hall. */
#include "almanac/calendar.h"

#include <stdlib.h>

#include "almanac/container.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "office.h"
#include "peek.h"
#include "users.h"

#define PURGE_PERIOD_S 3600
#define PURGE_LEASE_S 600
#define PURGE_ROWS 2000

struct calendar {
	struct calendar_options *options;
	struct workshop *workshop;
	struct office *office;
	struct job purge_job;
};

/* --- what is old --------------------------------------------------------------------------------------------- */

static struct calendar *calendar_of(struct flow *flow)
{
	return container_of(job_run_of(flow)->job, struct calendar, purge_job);
}

static enum flow_next purge(struct flow *flow, enum sql statement)
{
	struct workshop *workshop = calendar_of(flow)->workshop;
	const struct db_value values[] = {
		db_number(flow->arena,
			  settings_number(workshop->settings, SETTING_CALENDAR_RETENTION_DAYS)),
		db_number(flow->arena, PURGE_ROWS),
	};
	bool has_more =
		!flow->answer || (flow->answer->verdict == DB_ANSWERED &&
				  rows_number_of(flow->answer->rows, 0, "purged") == PURGE_ROWS);

	if (flow->is_stopping)
		return FLOW_END;
	if (!has_more)
		return FLOW_NEXT;
	flow_ask(flow, workshop->write, statement, values, 2);
	return FLOW_STAY;
}

static enum flow_next purge_syncs(struct flow *flow)
{
	return purge(flow, SQL_CALENDAR_PURGE_SYNCS);
}

static enum flow_next purge_events(struct flow *flow)
{
	return purge(flow, SQL_CALENDAR_PURGE_EVENTS);
}

static const struct flow_step purge_steps[] = {
	{"syncs", purge_syncs}, {"events", purge_events}, {0}};

/* --- the door ------------------------------------------------------------------------------------------------ */

void calendar_desk_init(struct calendar_desk *desk)
{
	desk->desk.name = "calendar";
	atomic_init(&desk->mailbox, NULL);
	atomic_init(&desk->calendar, NULL);
}

bool calendar_judge(const struct settings *settings, struct str *complaint)
{
	return users_judge(settings_text(settings, SETTING_CALENDAR_USERS), complaint);
}

struct calendar *calendar_open(struct calendar_options *options)
{
	struct calendar *calendar = calloc(1, sizeof(*calendar));
	const struct office_options office = {
		.settings = options->workshop->settings,
		.metrics = options->workshop->metrics,
		.user_agent = options->user_agent,
	};

	if (!calendar)
		abort();
	calendar->options = options;
	calendar->workshop = options->workshop;
	calendar->purge_job = (struct job){
		.name = "calendar-purge",
		.period_s = PURGE_PERIOD_S,
		.lease_s = PURGE_LEASE_S,
		.steps = purge_steps,
	};
	calendar->office = office_start(&office);
	atomic_store(&options->desk->calendar, calendar);
	atomic_store(&options->desk->mailbox, scheduler_mailbox(options->workshop->scheduler));
	return calendar;
}

void calendar_stop(struct calendar *calendar)
{
	office_stop(calendar->office);
}

bool calendar_is_quiet(const struct calendar *calendar)
{
	return office_is_quiet(calendar->office);
}

void calendar_close(struct calendar *calendar)
{
	if (!calendar)
		return;
	atomic_store(&calendar->options->desk->calendar, NULL);
	office_destroy(calendar->office);
	free(calendar);
}

struct job *calendar_purge_job(struct calendar *calendar)
{
	return &calendar->purge_job;
}

struct office *calendar_office(struct calendar *calendar)
{
	return calendar->office;
}
