/* send.c - an answer leaves: ETag, conditional, gzip, headers; called by request.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "almanac/clock.h"
#include "almanac/json.h"
#include "almanac/moment.h"

#define ETAG_MAX 96

/* Beyond this an answer is not laid out for people any more. */
#define PRETTY_MAX ((size_t)16 << 20)

/* What goes out in the end. */
struct outgoing {
	int status;
	struct span body;
	struct str owned;          /* the body, when it must be freed by the library */
	struct cache_entry *entry; /* or whose bytes they are, unless pretty */
	bool is_pretty;
	const struct asset *asset; /* likewise */
	bool is_gzip;
	char etag[ETAG_MAX];
	char last_modified[MOMENT_TEXT_MAX + 1];
	char age[32];
};

/* --- conditions and codings ---------------------------------------------------------------------------- */

/* FNV-1a, 64 bits, eight bytes a step: tells answers apart, keeps no secret. */
uint64_t send_hash(struct span bytes)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	size_t at = 0;

	for (; at + 8 <= bytes.length; at += 8) {
		uint64_t word;

		memcpy(&word, bytes.bytes + at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(1099511628211);
		hash ^= hash >> 29;
	}
	for (; at < bytes.length; at++)
		hash = (hash ^ (unsigned char)bytes.bytes[at]) * UINT64_C(1099511628211);
	return hash ^ hash >> 32;
}

/* If-None-Match: a list of tags, compared weakly (RFC 9110 section 13.1.2). */
bool send_has_etag(struct span header, struct span etag)
{
	struct span item;

	while (span_split(&header, ',', &item)) {
		item = span_trim(item);
		if (span_starts_with(item, SPAN("W/")))
			item = (struct span){item.bytes + 2, item.length - 2};
		if (span_is(item, "*") || span_equals(item, etag))
			return true;
	}
	return false;
}

static bool is_weight(struct span parameter)
{
	return parameter.length >= 2 &&
	       span_equals_nocase((struct span){parameter.bytes, 2}, SPAN("q="));
}

static bool is_zero(struct span weight)
{
	weight = span_trim(weight);
	if (weight.length == 0 || *weight.bytes != '0')
		return false;
	for (size_t i = 1; i < weight.length; i++)
		if (weight.bytes[i] != '.' && weight.bytes[i] != '0')
			return false;
	return true;
}

/* "gzip;q=0" takes it back (RFC 9110 section 12.5.3); an explicit gzip goes before "*". */
bool send_accepts_gzip(struct span header)
{
	struct span item, coding, parameter;
	bool accepts = false, is_explicit = false;

	while (span_split(&header, ',', &item)) {
		bool is_refused = false;
		bool is_gzip;

		span_split(&item, ';', &coding);
		coding = span_trim(coding);
		while (span_split(&item, ';', &parameter)) {
			parameter = span_trim(parameter);
			if (is_weight(parameter))
				is_refused = is_zero(
					(struct span){parameter.bytes + 2, parameter.length - 2});
		}
		is_gzip = span_equals_nocase(coding, SPAN("gzip"));
		if (is_gzip || (span_is(coding, "*") && !is_explicit))
			accepts = !is_refused;
		is_explicit |= is_gzip;
	}
	return accepts;
}

/* --- the tag ------------------------------------------------------------------------------------------- */

/* Each form of an answer has a tag of its own. */
static const char *end_of_tag(const struct outgoing *out)
{
	if (out->is_pretty)
		return out->is_gzip ? "-pretty-gz\"" : "-pretty\"";
	return out->is_gzip ? "-gz\"" : "\"";
}

static void tag_edition(const struct request *request, struct outgoing *out, uint64_t body_hash)
{
	const struct edition *edition = request->worker->server->options.edition;
	unsigned long long epoch = atomic_load(&edition->epoch);
	const char *end = end_of_tag(out);

	if (request->made_from == MADE_FROM_MEMORY)
		snprintf(out->etag, sizeof(out->etag), "\"%llx-%lld%s", epoch,
			 (long long)request->worker->publication->edition, end);
	else if (request->edition > 0)
		snprintf(out->etag, sizeof(out->etag), "\"%llx-%lld-%016llx%s", epoch,
			 (long long)request->edition, (unsigned long long)body_hash, end);
}

static void date_edition(const struct request *request, struct outgoing *out)
{
	const struct edition *edition = request->worker->server->options.edition;
	int64_t changed_us = request->made_from == MADE_FROM_MEMORY
				     ? request->worker->publication->changed_us
				     : atomic_load(&edition->changed_us);
	int64_t confirmed_us = atomic_load(&edition->confirmed_us);

	if (changed_us > 0)
		out->last_modified[moment_write_http(changed_us / 1000000, out->last_modified)] =
			'\0';
	if (confirmed_us > 0)
		snprintf(out->age, sizeof(out->age), "%lld",
			 (long long)(clock_steady_us() - confirmed_us) / 1000000);
}

static void tag(const struct request *request, struct outgoing *out)
{
	const struct endpoint *endpoint = request->endpoint;
	uint64_t hash;

	if (!endpoint || out->status != 200)
		return;
	if (out->asset) {
		snprintf(out->etag, sizeof(out->etag), "\"%s%s", out->asset->tag, end_of_tag(out));
	} else if (endpoint->is_of_edition && request->made_from != MADE_PLAIN) {
		hash = out->entry                               ? out->entry->body_hash
		       : request->made_from == MADE_FROM_MEMORY ? 0
								: send_hash(out->body);
		tag_edition(request, out, hash);
		date_edition(request, out);
	} else if (endpoint->has_etag) {
		snprintf(out->etag, sizeof(out->etag), "\"%016llx%s",
			 (unsigned long long)send_hash(out->body), end_of_tag(out));
	}
}

/* --- ?pretty ------------------------------------------------------------------------------------------- */

static bool is_refusal(struct span flag)
{
	return span_is(flag, "0") || span_is(flag, "false") || span_is(flag, "no") ||
	       span_is(flag, "off");
}

/* Most queries do not hold the word at all: they are not cut. The last one counts. */
bool send_wants_pretty(struct span query)
{
	struct span pair, name;
	bool wants = false;

	if (!query.length || !memmem(query.bytes, query.length, "pretty", 6))
		return false;
	while (span_split(&query, '&', &pair)) {
		span_split(&pair, '=', &name);
		if (span_is(name, "pretty"))
			wants = !is_refusal(pair);
	}
	return wants;
}

static bool is_json(const char *content_type)
{
	return content_type && (strcmp(content_type, "application/json") == 0 ||
				strcmp(content_type, "application/problem+json") == 0);
}

static void lay_out(const struct request *request, struct outgoing *out)
{
	struct str laid;

	if (out->body.length == 0 ||
	    !is_json(out->entry ? out->entry->content_type : request->reply.content_type))
		return;
	str_init(&laid, PRETTY_MAX);
	str_reserve(&laid, out->body.length + out->body.length / 2);
	json_append_pretty(&laid, out->body);
	str_append_char(&laid, '\n');
	if (laid.has_overflowed) {
		str_finish(&laid);
		return;
	}
	str_finish(&out->owned);
	out->owned = laid;
	out->body = str_span(&laid);
	out->is_pretty = true;
}

/* --- gzip ---------------------------------------------------------------------------------------------- */

static bool is_compressible(const struct outgoing *out)
{
	return out->status == 200 && (out->asset || out->body.length > GZIP_LEAST_BYTES);
}

/* A cached answer's gzip variant is made once. */
static void pack_entry(struct request *request, struct outgoing *out)
{
	struct cache_entry *entry = out->entry;

	if (entry->gzip.length == 0) {
		if (!worker_compress(request->worker, out->body, &entry->gzip)) {
			str_finish(&entry->gzip); /* the cache weighs what is there */
			return;
		}
		cache_weigh(request->worker->cache, entry, entry->gzip.size);
	}
	out->body = str_span(&entry->gzip);
	out->is_gzip = true;
}

static void pack_owned(struct request *request, struct outgoing *out)
{
	struct str packed;

	str_init(&packed, REPLY_BODY_MAX);
	if (!worker_compress(request->worker, out->body, &packed)) {
		str_finish(&packed);
		return;
	}
	str_finish(&out->owned);
	out->owned = packed;
	out->body = str_span(&packed);
	out->is_gzip = true;
}

static void pack_asset(struct outgoing *out)
{
	if (!out->asset->gzip.length)
		return;
	out->body = out->asset->gzip;
	out->is_gzip = true;
}

static void pack(struct request *request, struct outgoing *out)
{
	if (out->asset && !out->is_pretty)
		pack_asset(out);
	else if (out->entry && !out->is_pretty)
		pack_entry(request, out);
	else
		pack_owned(request, out);
}

/* --- headers -------------------------------------------------------------------------------------------- */

static void add(struct MHD_Response *response, const char *name, const char *value)
{
	if (value && *value && MHD_add_response_header(response, name, value) != MHD_YES)
		abort();
}

static void add_own(struct MHD_Response *response, const struct reply_header *headers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(response, headers[i].name, headers[i].value);
}

static bool is_last(const struct request *request)
{
	const struct worker *worker = request->worker;

	return request->must_close || worker->is_stopping || request->connection->refusal ||
	       atomic_load_explicit(&worker->server->options.heartbeat->is_draining,
				    memory_order_relaxed);
}

static void add_headers(struct request *request, const struct outgoing *out,
			struct MHD_Response *response, bool is_varying)
{
	const struct reply *reply = &request->reply;
	const struct cache_entry *entry = out->entry;

	if (out->body.length || out->status == 304)
		add(response, "Content-Type", entry ? entry->content_type : reply->content_type);
	add(response, "X-Request-Id", request->id);
	add(response, "X-Content-Type-Options", "nosniff");
	add(response, "ETag", out->etag);
	add(response, "Last-Modified", out->last_modified);
	add(response, request->worker->server->options.edition->age_header, out->age);
	if (*out->etag)
		add(response, "Cache-Control", "no-cache");
	if (is_varying)
		add(response, "Vary", "Accept-Encoding");
	if (out->is_gzip)
		add(response, "Content-Encoding", "gzip");
	if (is_last(request))
		add(response, "Connection", "close");
	access_add_headers(request, response);
	add_own(response, entry ? entry->headers : reply->headers,
		entry ? entry->header_count : reply->header_count);
}

static void drop_entry(void *entry)
{
	cache_drop(entry);
}

static struct MHD_Response *make_response(struct outgoing *out)
{
	size_t length = out->body.length;

	if (out->entry && !out->is_pretty && length) {
		cache_hold(out->entry);
		return MHD_create_response_from_buffer_with_free_callback_cls(
			length, (void *)(uintptr_t)out->body.bytes, drop_entry, out->entry);
	}
	if (length && !out->owned.length)
		return MHD_create_response_from_buffer(length, (void *)(uintptr_t)out->body.bytes,
						       MHD_RESPMEM_PERSISTENT);
	if (length)
		return MHD_create_response_from_buffer(length, str_release(&out->owned),
						       MHD_RESPMEM_MUST_FREE);
	return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
}

static bool is_unchanged(struct request *request, const struct outgoing *out)
{
	return *out->etag && out->status == 200 &&
	       send_has_etag(request_header(request, "If-None-Match"), span_of(out->etag));
}

static struct outgoing begin(struct request *request)
{
	struct outgoing out = {.status = request->reply.status};

	if (request->reply.asset) {
		out.asset = request->reply.asset;
		out.body = out.asset->plain;
	} else if (request->entry && request->entry->is_filled) {
		out.entry = request->entry;
		out.status = request->entry->status;
		out.body = str_span(&request->entry->body);
	} else {
		out.owned = request->reply.body;
		out.body = str_span(&out.owned);
		str_init(&request->reply.body, REPLY_BODY_MAX);
	}
	return out;
}

enum MHD_Result send_reply(struct request *request)
{
	struct outgoing out = begin(request);
	struct MHD_Response *response;
	enum MHD_Result result;
	bool is_varying;

	if (send_wants_pretty(request->query))
		lay_out(request, &out);
	is_varying = is_compressible(&out);
	if (is_varying && send_accepts_gzip(request_header(request, "Accept-Encoding")))
		pack(request, &out);
	tag(request, &out);
	if (is_unchanged(request, &out)) {
		out.status = 304;
		str_finish(&out.owned);
		out.body = (struct span){0};
	} else if (out.asset && !out.body.bytes) {
		asset_inflate(out.asset, &out.owned);
		out.body = str_span(&out.owned);
	}
	response = make_response(&out);
	if (!response)
		abort();
	add_headers(request, &out, response, is_varying);
	request->reply.status = out.status;
	result = MHD_queue_response(request->mhd, (unsigned int)out.status, response);
	MHD_destroy_response(response);
	str_finish(&out.owned);
	return result;
}
