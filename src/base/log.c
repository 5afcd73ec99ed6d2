/* log.c - writes log lines, logfmt or JSON, one write(2) each; called by everyone. */
#include "almanac/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "almanac/clock.h"

#define LINE_MAX_BYTES 8192
#define SECONDS_A_DAY 86400

static _Atomic int least_level = LOG_LEVEL_INFO;
static _Atomic int line_format = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* A line in the making; what does not fit is dropped, the end of line always fits. */
struct line {
	char bytes[LINE_MAX_BYTES];
	size_t length;
	bool is_json;
};

static void put(struct line *line, struct span bytes)
{
	size_t room = sizeof(line->bytes) - 3 - line->length;

	if (bytes.length > room)
		bytes.length = room;
	if (bytes.length)
		memcpy(line->bytes + line->length, bytes.bytes, bytes.length);
	line->length += bytes.length;
}

static void put_text(struct line *line, const char *text)
{
	put(line, span_of(text));
}

/* --- escaping: what leaves here is printable and stays within its quotes ----------------------------- */

static void put_escape(struct line *line, unsigned character)
{
	char text[8];

	if (character == '"' || character == '\\')
		snprintf(text, sizeof(text), "\\%c", (char)character);
	else if (character == '\n')
		snprintf(text, sizeof(text), "\\n");
	else
		snprintf(text, sizeof(text), "\\u%04x", character & 0xffffU);
	put_text(line, text);
}

/* The length of a character beyond ASCII that some readers take for an end of line or worse, else 0:
 * control characters U+0080 to U+009F, separators and turns of direction U+2028 to U+202E, U+2066 to
 * U+2069. The text is known to be UTF-8. */
static size_t tricky_length(struct span rest)
{
	unsigned char first = (unsigned char)rest.bytes[0], second, third;

	if (first != 0xc2 && first != 0xe2)
		return 0;
	second = (unsigned char)rest.bytes[1];
	if (first == 0xc2)
		return second < 0xa0 ? 2 : 0;
	third = (unsigned char)rest.bytes[2];
	if ((second == 0x80 && third >= 0xa8 && third <= 0xae) ||
	    (second == 0x81 && third >= 0xa6 && third <= 0xa9))
		return 3;
	return 0;
}

static void put_tricky(struct line *line, struct span character)
{
	unsigned last = (unsigned char)character.bytes[character.length - 1] & 0x3fU;
	unsigned before = (unsigned char)character.bytes[character.length - 2];

	put_escape(line,
		   character.length == 2 ? 0x80U | last : 0x2000U | (before & 0x3fU) << 6 | last);
}

/* Printable ASCII as sets of bits: what may stand within quotes as it is (all but quote and
 * backslash), and without them (nor space nor equals sign). Every request's line is looked through. */
static const uint64_t within_quotes[2] = {UINT64_C(0xfffffffb00000000),
					  UINT64_C(0x7fffffffefffffff)};
static const uint64_t without_quotes[2] = {UINT64_C(0xdffffffa00000000),
					   UINT64_C(0x7fffffffefffffff)};

static size_t run_of(const uint64_t set[2], struct span text)
{
	size_t length = 0;

	while (length < text.length) {
		unsigned char byte = (unsigned char)text.bytes[length];

		if (byte >= 0x80 || !(set[byte >> 6] >> (byte & 63) & 1))
			break;
		length++;
	}
	return length;
}

/* One character that is not printable ASCII, or a byte of what is no text; its length. */
static size_t put_character(struct line *line, struct span rest, bool is_text)
{
	size_t tricky = is_text ? tricky_length(rest) : 0;
	unsigned char byte = (unsigned char)*rest.bytes;

	if (tricky) {
		put_tricky(line, (struct span){rest.bytes, tricky});
		return tricky;
	}
	if (byte < 0x80 || !is_text)
		put_escape(line, byte);
	else
		put(line, (struct span){rest.bytes, 1});
	return 1;
}

/* Room is kept for the longest escape or character and the closing quote, or the line would not
 * parse; a character is never cut. */
static void put_quoted(struct line *line, struct span text)
{
	const size_t most = sizeof(line->bytes) - 16;
	bool is_text = span_is_text(text);

	put_text(line, "\"");
	for (size_t i = 0; i < text.length;) {
		struct span rest = {text.bytes + i, text.length - i};
		size_t run = run_of(within_quotes, rest);
		bool is_inside = is_text && ((unsigned char)*rest.bytes & 0xc0) == 0x80;

		if (!is_inside && line->length > most)
			break;
		if (run > 0) {
			size_t room = most + 1 - line->length;

			rest.length = run < room ? run : room;
			put(line, rest);
			i += rest.length;
		} else {
			i += put_character(line, rest, is_text);
		}
	}
	put_text(line, "\"");
}

static bool is_plain(struct span text)
{
	return text.length > 0 && run_of(without_quotes, text) == text.length;
}

/* --- fields ----------------------------------------------------------------------------------------- */

static void put_name(struct line *line, const char *name)
{
	if (line->is_json) {
		put_text(line, line->length ? ",\"" : "{\"");
		put_text(line, name);
		put_text(line, "\":");
		return;
	}
	if (line->length)
		put_text(line, " ");
	put_text(line, name);
	put_text(line, "=");
}

static void put_field_text(struct line *line, const char *name, struct span text)
{
	put_name(line, name);
	if (!line->is_json && is_plain(text))
		put(line, text);
	else
		put_quoted(line, text);
}

/* At least so many digits. A line is written for every request: printf would cost more than the rest. */
static void put_digits(struct line *line, uint64_t number, int least)
{
	char text[24];
	char *end = text + sizeof(text), *at = end;

	while (number || least > 0) {
		*--at = (char)('0' + number % 10);
		number /= 10;
		least--;
	}
	put(line, (struct span){at, (size_t)(end - at)});
}

static void put_field(struct line *line, const struct log_field *field)
{
	uint64_t magnitude =
		field->number < 0 ? 0 - (uint64_t)field->number : (uint64_t)field->number;

	if (line->length + 64 > sizeof(line->bytes))
		return;
	if (field->kind == LOG_FIELD_TEXT) {
		put_field_text(line, field->name, field->text);
		return;
	}
	put_name(line, field->name);
	if (field->number < 0)
		put_text(line, "-");
	if (field->kind != LOG_FIELD_MILLISECONDS) {
		put_digits(line, magnitude, 1);
		return;
	}
	put_digits(line, magnitude / 1000, 1);
	put_text(line, ".");
	put_digits(line, magnitude % 1000, 3);
}

/* Days since 1970 to year, month, day (proleptic Gregorian). */
static void put_time(struct line *line)
{
	int64_t now_ms = clock_wall_us() / 1000;
	int64_t days = now_ms / 1000 / SECONDS_A_DAY;
	int64_t second = now_ms / 1000 % SECONDS_A_DAY;
	int64_t shifted = days + 719468;
	int64_t era = shifted / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	int64_t year = year_of_era + era * 400 + (month <= 2);
	const struct {
		int64_t number;
		int digits;
		const char *behind;
	} parts[] = {{year, 4, "-"},
		     {month, 2, "-"},
		     {day, 2, "T"},
		     {second / 3600, 2, ":"},
		     {second / 60 % 60, 2, ":"},
		     {second % 60, 2, "."},
		     {now_ms % 1000, 3, "Z"}};

	put_name(line, "time");
	put_text(line, line->is_json ? "\"" : "");
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		put_digits(line, (uint64_t)parts[i].number, parts[i].digits);
		put_text(line, parts[i].behind);
	}
	put_text(line, line->is_json ? "\"" : "");
}

/* --- the door --------------------------------------------------------------------------------------- */

struct log_field log_what(const char *what)
{
	return log_text("what", what);
}

struct log_field log_text(const char *name, const char *text)
{
	return log_span(name, span_of(text));
}

struct log_field log_span(const char *name, struct span text)
{
	return (struct log_field){LOG_FIELD_TEXT, name, text, 0};
}

struct log_field log_number(const char *name, int64_t number)
{
	return (struct log_field){LOG_FIELD_NUMBER, name, {0}, number};
}

struct log_field log_ms(const char *name, int64_t microseconds)
{
	return (struct log_field){LOG_FIELD_MILLISECONDS, name, {0}, microseconds};
}

void log_configure(enum log_level least, enum log_format format)
{
	atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
	atomic_store_explicit(&line_format, (int)format, memory_order_relaxed);
}

bool log_has_level(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

static void compose(struct line *line, enum log_level level, const struct log_field *fields)
{
	line->length = 0;
	line->is_json = atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_FORMAT_JSON;
	put_time(line);
	put_field_text(line, "level", span_of(level_names[level]));
	for (; fields->kind != LOG_FIELD_END; fields++)
		put_field(line, fields);
	if (line->is_json)
		line->bytes[line->length++] = '}';
	line->bytes[line->length++] = '\n';
}

static void send(const char *bytes, size_t length)
{
	ssize_t written = write(STDERR_FILENO, bytes, length);

	(void)written;
}

void log_write(enum log_level level, const struct log_field *fields)
{
	struct line line;

	if (!log_has_level(level))
		return;
	compose(&line, level, fields);
	send(line.bytes, line.length);
}

void log_gather(struct str *lines, enum log_level level, const struct log_field *fields)
{
	struct line line;

	if (!log_has_level(level))
		return;
	compose(&line, level, fields);
	if (lines->max_length - lines->length < line.length)
		log_send(lines);
	str_append(lines, (struct span){line.bytes, line.length});
}

void log_send(struct str *lines)
{
	if (lines->length == 0)
		return;
	send(lines->bytes, lines->length);
	str_clear(lines);
}
