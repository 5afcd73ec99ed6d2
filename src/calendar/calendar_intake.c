/* calendar_intake.c - the reading of one source: the generator at once, lists page by page, feeds whole; with
 * retries, conditional requests and sync tokens. A step of calendar_sync.c and calendar_peek.c; calls the
 * readers of source.h. */
#include "intake.h"

#include <stdio.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/digest.h"
#include "almanac/moment.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define RETRY_CAP_US (60 * SECOND)
#define RETRY_AFTER_CAP_S 86400
#define CONNECT_TIMEOUT_MS 10000
#define MAX_REDIRECTS 5
#define STATUS_NOT_MODIFIED 304
#define STATUS_GONE 410

enum judgement { ANSWER_GOOD, ANSWER_TRY_AGAIN, ANSWER_FAILED };

struct intake *intake_of(struct flow *flow)
{
	return container_of(flow, struct intake, flow);
}

static int64_t setting(const struct intake *intake, enum setting name)
{
	return settings_number(intake->office->settings, name);
}

static int64_t most_bytes(const struct intake *intake)
{
	return setting(intake, SETTING_CALENDAR_SOURCE_MAX_MB) << 20;
}

void intake_init(struct intake *intake, struct office *office)
{
	*intake = (struct intake){.office = office, .arena = arena_create()};
	str_init(&intake->body, (size_t)most_bytes(intake));
	intake->new_sync_token = intake->new_etag = intake->new_last_modified = "";
	intake->new_window_on = "";
}

void intake_finish(struct intake *intake)
{
	str_finish(&intake->body);
	arena_destroy(intake->arena);
}

void intake_fail(struct intake *intake, const char *error)
{
	if (!intake->error)
		intake->error = error;
}

static bool is_of(const struct intake *intake, const char *kind)
{
	return strcmp(intake->kind, kind) == 0;
}

/* --- asking ------------------------------------------------------------------------------------------------- */

/* The day around which occurrences are computed. */
static const char *window_day(struct intake *intake, int64_t now_us)
{
	const struct moment now = moment_of_unix_us(now_us);
	char text[MOMENT_TEXT_MAX];
	size_t length = moment_write_date(&now, text);

	return arena_text(intake->arena, (struct span){text, length});
}

/* A list of several pages cannot be known by its first one: such have no validators kept. A feed's
 * occurrences move on with the days, whether it has changed or not. */
static bool may_ask_conditionally(const struct intake *intake)
{
	if (!*intake->etag && !*intake->last_modified)
		return false;
	if (is_of(intake, "ics"))
		return strcmp(intake->window_on, intake->new_window_on) == 0;
	return calendar_json_page_count(intake->list) == 0 && !*intake->sync_token;
}

static void list_headers(struct intake *intake)
{
	struct arena *arena = intake->flow.arena;
	const char **line = intake->header_lines;

	*line++ = is_of(intake, "ics") ? "Accept: text/calendar, */*;q=0.1"
				       : "Accept: application/json, */*;q=0.1";
	*line++ = arena_format(arena, "X-Request-Id: %s", intake->request_id);
	*line++ = arena_format(arena, "traceparent: %s", intake->traceparent);
	intake->is_conditional = may_ask_conditionally(intake);
	if (intake->is_conditional && *intake->etag)
		*line++ = arena_format(arena, "If-None-Match: %s", intake->etag);
	if (intake->is_conditional && *intake->last_modified)
		*line++ = arena_format(arena, "If-Modified-Since: %s", intake->last_modified);
	*line = NULL;
}

static bool received(struct fetch *fetch, struct span bytes)
{
	struct intake *intake = intake_of(container_of(fetch, struct flow, fetch));

	str_append(&intake->body, bytes);
	return !intake->body.has_overflowed;
}

static int64_t patience_ms(const struct intake *intake)
{
	int64_t most = setting(intake, SETTING_CALENDAR_SYNC_TIMEOUT_SECONDS) * 1000;
	int64_t left = (intake->deadline_us - clock_steady_us()) / 1000;

	return left < most ? left : most;
}

static enum flow_next call(struct intake *intake)
{
	int64_t timeout_ms = patience_ms(intake);

	if (timeout_ms <= 0) {
		intake_fail(intake, "the source took too long in all");
		return FLOW_NEXT;
	}
	list_headers(intake);
	str_clear(&intake->body);
	intake->attempts++;
	intake->requests++;
	intake->flow.fetch = (struct fetch){
		.url = intake->list ? calendar_json_url(intake->list) : intake->url,
		.headers = intake->header_lines,
		.connect_timeout_ms =
			timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS,
		.timeout_ms = timeout_ms,
		.max_bytes = most_bytes(intake) - intake->body_bytes,
		.max_redirects = MAX_REDIRECTS,
		.received = received,
	};
	flow_call(&intake->flow, intake->office->fetcher);
	return FLOW_STAY;
}

/* --- an answer's bytes become items ------------------------------------------------------------------------- */

/* A header may hold any bytes, the database takes text alone. Without it the next answer is whole. */
static const char *keep_validator(struct intake *intake, const char *header)
{
	struct span text = span_of(header);

	return span_is_text(text) ? arena_text(intake->arena, text) : "";
}

static enum judgement refuse(struct intake *intake, const char *complaint)
{
	intake_fail(intake, complaint);
	return ANSWER_FAILED;
}

/* The reader keeps what it needs in the arena: the body of the next page may take this one's place. */
static enum judgement read_feed(struct intake *intake)
{
	int64_t days = setting(intake, SETTING_CALENDAR_WINDOW_DAYS);
	int64_t today_us = clock_wall_us() / DAY * DAY;
	const char *complaint = NULL;

	if (!calendar_read_ics(intake->arena, str_span(&intake->body), intake->zone,
			       today_us - days * DAY, today_us + (days + 1) * DAY, &intake->items,
			       &complaint))
		return refuse(intake, complaint);
	intake->is_read = true;
	return ANSWER_GOOD;
}

static void end_list(struct intake *intake)
{
	calendar_json_end(intake->list, &intake->items);
	intake->is_incremental = calendar_json_is_incremental(intake->list);
	intake->new_sync_token = arena_text(intake->arena, calendar_json_sync_token(intake->list));
	if (calendar_json_page_count(intake->list) > 1)
		intake->new_etag = intake->new_last_modified = "";
	intake->is_read = true;
}

static enum judgement read_page(struct intake *intake)
{
	const char *complaint = NULL;

	if (!calendar_json_read(intake->list, str_span(&intake->body), &complaint))
		return refuse(intake, complaint);
	intake->attempts = 0;
	if (!calendar_json_url(intake->list))
		end_list(intake);
	return ANSWER_GOOD;
}

static void open_list(struct intake *intake, const char *sync_token)
{
	intake->sync_token = sync_token;
	intake->list = calendar_json_create(intake->arena, span_of(intake->url),
					    span_of(sync_token), intake->zone);
}

/* --- judging an answer -------------------------------------------------------------------------------------- */

static bool is_worth_another(int status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static enum judgement judge_status(struct intake *intake, const struct fetch_result *result)
{
	if (result->status >= 200 && result->status < 300)
		return intake->list ? read_page(intake) : read_feed(intake);
	if (result->status == STATUS_NOT_MODIFIED && intake->is_conditional) {
		intake->is_not_modified = intake->is_read = true;
		return ANSWER_GOOD;
	}
	if (result->status == STATUS_GONE && intake->list && *intake->sync_token) {
		open_list(intake, "");
		intake->attempts = 0;
		return ANSWER_GOOD;
	}
	intake_fail(intake, arena_format(intake->arena, "the source answered with status %d",
					 result->status));
	return is_worth_another(result->status) ? ANSWER_TRY_AGAIN : ANSWER_FAILED;
}

static enum judgement judge(struct intake *intake, const struct fetch_result *result)
{
	switch (result->verdict) {
	case FETCH_ANSWERED:
		return judge_status(intake, result);
	case FETCH_FAILED:
		intake_fail(intake, arena_text(intake->arena, span_of(result->complaint)));
		return ANSWER_TRY_AGAIN;
	case FETCH_TOO_LARGE:
		return refuse(intake, "the source is larger than CALENDAR_SOURCE_MAX_MB");
	case FETCH_REFUSED:
		return refuse(intake, arena_format(intake->arena, "%s (see SOURCE_ALLOW)",
						   result->complaint));
	case FETCH_STOPPED:
	default:
		return refuse(intake, intake->body.has_overflowed
					      ? "the source is larger than CALENDAR_SOURCE_MAX_MB"
					      : "stopped");
	}
}

static void note_answer(struct intake *intake, const struct fetch_result *result)
{
	intake->http_status = result->status;
	intake->wire_bytes += result->wire_bytes;
	intake->body_bytes += result->body_bytes;
	intake->new_etag = keep_validator(intake, result->etag);
	intake->new_last_modified = keep_validator(intake, result->last_modified);
	intake->wait_s = retry_after_s(span_of(result->retry_after), clock_wall_us() / SECOND,
				       RETRY_AFTER_CAP_S);
}

/* A short Retry-After is waited for; a long one postpones the next run instead. */
static bool may_try_again(const struct intake *intake)
{
	return intake->attempts < intake->attempts_max && intake->wait_s * SECOND <= RETRY_CAP_US &&
	       !intake->flow.is_stopping;
}

static enum flow_next pause_before_retry(struct intake *intake)
{
	int64_t base = setting(intake, SETTING_CALENDAR_SYNC_RETRY_SECONDS) * SECOND;
	int64_t wait;
	uint64_t dice;

	random_bytes(&dice, sizeof(dice));
	wait = retry_delay_us((int)intake->attempts, base, RETRY_CAP_US, dice);
	if (wait < intake->wait_s * SECOND)
		wait = intake->wait_s * SECOND;
	intake->error = NULL;
	flow_pause(&intake->flow, loop_now_us(intake->office->loop) + wait);
	return FLOW_STAY;
}

/* --- the step ----------------------------------------------------------------------------------------------- */

static enum flow_next generate(struct intake *intake)
{
	calendar_generate(intake->arena, span_of(intake->user), clock_wall_us() / HOUR,
			  &intake->items);
	intake->is_read = true;
	return FLOW_NEXT;
}

static bool begin(struct intake *intake)
{
	intake->has_begun = true;
	intake->new_window_on = window_day(intake, clock_wall_us());
	intake->zone = zone_load(intake->arena, span_of(intake->timezone));
	if (!intake->zone) {
		intake_fail(intake, arena_format(intake->arena, "no such time zone here: %s",
						 intake->timezone));
		return false;
	}
	if (is_of(intake, "json"))
		open_list(intake, intake->sync_token);
	return true;
}

enum flow_next intake_read(struct flow *flow)
{
	struct intake *intake = intake_of(flow);

	if (is_of(intake, "generator"))
		return generate(intake);
	if (!intake->has_begun && !begin(intake))
		return FLOW_NEXT;
	if (!flow->result)
		return flow->is_stopping ? FLOW_NEXT : call(intake);
	note_answer(intake, flow->result);
	switch (judge(intake, flow->result)) {
	case ANSWER_GOOD:
		return intake->is_read ? FLOW_NEXT : call(intake);
	case ANSWER_TRY_AGAIN:
		return may_try_again(intake) ? pause_before_retry(intake) : FLOW_NEXT;
	case ANSWER_FAILED:
	default:
		return FLOW_NEXT;
	}
}
