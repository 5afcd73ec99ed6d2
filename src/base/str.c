/* str.c - borrowed and owned bytes; called by everyone. */
#include "almanac/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256
#define NUMBER_TEXT 24

/* --- span ------------------------------------------------------------------------------------------- */

struct span span_of(const char *text)
{
	return (struct span){text, text ? strlen(text) : 0};
}

bool span_is(struct span span, const char *text)
{
	size_t length = strlen(text);

	return span.length == length && (length == 0 || memcmp(span.bytes, text, length) == 0);
}

bool span_equals(struct span one, struct span other)
{
	return one.length == other.length &&
	       (one.length == 0 || memcmp(one.bytes, other.bytes, one.length) == 0);
}

static char lower(char character)
{
	return character >= 'A' && character <= 'Z' ? (char)(character + ('a' - 'A')) : character;
}

bool span_equals_nocase(struct span one, struct span other)
{
	if (one.length != other.length)
		return false;
	for (size_t i = 0; i < one.length; i++)
		if (lower(one.bytes[i]) != lower(other.bytes[i]))
			return false;
	return true;
}

bool span_starts_with(struct span span, struct span prefix)
{
	return span.length >= prefix.length &&
	       (prefix.length == 0 || memcmp(span.bytes, prefix.bytes, prefix.length) == 0);
}

static bool is_space(char character)
{
	return character == ' ' || (character >= '\t' && character <= '\r');
}

struct span span_trim(struct span span)
{
	while (span.length > 0 && is_space(*span.bytes)) {
		span.bytes++;
		span.length--;
	}
	while (span.length > 0 && is_space(span.bytes[span.length - 1]))
		span.length--;
	return span;
}

bool span_split(struct span *rest, char separator, struct span *part)
{
	const char *end;

	if (!rest->bytes)
		return false;
	end = memchr(rest->bytes, separator, rest->length);
	*part = *rest;
	if (!end) {
		*rest = (struct span){0};
		return true;
	}
	part->length = (size_t)(end - rest->bytes);
	rest->bytes = end + 1;
	rest->length -= part->length + 1;
	return true;
}

/* The length of the character at `bytes` (RFC 3629 section 4), 0 when it is malformed. */
static size_t character_length(const unsigned char *bytes, size_t left)
{
	static const struct {
		unsigned char first, last, second_least, second_most, length;
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (*bytes < forms[i].first || *bytes > forms[i].last)
			continue;
		if (left < forms[i].length)
			return 0;
		if (forms[i].length > 1 &&
		    (bytes[1] < forms[i].second_least || bytes[1] > forms[i].second_most))
			return 0;
		for (size_t at = 2; at < forms[i].length; at++)
			if ((bytes[at] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

bool span_is_text(struct span span)
{
	const unsigned char *bytes = (const unsigned char *)span.bytes;
	size_t at = 0;

	while (at < span.length) {
		size_t length = character_length(bytes + at, span.length - at);

		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

/* --- str -------------------------------------------------------------------------------------------- */

void str_init(struct str *str, size_t max_length)
{
	*str = (struct str){.max_length = max_length};
}

void str_finish(struct str *str)
{
	if (!str)
		return;
	free(str->bytes);
	*str = (struct str){.max_length = str->max_length};
}

void str_clear(struct str *str)
{
	str->length = 0;
	if (str->bytes)
		str->bytes[0] = '\0';
}

static void grow(struct str *str, size_t needed)
{
	size_t size = str->size ? str->size : FIRST_SIZE;

	while (size < needed)
		size *= 2;
	if (size > str->max_length + 1)
		size = str->max_length + 1;
	str->bytes = realloc(str->bytes, size);
	if (!str->bytes)
		abort();
	str->size = size;
}

/* Room for `extra` bytes and the NUL, or overflow. */
static bool has_room(struct str *str, size_t extra)
{
	if (extra > str->max_length - str->length) {
		str->has_overflowed = true;
		return false;
	}
	if (str->length + extra + 1 > str->size)
		grow(str, str->length + extra + 1);
	return true;
}

void str_reserve(struct str *str, size_t extra)
{
	size_t room = str->max_length - str->length;

	if (extra > room)
		extra = room;
	if (str->length + extra + 1 > str->size)
		grow(str, str->length + extra + 1);
}

void str_shrink(struct str *str)
{
	char *bytes = str->bytes ? realloc(str->bytes, str->length + 1) : NULL;

	if (!bytes)
		return;
	str->bytes = bytes;
	str->size = str->length + 1;
}

void str_append(struct str *str, struct span bytes)
{
	if (!has_room(str, bytes.length))
		return;
	if (bytes.length)
		memcpy(str->bytes + str->length, bytes.bytes, bytes.length);
	str->length += bytes.length;
	str->bytes[str->length] = '\0';
}

void str_append_text(struct str *str, const char *text)
{
	str_append(str, span_of(text));
}

void str_append_char(struct str *str, char character)
{
	str_append(str, (struct span){&character, 1});
}

void str_append_number(struct str *str, int64_t number)
{
	char text[NUMBER_TEXT];
	char *end = text + sizeof(text), *at = end;
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--at = '-';
	str_append(str, (struct span){at, (size_t)(end - at)});
}

void str_append_hex(struct str *str, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = bytes;

	if (!has_room(str, length * 2))
		return;
	for (size_t i = 0; i < length; i++) {
		str->bytes[str->length++] = digits[byte[i] >> 4];
		str->bytes[str->length++] = digits[byte[i] & 15];
	}
	str->bytes[str->length] = '\0';
}

void str_format(struct str *str, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		abort();
	if (!has_room(str, (size_t)length))
		return;
	va_start(arguments, format);
	vsnprintf(str->bytes + str->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	str->length += (size_t)length;
}

struct span str_span(const struct str *str)
{
	return (struct span){str->bytes, str->length};
}

const char *str_text(const struct str *str)
{
	return str->bytes ? str->bytes : "";
}

char *str_release(struct str *str)
{
	char *bytes = str->bytes;

	*str = (struct str){.max_length = str->max_length};
	return bytes;
}
