/* What the files of the room share about pages. */
#ifndef ALMANAC_DOCUMENTS_PAGE_H
#define ALMANAC_DOCUMENTS_PAGE_H

#include "almanac/reply.h"

extern const char html_type[];

/* Headers of everything a browser shows. */
void page_guard(struct reply *reply);

#endif
