/* test_batch.c - the bus of db/ against a real PostgreSQL, named by DATABASE_URL: what it does when
 * all goes well, and when statements, commits, connections and the server fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/db.h"
#include "almanac/log.h"
#include "almanac/metrics.h"
#include "almanac/rows.h"

enum { MS = 1000, SECOND = 1000 * MS, TICK_US = 2 * MS, PATIENCE_US = 30 * SECOND };
enum { VALUES_MAX = 14, WORD_MAX = 64, SQL_MAX = 1024 };

/* --- PostgreSQL as its operator sees it --- */

static const char *database(void)
{
	return getenv("DATABASE_URL");
}

static void run(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(connection));
	PQclear(result);
}

static PGconn *operator_connect(void)
{
	PGconn *connection = PQconnectdb(database());

	if (PQstatus(connection) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(connection));
	run(connection, "SET client_min_messages = warning");
	return connection;
}

static long number_of(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	long number;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(connection));
	number = strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return number;
}

/* The jobs that tests make have names of their own, so that nothing else is touched. */
static long count_jobs(PGconn *connection)
{
	return number_of(connection, "SELECT count(*) FROM jobs WHERE name LIKE 'test %'");
}

/* --- a bench: one loop, the database connections under test, what they told --- */

struct bench {
	struct loop *loop;
	struct metrics *metrics;
	struct db *db;
	PGconn *operator;
	struct loop_timer tick;
	bool (*is_over)(struct bench *bench);
	int64_t due_us;
	int64_t last_tick_us, longest_turn_us;
	bool is_late;
	int waiting; /* askers that were not told yet */
	int wanted;  /* of whatever `is_over` counts */
	struct db_listener listener;
	int heard, heard_nothing;
	char payload[WORD_MAX];
};

static void ticked(struct loop_timer *timer)
{
	struct bench *bench = container_of(timer, struct bench, tick);
	int64_t now = clock_steady_us();

	if (now - bench->last_tick_us > bench->longest_turn_us)
		bench->longest_turn_us = now - bench->last_tick_us;
	bench->last_tick_us = now;
	bench->is_late = now >= bench->due_us;
	if (bench->is_late || bench->is_over(bench))
		loop_stop(bench->loop);
	else
		loop_timer_set(bench->loop, timer, now + TICK_US);
}

/* Lets the loop turn until it is so. */
static void turn_until(struct bench *bench, bool (*is_over)(struct bench *bench))
{
	bench->is_over = is_over;
	bench->last_tick_us = clock_steady_us();
	bench->longest_turn_us = 0;
	bench->due_us = bench->last_tick_us + PATIENCE_US;
	loop_timer_set(bench->loop, &bench->tick, 0);
	loop_run(bench->loop);
	if (bench->is_late)
		fail_msg("it did not come to that");
}

static bool is_connected(struct bench *bench)
{
	return db_is_connected(bench->db);
}

static bool is_away(struct bench *bench)
{
	return !db_is_connected(bench->db);
}

static bool all_told(struct bench *bench)
{
	return bench->waiting == 0;
}

static bool three_are_left(struct bench *bench)
{
	return bench->waiting == 3;
}

static bool is_heard(struct bench *bench)
{
	return bench->heard >= bench->wanted;
}

/* So many sessions of ours wait for a lock. */
static bool are_blocked(struct bench *bench)
{
	return number_of(bench->operator,
			 "SELECT count(*) FROM pg_stat_activity WHERE "
			 "application_name LIKE 'test-%' AND wait_event_type = 'Lock'") ==
	       bench->wanted;
}

static void wait_for_blocked(struct bench *bench, int count)
{
	bench->wanted = count;
	turn_until(bench, are_blocked);
}

static const char *const channels[] = {"test_news", NULL};

static void heard(struct db_listener *listener, const char *channel, const char *payload)
{
	struct bench *bench = container_of(listener, struct bench, listener);

	assert_string_equal(channel, "test_news");
	bench->heard += payload != NULL;
	bench->heard_nothing += payload == NULL;
	snprintf(bench->payload, sizeof(bench->payload), "%s", payload ? payload : "");
}

/* As a worker's write connection by default. */
static struct db_options options_of(struct bench *bench)
{
	return (struct db_options){
		.conninfo = database(),
		.application_name = "test-write",
		.queue_max = 2000,
		.batch_max = 128,
		.statement_timeout_ms = 10000,
		.answer_timeout_ms = 15000,
		.listener = &bench->listener,
		.metrics = bench->metrics,
		.label = "test-write",
	};
}

static void open_with(struct bench *bench, const struct db_options *options)
{
	bench->db = db_open(bench->loop, options);
	turn_until(bench, is_connected);
}

static struct bench *bench_create(void)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->loop = loop_create();
	bench->metrics = metrics_create();
	bench->operator= operator_connect();
	bench->tick.fire = ticked;
	bench->listener = (struct db_listener){channels, heard};
	run(bench->operator, "DELETE FROM jobs WHERE name LIKE 'test %'");
	return bench;
}

static struct bench *bench_open(void)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);

	open_with(bench, &options);
	return bench;
}

static void bench_close(struct bench *bench)
{
	db_close(bench->db);
	loop_destroy(bench->loop);
	metrics_destroy(bench->metrics);
	run(bench->operator, "DELETE FROM jobs WHERE name LIKE 'test %'");
	PQfinish(bench->operator);
	free(bench);
}

static int64_t counted(struct bench *bench, const char *name)
{
	const char *const labels[] = {"connection", "test-write", NULL};

	return metric_value(metrics_get(bench->metrics, METRIC_COUNTER, name, "", labels));
}

static int64_t batches(struct bench *bench)
{
	return counted(bench, "almanac_database_batches_total");
}

/* The job "test held" waits for the operator, until he commits or rolls back. */
static void hold(struct bench *bench)
{
	run(bench->operator,
	    "INSERT INTO jobs (name, period_seconds, due_at) VALUES ('test held', 1, now())");
	run(bench->operator, "BEGIN; SELECT FROM jobs WHERE name = 'test held' FOR UPDATE");
}

/* --- an asker --- */

struct asker {
	struct question question;
	struct db_value values[VALUES_MAX];
	char words[VALUES_MAX][WORD_MAX];
	struct bench *bench;
	struct db *db;
	int told;
	enum db_verdict verdict;
	char sqlstate[6];
	char said[WORD_MAX];
	int64_t waited_us;
	size_t rows;
	int place; /* the how manieth answer this was */
	bool was_visible;
	int again; /* asks so many times more from inside its answer */
	bool could_ask;
};

static int answers; /* told in this test so far */

static void answered(struct question *question, const struct db_answer *answer)
{
	struct asker *asker = container_of(question, struct asker, question);

	asker->told++;
	asker->place = answers++;
	asker->verdict = answer->verdict;
	asker->waited_us = answer->waited_us;
	asker->bench->waiting--;
	if (answer->verdict == DB_REFUSED)
		snprintf(asker->sqlstate, sizeof(asker->sqlstate), "%s", answer->sqlstate);
	if (answer->verdict != DB_ANSWERED)
		return;
	asker->rows = rows_count(answer->rows);
	if (asker->rows > 0)
		snprintf(asker->said, WORD_MAX, "%.*s", (int)rows_text(answer->rows, 0, 0).length,
			 rows_text(answer->rows, 0, 0).bytes);
}

static void prepare(struct bench *bench, struct asker *asker, enum sql statement, size_t count)
{
	*asker = (struct asker){.bench = bench, .db = bench->db};
	asker->question.statement = statement;
	asker->question.values = asker->values;
	asker->question.value_count = count;
	asker->question.answered = answered;
}

static void say(struct asker *asker, size_t place, const char *word)
{
	snprintf(asker->words[place], WORD_MAX, "%s", word);
	asker->values[place] = db_text(asker->words[place]);
}

static void ask(struct asker *asker)
{
	assert_true(db_ask(asker->db, &asker->question));
	asker->bench->waiting++;
}

/* A command: one row in `jobs`; a period of 0 breaks a rule of the table. */
static void register_job(struct bench *bench, struct asker *asker, const char *name,
			 const char *period)
{
	prepare(bench, asker, SQL_FLOW_JOB_REGISTER, 2);
	say(asker, 0, name);
	say(asker, 1, period);
	ask(asker);
}

static void register_jobs(struct bench *bench, struct asker *askers, int count)
{
	char name[WORD_MAX];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "test %d", i);
		register_job(bench, &askers[i], name, "60");
	}
}

static void expect(const struct asker *askers, int count, enum db_verdict verdict)
{
	for (int i = 0; i < count; i++) {
		assert_int_equal(askers[i].told, 1);
		assert_int_equal(askers[i].verdict, verdict);
	}
}

/* All of them but one, which was refused for this reason. */
static void expect_one_refused(const struct asker *askers, int count, int place,
			       const char *sqlstate)
{
	assert_int_equal(askers[place].told, 1);
	assert_int_equal(askers[place].verdict, DB_REFUSED);
	assert_string_equal(askers[place].sqlstate, sqlstate);
	expect(askers, place, DB_ANSWERED);
	expect(askers + place + 1, count - place - 1, DB_ANSWERED);
}

/* --- when all goes well --- */

static void answers_come_in_the_order_of_asking(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[300];
	char zone[WORD_MAX];

	(void)state;
	answers = 0;
	for (int i = 0; i < 300; i++) {
		prepare(bench, &askers[i], SQL_CATALOG_PROVIDER_LIST, 3);
		say(&askers[i], 1, "1");
		say(&askers[i], 2, "60");
		snprintf(zone, sizeof(zone), "%d", 1000000 + i);
		say(&askers[i], 0, zone);
		ask(&askers[i]);
		assert_int_equal(askers[i].told, 0);
	}
	turn_until(bench, all_told);
	expect(askers, 300, DB_ANSWERED);
	for (int i = 0; i < 300; i++)
		assert_int_equal(askers[i].place, i);
	bench_close(bench);
}

static void what_is_asked_in_one_turn_leaves_in_batches(void **state)
{
	struct bench *bench = bench_open();
	struct asker *askers = calloc(1000, sizeof(*askers));

	(void)state;
	register_jobs(bench, askers, 1000);
	assert_int_equal(db_waiting(bench->db), 1000);
	turn_until(bench, all_told);
	expect(askers, 1000, DB_ANSWERED);
	assert_int_equal(count_jobs(bench->operator), 1000);
	assert_int_equal(batches(bench), 8);
	assert_int_equal(counted(bench, "almanac_database_questions_total"), 1000);
	assert_int_equal(db_waiting(bench->db), 0);
	free(askers);
	bench_close(bench);
}

static void is_stored_when_told(struct question *question, const struct db_answer *answer)
{
	struct asker *asker = container_of(question, struct asker, question);
	char sql[SQL_MAX];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM jobs WHERE name = '%s'", asker->words[0]);
	asker->was_visible = number_of(asker->bench->operator, sql) == 1;
	answered(question, answer);
}

static void an_answer_is_told_after_the_commit(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[20];

	(void)state;
	register_jobs(bench, askers, 20);
	for (int i = 0; i < 20; i++)
		askers[i].question.answered = is_stored_when_told;
	turn_until(bench, all_told);
	assert_int_equal(batches(bench), 1);
	for (int i = 0; i < 20; i++)
		assert_true(askers[i].was_visible);
	bench_close(bench);
}

static void answered_and_asks_again(struct question *question, const struct db_answer *answer)
{
	struct asker *asker = container_of(question, struct asker, question);

	answered(question, answer);
	if (asker->again-- > 0)
		ask(asker);
}

static void an_answer_may_ask_again(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[10];

	(void)state;
	register_jobs(bench, askers, 10);
	for (int i = 0; i < 10; i++) {
		askers[i].again = 4;
		askers[i].question.answered = answered_and_asks_again;
	}
	turn_until(bench, all_told);
	for (int i = 0; i < 10; i++)
		assert_int_equal(askers[i].told, 5);
	assert_int_equal(batches(bench), 5);
	bench_close(bench);
}

static void the_queue_is_bounded(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct asker askers[11], one_more;

	(void)state;
	options.queue_max = 10;
	open_with(bench, &options);
	register_jobs(bench, askers, 10);
	prepare(bench, &one_more, SQL_FLOW_JOB_REGISTER, 0);
	assert_false(db_ask(bench->db, &one_more.question));
	turn_until(bench, all_told);
	expect(askers, 10, DB_ANSWERED);
	assert_int_equal(one_more.told, 0);
	register_job(bench, &askers[10], "test more", "60");
	turn_until(bench, all_told);
	expect(&askers[10], 1, DB_ANSWERED);
	bench_close(bench);
}

/* --- when a statement fails, or the commit --- */

static void one_bad_question_among_many_is_refused_alone(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[100];

	(void)state;
	register_jobs(bench, askers, 100);
	say(&askers[50], 1, "0");
	turn_until(bench, all_told);
	expect_one_refused(askers, 100, 50, "23514");
	assert_int_equal(count_jobs(bench->operator), 99);
	bench_close(bench);
}

static void several_bad_questions_get_a_refusal_each(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[30];

	(void)state;
	register_jobs(bench, askers, 30);
	say(&askers[0], 1, "0");
	say(&askers[17], 1, "many");
	say(&askers[29], 1, "0");
	turn_until(bench, all_told);
	assert_string_equal(askers[0].sqlstate, "23514");
	assert_string_equal(askers[17].sqlstate, "22P02");
	assert_string_equal(askers[29].sqlstate, "23514");
	assert_int_equal(count_jobs(bench->operator), 27);
	assert_int_equal(counted(bench, "almanac_database_refused_total"), 3);
	bench_close(bench);
}

#define CREATE_LATE_RULE                                                                            \
	"CREATE FUNCTION test_late_rule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "            \
	"IF NEW.name LIKE 'test late %' THEN RAISE unique_violation; END IF; RETURN NULL; END $$; " \
	"CREATE CONSTRAINT TRIGGER test_late_rule AFTER INSERT ON jobs "                            \
	"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_late_rule()"

static void a_commit_that_fails_refuses_only_whom_it_must(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[20], alone;

	(void)state;
	run(bench->operator, CREATE_LATE_RULE);
	register_jobs(bench, askers, 20);
	say(&askers[7], 0, "test late among others");
	turn_until(bench, all_told);
	expect_one_refused(askers, 20, 7, "23505");
	assert_int_equal(count_jobs(bench->operator), 19);

	register_job(bench, &alone, "test late alone", "60");
	turn_until(bench, all_told);
	expect_one_refused(&alone, 1, 0, "23505");
	assert_int_equal(counted(bench, "almanac_database_connects_total"), 1);
	run(bench->operator, "DROP FUNCTION test_late_rule() CASCADE");
	bench_close(bench);
}

/* What the scheduler asks: each question is a transaction of its own, answered when it is done. */
static void behind_a_sync_each_the_questions_have_nothing_in_common(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct asker askers[6];

	(void)state;
	options.has_sync_each = true;
	open_with(bench, &options);
	hold(bench);
	register_jobs(bench, askers, 6);
	say(&askers[1], 1, "0");
	say(&askers[3], 0, "test held");
	turn_until(bench, three_are_left);
	assert_string_equal(askers[1].sqlstate, "23514");
	expect(&askers[0], 1, DB_ANSWERED);
	expect(&askers[2], 1, DB_ANSWERED);
	assert_int_equal(count_jobs(bench->operator), 3);
	run(bench->operator, "ROLLBACK");
	turn_until(bench, all_told);
	expect_one_refused(askers, 6, 1, "23514");
	assert_int_equal(batches(bench), 1);
	bench_close(bench);
}

/* --- when two get in each other's way --- */

static void make_providers(struct bench *bench, long ids[4])
{
	run(bench->operator, "DELETE FROM catalog_providers WHERE name LIKE 'test %'");
	for (int i = 0; i < 4; i++) {
		char sql[SQL_MAX];

		snprintf(
			sql, sizeof(sql),
			"INSERT INTO catalog_providers (name, url) VALUES ('test %d', 'http://test/') "
			"RETURNING id",
			i);
		ids[i] = number_of(bench->operator, sql);
	}
}

static void change_provider(struct bench *bench, struct db *db, struct asker *asker, long id)
{
	prepare(bench, asker, SQL_CATALOG_PROVIDER_CHANGE, 6);
	snprintf(asker->words[0], WORD_MAX, "%ld", id);
	asker->values[0] = db_text(asker->words[0]);
	say(asker, 4, "300");
	say(asker, 5, "60");
	asker->db = db;
	ask(asker);
}

/*
 * One batch changes 0, 2, 1, the other 1, 3, 0. The operator holds 2 and 3 until each has its first
 * and waits; then each needs what the other has.
 */
static void deadlock(struct bench *bench, struct db *other, struct asker askers[6])
{
	long ids[4];
	char sql[SQL_MAX];

	make_providers(bench, ids);
	snprintf(sql, sizeof(sql),
		 "BEGIN; SELECT FROM catalog_providers WHERE id IN (%ld, %ld) FOR UPDATE", ids[2],
		 ids[3]);
	run(bench->operator, sql);
	change_provider(bench, bench->db, &askers[0], ids[0]);
	change_provider(bench, bench->db, &askers[1], ids[2]);
	change_provider(bench, bench->db, &askers[2], ids[1]);
	change_provider(bench, other, &askers[3], ids[1]);
	change_provider(bench, other, &askers[4], ids[3]);
	change_provider(bench, other, &askers[5], ids[0]);
	wait_for_blocked(bench, 2);
	run(bench->operator, "COMMIT");
	wait_for_blocked(bench, 2);
	turn_until(bench, all_told);
	expect(askers, 6, DB_ANSWERED);
	for (int i = 0; i < 6; i++)
		assert_string_equal(askers[i].said, "changed");
	run(bench->operator, "DELETE FROM catalog_providers WHERE name LIKE 'test %'");
}

static void heal_deadlock(int statement_timeout_ms)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct asker askers[6];
	struct db *other;

	options.statement_timeout_ms = statement_timeout_ms;
	options.listener = NULL;
	options.application_name = "test-other";
	other = db_open(bench->loop, &options);
	bench->db = other;
	turn_until(bench, is_connected);
	options.application_name = "test-write";
	open_with(bench, &options);
	deadlock(bench, other, askers);
	db_close(other);
	bench_close(bench);
}

static void a_deadlock_that_postgresql_finds_is_healed(void **state)
{
	(void)state;
	heal_deadlock(20000);
}

/* PostgreSQL looks for deadlocks after a second, which is all the time a request's statement has. */
static void a_deadlock_is_healed_within_a_short_statement_timeout(void **state)
{
	(void)state;
	heal_deadlock(1000);
}

/* --- when the connection goes --- */

static void terminate(struct bench *bench)
{
	run(bench->operator, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
			     "WHERE application_name = 'test-write'");
}

static void a_batch_whose_backend_is_terminated_is_away(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[5], after;

	(void)state;
	hold(bench);
	register_jobs(bench, askers, 5);
	say(&askers[2], 0, "test held");
	wait_for_blocked(bench, 1);
	terminate(bench);
	turn_until(bench, all_told);
	expect(askers, 5, DB_AWAY);
	run(bench->operator, "ROLLBACK");
	assert_int_equal(count_jobs(bench->operator), 1);

	turn_until(bench, is_connected);
	register_job(bench, &after, "test after", "60");
	turn_until(bench, all_told);
	expect(&after, 1, DB_ANSWERED);
	assert_int_equal(bench->heard_nothing, 2);
	bench_close(bench);
}

static void an_idle_connection_that_is_terminated_comes_back(void **state)
{
	struct bench *bench = bench_open();
	struct asker asker;

	(void)state;
	for (int i = 0; i < 3; i++) {
		terminate(bench);
		turn_until(bench, is_away);
		turn_until(bench, is_connected);
		register_job(bench, &asker, "test again", "60");
		turn_until(bench, all_told);
		expect(&asker, 1, DB_ANSWERED);
	}
	assert_int_equal(counted(bench, "almanac_database_connects_total"), 4);
	bench_close(bench);
}

/* What waits in the queue, and what is asked while it is away, was never sent: it can wait. */
static void a_short_absence_is_bridged(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[9];

	(void)state;
	hold(bench);
	register_jobs(bench, askers, 3);
	say(&askers[2], 0, "test held");
	wait_for_blocked(bench, 1);
	register_jobs(bench, askers + 3, 3);
	terminate(bench);
	turn_until(bench, is_away);
	run(bench->operator, "ROLLBACK");
	register_jobs(bench, askers + 6, 3);
	turn_until(bench, all_told);
	expect(askers, 3, DB_AWAY);
	expect(askers + 3, 6, DB_ANSWERED);
	bench_close(bench);
}

/* Nobody is at home there: it takes a quarter of the answer timeout to believe it. */
static void a_long_absence_is_told_at_once(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct asker askers[4];

	(void)state;
	options.conninfo = "host=127.0.0.1 port=1 dbname=test";
	options.answer_timeout_ms = 1000;
	options.queue_max = 3;
	bench->db = db_open(bench->loop, &options);
	register_jobs(bench, askers, 3);
	prepare(bench, &askers[3], SQL_FLOW_JOB_REGISTER, 0);
	assert_false(db_ask(bench->db, &askers[3].question));
	turn_until(bench, all_told);
	expect(askers, 3, DB_AWAY);
	for (int i = 0; i < 3; i++)
		assert_true(askers[i].waited_us < SECOND);
	assert_false(db_ask(bench->db, &askers[3].question));
	bench_close(bench);
}

static void away_and_asks_again(struct question *question, const struct db_answer *answer)
{
	struct asker *asker = container_of(question, struct asker, question);

	answered(question, answer);
	asker->could_ask = db_ask(asker->db, question);
}

static void closing_tells_everybody(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[6];

	(void)state;
	hold(bench);
	register_jobs(bench, askers, 3);
	say(&askers[0], 0, "test held");
	wait_for_blocked(bench, 1);
	register_jobs(bench, askers + 3, 3);
	for (int i = 0; i < 6; i++)
		askers[i].question.answered = away_and_asks_again;
	db_close(bench->db);
	bench->db = NULL;
	expect(askers, 6, DB_AWAY);
	for (int i = 0; i < 6; i++)
		assert_false(askers[i].could_ask);
	run(bench->operator, "ROLLBACK");
	bench_close(bench);
}

/* --- when the server says nothing --- */

static int backend_of(struct bench *bench)
{
	return (int)number_of(bench->operator, "SELECT pid FROM pg_stat_activity "
					       "WHERE application_name = 'test-write'");
}

static void a_server_that_hangs_is_noticed_within_two_seconds(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct asker askers[8], after;
	int64_t began_us;
	int backend;

	(void)state;
	options.answer_timeout_ms = 1500;
	options.batch_max = 3;
	open_with(bench, &options);
	backend = backend_of(bench);
	assert_int_equal(kill(backend, SIGSTOP), 0);
	began_us = clock_steady_us();
	register_jobs(bench, askers, 8);
	turn_until(bench, all_told);
	assert_true(clock_steady_us() - began_us < 2 * SECOND);
	kill(backend, SIGCONT);
	expect(askers, 8, DB_AWAY);
	assert_int_equal(batches(bench), 1);

	turn_until(bench, is_connected);
	register_job(bench, &after, "test after", "60");
	turn_until(bench, all_told);
	expect(&after, 1, DB_ANSWERED);
	bench_close(bench);
}

/* Names that begin with "test slow" take 100 ms to store. */
#define CREATE_SLOWNESS                                                                            \
	"CREATE FUNCTION test_slowness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "            \
	"PERFORM pg_sleep(0.1); RETURN NEW; END $$; "                                              \
	"CREATE TRIGGER test_slowness BEFORE INSERT ON jobs FOR EACH ROW "                         \
	"WHEN (NEW.name LIKE 'test slow%') EXECUTE FUNCTION test_slowness()"

static void register_slow_jobs(struct bench *bench, struct asker *askers, int count)
{
	for (int i = 0; i < count; i++) {
		char name[WORD_MAX];

		snprintf(name, sizeof(name), "test slow %d %ld", i, (long)clock_steady_us());
		register_job(bench, &askers[i], name, "60");
	}
}

static void nobody_waits_too_long_behind_a_busy_server(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct asker askers[40];

	(void)state;
	run(bench->operator, CREATE_SLOWNESS);
	options.answer_timeout_ms = 1000;
	options.batch_max = 1;
	open_with(bench, &options);
	register_slow_jobs(bench, askers, 40);
	turn_until(bench, all_told);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(askers[i].told, 1);
		assert_true(askers[i].waited_us < 2 * SECOND);
	}
	assert_int_equal(askers[0].verdict, DB_ANSWERED);
	assert_int_equal(askers[39].verdict, DB_AWAY);
	assert_int_equal(counted(bench, "almanac_database_connects_total"), 1);
	run(bench->operator, "DROP FUNCTION test_slowness() CASCADE");
	bench_close(bench);
}

static void slow_batches_are_followed_by_smaller_ones(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct asker askers[16];

	(void)state;
	run(bench->operator, CREATE_SLOWNESS);
	options.answer_timeout_ms = 4000;
	options.batch_max = 16;
	open_with(bench, &options);
	register_slow_jobs(bench, askers, 16);
	turn_until(bench, all_told);
	expect(askers, 16, DB_ANSWERED);
	assert_int_equal(batches(bench), 1);
	register_slow_jobs(bench, askers, 16);
	turn_until(bench, all_told);
	expect(askers, 16, DB_ANSWERED);
	assert_true(batches(bench) > 2);
	run(bench->operator, "DROP FUNCTION test_slowness() CASCADE");
	bench_close(bench);
}

/* --- news --- */

static void news_is_heard_while_idle(void **state)
{
	struct bench *bench = bench_open();

	(void)state;
	assert_int_equal(bench->heard_nothing, 1);
	run(bench->operator, "NOTIFY test_news, 'rain'");
	bench->wanted = 1;
	turn_until(bench, is_heard);
	assert_string_equal(bench->payload, "rain");
	bench_close(bench);
}

/* The news comes in the middle of a stream of questions, and together with an answer. */
static void news_is_heard_while_busy(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[50];

	(void)state;
	hold(bench);
	register_jobs(bench, askers, 50);
	say(&askers[0], 0, "test held");
	wait_for_blocked(bench, 1);
	run(bench->operator, "NOTIFY test_news, 'snow'; COMMIT");
	turn_until(bench, all_told);
	bench->wanted = 1;
	turn_until(bench, is_heard);
	assert_string_equal(bench->payload, "snow");
	expect(askers, 50, DB_ANSWERED);
	bench_close(bench);
}

/* --- much at once --- */

enum { ELEMENTS = 200000, ELEMENT_MAX = 24, ARRAY_MAX = 16 << 20 };

static void fill(struct db_array *array, const char *prefix, int digits)
{
	char element[ELEMENT_MAX * 2];

	db_array_init(array, ARRAY_MAX);
	for (int i = 0; i < ELEMENTS; i++) {
		snprintf(element, sizeof(element), "%s%0*d", prefix, digits, i);
		db_array_add(array, span_of(element));
	}
	assert_false(array->bytes.has_overflowed);
}

/* Some 16 MB a question, and an answer for every element: both pipes are full at once. */
static void large_arrays_travel_both_ways(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	struct db_array bases, events, digests, flags;
	struct asker askers[3];

	(void)state;
	options.statement_timeout_ms = 60000;
	options.answer_timeout_ms = 60000;
	open_with(bench, &options);
	fill(&bases, "base number ", 7);
	fill(&events, "event number ", 7);
	fill(&digests, "", 32);
	fill(&flags, "", 1);
	for (int i = 0; i < 3; i++) {
		prepare(bench, &askers[i], SQL_CATALOG_SYNC_COMPARE, 5);
		say(&askers[i], 0, "0");
		askers[i].values[1] = db_array_value(&bases);
		askers[i].values[2] = db_array_value(&events);
		askers[i].values[3] = db_array_value(&digests);
		askers[i].values[4] = db_array_value(&flags);
		ask(&askers[i]);
	}
	turn_until(bench, all_told);
	expect(askers, 3, DB_ANSWERED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(askers[i].rows, ELEMENTS);
	db_array_finish(&bases);
	db_array_finish(&events);
	db_array_finish(&digests);
	db_array_finish(&flags);
	bench_close(bench);
}

/* --- the way to the server --- */

/* A name server that does not answer for a second and a half: this stands before libc's own. */
static atomic_int lookups_begun, lookups_over;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (node && strcmp(node, "slow.test") == 0) {
		atomic_fetch_add(&lookups_begun, 1);
		usleep(1500 * MS);
		atomic_fetch_add(&lookups_over, 1);
		return EAI_AGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}

static bool is_looked_up_twice(struct bench *bench)
{
	(void)bench;
	return atomic_load(&lookups_begun) == 2;
}

static void the_loop_goes_round_while_a_name_is_looked_up(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);

	(void)state;
	options.conninfo = "host=slow.test dbname=test";
	bench->db = db_open(bench->loop, &options);
	turn_until(bench, is_looked_up_twice);
	assert_true(bench->longest_turn_us < SECOND);
	bench_close(bench);
	while (atomic_load(&lookups_over) < 2)
		usleep(10 * MS);
	usleep(100 * MS);
}

/* `options` in the URL are the operator's: here a schema of one's own. */
static void the_operators_options_are_kept(void **state)
{
	struct bench *bench = bench_create();
	struct db_options options = options_of(bench);
	char conninfo[SQL_MAX];
	struct str complaint;
	struct asker asker;

	(void)state;
	str_init(&complaint, SQL_MAX);
	snprintf(conninfo, sizeof(conninfo), "%s%soptions=-csearch_path%%3Delsewhere", database(),
		 strchr(database(), '?') ? "&" : "?");
	run(bench->operator, "CREATE SCHEMA elsewhere");
	assert_int_equal(db_migrate(conninfo, &complaint), DB_START_OK);
	options.conninfo = conninfo;
	open_with(bench, &options);
	register_job(bench, &asker, "test there", "60");
	turn_until(bench, all_told);
	assert_int_equal(count_jobs(bench->operator), 0);
	assert_int_equal(number_of(bench->operator, "SELECT count(*) FROM elsewhere.jobs"), 1);
	run(bench->operator, "DROP SCHEMA elsewhere CASCADE");
	str_finish(&complaint);
	bench_close(bench);
}

static int migrate_first(void **state)
{
	struct str complaint;
	enum db_start start;

	(void)state;
	log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	str_init(&complaint, SQL_MAX);
	start = db_migrate(database(), &complaint);
	if (start != DB_START_OK)
		fprintf(stderr, "%s\n", str_text(&complaint));
	str_finish(&complaint);
	return start == DB_START_OK ? 0 : -1;
}

/* --- questions that ask the same travel as one --- */

static void ask_for_timer(struct bench *bench, struct asker *asker, const char *shard,
			  const char *payload)
{
	static const char *const words[] = {NULL,          NULL,        NULL,   "86400000000",
					    "http://a:80", "http://a/", "POST", NULL,
					    NULL,          NULL,        "6",    "10000",
					    "test",        NULL};

	prepare(bench, asker, SQL_TIMERS_CREATE, 14);
	for (size_t i = 0; i < 14; i++)
		if (words[i])
			say(asker, i, words[i]);
	snprintf(asker->words[0], WORD_MAX, "00000000-0000-4000-8000-%012d", bench->waiting);
	asker->values[0] = db_text(asker->words[0]);
	say(asker, 1, shard);
	asker->values[8] = db_text(payload);
	ask(asker);
}

static long count_timers(struct bench *bench, const char *what)
{
	char sql[SQL_MAX];

	snprintf(sql, sizeof(sql), "SELECT count(%s) FROM timers", what);
	return number_of(bench->operator, sql);
}

static void questions_that_ask_the_same_travel_as_one(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[40];

	(void)state;
	run(bench->operator, "TRUNCATE timers");
	for (int i = 0; i < 40; i++)
		ask_for_timer(bench, &askers[i], "7", "{\"a\": 1}");
	assert_int_equal(db_waiting(bench->db), 40);
	turn_until(bench, all_told);
	expect(askers, 40, DB_ANSWERED);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(askers[i].rows, 1);
		assert_string_equal(askers[i].said, "created");
	}
	assert_int_equal(count_timers(bench, "*"), 40);
	assert_int_equal(count_timers(bench, "DISTINCT created_at"), 1);
	assert_int_equal(count_timers(bench, "traceparent"), 0);
	assert_int_equal(batches(bench), 1);
	assert_int_equal(counted(bench, "almanac_database_questions_total"), 40);
	run(bench->operator, "TRUNCATE timers");
	bench_close(bench);
}

static void one_bad_question_among_those_is_refused_alone(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[9];

	(void)state;
	run(bench->operator, "TRUNCATE timers");
	for (int i = 0; i < 8; i++)
		ask_for_timer(bench, &askers[i], i == 5 ? "64" : "7", NULL);
	register_job(bench, &askers[8], "test beside", "60");
	turn_until(bench, all_told);
	expect_one_refused(askers, 9, 5, "23514");
	assert_int_equal(count_timers(bench, "*"), 7);
	assert_int_equal(count_jobs(bench->operator), 1);
	assert_int_equal(db_waiting(bench->db), 0);
	run(bench->operator, "TRUNCATE timers");
	bench_close(bench);
}

static void a_bad_question_beside_those_leaves_them_alone(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[9];

	(void)state;
	run(bench->operator, "TRUNCATE timers");
	for (int i = 0; i < 8; i++)
		ask_for_timer(bench, &askers[i], "7", NULL);
	register_job(bench, &askers[8], "test bad", "0");
	turn_until(bench, all_told);
	expect_one_refused(askers, 9, 8, "23514");
	assert_int_equal(count_timers(bench, "*"), 8);
	run(bench->operator, "TRUNCATE timers");
	bench_close(bench);
}

static void each_of_those_gets_its_own_rows(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[6];

	(void)state;
	run(bench->operator,
	    "WITH p AS (INSERT INTO catalog_providers (name, url) VALUES ('test', 'http://a/') RETURNING id) "
	    "INSERT INTO catalog_events (uuid, provider_id, base_id, event_id, title, is_online, was_online, "
	    "starts_at, sold_out, is_available, item, zones, digest, edition) "
	    "SELECT ('00000000-0000-4000-8000-00000000000' || i)::uuid, p.id, '1', i, 't', true, true, now(), "
	    "false, true, '', '[]', gen_random_uuid(), 1 FROM p, unnest('{1,4}'::text[]) AS i");
	for (int i = 0; i < 6; i++) {
		prepare(bench, &askers[i], SQL_CATALOG_EVENT_FIND, 1);
		snprintf(askers[i].words[0], WORD_MAX, "00000000-0000-4000-8000-%012d", i);
		askers[i].values[0] = db_text(askers[i].words[0]);
		ask(&askers[i]);
	}
	turn_until(bench, all_told);
	expect(askers, 6, DB_ANSWERED);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(askers[i].rows, i == 1 || i == 4);
		assert_string_equal(askers[i].said, askers[i].rows ? askers[i].words[0] : "");
	}
	run(bench->operator, "DELETE FROM catalog_events; DELETE FROM catalog_providers");
	bench_close(bench);
}

static void large_ones_of_those_travel_apart(void **state)
{
	enum { LARGE = 400000 };
	struct bench *bench = bench_open();
	struct asker askers[10];
	char *payload = malloc(LARGE + 1);

	(void)state;
	assert_non_null(payload);
	memset(payload, 'x', LARGE);
	payload[0] = payload[LARGE - 1] = '"';
	payload[LARGE] = '\0';
	run(bench->operator, "TRUNCATE timers");
	for (int i = 0; i < 10; i++)
		ask_for_timer(bench, &askers[i], "7", payload);
	turn_until(bench, all_told);
	expect(askers, 10, DB_ANSWERED);
	assert_int_equal(count_timers(bench, "*"), 10);
	assert_int_equal(count_timers(bench, "DISTINCT created_at"), 5);
	run(bench->operator, "TRUNCATE timers");
	free(payload);
	bench_close(bench);
}

static void those_in_flight_are_away_with_their_backend(void **state)
{
	struct bench *bench = bench_open();
	struct asker askers[9];

	(void)state;
	hold(bench);
	register_job(bench, &askers[0], "test held", "60");
	for (int i = 1; i < 9; i++)
		ask_for_timer(bench, &askers[i], "7", NULL);
	wait_for_blocked(bench, 1);
	run(bench->operator, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
			     "application_name LIKE 'test-%'");
	turn_until(bench, all_told);
	expect(askers, 9, DB_AWAY);
	assert_int_equal(count_timers(bench, "*"), 0);
	run(bench->operator, "ROLLBACK");
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_the_order_of_asking),
		cmocka_unit_test(what_is_asked_in_one_turn_leaves_in_batches),
		cmocka_unit_test(an_answer_is_told_after_the_commit),
		cmocka_unit_test(an_answer_may_ask_again),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(one_bad_question_among_many_is_refused_alone),
		cmocka_unit_test(several_bad_questions_get_a_refusal_each),
		cmocka_unit_test(a_commit_that_fails_refuses_only_whom_it_must),
		cmocka_unit_test(behind_a_sync_each_the_questions_have_nothing_in_common),
		cmocka_unit_test(a_deadlock_that_postgresql_finds_is_healed),
		cmocka_unit_test(a_deadlock_is_healed_within_a_short_statement_timeout),
		cmocka_unit_test(a_batch_whose_backend_is_terminated_is_away),
		cmocka_unit_test(an_idle_connection_that_is_terminated_comes_back),
		cmocka_unit_test(a_short_absence_is_bridged),
		cmocka_unit_test(a_long_absence_is_told_at_once),
		cmocka_unit_test(closing_tells_everybody),
		cmocka_unit_test(a_server_that_hangs_is_noticed_within_two_seconds),
		cmocka_unit_test(nobody_waits_too_long_behind_a_busy_server),
		cmocka_unit_test(slow_batches_are_followed_by_smaller_ones),
		cmocka_unit_test(news_is_heard_while_idle),
		cmocka_unit_test(news_is_heard_while_busy),
		cmocka_unit_test(large_arrays_travel_both_ways),
		cmocka_unit_test(the_loop_goes_round_while_a_name_is_looked_up),
		cmocka_unit_test(the_operators_options_are_kept),
		cmocka_unit_test(questions_that_ask_the_same_travel_as_one),
		cmocka_unit_test(one_bad_question_among_those_is_refused_alone),
		cmocka_unit_test(a_bad_question_beside_those_leaves_them_alone),
		cmocka_unit_test(each_of_those_gets_its_own_rows),
		cmocka_unit_test(large_ones_of_those_travel_apart),
		cmocka_unit_test(those_in_flight_are_away_with_their_backend),
	};

	if (!database()) {
		fputs("test_batch: DATABASE_URL must name a PostgreSQL that may be written to\n",
		      stderr);
		return 1;
	}
	return cmocka_run_group_tests(tests, migrate_first, NULL);
}
