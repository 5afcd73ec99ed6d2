/* What kind of network an address lies in, for the complaint that names it. */
#ifndef ALMANAC_FETCH_GUARD_KIND_H
#define ALMANAC_FETCH_GUARD_KIND_H

struct guard;
struct sockaddr;

/* "loopback", "private", "link local", …; "public" when no special network holds it. */
const char *guard_kind(const struct guard *guard, const struct sockaddr *address);

#endif
