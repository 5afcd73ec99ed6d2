/* webhook.c - how a webhook is told: body, headers, signatures. Called by timers_fire.c. */
#include "webhook.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/digest.h"
#include "almanac/fields.h"
#include "almanac/json.h"
#include "almanac/moment.h"

enum { SECRETS_MAX = 16, SECRET_BYTES_MIN = 24, SECRET_BYTES_MAX = 64 };
enum { SIGNATURES_BYTES = 64 * SECRETS_MAX, NUMBER_BYTES = 24 };

struct webhook_secrets {
	size_t count;
	struct hmac *keys[SECRETS_MAX];
};

/* --- texts ------------------------------------------------------------------------------------------- */

/* A text that grows in memory of a known size. */
static char *put(char *end, struct span text)
{
	if (text.length > 0)
		memcpy(end, text.bytes, text.length);
	return end + text.length;
}

static char *put_moment(char *end, int64_t unix_us)
{
	return end + moment_write_rfc3339(unix_us, end);
}

static char *put_number(char *end, int64_t number)
{
	char digits[NUMBER_BYTES];
	size_t at = sizeof(digits);

	assert(number >= 0);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return put(end, (struct span){digits + at, sizeof(digits) - at});
}

/* --- secrets ---------------------------------------------------------------------------------------- */

static bool add_secret(struct webhook_secrets *secrets, struct arena *arena, struct span text)
{
	static const struct span prefix = {"whsec_", 6};
	struct span key;

	if (secrets->count == SECRETS_MAX || !span_starts_with(text, prefix))
		return false;
	text.bytes += prefix.length;
	text.length -= prefix.length;
	if (!base64_parse(arena, text, &key) || key.length < SECRET_BYTES_MIN ||
	    key.length > SECRET_BYTES_MAX)
		return false;
	secrets->keys[secrets->count++] = hmac_create(key);
	return true;
}

static bool read_secrets(struct webhook_secrets *secrets, struct span list, struct str *complaint)
{
	struct arena *arena = arena_create();
	bool is_good = true;
	struct span part;

	while (is_good && span_split(&list, ',', &part))
		is_good = add_secret(secrets, arena, span_trim(part));
	arena_destroy(arena);
	if (is_good)
		return true;
	/* By its place only: what is wrong may be a secret all the same. */
	if (secrets->count == SECRETS_MAX)
		str_format(complaint, "there may be at most %d secrets", SECRETS_MAX);
	else
		str_format(complaint, "secret %zu must be whsec_ and base64 of %d to %d bytes",
			   secrets->count + 1, SECRET_BYTES_MIN, SECRET_BYTES_MAX);
	return false;
}

struct webhook_secrets *webhook_secrets_create(const char *text, struct str *complaint)
{
	struct webhook_secrets *secrets = calloc(1, sizeof(*secrets));
	struct span list = span_trim(span_of(text));

	assert(secrets != NULL);
	if (list.length == 0 || read_secrets(secrets, list, complaint))
		return secrets;
	webhook_secrets_destroy(secrets);
	return NULL;
}

void webhook_secrets_destroy(struct webhook_secrets *secrets)
{
	if (!secrets)
		return;
	for (size_t i = 0; i < secrets->count; i++)
		hmac_destroy(secrets->keys[i]);
	free(secrets);
}

void webhook_sign(const struct webhook_secrets *secrets, const char *id, int64_t timestamp_s,
		  struct span body, struct str *out)
{
	char time[NUMBER_BYTES + 2] = ".";
	char *end = put(put_number(time + 1, timestamp_s), SPAN("."));
	uint8_t code[DIGEST_LENGTH];

	for (size_t i = 0; i < secrets->count; i++) {
		hmac_feed(secrets->keys[i], span_of(id));
		hmac_feed(secrets->keys[i], (struct span){time, (size_t)(end - time)});
		hmac_feed(secrets->keys[i], body);
		hmac_take(secrets->keys[i], code);
		str_append_text(out, i > 0 ? " v1," : "v1,");
		base64_append(out, (struct span){(const char *)code, sizeof(code)});
	}
}

/* --- the body --------------------------------------------------------------------------------------- */

static struct span write_body(const struct webhook *webhook, const char *id, struct arena *arena)
{
	struct span payload = webhook->payload.length > 0 ? webhook->payload : SPAN("null");
	char *body = arena_alloc(arena, UUID_TEXT_LENGTH + 2 * MOMENT_TEXT_MAX + NUMBER_BYTES +
						payload.length + 100);
	char *end = put(body, SPAN("{\"timerId\":\""));

	end = put(end, (struct span){id, UUID_TEXT_LENGTH});
	end = put(end, SPAN("\",\"dueAt\":\""));
	end = put_moment(end, webhook->due_us);
	end = put(end, SPAN("\",\"firedAt\":\""));
	end = put_moment(end, webhook->fired_us);
	end = put(end, SPAN("\",\"attempt\":"));
	end = put_number(end, webhook->attempt);
	end = put(end, SPAN(",\"payload\":"));
	end = put(end, payload);
	end = put(end, SPAN("}"));
	return (struct span){body, (size_t)(end - body)};
}

/* --- headers ---------------------------------------------------------------------------------------- */

/* What only the fetcher sets. */
static const char *const never[] = {
	"Content-Type",
	"User-Agent",
	"Host",
	"Content-Length",
	"Transfer-Encoding",
	"Connection",
	"Keep-Alive",
	"Upgrade",
	"TE",
	"Trailer",
	"Expect",
	"webhook-id",
	"webhook-timestamp",
	"webhook-signature",
};

/* Ours, and room for those of the timer. */
struct lines {
	struct arena *arena;
	const char **texts;
	size_t count;
	size_t ours;
};

static void add_line(struct lines *lines, struct span name, struct span value)
{
	char *line = arena_alloc(lines->arena, name.length + value.length + 3);
	char *end = put(line, name);

	/* libcurl's spelling of a header without a value; "Name:" would take it away. */
	end = value.length > 0 ? put(put(end, SPAN(": ")), value) : put(end, SPAN(";"));
	*end = '\0';
	lines->texts[lines->count++] = line;
}

static void add_given(struct lines *lines, struct span name, const char *value)
{
	if (value && value[0] != '\0')
		add_line(lines, name, span_of(value));
}

static void add_signature(struct lines *lines, const struct webhook_secrets *secrets,
			  const char *id, int64_t timestamp_s, struct span body)
{
	struct str signatures;

	if (secrets->count == 0)
		return;
	str_init(&signatures, SIGNATURES_BYTES);
	webhook_sign(secrets, id, timestamp_s, body, &signatures);
	add_line(lines, SPAN("webhook-signature"), str_span(&signatures));
	str_finish(&signatures);
}

static bool is_ours(const struct lines *lines, struct span name)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (span_equals_nocase(name, span_of(never[i])))
			return true;
	for (size_t i = 0; i < lines->ours; i++) {
		struct span line = span_of(lines->texts[i]), ours;

		if (span_split(&line, ':', &ours) && span_equals_nocase(name, ours))
			return true;
	}
	return false;
}

/* Enough of a token that a line cannot begin otherwise than its name says. */
static bool is_name(const char *name)
{
	return name[0] != '\0' && strpbrk(name, ":; \t\r\n") == NULL;
}

static void add_headers(struct lines *lines, const struct json *headers)
{
	for (const char *name = json_first_name(headers); name;
	     name = json_next_name(headers, name)) {
		const struct json *value = json_member(headers, name);

		if (json_kind(value) == JSON_TEXT && is_name(name) &&
		    !is_ours(lines, span_of(name)))
			add_line(lines, span_of(name), span_trim(json_text(value)));
	}
}

static const char *const *write_headers(const struct webhook *webhook, const char *id,
					const struct webhook_secrets *secrets, struct span body,
					struct arena *arena)
{
	const char *complaint;
	const struct json *headers = webhook->headers.length > 0
					     ? json_parse(arena, webhook->headers, &complaint)
					     : NULL;
	size_t more = headers ? json_count(headers) : 0;
	struct lines lines = {.arena = arena};
	int64_t timestamp_s = webhook->fired_us / 1000000;
	char time[NUMBER_BYTES];

	lines.texts = arena_alloc(arena, (6 + more + 1) * sizeof(*lines.texts));
	if (body.length > 0)
		add_line(&lines, SPAN("Content-Type"), SPAN("application/json"));
	add_line(&lines, SPAN("webhook-id"), (struct span){id, UUID_TEXT_LENGTH});
	add_line(&lines, SPAN("webhook-timestamp"),
		 (struct span){time, (size_t)(put_number(time, timestamp_s) - time)});
	add_signature(&lines, secrets, id, timestamp_s, body);
	add_given(&lines, SPAN("X-Request-Id"), webhook->request_id);
	add_given(&lines, SPAN("traceparent"), webhook->traceparent);
	lines.ours = lines.count;
	if (more > 0)
		add_headers(&lines, headers);
	return lines.texts;
}

/* --- the call --------------------------------------------------------------------------------------- */

static bool has_body(const struct webhook *webhook)
{
	return strcmp(webhook->method, "GET") != 0 && strcmp(webhook->method, "DELETE") != 0;
}

void webhook_prepare(const struct webhook *webhook, const struct webhook_secrets *secrets,
		     struct arena *arena, struct fetch *fetch)
{
	char id[UUID_TEXT_LENGTH + 1] = {0};
	struct span body = {0};

	uuid_write(&webhook->timer_id, id);
	if (has_body(webhook))
		body = write_body(webhook, id, arena);
	fetch->url = webhook->url;
	fetch->method = webhook->method;
	fetch->headers = write_headers(webhook, id, secrets, body, arena);
	fetch->body = body;
	/* The one deadline is enough: an answer needs a connection first. */
	fetch->connect_timeout_ms = webhook->timeout_ms;
	fetch->timeout_ms = webhook->timeout_ms;
	fetch->max_bytes = WEBHOOK_READ_MAX;
	fetch->max_redirects = 0;
	fetch->wants_all = true;
	fetch->is_terse = true;
}
