/* providers_api.c - the paths of providers and their sync runs: records over sql/catalog. */
#include "almanac/catalog.h"
#include "almanac/paging.h"
#include "almanac/schema.h"

#define INTERVAL_MAX 86400

/* clang-format off */
#define PROVIDER_SCHEMA                                                                            \
	SCHEMA_TITLED("Provider",                                                                  \
		"\"id\",\"name\",\"url\",\"timezone\",\"intervalSeconds\",\"nextSyncAt\"",             \
		MEMBER("id", SCHEMA_INTEGER) "," MEMBER("name", SCHEMA_TEXT) ","                   \
		MEMBER("url", SCHEMA_TEXT) "," MEMBER("timezone", SCHEMA_TEXT) ","                 \
		MEMBER("intervalSeconds", SCHEMA_INTEGER) "," MEMBER("events", SCHEMA_INTEGER) "," \
		MEMBER("failures", SCHEMA_INTEGER) "," MEMBER("lastStatus", SCHEMA_MAYBE_TEXT) "," \
		MEMBER("lastSyncedAt", SCHEMA_MAYBE_MOMENT) ","                                    \
		MEMBER("nextSyncAt", SCHEMA_MOMENT) "," MEMBER("createdAt", SCHEMA_MOMENT) ","     \
		MEMBER("updatedAt", SCHEMA_MOMENT))

#define FEED_PROBLEM_SCHEMA                                                                        \
	SCHEMA_TITLED("FeedProblem", "\"field\",\"message\"",                                      \
		MEMBER("base_id", SCHEMA_TEXT) "," MEMBER("event_id", SCHEMA_TEXT) ","             \
		MEMBER("field", SCHEMA_TEXT) "," MEMBER("message", SCHEMA_TEXT) ","                \
		MEMBER("value", SCHEMA_TEXT))

/* One that was just queued tells only the first of these. */
#define SYNC_SCHEMA                                                                                \
	SCHEMA_TITLED("ProviderSync", "\"syncId\",\"providerId\",\"status\"",                      \
		MEMBER("syncId", SCHEMA_UUID) "," MEMBER("providerId", SCHEMA_INTEGER) ","         \
		MEMBER("status", "{\"type\":\"string\",\"enum\":[\"queued\",\"running\","            \
			"\"succeeded\",\"partial\",\"failed\"]}") ","                              \
		MEMBER("queuedAt", SCHEMA_MOMENT) "," MEMBER("startedAt", SCHEMA_MAYBE_MOMENT) "," \
		MEMBER("finishedAt", SCHEMA_MAYBE_MOMENT) "," MEMBER("reason", SCHEMA_TEXT) ","    \
		MEMBER("attempts", SCHEMA_INTEGER) "," MEMBER("httpStatus", SCHEMA_MAYBE_INTEGER)  \
		"," MEMBER("notModified", SCHEMA_FLAG) "," MEMBER("wireBytes", SCHEMA_INTEGER) "," \
		MEMBER("bodyBytes", SCHEMA_INTEGER) "," MEMBER("events", SCHEMA_INTEGER) ","       \
		MEMBER("zones", SCHEMA_INTEGER) "," MEMBER("created", SCHEMA_INTEGER) ","          \
		MEMBER("updated", SCHEMA_INTEGER) "," MEMBER("unchanged", SCHEMA_INTEGER) ","      \
		MEMBER("rejected", SCHEMA_INTEGER) "," MEMBER("vanished", SCHEMA_INTEGER) ","      \
		MEMBER("problemCount", SCHEMA_INTEGER) ","                                         \
		MEMBER("problems", SCHEMA_LIST(FEED_PROBLEM_SCHEMA)) ","                           \
		MEMBER("error", SCHEMA_MAYBE_TEXT))
/* clang-format on */

static const char *const location[] = {"Location", NULL};

#define PROVIDER_ID                                                                                \
	{                                                                                          \
		.name = "id", .place = FIELD_IN_PATH, .kind = FIELD_INTEGER, .is_required = true,  \
		.min = 1, .max = INT64_MAX, .description = "The provider's number.",               \
		.example = "1"                                                                     \
	}

static struct db_value default_interval(struct request *request)
{
	return db_number(request_arena(request),
			 settings_number(request_settings(request),
					 SETTING_EVENTS_SYNC_DELAY_SECONDS));
}

/* --- GET /api/v1/providers -------------------------------------------------------------------------- */

enum { LIST_CURSOR, LIST_LIMIT };

static const struct field list_fields[] = {PAGE_CURSOR("MQ"), PAGE_LIMIT, {0}};

static enum problem list_rules(struct request *request, struct field_faults *faults)
{
	page_judge_number(request, LIST_CURSOR, faults);
	return PROBLEM_NONE;
}

static void list_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = db_text(page_cursor(request, LIST_CURSOR));
	asking->values[1] = request_given(request, LIST_LIMIT);
	asking->values[2] = default_interval(request);
	asking->value_count = 3;
}

const struct endpoint providers_list = {
	.name = "providers_list",
	.method = "GET",
	.path = "/api/v1/providers",
	.tag = "providers",
	.summary = "List providers",
	.description = "All providers of event feeds, in the order of their ids.",
	.reads = list_fields,
	.check = list_rules,
	.has_statement = true,
	.asks = SQL_CATALOG_PROVIDER_LIST,
	.prepares = list_prepare,
	.says = say_rows,
	.has_etag = true,
	.answer_schema = PAGE_SCHEMA(PROVIDER_SCHEMA),
};

/* --- POST /api/v1/providers ------------------------------------------------------------------------- */

enum { CREATE_NAME, CREATE_URL, CREATE_TIMEZONE, CREATE_INTERVAL };

static const struct field create_fields[] = {
	{.name = "name",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_TEXT,
	 .is_required = true,
	 .min = 1,
	 .max = 200,
	 .description = "A name for people, unique.",
	 .example = "city-theatres"},
	{.name = "url",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_URL,
	 .is_required = true,
	 .description = "Where the XML feed is.",
	 .example = "https://provider.example/events.xml"},
	{.name = "timezone",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_TEXT,
	 .min = 1,
	 .max = 64,
	 .by_default = "UTC",
	 .description = "IANA zone of the feed's times that carry no offset.",
	 .example = "Europe/Madrid"},
	{.name = "intervalSeconds",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = INTERVAL_MAX,
	 .description = "Seconds between syncs; EVENTS_SYNC_DELAY_SECONDS when not given.",
	 .example = "60"},
	{0},
};

static const struct outcome create_outcomes[] = {
	{"created", 201, PROBLEM_NONE},
	{"name_taken", 0, PROBLEM_PROVIDER_NAME_TAKEN},
	{"timezone_unknown", 0, PROBLEM_PROVIDER_TIMEZONE},
	{0},
};

static void create_prepare(struct request *request, struct asking *asking)
{
	for (size_t place = CREATE_NAME; place <= CREATE_INTERVAL; place++)
		asking->values[place] = request_given(request, place);
	asking->values[CREATE_INTERVAL + 1] = default_interval(request);
	asking->value_count = CREATE_INTERVAL + 2;
}

const struct endpoint providers_create = {
	.name = "providers_create",
	.method = "POST",
	.path = "/api/v1/providers",
	.tag = "providers",
	.scope = SCOPE_ADMIN,
	.summary = "Create a provider",
	.description = "The feed is fetched at once, and then every intervalSeconds.",
	.reads = create_fields,
	.has_statement = true,
	.asks = SQL_CATALOG_PROVIDER_CREATE,
	.prepares = create_prepare,
	.says = say_row,
	.outcomes = create_outcomes,
	.status = 201,
	.answer_schema = PROVIDER_SCHEMA,
	.headers = location,
};

/* --- GET, PATCH, DELETE /api/v1/providers/{id} ------------------------------------------------------- */

static const struct field id_fields[] = {PROVIDER_ID, {0}};

static void find_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = request_given(request, 0);
	asking->values[1] = default_interval(request);
	asking->value_count = 2;
}

const struct endpoint providers_find = {
	.name = "providers_find",
	.method = "GET",
	.path = "/api/v1/providers/{id}",
	.tag = "providers",
	.summary = "Look a provider up",
	.description = "The provider, how its last sync ended, and when the next one is due.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_CATALOG_PROVIDER_FIND,
	.prepares = find_prepare,
	.says = say_row,
	.empty = PROBLEM_PROVIDER_NOT_FOUND,
	.has_etag = true,
	.answer_schema = PROVIDER_SCHEMA,
};

enum { CHANGE_ID, CHANGE_NAME, CHANGE_URL, CHANGE_TIMEZONE, CHANGE_INTERVAL };

static const struct field change_fields[] = {
	PROVIDER_ID,
	{.name = "name",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_TEXT,
	 .min = 1,
	 .max = 200,
	 .description = "Another name.",
	 .example = "city-theatres"},
	{.name = "url",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_URL,
	 .description = "Another place of the feed.",
	 .example = "https://provider.example/events.xml"},
	{.name = "timezone",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_TEXT,
	 .min = 1,
	 .max = 64,
	 .description = "Another IANA zone; all local times are read anew.",
	 .example = "Europe/Madrid"},
	{.name = "intervalSeconds",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_INTEGER,
	 .min = 1,
	 .max = INTERVAL_MAX,
	 .description = "Other seconds between syncs.",
	 .example = "60"},
	{0},
};

static const struct outcome change_outcomes[] = {
	{"changed", 200, PROBLEM_NONE},
	{"not_found", 0, PROBLEM_PROVIDER_NOT_FOUND},
	{"name_taken", 0, PROBLEM_PROVIDER_NAME_TAKEN},
	{"timezone_unknown", 0, PROBLEM_PROVIDER_TIMEZONE},
	{0},
};

static void change_prepare(struct request *request, struct asking *asking)
{
	for (size_t place = CHANGE_ID; place <= CHANGE_INTERVAL; place++)
		asking->values[place] = request_given(request, place);
	asking->values[CHANGE_INTERVAL + 1] = default_interval(request);
	asking->value_count = CHANGE_INTERVAL + 2;
}

const struct endpoint providers_change = {
	.name = "providers_change",
	.method = "PATCH",
	.path = "/api/v1/providers/{id}",
	.tag = "providers",
	.scope = SCOPE_ADMIN,
	.summary = "Change a provider",
	.description =
		"What is not given stays. The feed is fetched again at once; with another url or "
		"timezone every event is compared anew.",
	.reads = change_fields,
	.has_statement = true,
	.asks = SQL_CATALOG_PROVIDER_CHANGE,
	.prepares = change_prepare,
	.says = say_row,
	.outcomes = change_outcomes,
	.answer_schema = PROVIDER_SCHEMA,
};

static const struct outcome delete_outcomes[] = {
	{"deleted", 204, PROBLEM_NONE},
	{"not_found", 0, PROBLEM_PROVIDER_NOT_FOUND},
	{0},
};

const struct endpoint providers_delete = {
	.name = "providers_delete",
	.method = "DELETE",
	.path = "/api/v1/providers/{id}",
	.tag = "providers",
	.scope = SCOPE_ADMIN,
	.summary = "Delete a provider",
	.description = "Its events are no longer found from now on; their rows are removed in the "
		       "background. The name is free again.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_CATALOG_PROVIDER_DELETE,
	.says = say_nothing,
	.outcomes = delete_outcomes,
	.status = 204,
};

/* --- sync runs -------------------------------------------------------------------------------------- */

static const struct outcome sync_outcomes[] = {
	{"queued", 202, PROBLEM_NONE},
	{"not_found", 0, PROBLEM_PROVIDER_NOT_FOUND},
	{0},
};

static void sync_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = request_given(request, 0);
	asking->values[1] = db_text(request_id(request));
	asking->values[2] = db_text(request_trace(request));
	asking->value_count = 3;
}

const struct endpoint providers_sync = {
	.name = "providers_sync",
	.method = "POST",
	.path = "/api/v1/providers/{id}/sync",
	.tag = "providers",
	.summary = "Sync a provider now",
	.description =
		"Queues a run and answers with it; while one is queued or running, with that one.",
	.reads = id_fields,
	.has_statement = true,
	.asks = SQL_CATALOG_PROVIDER_SYNC,
	.prepares = sync_prepare,
	.says = say_row,
	.outcomes = sync_outcomes,
	.status = 202,
	.answer_schema = SYNC_SCHEMA,
	.headers = location,
};

static const struct field syncs_fields[] = {PROVIDER_ID, PAGE_CURSOR("MQ"), PAGE_LIMIT, {0}};

/* A provider without runs comes as one row without a run. */
static void say_syncs(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	if (rows_is_null_of(rows, 0, "syncId"))
		str_append_text(&reply->body, "{\"data\":[],\"next\":null}\n");
	else
		say_rows(request, rows, reply);
}

const struct endpoint providers_syncs = {
	.name = "providers_syncs",
	.method = "GET",
	.path = "/api/v1/providers/{id}/syncs",
	.tag = "providers",
	.summary = "List a provider's sync runs",
	.description =
		"The newest first: how each ended, what it counted, and the first 100 problems of "
		"the feed.",
	.reads = syncs_fields,
	.check = page_runs_check,
	.has_statement = true,
	.asks = SQL_CATALOG_SYNC_LIST,
	.prepares = page_runs_prepare,
	.says = say_syncs,
	.empty = PROBLEM_PROVIDER_NOT_FOUND,
	.answer_schema = PAGE_SCHEMA(SYNC_SCHEMA),
};

static const struct field sync_find_fields[] = {
	PROVIDER_ID,
	{.name = "syncId",
	 .place = FIELD_IN_PATH,
	 .kind = FIELD_UUID,
	 .is_required = true,
	 .description = "The run.",
	 .example = "0d0bb0f3-3a52-4a6e-8a8a-0f6b4f2f5a11"},
	{0},
};

const struct endpoint providers_sync_find = {
	.name = "providers_sync_find",
	.method = "GET",
	.path = "/api/v1/providers/{id}/syncs/{syncId}",
	.tag = "providers",
	.summary = "Look a sync run up",
	.description = "One run, as in the list.",
	.reads = sync_find_fields,
	.has_statement = true,
	.asks = SQL_CATALOG_SYNC_FIND,
	.says = say_row,
	.empty = PROBLEM_SYNC_NOT_FOUND,
	.answer_schema = SYNC_SCHEMA,
};
