/* webhook_judge.c - how a webhook's answer is judged: done, gone or tried again, and the record of
 * it. Called by timers_fire.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/decimal.h"
#include "almanac/json.h"
#include "almanac/moment.h"
#include "webhook.h"

enum { RETRIES_MAX = 50, DAY_S = 86400 };

#define RETRY_MAX_US (INT64_C(30) * DAY_S * 1000000)
#define LOG_MAX_BYTES 16384

struct webhook_retries {
	size_t count;
	int64_t waits_us[RETRIES_MAX];
};

/* --- the table of waits ----------------------------------------------------------------------------- */

static bool read_retries(struct webhook_retries *retries, struct span list, struct str *complaint)
{
	struct span part;
	int64_t wait_us; /* seconds, in millionths */

	while (span_split(&list, ',', &part)) {
		part = span_trim(part);
		if (retries->count == RETRIES_MAX) {
			str_format(complaint, "there may be at most %d waits", RETRIES_MAX);
			return false;
		}
		if (!decimal_parse(part, &wait_us) || wait_us > RETRY_MAX_US) {
			str_append_text(complaint, "\"");
			str_append(complaint, part);
			str_append_text(
				complaint,
				"\" is no wait: write seconds up to 2592000, such as 5,30,0.5");
			return false;
		}
		retries->waits_us[retries->count++] = wait_us;
	}
	return true;
}

struct webhook_retries *webhook_retries_create(const char *text, struct str *complaint)
{
	struct webhook_retries *retries = calloc(1, sizeof(*retries));
	struct span list = span_trim(span_of(text));

	assert(retries != NULL);
	/* An empty text has no parts, but one wait is needed. */
	if (list.length == 0)
		list = SPAN("");
	if (read_retries(retries, list, complaint))
		return retries;
	webhook_retries_destroy(retries);
	return NULL;
}

void webhook_retries_destroy(struct webhook_retries *retries)
{
	free(retries);
}

/* --- the verdict ------------------------------------------------------------------------------------ */

/* More than is read of an answer is an answer. */
static bool is_answered(const struct fetch_result *result)
{
	return result->verdict == FETCH_ANSWERED || result->verdict == FETCH_TOO_LARGE;
}

static bool is_unwell(const struct fetch_result *result)
{
	if (is_answered(result))
		return result->status >= 500 || result->status == 429;
	return result->verdict == FETCH_FAILED;
}

static enum webhook_end end_of(const struct webhook *webhook, const struct fetch_result *result)
{
	if (is_answered(result) && result->status >= 200 && result->status < 300)
		return WEBHOOK_DONE;
	if (is_answered(result) && result->status == 410)
		return WEBHOOK_GONE;
	if (result->verdict == FETCH_REFUSED || webhook->attempt >= webhook->max_attempts)
		return WEBHOOK_GONE;
	return WEBHOOK_RETRY;
}

/* What the receiver asks for; -1: nothing. */
static int64_t asked_wait_us(const struct webhook *webhook, const struct fetch_result *result)
{
	int64_t now_s = (webhook->fired_us + result->duration_us) / 1000000;
	int64_t wait_s;

	if (!is_answered(result) || (result->status != 429 && result->status != 503))
		return -1;
	wait_s = retry_after_s(span_of(result->retry_after), now_s, DAY_S);
	return wait_s < 0 ? -1 : wait_s * 1000000;
}

static int64_t usual_wait_us(const struct webhook_retries *retries, int attempt, uint64_t random)
{
	size_t place = (size_t)attempt < retries->count ? (size_t)attempt - 1 : retries->count - 1;
	int64_t wait_us = retries->waits_us[place];

	return wait_us > 0 ? wait_us / 2 + (int64_t)(random % (uint64_t)wait_us) : 0;
}

/* --- the record ------------------------------------------------------------------------------------- */

/* Without a character that was cut in the middle. */
static struct span without_cut(struct span kept)
{
	static const char sequences[] = {2, 2, 3,
					 4}; /* by the bits that follow 11 in their first byte */

	if (kept.length < WEBHOOK_KEPT_MAX)
		return kept;
	for (size_t back = 1; back <= 3; back++) {
		unsigned char byte = (unsigned char)kept.bytes[kept.length - back];

		if (byte >= 0xC0 && (size_t)sequences[(byte >> 4) & 3] > back)
			return (struct span){kept.bytes, kept.length - back};
		if (byte < 0x80 || byte >= 0xC0)
			break;
	}
	return kept;
}

/* A JSON string with U+FFFD for what is not UTF-8. PostgreSQL has no NUL in texts. */
static void append_body(struct str *log, struct span kept, struct arena *arena)
{
	struct span part, body = without_cut(kept);
	char *bytes;
	size_t length = 0;

	if (body.length == 0 || !memchr(body.bytes, '\0', body.length)) {
		json_append_text(log, body);
		return;
	}
	bytes = arena_alloc(arena, body.length);
	while (span_split(&body, '\0', &part)) {
		if (part.length > 0)
			memcpy(bytes + length, part.bytes, part.length);
		length += part.length;
	}
	json_append_text(log, (struct span){bytes, length});
}

static void append_nullable(struct str *log, const char *text)
{
	if (text)
		json_append_text(log, span_of(text));
	else
		str_append_text(log, "null");
}

static struct span write_log(const struct webhook *webhook, const struct fetch_result *result,
			     struct span kept, struct arena *arena)
{
	char started[MOMENT_TEXT_MAX];
	size_t length = moment_write_rfc3339(webhook->fired_us, started);
	struct span copy;
	struct str log;

	str_init(&log, LOG_MAX_BYTES);
	str_append_text(&log, "{\"attempt\":");
	str_append_number(&log, webhook->attempt);
	str_append_text(&log, ",\"startedAt\":\"");
	str_append(&log, (struct span){started, length});
	str_append_text(&log, "\",\"durationMs\":");
	str_append_number(&log, (result->duration_us + 500) / 1000);
	str_append_text(&log, ",\"status\":");
	if (result->status > 0)
		str_append_number(&log, result->status);
	else
		str_append_text(&log, "null");
	str_append_text(&log, ",\"error\":");
	append_nullable(&log, is_answered(result) ? NULL : result->complaint);
	str_append_text(&log, ",\"body\":");
	append_body(&log, kept, arena);
	str_append_char(&log, '}');
	assert(!log.has_overflowed);
	copy = arena_copy(arena, str_span(&log));
	str_finish(&log);
	return copy;
}

void webhook_judge(const struct webhook *webhook, const struct fetch_result *result,
		   struct span kept, uint64_t random, const struct webhook_retries *retries,
		   struct arena *arena, struct webhook_verdict *verdict)
{
	int64_t asked_us = asked_wait_us(webhook, result);

	verdict->end = end_of(webhook, result);
	verdict->is_unwell = is_unwell(result);
	verdict->wait_us = 0;
	if (verdict->end == WEBHOOK_RETRY)
		verdict->wait_us =
			asked_us >= 0 ? asked_us : usual_wait_us(retries, webhook->attempt, random);
	verdict->log = write_log(webhook, result, kept, arena);
}
