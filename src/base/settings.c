/* settings.c - the table of all settings, their parser, help and example; called by main. */
#include "almanac/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "settings_parts.h"

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const formats[] = {"logfmt", "json", NULL};

static const char http[] = "HTTP";
static const char guarding[] = "Access";
static const char database[] = "Database";
static const char answers[] = "Answers";
static const char catalog[] = "Catalog";
static const char calendar[] = "Calendar";
static const char timers[] = "Timers";
static const char tasks[] = "Tasks";
static const char logging[] = "Log";

/* A setting is two lines or three. */
/* clang-format off */
const struct row settings_table[SETTING_COUNT] = {
	[SETTING_HTTP_ADDRESS] = {"HTTP_ADDRESS", http, KIND_TEXT, 1, 64, "127.0.0.1", NULL, false,
		"address to listen on, an IPv4 or IPv6 literal"},
	[SETTING_HTTP_PORT] = {"HTTP_PORT", http, KIND_NUMBER, 0, 65535, "8000", NULL, false,
		"port to listen on; 0: any free one, told in the log"},
	[SETTING_HTTP_THREADS] = {"HTTP_THREADS", http, KIND_NUMBER, 0, 64, "0", NULL, false,
		"worker threads; 0: one per processor"},
	[SETTING_HTTP_MAX_CONNECTIONS] = {"HTTP_MAX_CONNECTIONS", http, KIND_NUMBER, 16, 100000, "10000",
		NULL, false, "open connections, all workers together; beyond: 503"},
	[SETTING_HTTP_REQUEST_TIMEOUT_SECONDS] = {"HTTP_REQUEST_TIMEOUT_SECONDS", http, KIND_NUMBER, 1,
		600, "30", NULL, false,
		"a whole request must arrive, and its answer be taken, within this many seconds"},
	[SETTING_HTTP_SHUTDOWN_SECONDS] = {"HTTP_SHUTDOWN_SECONDS", http, KIND_NUMBER, 1, 300, "8", NULL,
		false, "seconds to finish what is open when told to stop"},
	[SETTING_HTTP_DRAIN_SECONDS] = {"HTTP_DRAIN_SECONDS", http, KIND_NUMBER, 0, 300, "0", NULL, false,
		"seconds to go on serving when told to stop, with /readyz 503, so that proxies turn away"},
	[SETTING_ALLOW_ANONYMOUS] = {"ALLOW_ANONYMOUS", http, KIND_FLAG, 0, 0, "0", NULL, false,
		"allow to listen beyond loopback although everybody may do everything"},
	[SETTING_API_TOKENS] = {"API_TOKENS", guarding, KIND_TEXT, 0, 32000, "", NULL, true,
		"who may do what: name:scope:hash of a token, as `almanac token` tells it, several by "
		"commas; empty: no token is asked for"},
	[SETTING_METRICS_OPEN] = {"METRICS_OPEN", guarding, KIND_FLAG, 0, 0, "0", NULL, false,
		"tell /metrics without a token"},
	[SETTING_DOCS_OPEN] = {"DOCS_OPEN", guarding, KIND_FLAG, 0, 0, "1", NULL, false,
		"tell the API's documents without a token"},
	[SETTING_TLS_CERT_FILE] = {"TLS_CERT_FILE", guarding, KIND_TEXT, 0, 1000, "", NULL, false,
		"PEM file of the certificate and its chain: https instead of http; needs TLS_KEY_FILE"},
	[SETTING_TLS_KEY_FILE] = {"TLS_KEY_FILE", guarding, KIND_TEXT, 0, 1000, "", NULL, false,
		"PEM file of the certificate's private key"},
	[SETTING_CORS_ORIGINS] = {"CORS_ORIGINS", guarding, KIND_TEXT, 0, 4000, "", NULL, false,
		"origins whose pages may ask, as https://app.example.com, several by commas, or *; "
		"empty: none"},
	[SETTING_RATE_LIMIT] = {"RATE_LIMIT", guarding, KIND_TEXT, 0, 40, "", NULL, false,
		"requests of one token or address, as 100/s, 6000/min or 100000/h; beyond: 429; empty: "
		"any number"},
	[SETTING_RATE_LIMIT_BURST] = {"RATE_LIMIT_BURST", guarding, KIND_NUMBER, 0, 1000000, "0", NULL,
		false, "requests that may come at once; 0: as many as RATE_LIMIT names"},
	[SETTING_HTTP_CONNECTIONS_PER_ADDRESS] = {"HTTP_CONNECTIONS_PER_ADDRESS", guarding, KIND_NUMBER,
		0, 100000, "0", NULL, false,
		"open connections of one address; beyond: 429; 0: any number"},
	[SETTING_TRUSTED_PROXIES] = {"TRUSTED_PROXIES", guarding, KIND_TEXT, 0, 2000, "", NULL, false,
		"networks of proxies whose Forwarded and X-Forwarded-For are believed: loopback, "
		"private, CIDR"},
	[SETTING_DATABASE_URL] = {"DATABASE_URL", database, KIND_TEXT, 0, 2000, "", NULL, true,
		"PostgreSQL as a URL or conninfo; empty: DB_HOST and so on, else libpq's PG variables"},
	[SETTING_READ_DATABASE_URL] = {"READ_DATABASE_URL", database, KIND_TEXT, 0, 2000, "", NULL, true,
		"a replica of the same, for lists and searches; empty: none"},
	[SETTING_DB_HOST] = {"DB_HOST", database, KIND_TEXT, 0, 500, "", NULL, false,
		"host name, address or socket folder"},
	[SETTING_DB_PORT] = {"DB_PORT", database, KIND_TEXT, 0, 100, "", NULL, false, "port"},
	[SETTING_DB_USER] = {"DB_USER", database, KIND_TEXT, 0, 200, "", NULL, false, "user name"},
	[SETTING_DB_PASSWORD] = {"DB_PASSWORD", database, KIND_TEXT, 0, 500, "", NULL, true, "password"},
	[SETTING_DB_NAME] = {"DB_NAME", database, KIND_TEXT, 0, 200, "", NULL, false, "database name"},
	[SETTING_DATABASE_QUEUE] = {"DATABASE_QUEUE", database, KIND_NUMBER, 1, 100000, "1024", NULL,
		false, "questions that may wait on a connection; beyond: 503"},
	[SETTING_DATABASE_BATCH] = {"DATABASE_BATCH", database, KIND_NUMBER, 1, 10000, "128", NULL,
		false, "questions that travel together, behind one commit"},
	[SETTING_DATABASE_STATEMENT_TIMEOUT_MS] = {"DATABASE_STATEMENT_TIMEOUT_MS", database, KIND_NUMBER,
		10, 600000, "1000", NULL, false, "milliseconds a request's statement may run"},
	[SETTING_DATABASE_ANSWER_TIMEOUT_MS] = {"DATABASE_ANSWER_TIMEOUT_MS", database, KIND_NUMBER, 100,
		600000, "1500", NULL, false,
		"milliseconds after which a silent database is given up and 503 answered"},
	[SETTING_ANSWER_CACHE_MB] = {"ANSWER_CACHE_MB", answers, KIND_NUMBER, 0, 65536, "64", NULL, false,
		"MiB of finished answers kept, all workers together; 0: none"},
	[SETTING_ANSWER_CACHE_SECONDS] = {"ANSWER_CACHE_SECONDS", answers, KIND_NUMBER, 0, 86400, "60",
		NULL, false, "seconds an answer is kept at most"},
	[SETTING_EVENTS_SYNC_DELAY_SECONDS] = {"EVENTS_SYNC_DELAY_SECONDS", catalog, KIND_NUMBER, 1,
		86400, "60", NULL, false, "seconds between syncs of a provider that names no interval"},
	[SETTING_EVENTS_SYNC_CONCURRENCY] = {"EVENTS_SYNC_CONCURRENCY", catalog, KIND_NUMBER, 1, 64, "4",
		NULL, false, "providers synced at the same time by one daemon"},
	[SETTING_EVENTS_SYNC_TIMEOUT_SECONDS] = {"EVENTS_SYNC_TIMEOUT_SECONDS", catalog, KIND_NUMBER, 1,
		3600, "60", NULL, false, "seconds a feed may take to arrive"},
	[SETTING_EVENTS_SYNC_ATTEMPTS] = {"EVENTS_SYNC_ATTEMPTS", catalog, KIND_NUMBER, 1, 10, "3", NULL,
		false, "requests of one sync before it has failed"},
	[SETTING_EVENTS_SYNC_RETRY_SECONDS] = {"EVENTS_SYNC_RETRY_SECONDS", catalog, KIND_NUMBER, 1, 600,
		"1", NULL, false, "seconds before the first retry; they double, with jitter"},
	[SETTING_EVENTS_FEED_MAX_MB] = {"EVENTS_FEED_MAX_MB", catalog, KIND_NUMBER, 1, 102400, "1024",
		NULL, false, "MiB of a feed after decompression"},
	[SETTING_EVENTS_SYNC_RETENTION_DAYS] = {"EVENTS_SYNC_RETENTION_DAYS", catalog, KIND_NUMBER, 1,
		3650, "7", NULL, false, "days the records of sync runs are kept"},
	[SETTING_CATALOG_MEMORY_MB] = {"CATALOG_MEMORY_MB", catalog, KIND_NUMBER, 0, 1048576, "512", NULL,
		false, "MiB the catalog's picture in memory may take; beyond, and with 0: ask SQL"},
	[SETTING_DEMO_PROVIDER] = {"DEMO_PROVIDER", catalog, KIND_FLAG, 0, 0, "1", NULL, false,
		"give a fresh database the built-in demo provider"},
	[SETTING_SOURCE_ALLOW] = {"SOURCE_ALLOW", catalog, KIND_TEXT, 0, 2000, "loopback,private", NULL,
		false, "networks feeds may come from besides public ones: loopback, private, any, CIDR"},
	[SETTING_SPOOL_DIR] = {"SPOOL_DIR", catalog, KIND_TEXT, 0, 1000, "", NULL, false,
		"folder where feeds are spooled; empty: TMPDIR, else /tmp"},
	[SETTING_CALENDAR_USERS] = {"CALENDAR_USERS", calendar, KIND_TEXT, 0, 20000, "1,2,3,4,5", NULL,
		false, "users a fresh database begins with, several by commas"},
	[SETTING_CALENDAR_SYNC_INTERVAL_SECONDS] =
		{"CALENDAR_SYNC_INTERVAL_SECONDS", calendar, KIND_NUMBER, 1, 2592000, "3600", NULL,
		 false, "seconds from one sync of a calendar to the next, all spread over them"},
	[SETTING_CALENDAR_SYNC_CONCURRENCY] = {"CALENDAR_SYNC_CONCURRENCY", calendar, KIND_NUMBER, 2, 64,
		"8", NULL, false,
		"calendars synced at the same time by one daemon; half of them failing ones at most"},
	[SETTING_CALENDAR_SYNC_TIMEOUT_SECONDS] = {"CALENDAR_SYNC_TIMEOUT_SECONDS", calendar,
		KIND_NUMBER, 1, 600, "30", NULL, false, "seconds a source may take for an answer"},
	[SETTING_CALENDAR_SYNC_ATTEMPTS] = {"CALENDAR_SYNC_ATTEMPTS", calendar, KIND_NUMBER, 1, 10, "3",
		NULL, false, "requests for the same page before a sync has failed"},
	[SETTING_CALENDAR_SYNC_RETRY_SECONDS] = {"CALENDAR_SYNC_RETRY_SECONDS", calendar, KIND_NUMBER, 1,
		600, "1", NULL, false, "seconds before the first retry; they double, with jitter"},
	[SETTING_CALENDAR_SOURCE_MAX_MB] = {"CALENDAR_SOURCE_MAX_MB", calendar, KIND_NUMBER, 1, 1024,
		"64", NULL, false, "MiB of a source, all its pages, after decompression"},
	[SETTING_CALENDAR_WINDOW_DAYS] = {"CALENDAR_WINDOW_DAYS", calendar, KIND_NUMBER, 1, 3660, "366",
		NULL, false, "days back and ahead for which occurrences of iCalendar feeds are kept"},
	[SETTING_CALENDAR_RETENTION_DAYS] = {"CALENDAR_RETENTION_DAYS", calendar, KIND_NUMBER, 1, 3650,
		"7", NULL, false, "days records of sync runs are kept, and events that vanished"},
	[SETTING_TIMER_CONCURRENCY] = {"TIMER_CONCURRENCY", timers, KIND_NUMBER, 1, 4096, "256", NULL,
				       false, "webhooks called at the same time by one daemon"},
	[SETTING_TIMER_SLOW_CONCURRENCY] =
		{"TIMER_SLOW_CONCURRENCY", timers, KIND_NUMBER, 0, 16384, "2048", NULL, false,
		 "further webhooks that may be under way for longer than 100 ms, so that slow receivers hold "
		 "up nobody"},
	[SETTING_TIMER_DESTINATION_CONCURRENCY] =
		{"TIMER_DESTINATION_CONCURRENCY", timers, KIND_NUMBER, 1, 4096, "64", NULL, false,
		 "of these, calls to the same scheme, host and port"},
	[SETTING_TIMER_RETRY_SECONDS] =
		{"TIMER_RETRY_SECONDS", timers, KIND_TEXT, 1, 200, "5,30,120,600,3600,21600", NULL,
		 false,
		 "seconds before each further attempt, with full jitter; the last one repeats"},
	[SETTING_TIMER_RETENTION_DAYS] = {"TIMER_RETENTION_DAYS", timers, KIND_NUMBER, 1, 3650, "7",
					  NULL, false,
					  "days timers that are over are kept with their attempts"},
	[SETTING_WEBHOOK_ALLOW] =
		{"WEBHOOK_ALLOW", timers, KIND_TEXT, 0, 2000, "", NULL, false,
		 "networks webhooks may go to besides public ones: loopback, private, any, CIDR"},
	[SETTING_WEBHOOK_SIGNING_SECRETS] =
		{"WEBHOOK_SIGNING_SECRETS", timers, KIND_TEXT, 0, 2000, "", NULL, true,
		 "secrets webhooks are signed with: whsec_ and base64, several by commas; empty: unsigned"},
	[SETTING_DAEMON_NAME] = {"DAEMON_NAME", timers, KIND_TEXT, 0, 200, "", NULL, false,
				 "what this daemon calls itself among those on its database, the same "
				 "after a restart; empty: host name and port"},
	[SETTING_WEBHOOK_VERIFY_SECRETS] =
		{"WEBHOOK_VERIFY_SECRETS", tasks, KIND_TEXT, 0, 2000, "", NULL, true,
		 "secrets webhooks about tasks must be signed with: whsec_ and base64, several by "
		 "commas; empty: all are taken"},
	[SETTING_WEBHOOK_RETENTION_DAYS] =
		{"WEBHOOK_RETENTION_DAYS", tasks, KIND_NUMBER, 0, 36500, "0", NULL, false,
		 "days webhooks about tasks are kept with their answers; 0: for ever"},
	[SETTING_REPORT_INTERVAL_SECONDS] =
		{"REPORT_INTERVAL_SECONDS", tasks, KIND_NUMBER, 1, 86400, "15", NULL, false,
		 "seconds of a report's period; periods end at whole multiples of it, UTC"},
	[SETTING_REPORT_DIR] = {"REPORT_DIR", tasks, KIND_TEXT, 1, 1000, "reports", NULL, false,
				"folder of the report files, made when it is missing; daemons on one "
				"database share it"},
	[SETTING_REPORT_RETENTION_DAYS] = {"REPORT_RETENTION_DAYS", tasks, KIND_NUMBER, 1, 3650, "7",
					   NULL, false, "days report files are kept"},
	[SETTING_LOG_LEVEL] = {"LOG_LEVEL", logging, KIND_CHOICE, 0, 0, "info", levels, false,
		"the least that is logged"},
	[SETTING_LOG_FORMAT] = {"LOG_FORMAT", logging, KIND_CHOICE, 0, 0, "logfmt", formats, false,
		"how lines are written"},
};
/* clang-format on */

/* --- judging values --------------------------------------------------------------------------------- */

static const char *const true_words[] = {"1", "true", "yes", "on", NULL};
static const char *const false_words[] = {"0", "false", "no", "off", NULL};

static int64_t place_of(const char *const *words, const char *text)
{
	for (int64_t place = 0; words[place]; place++)
		if (strcmp(words[place], text) == 0)
			return place;
	return -1;
}

static bool read_number(const char *text, int64_t min, int64_t max, int64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && *number >= min && *number <= max;
}

static bool read_value(const struct row *row, const char *text, int64_t *number)
{
	switch (row->kind) {
	case KIND_NUMBER:
		return read_number(text, row->min, row->max, number);
	case KIND_FLAG:
		*number = place_of(true_words, text) >= 0;
		return *number || place_of(false_words, text) >= 0;
	case KIND_CHOICE:
		*number = place_of(row->words, text);
		return *number >= 0;
	case KIND_TEXT:
	default:
		*number = 0;
		return strlen(text) >= (size_t)row->min && strlen(text) <= (size_t)row->max &&
		       span_is_text(span_of(text));
	}
}

static void append_words(struct str *out, const char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		str_append_text(out, i ? ", " : "");
		str_append_text(out, words[i]);
	}
}

static void append_allowed(struct str *out, const struct row *row)
{
	switch (row->kind) {
	case KIND_NUMBER:
		str_format(out, "a whole number from %lld to %lld", (long long)row->min,
			   (long long)row->max);
		break;
	case KIND_FLAG:
		str_append_text(out, "1 or 0 (also true, false, yes, no, on, off)");
		break;
	case KIND_CHOICE:
		str_append_text(out, "one of ");
		append_words(out, row->words);
		break;
	case KIND_TEXT:
	default:
		str_format(out, "text of %lld to %lld bytes", (long long)row->min,
			   (long long)row->max);
		break;
	}
}

static void complain(struct str *complaint, const struct row *row, const struct value *value)
{
	str_format(complaint, "%s=", row->name);
	settings_append_shown(complaint, row->is_secret ? "***" : value->text);
	str_append_text(complaint, ": must be ");
	append_allowed(complaint, row);
	str_format(complaint, " (%s)\n", value->origin ? value->origin : "default");
}

static void judge_all(struct settings *settings, struct str *complaint)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		struct value *value = &settings->values[i];

		if (!value->text)
			value->text = settings_table[i].by_default;
		if (!read_value(&settings_table[i], value->text, &value->number))
			complain(complaint, &settings_table[i], value);
	}
}

/* --- the database's conninfo ------------------------------------------------------------------------ */

static const struct {
	enum setting setting;
	const char *keyword;
} parts[] = {
	{SETTING_DB_HOST, "host"},         {SETTING_DB_PORT, "port"},   {SETTING_DB_USER, "user"},
	{SETTING_DB_PASSWORD, "password"}, {SETTING_DB_NAME, "dbname"},
};

/* Quoted as libpq reads it (libpq, "Keyword/Value Connection Strings"). */
static void append_part(struct str *out, const char *keyword, const char *text)
{
	str_format(out, "%s%s='", out->length ? " " : "", keyword);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			str_append_char(out, '\\');
		str_append_char(out, *text);
	}
	str_append_char(out, '\'');
}

static void compose_database(struct settings *settings)
{
	const char *url = settings_text(settings, SETTING_DATABASE_URL);
	struct str out;

	str_init(&out, SETTINGS_MAX_BYTES);
	for (size_t i = 0; !*url && i < sizeof(parts) / sizeof(*parts); i++)
		if (*settings_text(settings, parts[i].setting))
			append_part(&out, parts[i].keyword,
				    settings_text(settings, parts[i].setting));
	settings->database = arena_text(settings->arena, *url ? span_of(url) : str_span(&out));
	str_finish(&out);
}

/* --- the door --------------------------------------------------------------------------------------- */

struct settings *settings_load(const char *const *environment, const char *dotenv_path,
			       struct str *complaint)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (!settings)
		abort();
	settings->arena = arena_create();
	settings_take(settings, environment, dotenv_path, complaint);
	judge_all(settings, complaint);
	if (complaint->length || complaint->has_overflowed) {
		settings_destroy(settings);
		return NULL;
	}
	compose_database(settings);
	return settings;
}

void settings_destroy(struct settings *settings)
{
	if (!settings)
		return;
	arena_destroy(settings->arena);
	free(settings);
}

const char *settings_text(const struct settings *settings, enum setting setting)
{
	return settings->values[setting].text;
}

int64_t settings_number(const struct settings *settings, enum setting setting)
{
	return settings->values[setting].number;
}

bool settings_flag(const struct settings *settings, enum setting setting)
{
	return settings->values[setting].number != 0;
}

bool settings_is_on(const struct settings *settings, enum setting setting)
{
	return settings_table[setting].kind == KIND_TEXT ? *settings_text(settings, setting) != '\0'
							 : settings_flag(settings, setting);
}

int64_t settings_choice(const struct settings *settings, enum setting setting)
{
	return settings->values[setting].number;
}

const char *settings_database(const struct settings *settings)
{
	return settings->database;
}

static void append_reload(struct str *out, enum setting setting)
{
	str_append_text(out, settings_is_reloadable(setting) ? "; taken on SIGHUP" : "");
}

static void append_help(struct str *out, int place)
{
	const struct row *row = &settings_table[place];

	str_format(out, "  %s=%s\n      %s.\n      Must be ", row->name, row->by_default,
		   row->help);
	append_allowed(out, row);
	append_reload(out, place);
	str_append_text(out, ".\n");
	if (row->is_secret)
		str_format(out, "      Or %s_FILE: the path of a file that holds it.\n", row->name);
}

void settings_help(struct str *out)
{
	const char *group = NULL;

	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct row *row = &settings_table[i];

		if (row->group != group)
			str_format(out, "%s%s\n", group ? "\n" : "", row->group);
		group = row->group;
		append_help(out, i);
	}
}

static bool is_about(const struct row *row, const char *word, bool is_whole)
{
	if (is_whole)
		return strcasecmp(row->name, word) == 0 || strcasecmp(row->group, word) == 0;
	return strcasestr(row->name, word) != NULL;
}

static bool append_about(struct str *out, const char *word, bool is_whole)
{
	size_t before = out->length;

	for (int i = 0; i < SETTING_COUNT; i++)
		if (is_about(&settings_table[i], word, is_whole))
			append_help(out, i);
	return out->length > before;
}

bool settings_help_about(struct str *out, const char *word)
{
	return *word && (append_about(out, word, true) || append_about(out, word, false));
}

/* mdoc(7): a line that began with a dot or an apostrophe would be a request. */
static void append_words_of_manual(struct str *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		str_append_text(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			str_append_text(out, "\\e");
		else
			str_append_char(out, *text);
	}
}

static void append_manual(struct str *out, int place)
{
	const struct row *row = &settings_table[place];

	str_format(out, ".It Ev %s\n", row->name);
	append_words_of_manual(out, row->help);
	str_append_text(out, ".\nMust be ");
	append_allowed(out, row);
	append_reload(out, place);
	str_append_text(out, ".\n");
	if (*row->by_default)
		str_format(out, "Default:\n.Ql %s .\n", row->by_default);
	if (row->is_secret)
		str_format(out, "Or\n.Ev %s_FILE :\nthe path of a file that holds it.\n",
			   row->name);
}

void settings_manual(struct str *out)
{
	const char *group = NULL;

	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct row *row = &settings_table[i];

		if (row->group != group)
			str_format(out, "%s.Ss %s\n.Bl -tag -width Ds\n", group ? ".El\n" : "",
				   row->group);
		group = row->group;
		append_manual(out, i);
	}
	str_append_text(out, ".El\n");
}

void settings_example(struct str *out)
{
	const char *group = NULL;

	str_append_text(
		out,
		"# The settings of almanac and their defaults. The environment goes before this\n"
		"# file, which is read as .env from the working directory.\n");
	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct row *row = &settings_table[i];

		if (row->group != group)
			str_format(out, "\n# --- %s\n", row->group);
		group = row->group;
		str_format(out, "\n# %s;\n# ", row->help);
		append_allowed(out, row);
		append_reload(out, i);
		str_append_text(out, ".\n");
		if (row->is_secret)
			str_format(out, "# Or %s_FILE: the path of a file that holds it.\n",
				   row->name);
		str_format(out, "%s=%s\n", row->name, row->by_default);
	}
}

void settings_summary(const struct settings *settings, struct str *out)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		const char *text = settings->values[i].text;

		if (strcmp(text, settings_table[i].by_default) == 0)
			continue;
		str_format(out, "%s%s=%s", out->length ? " " : "", settings_table[i].name,
			   settings_table[i].is_secret ? "***" : text);
	}
}
