/* main.c - opens the house room by room, closes it in reverse; the command line. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "almanac/calendar.h"
#include "almanac/clock.h"
#include "almanac/db.h"
#include "almanac/fetch.h"
#include "almanac/health.h"
#include "almanac/log.h"
#include "almanac/metrics.h"
#include "almanac/notify.h"
#include "almanac/openapi.h"
#include "almanac/routes.h"
#include "almanac/schedule.h"
#include "almanac/scheduler.h"
#include "almanac/server.h"
#include "almanac/settings.h"
#include "almanac/tasks.h"
#include "almanac/tokens.h"
#include "almanac/uuid.h"
#include "help.h"
#include "reload.h"

#define EXIT_FINE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2

#define SECOND INT64_C(1000000)
#define TEXT_MAX ((size_t)64 << 10)
#define URL_MAX 128
#define HOST_MAX 256
#define DAEMON_NAME_MAX 300
#define AGE_HEADER "X-Catalog-Age"
#define USER_AGENT "almanac/" ALMANAC_VERSION
#define STATUS_MAX 200

/* The scheduler's loop says that it goes round once a second, the others more often. */
#define BEAT_LATE_US (2 * SECOND)

struct house {
	struct settings *settings;
	struct metrics *metrics;
	struct edition edition;
	struct heartbeat heartbeat;
	struct server *server;
	struct schedule schedule;
	struct scheduler *scheduler;
	char demo_url[URL_MAX];
	struct timers_desk timers_desk;
	struct tasks_desk tasks_desk;
	struct calendar_desk calendar_desk;
	struct desk *desks[4]; /* NULL-terminated */
	char daemon_name[DAEMON_NAME_MAX];
	struct notifier notifier;
	char daemon_run[UUID_TEXT_LENGTH + 1];
	char host[HOST_MAX];
	char address[URL_MAX];
};

/* --- what is said on the terminal ------------------------------------------------------------------- */

static int complain(const struct str *complaint, int code)
{
	fprintf(stderr, "almanac: %s%s", str_text(complaint),
		complaint->length && complaint->bytes[complaint->length - 1] == '\n' ? "" : "\n");
	return code;
}

/* NULL: all of it. */
static int help(const char *word)
{
	struct str out;
	bool is_known = true;

	str_init(&out, TEXT_MAX);
	if (word)
		is_known = help_append_about(&out, word);
	else
		help_append(&out);
	if (is_known)
		fputs(str_text(&out), stdout);
	else
		fprintf(stderr,
			"almanac: there is no command, setting or group \"%s\": try almanac --help\n",
			word);
	str_finish(&out);
	return is_known ? EXIT_FINE : EXIT_USAGE;
}

static int manual(void)
{
	struct str out;

	str_init(&out, TEXT_MAX);
	settings_manual(&out);
	fputs(str_text(&out), stdout);
	str_finish(&out);
	return EXIT_FINE;
}

static int refuse(const char *word)
{
	const char *near = help_suggest(word);

	fprintf(stderr, "almanac: unknown command \"%s\": ", word);
	if (near)
		fprintf(stderr, "did you mean \"%s\"? ", near);
	fputs("try almanac --help\n", stderr);
	return EXIT_USAGE;
}

static int openapi(void)
{
	const struct openapi_options options = {routes, route_tags, ALMANAC_VERSION, AGE_HEADER};
	struct str out;

	str_init(&out, OPENAPI_MAX_BYTES);
	openapi_append(&options, &out);
	fputs(str_text(&out), stdout);
	str_finish(&out);
	return EXIT_FINE;
}

static int version(void)
{
	puts("almanac " ALMANAC_VERSION);
	return EXIT_FINE;
}

/* --- the house opens -------------------------------------------------------------------------------- */

/* Says why: this process has come upon what must not be (no memory, or a fault of ours), or another one, a
 * watchdog, wants it to end with a core. Then the signal does what it does without this. Only write(2) and
 * raise(3) are safe here. */
static void tell_why(int signal_number, siginfo_t *information, void *context)
{
	static const char no_memory[] = "level=error what=\"out of memory\"\n";
	static const char fault[] = "level=error what=\"aborted by a fault of almanac itself\"\n";
	static const char others[] = "level=error what=\"aborted by another process\"\n";
	bool has_no_memory = errno == ENOMEM;
	ssize_t written;

	(void)context;
	if (information->si_code == SI_USER && information->si_pid != getpid())
		written = write(STDERR_FILENO, others, sizeof(others) - 1);
	else if (has_no_memory)
		written = write(STDERR_FILENO, no_memory, sizeof(no_memory) - 1);
	else
		written = write(STDERR_FILENO, fault, sizeof(fault) - 1);
	(void)written;
	raise(signal_number);
}

/* A write that finds nobody, or no room below `ulimit -f`, says so by itself. */
static void block_signals(sigset_t *signals)
{
	const struct sigaction abort_action = {
		.sa_sigaction = tell_why,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND,
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigaction(SIGABRT, &abort_action, NULL);
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
}

/* What is stored in partitions by day finds those of today also after a long absence. Where they cannot
 * be made, all else can be served, and the room's own job tries again. */
static void prepare_days(const char *conninfo,
			 bool (*prepare)(const char *conninfo, struct str *complaint))
{
	struct str complaint;

	str_init(&complaint, TEXT_MAX);
	if (!prepare(conninfo, &complaint))
		log_warn(log_what("partitions of the coming days were not made"),
			 log_text("reason", str_text(&complaint)));
	str_finish(&complaint);
}

static bool prepare_database(const struct settings *settings, struct str *complaint)
{
	const char *conninfo = settings_database(settings);

	if (db_migrate(conninfo, complaint) != DB_START_OK ||
	    db_check(conninfo, complaint) != DB_START_OK)
		return false;
	prepare_days(conninfo, timers_prepare_days);
	prepare_days(conninfo, tasks_prepare_days);
	return true;
}

static bool open_server(struct house *house, struct str *complaint)
{
	const struct server_options options = {
		.settings = house->settings,
		.metrics = house->metrics,
		.routes = routes,
		.tags = route_tags,
		.edition = &house->edition,
		.heartbeat = &house->heartbeat,
		.desks = house->desks,
		.version = ALMANAC_VERSION,
		.replica_asks = health_replica_asks,
	};

	house->server = server_start(&options, complaint);
	return house->server != NULL;
}

/* One of our own paths, as it is asked for on this machine. */
static void write_own_url(const struct settings *settings, int port, const char *path,
			  char url[URL_MAX])
{
	const char *address = settings_text(settings, SETTING_HTTP_ADDRESS);
	bool is_any = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
	bool is_v6 = strchr(address, ':') != NULL;
	bool is_secure = settings_is_on(settings, SETTING_TLS_CERT_FILE);

	snprintf(url, URL_MAX, "http%s://%s%s%s:%d%s", is_secure ? "s" : "",
		 is_v6 && !is_any ? "[" : "", is_any ? "127.0.0.1" : address,
		 is_v6 && !is_any ? "]" : "", port, path);
}

/* The same after a restart: the port is this daemon's alone on its host. */
static void note_daemon(struct house *house)
{
	const char *name = settings_text(house->settings, SETTING_DAEMON_NAME);
	const char *address = settings_text(house->settings, SETTING_HTTP_ADDRESS);
	bool is_v6 = strchr(address, ':') != NULL;
	int port = server_port(house->server);
	struct uuid run = uuid_make();

	uuid_write(&run, house->daemon_run);
	snprintf(house->host, sizeof(house->host), "localhost");
	gethostname(house->host, sizeof(house->host) - 1);
	snprintf(house->address, sizeof(house->address), "%s%s%s:%d", is_v6 ? "[" : "", address,
		 is_v6 ? "]" : "", port);
	if (*name)
		snprintf(house->daemon_name, sizeof(house->daemon_name), "%s", name);
	else
		snprintf(house->daemon_name, sizeof(house->daemon_name), "%s:%d", house->host,
			 port);
	house->schedule.daemons_options = (struct daemons_options){
		.name = house->daemon_name,
		.host = house->host,
		.address = house->address,
		.version = ALMANAC_VERSION,
	};
}

static bool open_scheduler(struct house *house, struct str *complaint)
{
	const struct scheduler_options options = {
		.settings = house->settings,
		.metrics = house->metrics,
		.beat_us = &house->heartbeat.beat_us,
		.rooms = &house->schedule.rooms,
		.user_agent = USER_AGENT,
		.daemon = house->daemon_run,
	};

	write_own_url(house->settings, server_port(house->server), "/demo/events.xml",
		      house->demo_url);
	note_daemon(house);
	house->schedule.server = house->server;
	house->schedule.edition = &house->edition;
	house->schedule.demo_url = house->demo_url;
	house->schedule.timers_desk = &house->timers_desk;
	house->schedule.calendar_desk = &house->calendar_desk;
	house->schedule.user_agent = USER_AGENT;
	house->schedule.are_reports_stuck = &house->heartbeat.are_reports_stuck;
	schedule_init(&house->schedule);
	house->scheduler = scheduler_start(&options, complaint);
	return house->scheduler != NULL;
}

static void say_serving(const struct house *house)
{
	struct str summary;
	char status[STATUS_MAX];

	str_init(&summary, TEXT_MAX);
	settings_summary(house->settings, &summary);
	log_info(log_what("serving"),
		 log_text("address", settings_text(house->settings, SETTING_HTTP_ADDRESS)),
		 log_number("port", server_port(house->server)),
		 log_text("version", ALMANAC_VERSION), log_text("settings", str_text(&summary)));
	str_finish(&summary);
	snprintf(status, sizeof(status), "READY=1\nSTATUS=serving on %s port %d",
		 settings_text(house->settings, SETTING_HTTP_ADDRESS), server_port(house->server));
	notify_tell(&house->notifier, status);
}

static void say_reloading(const struct house *house)
{
	char status[STATUS_MAX];

	snprintf(status, sizeof(status), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)clock_steady_us());
	notify_tell(&house->notifier, status);
}

/* --- while it serves ------------------------------------------------------------------------------------ */

/* The manager's watchdog is told only while every loop goes round: else he restarts us. */
static void tell_watchdog(const struct house *house)
{
	int64_t half_us = house->notifier.watchdog_us / 2;
	int64_t since_us = clock_steady_us() - (half_us > BEAT_LATE_US ? half_us : BEAT_LATE_US);

	if (atomic_load(&house->heartbeat.beat_us) >= since_us &&
	    server_has_beaten(house->server, since_us))
		notify_tell(&house->notifier, "WATCHDOG=1");
}

/* 0: a quarter of the watchdog's time is over. */
static int wait_for_signal(const struct house *house, const sigset_t *signals)
{
	int64_t pause_us = house->notifier.watchdog_us / 4 + 1;
	const struct timespec pause = {.tv_sec = pause_us / SECOND,
				       .tv_nsec = pause_us % SECOND * 1000};
	int number = 0;

	if (house->notifier.watchdog_us > 0)
		number = sigtimedwait(signals, NULL, &pause);
	else
		sigwait(signals, &number);
	return number > 0 ? number : 0;
}

/* The signal that ends the house. */
static int wait_for_end(const struct house *house, const sigset_t *signals)
{
	struct reload reload = {.started = house->settings, .server = house->server};
	int number;

	while ((number = wait_for_signal(house, signals)) == 0 || number == SIGHUP) {
		if (number == SIGHUP) {
			say_reloading(house);
			reload_settings(&reload);
			notify_tell(&house->notifier, "READY=1\nSTATUS=settings read again");
		}
		tell_watchdog(house);
	}
	reload_finish(&reload);
	return number;
}

/* So that whoever sends us requests finds others in time; a further signal ends it. */
static void drain(struct house *house, sigset_t signals)
{
	int64_t seconds = settings_number(house->settings, SETTING_HTTP_DRAIN_SECONDS);
	const struct timespec patience = {.tv_sec = seconds};

	notify_tell(&house->notifier, "STOPPING=1\nSTATUS=finishing what is open");
	if (seconds == 0)
		return;
	atomic_store(&house->heartbeat.is_draining, true);
	log_info(log_what("draining"), log_number("seconds", seconds));
	sigdelset(&signals, SIGHUP);
	sigtimedwait(&signals, NULL, &patience);
}

/* --- the house closes in reverse ------------------------------------------------------------------------ */

/* The doors first: what the last requests store, the scheduler is still told of. */

static void close_house(struct house *house)
{
	int64_t patience = SECOND * settings_number(house->settings, SETTING_HTTP_SHUTDOWN_SECONDS);
	int64_t now = clock_steady_us();

	if (house->server)
		server_stop(house->server, now + patience / 2);
	scheduler_stop(house->scheduler, now + patience);
	server_destroy(house->server);
	scheduler_destroy(house->scheduler);
	tasks_desk_finish(&house->tasks_desk);
	metrics_destroy(house->metrics);
}

static int serve(struct settings *settings)
{
	struct house house = {.settings = settings, .edition.age_header = AGE_HEADER};
	struct str complaint;
	sigset_t signals;
	int signal_number = 0;
	int code = EXIT_FAILED;

	str_init(&complaint, TEXT_MAX);
	block_signals(&signals);
	notify_open(&house.notifier);
	notify_status(&house.notifier, "preparing the database");
	timers_desk_init(&house.timers_desk);
	calendar_desk_init(&house.calendar_desk);
	house.metrics = metrics_create();
	tasks_desk_init(&house.tasks_desk, settings, house.metrics);
	house.desks[0] = &house.timers_desk.desk;
	house.desks[1] = &house.tasks_desk.desk;
	house.desks[2] = &house.calendar_desk.desk;
	if (prepare_database(settings, &complaint) && open_server(&house, &complaint) &&
	    open_scheduler(&house, &complaint)) {
		say_serving(&house);
		signal_number = wait_for_end(&house, &signals);
		drain(&house, signals);
		log_info(log_what("stopping"), log_text("signal", strsignal(signal_number)));
		code = EXIT_FINE;
	} else {
		complain(&complaint, code);
	}
	close_house(&house);
	if (code == EXIT_FINE)
		log_info(log_what("stopped"));
	notify_close(&house.notifier);
	str_finish(&complaint);
	return code;
}

static int migrate(const struct settings *settings)
{
	struct str complaint;
	int code = EXIT_FINE;

	str_init(&complaint, TEXT_MAX);
	if (db_migrate(settings_database(settings), &complaint) == DB_START_OK)
		printf("the database is at version %d\n", db_newest_version());
	else
		code = complain(&complaint, EXIT_FAILED);
	str_finish(&complaint);
	return code;
}

/* Of the replica, if there is one; the daemon itself starts without it. */
static bool is_replica_fine(const struct settings *settings, struct str *complaint)
{
	const char *conninfo = settings_text(settings, SETTING_READ_DATABASE_URL);

	if (!*conninfo)
		return true;
	str_append_text(complaint, "READ_DATABASE_URL: ");
	return db_check(conninfo, complaint) == DB_START_OK;
}

static int check(const struct settings *settings)
{
	struct str complaint;
	int code = EXIT_FINE;

	str_init(&complaint, TEXT_MAX);
	if (db_check(settings_database(settings), &complaint) == DB_START_OK &&
	    is_replica_fine(settings, &complaint))
		puts("settings and database are fine");
	else
		code = complain(&complaint, EXIT_FAILED);
	str_finish(&complaint);
	return code;
}

static int healthcheck(const struct settings *settings, const char *path)
{
	int port = (int)settings_number(settings, SETTING_HTTP_PORT);
	char url[URL_MAX];
	struct str words;
	int code = EXIT_USAGE;

	str_init(&words, TEXT_MAX);
	write_own_url(settings, port, path, url);
	if (port == 0)
		str_append_text(&words, "HTTP_PORT=0: a daemon on any port cannot be found");
	else
		code = health_probe(url, &words) ? EXIT_FINE : EXIT_FAILED;
	if (code == EXIT_FINE)
		printf("%.*s\n", (int)span_trim(str_span(&words)).length, str_text(&words));
	else
		complain(&words, code);
	str_finish(&words);
	return code;
}

static int rebuild(const struct settings *settings, bool is_dry)
{
	bool agrees = false;
	struct str words;
	int code = EXIT_FAILED;

	str_init(&words, TEXT_MAX);
	if (tasks_rebuild(settings_database(settings), is_dry, &agrees, &words)) {
		puts(str_text(&words));
		code = agrees || !is_dry ? EXIT_FINE : EXIT_FAILED;
	} else {
		complain(&words, code);
	}
	str_finish(&words);
	return code;
}

/* --- a token, made without settings ------------------------------------------------------------------ */

static int make_token(const char *name, const char *scope)
{
	struct str words;
	int code = EXIT_FINE;

	str_init(&words, TEXT_MAX);
	if (tokens_make(name, scope, &words))
		puts(str_text(&words));
	else
		code = complain(&words, EXIT_USAGE);
	str_finish(&words);
	return code;
}

/* --- the command line -------------------------------------------------------------------------------- */

enum command {
	COMMAND_SERVE,
	COMMAND_MIGRATE,
	COMMAND_CHECK,
	COMMAND_LIVE,
	COMMAND_READY,
	COMMAND_REBUILD,
	COMMAND_COMPARE,
};

static int act(enum command command, struct settings *settings)
{
	switch (command) {
	case COMMAND_MIGRATE:
		return migrate(settings);
	case COMMAND_CHECK:
		return check(settings);
	case COMMAND_LIVE:
		return healthcheck(settings, "/livez");
	case COMMAND_READY:
		return healthcheck(settings, "/readyz");
	case COMMAND_REBUILD:
	case COMMAND_COMPARE:
		return rebuild(settings, command == COMMAND_COMPARE);
	case COMMAND_SERVE:
	default:
		return serve(settings);
	}
}

static int with_settings(enum command command)
{
	struct str complaint;
	struct settings *settings;
	int code = EXIT_USAGE;

	str_init(&complaint, TEXT_MAX);
	settings = settings_load((const char *const *)environ, ".env", &complaint);
	if (!settings || !reload_judge(settings, &complaint)) {
		complain(&complaint, code);
		settings_destroy(settings);
		str_finish(&complaint);
		return code;
	}
	str_finish(&complaint);
	reload_log(settings);
	code = act(command, settings);
	settings_destroy(settings);
	return code;
}

static const struct {
	const char *words[2];
	enum command command;
} commands[] = {
	{{NULL, NULL}, COMMAND_SERVE},
	{{"migrate", NULL}, COMMAND_MIGRATE},
	{{"check", NULL}, COMMAND_CHECK},
	{{"healthcheck", NULL}, COMMAND_LIVE},
	{{"healthcheck", "--ready"}, COMMAND_READY},
	{{"rebuild-tasks", NULL}, COMMAND_REBUILD},
	{{"rebuild-tasks", "--dry-run"}, COMMAND_COMPARE},
};

static bool is_word(const char *given, const char *wanted)
{
	return given && wanted ? strcmp(given, wanted) == 0 : given == wanted;
}

/* What needs no settings: false when it is none of these. */
static bool answer(int count, char **words, int *code)
{
	if (count == 2 && (is_word(words[1], "--help") || is_word(words[1], "help")))
		*code = help(NULL);
	else if (count == 3 && is_word(words[1], "help"))
		*code = is_word(words[2], "--mdoc") ? manual() : help(words[2]);
	else if (count == 2 && is_word(words[1], "--version"))
		*code = version();
	else if (count == 4 && is_word(words[1], "token"))
		*code = make_token(words[2], words[3]);
	else if (count == 2 && is_word(words[1], "openapi"))
		*code = openapi();
	else
		return false;
	return true;
}

int main(int count, char **arguments)
{
	const char *first = count > 1 ? arguments[1] : NULL;
	const char *second = count > 2 ? arguments[2] : NULL;
	int code = EXIT_USAGE;

	if (answer(count, arguments, &code))
		return code;
	if (is_word(first, "token")) {
		fputs("almanac: usage: almanac token NAME SCOPE\n", stderr);
		return EXIT_USAGE;
	}
	for (size_t i = 0; count <= 3 && i < sizeof(commands) / sizeof(*commands); i++)
		if (is_word(first, commands[i].words[0]) && is_word(second, commands[i].words[1]))
			return with_settings(commands[i].command);
	return refuse(arguments[count - 1]);
}
