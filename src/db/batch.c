/* batch.c - the bus: one batch in flight, answers told after its Sync; called by connection.c. */
#include <assert.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/log.h"
#include "connection.h"

#define REPEATS_MAX 3
#define MESSAGE_MAX 1000

/* A batch that takes more than this part of the answer timeout, or collides with another's, is
 * followed by smaller ones: nobody waits long because many ask for much at once, and who holds one
 * lock at a time deadlocks with nobody. One that takes twice the timeout is given up although the
 * server still sends. */
#define SHORT_PART 4
#define LONGEST_PARTS 2

/* So many questions are many. */
#define MANY 8

/* What another transaction did to this one: it is rolled back as a whole and may be asked again.
 * A lock timeout counts, since it may come before the server has found the deadlock. */
static const char *const transient[] = {"40001", "40P01", "55P03", NULL};

/* The beginnings of codes: PostgreSQL, appendix A. */
static const char *const passing[] = {"08", "25006", "40", "53", "55P03", "57", "58", NULL};

/* --- lists ------------------------------------------------------------------------------------------ */

void questions_push(struct questions *list, struct question *question)
{
	question->next = NULL;
	if (list->last)
		list->last->next = question;
	else
		list->first = question;
	list->last = question;
	list->count++;
}

static void push_front(struct questions *list, struct question *question)
{
	question->next = list->first;
	list->first = question;
	if (!list->last)
		list->last = question;
	list->count++;
}

struct question *questions_pop(struct questions *list)
{
	struct question *question = list->first;

	if (!question)
		return NULL;
	list->first = question->next;
	if (!list->first)
		list->last = NULL;
	list->count--;
	question->next = NULL;
	return question;
}

/* --- telling answers -------------------------------------------------------------------------------- */

static void tell(struct db *db, struct question *question, const struct db_answer *answer)
{
	bool was_telling = db->is_telling;

	if (db->metrics.answers)
		metric_observe_us(db->metrics.answers, answer->waited_us);
	db->is_telling = true;
	question->answered(question, answer);
	db->is_telling = was_telling;
}

/* What never left has waited in the queue all the time. */
static int64_t queued_us(const struct db *db, const struct question *question, int64_t waited_us)
{
	return db->sent_us > question->asked_us ? db->sent_us - question->asked_us : waited_us;
}

static void tell_away(struct db *db, struct question *question, const char *reason)
{
	struct db_answer answer = {
		.verdict = DB_AWAY,
		.message = reason,
		.waited_us = clock_steady_us() - question->asked_us,
	};

	answer.queued_us = queued_us(db, question, answer.waited_us);
	PQclear(question->kept);
	question->kept = NULL;
	tell(db, question, &answer);
}

static void tell_refused(struct db *db, struct question *question, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	struct str message;
	struct db_answer answer = {
		.verdict = DB_REFUSED,
		.sqlstate = sqlstate ? sqlstate : "XX000",
		.waited_us = clock_steady_us() - question->asked_us,
	};

	answer.queued_us = queued_us(db, question, answer.waited_us);
	str_init(&message, MESSAGE_MAX);
	trim_message(PQresultErrorMessage(result), &message);
	answer.message = str_text(&message);
	if (db->metrics.refused)
		metric_add(db->metrics.refused, 1);
	tell(db, question, &answer);
	str_finish(&message);
}

static bool is_error(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

static void tell_rows(struct db *db, struct question *question, const struct db_rows *rows)
{
	struct db_answer answer = {
		.verdict = DB_ANSWERED,
		.rows = rows,
		.waited_us = clock_steady_us() - question->asked_us,
	};

	answer.queued_us = queued_us(db, question, answer.waited_us);
	tell(db, question, &answer);
}

/* Each of the group gets its part of the rows. */
static void tell_group(struct db *db, struct question *head, const struct db_rows *rows)
{
	struct question *next;
	size_t told = 0;
	int64_t place = 1;

	for (struct question *question = head; question; question = next) {
		struct db_rows share = gather_share(rows, place++, told);

		next = question->group;
		question->group = NULL;
		told += share.count;
		tell_rows(db, question, &share);
	}
}

/* Tells what is kept for the question, and frees it. */
static void tell_kept(struct db *db, struct question *question)
{
	PGresult *result = question->kept;
	struct db_rows rows = {result, 0, (size_t)PQntuples(result)};

	question->kept = NULL;
	if (is_error(result))
		tell_refused(db, question, result);
	else if (question->group)
		tell_group(db, question, &rows);
	else
		tell_rows(db, question, &rows);
	PQclear(result);
}

/* --- sending ---------------------------------------------------------------------------------------- */

static bool send_question(struct db *db, const struct question *question)
{
	const char *bytes[QUESTION_VALUES_MAX];
	int lengths[QUESTION_VALUES_MAX];
	int formats[QUESTION_VALUES_MAX];

	assert(question->value_count <= QUESTION_VALUES_MAX);
	if (question->group)
		return gather_send(db->connection, question);
	for (size_t i = 0; i < question->value_count; i++) {
		bytes[i] = question->values[i].bytes;
		lengths[i] = (int)question->values[i].length;
		formats[i] = question->values[i].is_binary;
	}
	return PQsendQueryPrepared(db->connection, statements[question->statement].name,
				   (int)question->value_count, bytes, lengths, formats, 0);
}

/* --- how long a flight may take --- */

static int64_t patience(const struct db *db)
{
	return (int64_t)db->options.answer_timeout_ms * 1000;
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

static int64_t stuck_at(const struct db *db)
{
	return earlier(db->progress_us + patience(db), db->sent_us + LONGEST_PARTS * patience(db));
}

bool batch_is_stuck(const struct db *db)
{
	return db->flight.count > 0 && clock_steady_us() >= stuck_at(db);
}

int64_t batch_deadline(const struct db *db)
{
	const struct question *oldest = db->queue.first;

	return earlier(stuck_at(db), oldest ? oldest->asked_us + patience(db) : INT64_MAX);
}

/* The flight is over, in one way or another. */
static void judge_size(struct db *db)
{
	size_t most = (size_t)db->options.batch_max;
	bool is_short = clock_steady_us() - db->sent_us <= patience(db) / SHORT_PART;
	size_t limit = is_short && !db->has_collided ? db->batch_limit + 1 : db->flight_size / 2;

	db->batch_limit = limit < 1 ? 1 : limit > most ? most : limit;
}

static void expect_company(struct db *db)
{
	db->returned_us = clock_steady_us();
	db->company = db->flight_size >= MANY ? db->queue.count + db->flight_size : 0;
}

int64_t batch_waits_us(const struct db *db)
{
	int64_t left;

	if (db->queue.count == 0 || db->queue.count >= db->company)
		return 0;
	left = db->returned_us + db->options.company_us - clock_steady_us();
	return left > 0 ? left : 0;
}

/* Sends the whole flight behind one Sync, or each question behind its own. */
static void send_flight(struct db *db)
{
	bool is_fine = true;

	db->awaited = db->flight.first;
	db->has_failed = false;
	db->is_commit_refused = false;
	db->progress_us = clock_steady_us();
	for (struct question *question = db->flight.first; question && is_fine;
	     question = question->next) {
		is_fine = send_question(db, question);
		if (is_fine && (db->has_sync_each || !question->next))
			is_fine = PQpipelineSync(db->connection);
	}
	if (!is_fine) {
		db_lose(db, PQerrorMessage(db->connection));
		return;
	}
	if (db_flush(db))
		loop_timer_set(db->loop, &db->timer, batch_deadline(db));
}

void batch_send_next(struct db *db)
{
	if (db->state != DB_STATE_READY || db->flight.count > 0 || db->queue.count == 0)
		return;
	while (db->flight.count < db->batch_limit && db->queue.count > 0)
		questions_push(&db->flight, questions_pop(&db->queue));
	db->flight_size = db->flight.count;
	db->sent_us = clock_steady_us();
	db->nothing_count = 0;
	db->has_collided = false;
	db->has_sync_each = db->options.has_sync_each;
	if (db->metrics.batches) {
		metric_add(db->metrics.batches, 1);
		metric_add(db->metrics.questions, (int64_t)db->flight_size);
	}
	if (!db->has_sync_each)
		gather_flight(&db->flight);
	send_flight(db);
}

/* --- receiving -------------------------------------------------------------------------------------- */

static bool is_worth_repeating(const struct question *question)
{
	const char *sqlstate = PQresultErrorField(question->kept, PG_DIAG_SQLSTATE);
	size_t i = 0;

	if (question->repeats >= REPEATS_MAX || !sqlstate)
		return false;
	while (transient[i] && strcmp(transient[i], sqlstate) != 0)
		i++;
	return transient[i] != NULL;
}

/* What asked for others as well did nothing for any of them: each asks for itself. */
static void ask_apart(struct db *db, struct question *head)
{
	struct questions group = {head, head, 1};
	struct question *question;

	db->has_collided |= is_error(head->kept) && is_worth_repeating(head);
	PQclear(head->kept);
	head->kept = NULL;
	gather_spread(&group);
	while ((question = questions_pop(&group)))
		questions_push(&db->flight, question);
}

static void note_collision(struct db *db, struct question *question)
{
	question->repeats++;
	db->has_collided = true;
}

/* One of a batch failed, so nothing of it is done: it gets its answer, the others are asked again,
 * each behind its own Sync. */
static void repeat_one_by_one(struct db *db)
{
	struct questions flight = db->flight;
	struct questions refused = {0};
	struct question *question;

	db->flight = (struct questions){0};
	while ((question = questions_pop(&flight))) {
		bool is_aborted = PQresultStatus(question->kept) == PGRES_PIPELINE_ABORTED;

		if (question->group) {
			ask_apart(db, question);
			continue;
		}
		if (is_error(question->kept) && !is_aborted && !is_worth_repeating(question)) {
			questions_push(&refused, question);
			continue;
		}
		if (is_error(question->kept) && !is_aborted)
			note_collision(db, question);
		PQclear(question->kept);
		question->kept = NULL;
		questions_push(&db->flight, question);
	}
	db->has_sync_each = true;
	if (db->flight.count > 0)
		send_flight(db);
	while ((question = questions_pop(&refused)))
		tell_kept(db, question);
}

static void tell_flight(struct db *db)
{
	struct questions flight = db->flight;
	struct question *question;

	db->flight = (struct questions){0};
	db->awaited = NULL;
	judge_size(db);
	expect_company(db);
	while ((question = questions_pop(&flight)))
		tell_kept(db, question);
}

static void end_batch(struct db *db)
{
	if (!db->has_failed && !db->is_commit_refused)
		tell_flight(db);
	else if (db->flight.count == 1 && !db->flight.first->group &&
		 !is_worth_repeating(db->flight.first))
		tell_flight(db);
	else
		repeat_one_by_one(db);
}

/* The Sync of one repeated question: it is settled, or waits for the next batch. */
static void end_single(struct db *db)
{
	struct question *question = questions_pop(&db->flight);
	bool is_repeated = is_error(question->kept) && is_worth_repeating(question);

	if (is_repeated)
		note_collision(db, question);
	if (db->flight.count == 0)
		judge_size(db);
	db->has_failed = false;
	db->is_commit_refused = false;
	if (!is_repeated) {
		tell_kept(db, question);
		return;
	}
	PQclear(question->kept);
	question->kept = NULL;
	push_front(&db->queue, question);
}

static bool is_goodbye(const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return sqlstate && strncmp(sqlstate, "57P", 3) == 0;
}

/* An error after the last result: the commit was refused, and with it all that shared it. */
static void take_commit_error(struct db *db, PGresult *result)
{
	struct question *question = db->flight.first;

	db->is_commit_refused = true;
	if (!db->has_sync_each && db->flight.count > 1) {
		PQclear(result);
		return;
	}
	PQclear(question->kept);
	question->kept = result;
}

/* The question whose result comes next; with a Sync each, the first that has none. */
static struct question *awaited(struct db *db)
{
	if (!db->has_sync_each)
		return db->awaited;
	return db->flight.first && !db->flight.first->kept ? db->flight.first : NULL;
}

static void take_result(struct db *db, PGresult *result)
{
	struct question *question = awaited(db);

	if (!question) {
		take_commit_error(db, result);
		return;
	}
	if (is_error(result))
		db->has_failed = true;
	PQclear(question->kept);
	question->kept = result;
	if (!db->has_sync_each)
		db->awaited = question->next;
}

/* Between two results there is one NULL (libpq, "Processing Results"); two mean that libpq waits for
 * nothing while we wait for the Sync. */
static void take_nothing(struct db *db)
{
	if (++db->nothing_count > 1)
		db_lose(db, "answers and questions are out of step");
}

static void take_sync(struct db *db)
{
	if (db->has_sync_each)
		end_single(db);
	else
		end_batch(db);
}

static void take(struct db *db, PGresult *result)
{
	db->nothing_count = 0;
	if (PQstatus(db->connection) != CONNECTION_OK || is_goodbye(result)) {
		PQclear(result);
		db_lose(db, PQerrorMessage(db->connection));
	} else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
		PQclear(result);
		take_sync(db);
	} else {
		take_result(db, result);
	}
}

void batch_receive(struct db *db)
{
	while (db->state == DB_STATE_READY && db->flight.count > 0 && !PQisBusy(db->connection)) {
		PGresult *result = PQgetResult(db->connection);

		if (result)
			take(db, result);
		else
			take_nothing(db);
	}
}

/* --- giving up -------------------------------------------------------------------------------------- */

static void tell_all_away(struct db *db, struct questions *list, const char *reason)
{
	struct question *question;

	while ((question = questions_pop(list)))
		tell_away(db, question, reason);
}

void batch_lose_flight(struct db *db, const char *reason)
{
	struct questions flight = db->flight;

	db->flight = (struct questions){0};
	db->awaited = NULL;
	if (flight.count > 0)
		judge_size(db);
	gather_spread(&flight);
	tell_all_away(db, &flight, reason);
}

void batch_lose_queue(struct db *db, const char *reason)
{
	struct questions queue = db->queue;

	db->queue = (struct questions){0};
	tell_all_away(db, &queue, reason);
}

void batch_expire_queue(struct db *db)
{
	int64_t oldest = clock_steady_us() - patience(db);
	struct questions late = {0};

	while (db->queue.first && db->queue.first->asked_us <= oldest)
		questions_push(&late, questions_pop(&db->queue));
	tell_all_away(db, &late, "the database is too busy");
}

bool db_may_pass(const struct db_answer *answer)
{
	size_t i = 0;

	if (answer->verdict != DB_REFUSED)
		return false;
	while (passing[i] && !span_starts_with(span_of(answer->sqlstate), span_of(passing[i])))
		i++;
	return passing[i] != NULL;
}
