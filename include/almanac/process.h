/* The running process as its system sees it, as metrics under their usual names (Prometheus, "Writing
 * client libraries", process metrics). */
#ifndef ALMANAC_PROCESS_H
#define ALMANAC_PROCESS_H

#include "almanac/metrics.h"

/* Measures now: processor time, memory, open files, start. Thread-safe; takes some microseconds. */
void process_measure(struct metrics *metrics);

#endif
