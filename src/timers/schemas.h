/* How timers look in the documents: JSON Schema texts, for all paths that tell them. */
#ifndef ALMANAC_TIMERS_SCHEMAS_H
#define ALMANAC_TIMERS_SCHEMAS_H

#include "almanac/schema.h"

/* clang-format off */
#define TIMER_ATTEMPT_MEMBERS                                                                      \
	MEMBER("attempt", SCHEMA_INTEGER) "," MEMBER("startedAt", SCHEMA_MOMENT) ","               \
	MEMBER("durationMs", SCHEMA_NUMBER) "," MEMBER("status", SCHEMA_MAYBE_INTEGER) ","         \
	MEMBER("error", SCHEMA_MAYBE_TEXT) "," MEMBER("body", SCHEMA_MAYBE_TEXT)

#define TIMER_ATTEMPT_REQUIRED "\"attempt\",\"startedAt\",\"durationMs\""

#define TIMER_ATTEMPT_SCHEMA                                                                       \
	SCHEMA_TITLED("TimerAttempt", TIMER_ATTEMPT_REQUIRED, TIMER_ATTEMPT_MEMBERS)

#define TIMER_REQUIRED                                                                             \
	"\"id\",\"url\",\"method\",\"dueAt\",\"timeLeft\",\"status\",\"attempts\",\"maxAttempts\","      \
	"\"nextAttemptAt\",\"lastAttempt\",\"createdAt\",\"finishedAt\",\"metadata\",\"timeoutMs\""

#define TIMER_MEMBERS                                                                              \
	MEMBER("id", SCHEMA_UUID) "," MEMBER("url", SCHEMA_TEXT) ","                               \
	MEMBER("method", SCHEMA_TEXT) "," MEMBER("dueAt", SCHEMA_MOMENT) ","                       \
	MEMBER("timeLeft", SCHEMA_INTEGER) ","                                                     \
	MEMBER("status", "{\"type\":\"string\",\"enum\":[\"scheduled\",\"running\",\"finished\","      \
		"\"failed\",\"cancelled\"]}") ","                                                  \
	MEMBER("attempts", SCHEMA_INTEGER) "," MEMBER("maxAttempts", SCHEMA_INTEGER) ","           \
	MEMBER("nextAttemptAt", SCHEMA_MAYBE_MOMENT) ","                                           \
	MEMBER("lastAttempt", "{\"anyOf\":[{\"type\":\"null\"}," TIMER_ATTEMPT_SCHEMA "]}") ","      \
	MEMBER("createdAt", SCHEMA_MOMENT) "," MEMBER("finishedAt", SCHEMA_MAYBE_MOMENT) ","       \
	MEMBER("metadata", SCHEMA_MAYBE_ANY_OBJECT) "," MEMBER("timeoutMs", SCHEMA_INTEGER)

#define TIMER_SCHEMA                                                                               \
	SCHEMA_TITLED("Timer", TIMER_REQUIRED ",\"headers\",\"payload\"",                          \
		TIMER_MEMBERS "," MEMBER("headers", "{\"type\":[\"object\",\"null\"],"               \
			"\"additionalProperties\":" SCHEMA_TEXT "}") ","                           \
		MEMBER("payload", "{}"))

/* In lists: without headers and payload. */
#define TIMER_BRIEF_SCHEMA SCHEMA_TITLED("BriefTimer", TIMER_REQUIRED, TIMER_MEMBERS)
/* clang-format on */

#endif
