/*
 * Lengths of time as ISO 8601 writes them, read strictly: weeks, or days, hours, minutes and seconds.
 * No years and no months: their length depends on where they begin.
 */
#ifndef ALMANAC_DURATION_H
#define ALMANAC_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/str.h"

/*
 * Reads PnW or PnDTnHnMnS in microseconds: at least one part, in this order, each of decimal digits;
 * seconds may have a fraction (comma or point, digits past the sixth are cut). What does not fit is
 * INT64_MAX. Refused: everything else, signs and small letters too.
 */
bool duration_parse(struct span text, int64_t *duration_us) __attribute__((warn_unused_result));

/* Writes seconds only: PT5400S, PT0.25S. Not for negative ones. */
void duration_append(struct str *out, int64_t duration_us);

#endif
