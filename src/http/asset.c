/* asset.c - finished bytes, compressed once; called by server.c and send.c. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "http.h"

#define GZIP_WINDOW (15 + 16) /* zlib.h: 16 more means gzip */
#define GZIP_MEMORY 9

/* Once in a life: as small as can be. */
static void compress_best(struct span bytes, struct str *out)
{
	z_stream stream = {0};

	if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	str_reserve(out, deflateBound(&stream, bytes.length));
	stream.next_in = (Bytef *)(uintptr_t)bytes.bytes;
	stream.avail_in = (uInt)bytes.length;
	stream.next_out = (Bytef *)out->bytes;
	stream.avail_out = (uInt)deflateBound(&stream, bytes.length);
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	out->length = stream.total_out;
	out->bytes[out->length] = '\0';
	deflateEnd(&stream);
	str_shrink(out);
}

void asset_make(struct made_asset *made, struct str *text)
{
	assert(!text->has_overflowed && text->length > 0);
	made->plain = *text;
	*text = (struct str){0};
	str_shrink(&made->plain);
	str_init(&made->gzip, REPLY_BODY_MAX);
	compress_best(str_span(&made->plain), &made->gzip);
	snprintf(made->tag, sizeof(made->tag), "%016llx",
		 (unsigned long long)send_hash(str_span(&made->plain)));
	made->asset = (struct asset){
		.tag = made->tag,
		.plain = str_span(&made->plain),
		.gzip = str_span(&made->gzip),
		.length = made->plain.length,
	};
}

void asset_finish(struct made_asset *made)
{
	str_finish(&made->plain);
	str_finish(&made->gzip);
}

void asset_inflate(const struct asset *asset, struct str *out)
{
	z_stream stream = {0};

	if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		abort();
	str_init(out, REPLY_BODY_MAX);
	str_reserve(out, asset->length);
	stream.next_in = (Bytef *)(uintptr_t)asset->gzip.bytes;
	stream.avail_in = (uInt)asset->gzip.length;
	stream.next_out = (Bytef *)out->bytes;
	stream.avail_out = (uInt)asset->length;
	if (inflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	out->length = stream.total_out;
	out->bytes[out->length] = '\0';
	inflateEnd(&stream);
}
