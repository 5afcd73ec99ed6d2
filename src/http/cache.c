/* cache.c - finished answers of one worker, the least used go first; called by request.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

#define BUCKETS 4096

struct cache {
	size_t max_bytes, bytes;
	int64_t ttl_us;
	struct cache_entry *newest, *oldest;
	struct cache_entry *buckets[BUCKETS];
};

static struct cache_entry **bucket_of(struct cache *cache, uint64_t hash)
{
	return &cache->buckets[hash % BUCKETS];
}

static struct cache_entry *listed(struct cache *cache, struct span key, uint64_t hash)
{
	struct cache_entry *entry = *bucket_of(cache, hash);

	while (entry && (entry->hash != hash ||
			 !span_equals((struct span){entry->key, entry->key_length}, key)))
		entry = entry->next_in_bucket;
	return entry;
}

static size_t weight(const struct cache_entry *entry)
{
	return sizeof(*entry) + entry->key_length + entry->body.size + entry->gzip.size;
}

static void free_entry(struct cache_entry *entry)
{
	str_finish(&entry->body);
	str_finish(&entry->gzip);
	for (size_t i = 0; i < entry->header_count; i++)
		free((void *)(uintptr_t)entry->headers[i].value);
	free(entry->key);
	free(entry);
}

/* --- the list from newest to oldest ------------------------------------------------------------------ */

static void link_newest(struct cache *cache, struct cache_entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	if (cache->newest)
		cache->newest->newer = entry;
	else
		cache->oldest = entry;
	cache->newest = entry;
}

static void unlink_entry(struct cache *cache, struct cache_entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		cache->newest = entry->older;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		cache->oldest = entry->newer;
}

/* Nobody finds it any more; those who hold it keep it. */
static void forget(struct cache *cache, struct cache_entry *entry)
{
	struct cache_entry **at = bucket_of(cache, entry->hash);

	if (!entry->is_listed)
		return;
	while (*at != entry)
		at = &(*at)->next_in_bucket;
	*at = entry->next_in_bucket;
	entry->is_listed = false;
	if (entry->is_filled) {
		cache->bytes -= weight(entry);
		unlink_entry(cache, entry);
	}
	cache_drop(entry);
}

static void make_room(struct cache *cache)
{
	while (cache->bytes > cache->max_bytes && cache->oldest)
		forget(cache, cache->oldest);
}

/* --- the door ---------------------------------------------------------------------------------------- */

struct cache *cache_create(size_t max_bytes, int64_t ttl_us)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		abort();
	cache->max_bytes = max_bytes;
	cache->ttl_us = ttl_us;
	return cache;
}

void cache_destroy(struct cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (cache->buckets[i])
			forget(cache, cache->buckets[i]);
	free(cache);
}

struct cache_entry *cache_find(struct cache *cache, struct span key, int64_t edition,
			       int64_t now_us)
{
	struct cache_entry *entry = listed(cache, key, send_hash(key));

	if (!entry)
		return NULL;
	if (entry->edition != edition || (entry->is_filled && entry->expires_us <= now_us)) {
		forget(cache, entry);
		return NULL;
	}
	if (entry->is_filled && cache->newest != entry) {
		unlink_entry(cache, entry);
		link_newest(cache, entry);
	}
	return entry;
}

struct cache_entry *cache_begin(struct cache *cache, struct span key, int64_t edition)
{
	struct cache_entry *entry = calloc(1, sizeof(*entry));
	struct cache_entry *before;

	if (!entry)
		abort();
	entry->key = malloc(key.length);
	if (!entry->key)
		abort();
	memcpy(entry->key, key.bytes, key.length);
	entry->key_length = key.length;
	entry->hash = send_hash(key);
	before = listed(cache, key, entry->hash);
	if (before)
		forget(cache, before);
	entry->edition = edition;
	entry->holders = 2; /* the cache's and the caller's */
	entry->is_listed = true;
	entry->next_in_bucket = *bucket_of(cache, entry->hash);
	*bucket_of(cache, entry->hash) = entry;
	return entry;
}

static void keep_headers(struct cache_entry *entry, const struct reply *reply)
{
	entry->header_count = reply->header_count;
	for (size_t i = 0; i < reply->header_count; i++) {
		entry->headers[i].name = reply->headers[i].name;
		entry->headers[i].value = strdup(reply->headers[i].value);
		if (!entry->headers[i].value)
			abort();
	}
}

void cache_fill(struct cache *cache, struct cache_entry *entry, struct reply *reply, int64_t now_us)
{
	entry->status = reply->status;
	entry->content_type = reply->content_type;
	entry->body = reply->body;
	str_init(&reply->body, REPLY_BODY_MAX);
	str_init(&entry->gzip, REPLY_BODY_MAX);
	keep_headers(entry, reply);
	entry->body_hash = send_hash(str_span(&entry->body));
	entry->expires_us = now_us + cache->ttl_us;
	entry->is_filled = true;
	if (!entry->is_listed)
		return;
	link_newest(cache, entry);
	cache->bytes += weight(entry);
	if (weight(entry) > cache->max_bytes / 4)
		forget(cache, entry);
	make_room(cache);
}

void cache_give_up(struct cache *cache, struct cache_entry *entry)
{
	forget(cache, entry);
}

void cache_hold(struct cache_entry *entry)
{
	entry->holders++;
}

void cache_drop(struct cache_entry *entry)
{
	assert(entry->holders > 0);
	if (--entry->holders == 0)
		free_entry(entry);
}

void cache_weigh(struct cache *cache, struct cache_entry *entry, size_t more)
{
	if (!entry->is_listed)
		return;
	cache->bytes += more;
	make_room(cache);
}
