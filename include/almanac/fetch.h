/*
 * Calls to other services: libcurl's multi interface on a loop, http and https only, no redirects
 * unless asked, every call under a total deadline and a byte limit, the destination judged on the
 * address really connected to.
 */
#ifndef ALMANAC_FETCH_H
#define ALMANAC_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "almanac/loop.h"
#include "almanac/str.h"

/* --- guard.c: where calls may go --------------------------------------------------------------- */

struct guard; /* an immutable list of networks */

/*
 * Public addresses are always allowed. Loopback, private, link-local, shared (100.64/10), unique
 * local, multicast, unspecified, documentation, benchmark and cloud-metadata addresses, and IPv6
 * forms that carry such an IPv4 address (mapped, 6to4, NAT64), only when `allow` lists their
 * network: "127.0.0.0/8,::1/128". Words: `loopback`, `private` (RFC 1918, RFC 4193), `any`.
 * 169.254.169.254 and fd00:ec2::254 need an explicit network. NULL when the list is malformed;
 * `complaint` then names the part.
 */
struct guard *guard_create(const char *allow, struct str *complaint);
void guard_destroy(struct guard *guard);

struct sockaddr;
bool guard_allows(const struct guard *guard, const struct sockaddr *address);

/* --- retry.c: when to try again ---------------------------------------------------------------- */

/* Exponential backoff with full jitter: a time in [0.5, 1.5) * base * 2^(attempt-1), at most `cap`;
 * `random` is any 64 random bits. attempt counts from 1. */
int64_t retry_delay_us(int attempt, int64_t base_us, int64_t cap_us, uint64_t random);

/* Retry-After (RFC 9110 section 10.2.3): seconds or an HTTP date. -1 when it says nothing
 * useful; never above `cap_s`. */
int64_t retry_after_s(struct span value, int64_t now_unix_s, int64_t cap_s);

/* --- fetch.c ----------------------------------------------------------------------------------- */

struct fetcher;

enum fetch_verdict {
	FETCH_ANSWERED = 1, /* a whole answer, whatever its status */
	FETCH_FAILED,       /* no or no whole answer: result->complaint says why */
	FETCH_REFUSED,      /* the guard, the scheme or the URL: never try again unchanged */
	FETCH_STOPPED,      /* the listener or fetch_cancel ended it */
	FETCH_TOO_LARGE,    /* more than max_bytes, counted after decompression */
};

struct fetch_result {
	enum fetch_verdict verdict;
	int status;
	const char *complaint;    /* "" or a sentence for people: "connection refused" */
	const char *content_type; /* the next four: "" when absent; borrowed for the call */
	const char *etag;
	const char *last_modified;
	const char *retry_after;
	int64_t wire_bytes; /* body bytes as they came, perhaps compressed */
	int64_t body_bytes; /* after decompression */
	int64_t duration_us;
};

/* A call, embedded in its owner, untouched until finished. */
struct fetch {
	const char *url;
	const char *method;         /* NULL: GET */
	const char *const *headers; /* "Name: value" lines, NULL-terminated; may be NULL */
	struct span body;
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /* total, from start to last byte */
	int64_t max_bytes;
	int max_redirects; /* 0: a redirect is an answer like any other */
	/* Body bytes as they come (decompressed), only of 2xx answers unless `wants_all`. False stops. */
	bool (*received)(struct fetch *fetch, struct span bytes);
	void (*finished)(struct fetch *fetch, const struct fetch_result *result);
	bool wants_all;
	bool takes_any_certificate; /* of https: whoever it is; else it is verified */
	/* For calls by the thousand whose answer matters little: it is taken as it comes, not
	 * decompressed, and of its headers the result tells but retry_after, of 429 and 503. */
	bool is_terse;
	struct fetch_call *call; /* the fetcher's */
};

struct fetcher_options {
	const struct guard *guard;
	const char *user_agent;
	int max_connections; /* of each lane */
	int max_kept;        /* of these, when no call uses them; 0: all */
	/* libcurl looks through all connections and names it knows at the end of each call. Calls are
	 * spread over so many sets of these by their destination; 0: one. */
	int lanes;
};

struct fetcher *fetcher_create(struct loop *loop, const struct fetcher_options *options);

/* Ends what is under way with FETCH_STOPPED (inside this call), then frees. */
void fetcher_destroy(struct fetcher *fetcher);

/* `finished` is called exactly once, never inside this call. */
void fetch_start(struct fetcher *fetcher, struct fetch *fetch);

/* Finishes the call with FETCH_STOPPED, in a later turn of the loop. Fine when it is over. */
void fetch_cancel(struct fetch *fetch);

#endif
