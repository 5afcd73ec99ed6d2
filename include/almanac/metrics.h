/*
 * Numbers about the running process, told in the Prometheus text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * A registry is made once by main. Adding a series takes a lock; counting is one relaxed atomic.
 * A metric lives as long as its registry.
 */
#ifndef ALMANAC_METRICS_H
#define ALMANAC_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/str.h"

struct metrics;
struct metric;

/* Histograms observe microseconds and tell seconds: from 100 µs to 10 s for what somebody waits for,
 * from 1 ms to an hour for how late something was. */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_LATENESS };

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/*
 * The series `name{label_name="label_value"}`, made when it is new, else the known one. `labels`
 * is NULL or a flat, NULL-terminated list name, value, name, value … (copied). Names follow the
 * Prometheus rules. Thread-safe.
 */
struct metric *metrics_get(struct metrics *metrics, enum metric_kind kind, const char *name,
			   const char *help, const char *const *labels);

void metric_add(struct metric *metric, int64_t amount);
void metric_set(struct metric *metric, int64_t value);
int64_t metric_value(const struct metric *metric);
void metric_observe_us(struct metric *metric, int64_t microseconds);

/* A hidden series is not rendered: for things that are gone. Setting it again shows it. */
void metric_hide(struct metric *metric);

/* Hides all series of that name. */
void metrics_hide_all(struct metrics *metrics, const char *name);

/* A gauge set through metric_set_time_us is told as seconds since 1970 with a fraction. */
void metric_set_time_us(struct metric *metric, int64_t unix_us);

void metrics_render(struct metrics *metrics, struct str *out);

#endif
