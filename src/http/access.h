/*
 * Who may come in, and how often: what the settings of the group Access say. It is immutable and counted;
 * after SIGHUP a new one goes to all workers. What changes, the counts, is in `struct limits`.
 *
 *   access.c   the whole, and the judgement of a request
 *   tokens.c   bearer tokens (tokens.h)
 *   proxies.c  whose address counts behind proxies
 *   limits.c   requests and connections, counted by token or address
 *   cors.c     pages of other origins
 *   tls.c      certificate and key
 */
#ifndef ALMANAC_HTTP_ACCESS_H
#define ALMANAC_HTTP_ACCESS_H

#include "almanac/network.h"
#include "almanac/publication.h"
#include "almanac/tokens.h"
#include "http.h"

/* --- proxies.c ----------------------------------------------------------------------------------------- */

struct proxies {
	struct network *networks;
	size_t count;
};

/* "loopback", "private" and networks, by commas. False: `complaint` gets a line. */
bool proxies_init(struct proxies *proxies, const char *text, struct str *complaint);
void proxies_finish(struct proxies *proxies);
bool proxies_hold(const struct proxies *proxies, const struct address *address);

/*
 * The way of a request through proxies, read from the first hop to the last: the right-most address that is
 * not a trusted proxy's is the client's, since all to its left may be made up. Where that is no address
 * ("unknown", "_hidden"), the proxy that told of it counts.
 */
struct trail {
	const struct proxies *proxies;
	enum { TRAIL_EMPTY, TRAIL_KNOWN, TRAIL_HIDDEN } end;
	struct address client; /* TRAIL_KNOWN */
	struct address after;  /* the first trusted one behind it */
	bool has_after;
};

void trail_add_forwarded(struct trail *trail, struct span line);     /* RFC 7239 */
void trail_add_forwarded_for(struct trail *trail, struct span line); /* X-Forwarded-For */
struct address trail_client(const struct trail *trail, const struct address *peer);

/* Both headers of a request that came from `peer`; when they do not agree, neither is believed. */
struct address proxies_client(const struct proxies *proxies, struct MHD_Connection *mhd,
			      const struct address *peer);

/* --- limits.c ------------------------------------------------------------------------------------------ */

/* So many requests in a window, up to `burst` of them at once. */
struct rate {
	int64_t quota; /* 0: any number */
	int64_t window_s;
	int64_t burst;
};

/* "100/s", "6000/min", "100000/h"; empty: none. */
bool rate_read(const char *text, int64_t burst, struct rate *rate, struct str *complaint);

struct limits *limits_create(void);
void limits_destroy(struct limits *limits);

/* Keys tell clients apart; networks of IPv6 count as one by their first 64 bits. */
uint64_t limits_key_of_name(const struct limits *limits, const char *name);
uint64_t limits_key_of_address(const struct limits *limits, const struct address *address);

/* Counts a request. Thread-safe. */
struct rate_verdict limits_take(struct limits *limits, const struct rate *rate, uint64_t key,
				int64_t now_us);

/* Counts connections: how many there are now, with this one. Thread-safe. */
size_t limits_enter(struct limits *limits, uint64_t key);
void limits_leave(struct limits *limits, uint64_t key);

/* --- cors.c -------------------------------------------------------------------------------------------- */

struct cors {
	const char *origins; /* the setting's text, judged; empty: none */
	bool is_any;
};

bool cors_init(struct cors *cors, const char *text, struct str *complaint);
bool cors_allows(const struct cors *cors, struct span origin);

/* Adds what a page's browser wants to know. */
void cors_add_headers(const struct request *request, struct MHD_Response *response);

/* --- tls.c --------------------------------------------------------------------------------------------- */

struct identity;

/* NULL when the files cannot be used together; `complaint` gets a line that names the setting. */
struct identity *identity_create(const char *certificate_path, const char *key_path,
				 struct str *complaint);
void identity_destroy(struct identity *identity);
const char *identity_certificate(const struct identity *identity); /* PEM */
const char *identity_key(const struct identity *identity);

/* This connection shows this certificate, whatever the daemon began with. */
void identity_show(const struct identity *identity, struct MHD_Connection *mhd);

/* --- access.c ------------------------------------------------------------------------------------------ */

struct access {
	struct publication counted;
	struct arena *arena;
	struct tokens *tokens;
	enum scope *scopes; /* of the routes, in their order */
	struct proxies proxies;
	struct rate rate;
	size_t connections_per_address; /* 0: any number */
	struct cors cors;
	struct identity *identity; /* NULL: no TLS */
	bool is_judging;           /* there is something to judge about requests */
};

/* `started` are the settings the daemon began with: those that are not read again count from there. `routes`
 * may be NULL to judge settings only. NULL: `complaint` gets a line. */
struct access *access_create(const struct settings *settings, const struct settings *started,
			     const struct endpoint *const *routes, struct str *complaint);
struct access *access_hold(struct access *access);
void access_drop(struct access *access); /* NULL is fine */
bool access_has_tokens(const struct access *access);

/* A connection opens: sets its address, and its refusal when that has too many. */
void access_admit(struct connection *connection, struct MHD_Connection *mhd);
void access_release(struct connection *connection);

/* The head was matched (also with nothing): refuses the request, or notes whose it is. */
void access_judge(struct request *request);

/* Adds RateLimit fields and those of CORS. */
void access_add_headers(const struct request *request, struct MHD_Response *response);

#endif
