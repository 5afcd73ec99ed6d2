/* help.c - what the command line tells of itself: commands, settings, and what was perhaps meant; called by
 * main. */
#include "help.h"

#include <string.h>

#include "almanac/settings.h"

#define USAGE_WIDTH 11
#define WORD_MAX 32 /* longer ones are near to nothing */

/* Mistakes that are forgiven, and letters a word needs for each. */
#define MISTAKES_MAX 2
#define LETTERS_A_MISTAKE 3

static const struct {
	const char *name; /* NULL: without a command */
	const char *usage;
	const char *text;
} commands[] = {
	{NULL, "(none)",
	 "migrate the database, serve, run the schedule; SIGTERM drains and ends,\n"
	 "SIGHUP reads the settings again"},
	{"migrate", "migrate", "bring the database's schema up to date and end"},
	{"check", "check",
	 "judge the settings, the database and the replica, and end: 0 all is well"},
	{"healthcheck", "healthcheck [--ready]",
	 "ask the daemon of these settings for /livez, or /readyz, and end: 0 when\n"
	 "it answers 200 within two seconds"},
	{"rebuild-tasks", "rebuild-tasks [--dry-run]",
	 "make the tasks anew from the webhooks that are kept and end; dry: only\n"
	 "compare, 0 when they agree"},
	{"token", "token NAME SCOPE",
	 "make a bearer token for API_TOKENS; SCOPE: read, write or admin"},
	{"openapi", "openapi", "print the description of the HTTP interface (OpenAPI 3.1) and end"},
	{"help", "help [WORD]", "this text; WORD: a command, a setting, or a group of settings"},
	{"--help", "--help", "this text"},
	{"--version", "--version", "the version"},
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

/* The usage stands in front of the first line, or above it when it is long. */
static void append_command(struct str *out, size_t place)
{
	const char *usage = commands[place].usage;
	struct span rest = span_of(commands[place].text), line;

	if (strlen(usage) > USAGE_WIDTH) {
		str_format(out, "  %s\n", usage);
		usage = "";
	}
	while (span_split(&rest, '\n', &line)) {
		str_format(out, "  %-*s %.*s\n", USAGE_WIDTH, usage, (int)line.length, line.bytes);
		usage = "";
	}
}

void help_append(struct str *out)
{
	str_append_text(out,
			"almanac: everything in a backend that happens at a time, over HTTP.\n\n"
			"Usage: almanac [COMMAND]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		append_command(out, i);
	str_append_text(
		out,
		"\nExit codes: 0 fine, 1 something failed, 2 wrong use or a wrong setting.\n\n"
		"Settings come from the environment, and from .env in the working directory for\n"
		"what is not set there. More: man almanac.\n\n");
	settings_help(out);
}

bool help_append_about(struct str *out, const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (commands[i].name && strcmp(commands[i].name, word) == 0)
			append_command(out, i);
	return out->length > 0 || settings_help_about(out, word);
}

/* --- what was perhaps meant ----------------------------------------------------------------------------- */

static int least(int one, int other)
{
	return one < other ? one : other;
}

/* Letters to change, add, take away or swap with the next one until both are equal. */
static int distance(const char *one, const char *other)
{
	int rows[WORD_MAX + 1][WORD_MAX + 1];
	int height = (int)strlen(one), width = (int)strlen(other);

	for (int i = 0; i <= height; i++)
		rows[i][0] = i;
	for (int k = 0; k <= width; k++)
		rows[0][k] = k;
	for (int i = 1; i <= height; i++) {
		for (int k = 1; k <= width; k++) {
			int cost = one[i - 1] != other[k - 1];

			rows[i][k] = least(least(rows[i - 1][k], rows[i][k - 1]) + 1,
					   rows[i - 1][k - 1] + cost);
			if (i > 1 && k > 1 && one[i - 1] == other[k - 2] &&
			    one[i - 2] == other[k - 1])
				rows[i][k] = least(rows[i][k], rows[i - 2][k - 2] + 1);
		}
	}
	return rows[height][width];
}

const char *help_suggest(const char *word)
{
	size_t length = strlen(word);
	int nearest = least(MISTAKES_MAX, (int)(length / LETTERS_A_MISTAKE)) + 1;
	const char *found = NULL;

	if (length > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < COMMANDS; i++) {
		int far = commands[i].name ? distance(word, commands[i].name) : nearest;

		if (far >= nearest)
			continue;
		nearest = far;
		found = commands[i].name;
	}
	return found;
}
