/* calendar_peek.c - sources read for requests. Errands are made by calendar_api.c on workers' threads and taken
 * here on the office's; calls calendar_intake.c. */
#include "peek.h"

#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "intake.h"

#define SECOND INT64_C(1000000)
#define PEEKS_MAX 32 /* at the same time */
#define PEEK_PATIENCE_S 10
#define BODY_MAX ((size_t)64 << 20)

struct peek {
	struct intake intake;
	struct peek_errand *errands;
	struct peek *next;
	int64_t began_us;
};

static struct peek *peek_of(struct flow *flow)
{
	return container_of(intake_of(flow), struct peek, intake);
}

/* --- the end ------------------------------------------------------------------------------------------------- */

static void refuse(struct peek_errand *errand, enum problem problem, const char *reason)
{
	errand->problem = problem;
	str_append_text(&errand->body, reason);
	errand_return(&errand->errand);
}

static void answer(struct peek_errand *errand, const struct intake *intake)
{
	const char *error = intake->error;

	if (!error && !intake->is_read)
		error = "the daemon stops";
	if (error) {
		refuse(errand, PROBLEM_SOURCE_FAILED, error);
		return;
	}
	item_append_page(&errand->body, &intake->items, &errand->page);
	errand_return(&errand->errand);
}

static void unlist(struct peek *peek)
{
	struct peek **place = &peek->intake.office->peeks;

	while (*place != peek)
		place = &(*place)->next;
	*place = peek->next;
	peek->intake.office->peek_count--;
}

static void tell(const struct peek *peek)
{
	const struct intake *intake = &peek->intake;

	log_write(intake->error ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		  (const struct log_field[]){
			  log_what("calendar read from its source"),
			  log_text("user", intake->user),
			  log_text("request", intake->request_id),
			  log_ms("ms", clock_steady_us() - peek->began_us),
			  log_number("http_status", intake->http_status),
			  log_number("requests", intake->requests),
			  log_number("bytes", intake->body_bytes),
			  log_number("events", (int64_t)intake->items.count),
			  log_text("error", intake->error),
			  {0},
		  });
}

static void ended(struct flow *flow)
{
	struct peek *peek = peek_of(flow);
	struct peek_errand *errand = peek->errands;

	unlist(peek);
	calendar_order_by_start(&peek->intake.items);
	tell(peek);
	while (errand) {
		struct peek_errand *next = errand->next;

		answer(errand, &peek->intake);
		errand = next;
	}
	intake_finish(&peek->intake);
	free(peek);
}

static const struct flow_step steps[] = {{"read", intake_read}, {0}};

/* --- the beginning ------------------------------------------------------------------------------------------- */

static bool is_same(const struct intake *intake, const struct peek_errand *errand)
{
	return strcmp(intake->user, errand->user) == 0 && strcmp(intake->kind, errand->kind) == 0 &&
	       strcmp(intake->url, errand->url) == 0 &&
	       strcmp(intake->timezone, errand->timezone) == 0;
}

static void join(struct peek *peek, struct peek_errand *errand)
{
	errand->next = peek->errands;
	peek->errands = errand;
}

static const char *keep(struct intake *intake, const char *text)
{
	return arena_text(intake->arena, span_of(text));
}

static void begin(struct office *office, struct peek_errand *errand)
{
	struct peek *peek = calloc(1, sizeof(*peek));
	struct intake *intake = &peek->intake;

	if (!peek)
		abort();
	intake_init(intake, office);
	intake->kind = keep(intake, errand->kind);
	intake->user = keep(intake, errand->user);
	intake->url = keep(intake, errand->url);
	intake->timezone = keep(intake, errand->timezone);
	intake->request_id = keep(intake, errand->request_id);
	intake->traceparent = keep(intake, errand->traceparent);
	intake->sync_token = intake->etag = intake->last_modified = intake->window_on = "";
	intake->attempts_max = 1;
	peek->began_us = clock_steady_us();
	intake->deadline_us = peek->began_us + PEEK_PATIENCE_S * SECOND;
	peek->next = office->peeks;
	office->peeks = peek;
	office->peek_count++;
	join(peek, errand);
	flow_start(office->flows, &intake->flow, steps, ended);
}

static void take(struct office *office, struct peek_errand *errand)
{
	struct peek *peek = office->peeks;

	while (peek && !is_same(&peek->intake, errand))
		peek = peek->next;
	if (office->is_stopping)
		refuse(errand, PROBLEM_SHUTTING_DOWN, "");
	else if (peek)
		join(peek, errand);
	else if (office->peek_count >= PEEKS_MAX)
		refuse(errand, PROBLEM_OVERLOADED, "too many sources are being read");
	else
		begin(office, errand);
}

/* --- errands ------------------------------------------------------------------------------------------------- */

static void taken(struct letter *letter)
{
	struct errand *errand = container_of(letter, struct errand, letter);
	struct peek_errand *peek = container_of(errand, struct peek_errand, errand);

	take(peek->office, peek);
}

/* On the scheduler's thread. When the room is closed nobody waits any more. */
static void forward(struct letter *letter)
{
	struct errand *errand = container_of(letter, struct errand, letter);
	struct peek_errand *peek = container_of(errand, struct peek_errand, errand);
	struct calendar *calendar = atomic_load(&peek->desk->calendar);

	if (!calendar) {
		errand->release(errand);
		return;
	}
	peek->office = calendar_office(calendar);
	letter->open = taken;
	mailbox_post(peek->office->mailbox, letter);
}

static void release(struct errand *errand)
{
	struct peek_errand *peek = container_of(errand, struct peek_errand, errand);

	str_finish(&peek->body);
	arena_destroy(peek->arena);
	free(peek);
}

struct peek_errand *peek_errand_create(struct calendar_desk *desk)
{
	struct peek_errand *peek = calloc(1, sizeof(*peek));

	if (!peek)
		abort();
	peek->errand.letter.open = forward;
	peek->errand.release = release;
	peek->desk = desk;
	peek->arena = arena_create();
	str_init(&peek->body, BODY_MAX);
	return peek;
}

const char *peek_keep(struct peek_errand *errand, struct span text)
{
	return arena_text(errand->arena, text);
}
