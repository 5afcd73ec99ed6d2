/*
 * An answer in the making: status, headers, finished bytes. Renderers append to `body`; server.c
 * sends it (Content-Length, ETag, gzip, HEAD) and frees it.
 */
#ifndef ALMANAC_REPLY_H
#define ALMANAC_REPLY_H

#include "almanac/rows.h"
#include "almanac/str.h"

#define REPLY_HEADERS_MAX 8
#define REPLY_BODY_MAX ((size_t)64 << 20)

struct reply_header {
	const char *name;  /* constant */
	const char *value; /* constant or arena memory of the request */
};

/*
 * Finished bytes that live as long as the server: sent as they are, compressed or not as the client likes.
 */
struct asset {
	const char *tag;   /* of the bytes: makes the ETag */
	struct span plain; /* none: they are made from `gzip` for those who do not take that */
	struct span gzip;  /* RFC 1952; none: only `plain` is sent */
	size_t length;     /* of the plain bytes */
};

struct reply {
	int status;               /* 200 until said otherwise */
	const char *content_type; /* constant; application/json until said otherwise */
	struct str body;
	const struct asset *asset; /* instead of a body */
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t header_count;
};

void reply_init(struct reply *reply);
void reply_finish(struct reply *reply);
void reply_header(struct reply *reply, const char *name, const char *value);

/* One row as a JSON object: column names are the members, NULL is null, json columns go in as they
 * are. Columns whose name begins with '_' are for the renderer, not for the reader: left out. */
void reply_append_row(struct str *out, const struct db_rows *rows, size_t row);

/* One value of a row as JSON. */
void reply_append_value(struct str *out, const struct db_rows *rows, size_t row, size_t column);

#endif
