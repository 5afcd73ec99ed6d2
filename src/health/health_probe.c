/* health_probe.c - asks a daemon how it is, as containers' health checks do; called by main, calls fetch. */
#include "almanac/container.h"
#include "almanac/fetch.h"
#include "almanac/health.h"

#define PATIENCE_MS 2000
#define ANSWER_MAX 4096

struct probe {
	struct fetch fetch;
	struct loop *loop;
	struct str *words;
	bool is_well;
};

static bool received(struct fetch *fetch, struct span bytes)
{
	str_append(container_of(fetch, struct probe, fetch)->words, bytes);
	return true;
}

static void finished(struct fetch *fetch, const struct fetch_result *result)
{
	struct probe *probe = container_of(fetch, struct probe, fetch);

	probe->is_well = result->verdict == FETCH_ANSWERED && result->status == 200;
	if (result->verdict != FETCH_ANSWERED) {
		str_clear(probe->words);
		str_format(probe->words, "%s: %s", fetch->url, result->complaint);
	} else if (probe->words->length == 0) {
		str_format(probe->words, "%s: %d", fetch->url, result->status);
	}
	loop_stop(probe->loop);
}

bool health_probe(const char *url, struct str *words)
{
	struct probe probe = {.loop = loop_create(), .words = words};
	struct guard *guard = guard_create("any", words);
	const struct fetcher_options options = {
		.guard = guard, .user_agent = "almanac-healthcheck", .max_connections = 1};
	struct fetcher *fetcher = fetcher_create(probe.loop, &options);

	probe.fetch = (struct fetch){
		.url = url,
		.connect_timeout_ms = PATIENCE_MS,
		.timeout_ms = PATIENCE_MS,
		.max_bytes = ANSWER_MAX,
		.received = received,
		.finished = finished,
		.wants_all = true,
		.takes_any_certificate = true,
	};
	fetch_start(fetcher, &probe.fetch);
	loop_run(probe.loop);
	fetcher_destroy(fetcher);
	guard_destroy(guard);
	loop_destroy(probe.loop);
	return probe.is_well;
}
