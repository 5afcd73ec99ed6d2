/* asking.c - the question to the database and what becomes of its answer; one question may have many
 * askers. Called by request.c, calls db.h, cache.c and the endpoint's renderer. */
#include <assert.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/log.h"
#include "http.h"

/* --- say -------------------------------------------------------------------------------------------- */

/* The first row's word; PROBLEM_NONE and a status for a good one. */
static enum problem judge_outcome(struct request *request, const struct db_rows *rows)
{
	struct span word = rows_text_of(rows, 0, "outcome");
	const struct outcome *outcome = request->endpoint->outcomes;

	while (outcome->word && !span_is(word, outcome->word))
		outcome++;
	assert(outcome->word);
	if (outcome->problem == PROBLEM_NONE)
		request->reply.status = outcome->status;
	return outcome->problem;
}

static void say(struct request *request, const struct db_rows *rows)
{
	const struct endpoint *endpoint = request->endpoint;
	enum problem problem = PROBLEM_NONE;

	request->rows = (int64_t)rows_count(rows);
	request->reply.status = endpoint->status ? endpoint->status : 200;
	if (request->rows == 0)
		problem = endpoint->empty;
	else if (endpoint->outcomes)
		problem = judge_outcome(request, rows);
	if (problem != PROBLEM_NONE) {
		request_complain(request, problem, NULL, NULL);
		return;
	}
	request->made_from = endpoint->is_of_edition ? MADE_FROM_SQL : MADE_PLAIN;
	if (endpoint->defers && endpoint->defers(request, rows))
		return;
	endpoint->says(request, rows, &request->reply);
	if (request->reply.body.has_overflowed)
		request_complain(request, PROBLEM_REFUSED,
				 "the answer is too large: ask for less at once", NULL);
}

/* PostgreSQL, appendix A: classes and codes of errors that are not ours. */
static const struct {
	const char *sqlstate;
	enum problem problem;
	const char *detail;
} refusals[] = {
	{"57014", PROBLEM_DATABASE_AWAY,
	 "the database took too long: ask for less at once, or try again"},
	{"22", PROBLEM_BAD_REQUEST, "a value is beyond what the database can keep"},
	{"25006", PROBLEM_DATABASE_AWAY, "the database only reads at the moment: try again later"},
	{"40", PROBLEM_OVERLOADED, "others changed the same at the same time: try again"},
	{"55P03", PROBLEM_OVERLOADED, "others hold what this needs: try again in a moment"},
	{"53", PROBLEM_DATABASE_AWAY, "the database has no room: whoever runs it must make some"},
};

static void say_refused(struct request *request, const struct db_answer *answer)
{
	enum problem problem = PROBLEM_REFUSED;
	const char *detail = NULL;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals) && !detail; i++) {
		if (!span_starts_with(span_of(answer->sqlstate), span_of(refusals[i].sqlstate)))
			continue;
		problem = refusals[i].problem;
		detail = refusals[i].detail;
	}
	log_write(problem == PROBLEM_REFUSED ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		  (const struct log_field[]){log_what("statement refused"),
					     log_text("id", request->id),
					     log_text("statement",
						      statements[request->question.statement].file),
					     log_text("sqlstate", answer->sqlstate),
					     log_text("reason", answer->message),
					     {0}});
	request_complain(request, problem, detail, NULL);
}

static void say_away(struct request *request)
{
	request_complain(request,
			 request->worker->is_stopping ? PROBLEM_SHUTTING_DOWN
						      : PROBLEM_DATABASE_AWAY,
			 NULL, NULL);
}

static void take_answer(struct request *request, const struct db_answer *answer)
{
	switch (answer->verdict) {
	case DB_ANSWERED:
		say(request, answer->rows);
		break;
	case DB_REFUSED:
		say_refused(request, answer);
		break;
	case DB_AWAY:
	default:
		say_away(request);
		break;
	}
}

/* --- one question, many askers ------------------------------------------------------------------------ */

void asking_resume(struct request *request)
{
	request->phase = PHASE_ANSWERED;
	request->worker->has_resumed = true;
	request_expect(request);
	MHD_resume_connection(request->mhd);
}

/* The answer of whoever asked, for one who waited. */
static void copy_reply(struct request *waiter, const struct request *leader)
{
	const struct reply *from = &leader->reply;

	waiter->reply.status = from->status;
	waiter->reply.content_type = from->content_type;
	waiter->made_from = leader->made_from;
	str_append(&waiter->reply.body, str_span(&from->body));
	for (size_t i = 0; i < from->header_count; i++)
		reply_header(&waiter->reply, from->headers[i].name,
			     arena_text(waiter->arena, span_of(from->headers[i].value)));
}

static void forget_entry(struct request *request)
{
	cache_drop(request->entry);
	request->entry = NULL;
}

static void settle_waiter(struct request *waiter, const struct request *leader, bool is_kept)
{
	if (is_kept) {
		waiter->made_from = MADE_FROM_SQL;
	} else {
		forget_entry(waiter);
		copy_reply(waiter, leader);
	}
	asking_resume(waiter);
}

static void settle_entry(struct request *request)
{
	struct cache *cache = request->worker->cache;
	struct cache_entry *entry = request->entry;
	struct request *waiter = entry->waiters;
	bool is_kept = request->reply.status == 200;

	entry->waiters = NULL;
	if (is_kept)
		cache_fill(cache, entry, &request->reply, clock_steady_us());
	else
		cache_give_up(cache, entry);
	while (waiter) {
		struct request *next = waiter->next_waiter;

		settle_waiter(waiter, request, is_kept);
		waiter = next;
	}
	if (!is_kept)
		forget_entry(request);
}

/* The replica did not answer. */
static bool ask_primary(struct request *request)
{
	request->is_from_replica = false;
	if (!request->worker->read)
		return false;
	replica_note_failure(request);
	return db_ask(request->worker->read, &request->question);
}

static void answered(struct question *question, const struct db_answer *answer)
{
	struct request *request = container_of(question, struct request, question);

	if (request->is_from_replica && answer->verdict != DB_ANSWERED && ask_primary(request))
		return;
	request->queue_us = answer->queued_us;
	request->db_us = answer->waited_us - answer->queued_us;
	take_answer(request, answer);
	if (request->errand)
		return;
	if (request->entry)
		settle_entry(request);
	asking_resume(request);
}

/* --- ask -------------------------------------------------------------------------------------------- */

static void prepare(struct request *request)
{
	const struct endpoint *endpoint = request->endpoint;
	struct asking *asking = &request->asking;

	asking->statement = endpoint->asks;
	if (endpoint->prepares) {
		endpoint->prepares(request, asking);
		return;
	}
	for (const struct field *field = endpoint->reads; field && field->name; field++) {
		const struct field_value *value = &request->values[asking->value_count];

		asking->values[asking->value_count++] =
			db_text(value->is_given ? value->text : NULL);
	}
}

static void say_unasked(struct request *request, const struct db *db)
{
	if (request->worker->is_stopping)
		request_complain(request, PROBLEM_SHUTTING_DOWN, NULL, NULL);
	else if (db && db_is_connected(db))
		request_complain(request, PROBLEM_OVERLOADED,
				 "too many questions wait for the database: try again in a moment",
				 NULL);
	else
		request_complain(request, PROBLEM_DATABASE_AWAY, NULL, NULL);
}

/* A replica that takes no more questions has a primary. */
static bool ask_replica(struct request *request)
{
	struct db *db = replica_for(request);

	request->is_from_replica = db && db_ask(db, &request->question);
	return request->is_from_replica;
}

static void ask(struct request *request)
{
	struct worker *worker = request->worker;
	struct question *question = &request->question;
	struct db *db;

	prepare(request);
	db = statements[request->asking.statement].is_command ? worker->write : worker->read;
	question->statement = request->asking.statement;
	question->values = request->asking.values;
	question->value_count = request->asking.value_count;
	question->answered = answered;
	if (ask_replica(request) || (db && db_ask(db, question))) {
		request->phase = PHASE_WAITING;
		return;
	}
	say_unasked(request, db);
	if (request->entry)
		settle_entry(request);
}

static void join(struct request *request, struct cache_entry *entry)
{
	cache_hold(entry);
	request->entry = entry;
	metric_add(request->worker->server->cache_hits, 1);
	if (entry->is_filled) {
		request->made_from = MADE_FROM_SQL;
		return;
	}
	request->next_waiter = entry->waiters;
	entry->waiters = request;
	request->phase = PHASE_WAITING;
}

/* The answer may come from the cache, or from one who is asking the same right now. */
void asking_begin(struct request *request)
{
	struct worker *worker = request->worker;
	int64_t edition = atomic_load(&worker->server->options.edition->number);
	struct cache_entry *entry;

	request->edition = edition;
	if (!request->endpoint->is_of_edition || edition == 0 || !worker->cache) {
		ask(request);
		return;
	}
	entry = cache_find(worker->cache, request->target, edition, clock_steady_us());
	if (entry) {
		join(request, entry);
		return;
	}
	metric_add(worker->server->cache_misses, 1);
	request->entry = cache_begin(worker->cache, request->target, edition);
	ask(request);
}
