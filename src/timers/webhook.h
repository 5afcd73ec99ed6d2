/*
 * One call of a webhook: how it is told (webhook.c), and how its answer is judged (webhook_judge.c).
 * Called by timers_fire.c.
 *
 * The body is {"timerId","dueAt","firedAt","attempt","payload"}; the headers are those of the Standard
 * Webhooks specification (webhook-id, webhook-timestamp, webhook-signature).
 */
#ifndef ALMANAC_TIMERS_WEBHOOK_H
#define ALMANAC_TIMERS_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/fetch.h"
#include "almanac/str.h"
#include "almanac/uuid.h"

#define WEBHOOK_READ_MAX 65536 /* bytes of an answer that are read */
#define WEBHOOK_KEPT_MAX 1024  /* bytes of it that are kept */

/* --- secrets: WEBHOOK_SIGNING_SECRETS, "whsec_…,whsec_…" ------------------------------------------- */

struct webhook_secrets;

/* NULL when a secret is malformed (whsec_ and base64 of 24 to 64 bytes); `complaint` says which. The
 * empty text gives no secrets: nothing is signed. */
struct webhook_secrets *webhook_secrets_create(const char *text, struct str *complaint);
void webhook_secrets_destroy(struct webhook_secrets *secrets);

/* Appends "v1,<base64>" per secret, separated by spaces: HMAC-SHA256 of "id.timestamp.body". */
void webhook_sign(const struct webhook_secrets *secrets, const char *id, int64_t timestamp_s,
		  struct span body, struct str *out);

/* --- one call --------------------------------------------------------------------------------------- */

/* What is called; all borrowed for the length of the call. */
struct webhook {
	struct uuid timer_id;
	const char *url;
	const char *method;
	struct span headers;    /* a JSON object of strings, or empty */
	struct span payload;    /* JSON, or empty for null */
	const char *request_id; /* NULL: none */
	const char *traceparent;
	int64_t due_us; /* µs since 1970 */
	int64_t fired_us;
	int attempt; /* from 1 */
	int max_attempts;
	int64_t timeout_ms;
};

/*
 * Fills url, method, headers, body and limits of `fetch`, in the arena's memory; `received` and
 * `finished` are the caller's. GET and DELETE carry no body, but are signed all the same. webhook-id
 * is the timer's id: the same for every attempt. Headers of the timer stay out when they are named
 * like one of ours, or would frame the request.
 */
void webhook_prepare(const struct webhook *webhook, const struct webhook_secrets *secrets,
		     struct arena *arena, struct fetch *fetch);

/* --- its end ---------------------------------------------------------------------------------------- */

struct webhook_retries;

/* TIMER_RETRY_SECONDS, "5,30,120": before the second attempt, the third and so on; the last one
 * repeats. Fractions of a second count. NULL when one is malformed or longer than thirty days, or there
 * are more than 50; `complaint` says which. */
struct webhook_retries *webhook_retries_create(const char *text, struct str *complaint);
void webhook_retries_destroy(struct webhook_retries *retries);

enum webhook_end { WEBHOOK_DONE = 1, WEBHOOK_GONE, WEBHOOK_RETRY };

struct webhook_verdict {
	enum webhook_end end; /* GONE: it has failed for good (410, a refused destination) */
	bool is_unwell;       /* counts against the destination: no whole answer, 5xx, 429 */
	int64_t wait_us;      /* RETRY: before the next attempt; else 0 */
	/* The attempt as a JSON object: attempt, startedAt, durationMs, status, error, body. */
	struct span log;
};

/*
 * 2xx is done, also when more than WEBHOOK_READ_MAX bytes came; 410 and a refused destination are
 * gone; all else is tried again until max_attempts, then it is gone: after the table's time with
 * full jitter (half of it to half as much again), or after Retry-After (of 429 and 503, at most a day).
 * `kept` are the first bytes of the answer, `random` any 64 random bits.
 */
void webhook_judge(const struct webhook *webhook, const struct fetch_result *result,
		   struct span kept, uint64_t random, const struct webhook_retries *retries,
		   struct arena *arena, struct webhook_verdict *verdict);

#endif
