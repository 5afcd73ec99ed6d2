/* query.c - small encodings: percent escapes, base64, integers; http and fields.c call me */
#include "almanac/fields.h"

#include <string.h>

#define NO_DIGIT 255

/* The last two of an alphabet's 64 digits, and whether texts are filled up to fours with '='. */
struct base64 {
	char digits[2];
	bool is_padded;
};

static const struct base64 standard = {{'+', '/'}, true};
static const struct base64 url_safe = {{'-', '_'}, false};

/* --- percent escapes ------------------------------------------------------------------------ */

static unsigned hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return (unsigned)(digit - '0');
	if (digit >= 'a' && digit <= 'f')
		return (unsigned)(digit - 'a') + 10;
	if (digit >= 'A' && digit <= 'F')
		return (unsigned)(digit - 'A') + 10;
	return NO_DIGIT;
}

/* Decodes the escape at `place`. */
static bool decode_escape(struct span text, size_t place, char *byte)
{
	unsigned high;
	unsigned low;

	if (text.length - place < 3)
		return false;
	high = hex_value(text.bytes[place + 1]);
	low = hex_value(text.bytes[place + 2]);
	if (high == NO_DIGIT || low == NO_DIGIT)
		return false;
	*byte = (char)(unsigned char)(high << 4 | low);
	return true;
}

/* --- base64 --------------------------------------------------------------------------------- */

static char digit_of(const struct base64 *kind, uint32_t value)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	return value < 62 ? digits[value] : kind->digits[value - 62];
}

static unsigned value_of(const struct base64 *kind, char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return (unsigned)(digit - 'A');
	if (digit >= 'a' && digit <= 'z')
		return (unsigned)(digit - 'a') + 26;
	if (digit >= '0' && digit <= '9')
		return (unsigned)(digit - '0') + 52;
	if (digit == kind->digits[0])
		return 62;
	return digit == kind->digits[1] ? 63 : NO_DIGIT;
}

/* Up to three bytes as four digits, of which the caller takes what it needs. */
static void encode_group(const struct base64 *kind, struct span bytes, char out[4])
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 3; i++)
		bits = bits << 8 | (i < bytes.length ? (unsigned char)bytes.bytes[i] : 0);
	for (size_t i = 0; i < 4; i++)
		out[i] = digit_of(kind, bits >> (18 - 6 * i) & 63);
	if (kind->is_padded && bytes.length < 3)
		memset(out + bytes.length + 1, '=', 3 - bytes.length);
}

static void encode(const struct base64 *kind, struct str *out, struct span bytes)
{
	char text[256];
	size_t length = 0;

	for (size_t at = 0; at < bytes.length; at += 3) {
		size_t rest = bytes.length - at;

		encode_group(kind, (struct span){bytes.bytes + at, rest < 3 ? rest : 3},
			     text + length);
		length += rest >= 3 || kind->is_padded ? 4 : rest + 1;
		if (length > sizeof(text) - 4) {
			str_append(out, (struct span){text, length});
			length = 0;
		}
	}
	str_append(out, (struct span){text, length});
}

static bool decode(const struct base64 *kind, struct arena *arena, struct span text,
		   struct span *bytes)
{
	char *decoded = arena_alloc(arena, text.length / 4 * 3 + 3);
	uint32_t bits = 0;
	unsigned width = 0;
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++) {
		unsigned value = value_of(kind, text.bytes[i]);

		if (value == NO_DIGIT)
			return false;
		bits = (bits << 6 | value) & 0xFFFF;
		width += 6;
		if (width >= 8) {
			width -= 8;
			decoded[length++] = (char)(unsigned char)(bits >> width & 0xFF);
		}
	}
	/* One spelling for each value: no lone digit and no set bits behind the last byte. */
	if (width >= 6 || (bits & ((1u << width) - 1)) != 0)
		return false;
	*bytes = (struct span){decoded, length};
	return true;
}

/* --- the door ------------------------------------------------------------------------------- */

bool fields_decode(struct arena *arena, struct span text, bool plus_is_space, struct span *decoded,
		   const char **complaint)
{
	char *bytes = arena_alloc(arena, text.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++) {
		char byte = text.bytes[i];

		if (byte == '+' && plus_is_space) {
			byte = ' ';
		} else if (byte == '%') {
			if (!decode_escape(text, i, &byte)) {
				*complaint =
					"a percent sign must be followed by two hexadecimal digits";
				return false;
			}
			i += 2;
		}
		if (byte == '\0') {
			*complaint = "a NUL byte is not allowed";
			return false;
		}
		bytes[length++] = byte;
	}
	*decoded = (struct span){bytes, length};
	if (!span_is_text(*decoded)) {
		*complaint = "the text is not valid UTF-8 once its percent escapes are decoded";
		return false;
	}
	return true;
}

bool fields_split_query(struct arena *arena, struct span query, struct field_pair *pairs,
			size_t max, size_t *count, const char **complaint)
{
	struct span part;

	*count = 0;
	if (query.length == 0)
		return true;
	while (span_split(&query, '&', &part)) {
		struct span value = part;
		struct span name;

		if (part.length == 0)
			continue;
		if (*count == max) {
			*complaint = arena_format(arena, "more than %zu query parameters", max);
			return false;
		}
		if (!span_split(&value, '=', &name))
			continue;
		if (!fields_decode(arena, name, true, &pairs[*count].name, complaint) ||
		    !fields_decode(arena, value, true, &pairs[*count].value, complaint))
			return false;
		(*count)++;
	}
	return true;
}

void base64url_append(struct str *out, struct span bytes)
{
	encode(&url_safe, out, bytes);
}

bool base64url_parse(struct arena *arena, struct span text, struct span *bytes)
{
	return decode(&url_safe, arena, text, bytes);
}

void base64_append(struct str *out, struct span bytes)
{
	encode(&standard, out, bytes);
}

bool base64_parse(struct arena *arena, struct span text, struct span *bytes)
{
	struct span digits = text;

	if (text.length % 4 != 0)
		return false;
	while (text.length - digits.length < 2 && digits.length > 0 &&
	       digits.bytes[digits.length - 1] == '=')
		digits.length--;
	return decode(&standard, arena, digits, bytes);
}

bool integer_parse(struct span text, int64_t *number)
{
	bool is_negative = text.length > 0 && text.bytes[0] == '-';
	int64_t value = 0;

	if (text.length == (is_negative ? 1u : 0u))
		return false;
	for (size_t i = is_negative ? 1 : 0; i < text.length; i++) {
		int digit = text.bytes[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		/* Counting downwards holds INT64_MIN, which has no positive twin. */
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit, &value))
			return false;
	}
	if (!is_negative && value == INT64_MIN)
		return false;
	*number = is_negative ? value : -value;
	return true;
}
