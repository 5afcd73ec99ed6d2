/* fuzz_webhook.c - secrets, tables of waits, headers and answers of webhooks: a record is always JSON
 * that PostgreSQL takes, and nobody speaks in our name */
#include <assert.h>
#include <string.h>

#include "almanac/json.h"
#include "timers/webhook.h"

#define MOST_WAIT_US (INT64_C(45) * 86400 * 1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char first_secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

static struct webhook webhook_of(struct span headers)
{
	return (struct webhook){
		.url = "http://receiver/",
		.method = "POST",
		.headers = headers,
		.due_us = 1,
		.fired_us = 2,
		.attempt = 1,
		.max_attempts = 2,
		.timeout_ms = 1000,
	};
}

static void check_settings(struct arena *arena, struct span text)
{
	const char *setting = arena_text(arena, text);
	struct str complaint;

	str_init(&complaint, 1 << 20);
	for (int kind = 0; kind < 2; kind++) {
		struct webhook_secrets *secrets =
			kind == 0 ? webhook_secrets_create(setting, &complaint) : NULL;
		struct webhook_retries *retries =
			kind == 1 ? webhook_retries_create(setting, &complaint) : NULL;

		assert((secrets || retries) == (complaint.length == 0));
		webhook_secrets_destroy(secrets);
		webhook_retries_destroy(retries);
		str_clear(&complaint);
	}
	str_finish(&complaint);
}

static void check_headers(struct arena *arena, struct span headers)
{
	static const struct span ours = {"webhook-", 8};
	struct webhook_secrets *secrets = webhook_secrets_create(first_secret, NULL);
	struct webhook webhook = webhook_of(headers);
	struct fetch fetch = {0};
	int signatures = 0;

	webhook_prepare(&webhook, secrets, arena, &fetch);
	webhook_secrets_destroy(secrets);
	for (size_t i = 0; fetch.headers[i]; i++) {
		struct span line = span_of(fetch.headers[i]), name;

		line.length = line.length < ours.length ? line.length : ours.length;
		if (i < 4) {
			assert(i == 0 || span_equals(line, ours));
			continue;
		}
		line = span_of(fetch.headers[i]);
		assert(line.length > 0 && span_split(&line, ':', &name));
		signatures += span_equals_nocase(name, SPAN("webhook-signature"));
	}
	assert(signatures == 0 && fetch.body.length > 0);
}

static void check_answer(struct arena *arena, const struct webhook_retries *retries,
			 struct span bytes)
{
	struct webhook webhook = webhook_of((struct span){0});
	struct span kept = {bytes.bytes,
			    bytes.length < WEBHOOK_KEPT_MAX ? bytes.length : WEBHOOK_KEPT_MAX};
	struct fetch_result result = {
		.verdict = (enum fetch_verdict)(1 + bytes.length % 5),
		.status = bytes.length > 1 ? (unsigned char)bytes.bytes[0] * 4 : 0,
		.complaint = arena_text(arena, kept),
		.retry_after = arena_text(arena, kept),
	};
	struct webhook_verdict verdict;
	const char *complaint;

	webhook_judge(&webhook, &result, kept, bytes.length * 0x9E3779B97F4A7C15u, retries, arena,
		      &verdict);
	assert(verdict.wait_us >= 0 && verdict.wait_us < MOST_WAIT_US);
	assert(json_parse(arena, verdict.log, &complaint));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct arena *arena = arena_create();
	struct webhook_retries *retries = webhook_retries_create("2592000,0.5", NULL);

	check_settings(arena, text);
	check_headers(arena, text);
	check_answer(arena, retries, text);
	webhook_retries_destroy(retries);
	arena_destroy(arena);
	return 0;
}
