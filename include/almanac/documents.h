/*
 * The room "documents": what people and programs read about the daemon: a guide, the description of the HTTP
 * interface, and a page that shows it and tries it out.
 */
#ifndef ALMANAC_DOCUMENTS_H
#define ALMANAC_DOCUMENTS_H

#include "almanac/endpoint.h"

extern const struct endpoint documents_guide;   /* GET / */
extern const struct endpoint documents_openapi; /* GET /openapi.json */
extern const struct endpoint documents_page;    /* GET /docs */
extern const struct endpoint documents_file;    /* GET /docs/{file} */

#endif
