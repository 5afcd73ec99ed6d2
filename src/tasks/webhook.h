/*
 * One webhook as it comes in: who sent it (tasks_signature.c) and what it says (tasks_body.c). Called by
 * tasks_webhook.c.
 */
#ifndef ALMANAC_TASKS_WEBHOOK_H
#define ALMANAC_TASKS_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/arena.h"
#include "almanac/str.h"

/* --- signatures (Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature) ------------------- */

#define SIGNATURE_TOLERANCE_S 300

struct tasks_secrets;

/* "whsec_…,whsec_…". NULL when one is malformed (whsec_ and base64 of 24 to 64 bytes). The empty text gives
 * none: nothing is checked. */
struct tasks_secrets *tasks_secrets_create(const char *text, struct str *complaint);
void tasks_secrets_destroy(struct tasks_secrets *secrets);
bool tasks_secrets_are_any(const struct tasks_secrets *secrets);

struct signature {
	struct span id;
	struct span timestamp;  /* seconds since 1970 */
	struct span signatures; /* "v1,<base64> v1,<base64>": one must be right */
	struct span body;
};

/* NULL when it is good, else what is wrong. */
const char *signature_judge(struct arena *arena, const struct tasks_secrets *secrets,
			    const struct signature *signature, int64_t now_s);

/* --- the body ------------------------------------------------------------------------------------------- */

/* Facts of the same time count in this order: the column `kind` of webhooks. */
enum webhook_kind {
	WEBHOOK_CREATED,
	WEBHOOK_CREATED_COMPLETED,
	WEBHOOK_OPEN,
	WEBHOOK_CONTENT,
	WEBHOOK_COMPLETED,
	WEBHOOK_DELETED,
	WEBHOOK_UNKNOWN, /* valid, but no event that we know */
};

struct webhook {
	enum webhook_kind kind;
	const char *at; /* for SQL, exact to the microsecond */
	const char *user, *id, *content;
};

/* True when the body is valid; else `answer` gets {"detail":[{"type","loc","msg","input"}…]} with all its
 * faults. */
bool body_judge(struct arena *arena, struct span body, bool is_json_type, struct webhook *webhook,
		struct str *answer);

#endif
