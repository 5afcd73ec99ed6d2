/* test_metrics.c - the Prometheus text of counters, gauges and histograms, and counting threads */
#include <pthread.h>
#include <string.h>

#include "almanac/metrics.h"
#include "story.h"

#define TEXT_MAX (1 << 20)

static void assert_text(struct metrics *metrics, const char *expected)
{
	struct str out;

	str_init(&out, TEXT_MAX);
	metrics_render(metrics, &out);
	assert_string_equal(str_text(&out), expected);
	str_finish(&out);
}

static void nothing_is_told_of_nothing(void **state)
{
	struct metrics *metrics = metrics_create();

	(void)state;
	assert_text(metrics, "");
	metrics_destroy(metrics);
	metrics_destroy(NULL);
}

static void counters_and_gauges_are_told(void **state)
{
	const char *const get[] = {"method", "GET", "status", "2xx", NULL};
	const char *const post[] = {"method", "POST", "status", "2xx", NULL};
	struct metrics *metrics = metrics_create();
	struct metric *waiting = metrics_get(metrics, METRIC_GAUGE, "a_waiting", "Waiting.", NULL);
	struct metric *first = metrics_get(metrics, METRIC_COUNTER, "a_total", "All.", get);
	struct metric *second = metrics_get(metrics, METRIC_COUNTER, "a_total", "All.", post);

	(void)state;
	metric_add(first, 1);
	metric_add(first, 41);
	metric_set(waiting, -7);
	metric_add(waiting, 2);
	assert_int_equal(metric_value(first), 42);
	assert_int_equal(metric_value(waiting), -5);
	assert_text(metrics, "# HELP a_waiting Waiting.\n"
			     "# TYPE a_waiting gauge\n"
			     "a_waiting -5\n"
			     "# HELP a_total All.\n"
			     "# TYPE a_total counter\n"
			     "a_total{method=\"GET\",status=\"2xx\"} 42\n"
			     "a_total{method=\"POST\",status=\"2xx\"} 0\n");
	metric_set(second, INT64_MAX);
	assert_int_equal(metric_value(second), INT64_MAX);
	metrics_destroy(metrics);
}

static void a_known_series_is_found_again(void **state)
{
	const char *const one[] = {"name", "x\"y", NULL};
	const char *const other[] = {"name", "x", NULL};
	struct metrics *metrics = metrics_create();
	struct metric *metric = metrics_get(metrics, METRIC_COUNTER, "a", "A.", one);

	(void)state;
	assert_ptr_equal(metrics_get(metrics, METRIC_COUNTER, "a", "A.", one), metric);
	assert_ptr_not_equal(metrics_get(metrics, METRIC_COUNTER, "a", "A.", other), metric);
	assert_ptr_not_equal(metrics_get(metrics, METRIC_COUNTER, "a", "A.", NULL), metric);
	assert_ptr_not_equal(metrics_get(metrics, METRIC_COUNTER, "ab", "B.", one), metric);
	metrics_destroy(metrics);
}

static void label_values_are_escaped(void **state)
{
	const char *const labels[] = {"name", "a\\b\"c\nd e\xc3\xa9", "empty", "", NULL};
	struct metrics *metrics = metrics_create();

	(void)state;
	metrics_get(metrics, METRIC_GAUGE, "a", "A \\ and\na line.", labels);
	assert_text(metrics, "# HELP a A \\\\ and\\na line.\n"
			     "# TYPE a gauge\n"
			     "a{name=\"a\\\\b\\\"c\\nd e\xc3\xa9\",empty=\"\"} 0\n");
	metrics_destroy(metrics);
}

static void lateness_reaches_to_an_hour(void **state)
{
	struct metrics *metrics = metrics_create();
	struct metric *late = metrics_get(metrics, METRIC_LATENESS, "late_seconds", "L.", NULL);
	struct str out;

	(void)state;
	metric_observe_us(late, 1000);
	metric_observe_us(late, INT64_C(3600000000));
	metric_observe_us(late, INT64_C(3600000001));
	str_init(&out, TEXT_MAX);
	metrics_render(metrics, &out);
	assert_non_null(strstr(str_text(&out), "# TYPE late_seconds histogram\n"
					       "late_seconds_bucket{le=\"0.001\"} 1\n"));
	assert_non_null(strstr(str_text(&out), "late_seconds_bucket{le=\"900\"} 1\n"
					       "late_seconds_bucket{le=\"3600\"} 2\n"
					       "late_seconds_bucket{le=\"+Inf\"} 3\n"));
	str_finish(&out);
	metrics_destroy(metrics);
}

/* A bucket counts all that is at most its bound, so the counts never fall. */
static void buckets_are_cumulative(void **state)
{
	static const int64_t seen[] = {0,    100,  101,      250,      4999,
				       5000, 5001, 10000000, 10000001, 60000000};
	const char *const labels[] = {"route", "x", NULL};
	struct metrics *metrics = metrics_create();
	struct metric *metric = metrics_get(metrics, METRIC_HISTOGRAM, "t_seconds", "T.", labels);

	(void)state;
	for (size_t i = 0; i < sizeof(seen) / sizeof(*seen); i++)
		metric_observe_us(metric, seen[i]);
	assert_text(metrics, "# HELP t_seconds T.\n"
			     "# TYPE t_seconds histogram\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.0001\"} 2\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.00025\"} 4\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.0005\"} 4\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.001\"} 4\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.0025\"} 4\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.005\"} 6\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.01\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.025\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.05\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.1\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.25\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"0.5\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"1\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"2.5\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"5\"} 7\n"
			     "t_seconds_bucket{route=\"x\",le=\"10\"} 8\n"
			     "t_seconds_bucket{route=\"x\",le=\"+Inf\"} 10\n"
			     "t_seconds_sum{route=\"x\"} 80.015452\n"
			     "t_seconds_count{route=\"x\"} 10\n");
	metrics_destroy(metrics);
}

static void a_histogram_may_have_no_labels(void **state)
{
	struct metrics *metrics = metrics_create();
	struct metric *metric = metrics_get(metrics, METRIC_HISTOGRAM, "t", "T.", NULL);
	struct str out;

	(void)state;
	metric_observe_us(metric, 1500000);
	str_init(&out, TEXT_MAX);
	metrics_render(metrics, &out);
	assert_non_null(strstr(str_text(&out), "\nt_bucket{le=\"1\"} 0\nt_bucket{le=\"2.5\"} 1\n"));
	assert_non_null(strstr(str_text(&out), "\nt_sum 1.500000\nt_count 1\n"));
	str_finish(&out);
	metrics_destroy(metrics);
}

static void times_are_told_in_seconds(void **state)
{
	struct metrics *metrics = metrics_create();

	(void)state;
	metric_set_time_us(metrics_get(metrics, METRIC_GAUGE, "at", "At.", NULL),
			   INT64_C(1769976000123456));
	assert_text(metrics, "# HELP at At.\n# TYPE at gauge\nat 1769976000.123\n");
	metrics_destroy(metrics);
}

static void hidden_series_are_not_told(void **state)
{
	const char *const gone[] = {"p", "gone", NULL};
	const char *const here[] = {"p", "here", NULL};
	struct metrics *metrics = metrics_create();
	struct metric *metric = metrics_get(metrics, METRIC_GAUGE, "a", "A.", gone);

	(void)state;
	metric_set(metrics_get(metrics, METRIC_GAUGE, "a", "A.", here), 1);
	metric_set(metric, 2);
	metric_hide(metric);
	assert_text(metrics, "# HELP a A.\n# TYPE a gauge\na{p=\"here\"} 1\n");
	metric_set(metric, 3);
	assert_text(metrics, "# HELP a A.\n# TYPE a gauge\na{p=\"gone\"} 3\na{p=\"here\"} 1\n");
	metrics_destroy(metrics);
}

/* --- threads ------------------------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 20000 };

static void *count(void *argument)
{
	static const char *const labels[] = {"shared", "yes", NULL};
	struct metrics *metrics = argument;
	struct metric *total = metrics_get(metrics, METRIC_COUNTER, "total", "T.", labels);
	struct metric *seconds = metrics_get(metrics, METRIC_HISTOGRAM, "seconds", "S.", NULL);

	for (int i = 0; i < ROUNDS; i++) {
		metric_add(total, 1);
		metric_observe_us(seconds, i);
		if (i % 1000 == 0)
			metrics_get(metrics, METRIC_COUNTER, "total", "T.", labels);
	}
	return NULL;
}

static void nothing_is_lost_among_threads(void **state)
{
	struct metrics *metrics = metrics_create();
	pthread_t threads[THREADS];
	struct str out;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, metrics), 0);
	for (int i = 0; i < 20; i++) {
		str_init(&out, TEXT_MAX);
		metrics_render(metrics, &out);
		str_finish(&out);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	str_init(&out, TEXT_MAX);
	metrics_render(metrics, &out);
	assert_non_null(strstr(str_text(&out), "total{shared=\"yes\"} 80000\n"));
	assert_non_null(strstr(str_text(&out), "seconds_count 80000\n"));
	assert_non_null(strstr(str_text(&out), "seconds_sum 799.960000\n"));
	str_finish(&out);
	metrics_destroy(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_told_of_nothing),
		cmocka_unit_test(counters_and_gauges_are_told),
		cmocka_unit_test(a_known_series_is_found_again),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(buckets_are_cumulative),
		cmocka_unit_test(lateness_reaches_to_an_hour),
		cmocka_unit_test(a_histogram_may_have_no_labels),
		cmocka_unit_test(times_are_told_in_seconds),
		cmocka_unit_test(hidden_series_are_not_told),
		cmocka_unit_test(nothing_is_lost_among_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
