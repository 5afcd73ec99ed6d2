/* fuzz_dotenv.c - any file may lie there as .env: it is read, or refused line by line; a secret is
 * never told, and what was read is read again from what it means */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "almanac/settings.h"

#define OUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory that has a path. */
static int make_file(const void *bytes, size_t length, char *path, size_t path_size)
{
	int file = memfd_create("dotenv", MFD_CLOEXEC);

	assert(file >= 0 && write(file, bytes, length) == (ssize_t)length);
	snprintf(path, path_size, "/proc/self/fd/%d", file);
	return file;
}

static struct settings *load(const void *bytes, size_t length, const char *const *environment,
			     struct str *complaint)
{
	char path[64];
	int file = make_file(bytes, length, path, sizeof(path));
	struct settings *settings;

	str_init(complaint, OUT_MAX);
	settings = settings_load(environment, path, complaint);
	close(file);
	return settings;
}

/* One line a fault, each of printable text. */
static void check_complaint(const struct str *complaint)
{
	struct span text = str_span(complaint);

	assert(text.length > 0 && text.bytes[text.length - 1] == '\n');
	assert(span_is_text(text));
	for (size_t i = 0; i < text.length; i++)
		assert(text.bytes[i] == '\n' || (unsigned char)text.bytes[i] >= ' ');
}

static void check_values(const struct settings *settings)
{
	int64_t port = settings_number(settings, SETTING_HTTP_PORT);
	int64_t level = settings_choice(settings, SETTING_LOG_LEVEL);

	assert(port >= 0 && port <= 65535);
	assert(level >= 0 && level <= 3);
	for (int i = 0; i < SETTING_COUNT; i++)
		assert(span_is_text(span_of(settings_text(settings, (enum setting)i))));
}

/* The same values from the environment compose the same database. */
static void check_again(const struct settings *settings)
{
	static const enum setting parts[] = {SETTING_DATABASE_URL, SETTING_DB_HOST,
					     SETTING_DB_PORT,      SETTING_DB_USER,
					     SETTING_DB_PASSWORD,  SETTING_DB_NAME};
	static const char *const names[] = {"DATABASE_URL", "DB_HOST",     "DB_PORT",
					    "DB_USER",      "DB_PASSWORD", "DB_NAME"};
	const char *environment[7] = {NULL};
	struct settings *again;
	struct str lines[6], complaint;

	for (size_t i = 0; i < 6; i++) {
		str_init(&lines[i], 4096);
		str_format(&lines[i], "%s=%s", names[i], settings_text(settings, parts[i]));
		environment[i] = str_text(&lines[i]);
	}
	again = load("", 0, (const char *const *)environment, &complaint);
	assert(again && strcmp(settings_database(again), settings_database(settings)) == 0);
	settings_destroy(again);
	str_finish(&complaint);
	for (size_t i = 0; i < 6; i++)
		str_finish(&lines[i]);
}

/* Beside any .env, a secret is told neither when all is well nor when it is too long itself. */
static void check_secret(const uint8_t *data, size_t size, size_t secret_length)
{
	static const char secret[] = "open sesame, open sesame, open sesame; ";
	struct str line, told;
	const char *environment[] = {NULL, NULL};
	struct settings *settings;

	if (memmem(data, size, "sesame", 6))
		return; /* the fuzzer has seen it */
	str_init(&line, 4096);
	str_append_text(&line, "DB_PASSWORD=");
	while (line.length < secret_length)
		str_append_text(&line, secret);
	environment[0] = str_text(&line);
	settings = load(data, size, (const char *const *)environment, &told);
	if (settings)
		settings_summary(settings, &told);
	assert(!strstr(str_text(&told), "sesame"));
	assert(!settings || secret_length < 500);
	settings_destroy(settings);
	str_finish(&told);
	str_finish(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str complaint;
	struct settings *settings = load(data, size, NULL, &complaint);

	if (settings) {
		assert(complaint.length == 0);
		check_values(settings);
		check_again(settings);
	} else {
		check_complaint(&complaint);
	}
	settings_destroy(settings);
	str_finish(&complaint);
	check_secret(data, size, 40);
	check_secret(data, size, 600);
	return 0;
}
