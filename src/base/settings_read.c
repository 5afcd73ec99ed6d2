/* settings_read.c - finds the values of settings: in the environment, in .env, in files of secrets. Called
 * by settings.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "settings_parts.h"

#define SHOWN_MAX_BYTES 200

/* --- the environment and .env ----------------------------------------------------------------------- */

static bool is_file_of(struct span name, const struct row *row)
{
	size_t length = strlen(row->name);

	return row->is_secret && span_starts_with(name, span_of(row->name)) &&
	       span_is((struct span){name.bytes + length, name.length - length}, "_FILE");
}

static const char from_environment[] = "environment";

/* What comes later counts: .env from its first line to its last, then the environment. */
static void take(struct settings *settings, struct span name, struct span text, const char *origin)
{
	bool is_environment = origin == from_environment;

	for (int i = 0; i < SETTING_COUNT && text.length > 0; i++) {
		struct value *value = &settings->values[i];

		if (span_is(name, settings_table[i].name)) {
			value->is_hidden =
				is_environment && value->text && !span_is(text, value->text);
			value->text = arena_text(settings->arena, text);
			value->origin = origin;
		} else if (is_file_of(name, &settings_table[i])) {
			value->file = arena_text(settings->arena, text);
			value->file_origin = origin;
		}
	}
}

static void take_environment(struct settings *settings, const char *const *environment)
{
	for (; environment && *environment; environment++) {
		struct span text = span_of(*environment);
		struct span name;

		if (span_split(&text, '=', &name) && text.bytes)
			take(settings, name, text, from_environment);
	}
}

/* A comment begins with a '#' at the front or behind white space. */
static struct span without_comment(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		bool is_apart = i == 0 || text.bytes[i - 1] == ' ' || text.bytes[i - 1] == '\t';

		if (text.bytes[i] == '#' && is_apart)
			return span_trim((struct span){text.bytes, i});
	}
	return text;
}

/* Within quotes all counts, else what stands before a comment. False when a quote stays open. */
static bool unquote(struct span text, struct span *value)
{
	const char *end;

	*value = without_comment(text);
	if (text.length == 0 || (*text.bytes != '"' && *text.bytes != '\''))
		return true;
	end = memchr(text.bytes + 1, *text.bytes, text.length - 1);
	if (!end)
		return false;
	*value = (struct span){text.bytes + 1, (size_t)(end - text.bytes) - 1};
	text = span_trim((struct span){end + 1, text.length - value->length - 2});
	return without_comment(text).length == 0;
}

static void take_line(struct settings *settings, struct span line, const char *path, int number,
		      struct str *complaint)
{
	struct span text = span_trim(line);
	struct span name, value;

	if (text.length == 0 || *text.bytes == '#')
		return;
	span_split(&text, '=', &name);
	name = span_trim(name);
	if (!text.bytes || name.length == 0 || memchr(line.bytes, '\0', line.length)) {
		str_format(complaint, "%s:%d: must be NAME=value, a comment or empty\n", path,
			   number);
		return;
	}
	if (!unquote(span_trim(text), &value)) {
		str_format(complaint, "%s:%d: a quote must be closed at the end of the value\n",
			   path, number);
		return;
	}
	if (span_starts_with(name, SPAN("export ")))
		name = span_trim((struct span){name.bytes + 7, name.length - 7});
	take(settings, name, value, arena_format(settings->arena, "%s:%d", path, number));
}

static void take_dotenv(struct settings *settings, const char *path, struct str *complaint)
{
	char *bytes = arena_alloc(settings->arena, SETTINGS_MAX_BYTES);
	FILE *file = path ? fopen(path, "re") : NULL;
	struct span rest = {bytes, 0};
	struct span line;

	if (!file) {
		if (path && errno != ENOENT)
			str_format(complaint, "%s: %s\n", path, strerror(errno));
		return;
	}
	rest.length = fread(bytes, 1, SETTINGS_MAX_BYTES, file);
	if (rest.length == SETTINGS_MAX_BYTES || ferror(file))
		str_format(complaint, "%s: cannot be read, or is larger than 64 KiB\n", path);
	fclose(file);
	for (int number = 1; span_split(&rest, '\n', &line); number++)
		take_line(settings, line, path, number, complaint);
}

/* --- secrets in files ------------------------------------------------------------------------------- */

/* Lines are the parts of a list; most files have one. */
static const char *join_lines(struct settings *settings, struct span rest)
{
	struct span line;
	struct str out;
	const char *text;

	str_init(&out, SETTINGS_MAX_BYTES);
	while (span_split(&rest, '\n', &line)) {
		if (line.length && line.bytes[line.length - 1] == '\r')
			line.length--;
		if (line.length == 0)
			continue;
		str_append_text(&out, out.length ? "," : "");
		str_append(&out, line);
	}
	text = arena_text(settings->arena, str_span(&out));
	str_finish(&out);
	return text;
}

/* False, with errno, when it cannot be read; EFBIG: it is too large or no text. */
static bool read_file(struct settings *settings, const char *path, const char **text)
{
	char *bytes = arena_alloc(settings->arena, SETTINGS_MAX_BYTES);
	FILE *file = fopen(path, "re");
	size_t length;
	bool is_read;

	if (!file)
		return false;
	length = fread(bytes, 1, SETTINGS_MAX_BYTES, file);
	is_read = !ferror(file);
	fclose(file);
	if (is_read && (length == SETTINGS_MAX_BYTES || memchr(bytes, '\0', length))) {
		errno = EFBIG;
		is_read = false;
	}
	if (is_read)
		*text = join_lines(settings, (struct span){bytes, length});
	return is_read;
}

static void take_files(struct settings *settings, struct str *complaint)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		struct value *value = &settings->values[i];

		if (!value->file)
			continue;
		if (value->text) {
			str_format(complaint,
				   "%s (%s) and %s_FILE (%s) are both set: one of them must go\n",
				   settings_table[i].name, value->origin, settings_table[i].name,
				   value->file_origin);
		} else if (!read_file(settings, value->file, &value->text)) {
			str_format(complaint, "%s_FILE=", settings_table[i].name);
			settings_append_shown(complaint, value->file);
			str_format(complaint, ": %s (%s)\n",
				   errno == EFBIG ? "must be a text below 64 KiB" : strerror(errno),
				   value->file_origin);
		} else {
			value->origin =
				arena_format(settings->arena, "%s_FILE", settings_table[i].name);
		}
	}
}

/* --- the door --------------------------------------------------------------------------------------- */

void settings_append_shown(struct str *out, const char *text)
{
	bool is_text = span_is_text(span_of(text));

	for (size_t i = 0; text[i] && i < SHOWN_MAX_BYTES; i++) {
		unsigned char byte = (unsigned char)text[i];
		bool is_shown = byte >= ' ' && byte != 0x7f && (byte < 0x80 || is_text);

		str_append_char(out, is_shown ? text[i] : '?');
	}
}

void settings_take(struct settings *settings, const char *const *environment,
		   const char *dotenv_path, struct str *complaint)
{
	take_dotenv(settings, dotenv_path, complaint);
	take_environment(settings, environment);
	take_files(settings, complaint);
}
