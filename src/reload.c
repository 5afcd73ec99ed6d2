/* reload.c - settings while the house stands: judged at the start, and read again on SIGHUP; called by main. */
#include "reload.h"

#include <unistd.h>

#include "almanac/calendar.h"
#include "almanac/fetch.h"
#include "almanac/log.h"
#include "almanac/tasks.h"
#include "almanac/timers.h"

#define TEXT_MAX ((size_t)64 << 10)

bool reload_judge(const struct settings *settings, struct str *complaint)
{
	struct guard *guard;

	if (!server_judge(settings, complaint))
		return false;
	str_append_text(complaint, "SOURCE_ALLOW: ");
	guard = guard_create(settings_text(settings, SETTING_SOURCE_ALLOW), complaint);
	guard_destroy(guard);
	if (!guard)
		return false;
	str_clear(complaint);
	return timers_judge(settings, complaint) && tasks_judge(settings, complaint) &&
	       calendar_judge(settings, complaint);
}

void reload_log(const struct settings *settings)
{
	log_configure((enum log_level)settings_choice(settings, SETTING_LOG_LEVEL),
		      (enum log_format)settings_choice(settings, SETTING_LOG_FORMAT));
}

/* --- what is told -------------------------------------------------------------------------------------- */

static void changes_init(struct settings_changes *changes)
{
	str_init(&changes->taken, TEXT_MAX);
	str_init(&changes->wanting, TEXT_MAX);
	str_init(&changes->hidden, TEXT_MAX);
}

static void changes_finish(struct settings_changes *changes)
{
	str_finish(&changes->taken);
	str_finish(&changes->wanting);
	str_finish(&changes->hidden);
}

/* The environment of a process stays as it was at its start: only .env and files of secrets can change. */
static void tell_changes(const struct reload *reload, const struct settings *fresh)
{
	const struct settings *current = reload->current ? reload->current : reload->started;
	struct settings_changes changes;

	changes_init(&changes);
	settings_compare(reload->started, current, fresh, &changes);
	log_info(log_what("settings reloaded"), log_text("changed", str_text(&changes.taken)));
	if (changes.wanting.length)
		log_warn(log_what("settings wait for a restart"),
			 log_text("names", str_text(&changes.wanting)));
	if (changes.hidden.length)
		log_warn(log_what("the environment goes before .env"),
			 log_text("names", str_text(&changes.hidden)));
	changes_finish(&changes);
}

/* --- SIGHUP -------------------------------------------------------------------------------------------- */

/* Whoever has settings of his own refuses first. `fresh` is only lent to them. */
static bool take(struct reload *reload, const struct settings *fresh, struct str *complaint)
{
	if (!reload_judge(fresh, complaint) || !server_reload(reload->server, fresh, complaint))
		return false;
	reload_log(fresh);
	return true;
}

void reload_settings(struct reload *reload)
{
	struct str complaint;
	struct settings *fresh;
	struct settings *unwanted;

	str_init(&complaint, TEXT_MAX);
	fresh = settings_load((const char *const *)environ, ".env", &complaint);
	unwanted = fresh;
	if (fresh && take(reload, fresh, &complaint)) {
		tell_changes(reload, fresh);
		unwanted = reload->current;
		reload->current = fresh;
	} else {
		log_error(log_what("settings not reloaded"),
			  log_span("reason", span_trim(str_span(&complaint))));
	}
	settings_destroy(unwanted);
	str_finish(&complaint);
}

void reload_finish(struct reload *reload)
{
	settings_destroy(reload->current);
}
