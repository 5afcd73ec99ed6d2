/* timers_draft.c - a timer in the making: stored, put into words, told to the engine; called by the
 * paths. */
#include <string.h>

#include "almanac/container.h"
#include "almanac/json.h"
#include "almanac/moment.h"
#include "draft.h"

#define SECOND_US INT64_C(1000000)

/* --- where it goes ---------------------------------------------------------------------------------- */

static char lower(char character)
{
	return (char)(character >= 'A' && character <= 'Z' ? character - 'A' + 'a' : character);
}

/* The fields' table lets only http and https pass, with a host and a good port. */
const char *timers_destination(struct arena *arena, const char *url)
{
	const char *host = strchr(url, ':') + 3;
	size_t length = strcspn(host, "/?");
	const char *bracket = memchr(host, ']', length);
	const char *colon = bracket ? bracket + 1 : memchr(host, ':', length);
	bool has_port = colon && colon < host + length;
	bool is_secure = lower(url[4]) == 's';
	int64_t port = is_secure ? 443 : 80;
	char *text;

	if (has_port) {
		struct span digits = {colon + 1, (size_t)(host + length - colon) - 1};

		length = (size_t)(colon - host);
		if (!integer_parse(digits, &port))
			return NULL;
	}
	text = arena_format(arena, "http%s://%.*s:%lld", is_secure ? "s" : "", (int)length, host,
			    (long long)port);
	for (char *at = text; *at; at++)
		*at = lower(*at);
	return text;
}

struct timers_draft timers_draft_read(struct arena *arena, const struct field_value *values)
{
	return (struct timers_draft){
		.due = timers_read_due(&values[TIMER_DELAY]),
		.destination = timers_destination(arena, values[TIMER_URL].text),
		.url = values[TIMER_URL].text,
		.method = values[TIMER_METHOD].text,
		.headers = values[TIMER_HEADERS].text,
		.payload = values[TIMER_PAYLOAD].text,
		.metadata = values[TIMER_METADATA].text,
		.max_attempts = values[TIMER_MAX_ATTEMPTS].text,
		.timeout_ms = values[TIMER_TIMEOUT_MS].text,
		.idempotency_key = values[TIMER_KEY].text,
	};
}

/* The random end of the id is as good as any dice. */
void timers_draft_name(struct timers_draft *draft, struct uuid id, struct timers_desk *desk)
{
	uint64_t dice;

	draft->id = id;
	uuid_write(&id, draft->id_text);
	memcpy(&dice, id.bytes + 8, sizeof(dice));
	draft->shard = desk ? timers_desk_shard(desk, dice) : (int)(dice % TIMER_SHARDS);
}

/* --- stored ----------------------------------------------------------------------------------------- */

static const char *number_text(struct arena *arena, int64_t number)
{
	return arena_format(arena, "%lld", (long long)number);
}

void timers_draft_values(const struct timers_draft *draft, struct arena *arena,
			 const char *values[DRAFT_VALUES])
{
	size_t count = 0;

	values[count++] = draft->id_text;
	values[count++] = number_text(arena, draft->shard);
	values[count++] = draft->due.at;
	values[count++] = draft->due.at ? NULL : number_text(arena, draft->due.us);
	values[count++] = draft->destination;
	values[count++] = draft->url;
	values[count++] = draft->method;
	values[count++] = draft->headers;
	values[count++] = draft->payload;
	values[count++] = draft->metadata;
	values[count++] = draft->max_attempts;
	values[count++] = draft->timeout_ms;
}

/* --- in words --------------------------------------------------------------------------------------- */

static int64_t due_us(const struct timers_draft *draft, int64_t created_us)
{
	return draft->due.at ? draft->due.us : created_us + draft->due.us;
}

/* As create.sql has it: what is past is due at once. */
static int64_t next_us(const struct timers_draft *draft, int64_t created_us)
{
	int64_t due = due_us(draft, created_us);

	return due > created_us ? due : created_us;
}

/* A moment has passed since it was created, however short. */
int64_t timers_draft_left(const struct timers_draft *draft, int64_t created_us)
{
	int64_t left_us = due_us(draft, created_us) - created_us - 1;

	return left_us > 0 ? left_us / SECOND_US : 0;
}

static void append_moment(struct str *out, const char *member, int64_t unix_us)
{
	char text[MOMENT_TEXT_MAX];

	str_append_text(out, member);
	str_append(out, (struct span){text, moment_write_rfc3339(unix_us, text)});
	str_append_char(out, '"');
}

/* Digits, or JSON. */
static void append_written(struct str *out, const char *member, const char *text)
{
	str_append_text(out, member);
	str_append_text(out, text ? text : "null");
}

/* The members and their order are those of timers_shown in sql/migrations. */
void timers_draft_append(struct str *out, const struct timers_draft *draft, int64_t created_us,
			 bool is_brief)
{
	str_append_text(out, "{\"id\":\"");
	str_append_text(out, draft->id_text);
	str_append_text(out, "\",\"url\":");
	json_append_text(out, span_of(draft->url));
	str_append_text(out, ",\"method\":\"");
	str_append_text(out, draft->method);
	append_moment(out, "\",\"dueAt\":\"", due_us(draft, created_us));
	str_append_text(out, ",\"timeLeft\":");
	str_append_number(out, timers_draft_left(draft, created_us));
	append_written(out, ",\"status\":\"scheduled\",\"attempts\":0,\"maxAttempts\":",
		       draft->max_attempts);
	append_moment(out, ",\"nextAttemptAt\":\"", next_us(draft, created_us));
	append_moment(out, ",\"lastAttempt\":null,\"createdAt\":\"", created_us);
	str_append_text(out, ",\"finishedAt\":null");
	if (!is_brief) {
		append_written(out, ",\"headers\":", draft->headers);
		append_written(out, ",\"payload\":", draft->payload);
	}
	append_written(out, ",\"metadata\":", draft->metadata);
	append_written(out, ",\"timeoutMs\":", draft->timeout_ms);
	str_append_char(out, '}');
}

/* --- told to the engine ------------------------------------------------------------------------------- */

struct timers_desk *timers_desk_of(const struct request *request)
{
	struct desk *desk = request_desk(request, "timers");

	return desk ? container_of(desk, struct timers_desk, desk) : NULL;
}

void timers_draft_tell(const struct timers_draft *draft, int64_t created_us,
		       struct timers_desk *desk)
{
	const struct timer_news news = {
		.id = draft->id,
		.shard = draft->shard,
		.next_us = next_us(draft, created_us),
		.destination = span_of(draft->destination),
	};

	if (desk)
		timers_desk_tell(desk, &news);
}
