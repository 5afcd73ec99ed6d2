/* The files of the page at /docs, embedded at build time (src/documents/embed). */
#ifndef ALMANAC_DOCUMENTS_FILES_H
#define ALMANAC_DOCUMENTS_FILES_H

#include "almanac/reply.h"

struct documents_file {
	const char *name; /* one that begins with a slash is served elsewhere */
	const char *content_type;
	struct asset asset;
};

/* Ends with a zeroed row. Without Swagger UI, when it could not be had at build time. */
extern const struct documents_file documents_files[];

#endif
