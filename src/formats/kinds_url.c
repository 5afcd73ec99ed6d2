/* kinds_url.c - URLs (RFC 3986 section 3, narrowed): sources and targets; kinds.c calls me */
#include <string.h>

#include "kinds.h"

#define URL_MAX_BYTES 2048

/* What is wrong with a URL, in the order of looking. */
enum url_fault {
	URL_FINE,
	URL_TOO_LONG,
	URL_CONTROL,
	URL_NOT_ASCII,
	URL_FRAGMENT,
	URL_SCHEME,
	URL_USER,
	URL_AUTHORITY
};

static const struct ruling target_rulings[] = {
	[URL_FINE] = {NULL, NULL},
	[URL_TOO_LONG] = {"length", "must be at most 2048 bytes long"},
	[URL_CONTROL] = {"format", "must not hold control characters"},
	[URL_NOT_ASCII] = {"format",
			   "must be ASCII without spaces: others are to be percent-encoded"},
	[URL_FRAGMENT] = {"format", "must not have a fragment (#)"},
	[URL_SCHEME] = {"format", "must be http or https"},
	[URL_USER] = {"format", "must not hold a user name or password (@)"},
	[URL_AUTHORITY] = {"format",
			   "must be an http or https URL with a host and perhaps a port, for "
			   "example http://receiver:3000/path"},
};

/* --- characters ----------------------------------------------------------------------------- */

static enum url_fault judge_bytes(struct span text)
{
	enum url_fault fault = URL_FINE;

	if (text.length > URL_MAX_BYTES)
		return URL_TOO_LONG;
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];

		if (byte < ' ' || byte == 0x7F)
			return URL_CONTROL;
		if (byte == ' ' || byte > 0x7F)
			fault = URL_NOT_ASCII;
		else if (byte == '#' && fault == URL_FINE)
			fault = URL_FRAGMENT;
	}
	return fault;
}

/* --- scheme --------------------------------------------------------------------------------- */

static bool take_prefix_nocase(struct span *rest, struct span prefix)
{
	if (rest->length < prefix.length ||
	    !span_equals_nocase((struct span){rest->bytes, prefix.length}, prefix))
		return false;
	rest->bytes += prefix.length;
	rest->length -= prefix.length;
	return true;
}

static bool take_web_scheme(struct span *rest)
{
	return take_prefix_nocase(rest, SPAN("http://")) ||
	       take_prefix_nocase(rest, SPAN("https://"));
}

/* "ftp://": a scheme and two slashes in front of anything else. */
static bool has_scheme(struct span text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789+-.";
	size_t length = 0;

	while (length < text.length && strchr(letters, text.bytes[length]))
		length++;
	return length > 0 && text.length - length >= 3 &&
	       memcmp(text.bytes + length, "://", 3) == 0;
}

/* --- host and port -------------------------------------------------------------------------- */

/* Letters, digits and "-._" of a name or IPv4 address; hexadecimal digits, ':' and '.' of a
 * bracketed IPv6 address. Returns the length of the host at the front, 0 when there is none. */
static size_t host_length(struct span authority)
{
	static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._";
	static const char address_bytes[] = "0123456789abcdefABCDEF:.";
	bool is_address = authority.length > 0 && authority.bytes[0] == '[';
	const char *allowed = is_address ? address_bytes : name_bytes;
	size_t length = is_address ? 1 : 0;

	while (length < authority.length && strchr(allowed, authority.bytes[length]))
		length++;
	if (!is_address)
		return length;
	if (length == 1 || length == authority.length || authority.bytes[length] != ']')
		return 0;
	return length + 1;
}

static bool is_port(struct span port)
{
	int64_t number;

	return port.length > 0 && port.length <= 5 && *port.bytes != '-' &&
	       integer_parse(port, &number) && number >= 1 && number <= 65535;
}

static bool is_authority(struct span authority)
{
	size_t length = host_length(authority);
	struct span rest = {authority.bytes + length, authority.length - length};

	if (length == 0)
		return false;
	if (rest.length == 0)
		return true;
	return rest.bytes[0] == ':' && is_port((struct span){rest.bytes + 1, rest.length - 1});
}

static enum url_fault judge_authority(struct span rest)
{
	size_t length = 0;

	while (length < rest.length && rest.bytes[length] != '/' && rest.bytes[length] != '?')
		length++;
	if (memchr(rest.bytes, '@', length))
		return URL_USER;
	return is_authority((struct span){rest.bytes, length}) ? URL_FINE : URL_AUTHORITY;
}

/* --- the door ------------------------------------------------------------------------------- */

struct ruling kind_judge_url(struct arena *arena, const struct field *field, struct span text,
			     struct field_value *value)
{
	struct span rest = text;

	if (judge_bytes(text) != URL_FINE || !take_web_scheme(&rest) ||
	    judge_authority(rest) != URL_FINE)
		return (struct ruling){"format", "must be an http or https URL with a host"};
	kind_accept(value, arena_copy(arena, text));
	return kind_judge_length(arena, field, text.length);
}

struct ruling kind_judge_target(struct arena *arena, const struct field *field, struct span text,
				struct field_value *value)
{
	struct span rest = text;
	enum url_fault fault = judge_bytes(text);
	const char *scheme = "";

	(void)field;
	if (fault == URL_FINE && !take_web_scheme(&rest)) {
		scheme = "http://";
		if (has_scheme(text))
			fault = URL_SCHEME;
	}
	if (fault == URL_FINE)
		fault = judge_authority(rest);
	if (fault == URL_FINE)
		kind_accept(value, span_of(arena_format(arena, "%s%.*s", scheme, (int)text.length,
							text.bytes)));
	return target_rulings[fault];
}
