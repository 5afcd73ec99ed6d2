/* Every endpoint of the house, in one list that ends with NULL. */
#ifndef ALMANAC_ROUTES_H
#define ALMANAC_ROUTES_H

#include "almanac/endpoint.h"

extern const struct endpoint *const routes[];

#endif
