/* proxies.c - whose request it is behind proxies: Forwarded (RFC 7239) and X-Forwarded-For, from those that
 * are trusted. Called by access.c. */
#include <stdlib.h>
#include <string.h>

#include "access.h"

#define WORD_NETWORKS_MAX 4

static const struct {
	const char *word;
	const char *networks[WORD_NETWORKS_MAX + 1];
} words[] = {
	{"loopback", {"127.0.0.0/8", "::1/128"}},
	{"private", {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"}},
};

/* --- the list of those that are trusted ---------------------------------------------------------------- */

static bool add(struct proxies *proxies, struct span text)
{
	return network_read(text, &proxies->networks[proxies->count]) && ++proxies->count;
}

static bool add_word(struct proxies *proxies, struct span text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!span_is(text, words[i].word))
			continue;
		for (const char *const *network = words[i].networks; *network; network++)
			if (!add(proxies, span_of(*network)))
				abort();
		return true;
	}
	return false;
}

bool proxies_init(struct proxies *proxies, const char *text, struct str *complaint)
{
	struct span rest = span_of(text);
	struct span part;

	proxies->count = 0;
	proxies->networks =
		calloc((rest.length / 2 + 1) * WORD_NETWORKS_MAX, sizeof(*proxies->networks));
	if (!proxies->networks)
		abort();
	while (*text && span_split(&rest, ',', &part)) {
		part = span_trim(part);
		if (add_word(proxies, part) || add(proxies, part))
			continue;
		str_format(complaint,
			   "TRUSTED_PROXIES: \"%.*s\" is no network: write 10.0.0.0/8, "
			   "::1, loopback or private",
			   (int)part.length, part.bytes);
		return false;
	}
	return true;
}

void proxies_finish(struct proxies *proxies)
{
	free(proxies->networks);
}

bool proxies_hold(const struct proxies *proxies, const struct address *address)
{
	for (size_t i = 0; i < proxies->count; i++)
		if (network_holds(&proxies->networks[i], address))
			return true;
	return false;
}

/* --- nodes: RFC 7239 section 6 ------------------------------------------------------------------------- */

static bool is_port(struct span text)
{
	if (text.length < 2 || text.length > 6 || *text.bytes != ':')
		return false;
	for (size_t i = 1; i < text.length; i++)
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
	return true;
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80", and "2001:db8::1" as many write it. */
static bool read_node(struct span text, struct address *address)
{
	const char *end;
	struct span rest, front;

	if (text.length > 0 && *text.bytes == '[') {
		end = memchr(text.bytes, ']', text.length);
		if (!end)
			return false;
		front = (struct span){text.bytes + 1, (size_t)(end - text.bytes) - 1};
		rest = (struct span){end + 1, text.length - front.length - 2};
		return (rest.length == 0 || is_port(rest)) &&
		       memchr(front.bytes, ':', front.length) && address_read(front, address);
	}
	if (address_read(text, address))
		return true;
	end = text.length ? memchr(text.bytes, ':', text.length) : NULL;
	if (!end)
		return false;
	front = (struct span){text.bytes, (size_t)(end - text.bytes)};
	return is_port((struct span){end, text.length - front.length}) &&
	       address_read(front, address) && address_is_ipv4(address);
}

static void add_hop(struct trail *trail, struct span node)
{
	struct address address;

	if (!read_node(node, &address)) {
		trail->end = TRAIL_HIDDEN;
		trail->has_after = false;
	} else if (!proxies_hold(trail->proxies, &address)) {
		trail->end = TRAIL_KNOWN;
		trail->client = address;
		trail->has_after = false;
	} else if (!trail->has_after) {
		trail->after = address;
		trail->has_after = true;
	}
}

struct address trail_client(const struct trail *trail, const struct address *peer)
{
	if (trail->end == TRAIL_KNOWN)
		return trail->client;
	return trail->has_after ? trail->after : *peer;
}

/* --- header lines -------------------------------------------------------------------------------------- */

void trail_add_forwarded_for(struct trail *trail, struct span line)
{
	struct span node;

	while (span_split(&line, ',', &node)) {
		node = span_trim(node);
		if (node.length > 0)
			add_hop(trail, node);
	}
}

/* The part before the separator, which counts outside of quotes only. */
static bool cut(struct span *rest, char separator, struct span *part)
{
	bool is_quoted = false;
	size_t at = 0;

	if (!rest->bytes)
		return false;
	for (; at < rest->length && (is_quoted || rest->bytes[at] != separator); at++) {
		if (rest->bytes[at] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && rest->bytes[at] == '\\')
			at++;
	}
	if (at >= rest->length) {
		*part = *rest;
		*rest = (struct span){0};
		return true;
	}
	*part = (struct span){rest->bytes, at};
	*rest = (struct span){rest->bytes + at + 1, rest->length - at - 1};
	return true;
}

/* No address needs an escape: what has one is none. */
static struct span unquote(struct span text)
{
	if (text.length >= 2 && *text.bytes == '"' && text.bytes[text.length - 1] == '"')
		return (struct span){text.bytes + 1, text.length - 2};
	return text;
}

static struct span find_for(struct span element)
{
	struct span pair, name;

	while (cut(&element, ';', &pair)) {
		struct span value = pair;

		span_split(&value, '=', &name);
		if (span_equals_nocase(span_trim(name), SPAN("for")))
			return unquote(span_trim(value));
	}
	return (struct span){0};
}

/* An element without `for` is a proxy that does not tell: hidden. */
void trail_add_forwarded(struct trail *trail, struct span line)
{
	struct span element;

	while (cut(&line, ',', &element)) {
		element = span_trim(element);
		if (element.length > 0)
			add_hop(trail, find_for(element));
	}
}

/* --- a request ----------------------------------------------------------------------------------------- */

struct trails {
	struct trail forwarded, forwarded_for;
	bool has_forwarded, has_forwarded_for;
};

/* Lines of one name come in their order. */
static enum MHD_Result look_at(void *argument, enum MHD_ValueKind kind, const char *name,
			       size_t name_length, const char *value, size_t value_length)
{
	struct trails *trails = argument;
	struct span key = {name, name_length};
	struct span line = {value, value ? value_length : 0};

	(void)kind;
	if (span_equals_nocase(key, SPAN("Forwarded"))) {
		trails->has_forwarded = true;
		trail_add_forwarded(&trails->forwarded, line);
	} else if (span_equals_nocase(key, SPAN("X-Forwarded-For"))) {
		trails->has_forwarded_for = true;
		trail_add_forwarded_for(&trails->forwarded_for, line);
	}
	return MHD_YES;
}

/* A proxy that writes only one of them lets the other through as the client made it up. */
struct address proxies_client(const struct proxies *proxies, struct MHD_Connection *mhd,
			      const struct address *peer)
{
	struct trails trails = {.forwarded.proxies = proxies, .forwarded_for.proxies = proxies};
	struct address one, other;

	if (!proxies_hold(proxies, peer))
		return *peer;
	MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, look_at, &trails);
	one = trail_client(&trails.forwarded, peer);
	other = trail_client(&trails.forwarded_for, peer);
	if (!trails.has_forwarded)
		return other;
	if (!trails.has_forwarded_for || memcmp(&one, &other, sizeof(one)) == 0)
		return one;
	return *peer;
}
