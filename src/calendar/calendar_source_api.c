/* calendar_source_api.c - where a user's events come from: records over sql/calendar. */
#include <string.h>

#include "almanac/calendar.h"
#include "almanac/zone.h"
#include "schemas.h"
#include "users.h"

#define ZONE_MAX_BYTES 64

#define USER_ID                                                                                    \
	{                                                                                          \
		.name = "id", .place = FIELD_IN_PATH, .kind = FIELD_TEXT, .is_required = true,     \
		.min = 1, .max = USER_MAX_BYTES, .description = "The user.", .example = "1"        \
	}

static const struct field user_fields[] = {USER_ID, {0}};

static struct db_value period_of(struct request *request)
{
	return db_number(request_arena(request),
			 settings_number(request_settings(request),
					 SETTING_CALENDAR_SYNC_INTERVAL_SECONDS));
}

/* --- GET ----------------------------------------------------------------------------------------------------- */

const struct endpoint calendar_source_find = {
	.name = "calendar_source_find",
	.method = "GET",
	.path = "/api/v1/users/{id}/source",
	.tag = "calendar",
	.summary = "Look a user's source up",
	.description =
		"Where the events come from, how the last sync ended, and when the next one is "
		"due; null for a user who is not synced yet.",
	.reads = user_fields,
	.has_statement = true,
	.asks = SQL_CALENDAR_SOURCE_FIND,
	.says = say_row,
	.has_etag = true,
	.answer_schema = SOURCE_SCHEMA,
};

/* --- PUT ----------------------------------------------------------------------------------------------------- */

enum { CHANGE_USER, CHANGE_KIND, CHANGE_URL, CHANGE_ZONE };

static const char *const kinds[] = {"generator", "json", "ics", NULL};

static const struct field change_fields[] = {
	USER_ID,
	{.name = "kind",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_CHOICE,
	 .is_required = true,
	 .choices = kinds,
	 .description = "The built-in generator, a list in JSON (this API's own form, or Google "
			"Calendar's events.list), or an iCalendar feed.",
	 .example = "ics"},
	{.name = "url",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_URL,
	 .description = "Where it is; not for the generator.",
	 .example = "https://calendar.example/team.ics"},
	{.name = "timezone",
	 .place = FIELD_IN_BODY,
	 .kind = FIELD_TEXT,
	 .min = 1,
	 .max = ZONE_MAX_BYTES,
	 .by_default = "UTC",
	 .description = "IANA zone of the source's times that name none.",
	 .example = "Europe/Madrid"},
	{0},
};

static enum problem change_rules(struct request *request, struct field_faults *faults)
{
	const struct field_value *url = request_value(request, CHANGE_URL);
	const struct field_value *zone = request_value(request, CHANGE_ZONE);
	bool is_generator = strcmp(request_value(request, CHANGE_KIND)->text, kinds[0]) == 0;

	if (is_generator && url->is_given)
		fields_fault(faults, &change_fields[CHANGE_URL], "conflict",
			     "must not be given for the generator", url->text);
	if (!is_generator && !url->is_given)
		fields_fault(faults, &change_fields[CHANGE_URL], "required",
			     "is required for json and ics", "");
	if (!zone_load(request_arena(request), span_of(zone->text)))
		fields_fault(faults, &change_fields[CHANGE_ZONE], "unknown",
			     "must be the name of a time zone (IANA)", zone->text);
	return PROBLEM_NONE;
}

static const struct outcome change_outcomes[] = {{"changed", 200, PROBLEM_NONE}, {0}};

static void change_prepare(struct request *request, struct asking *asking)
{
	for (size_t place = CHANGE_USER; place <= CHANGE_ZONE; place++)
		asking->values[place] = request_given(request, place);
	asking->values[CHANGE_ZONE + 1] = period_of(request);
	asking->value_count = CHANGE_ZONE + 2;
}

const struct endpoint calendar_source_change = {
	.name = "calendar_source_change",
	.method = "PUT",
	.path = "/api/v1/users/{id}/source",
	.tag = "calendar",
	.scope = SCOPE_ADMIN,
	.summary = "Set a user's source",
	.description =
		"From now on the user is synced from it; until the first sync the list is read "
		"straight from it. The same source again changes nothing; with another one a run "
		"under way begins anew.",
	.reads = change_fields,
	.check = change_rules,
	.has_statement = true,
	.asks = SQL_CALENDAR_SOURCE_CHANGE,
	.prepares = change_prepare,
	.says = say_row,
	.outcomes = change_outcomes,
	.answer_schema = SOURCE_SCHEMA,
};

/* --- DELETE -------------------------------------------------------------------------------------------------- */

static const struct outcome delete_outcomes[] = {{"deleted", 204, PROBLEM_NONE}, {0}};

static void delete_prepare(struct request *request, struct asking *asking)
{
	asking->values[0] = request_given(request, 0);
	asking->values[1] = period_of(request);
	asking->value_count = 2;
}

const struct endpoint calendar_source_delete = {
	.name = "calendar_source_delete",
	.method = "DELETE",
	.path = "/api/v1/users/{id}/source",
	.tag = "calendar",
	.scope = SCOPE_ADMIN,
	.summary = "Reset a user's source",
	.description = "The built-in generator is the user's source again.",
	.reads = user_fields,
	.has_statement = true,
	.asks = SQL_CALENDAR_SOURCE_DELETE,
	.prepares = delete_prepare,
	.says = say_nothing,
	.outcomes = delete_outcomes,
	.status = 204,
};
