/* network.c - internet addresses and networks, read and compared; called by fetch and http. */
#include "almanac/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { ADDRESS_BITS = 128, IPV4_BYTES = 4, IPV4_BITS = 32 };
enum { MAPPED_BITS = ADDRESS_BITS - IPV4_BITS, MAPPED_BYTES = MAPPED_BITS / 8 };

static const unsigned char mapped_prefix[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

/* --- addresses ---------------------------------------------------------------------------------------- */

struct address address_of_ipv4(const void *bytes)
{
	struct address address;

	memcpy(address.bytes, mapped_prefix, MAPPED_BYTES);
	memcpy(address.bytes + MAPPED_BYTES, bytes, IPV4_BYTES);
	return address;
}

bool address_is_ipv4(const struct address *address)
{
	return memcmp(address->bytes, mapped_prefix, MAPPED_BYTES) == 0;
}

bool address_of_socket(const struct sockaddr *socket, struct address *address)
{
	if (socket->sa_family == AF_INET) {
		struct sockaddr_in ipv4;

		memcpy(&ipv4, socket, sizeof(ipv4));
		*address = address_of_ipv4(&ipv4.sin_addr);
		return true;
	}
	if (socket->sa_family == AF_INET6) {
		struct sockaddr_in6 ipv6;

		memcpy(&ipv6, socket, sizeof(ipv6));
		memcpy(address->bytes, &ipv6.sin6_addr, ADDRESS_BYTES);
		return true;
	}
	return false;
}

bool address_read(struct span text, struct address *address)
{
	char copy[INET6_ADDRSTRLEN] = "";
	unsigned char ipv4[IPV4_BYTES];

	if (text.length == 0 || text.length >= sizeof(copy))
		return false;
	memcpy(copy, text.bytes, text.length);
	if (strlen(copy) != text.length)
		return false;
	if (inet_pton(AF_INET, copy, ipv4) == 1) {
		*address = address_of_ipv4(ipv4);
		return true;
	}
	return inet_pton(AF_INET6, copy, address->bytes) == 1;
}

void address_write(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
	bool is_ipv4 = address_is_ipv4(address);

	inet_ntop(is_ipv4 ? AF_INET : AF_INET6, address->bytes + (is_ipv4 ? MAPPED_BYTES : 0), text,
		  ADDRESS_TEXT_MAX);
}

/* --- networks ----------------------------------------------------------------------------------------- */

static bool read_prefix(struct span text, int limit, int *bits)
{
	int number = 0;

	if (text.length == 0 || text.length > 3)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
		number = number * 10 + (text.bytes[i] - '0');
	}
	*bits = number;
	return number <= limit;
}

bool network_read(struct span text, struct network *network)
{
	struct span front;
	int limit;

	if (!span_split(&text, '/', &front) || !address_read(front, &network->address))
		return false;
	limit = memchr(front.bytes, ':', front.length) ? ADDRESS_BITS : IPV4_BITS;
	network->bits = limit;
	if (text.bytes && !read_prefix(text, limit, &network->bits))
		return false;
	network->bits += ADDRESS_BITS - limit;
	return true;
}

bool network_holds(const struct network *network, const struct address *address)
{
	size_t whole = (size_t)network->bits / 8;
	int rest = network->bits % 8;

	if (network->bits < MAPPED_BITS && address_is_ipv4(address))
		return false;
	if (memcmp(network->address.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       (network->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}
