/* guard.c - where calls may go; fetch asks it for every socket it opens, it asks nobody. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "almanac/fetch.h"
#include "almanac/network.h"
#include "guard_kind.h"

/* Which words of the list open a special network besides writing it down. */
enum openness {
	OPEN_BY_LOOPBACK = 1, /* `loopback` or `any` */
	OPEN_BY_PRIVATE,      /* `private` or `any` */
	OPEN_BY_ANY,          /* `any` */
	OPEN_BY_NETWORK,      /* no word: an explicit network only */
};

struct special {
	const char *network;
	const char *kind;
	enum openness openness;
};

/*
 * The IANA special-purpose address registries (RFC 6890) and the address space that is not
 * assigned. The first row that holds an address decides.
 */
static const struct special specials[] = {
	{"169.254.169.254/32", "cloud metadata", OPEN_BY_NETWORK},
	{"169.254.170.2/32", "cloud metadata", OPEN_BY_NETWORK},
	{"169.254.170.23/32", "cloud metadata", OPEN_BY_NETWORK},
	{"fd00:ec2::/32", "cloud metadata", OPEN_BY_NETWORK},
	{"fd20:ce::254/128", "cloud metadata", OPEN_BY_NETWORK},

	{"127.0.0.0/8", "loopback", OPEN_BY_LOOPBACK},
	{"::1/128", "loopback", OPEN_BY_LOOPBACK},

	{"10.0.0.0/8", "private", OPEN_BY_PRIVATE},
	{"172.16.0.0/12", "private", OPEN_BY_PRIVATE},
	{"192.168.0.0/16", "private", OPEN_BY_PRIVATE},
	{"fc00::/7", "unique local", OPEN_BY_PRIVATE},

	{"0.0.0.0/32", "unspecified", OPEN_BY_ANY},
	{"0.0.0.0/8", "this network", OPEN_BY_ANY},
	{"100.64.0.0/10", "shared", OPEN_BY_ANY},
	{"169.254.0.0/16", "link local", OPEN_BY_ANY},
	{"192.0.0.0/24", "protocol assignments", OPEN_BY_ANY},
	{"192.0.2.0/24", "documentation", OPEN_BY_ANY},
	{"192.88.99.0/24", "6to4 relay", OPEN_BY_ANY},
	{"198.18.0.0/15", "benchmark", OPEN_BY_ANY},
	{"198.51.100.0/24", "documentation", OPEN_BY_ANY},
	{"203.0.113.0/24", "documentation", OPEN_BY_ANY},
	{"224.0.0.0/4", "multicast", OPEN_BY_ANY},
	{"255.255.255.255/32", "broadcast", OPEN_BY_ANY},
	{"240.0.0.0/4", "reserved", OPEN_BY_ANY},

	{"::/128", "unspecified", OPEN_BY_ANY},
	{"64:ff9b:1::/48", "local translation", OPEN_BY_ANY},
	{"100::/64", "discard", OPEN_BY_ANY},
	{"2001:db8::/32", "documentation", OPEN_BY_ANY},
	{"2001::/23", "protocol assignments", OPEN_BY_ANY},
	{"3fff::/20", "documentation", OPEN_BY_ANY},
	{"fe80::/10", "link local", OPEN_BY_ANY},
	{"fec0::/10", "site local", OPEN_BY_ANY},
	{"ff00::/8", "multicast", OPEN_BY_ANY},
	{"::/3", "reserved", OPEN_BY_ANY},
	{"4000::/2", "reserved", OPEN_BY_ANY},
	{"8000::/1", "reserved", OPEN_BY_ANY},
};

enum { SPECIAL_COUNT = sizeof(specials) / sizeof(specials[0]) };

/* IPv6 forms that carry an IPv4 address, and where: they are judged by the one inside. */
static const struct {
	const char *network;
	size_t offset;
} carriers[] = {
	{"64:ff9b::/96", 12}, /* NAT64, RFC 6052 */
	{"2002::/16", 2},     /* 6to4, RFC 3056 */
	{"::/96", 12},        /* IPv4-compatible, RFC 4291 section 2.5.5.1 */
};

enum { CARRIER_COUNT = sizeof(carriers) / sizeof(carriers[0]) };

static const unsigned char zeros[ADDRESS_BYTES - 1] = {0};

struct guard {
	bool opens_loopback;
	bool opens_private;
	bool opens_any;
	struct network specials[SPECIAL_COUNT];
	struct network carriers[CARRIER_COUNT];
	struct network *listed;
	size_t listed_count;
};

static struct network must_read(const char *text)
{
	struct network network;
	bool is_read = network_read(span_of(text), &network);
	assert(is_read);
	return network;
}

static bool read_part(struct guard *guard, struct span part)
{
	if (span_is(part, "loopback"))
		guard->opens_loopback = true;
	else if (span_is(part, "private"))
		guard->opens_private = true;
	else if (span_is(part, "any"))
		guard->opens_any = true;
	else if (network_read(part, &guard->listed[guard->listed_count]))
		guard->listed_count++;
	else
		return false;
	return true;
}

static bool read_list(struct guard *guard, struct span list, struct str *complaint)
{
	struct span part;
	while (span_split(&list, ',', &part)) {
		part = span_trim(part);
		if (read_part(guard, part))
			continue;
		str_append_text(complaint, "\"");
		str_append(complaint, part);
		str_append_text(complaint, "\" is no network: write 10.0.0.0/8, ::1/128, "
					   "loopback, private or any");
		return false;
	}
	return true;
}

static bool is_listed(const struct guard *guard, const struct address *address)
{
	for (size_t i = 0; i < guard->listed_count; i++) {
		if (network_holds(&guard->listed[i], address))
			return true;
	}
	return false;
}

/* :: and ::1 lie in ::/96 but carry nothing. */
static bool carries_nothing(const struct address *address)
{
	return memcmp(address->bytes, zeros, sizeof(zeros)) == 0 &&
	       address->bytes[sizeof(zeros)] <= 1;
}

static struct address unwrap(const struct guard *guard, struct address address)
{
	if (carries_nothing(&address))
		return address;
	for (size_t i = 0; i < CARRIER_COUNT; i++) {
		if (network_holds(&guard->carriers[i], &address))
			return address_of_ipv4(address.bytes + carriers[i].offset);
	}
	return address;
}

static const struct special *find_special(const struct guard *guard, const struct address *address)
{
	for (size_t i = 0; i < SPECIAL_COUNT; i++) {
		if (network_holds(&guard->specials[i], address))
			return &specials[i];
	}
	return NULL;
}

static bool is_opened(const struct guard *guard, enum openness openness)
{
	switch (openness) {
	case OPEN_BY_LOOPBACK:
		return guard->opens_loopback || guard->opens_any;
	case OPEN_BY_PRIVATE:
		return guard->opens_private || guard->opens_any;
	case OPEN_BY_ANY:
		return guard->opens_any;
	case OPEN_BY_NETWORK:
		return false;
	}
	return false;
}

bool guard_allows(const struct guard *guard, const struct sockaddr *sockaddr)
{
	struct address address;
	if (!address_of_socket(sockaddr, &address))
		return false;
	if (is_listed(guard, &address))
		return true;
	address = unwrap(guard, address);
	const struct special *special = find_special(guard, &address);
	return special == NULL || is_opened(guard, special->openness) || is_listed(guard, &address);
}

const char *guard_kind(const struct guard *guard, const struct sockaddr *sockaddr)
{
	struct address address;
	if (!address_of_socket(sockaddr, &address))
		return "not an internet address";
	address = unwrap(guard, address);
	const struct special *special = find_special(guard, &address);
	return special == NULL ? "public" : special->kind;
}

struct guard *guard_create(const char *allow, struct str *complaint)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	assert(guard != NULL);
	for (size_t i = 0; i < SPECIAL_COUNT; i++)
		guard->specials[i] = must_read(specials[i].network);
	for (size_t i = 0; i < CARRIER_COUNT; i++)
		guard->carriers[i] = must_read(carriers[i].network);

	struct span list = span_trim(span_of(allow));
	/* A part takes at least one byte and a comma. */
	guard->listed = calloc(list.length / 2 + 1, sizeof(*guard->listed));
	assert(guard->listed != NULL);
	if (list.length > 0 && !read_list(guard, list, complaint)) {
		guard_destroy(guard);
		return NULL;
	}
	return guard;
}

void guard_destroy(struct guard *guard)
{
	if (guard == NULL)
		return;
	free(guard->listed);
	free(guard);
}
