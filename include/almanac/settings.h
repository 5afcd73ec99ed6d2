/*
 * Settings come from the environment; what is not set there may come from `.env` in the working
 * directory (KEY=value lines, # comments, optional quotes). One table in settings.c makes the
 * parser, `--help`, the start-up log line and the test of `.env.example`.
 */
#ifndef ALMANAC_SETTINGS_H
#define ALMANAC_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/str.h"

enum setting {
	SETTING_HTTP_ADDRESS,
	SETTING_HTTP_PORT,
	SETTING_HTTP_THREADS,
	SETTING_HTTP_MAX_CONNECTIONS,
	SETTING_HTTP_REQUEST_TIMEOUT_SECONDS,
	SETTING_HTTP_SHUTDOWN_SECONDS,
	SETTING_HTTP_DRAIN_SECONDS,
	SETTING_ALLOW_ANONYMOUS,
	SETTING_API_TOKENS,
	SETTING_METRICS_OPEN,
	SETTING_DOCS_OPEN,
	SETTING_TLS_CERT_FILE,
	SETTING_TLS_KEY_FILE,
	SETTING_CORS_ORIGINS,
	SETTING_RATE_LIMIT,
	SETTING_RATE_LIMIT_BURST,
	SETTING_HTTP_CONNECTIONS_PER_ADDRESS,
	SETTING_TRUSTED_PROXIES,
	SETTING_DATABASE_URL,
	SETTING_READ_DATABASE_URL,
	SETTING_DB_HOST,
	SETTING_DB_PORT,
	SETTING_DB_USER,
	SETTING_DB_PASSWORD,
	SETTING_DB_NAME,
	SETTING_DATABASE_QUEUE,
	SETTING_DATABASE_BATCH,
	SETTING_DATABASE_STATEMENT_TIMEOUT_MS,
	SETTING_DATABASE_ANSWER_TIMEOUT_MS,
	SETTING_ANSWER_CACHE_MB,
	SETTING_ANSWER_CACHE_SECONDS,
	SETTING_EVENTS_SYNC_DELAY_SECONDS,
	SETTING_EVENTS_SYNC_CONCURRENCY,
	SETTING_EVENTS_SYNC_TIMEOUT_SECONDS,
	SETTING_EVENTS_SYNC_ATTEMPTS,
	SETTING_EVENTS_SYNC_RETRY_SECONDS,
	SETTING_EVENTS_FEED_MAX_MB,
	SETTING_EVENTS_SYNC_RETENTION_DAYS,
	SETTING_CATALOG_MEMORY_MB,
	SETTING_DEMO_PROVIDER,
	SETTING_SOURCE_ALLOW,
	SETTING_SPOOL_DIR,
	SETTING_CALENDAR_USERS,
	SETTING_CALENDAR_SYNC_INTERVAL_SECONDS,
	SETTING_CALENDAR_SYNC_CONCURRENCY,
	SETTING_CALENDAR_SYNC_TIMEOUT_SECONDS,
	SETTING_CALENDAR_SYNC_ATTEMPTS,
	SETTING_CALENDAR_SYNC_RETRY_SECONDS,
	SETTING_CALENDAR_SOURCE_MAX_MB,
	SETTING_CALENDAR_WINDOW_DAYS,
	SETTING_CALENDAR_RETENTION_DAYS,
	SETTING_TIMER_CONCURRENCY,
	SETTING_TIMER_SLOW_CONCURRENCY,
	SETTING_TIMER_DESTINATION_CONCURRENCY,
	SETTING_TIMER_RETRY_SECONDS,
	SETTING_TIMER_RETENTION_DAYS,
	SETTING_WEBHOOK_ALLOW,
	SETTING_WEBHOOK_SIGNING_SECRETS,
	SETTING_DAEMON_NAME,
	SETTING_WEBHOOK_VERIFY_SECRETS,
	SETTING_WEBHOOK_RETENTION_DAYS,
	SETTING_REPORT_INTERVAL_SECONDS,
	SETTING_REPORT_DIR,
	SETTING_REPORT_RETENTION_DAYS,
	SETTING_LOG_LEVEL,
	SETTING_LOG_FORMAT,
	SETTING_COUNT
};

struct settings;

/*
 * Reads the environment (`environment`: NAME=value strings, NULL-terminated, as environ(7)) and
 * then `dotenv_path` (NULL or a missing file: none) for names that are not set. NULL when a value
 * is wrong: `complaint` then holds one line per fault: name, value (never a secret one), what is
 * allowed, and where it came from. A name set to the empty string counts as not set; of two
 * lines of `.env` for one name the later counts. Within quotes a # is no comment. Of a secret NAME the
 * text may stand in a file that NAME_FILE names, its lines being the parts of a list.
 */
struct settings *settings_load(const char *const *environment, const char *dotenv_path,
			       struct str *complaint);
void settings_destroy(struct settings *settings);

const char *settings_text(const struct settings *settings, enum setting setting);
int64_t settings_number(const struct settings *settings, enum setting setting);
bool settings_flag(const struct settings *settings, enum setting setting);

/* A flag that is 1, or a text that is not empty. */
bool settings_is_on(const struct settings *settings, enum setting setting);

/* The place of the value among the allowed words of a choice setting, from 0. */
int64_t settings_choice(const struct settings *settings, enum setting setting);

/* The conninfo for libpq: DATABASE_URL, else made of DB_HOST … DB_NAME, else "" (libpq's PG*). */
const char *settings_database(const struct settings *settings);

/* Whether a daemon that runs takes a new value on SIGHUP. */
bool settings_is_reloadable(enum setting setting);

/* Names of settings, by commas. */
struct settings_changes {
	struct str taken;   /* reloadable, and not as they were */
	struct str wanting; /* not as they were, but only a restart brings them into force */
	struct str
		hidden; /* said otherwise by .env than by the environment, which goes before it */
};

/* Appends to each of `changes` what `fresh` changes: against `current`, the last that was taken, and, where
 * that needs a restart, against `started`. */
void settings_compare(const struct settings *started, const struct settings *current,
		      const struct settings *fresh, struct settings_changes *changes);

/* Grouped help: name, default, allowed values, what it does. */
void settings_help(struct str *out);

/* The same of the setting or the group of that name, else of those whose name holds `word`; false when
 * there is none. */
bool settings_help_about(struct str *out, const char *word);

/* All settings as sections of a manual page, mdoc(7). */
void settings_manual(struct str *out);

/* The whole of `.env.example`, as the table demands it. */
void settings_example(struct str *out);

/* name=value of all settings that differ from their defaults, for the start-up line; secrets as ***. */
void settings_summary(const struct settings *settings, struct str *out);

#endif
