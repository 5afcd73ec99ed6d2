/* tasks_webhook.c - POST /webhook: every webhook is kept, judged and answered in one statement.
 *
 *   signature? ── 401 ─▶ keep          valid body? ── 422 ─▶ keep
 *   known event? ── 400 ─▶ keep        else ─▶ receive: 202, 400, 404, 409 */
#include <string.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/digest.h"
#include "almanac/json.h"
#include "almanac/rows.h"
#include "almanac/schema.h"
#include "almanac/tasks.h"
#include "almanac/uuid.h"
#include "webhook.h"

#define ANSWER_MAX ((size_t)1 << 18)
#define HEADERS_MAX ((size_t)1 << 16)
#define SECOND_US 1000000

/* What is decided before anything is asked; zeroed: the statement decides. */
struct verdict {
	int status;
	enum tasks_outcome outcome;
	const char *answer;
};

static const struct {
	const char *word;
	int status;
	const char *answer;
} outcomes[] = {
	[TASKS_ACCEPTED] = {"accepted", 202, "null"},
	[TASKS_DUPLICATE] = {"duplicate", 409, "{\"detail\":\"Duplicate task creation\"}"},
	[TASKS_NOT_FOUND] = {"not_found", 404, "{\"detail\":\"Task not found\"}"},
	[TASKS_REFUSED] = {"refused", 400, "{\"detail\":\"Invalid event status\"}"},
	[TASKS_REPEATED] = {"repeated", 0, NULL},
	[TASKS_INVALID] = {"invalid", 422, NULL},
	[TASKS_UNSIGNED] = {"unsigned", 401, NULL},
};

/* --- the desk --------------------------------------------------------------------------------------------- */

bool tasks_judge(const struct settings *settings, struct str *complaint)
{
	struct tasks_secrets *secrets;

	str_append_text(complaint, "WEBHOOK_VERIFY_SECRETS: ");
	secrets = tasks_secrets_create(settings_text(settings, SETTING_WEBHOOK_VERIFY_SECRETS),
				       complaint);
	tasks_secrets_destroy(secrets);
	if (secrets)
		str_clear(complaint);
	return secrets != NULL;
}

void tasks_desk_init(struct tasks_desk *desk, const struct settings *settings,
		     struct metrics *metrics)
{
	struct str complaint;

	str_init(&complaint, HEADERS_MAX);
	desk->desk.name = "tasks";
	desk->secrets = tasks_secrets_create(
		settings_text(settings, SETTING_WEBHOOK_VERIFY_SECRETS), &complaint);
	str_finish(&complaint);
	for (size_t i = 0; i < TASKS_OUTCOME_COUNT; i++) {
		const char *const labels[] = {"outcome", outcomes[i].word, NULL};

		desk->received[i] =
			metrics_get(metrics, METRIC_COUNTER, "almanac_webhooks_received_total",
				    "Webhooks kept, by their outcome.", labels);
	}
}

void tasks_desk_finish(struct tasks_desk *desk)
{
	tasks_secrets_destroy(desk->secrets);
}

static struct tasks_desk *desk_of(const struct request *request)
{
	return container_of(request_desk(request, "tasks"), struct tasks_desk, desk);
}

/* --- headers ------------------------------------------------------------------------------------------------ */

static const char *const headers_that_matter[] = {
	"content-type",      "user-agent",  "webhook-id",      "webhook-timestamp",
	"webhook-signature", "traceparent", "x-forwarded-for", NULL,
};

static const char *write_headers(struct request *request)
{
	struct str out;
	const char *text;

	str_init(&out, HEADERS_MAX);
	str_append_text(&out, "{\"x-request-id\":");
	json_append_text(&out, span_of(request_id(request)));
	for (const char *const *name = headers_that_matter; *name; name++) {
		struct span value = request_header(request, *name);

		if (!value.bytes)
			continue;
		str_format(&out, ",\"%s\":", *name);
		json_append_text(&out, value);
	}
	str_append_char(&out, '}');
	text = out.has_overflowed ? "{}" : arena_text(request_arena(request), str_span(&out));
	str_finish(&out);
	return text;
}

/* --- judging ------------------------------------------------------------------------------------------------ */

static const char *judge_signature(struct request *request)
{
	const struct signature signature = {
		.id = request_header(request, "webhook-id"),
		.timestamp = request_header(request, "webhook-timestamp"),
		.signatures = request_header(request, "webhook-signature"),
		.body = request_body(request),
	};
	const struct tasks_secrets *secrets = desk_of(request)->secrets;

	if (!tasks_secrets_are_any(secrets))
		return NULL;
	return signature_judge(request_arena(request), secrets, &signature,
			       clock_wall_us() / SECOND_US);
}

static struct verdict judge(struct request *request, struct webhook *webhook)
{
	struct arena *arena = request_arena(request);
	const char *fault = judge_signature(request);
	struct verdict verdict = {0};
	struct str answer;

	if (fault)
		return (struct verdict){401, TASKS_UNSIGNED,
					arena_format(arena, "{\"detail\":\"%s\"}", fault)};
	str_init(&answer, ANSWER_MAX);
	if (!body_judge(arena, request_body(request), request_is_of(request, "application/json"),
			webhook, &answer))
		verdict =
			(struct verdict){422, TASKS_INVALID, arena_text(arena, str_span(&answer))};
	else if (webhook->kind == WEBHOOK_UNKNOWN)
		verdict = (struct verdict){400, TASKS_REFUSED, outcomes[TASKS_REFUSED].answer};
	str_finish(&answer);
	return verdict;
}

/* --- asking ------------------------------------------------------------------------------------------------- */

/* Redeliveries have the same: half of a digest of webhook-id and body. NULL without a webhook-id. */
static const char *key_of(struct request *request)
{
	struct span id = request_header(request, "webhook-id");
	uint8_t bytes[DIGEST_LENGTH];
	char text[UUID_TEXT_LENGTH];
	struct digest *digest;
	struct uuid key;

	if (id.length == 0)
		return NULL;
	digest = digest_create();
	digest_feed(digest, id);
	digest_feed(digest, (struct span){"", 1});
	digest_feed(digest, request_body(request));
	digest_take(digest, bytes);
	digest_destroy(digest);
	memcpy(key.bytes, bytes, sizeof(key.bytes));
	uuid_write(&key, text);
	return arena_text(request_arena(request), (struct span){text, sizeof(text)});
}

static struct db_value id_value(struct request *request)
{
	struct span id = request_header(request, "webhook-id");

	return db_text(id.length > 0 && span_is_text(id) ? arena_text(request_arena(request), id)
							 : NULL);
}

static struct db_value body_value(const struct request *request)
{
	struct span body = request_body(request);

	return (struct db_value){body.length ? body.bytes : "", body.length, true};
}

static void prepare_keep(struct request *request, const struct verdict *verdict,
			 struct asking *asking)
{
	asking->statement = SQL_TASKS_KEEP;
	asking->values[0] = db_number(request_arena(request), verdict->status);
	asking->values[1] = db_text(verdict->answer);
	asking->values[2] = id_value(request);
	asking->values[3] = db_text(write_headers(request));
	asking->values[4] = body_value(request);
	asking->value_count = 5;
}

static void prepare_receive(struct request *request, const struct webhook *webhook,
			    struct asking *asking)
{
	asking->values[0] = db_number(request_arena(request), webhook->kind);
	asking->values[1] = db_text(webhook->at);
	asking->values[2] = db_text(webhook->user);
	asking->values[3] = db_text(webhook->id);
	asking->values[4] = db_text(webhook->content);
	asking->values[5] = db_text(key_of(request));
	asking->values[6] = id_value(request);
	asking->values[7] = db_text(write_headers(request));
	asking->values[8] = body_value(request);
	asking->value_count = 9;
}

static void prepare(struct request *request, struct asking *asking)
{
	struct verdict *verdict = arena_alloc(request_arena(request), sizeof(*verdict));
	struct webhook webhook = {0};

	*verdict = judge(request, &webhook);
	request_keep(request, verdict);
	if (verdict->status)
		prepare_keep(request, verdict, asking);
	else
		prepare_receive(request, &webhook, asking);
}

/* --- saying ------------------------------------------------------------------------------------------------- */

/* What the statement decided. */
static enum tasks_outcome read_outcome(struct span word)
{
	for (size_t i = 0; i < TASKS_OUTCOME_COUNT; i++)
		if (span_is(word, outcomes[i].word))
			return (enum tasks_outcome)i;
	return TASKS_REFUSED;
}

static void say(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	const struct verdict *verdict = request_kept(request);
	int is_repeat = rows_find(rows, "is_repeat");
	bool is_repeated = is_repeat >= 0 && rows_flag(rows, 0, (size_t)is_repeat);
	enum tasks_outcome outcome = verdict->outcome;

	if (!verdict->status)
		outcome = read_outcome(rows_text_of(rows, 0, "outcome"));
	reply->status = verdict->status ? verdict->status : outcomes[outcome].status;
	str_append_text(&reply->body, verdict->status ? verdict->answer : outcomes[outcome].answer);
	str_append_char(&reply->body, '\n');
	metric_add(desk_of(request)->received[is_repeated ? TASKS_REPEATED : outcome], 1);
}

/* --- the records -------------------------------------------------------------------------------------------- */

#define BODY_SCHEMA                                                                                \
	"{\"type\":\"object\",\"required\":[\"event\",\"timestamp\",\"metadata\"],"                \
	"\"properties\":{\"event\":{\"type\":\"string\",\"enum\":[\"created\",\"updated\","        \
	"\"deleted\",\"completed\",\"reopened\",\"content_updated\"]},"                            \
	"\"timestamp\":{\"type\":\"string\",\"format\":\"date-time\"},"                            \
	"\"metadata\":{\"type\":\"object\","                                                       \
	"\"required\":[\"userId\",\"id\",\"content\",\"isCompleted\"],\"properties\":{"            \
	"\"userId\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1000},"                     \
	"\"id\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1000},"                         \
	"\"content\":{\"type\":\"string\"},\"isCompleted\":{\"type\":\"boolean\"}}}}}"

#define BODY_EXAMPLE                                                                               \
	"{\"event\":\"created\",\"timestamp\":\"2026-01-01T10:00:00Z\",\"metadata\":{"             \
	"\"userId\":\"u1\",\"id\":\"t1\",\"content\":\"Buy milk\",\"isCompleted\":false}}"

/* clang-format off */
#define FAULT_SCHEMA                                                                               \
	SCHEMA_TITLED("TaskFault", "\"type\",\"loc\",\"msg\",\"input\"",                           \
		MEMBER("type", SCHEMA_TEXT) "," MEMBER("loc", SCHEMA_LIST(SCHEMA_TEXT)) ","        \
		MEMBER("msg", SCHEMA_TEXT) "," MEMBER("input", "{}") ","                           \
		MEMBER("ctx", SCHEMA_ANY_OBJECT))

#define FAULTS_SCHEMA                                                                              \
	SCHEMA_TITLED("TaskFaults", "\"detail\"", MEMBER("detail", SCHEMA_LIST(FAULT_SCHEMA)))
/* clang-format on */

static const struct other_answer others[] = {
	{400, PROBLEM_NONE, "The event is not known, or not for this task.", SCHEMA_DETAIL},
	{401, PROBLEM_NONE, "No signature is right, and one is demanded.", SCHEMA_DETAIL},
	{404, PROBLEM_NONE, "The task is not known.", SCHEMA_DETAIL},
	{409, PROBLEM_NONE, "The task was created before.", SCHEMA_DETAIL},
	{422, PROBLEM_NONE, "All that is wrong with the body.", FAULTS_SCHEMA},
	{0},
};

#define WEBHOOK_RECORD(name_, path_)                                                                \
	{                                                                                           \
		.name = (name_), .method = "POST", .path = (path_), .tag = "tasks",                 \
		.summary = "Take a webhook about a task",                                           \
		.description =                                                                      \
			"Kept with its answer, whatever it is. A timestamp without a zone means "   \
			"UTC. 202 null once it is stored; 400 an event that is not known, or that " \
			"a deleted task does not take; 404 the task is not known; 409 it was "      \
			"created before; 422 faults of the body; 401 when signatures are "          \
			"demanded and none is right. The same webhook-id and body gets the first "  \
			"answer again.",                                                            \
		.opened_by = SETTING_WEBHOOK_VERIFY_SECRETS, .body = BODY_RAW,                      \
		.has_statement = true, .asks = SQL_TASKS_RECEIVE, .prepares = prepare,              \
		.says = say, .status = 202, .answer_schema = "{\"type\":\"null\"}",                 \
		.body_schema = BODY_SCHEMA, .body_example = BODY_EXAMPLE, .others = others          \
	}

const struct endpoint tasks_webhook = WEBHOOK_RECORD("tasks_webhook", "/webhook");
const struct endpoint tasks_webhook_slash = WEBHOOK_RECORD("tasks_webhook_slash", "/webhook/");
