/* The room "health": whether the process and its parts are well. */
#ifndef ALMANAC_HEALTH_H
#define ALMANAC_HEALTH_H

#include "almanac/endpoint.h"

extern const struct endpoint health_status;  /* GET /status */
extern const struct endpoint health_text;    /* GET /health */
extern const struct endpoint health_live;    /* GET /livez */
extern const struct endpoint health_ready;   /* GET /readyz */
extern const struct endpoint health_check;   /* GET /api/v1/health/check */
extern const struct endpoint health_metrics; /* GET /metrics */

#endif
