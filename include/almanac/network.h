/*
 * Internet addresses and networks of them. An IPv4 address is always its mapped IPv6 form
 * (::ffff:0:0/96, RFC 4291 section 2.5.5.2), so the two ways to write it are one.
 */
#ifndef ALMANAC_NETWORK_H
#define ALMANAC_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "almanac/str.h"

#define ADDRESS_BYTES 16
#define ADDRESS_TEXT_MAX 46 /* with its NUL */

struct address {
	unsigned char bytes[ADDRESS_BYTES];
};

struct network {
	struct address address;
	int bits; /* of the mapped form: 96 more for IPv4 */
};

/* The four bytes of an IPv4 address. */
struct address address_of_ipv4(const void *bytes);
bool address_is_ipv4(const struct address *address);

/* False for what is no internet address. */
bool address_of_socket(const struct sockaddr *socket, struct address *address)
	__attribute__((warn_unused_result));

/* "10.0.0.1", "::1": nothing around it. */
bool address_read(struct span text, struct address *address) __attribute__((warn_unused_result));

/* An IPv4 address as such. */
void address_write(const struct address *address, char text[ADDRESS_TEXT_MAX]);

/* "10.0.0.0/8", "::1/128"; without a prefix the one address. */
bool network_read(struct span text, struct network *network) __attribute__((warn_unused_result));

/* A network of IPv6 that happens to surround ::ffff:0:0/96 holds no IPv4. */
bool network_holds(const struct network *network, const struct address *address);

#endif
