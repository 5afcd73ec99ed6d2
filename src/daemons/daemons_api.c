/* daemons_api.c - the daemons on this database and what each holds: a record over sql/daemons. */
#include "almanac/daemons.h"
#include "almanac/paging.h"

#define DAEMON_SCHEMA                                                                              \
	"{\"type\":\"object\",\"required\":[\"name\",\"id\",\"status\",\"host\",\"address\","      \
	"\"version\",\"startedAt\",\"heartbeatAt\",\"timerShards\",\"runningJobs\","               \
	"\"sharesName\"],\"properties\":{\"name\":{\"type\":\"string\"},"                          \
	"\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"                                        \
	"\"status\":{\"type\":\"string\",\"enum\":[\"alive\",\"lost\"]},"                          \
	"\"host\":{\"type\":\"string\"},\"address\":{\"type\":\"string\"},"                        \
	"\"version\":{\"type\":\"string\"},"                                                       \
	"\"startedAt\":{\"type\":\"string\",\"format\":\"date-time\"},"                            \
	"\"heartbeatAt\":{\"type\":\"string\",\"format\":\"date-time\"},"                          \
	"\"timerShards\":{\"type\":\"integer\"},"                                                  \
	"\"runningJobs\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"                    \
	"\"sharesName\":{\"type\":\"boolean\"}}}"

const struct endpoint daemons_list = {
	.name = "daemons_list",
	.method = "GET",
	.path = "/api/v1/daemons",
	.tag = "daemons",
	.summary = "List the daemons on this database",
	.description =
		"Who is alive, since when, and what each holds: shards of timers and the jobs that "
		"it runs right now. A daemon is heard of every ten seconds; `lost` is one that was "
		"not for half a minute, and it leaves the list after an hour. One that is told to "
		"stop leaves it at once. `sharesName`: another one that lives has the same "
		"DAEMON_NAME.",
	.has_statement = true,
	.asks = SQL_DAEMONS_LIST,
	.says = say_rows,
	.scope = SCOPE_ADMIN,
	.answer_schema = PAGE_SCHEMA(DAEMON_SCHEMA),
};
