/*
 * The two clocks. Durations and deadlines use the steady one, records the wall clock.
 * Code that judges time takes `now` as an argument, so tests turn it by hand.
 */
#ifndef ALMANAC_CLOCK_H
#define ALMANAC_CLOCK_H

#include <stdint.h>

int64_t clock_steady_us(void); /* CLOCK_MONOTONIC, microseconds */
int64_t clock_wall_us(void);   /* CLOCK_REALTIME, microseconds since 1970-01-01T00:00:00Z */

#endif
