/* reports_writer.c - the thread that writes report files: reads the tasks page by page, writes a file for
 * each user, batch by batch. Gets its orders from tasks_report.c, calls report_text.c and report_folder.c.
 *
 *   plan ──▶ [ page … files … record ] … ──▶ finish ──▶ forget what is too old
 *
 * A period is planned in the database and stays planned until its run says that it is finished: who dies
 * or cannot write leaves it to the next one, who writes the same files again. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/db.h"
#include "almanac/flow.h"
#include "almanac/log.h"
#include "almanac/rows.h"
#include "almanac/uuid.h"
#include "report.h"
#include "writer.h"

#define SECOND INT64_C(1000000)
#define PAGE_ROWS 2000
#define RETRY_US (5 * SECOND)
#define BUDGET_US (10 * SECOND) /* of one order: then the job's lease is renewed by a new run */
#define MISSED_MAX 240
#define OLD_FILES 500
#define STATEMENT_TIMEOUT_MS 30000
#define ANSWER_TIMEOUT_MS 35000
#define QUEUE_MAX 16
#define ARRAY_MAX ((size_t)16 << 20)
#define FILE_MAX ((size_t)1 << 30)
#define KEY_MAX 4096
#define COMPLAINT_MAX 4096

enum asked { ASKED_NOTHING, ASKED_PAGE, ASKED_RECORD, ASKED_OLD, ASKED_FORGET };

/* One period. */
struct period {
	struct flow flow;
	char run[UUID_TEXT_LENGTH + 1];
	int64_t starts_us, ends_us, seen_us, due_us, missed;
	int64_t began_us, files, tasks;
	enum asked asked;
	bool is_read;     /* the last page has come */
	bool is_finished; /* written and said so */
	struct report_folder *folder;
	struct report report;
	struct str user, id; /* of the last row */
	struct db_array names, users, sizes, over;
	struct str text; /* of a file */
};

struct report_writer {
	struct report_writer_options options;
	pthread_t thread;
	struct loop *loop;
	struct mailbox *mailbox;
	struct flows *flows;
	struct db *db;
	struct letter stop, quit;
	struct loop_timer drain, probe;
	struct report_order *order;
	int64_t order_began_us;
	int64_t next_in_us;
	int64_t missed; /* periods, when the last one was planned */
	struct period period;
	struct metric *written, *files, *failed, *written_at;
};

static struct report_writer *writer_of(struct flow *flow)
{
	return container_of(flow, struct report_writer, period.flow);
}

static int64_t setting(const struct report_writer *writer, enum setting name)
{
	return settings_number(writer->options.settings, name);
}

/* --- when the folder cannot be written ---------------------------------------------------------------------- */

static void set_stuck(struct report_writer *writer, bool is_stuck)
{
	atomic_store(writer->options.are_stuck, is_stuck);
	if (is_stuck)
		loop_timer_set(writer->loop, &writer->probe, clock_steady_us() + RETRY_US);
	else
		loop_timer_clear(writer->loop, &writer->probe);
}

static enum flow_next fail(struct report_writer *writer, const struct str *complaint)
{
	log_error(log_what("reports cannot be written"),
		  log_text("folder", settings_text(writer->options.settings, SETTING_REPORT_DIR)),
		  log_text("reason", str_text(complaint)));
	metric_add(writer->failed, 1);
	set_stuck(writer, true);
	writer->next_in_us = RETRY_US;
	return FLOW_END;
}

/* Another daemon may have written them since: the folder is tried by itself. */
static void probe(struct loop_timer *timer)
{
	struct report_writer *writer = container_of(timer, struct report_writer, probe);
	struct report_folder *folder;
	struct str complaint;
	bool is_good;

	str_init(&complaint, COMPLAINT_MAX);
	folder = report_folder_open(settings_text(writer->options.settings, SETTING_REPORT_DIR),
				    "probe", &complaint);
	is_good = folder && report_folder_write(folder, "probe", SPAN("probe"), &complaint);
	report_folder_close(folder);
	str_finish(&complaint);
	set_stuck(writer, !is_good);
}

static enum flow_next give_up(struct report_writer *writer, const struct db_answer *answer)
{
	if (answer->verdict == DB_REFUSED)
		log_warn(log_what("reports put off"), log_text("reason", answer->message));
	writer->next_in_us = answer->verdict == DB_REFUSED ? RETRY_US / 5 : RETRY_US;
	return FLOW_END;
}

/* --- plan --------------------------------------------------------------------------------------------------- */

static void ask_plan(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	const struct db_value values[] = {
		db_text(writer->period.run),
		db_number(flow->arena, setting(writer, SETTING_REPORT_INTERVAL_SECONDS)),
		db_number(flow->arena, MISSED_MAX),
	};

	flow_ask(flow, writer->db, SQL_TASKS_REPORT_PLAN, values, 3);
}

static void take_plan(struct period *period, const struct db_rows *rows)
{
	period->starts_us = rows_number_of(rows, 0, "starts_us");
	period->ends_us = rows_number_of(rows, 0, "ends_us");
	period->seen_us = rows_number_of(rows, 0, "seen_us");
	period->due_us = rows_number_of(rows, 0, "due_us");
	period->missed = rows_number_of(rows, 0, "missed");
}

/* Once when it begins to catch up, and once when many periods become one. */
static void tell_missed(struct report_writer *writer)
{
	const struct period *period = &writer->period;
	int64_t seconds = (period->ends_us - period->starts_us) / SECOND;

	if (period->missed > 1 && writer->missed <= 1)
		log_warn(log_what("reports missed"), log_number("periods", period->missed),
			 log_number("one_by_one_at_most", MISSED_MAX));
	if (seconds > setting(writer, SETTING_REPORT_INTERVAL_SECONDS))
		log_warn(log_what("missed reports become one"),
			 log_number("periods", period->missed), log_number("seconds", seconds));
	writer->missed = period->missed;
}

static enum flow_next plan(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	struct period *period = &writer->period;

	if (flow->is_stopping)
		return FLOW_END;
	if (!flow->answer) {
		ask_plan(flow);
		return FLOW_STAY;
	}
	if (flow->answer->verdict != DB_ANSWERED)
		return give_up(writer, flow->answer);
	if (!span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "planned")) {
		writer->next_in_us = rows_number_of(flow->answer->rows, 0, "wait_us");
		writer->missed = 0;
		return FLOW_END;
	}
	take_plan(period, flow->answer->rows);
	report_init(&period->report, period->starts_us, period->ends_us);
	tell_missed(writer);
	return FLOW_NEXT;
}

static enum flow_next open_folder(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	struct period *period = &writer->period;
	struct str complaint;

	str_init(&complaint, COMPLAINT_MAX);
	period->folder =
		report_folder_open(settings_text(writer->options.settings, SETTING_REPORT_DIR),
				   period->run, &complaint);
	if (period->folder)
		report_folder_sweep(period->folder);
	else
		fail(writer, &complaint);
	str_finish(&complaint);
	return period->folder ? FLOW_NEXT : FLOW_END;
}

/* --- pages and files ---------------------------------------------------------------------------------------- */

static bool write_file(struct period *period, struct str *complaint)
{
	struct span user = str_span(&period->report.user);
	char name[REPORT_NAME_MAX + 1];

	if (period->report.count == 0)
		return true;
	report_name(user, period->starts_us, period->ends_us, name);
	str_clear(&period->text);
	report_append_json(&period->report, &period->text);
	if (!report_folder_write(period->folder, name, str_span(&period->text), complaint))
		return false;
	db_array_add(&period->names, span_of(name));
	db_array_add(&period->users, user);
	db_array_add_number(&period->sizes, (int64_t)period->text.length);
	period->files++;
	period->tasks += (int64_t)period->report.count;
	return true;
}

static bool commit_if_full(struct period *period, struct str *complaint)
{
	return report_folder_waiting(period->folder) < REPORT_BATCH_FILES ||
	       report_folder_commit(period->folder, complaint);
}

static void remember(struct str *place, struct span text)
{
	str_clear(place);
	str_append(place, text);
}

static bool take_row(struct period *period, const struct db_rows *rows, size_t row,
		     struct str *complaint)
{
	struct span user = rows_text(rows, row, 0), id = rows_text(rows, row, 1);

	if (!span_equals(user, str_span(&period->report.user))) {
		if (!write_file(period, complaint) || !commit_if_full(period, complaint))
			return false;
		report_begin(&period->report, user);
	}
	if (!rows_is_null(rows, row, 3))
		report_add(&period->report, rows_text(rows, row, 3), id, rows_text(rows, row, 2),
			   rows_number(rows, row, 4), rows_flag(rows, row, 5));
	if (rows_flag(rows, row, 6))
		db_array_add(&period->over, id);
	return true;
}

/* user_id, id, content, list, at_us, is_late, is_over */
static bool take_page(struct period *period, const struct db_rows *rows, struct str *complaint)
{
	size_t count = rows_count(rows);

	for (size_t row = 0; row < count; row++)
		if (!take_row(period, rows, row, complaint))
			return false;
	if (count == PAGE_ROWS) {
		remember(&period->user, rows_text(rows, count - 1, 0));
		remember(&period->id, rows_text(rows, count - 1, 1));
		return true;
	}
	period->is_read = true;
	return write_file(period, complaint) && commit_if_full(period, complaint);
}

static void ask_page(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	struct period *period = &writer->period;
	const struct db_value values[] = {
		db_number(flow->arena, period->starts_us), db_number(flow->arena, period->ends_us),
		db_number(flow->arena, period->seen_us),   db_number(flow->arena, period->due_us),
		db_text(str_text(&period->user)),          db_text(str_text(&period->id)),
		db_number(flow->arena, PAGE_ROWS),
	};

	period->asked = ASKED_PAGE;
	flow_ask(flow, writer->db, SQL_TASKS_REPORT_PAGE, values, 7);
}

static void ask_record(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	struct period *period = &writer->period;
	const struct db_value values[] = {
		db_text(period->run),
		db_number(flow->arena, period->starts_us),
		db_number(flow->arena, period->ends_us),
		db_array_value(&period->names),
		db_array_value(&period->users),
		db_array_value(&period->sizes),
		db_array_value(&period->over),
		db_number(flow->arena, period->seen_us),
	};

	period->asked = ASKED_RECORD;
	flow_ask(flow, writer->db, SQL_TASKS_REPORT_RECORD, values, 8);
}

/* Enough, or the last ones, to be committed and recorded. */
static bool is_batch(const struct period *period)
{
	return period->names.count >= REPORT_BATCH_FILES || period->over.count >= PAGE_ROWS ||
	       (period->is_read && (period->names.count > 0 || period->over.count > 0));
}

static void clear_arrays(struct period *period)
{
	db_array_clear(&period->names);
	db_array_clear(&period->users);
	db_array_clear(&period->sizes);
	db_array_clear(&period->over);
}

static bool is_stale(const struct flow *flow)
{
	return span_is(rows_text_of(flow->answer->rows, 0, "outcome"), "stale");
}

/* False when the run is over. */
static bool take_answer(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	struct period *period = &writer->period;
	struct str complaint;
	bool is_good = true;

	if (flow->answer->verdict != DB_ANSWERED) {
		give_up(writer, flow->answer);
		return false;
	}
	if (period->asked == ASKED_RECORD) {
		clear_arrays(period);
		return !is_stale(flow);
	}
	str_init(&complaint, COMPLAINT_MAX);
	is_good = take_page(period, flow->answer->rows, &complaint) &&
		  (!is_batch(period) || report_folder_commit(period->folder, &complaint));
	if (!is_good)
		fail(writer, &complaint);
	str_finish(&complaint);
	return is_good;
}

/* A batch is recorded as soon as all its files are committed. */
static enum flow_next write_files(struct flow *flow)
{
	struct period *period = &writer_of(flow)->period;

	if (flow->answer && !take_answer(flow))
		return FLOW_END;
	if (flow->is_stopping)
		return FLOW_END;
	if (is_batch(period))
		ask_record(flow);
	else if (period->is_read)
		return FLOW_NEXT;
	else
		ask_page(flow);
	return FLOW_STAY;
}

/* --- the end of a period ------------------------------------------------------------------------------------- */

static void tell(struct report_writer *writer)
{
	const struct period *period = &writer->period;

	set_stuck(writer, false);
	metric_add(writer->written, 1);
	metric_add(writer->files, period->files);
	metric_set_time_us(writer->written_at, clock_wall_us());
	log_write(period->files ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
		  (const struct log_field[]){log_what("reports written"),
					     log_text("run", period->run),
					     log_number("start", period->starts_us / SECOND),
					     log_number("end", period->ends_us / SECOND),
					     log_number("files", period->files),
					     log_number("tasks", period->tasks),
					     log_ms("ms", clock_steady_us() - period->began_us),
					     {0}});
}

static enum flow_next finish(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	const struct db_value values[] = {db_text(writer->period.run)};

	if (!flow->answer) {
		flow_ask(flow, writer->db, SQL_TASKS_REPORT_FINISH, values, 1);
		return FLOW_STAY;
	}
	if (flow->answer->verdict != DB_ANSWERED)
		return give_up(writer, flow->answer);
	if (is_stale(flow))
		return FLOW_END;
	writer->period.is_finished = true;
	tell(writer);
	return FLOW_NEXT;
}

/* --- what is too old ------------------------------------------------------------------------------------------ */

static void ask_old(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	const struct db_value values[] = {
		db_number(flow->arena, setting(writer, SETTING_REPORT_RETENTION_DAYS)),
		db_number(flow->arena, OLD_FILES),
	};

	writer->period.asked = ASKED_OLD;
	flow_ask(flow, writer->db, SQL_TASKS_REPORT_OLD, values, 2);
}

static void remove_old(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	struct period *period = &writer->period;
	const struct db_rows *rows = flow->answer->rows;

	for (size_t row = 0; row < rows_count(rows); row++) {
		const char *name = arena_text(flow->arena, rows_text(rows, row, 0));

		report_folder_remove(period->folder, name);
		db_array_add(&period->names, span_of(name));
	}
	const struct db_value values[] = {db_array_value(&period->names)};

	period->asked = ASKED_FORGET;
	flow_ask(flow, writer->db, SQL_TASKS_REPORT_FORGET, values, 1);
}

static enum flow_next forget(struct flow *flow)
{
	struct period *period = &writer_of(flow)->period;
	bool is_answered = flow->answer && flow->answer->verdict == DB_ANSWERED;
	bool has_begun = period->asked == ASKED_OLD || period->asked == ASKED_FORGET;

	if (flow->is_stopping || (has_begun && !is_answered))
		return FLOW_END;
	if (period->asked == ASKED_OLD && rows_count(flow->answer->rows) == 0)
		return FLOW_END;
	if (period->asked == ASKED_OLD) {
		remove_old(flow);
	} else {
		clear_arrays(period);
		ask_old(flow);
	}
	return FLOW_STAY;
}

static const struct flow_step period_steps[] = {
	{"plan", plan},     {"open folder", open_folder}, {"write", write_files},
	{"finish", finish}, {"forget", forget},           {0}};

/* --- periods one after the other ------------------------------------------------------------------------------ */

static void close_period(struct period *period)
{
	report_folder_close(period->folder);
	report_finish(&period->report);
	str_finish(&period->user);
	str_finish(&period->id);
	str_finish(&period->text);
	db_array_finish(&period->names);
	db_array_finish(&period->users);
	db_array_finish(&period->sizes);
	db_array_finish(&period->over);
}

static void open_period(struct period *period)
{
	struct uuid run = uuid_make();

	*period = (struct period){.began_us = clock_steady_us()};
	uuid_write(&run, period->run);
	str_init(&period->user, KEY_MAX);
	str_init(&period->id, KEY_MAX);
	str_init(&period->text, FILE_MAX);
	db_array_init(&period->names, ARRAY_MAX);
	db_array_init(&period->users, ARRAY_MAX);
	db_array_init(&period->sizes, ARRAY_MAX);
	db_array_init(&period->over, ARRAY_MAX);
}

static void came_back(struct letter *letter)
{
	struct report_order *order = container_of(letter, struct report_order, letter);

	order->back(order);
}

static void send_back(struct report_writer *writer)
{
	struct report_order *order = writer->order;

	writer->order = NULL;
	order->next_in_us = writer->next_in_us;
	order->letter.open = came_back;
	mailbox_post(order->mailbox, &order->letter);
}

static void begin_period(struct report_writer *writer);

static void ended(struct flow *flow)
{
	struct report_writer *writer = writer_of(flow);
	bool goes_on = writer->period.is_finished && !flow->is_stopping;
	bool is_late = clock_steady_us() - writer->order_began_us > BUDGET_US;

	close_period(&writer->period);
	if (goes_on && is_late)
		writer->next_in_us = 1;
	if (goes_on && !is_late)
		begin_period(writer);
	else
		send_back(writer);
}

static void begin_period(struct report_writer *writer)
{
	writer->next_in_us = RETRY_US;
	open_period(&writer->period);
	flow_start(writer->flows, &writer->period.flow, period_steps, ended);
}

/* --- letters -------------------------------------------------------------------------------------------------- */

static void ordered(struct letter *letter)
{
	struct report_order *order = container_of(letter, struct report_order, letter);
	struct report_writer *writer = order->writer;

	writer->order = order;
	writer->order_began_us = clock_steady_us();
	begin_period(writer);
}

static void stop_heard(struct letter *letter)
{
	flows_stop(container_of(letter, struct report_writer, stop)->flows);
}

static void drain(struct loop_timer *timer)
{
	struct report_writer *writer = container_of(timer, struct report_writer, drain);

	if (flows_running(writer->flows) == 0)
		loop_stop(writer->loop);
	else
		loop_timer_set(writer->loop, timer, clock_steady_us() + SECOND / 1000);
}

static void quit_heard(struct letter *letter)
{
	struct report_writer *writer = container_of(letter, struct report_writer, quit);

	flows_stop(writer->flows);
	flows_close(writer->flows);
	db_close(writer->db);
	writer->db = NULL;
	loop_timer_set(writer->loop, &writer->drain, 0);
}

/* --- the thread ----------------------------------------------------------------------------------------------- */

static struct db *open_db(struct report_writer *writer)
{
	const struct db_options options = {
		.conninfo = settings_database(writer->options.settings),
		.application_name = "almanac-reports",
		.queue_max = QUEUE_MAX,
		.batch_max = 1,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS,
		.answer_timeout_ms = ANSWER_TIMEOUT_MS,
		.metrics = writer->options.metrics,
		.label = "almanac-reports",
	};

	return db_open(writer->loop, &options);
}

static void *run(void *argument)
{
	struct report_writer *writer = argument;

	writer->db = open_db(writer);
	loop_run(writer->loop);
	loop_timer_clear(writer->loop, &writer->probe);
	return NULL;
}

static struct metric *metric_of(struct report_writer *writer, enum metric_kind kind,
				const char *name, const char *help)
{
	return metrics_get(writer->options.metrics, kind, name, help, NULL);
}

struct report_writer *report_writer_start(const struct report_writer_options *options)
{
	struct report_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		abort();
	writer->options = *options;
	writer->loop = loop_create();
	writer->mailbox = mailbox_create(writer->loop);
	writer->flows = flows_create(writer->loop);
	writer->drain.fire = drain;
	writer->probe.fire = probe;
	writer->written = metric_of(writer, METRIC_COUNTER, "almanac_reports_written_total",
				    "Periods whose reports were written.");
	writer->files = metric_of(writer, METRIC_COUNTER, "almanac_report_files_total",
				  "Report files written.");
	writer->failed = metric_of(writer, METRIC_COUNTER, "almanac_reports_failed_total",
				   "Times that report files could not be written.");
	writer->written_at = metric_of(writer, METRIC_GAUGE, "almanac_reports_timestamp_seconds",
				       "When this daemon last wrote the reports of a period.");
	if (pthread_create(&writer->thread, NULL, run, writer) != 0)
		abort();
	return writer;
}

void report_writer_send(struct report_writer *writer, struct report_order *order)
{
	order->writer = writer;
	order->letter.open = ordered;
	mailbox_post(writer->mailbox, &order->letter);
}

void report_writer_stop(struct report_writer *writer)
{
	writer->stop.open = stop_heard;
	mailbox_post(writer->mailbox, &writer->stop);
}

void report_writer_destroy(struct report_writer *writer)
{
	writer->quit.open = quit_heard;
	mailbox_post(writer->mailbox, &writer->quit);
	pthread_join(writer->thread, NULL);
	mailbox_destroy(writer->mailbox);
	flows_destroy(writer->flows);
	loop_destroy(writer->loop);
	free(writer);
}
