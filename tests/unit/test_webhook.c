/* test_webhook.c - how a webhook is told, signed and judged, where it may go, and hostile receivers:
 * real calls to a server on loopback that the test itself runs. */
#include "story.h"
#include <dlfcn.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/json.h"
#include "almanac/moment.h"
#include "pretend_server.h"
#include "timers/webhook.h"

#define SECOND_US INT64_C(1000000)

static struct arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_create();
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

/* --- secrets and signatures ----------------------------------------------------------------------- */

#define FIRST "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SECOND "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct webhook_secrets *secrets_of(const char *text)
{
	struct str complaint;
	struct webhook_secrets *secrets;

	str_init(&complaint, 1000);
	secrets = webhook_secrets_create(text, &complaint);
	assert_non_null(secrets);
	assert_string_equal(str_text(&complaint), "");
	str_finish(&complaint);
	return secrets;
}

static void assert_signed(const char *secrets_text, const char *signatures)
{
	struct webhook_secrets *secrets = secrets_of(secrets_text);
	struct str out;

	str_init(&out, 4096);
	for (int round = 0; round < 3; round++) {
		str_clear(&out);
		webhook_sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
			     SPAN("{\"test\": 2432232314}"), &out);
		assert_string_equal(str_text(&out), signatures);
	}
	str_finish(&out);
	webhook_secrets_destroy(secrets);
}

/* The vector of the specification's own suites; the second one is by Python's hmac. */
static void the_known_message_has_the_known_signature(void **state)
{
	static const char first[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
	static const char second[] = "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=";
	char both[200];

	(void)state;
	assert_signed(FIRST, first);
	assert_signed("  " FIRST " ", first);
	assert_signed(SECOND, second);
	snprintf(both, sizeof(both), "%s %s", first, second);
	assert_signed(FIRST "," SECOND, both);
	assert_signed(FIRST " , " SECOND, both);
	assert_signed("", "");
	assert_signed("  ", "");
	webhook_secrets_destroy(NULL);
}

static void malformed_secrets_are_named_by_their_place(void **state)
{
	static const struct {
		const char *text;
		const char *complaint;
	} bad[] = {
		{"secret", "secret 1 must be whsec_ and base64 of 24 to 64 bytes"},
		{FIRST ",", "secret 2 must be whsec_ and base64 of 24 to 64 bytes"},
		{"," FIRST, "secret 1 must be whsec_ and base64 of 24 to 64 bytes"},
		{FIRST "," SECOND ",whsec_",
		 "secret 3 must be whsec_ and base64 of 24 to 64 bytes"},
		{"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret 1 must"},
		{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret 1 must"},
		{"whsec_ MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret 1 must"},
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "secret 1 must"},
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-", "secret 1 must"},
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa8=", "secret 1 must"}, /* 23 bytes */
		{"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		 "AAAAAA=",
		 "secret 1 must"}, /* 65 bytes */
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct str complaint;

		str_init(&complaint, 1000);
		if (webhook_secrets_create(bad[i].text, &complaint))
			fail_msg("taken: %s", bad[i].text);
		assert_int_equal(strncmp(str_text(&complaint), bad[i].complaint,
					 strlen(bad[i].complaint)),
				 0);
		assert_null(strstr(str_text(&complaint), "MfKQ"));
		str_finish(&complaint);
	}
}

static void sixteen_secrets_are_enough(void **state)
{
	struct str list, complaint;

	(void)state;
	str_init(&list, 4096);
	str_init(&complaint, 1000);
	for (int i = 0; i < 16; i++)
		str_append_text(&list, i > 0 ? "," FIRST : FIRST);
	webhook_secrets_destroy(secrets_of(str_text(&list)));
	str_append_text(&list, "," FIRST);
	assert_null(webhook_secrets_create(str_text(&list), &complaint));
	assert_string_equal(str_text(&complaint), "there may be at most 16 secrets");
	str_finish(&complaint);
	str_finish(&list);
}

/* --- how it is told ------------------------------------------------------------------------------- */

static struct webhook webhook_of(const char *url)
{
	struct webhook webhook = {
		.url = url,
		.method = "POST",
		.due_us = INT64_C(1767225600000000),
		.fired_us = INT64_C(1767225600001499),
		.attempt = 1,
		.max_attempts = 6,
		.timeout_ms = 10000,
	};

	assert_true(uuid_read(SPAN("0190a1b2-c3d4-7000-8000-00000000002a"), &webhook.timer_id));
	return webhook;
}

static void prepare(const struct webhook *webhook, const char *secrets_text, struct fetch *fetch)
{
	struct webhook_secrets *secrets = secrets_of(secrets_text);

	memset(fetch, 0, sizeof(*fetch));
	webhook_prepare(webhook, secrets, arena, fetch);
	webhook_secrets_destroy(secrets);
}

static void assert_headers(const struct fetch *fetch, const char *const *expected)
{
	size_t count = 0;

	for (; expected[count]; count++) {
		assert_non_null(fetch->headers[count]);
		assert_string_equal(fetch->headers[count], expected[count]);
	}
	assert_null(fetch->headers[count]);
}

static void assert_body(const struct fetch *fetch, const char *expected)
{
	assert_string_equal(arena_text(arena, fetch->body), expected);
}

static void a_webhook_is_told_whole(void **state)
{
	static const char *const expected[] = {
		"Content-Type: application/json",
		"webhook-id: 0190a1b2-c3d4-7000-8000-00000000002a",
		"webhook-timestamp: 1767225600",
		"webhook-signature: v1,y8nUWTf/MLfpfg7VgsYel2uf2NU0s37/PnjJ78nxjVE=",
		"X-Request-Id: req-1",
		"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"Authorization: Bearer abc",
		"X-Empty;",
		NULL,
	};
	struct webhook webhook = webhook_of("http://receiver/hook?a=b");
	struct fetch fetch;

	(void)state;
	webhook.payload = SPAN("{\"order\":[1,2.50,\"\\u00e9\"]}");
	webhook.headers = SPAN("{\"Authorization\":\"Bearer abc\",\"X-Empty\":\" \"}");
	webhook.request_id = "req-1";
	webhook.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	webhook.attempt = 3;
	webhook.timeout_ms = 1234;
	prepare(&webhook, FIRST, &fetch);
	assert_string_equal(fetch.url, "http://receiver/hook?a=b");
	assert_string_equal(fetch.method, "POST");
	assert_body(&fetch, "{\"timerId\":\"0190a1b2-c3d4-7000-8000-00000000002a\","
			    "\"dueAt\":\"2026-01-01T00:00:00.000Z\","
			    "\"firedAt\":\"2026-01-01T00:00:00.001Z\",\"attempt\":3,"
			    "\"payload\":{\"order\":[1,2.50,\"\\u00e9\"]}}");
	assert_headers(&fetch, expected);
	assert_int_equal(fetch.timeout_ms, 1234);
	assert_int_equal(fetch.max_bytes, 65536);
	assert_int_equal(fetch.max_redirects, 0);
	assert_true(fetch.wants_all && fetch.is_terse);
}

static void what_is_not_given_is_not_told(void **state)
{
	static const char *const expected[] = {
		"Content-Type: application/json",
		"webhook-id: 0190a1b2-c3d4-7000-8000-00000000002a",
		"webhook-timestamp: 1767225600",
		NULL,
	};
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch fetch;

	(void)state;
	webhook.request_id = "";
	prepare(&webhook, "", &fetch);
	assert_headers(&fetch, expected);
	assert_body(&fetch,
		    "{\"timerId\":\"0190a1b2-c3d4-7000-8000-00000000002a\","
		    "\"dueAt\":\"2026-01-01T00:00:00.000Z\","
		    "\"firedAt\":\"2026-01-01T00:00:00.001Z\",\"attempt\":1,\"payload\":null}");
}

/* GET and DELETE carry no body; the signature is that of an empty one. */
static void some_methods_carry_no_body(void **state)
{
	static const char *const expected[] = {
		"webhook-id: 0190a1b2-c3d4-7000-8000-00000000002a",
		"webhook-timestamp: 1767225600",
		"webhook-signature: v1,4R075e8yTww6sezoVInfq61LEqSkOj0pUeGTbVRT7GQ=",
		"X-Mine: 1",
		NULL,
	};
	static const char *const methods[] = {"GET", "DELETE", "PUT", "PATCH", "POST"};
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch fetch;

	(void)state;
	webhook.payload = SPAN("{\"not\":\"sent\"}");
	webhook.headers = SPAN("{\"X-Mine\":\"1\"}");
	for (size_t i = 0; i < LENGTH(methods); i++) {
		webhook.method = methods[i];
		prepare(&webhook, FIRST, &fetch);
		assert_string_equal(fetch.method, methods[i]);
		assert_int_equal(fetch.body.length > 0, i >= 2);
		if (i < 2)
			assert_headers(&fetch, expected);
	}
}

static void headers_of_the_timer_never_replace_ours(void **state)
{
	static const char *const expected[] = {
		"Content-Type: application/json",
		"webhook-id: 0190a1b2-c3d4-7000-8000-00000000002a",
		"webhook-timestamp: 1767225600",
		"X-Request-Id: ours",
		"webhook-ids: theirs",
		"traceparent: theirs",
		NULL,
	};
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch fetch;

	(void)state;
	webhook.request_id = "ours";
	webhook.headers = SPAN("{\"CONTENT-TYPE\":\"text/plain\",\"Webhook-Id\":\"theirs\","
			       "\"webhook-timestamp\":\"1\",\"webhook-signature\":\"v1,theirs\","
			       "\"user-agent\":\"theirs\",\"host\":\"theirs\","
			       "\"content-length\":\"1\",\"x-request-id\":\"theirs\","
			       "\"webhook-ids\":\"theirs\",\"transfer-encoding\":\"chunked\","
			       "\"traceparent\":\"theirs\",\"number\":7,"
			       "\"webhook-id:\":\"theirs\",\"webhook-id;\":\"\",\"\":\"x\","
			       "\"webhook-id \":\"theirs\",\"\\r\\nwebhook-id\":\"theirs\"}");
	prepare(&webhook, "", &fetch);
	assert_headers(&fetch, expected);
}

static void headers_that_are_no_object_are_left_out(void **state)
{
	static const char *const bad[] = {"[]", "{\"a\":", "null", "7", "{}", "\"X: y\""};
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch fetch;

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		webhook.headers = span_of(bad[i]);
		prepare(&webhook, "", &fetch);
		assert_null(fetch.headers[3]);
	}
}

/* --- the verdict ---------------------------------------------------------------------------------- */

static struct webhook_retries *retries_of(const char *text)
{
	struct str complaint;
	struct webhook_retries *retries;

	str_init(&complaint, 1000);
	retries = webhook_retries_create(text, &complaint);
	assert_non_null(retries);
	assert_string_equal(str_text(&complaint), "");
	str_finish(&complaint);
	return retries;
}

static struct webhook_verdict judge_with(const char *table, const struct webhook *webhook,
					 const struct fetch_result *result, uint64_t random)
{
	struct webhook_retries *retries = retries_of(table);
	struct webhook_verdict verdict = {0};

	webhook_judge(webhook, result, SPAN("text"), random, retries, arena, &verdict);
	webhook_retries_destroy(retries);
	return verdict;
}

static struct fetch_result result_of(enum fetch_verdict verdict, int status,
				     const char *retry_after)
{
	return (struct fetch_result){
		.verdict = verdict,
		.status = status,
		.complaint = verdict == FETCH_ANSWERED ? "" : "a complaint",
		.content_type = "",
		.etag = "",
		.last_modified = "",
		.retry_after = retry_after,
		.duration_us = 12345,
	};
}

static const struct {
	enum fetch_verdict verdict;
	int status;
	enum webhook_end end;
	bool is_unwell;
} endings[] = {
	{FETCH_ANSWERED, 200, WEBHOOK_DONE, false},  {FETCH_ANSWERED, 204, WEBHOOK_DONE, false},
	{FETCH_ANSWERED, 299, WEBHOOK_DONE, false},  {FETCH_TOO_LARGE, 200, WEBHOOK_DONE, false},
	{FETCH_ANSWERED, 302, WEBHOOK_RETRY, false}, {FETCH_ANSWERED, 304, WEBHOOK_RETRY, false},
	{FETCH_ANSWERED, 400, WEBHOOK_RETRY, false}, {FETCH_ANSWERED, 404, WEBHOOK_RETRY, false},
	{FETCH_ANSWERED, 410, WEBHOOK_GONE, false},  {FETCH_TOO_LARGE, 410, WEBHOOK_GONE, false},
	{FETCH_ANSWERED, 429, WEBHOOK_RETRY, true},  {FETCH_ANSWERED, 500, WEBHOOK_RETRY, true},
	{FETCH_ANSWERED, 502, WEBHOOK_RETRY, true},  {FETCH_ANSWERED, 503, WEBHOOK_RETRY, true},
	{FETCH_TOO_LARGE, 500, WEBHOOK_RETRY, true}, {FETCH_ANSWERED, 600, WEBHOOK_RETRY, true},
	{FETCH_ANSWERED, 199, WEBHOOK_RETRY, false}, {FETCH_FAILED, 0, WEBHOOK_RETRY, true},
	{FETCH_FAILED, 200, WEBHOOK_RETRY, true}, /* cut, or never whole */
	{FETCH_FAILED, 410, WEBHOOK_RETRY, true},    {FETCH_REFUSED, 0, WEBHOOK_GONE, false},
	{FETCH_STOPPED, 0, WEBHOOK_RETRY, false},
};

static void every_ending_has_its_verdict(void **state)
{
	struct webhook webhook = webhook_of("http://receiver/");

	(void)state;
	for (size_t i = 0; i < LENGTH(endings); i++) {
		struct fetch_result result = result_of(endings[i].verdict, endings[i].status, "");
		struct webhook_verdict verdict = judge_with("5,30", &webhook, &result, 0);

		assert_int_equal(verdict.end, endings[i].end);
		assert_int_equal(verdict.is_unwell, endings[i].is_unwell);
		assert_int_equal(verdict.wait_us,
				 endings[i].end == WEBHOOK_RETRY ? 5 * SECOND_US / 2 : 0);
	}
}

static void the_last_attempt_is_the_last(void **state)
{
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch_result result = result_of(FETCH_ANSWERED, 503, "7");

	(void)state;
	webhook.attempt = 5;
	assert_int_equal(judge_with("5", &webhook, &result, 0).end, WEBHOOK_RETRY);
	for (webhook.attempt = 6; webhook.attempt < 9; webhook.attempt++) {
		struct webhook_verdict verdict = judge_with("5", &webhook, &result, 0);

		assert_int_equal(verdict.end, WEBHOOK_GONE);
		assert_true(verdict.is_unwell);
		assert_int_equal(verdict.wait_us, 0);
	}
	result = result_of(FETCH_ANSWERED, 200, "");
	assert_int_equal(judge_with("5", &webhook, &result, 0).end, WEBHOOK_DONE);
}

/* Half of the table's time to half as much again; the last one repeats. */
static void retries_wait_by_the_table(void **state)
{
	static const int64_t table_s[] = {5, 30, 120, 600, 3600, 21600, 21600, 21600};
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch_result result = result_of(FETCH_FAILED, 0, "");

	(void)state;
	webhook.max_attempts = 20;
	for (size_t i = 0; i < LENGTH(table_s); i++) {
		int64_t wait_us = table_s[i] * SECOND_US, sum_us = 0;

		webhook.attempt = (int)i + 1;
		for (uint64_t dice = 0; dice < 1000; dice++) {
			struct webhook_verdict verdict =
				judge_with("5,30,120,600,3600,21600", &webhook, &result,
					   dice * UINT64_C(0x9E3779B97F4A7C15));

			assert_in_range(verdict.wait_us, wait_us / 2, wait_us * 3 / 2 - 1);
			sum_us += verdict.wait_us / 1000;
		}
		assert_in_range(sum_us, wait_us * 95 / 100, wait_us * 105 / 100);
	}
}

static void retry_after_is_honoured(void **state)
{
	static const struct {
		int status;
		const char *retry_after;
		int64_t wait_us;
	} cases[] = {
		{429, "7", 7 * SECOND_US},
		{503, "0", 0},
		{503, " 120 ", 120 * SECOND_US},
		{429, "99999999999999999999", 86400 * SECOND_US},
		{503, "Thu, 01 Jan 2026 00:01:00 GMT", 60 * SECOND_US},
		{503, "Wed, 31 Dec 2025 00:00:00 GMT", 0},
		{429, "Fri, 01 Jan 2027 00:00:00 GMT", 86400 * SECOND_US},
		{429, "soon", 40 * SECOND_US},
		{503, "-1", 40 * SECOND_US},
		{503, "1.5", 40 * SECOND_US},
		{503, "", 40 * SECOND_US},
		{500, "7", 40 * SECOND_US},
		{302, "7", 40 * SECOND_US},
	};
	struct webhook webhook = webhook_of("http://receiver/");

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct fetch_result result =
			result_of(FETCH_ANSWERED, cases[i].status, cases[i].retry_after);
		struct webhook_verdict verdict = judge_with("80", &webhook, &result, 0);

		if (verdict.wait_us != cases[i].wait_us)
			fail_msg("%d, \"%s\": %lld", cases[i].status, cases[i].retry_after,
				 (long long)verdict.wait_us);
	}
}

static void the_table_takes_fractions(void **state)
{
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch_result result = result_of(FETCH_FAILED, 0, "");

	(void)state;
	assert_int_equal(judge_with(" 0.05 , 2 ", &webhook, &result, 0).wait_us, 25000);
	assert_int_equal(judge_with("0", &webhook, &result, 77).wait_us, 0);
	assert_int_equal(judge_with("0.000001", &webhook, &result, 77).wait_us, 0);
	webhook.attempt = 2;
	assert_int_equal(judge_with("0.05,2", &webhook, &result, 0).wait_us, SECOND_US);
}

static void malformed_tables_are_named(void **state)
{
	static const char *const bad[] = {
		"",   ",",  "5,",  ",5",    "5,,6", "five",
		"-1", "+1", "1e3", "5;6",   "5 6",  "2592001",
		"1.", ".5", "inf", "1,nan", "0x10", "99999999999999999999999"};
	struct str complaint, list;

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		str_init(&complaint, 1000);
		if (webhook_retries_create(bad[i], &complaint))
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(str_text(&complaint), "\" is no wait: write seconds"));
		str_finish(&complaint);
	}
	str_init(&complaint, 1000);
	str_init(&list, 1000);
	for (int i = 0; i < 50; i++)
		str_append_text(&list, i > 0 ? ",1" : "2592000");
	webhook_retries_destroy(retries_of(str_text(&list)));
	str_append_text(&list, ",1");
	assert_null(webhook_retries_create(str_text(&list), &complaint));
	assert_string_equal(str_text(&complaint), "there may be at most 50 waits");
	str_finish(&list);
	str_finish(&complaint);
	webhook_retries_destroy(NULL);
}

/* --- the record ----------------------------------------------------------------------------------- */

static const char *log_of(const struct webhook *webhook, const struct fetch_result *result,
			  struct span kept)
{
	struct webhook_retries *retries = retries_of("5");
	struct webhook_verdict verdict;
	const char *complaint;

	webhook_judge(webhook, result, kept, 0, retries, arena, &verdict);
	webhook_retries_destroy(retries);
	assert_non_null(json_parse(arena, verdict.log, &complaint));
	return arena_text(arena, verdict.log);
}

static void attempts_are_recorded(void **state)
{
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch_result result = result_of(FETCH_ANSWERED, 200, "");

	(void)state;
	assert_string_equal(log_of(&webhook, &result, SPAN("{\"a\":\n1}")),
			    "{\"attempt\":1,\"startedAt\":\"2026-01-01T00:00:00.001Z\","
			    "\"durationMs\":12,\"status\":200,\"error\":null,"
			    "\"body\":\"{\\\"a\\\":\\n1}\"}");
	webhook.attempt = 2;
	result = result_of(FETCH_FAILED, 0, "");
	result.duration_us = 9999500;
	assert_string_equal(log_of(&webhook, &result, (struct span){0}),
			    "{\"attempt\":2,\"startedAt\":\"2026-01-01T00:00:00.001Z\","
			    "\"durationMs\":10000,\"status\":null,\"error\":\"a complaint\","
			    "\"body\":\"\"}");
	result = result_of(FETCH_FAILED, 200, "");
	assert_non_null(strstr(log_of(&webhook, &result, SPAN("half")),
			       "\"status\":200,\"error\":\"a complaint\",\"body\":\"half\""));
	result = result_of(FETCH_TOO_LARGE, 500, "");
	assert_non_null(
		strstr(log_of(&webhook, &result, SPAN("x")), "\"status\":500,\"error\":null"));
}

static void assert_recorded(struct span kept, const char *body)
{
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch_result result = result_of(FETCH_ANSWERED, 200, "");
	const char *log = log_of(&webhook, &result, kept);

	assert_string_equal(strstr(log, "\"body\":"), body);
}

static void what_is_no_text_is_recorded_as_text(void **state)
{
	(void)state;
	assert_recorded(SPAN("a\xff\xc3\xa9\xed\xa0\x80z"),
			"\"body\":\"a\uFFFD\u00e9\uFFFD\uFFFD\uFFFDz\"}");
	assert_recorded(SPAN("\0a\0\0b\0"), "\"body\":\"ab\"}");
	assert_recorded(SPAN("\0"), "\"body\":\"\"}");
	assert_recorded(SPAN("\x01\x1f\x7f\"\\"), "\"body\":\"\\u0001\\u001f\x7f\\\"\\\\\"}");
}

/* Only where the limit has cut it does a broken character at the end count as cut. */
static void a_character_cut_by_the_limit_is_left_out(void **state)
{
	static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	char kept[WEBHOOK_KEPT_MAX], expected[WEBHOOK_KEPT_MAX + 50];

	(void)state;
	for (size_t i = 0; i < LENGTH(characters); i++) {
		size_t whole = strlen(characters[i]);

		for (size_t length = 1; length <= whole; length++) {
			size_t plain = length < whole ? sizeof(kept) - length : sizeof(kept);

			memset(kept, 'x', sizeof(kept));
			memcpy(kept + sizeof(kept) - length, characters[i], length);
			snprintf(expected, sizeof(expected), "\"body\":\"%.*s\"}", (int)plain,
				 kept);
			assert_recorded((struct span){kept, sizeof(kept)}, expected);
		}
		assert_recorded((struct span){characters[i], whole - 1},
				whole == 2   ? "\"body\":\"\uFFFD\"}"
				: whole == 3 ? "\"body\":\"\uFFFD\uFFFD\"}"
					     : "\"body\":\"\uFFFD\uFFFD\uFFFD\"}");
	}
}

static void the_worst_body_fits(void **state)
{
	char kept[WEBHOOK_KEPT_MAX];
	struct webhook webhook = webhook_of("http://receiver/");
	struct fetch_result result = result_of(FETCH_ANSWERED, 200, "");

	(void)state;
	memset(kept, 1, sizeof(kept));
	assert_in_range(strlen(log_of(&webhook, &result, (struct span){kept, sizeof(kept)})),
			6 * sizeof(kept), 6 * sizeof(kept) + 200);
}

/* --- names: in place of the resolver's library function -------------------------------------------- */

static int turns; /* of turning.test */

typedef int resolve_function(const char *, const char *, const struct addrinfo *,
			     struct addrinfo **);

static int resolve(const char *node, const char *service, const struct addrinfo *hints,
		   struct addrinfo **result)
{
	resolve_function *real;
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

	memcpy(&real, &symbol, sizeof(real));
	return real(node, service, hints, result);
}

static const struct {
	const char *name;
	const char *first;
	const char *second; /* NULL: one address only */
} names[] = {
	{"here.test", "127.0.0.1", NULL},           {"127.0.0.1.", "127.0.0.1", NULL},
	{"localhost.", "127.0.0.1", NULL},          {"private.test", "10.255.255.1", NULL},
	{"metadata.test", "169.254.169.254", NULL}, {"private6.test", "fd12::1", NULL},
	{"both.test", "192.168.255.1", "fe80::1"},
};

/* turning.test is here at first and private from then on, returning.test the other way round; no
 * other name is known. */
int getaddrinfo(const char *restrict node, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
	int code;

	if (strcmp(node, "turning.test") == 0)
		return resolve(turns++ == 0 ? "127.0.0.1" : "10.255.255.1", service, hints, result);
	if (strcmp(node, "returning.test") == 0)
		return resolve(turns++ == 0 ? "10.255.255.1" : "127.0.0.1", service, hints, result);
	for (size_t i = 0; i < LENGTH(names); i++) {
		if (strcmp(node, names[i].name) != 0)
			continue;
		code = resolve(names[i].first, service, hints, result);
		if (code == 0 && names[i].second)
			code = resolve(names[i].second, service, hints, &(*result)->ai_next);
		return code;
	}
	return hints && hints->ai_flags & AI_NUMERICHOST ? resolve(node, service, hints, result)
							 : EAI_NONAME;
}

/* --- the caller ----------------------------------------------------------------------------------- */

enum { WATCHDOG_US = 20 * 1000 * 1000, TIMEOUT_MS = 400 };

struct caller {
	struct loop *loop;
	struct guard *guard;
	struct fetcher *fetcher;
	struct loop_timer timer;
	struct webhook_secrets *secrets;
	struct webhook_retries *retries;
};

/* One attempt as the engine makes it. */
struct attempt {
	struct fetch fetch;
	struct caller *caller;
	struct webhook webhook;
	char url[300];
	char kept[WEBHOOK_KEPT_MAX];
	size_t kept_length;
	int64_t received;
	struct fetch_result result;
	struct webhook_verdict verdict;
};

static void bite(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the loop did not end in time");
}

static void caller_open(struct caller *caller, struct loop *loop, const char *allow)
{
	caller->loop = loop;
	caller->guard = guard_create(allow, NULL);
	caller->fetcher = fetcher_create(loop, &(struct fetcher_options){
						       .guard = caller->guard,
						       .user_agent = "almanac/test",
						       .max_connections = 8,
					       });
	caller->secrets = secrets_of(FIRST);
	caller->retries = retries_of("5,30");
	caller->timer = (struct loop_timer){.fire = bite};
}

static void caller_close(struct caller *caller)
{
	fetcher_destroy(caller->fetcher);
	guard_destroy(caller->guard);
	webhook_secrets_destroy(caller->secrets);
	webhook_retries_destroy(caller->retries);
}

static bool received(struct fetch *fetch, struct span bytes)
{
	struct attempt *attempt = container_of(fetch, struct attempt, fetch);
	size_t room = sizeof(attempt->kept) - attempt->kept_length;
	size_t length = bytes.length < room ? bytes.length : room;

	memcpy(attempt->kept + attempt->kept_length, bytes.bytes, length);
	attempt->kept_length += length;
	attempt->received += (int64_t)bytes.length;
	return true;
}

static void finished(struct fetch *fetch, const struct fetch_result *result)
{
	struct attempt *attempt = container_of(fetch, struct attempt, fetch);
	struct caller *caller = attempt->caller;

	attempt->result = *result;
	webhook_judge(&attempt->webhook, result, (struct span){attempt->kept, attempt->kept_length},
		      0, caller->retries, arena, &attempt->verdict);
	loop_stop(caller->loop);
}

/* A path of the server, or a whole URL. */
static void call(struct caller *caller, struct attempt *attempt, const char *url)
{
	memset(attempt, 0, sizeof(*attempt));
	if (url[0] == '/')
		snprintf(attempt->url, sizeof(attempt->url), "http://127.0.0.1:%d%s", server.port,
			 url);
	else
		snprintf(attempt->url, sizeof(attempt->url), "%s", url);
	attempt->caller = caller;
	attempt->webhook = webhook_of(attempt->url);
	attempt->webhook.timeout_ms = TIMEOUT_MS;
	attempt->webhook.payload = SPAN("{\"a\":1}");
	webhook_prepare(&attempt->webhook, caller->secrets, arena, &attempt->fetch);
	attempt->fetch.received = received;
	attempt->fetch.finished = finished;
	loop_timer_set(caller->loop, &caller->timer, clock_steady_us() + WATCHDOG_US);
	fetch_start(caller->fetcher, &attempt->fetch);
	loop_run(caller->loop);
	loop_timer_clear(caller->loop, &caller->timer);
}

static void call_once(const char *allow, struct attempt *attempt, const char *url)
{
	struct loop *loop = loop_create();
	struct caller caller;

	caller_open(&caller, loop, allow);
	call(&caller, attempt, url);
	caller_close(&caller);
	loop_destroy(loop);
}

static bool says(const struct attempt *attempt, const char *part)
{
	return strstr(arena_text(arena, attempt->verdict.log), part) != NULL;
}

/* --- receivers ------------------------------------------------------------------------------------ */

#define HUNDRED_MB "Content-Length: 104857600\r\n\r\n"
#define FOR_EVER(part, ms) .again = part, .times = INT_MAX, .pause_ms = ms
#define GONE_TOO "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"

static const struct page pages[] = {
	{"/echo", .is_echo = true},
	{"/200", .text = OK TEXT(5, "thank")},
	{"/204", .text = "HTTP/1.1 204 No Content\r\n\r\n"},
	{"/400", .text = "HTTP/1.1 400 Bad Request\r\n" TEXT(2, "no")},
	{"/410", .text = "HTTP/1.1 410 Gone\r\n" TEXT(4, "gone")},
	{"/429", .text = "HTTP/1.1 429 Slow Down\r\nRetry-After: 3\r\n" TEXT(0, "")},
	{"/500", .text = "HTTP/1.1 500 Oh\r\n" TEXT(2, "oh")},
	{"/503",
	 .text = "HTTP/1.1 503 Later\r\nRetry-After: Thu, 01 Jan 2026 00:02:00 GMT\r\n" TEXT(0,
											     "")},
	{"/302", .text = "HTTP/1.1 302 Found\r\nLocation: /410\r\n" TEXT(5, "moved")},
	{"/307", .text = "HTTP/1.1 307 Moved\r\nLocation: http://10.255.255.1/\r\n" TEXT(0, "")},
	{"/100MB", .text = OK HUNDRED_MB, FOR_EVER(SIXTY_FOUR, 0)},
	{"/binary", .text = OK TEXT(4, "\xff\x01\xc3\xa9")},

	{"/endless", .text = OK "\r\n", FOR_EVER(SIXTY_FOUR, 0)},
	{"/endless-500", .text = "HTTP/1.1 500 Oh\r\n\r\n", FOR_EVER(SIXTY_FOUR, 0)},
	{"/endless-chunks", .text = OK CHUNKS, FOR_EVER("40\r\n" SIXTY_FOUR "\r\n", 0)},
	{"/drip-body", .text = OK TEXT(100000, ""), FOR_EVER("x", 20)},
	{"/drip-header", .text = OK "X-Long: ", FOR_EVER("x", 20)},
	{"/drip-headers", .text = OK, FOR_EVER("A: b\r\n", 20)},
	{"/drip-status", FOR_EVER("H", 20)},
	{"/hang", .end = HANG},
	{"/hang-body", .text = OK TEXT(1000, "0123456789"), .end = HANG},
	{"/many-headers", .text = OK, .again = "X-Header: x\r\n", .times = 10000,
	 .tail = TEXT(0, "")},
	{"/long-header", .text = OK "X-Long: ", .again = SIXTY_FOUR, .times = 5000,
	 .tail = "\r\n" TEXT(0, "")},
	{"/interim", FOR_EVER("HTTP/1.1 100 Continue\r\n\r\n", 0)},
	{"/hints", FOR_EVER("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0)},
	{"/bomb", .zeros = 16 * 1024 * 1024},
	{"/cut", .text = OK TEXT(1000, "0123456789"), .end = CLOSE},
	{"/torn", .text = OK TEXT(1000, "0123456789"), .again = "", .times = 1, .pause_ms = 50,
	 .end = RESET},
	{"/reset", .end = RESET},
	{"/nothing", .end = CLOSE},
	{"/http-0.9", .text = "hello\n", .end = CLOSE},
	{"/ssh", .text = "SSH-2.0-OpenSSH_9.2\r\n", .end = CLOSE},
	{"/two-lengths", .text = OK "Content-Length: 5\r\n" TEXT(2, "xxxxx")},
	{"/bad-chunk", .text = OK CHUNKS "zz\r\nabc\r\n"},
	{"/nul-header", .text = OK "X-Nul: a\r\n", .tail = TEXT(2, "ok")},

	/* More than was asked for: with the answer, and when nobody waits for one. */
	{"/and-gone", .text = OK TEXT(2, "ok" GONE_TOO)},
	{"/then-gone", .text = OK TEXT(2, "ok"), .again = GONE_TOO, .times = 1, .pause_ms = 20},
	{0},
};

static int open_server(void **state)
{
	(void)state;
	return server_start(pages);
}

static const struct {
	const char *path;
	enum webhook_end end;
	bool is_unwell;
	int64_t wait_us;
	const char *log;
} receivers[] = {
	{"/200", WEBHOOK_DONE, false, 0, "\"status\":200,\"error\":null,\"body\":\"thank\"}"},
	{"/204", WEBHOOK_DONE, false, 0, "\"status\":204,\"error\":null,\"body\":\"\"}"},
	{"/302", WEBHOOK_RETRY, false, 2500000, "\"status\":302,\"error\":null,\"body\":\"moved\""},
	{"/307", WEBHOOK_RETRY, false, 2500000, "\"status\":307,\"error\":null,\"body\":\"\"}"},
	{"/400", WEBHOOK_RETRY, false, 2500000, "\"status\":400,\"error\":null,\"body\":\"no\"}"},
	{"/410", WEBHOOK_GONE, false, 0, "\"status\":410,\"error\":null,\"body\":\"gone\"}"},
	{"/429", WEBHOOK_RETRY, true, 3 * SECOND_US, "\"status\":429"},
	{"/500", WEBHOOK_RETRY, true, 2500000, "\"status\":500,\"error\":null,\"body\":\"oh\"}"},
	{"/503", WEBHOOK_RETRY, true, 120 * SECOND_US, "\"status\":503"},
	{"/binary", WEBHOOK_DONE, false, 0, "\"body\":\"\uFFFD\\u0001\u00e9\"}"},

	{"/100MB", WEBHOOK_DONE, false, 0, "\"status\":200,\"error\":null,\"body\":\"xxxx"},
	{"/endless", WEBHOOK_DONE, false, 0, "\"status\":200,\"error\":null,\"body\":\"xxxx"},
	{"/endless-500", WEBHOOK_RETRY, true, 2500000, "\"status\":500,\"error\":null"},
	{"/endless-chunks", WEBHOOK_DONE, false, 0, "\"status\":200,\"error\":null"},
	{"/drip-body", WEBHOOK_RETRY, true, 2500000,
	 "\"status\":200,\"error\":\"timed out after 400 ms\",\"body\":\"x"},
	{"/drip-header", WEBHOOK_RETRY, true, 2500000, "\"error\":\"timed out after 400 ms\""},
	{"/drip-headers", WEBHOOK_RETRY, true, 2500000, "\"error\":\"timed out after 400 ms\""},
	{"/drip-status", WEBHOOK_RETRY, true, 2500000, "\"status\":null,\"error\":"},
	{"/hang", WEBHOOK_RETRY, true, 2500000,
	 "\"status\":null,\"error\":\"timed out after 400 ms\",\"body\":\"\"}"},
	{"/hang-body", WEBHOOK_RETRY, true, 2500000,
	 "\"status\":200,\"error\":\"timed out after 400 ms\",\"body\":\"0123456789\"}"},
	{"/many-headers", WEBHOOK_RETRY, true, 2500000, "\"error\":\"too many headers\""},
	{"/long-header", WEBHOOK_RETRY, true, 2500000, "\"error\":\"too many headers\""},
	{"/interim", WEBHOOK_RETRY, true, 2500000, "\"error\":\"too many headers\""},
	{"/hints", WEBHOOK_RETRY, true, 2500000, "\"error\":\"too many headers\""},
	{"/bomb", WEBHOOK_DONE, false, 0, "\"status\":200,\"error\":null,\"body\":\"\\u001f\uFFFD"},
	{"/cut", WEBHOOK_RETRY, true, 2500000,
	 "\"status\":200,\"error\":\"the answer was cut after 10 bytes\",\"body\":\"0123456789\"}"},
	{"/torn", WEBHOOK_RETRY, true, 2500000, "\"error\":\"the connection was reset\""},
	{"/reset", WEBHOOK_RETRY, true, 2500000, "\"error\":\"the connection was reset\""},
	{"/nothing", WEBHOOK_RETRY, true, 2500000,
	 "\"error\":\"the connection was closed without an answer\""},
	{"/http-0.9", WEBHOOK_RETRY, true, 2500000, "\"error\":\"the answer is not HTTP\""},
	{"/ssh", WEBHOOK_RETRY, true, 2500000, "\"error\":\"the answer is not HTTP\""},
	{"/bad-chunk", WEBHOOK_RETRY, true, 2500000, "\"status\":200,\"error\":\""},
};

/* Each by its deadline, with at most 64 KiB of its answer read (and what the socket gave at once), 1 KiB
 * of it kept. */
static void no_receiver_gets_more_than_its_share(void **state)
{
	static struct attempt attempt;

	(void)state;
	for (size_t i = 0; i < LENGTH(receivers); i++) {
		int64_t began_us = clock_steady_us();

		call_once("loopback", &attempt, receivers[i].path);
		if (!says(&attempt, receivers[i].log))
			fail_msg("%s: %s", receivers[i].path,
				 arena_text(arena, attempt.verdict.log));
		assert_int_equal(attempt.verdict.end, receivers[i].end);
		assert_int_equal(attempt.verdict.is_unwell, receivers[i].is_unwell);
		assert_int_equal(attempt.verdict.wait_us, receivers[i].wait_us);
		assert_in_range(clock_steady_us() - began_us, 0, (TIMEOUT_MS + 600) * MS);
		assert_in_range(attempt.received, 0, WEBHOOK_READ_MAX);
		assert_in_range(attempt.result.body_bytes, 0, WEBHOOK_READ_MAX + 16384);
		assert_in_range(attempt.verdict.log.length, 80, 6 * WEBHOOK_KEPT_MAX + 300);
	}
}

static void what_is_sent_is_what_was_signed(void **state)
{
	static struct attempt attempt;

	(void)state;
	call_once("loopback", &attempt, "/echo");
	attempt.kept[attempt.kept_length] = '\0';
	assert_int_equal(strncmp(attempt.kept, "POST /echo HTTP/1.1\r\n", 21), 0);
	assert_non_null(strstr(attempt.kept, "\r\nUser-Agent: almanac/test\r\n"));
	assert_non_null(strstr(attempt.kept, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(attempt.kept, "\r\nwebhook-signature: v1,"));
	assert_null(strstr(attempt.kept, "Accept-Encoding"));
	assert_null(strstr(attempt.kept, "Expect"));
	assert_string_equal(strstr(attempt.kept, "\r\n\r\n") + 4,
			    arena_text(arena, attempt.fetch.body));
}

/* A receiver that answers twice does not answer the next call on its connection. */
static void an_answer_belongs_to_its_call(void **state)
{
	static const char *const paths[] = {"/and-gone", "/then-gone"};
	static struct attempt attempt;
	struct loop *loop = loop_create();
	struct caller caller;

	(void)state;
	caller_open(&caller, loop, "loopback");
	for (size_t i = 0; i < 2 * LENGTH(paths); i++) {
		call(&caller, &attempt, paths[i / 2]);
		assert_true(says(&attempt, "\"status\":200,\"error\":null,\"body\":\"ok\""));
		usleep(60 * MS);
		call(&caller, &attempt, "/200");
		if (!says(&attempt, "\"status\":200,\"error\":null,\"body\":\"thank\""))
			fail_msg("%s: %s", paths[i / 2], arena_text(arena, attempt.verdict.log));
	}
	caller_close(&caller);
	loop_destroy(loop);
}

static void a_redirect_leads_nowhere(void **state)
{
	static struct attempt attempt;
	int before = connections;

	(void)state;
	call_once("loopback", &attempt, "/302");
	assert_int_equal(attempt.result.status, 302);
	assert_int_equal(connections - before, 1);
}

/* --- where it may go ------------------------------------------------------------------------------ */

/* %d is the server's port: where the way is open there is an answer. */
static const struct {
	const char *url;
	const char *refusal; /* inside the complaint */
	bool is_here;
} destinations[] = {
	{"http://127.0.0.1:%d/200", "127.0.0.1 is not an allowed destination (loopback)", true},
	{"127.0.0.1:%d/200", "127.0.0.1 is not an allowed destination (loopback)", true},
	{"http://127.1:%d/200", "(loopback)", true},
	{"http://127.0.1:%d/200", "(loopback)", false},
	{"http://2130706433:%d/200", "127.0.0.1 is not an allowed destination (loopback)", true},
	{"http://0177.0.0.1:%d/200", "127.0.0.1 is not an allowed destination (loopback)", true},
	{"http://017700000001:%d/200", "127.0.0.1 is not", true},
	{"http://0x7f.1:%d/200", "127.0.0.1 is not an allowed destination (loopback)", true},
	{"http://0x7f000001:%d/200", "127.0.0.1 is not an allowed destination (loopback)", true},
	{"http://0x7f.0x0.0x0.0x1:%d/200", "127.0.0.1 is not", true},
	{"http://0x7F.0.1:%d/200", "127.0.0.1 is not", true},
	{"http://127.0.0.1.:%d/200", "127.0.0.1 is not", true},
	{"http://127.255.255.254:%d/200", "(loopback)", false},
	{"http://[::1]:%d/200", "::1 is not an allowed destination (loopback)", false},
	{"http://[0:0:0:0:0:0:0:1]:%d/200", "::1 is not", false},
	{"http://[::ffff:127.0.0.1]:%d/200", "(loopback)", true},
	{"http://[::ffff:7f00:1]:%d/200", "(loopback)", true},
	{"http://localhost:%d/200", "(loopback)", true},
	{"http://LocalHost:%d/200", "(loopback)", true},
	{"http://localhost.:%d/200", "(loopback)", true},
	{"http://here.test:%d/200", "127.0.0.1 is not an allowed destination (loopback)", true},
	{"http://8.8.8.8@127.0.0.1:%d/200", "127.0.0.1 is not", true},
	{"http://8.8.8.8:80@127.0.0.1:%d/200", "127.0.0.1 is not", true},
	{"http://8.8.8.8%%40127.0.0.1@127.0.0.1:%d/200", "127.0.0.1 is not", true},

	{"http://0.0.0.0:%d/200", "0.0.0.0 is not an allowed destination (unspecified)", true},
	{"http://0:%d/200", "0.0.0.0 is not an allowed destination (unspecified)", true},
	{"http://0x0:%d/200", "0.0.0.0 is not an allowed destination (unspecified)", true},
	{"http://[::]:%d/200", ":: is not an allowed destination (unspecified)", false},
	{"http://0.1.2.3:%d/", "(this network)", false},

	{"http://169.254.169.254/latest/", "169.254.169.254 is not an allowed destination (cloud",
	 false},
	{"http://2852039166/latest/", "169.254.169.254 is not", false},
	{"http://0xa9fea9fe/", "169.254.169.254 is not", false},
	{"http://[::ffff:169.254.169.254]/", "(cloud metadata)", false},
	{"http://[fd00:ec2::254]/", "(cloud metadata)", false},
	{"http://metadata.test/", "169.254.169.254 is not", false},
	{"http://169.254.1.1/", "(link local)", false},
	{"http://[fe80::1]/", "(link local)", false},
	{"http://[fe80::1%%25lo]/", "(link local)", false},

	{"http://10.0.0.1/", "10.0.0.1 is not an allowed destination (private)", false},
	{"http://10.255.255.255/", "(private)", false},
	{"http://012.0.0.1/", "10.0.0.1 is not", false},
	{"http://167772161/", "10.0.0.1 is not", false},
	{"http://172.16.0.1/", "(private)", false},
	{"http://172.31.255.255/", "(private)", false},
	{"http://192.168.1.1/", "(private)", false},
	{"http://[fd12:3456::1]/", "(unique local)", false},
	{"http://private.test/", "10.255.255.1 is not an allowed destination (private)", false},
	{"http://private6.test/", "fd12::1 is not an allowed destination (unique local)", false},
	{"http://both.test/", "is not an allowed destination", false},
	{"http://user:pass@private.test:8080/", "10.255.255.1 is not", false},

	{"http://100.64.0.1/", "(shared)", false},
	{"http://100.127.255.255/", "(shared)", false},
	{"http://192.0.2.1/", "(documentation)", false},
	{"http://198.18.0.1/", "(benchmark)", false},
	{"http://224.0.0.1/", "(multicast)", false},
	{"http://255.255.255.255/", "(broadcast)", false},
	{"http://240.0.0.1/", "(reserved)", false},
	{"http://[ff02::1]/", "(multicast)", false},
	{"http://[2001:db8::1]/", "(documentation)", false},

	{"http://[2002:7f00:1::]/", "(loopback)", false},        /* 6to4 */
	{"http://[2002:a00:1::1]/", "(private)", false},         /* 6to4 */
	{"http://[64:ff9b::7f00:1]/", "(loopback)", false},      /* NAT64 */
	{"http://[64:ff9b::169.254.169.254]/", "(cloud", false}, /* NAT64 */
	{"http://[64:ff9b:1::7f00:1]/", "translation)", false},  /* NAT64 */
	{"http://[2001:0:7f00:1::]/", "(protocol", false},       /* Teredo */
	{"http://[::127.0.0.1]/", "(loopback)", false},          /* IPv4-compatible */
};

static void url_of(size_t i, char *url, size_t size)
{
	const char *place = strstr(destinations[i].url, "%d");
	struct str text;

	str_init(&text, size);
	for (const char *at = destinations[i].url; *at; at++) {
		if (at == place) {
			str_append_number(&text, server.port);
			at++;
			continue;
		}
		str_append_char(&text, *at);
		at += at[0] == '%' && at[1] == '%';
	}
	snprintf(url, size, "%s", str_text(&text));
	str_finish(&text);
}

static void what_is_not_public_is_refused(void **state)
{
	static struct attempt attempt;
	int before = connections;
	char url[300];

	(void)state;
	assert_true(LENGTH(destinations) >= 30);
	for (size_t i = 0; i < LENGTH(destinations); i++) {
		url_of(i, url, sizeof(url));
		call_once(NULL, &attempt, url);
		if (!says(&attempt, destinations[i].refusal) ||
		    !says(&attempt, " is not an allowed"))
			fail_msg("%s: %s", url, arena_text(arena, attempt.verdict.log));
		assert_int_equal(attempt.verdict.end, WEBHOOK_GONE);
		assert_false(attempt.verdict.is_unwell);
		assert_int_equal(attempt.verdict.wait_us, 0);
		assert_true(says(&attempt, "\"status\":null"));
	}
	assert_int_equal(connections, before);
}

static void what_is_listed_is_called(void **state)
{
	static struct attempt attempt;
	char url[300];

	(void)state;
	for (size_t i = 0; i < LENGTH(destinations); i++) {
		if (!destinations[i].is_here)
			continue;
		url_of(i, url, sizeof(url));
		call_once("127.0.0.0/8,::1/128,0.0.0.0/32", &attempt, url);
		if (attempt.verdict.end != WEBHOOK_DONE)
			fail_msg("%s: %s", url, arena_text(arena, attempt.verdict.log));
	}
}

static void other_schemes_are_refused(void **state)
{
	static const char *const urls[] = {
		"file:///etc/passwd",      "gopher://127.0.0.1:25/", "ftp://127.0.0.1/",
		"dict://127.0.0.1/",       "ldap://127.0.0.1/",      "http://",
		"http://127.0.0.1:99999/",
	};
	static struct attempt attempt;

	(void)state;
	for (size_t i = 0; i < LENGTH(urls); i++) {
		call_once("any", &attempt, urls[i]);
		assert_int_equal(attempt.verdict.end, WEBHOOK_GONE);
		assert_int_equal(attempt.result.verdict, FETCH_REFUSED);
	}
}

static void a_name_nobody_knows_is_tried_again(void **state)
{
	static struct attempt attempt;

	(void)state;
	call_once("loopback", &attempt, "http://nowhere.test/");
	assert_int_equal(attempt.verdict.end, WEBHOOK_RETRY);
	assert_true(attempt.verdict.is_unwell);
	assert_true(says(&attempt, "\"error\":\"could not resolve host nowhere.test\""));
}

static void a_name_is_judged_at_every_attempt(void **state)
{
	static struct attempt attempt;
	char url[100];

	(void)state;
	turns = 0;
	snprintf(url, sizeof(url), "http://turning.test:%d/200", server.port);
	call_once("loopback", &attempt, url);
	assert_int_equal(attempt.verdict.end, WEBHOOK_DONE);
	call_once("loopback", &attempt, url);
	assert_int_equal(attempt.verdict.end, WEBHOOK_GONE);
	assert_true(says(&attempt, "10.255.255.1 is not an allowed destination (private)"));

	turns = 0;
	snprintf(url, sizeof(url), "http://returning.test:%d/200", server.port);
	call_once("loopback", &attempt, url);
	assert_int_equal(attempt.verdict.end, WEBHOOK_GONE);
	call_once("loopback", &attempt, url);
	assert_int_equal(attempt.verdict.end, WEBHOOK_DONE);
}

/* A kept connection was judged when it was made, by the guard of its fetcher: it serves no other. */
static void connections_do_not_cross_guards(void **state)
{
	static struct attempt attempt;
	struct loop *loop = loop_create();
	struct caller open_to_it, closed_to_it;
	int before = connections;

	(void)state;
	caller_open(&open_to_it, loop, "loopback");
	caller_open(&closed_to_it, loop, NULL);
	for (int round = 0; round < 3; round++) {
		call(&open_to_it, &attempt, "/200");
		assert_int_equal(attempt.verdict.end, WEBHOOK_DONE);
		call(&closed_to_it, &attempt, "/200");
		assert_int_equal(attempt.verdict.end, WEBHOOK_GONE);
	}
	assert_int_equal(connections - before, 1);
	caller_close(&closed_to_it);
	caller_close(&open_to_it);
	loop_destroy(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_known_message_has_the_known_signature),
		TEST(malformed_secrets_are_named_by_their_place),
		TEST(sixteen_secrets_are_enough),
		TEST(a_webhook_is_told_whole),
		TEST(what_is_not_given_is_not_told),
		TEST(some_methods_carry_no_body),
		TEST(headers_of_the_timer_never_replace_ours),
		TEST(headers_that_are_no_object_are_left_out),
		TEST(every_ending_has_its_verdict),
		TEST(the_last_attempt_is_the_last),
		TEST(retries_wait_by_the_table),
		TEST(retry_after_is_honoured),
		TEST(the_table_takes_fractions),
		TEST(malformed_tables_are_named),
		TEST(attempts_are_recorded),
		TEST(what_is_no_text_is_recorded_as_text),
		TEST(a_character_cut_by_the_limit_is_left_out),
		TEST(the_worst_body_fits),
		TEST(no_receiver_gets_more_than_its_share),
		TEST(what_is_sent_is_what_was_signed),
		TEST(an_answer_belongs_to_its_call),
		TEST(a_redirect_leads_nowhere),
		TEST(what_is_not_public_is_refused),
		TEST(what_is_listed_is_called),
		TEST(other_schemes_are_refused),
		TEST(a_name_nobody_knows_is_tried_again),
		TEST(a_name_is_judged_at_every_attempt),
		TEST(connections_do_not_cross_guards),
	};

	alarm(240); /* a connection that nobody closes is a failure, too */
	return cmocka_run_group_tests(tests, open_server, server_stop);
}
