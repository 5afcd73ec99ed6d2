/* tasks_signature.c - secrets of senders and their signatures over webhooks, as the Standard Webhooks
 * specification has them. Called by tasks_webhook.c and at start. */
#include <stdlib.h>
#include <string.h>

#include "almanac/digest.h"
#include "almanac/fields.h"
#include "webhook.h"

#define PREFIX SPAN("whsec_")
#define VERSION SPAN("v1,")
#define SECRETS_MAX 8
#define SECRET_MIN 24
#define SECRET_MAX 64

struct secret {
	uint8_t key[SECRET_MAX];
	size_t length;
};

struct tasks_secrets {
	struct secret items[SECRETS_MAX];
	size_t count;
};

static struct span behind(struct span text, size_t bytes)
{
	return (struct span){text.bytes + bytes, text.length - bytes};
}

/* --- secrets -------------------------------------------------------------------------------------------- */

static bool read_secret(struct span text, struct secret *secret)
{
	struct arena *arena = arena_create();
	struct span key = {0};
	bool is_good = span_starts_with(text, PREFIX) &&
		       base64_parse(arena, behind(text, PREFIX.length), &key) &&
		       key.length >= SECRET_MIN && key.length <= SECRET_MAX;

	if (is_good) {
		memcpy(secret->key, key.bytes, key.length);
		secret->length = key.length;
	}
	arena_destroy(arena);
	return is_good;
}

static bool read_secrets(struct tasks_secrets *secrets, struct span rest, struct str *complaint)
{
	struct span text;

	while (span_split(&rest, ',', &text)) {
		if (secrets->count == SECRETS_MAX) {
			str_format(complaint, "at most %d secrets are taken", SECRETS_MAX);
			return false;
		}
		if (!read_secret(span_trim(text), &secrets->items[secrets->count++])) {
			str_format(complaint,
				   "secret %zu must be whsec_ and the base64 of %d to %d bytes",
				   secrets->count, SECRET_MIN, SECRET_MAX);
			return false;
		}
	}
	return true;
}

struct tasks_secrets *tasks_secrets_create(const char *text, struct str *complaint)
{
	struct tasks_secrets *secrets = calloc(1, sizeof(*secrets));

	if (!secrets)
		abort();
	if (*text == '\0' || read_secrets(secrets, span_of(text), complaint))
		return secrets;
	free(secrets);
	return NULL;
}

void tasks_secrets_destroy(struct tasks_secrets *secrets)
{
	free(secrets);
}

bool tasks_secrets_are_any(const struct tasks_secrets *secrets)
{
	return secrets->count > 0;
}

/* --- signatures ----------------------------------------------------------------------------------------- */

/* Of "id.timestamp.body". */
static void sign(const struct secret *secret, const struct signature *signature,
		 uint8_t out[DIGEST_LENGTH])
{
	struct hmac *hmac = hmac_create((struct span){(const char *)secret->key, secret->length});

	hmac_feed(hmac, signature->id);
	hmac_feed(hmac, SPAN("."));
	hmac_feed(hmac, signature->timestamp);
	hmac_feed(hmac, SPAN("."));
	hmac_feed(hmac, signature->body);
	hmac_take(hmac, out);
	hmac_destroy(hmac);
}

static bool is_right(struct arena *arena, const uint8_t *expected, struct span signatures)
{
	struct span one, bytes;
	bool is_found = false;

	while (span_split(&signatures, ' ', &one))
		if (span_starts_with(one, VERSION) &&
		    base64_parse(arena, behind(one, VERSION.length), &bytes) &&
		    bytes.length == DIGEST_LENGTH)
			is_found |= digest_equals(expected, (const uint8_t *)bytes.bytes);
	return is_found;
}

const char *signature_judge(struct arena *arena, const struct tasks_secrets *secrets,
			    const struct signature *signature, int64_t now_s)
{
	uint8_t expected[DIGEST_LENGTH];
	int64_t sent_s;
	bool is_found = false;

	if (signature->id.length == 0 || signature->timestamp.length == 0 ||
	    signature->signatures.length == 0)
		return "Missing webhook signature";
	if (!integer_parse(signature->timestamp, &sent_s) || sent_s < 0)
		return "Invalid webhook timestamp";
	if (sent_s > now_s + SIGNATURE_TOLERANCE_S || now_s - sent_s > SIGNATURE_TOLERANCE_S)
		return "Webhook timestamp is too far from now";
	for (size_t i = 0; i < secrets->count; i++) {
		sign(&secrets->items[i], signature, expected);
		is_found |= is_right(arena, expected, signature->signatures);
	}
	return is_found ? NULL : "Invalid webhook signature";
}
