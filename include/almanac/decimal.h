/* Prices: exact decimals, never floating point. */
#ifndef ALMANAC_DECIMAL_H
#define ALMANAC_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "almanac/str.h"

/* Millionths: 12.5 is 12500000. */
#define DECIMAL_ONE INT64_C(1000000)

/* Only [0-9]{1,12}(\.[0-9]{1,6})? is a decimal; no sign, no exponent, no white space. Zeros past
 * the sixth fraction digit are accepted. */
bool decimal_parse(struct span text, int64_t *millionths) __attribute__((warn_unused_result));

/* The shortest exact spelling: 15, 19.999, 0.1. */
void decimal_append(struct str *out, int64_t millionths);

#endif
