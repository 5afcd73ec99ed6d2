/* catalog_intake.c - the first reading of a feed: fetched with retries, spooled to a file without a
 * name, judged whole before anything is stored. A step of catalog_sync.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/json.h"
#include "sync.h"

#define SECOND INT64_C(1000000)
#define RETRY_CAP_US (60 * SECOND)
#define RETRY_AFTER_CAP_S 86400
#define CONNECT_TIMEOUT_MS 10000
#define MAX_REDIRECTS 5
#define MAX_PROBLEM_VALUE 200
#define MAX_PROBLEMS_BYTES ((size_t)512 << 10)

enum judgement { FEED_GOOD, FEED_TRY_AGAIN, FEED_FAILED };

/* --- the first reading ------------------------------------------------------------------------------ */

static void add_member(struct str *out, const char *name, struct span value)
{
	str_append_text(out, name);
	json_append_text(out, value);
}

/* Not in the middle of a character. */
static struct span cut(struct span text, size_t max)
{
	if (text.length <= max)
		return text;
	while (max > 0 && ((unsigned char)text.bytes[max] & 0xc0) == 0x80)
		max--;
	return (struct span){text.bytes, max};
}

static void note_problem(struct feed_listener *listener, const struct feed_problem *problem)
{
	struct sync *sync = container_of(listener, struct sync, listener);
	struct str *out = &sync->problems;

	if (sync->counters.problem_count++ >= SYNC_PROBLEMS_MAX)
		return;
	add_member(out, out->length > 1 ? ",{\"base_id\":" : "{\"base_id\":",
		   cut(problem->base_id, MAX_PROBLEM_VALUE));
	add_member(out, ",\"event_id\":", cut(problem->event_id, MAX_PROBLEM_VALUE));
	add_member(out, ",\"field\":", span_of(problem->field));
	add_member(out, ",\"message\":", span_of(problem->message));
	add_member(out, ",\"value\":", cut(problem->value, MAX_PROBLEM_VALUE));
	str_append_char(out, '}');
}

static bool note_event(struct feed_listener *listener, const struct feed_event *event)
{
	struct sync *sync = container_of(listener, struct sync, listener);

	sync->counters.events++;
	sync->counters.zones += (int64_t)event->zone_count;
	seen_note(&sync->seen, seen_key(event->base_id, event->event_id), ++sync->ordinal);
	return true;
}

static bool note_rejected(struct feed_listener *listener, struct span base_id, struct span event_id)
{
	struct sync *sync = container_of(listener, struct sync, listener);

	sync->counters.events++;
	sync->counters.rejected++;
	seen_note(&sync->seen, seen_key(base_id, event_id), 0);
	return true;
}

static bool spool(struct sync *sync, struct span bytes)
{
	while (bytes.length > 0) {
		ssize_t written = write(sync->spool, bytes.bytes, bytes.length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			sync_fail(sync, arena_format(sync->arena, "cannot spool the feed: %s",
						     strerror(errno)));
			return false;
		}
		bytes.bytes += written;
		bytes.length -= (size_t)written;
	}
	return true;
}

static bool received(struct fetch *fetch, struct span bytes)
{
	struct sync *sync = sync_of(container_of(fetch, struct flow, fetch));

	digest_feed(sync->digest, bytes);
	if (!spool(sync, bytes))
		return false;
	if (feed_read(sync->feed, bytes))
		return true;
	sync_fail(sync, arena_format(sync->arena, "not a feed: %s", feed_complaint(sync->feed)));
	return false;
}

/* --- one attempt ------------------------------------------------------------------------------------ */

static const char *spool_folder(const struct sync *sync)
{
	const char *folder = settings_text(sync->workshop->settings, SETTING_SPOOL_DIR);
	const char *tmpdir = getenv("TMPDIR");

	if (*folder)
		return folder;
	return tmpdir && *tmpdir ? tmpdir : "/tmp";
}

static bool open_spool(struct sync *sync)
{
	const char *folder = spool_folder(sync);
	char *path = arena_format(sync->arena, "%s/almanac-feed-XXXXXX", folder);

	sync->spool = mkostemp(path, O_CLOEXEC);
	if (sync->spool < 0) {
		sync_fail(sync, arena_format(sync->arena, "cannot make a file in SPOOL_DIR %s: %s",
					     folder, strerror(errno)));
		return false;
	}
	unlink(path);
	return true;
}

/* Forgets what an attempt before has read. */
static bool begin_reading(struct sync *sync)
{
	int64_t attempts = sync->counters.attempts;

	sync_intake_finish(sync);
	sync->counters = (struct sync_counters){.attempts = attempts + 1};
	sync->ordinal = 0;
	str_init(&sync->problems, MAX_PROBLEMS_BYTES);
	str_append_char(&sync->problems, '[');
	sync->digest = digest_create();
	sync->listener = (struct feed_listener){note_event, note_rejected, note_problem};
	sync->feed = feed_create(&sync->listener, false);
	return open_spool(sync);
}

static void list_headers(struct sync *sync)
{
	size_t count = 0;

	sync->header_lines[count++] = "Accept: application/xml, text/xml;q=0.9, */*;q=0.1";
	sync->header_lines[count++] =
		arena_format(sync->arena, "X-Request-Id: %s", sync->request_id);
	sync->header_lines[count++] =
		arena_format(sync->arena, "traceparent: %s", sync->traceparent);
	if (*sync->etag)
		sync->header_lines[count++] =
			arena_format(sync->arena, "If-None-Match: %s", sync->etag);
	if (*sync->last_modified)
		sync->header_lines[count++] =
			arena_format(sync->arena, "If-Modified-Since: %s", sync->last_modified);
	sync->header_lines[count] = NULL;
}

/* Its feed is one of our own paths, whatever certificate we show there. */
static bool is_demo(const struct sync *sync)
{
	return strcmp(sync->url, SYNC_DEMO_URL) == 0;
}

static enum flow_next call(struct flow *flow)
{
	struct sync *sync = sync_of(flow);
	const struct settings *settings = sync->workshop->settings;

	if (!begin_reading(sync))
		return FLOW_NEXT;
	list_headers(sync);
	flow->fetch = (struct fetch){
		.url = is_demo(sync) ? sync->demo_url : sync->url,
		.takes_any_certificate = is_demo(sync),
		.headers = sync->header_lines,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = settings_number(settings, SETTING_EVENTS_SYNC_TIMEOUT_SECONDS) * 1000,
		.max_bytes = settings_number(settings, SETTING_EVENTS_FEED_MAX_MB) << 20,
		.max_redirects = MAX_REDIRECTS,
		.received = received,
	};
	flow_call(flow, sync->workshop->fetcher);
	return FLOW_STAY;
}

/* --- judging it ------------------------------------------------------------------------------------- */

static enum judgement judge_feed(struct sync *sync)
{
	uint8_t bytes[DIGEST_LENGTH];
	struct str hex;

	if (!feed_end(sync->feed)) {
		sync_fail(sync, arena_format(sync->arena, "not a whole feed: %s",
					     feed_complaint(sync->feed)));
		return FEED_FAILED;
	}
	digest_take(sync->digest, bytes);
	str_init(&hex, sizeof(sync->new_digest));
	str_append_hex(&hex, bytes, sizeof(bytes));
	memcpy(sync->new_digest, str_text(&hex), sizeof(sync->new_digest));
	str_finish(&hex);
	sync->is_read = true;
	sync->is_not_modified = strcmp(sync->new_digest, sync->body_digest) == 0;
	return FEED_GOOD;
}

static bool is_worth_another(int status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static enum judgement judge_status(struct sync *sync, const struct fetch_result *result)
{
	if (result->status >= 200 && result->status < 300)
		return judge_feed(sync);
	if (result->status == 304 && (*sync->etag || *sync->last_modified)) {
		sync->is_not_modified = true;
		return FEED_GOOD;
	}
	sync_fail(sync, arena_format(sync->arena, "the provider answered with status %d",
				     result->status));
	return is_worth_another(result->status) ? FEED_TRY_AGAIN : FEED_FAILED;
}

static enum judgement judge(struct sync *sync, const struct fetch_result *result)
{
	switch (result->verdict) {
	case FETCH_ANSWERED:
		return judge_status(sync, result);
	case FETCH_FAILED:
		sync_fail(sync, arena_text(sync->arena, span_of(result->complaint)));
		return FEED_TRY_AGAIN;
	case FETCH_TOO_LARGE:
		sync_fail(sync, "the feed is larger than EVENTS_FEED_MAX_MB");
		return FEED_FAILED;
	case FETCH_REFUSED:
		sync_fail(sync,
			  arena_format(sync->arena, "%s (see SOURCE_ALLOW)", result->complaint));
		return FEED_FAILED;
	case FETCH_STOPPED:
	default:
		if (!sync->error)
			sync_fail(sync, "stopped");
		return FEED_FAILED;
	}
}

/* A header may hold any bytes, the database takes text alone. Without it the next answer is whole. */
static const char *keep_validator(struct sync *sync, const char *header)
{
	struct span text = span_of(header);

	return span_is_text(text) ? arena_text(sync->arena, text) : "";
}

static void note_answer(struct sync *sync, const struct fetch_result *result)
{
	sync->counters.http_status = result->status;
	sync->counters.wire_bytes = result->wire_bytes;
	sync->counters.body_bytes = result->body_bytes;
	sync->new_etag = keep_validator(sync, result->etag);
	sync->new_last_modified = keep_validator(sync, result->last_modified);
	sync->wait_s = retry_after_s(span_of(result->retry_after), clock_wall_us() / SECOND,
				     RETRY_AFTER_CAP_S);
}

/* A short Retry-After is waited for; a long one postpones the next run instead. */
static bool may_try_again(const struct sync *sync)
{
	int64_t most = settings_number(sync->workshop->settings, SETTING_EVENTS_SYNC_ATTEMPTS);

	return sync->counters.attempts < most && sync->wait_s * SECOND <= RETRY_CAP_US &&
	       !sync->flow.is_stopping;
}

static enum flow_next pause_before_retry(struct sync *sync)
{
	const struct settings *settings = sync->workshop->settings;
	int64_t base = settings_number(settings, SETTING_EVENTS_SYNC_RETRY_SECONDS) * SECOND;
	int64_t wait;
	uint64_t dice;

	random_bytes(&dice, sizeof(dice));
	wait = retry_delay_us((int)sync->counters.attempts, base, RETRY_CAP_US, dice);
	if (wait < sync->wait_s * SECOND)
		wait = sync->wait_s * SECOND;
	sync->error = NULL;
	flow_pause(&sync->flow, loop_now_us(sync->workshop->loop) + wait);
	return FLOW_STAY;
}

enum flow_next sync_fetch(struct flow *flow)
{
	struct sync *sync = sync_of(flow);

	if (!flow->result)
		return flow->is_stopping ? FLOW_NEXT : call(flow);
	note_answer(sync, flow->result);
	if (judge(sync, flow->result) == FEED_TRY_AGAIN && may_try_again(sync))
		return pause_before_retry(sync);
	return FLOW_NEXT;
}

void sync_intake_finish(struct sync *sync)
{
	if (sync->spool >= 0)
		close(sync->spool);
	sync->spool = -1;
	digest_destroy(sync->digest);
	feed_destroy(sync->feed);
	sync->digest = NULL;
	sync->feed = NULL;
	seen_finish(&sync->seen);
	str_finish(&sync->problems);
}
