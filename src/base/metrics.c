/* metrics.c - a registry of counters, gauges and histograms, rendered for Prometheus. */
#include "almanac/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX_BYTES 1024
#define BUCKETS 16

struct bucket;

struct metric {
	struct metric *next; /* of the family */
	char *labels;        /* name="value",… escaped; "" without */
	_Atomic bool is_hidden;
	_Atomic bool is_time;
	const struct bucket *bounds; /* of a histogram */
	_Atomic int64_t value;       /* a histogram's sum in µs */
	_Atomic int64_t buckets[BUCKETS + 1];
};

struct family {
	struct family *next;
	enum metric_kind kind;
	char *name;
	char *help;
	struct metric *first;
};

struct metrics {
	pthread_mutex_t lock;
	struct family *first;
};

struct bucket {
	int64_t most_us;
	const char *seconds;
};

static const struct bucket waiting[BUCKETS] = {
	{100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},
	{2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"},
	{50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
	{1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},   {10000000, "10"},
};

static const struct bucket lateness[BUCKETS] = {
	{1000, "0.001"},  {2500, "0.0025"},   {5000, "0.005"},    {10000, "0.01"},
	{25000, "0.025"}, {50000, "0.05"},    {100000, "0.1"},    {250000, "0.25"},
	{500000, "0.5"},  {1000000, "1"},     {5000000, "5"},     {15000000, "15"},
	{60000000, "60"}, {300000000, "300"}, {900000000, "900"}, {3600000000, "3600"},
};

static const char *const kind_names[] = {"counter", "gauge", "histogram", "histogram"};

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* --- registering ------------------------------------------------------------------------------------ */

/* Label values: backslash, quote and line feed; help texts the same but for the quote. */
static void append_escaped(struct str *out, const char *text, bool is_quoted)
{
	for (; *text; text++) {
		if (*text == '\n') {
			str_append_text(out, "\\n");
			continue;
		}
		if (*text == '\\' || (*text == '"' && is_quoted))
			str_append_char(out, '\\');
		str_append_char(out, *text);
	}
}

static char *labels_text(const char *const *labels)
{
	struct str out;

	str_init(&out, LABELS_MAX_BYTES);
	for (; labels && labels[0]; labels += 2) {
		if (out.length)
			str_append_char(&out, ',');
		str_append_text(&out, labels[0]);
		str_append_text(&out, "=\"");
		append_escaped(&out, labels[1], true);
		str_append_char(&out, '"');
	}
	assert(!out.has_overflowed);
	return out.length ? str_release(&out) : need(strdup(""));
}

static struct family *family_of(struct metrics *metrics, enum metric_kind kind, const char *name,
				const char *help)
{
	struct family **at = &metrics->first;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = need(calloc(1, sizeof(**at)));
		(*at)->kind = kind;
		(*at)->name = need(strdup(name));
		(*at)->help = need(strdup(help));
	}
	assert((*at)->kind == kind);
	return *at;
}

/* Takes the labels. */
static struct metric *metric_of(struct family *family, char *labels)
{
	struct metric **at = &family->first;

	while (*at && strcmp((*at)->labels, labels) != 0)
		at = &(*at)->next;
	if (*at) {
		free(labels);
		return *at;
	}
	*at = need(calloc(1, sizeof(**at)));
	(*at)->labels = labels;
	(*at)->bounds = family->kind == METRIC_LATENESS ? lateness : waiting;
	return *at;
}

/* --- rendering -------------------------------------------------------------------------------------- */

static void render_name(struct str *out, const struct family *family, const char *suffix,
			const struct metric *metric, const char *seconds)
{
	bool has_labels = *metric->labels != '\0';

	str_append_text(out, family->name);
	str_append_text(out, suffix);
	if (has_labels || seconds) {
		str_append_char(out, '{');
		str_append_text(out, metric->labels);
		if (seconds)
			str_format(out, "%sle=\"%s\"", has_labels ? "," : "", seconds);
		str_append_char(out, '}');
	}
	str_append_char(out, ' ');
}

static void render_histogram(struct str *out, const struct family *family,
			     const struct metric *metric)
{
	int64_t count = 0;

	for (int i = 0; i <= BUCKETS; i++) {
		count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
		render_name(out, family, "_bucket", metric,
			    i < BUCKETS ? metric->bounds[i].seconds : "+Inf");
		str_append_number(out, count);
		str_append_char(out, '\n');
	}
	render_name(out, family, "_sum", metric, NULL);
	str_format(out, "%.6f\n", (double)metric_value(metric) / 1e6);
	render_name(out, family, "_count", metric, NULL);
	str_append_number(out, count);
	str_append_char(out, '\n');
}

static void render_metric(struct str *out, const struct family *family, const struct metric *metric)
{
	if (atomic_load_explicit(&metric->is_hidden, memory_order_relaxed))
		return;
	if (family->kind >= METRIC_HISTOGRAM) {
		render_histogram(out, family, metric);
		return;
	}
	render_name(out, family, "", metric, NULL);
	if (atomic_load_explicit(&metric->is_time, memory_order_relaxed))
		str_format(out, "%.3f", (double)metric_value(metric) / 1e6);
	else
		str_append_number(out, metric_value(metric));
	str_append_char(out, '\n');
}

/* --- the door --------------------------------------------------------------------------------------- */

struct metrics *metrics_create(void)
{
	struct metrics *metrics = need(calloc(1, sizeof(*metrics)));

	pthread_mutex_init(&metrics->lock, NULL);
	return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
	struct family *family, *next_family;
	struct metric *metric, *next;

	if (!metrics)
		return;
	for (family = metrics->first; family; family = next_family) {
		next_family = family->next;
		for (metric = family->first; metric; metric = next) {
			next = metric->next;
			free(metric->labels);
			free(metric);
		}
		free(family->name);
		free(family->help);
		free(family);
	}
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}

struct metric *metrics_get(struct metrics *metrics, enum metric_kind kind, const char *name,
			   const char *help, const char *const *labels)
{
	char *text = labels_text(labels);
	struct metric *metric;

	pthread_mutex_lock(&metrics->lock);
	metric = metric_of(family_of(metrics, kind, name, help), text);
	pthread_mutex_unlock(&metrics->lock);
	return metric;
}

void metric_add(struct metric *metric, int64_t amount)
{
	atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
	atomic_store_explicit(&metric->value, value, memory_order_relaxed);
	atomic_store_explicit(&metric->is_hidden, false, memory_order_relaxed);
}

int64_t metric_value(const struct metric *metric)
{
	return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, int64_t microseconds)
{
	int place = 0;

	while (place < BUCKETS && microseconds > metric->bounds[place].most_us)
		place++;
	atomic_fetch_add_explicit(&metric->buckets[place], 1, memory_order_relaxed);
	metric_add(metric, microseconds);
}

void metric_hide(struct metric *metric)
{
	atomic_store_explicit(&metric->is_hidden, true, memory_order_relaxed);
}

void metrics_hide_all(struct metrics *metrics, const char *name)
{
	pthread_mutex_lock(&metrics->lock);
	for (struct family *family = metrics->first; family; family = family->next)
		for (struct metric *metric = family->first;
		     metric && strcmp(family->name, name) == 0; metric = metric->next)
			metric_hide(metric);
	pthread_mutex_unlock(&metrics->lock);
}

void metric_set_time_us(struct metric *metric, int64_t unix_us)
{
	atomic_store_explicit(&metric->is_time, true, memory_order_relaxed);
	metric_set(metric, unix_us);
}

void metrics_render(struct metrics *metrics, struct str *out)
{
	pthread_mutex_lock(&metrics->lock);
	for (const struct family *family = metrics->first; family; family = family->next) {
		str_format(out, "# HELP %s ", family->name);
		append_escaped(out, family->help, false);
		str_format(out, "\n# TYPE %s %s\n", family->name, kind_names[family->kind]);
		for (const struct metric *metric = family->first; metric; metric = metric->next)
			render_metric(out, family, metric);
	}
	pthread_mutex_unlock(&metrics->lock);
}
