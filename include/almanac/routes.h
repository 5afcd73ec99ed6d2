/* Every endpoint of the house, in one list that ends with NULL. */
#ifndef ALMANAC_ROUTES_H
#define ALMANAC_ROUTES_H

#include "almanac/endpoint.h"

extern const struct endpoint *const routes[];

/* Their groups in the documents; ends with a zeroed row. */
extern const struct tag route_tags[];

#endif
