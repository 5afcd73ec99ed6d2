/* How calendars look in the documents: JSON Schema texts, for all paths that tell them. */
#ifndef ALMANAC_CALENDAR_SCHEMAS_H
#define ALMANAC_CALENDAR_SCHEMAS_H

#include "almanac/schema.h"

/* clang-format off */
/* A date for all-day events. */
#define TIME_SCHEMA                                                                                \
	"{\"type\":\"string\",\"anyOf\":[{\"format\":\"date-time\"},{\"format\":\"date\"}]}"

#define EVENT_SCHEMA                                                                               \
	SCHEMA_TITLED("CalendarEvent",                                                             \
		"\"id\",\"title\",\"description\",\"location\",\"startsAt\",\"endsAt\",\"allDay\","      \
		"\"status\",\"updatedAt\"",                                                        \
		MEMBER("id", SCHEMA_TEXT) "," MEMBER("title", SCHEMA_TEXT) ","                     \
		MEMBER("description", SCHEMA_TEXT) "," MEMBER("location", SCHEMA_TEXT) ","         \
		MEMBER("startsAt", TIME_SCHEMA) "," MEMBER("endsAt", TIME_SCHEMA) ","              \
		MEMBER("allDay", SCHEMA_FLAG) ","                                                  \
		MEMBER("status", "{\"type\":\"string\",\"enum\":[\"confirmed\",\"tentative\","       \
			"\"cancelled\"]}") "," MEMBER("updatedAt", SCHEMA_MAYBE_MOMENT))

#define EVENTS_SCHEMA                                                                              \
	SCHEMA_TITLED("CalendarEvents",                                                            \
		"\"data\",\"start\",\"limit\",\"total\",\"origin\",\"syncedAt\"",                      \
		MEMBER("data", SCHEMA_LIST(EVENT_SCHEMA)) "," MEMBER("start", SCHEMA_INTEGER) ","  \
		MEMBER("limit", SCHEMA_INTEGER) "," MEMBER("total", SCHEMA_INTEGER) ","            \
		MEMBER("origin", "{\"type\":\"string\",\"enum\":[\"store\",\"source\"]}") ","        \
		MEMBER("syncedAt", SCHEMA_MAYBE_MOMENT))

#define ASKED_SCHEMA                                                                               \
	SCHEMA_TITLED("CalendarSyncAsked", "\"syncId\",\"userId\",\"status\"",                     \
		MEMBER("syncId", SCHEMA_UUID) "," MEMBER("userId", SCHEMA_TEXT) ","                \
		MEMBER("status", "{\"type\":\"string\",\"enum\":[\"queued\",\"running\"]}") ","      \
		MEMBER("queuedAt", SCHEMA_MOMENT) "," MEMBER("startedAt", SCHEMA_MAYBE_MOMENT))

#define SOURCE_PROBLEM_SCHEMA                                                                      \
	SCHEMA_TITLED("SourceProblem", "\"id\",\"place\",\"rejected\",\"reason\"",                 \
		MEMBER("id", SCHEMA_MAYBE_TEXT) "," MEMBER("place", SCHEMA_INTEGER) ","            \
		MEMBER("rejected", SCHEMA_FLAG) "," MEMBER("reason", SCHEMA_TEXT))

#define RUN_SCHEMA                                                                                 \
	SCHEMA_TITLED("CalendarSync",                                                              \
		"\"syncId\",\"userId\",\"status\",\"reason\",\"created\",\"updated\",\"deleted\","       \
		"\"unchanged\",\"rejected\",\"problems\",\"requests\",\"error\"",                      \
		MEMBER("syncId", SCHEMA_UUID) "," MEMBER("userId", SCHEMA_TEXT) ","                \
		MEMBER("status", "{\"type\":\"string\",\"enum\":[\"queued\",\"running\","            \
			"\"succeeded\",\"partial\",\"failed\"]}") ","                              \
		MEMBER("reason", SCHEMA_TEXT) "," MEMBER("forced", SCHEMA_FLAG) ","                \
		MEMBER("queuedAt", SCHEMA_MOMENT) "," MEMBER("startedAt", SCHEMA_MAYBE_MOMENT) "," \
		MEMBER("finishedAt", SCHEMA_MAYBE_MOMENT) "," MEMBER("requests", SCHEMA_INTEGER)   \
		"," MEMBER("httpStatus", SCHEMA_MAYBE_INTEGER) ","                                 \
		MEMBER("notModified", SCHEMA_FLAG) ","                                             \
		MEMBER("read", "{\"type\":\"string\",\"enum\":[\"list\",\"changes\"]}") ","          \
		MEMBER("wireBytes", SCHEMA_INTEGER) "," MEMBER("bodyBytes", SCHEMA_INTEGER) ","    \
		MEMBER("created", SCHEMA_INTEGER) "," MEMBER("updated", SCHEMA_INTEGER) ","        \
		MEMBER("deleted", SCHEMA_INTEGER) "," MEMBER("unchanged", SCHEMA_INTEGER) ","      \
		MEMBER("rejected", SCHEMA_INTEGER) "," MEMBER("problemCount", SCHEMA_INTEGER) ","  \
		MEMBER("problems", SCHEMA_LIST(SOURCE_PROBLEM_SCHEMA)) ","                         \
		MEMBER("error", SCHEMA_MAYBE_TEXT))

#define SOURCE_SCHEMA                                                                              \
	SCHEMA_TITLED("CalendarSource",                                                            \
		"\"userId\",\"kind\",\"url\",\"timezone\",\"events\",\"failures\",\"lastStatus\","       \
		"\"syncedAt\",\"nextSyncAt\",\"updatedAt\"",                                       \
		MEMBER("userId", SCHEMA_TEXT) ","                                                  \
		MEMBER("kind", "{\"type\":\"string\",\"enum\":[\"generator\",\"json\",\"ics\"]}") ","  \
		MEMBER("url", SCHEMA_MAYBE_TEXT) "," MEMBER("timezone", SCHEMA_TEXT) ","           \
		MEMBER("events", SCHEMA_INTEGER) "," MEMBER("failures", SCHEMA_INTEGER) ","        \
		MEMBER("lastStatus", SCHEMA_MAYBE_TEXT) ","                                        \
		MEMBER("syncedAt", SCHEMA_MAYBE_MOMENT) ","                                        \
		MEMBER("nextSyncAt", SCHEMA_MAYBE_MOMENT) ","                                      \
		MEMBER("updatedAt", SCHEMA_MAYBE_MOMENT))
/* clang-format on */

#endif
