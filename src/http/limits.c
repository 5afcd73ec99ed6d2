/* limits.c - requests and connections of one client, counted for all workers together; called by access.c.
 *
 * A token bucket is one number: the time at which it would be full again (GCRA, ITU-T I.371). One whose time
 * is over is as good as none, so the table has a fixed size and forgets those first. Each lock is for a
 * share of the keys and held for a few instructions. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "almanac/digest.h"
#include "almanac/fields.h"

#define LOCKS 64
#define SETS 8192
#define SET_SLOTS 8
#define BUCKETS 4096
#define SECOND_NS INT64_C(1000000000)
#define QUOTA_MAX 1000000

struct slot {
	uint64_t key;
	int64_t full_ns;
};

struct visitor {
	struct visitor *next;
	uint64_t key;
	size_t connections;
};

struct limits {
	pthread_mutex_t locks[LOCKS];
	uint64_t seed;
	struct slot (*sets)[SET_SLOTS];
	struct visitor **visitors;
};

struct limits *limits_create(void)
{
	struct limits *limits = calloc(1, sizeof(*limits));

	if (!limits)
		abort();
	limits->sets = calloc(SETS, sizeof(*limits->sets));
	limits->visitors = calloc(BUCKETS, sizeof(*limits->visitors));
	if (!limits->sets || !limits->visitors)
		abort();
	random_bytes(&limits->seed, sizeof(limits->seed));
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&limits->locks[i], NULL);
	return limits;
}

void limits_destroy(struct limits *limits)
{
	if (!limits)
		return;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&limits->locks[i]);
	for (int i = 0; i < BUCKETS; i++)
		while (limits->visitors[i]) {
			struct visitor *next = limits->visitors[i]->next;

			free(limits->visitors[i]);
			limits->visitors[i] = next;
		}
	free(limits->visitors);
	free(limits->sets);
	free(limits);
}

/* --- keys ---------------------------------------------------------------------------------------------- */

/* Nobody outside knows the seed, so nobody can look for two that meet. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

uint64_t limits_key_of_name(const struct limits *limits, const char *name)
{
	return mix(mix(limits->seed, 1), send_hash(span_of(name)));
}

uint64_t limits_key_of_address(const struct limits *limits, const struct address *address)
{
	uint64_t high, low;

	memcpy(&high, address->bytes, sizeof(high));
	memcpy(&low, address->bytes + sizeof(high), sizeof(low));
	if (!address_is_ipv4(address))
		low = 0;
	return mix(mix(mix(limits->seed, 2), high), low);
}

static pthread_mutex_t *lock_of(struct limits *limits, uint64_t key)
{
	return &limits->locks[key % LOCKS];
}

/* --- requests ------------------------------------------------------------------------------------------ */

static bool read_window(struct span text, int64_t *window_s)
{
	static const struct {
		const char *word;
		int64_t seconds;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!span_is(text, units[i].word))
			continue;
		*window_s = units[i].seconds;
		return true;
	}
	return false;
}

bool rate_read(const char *text, int64_t burst, struct rate *rate, struct str *complaint)
{
	struct span rest = span_of(text);
	struct span number = {0};

	*rate = (struct rate){0};
	if (rest.length == 0)
		return true;
	span_split(&rest, '/', &number);
	if (!integer_parse(number, &rate->quota) || rate->quota < 1 || rate->quota > QUOTA_MAX ||
	    !read_window(rest, &rate->window_s)) {
		str_format(complaint,
			   "RATE_LIMIT: must be a number from 1 to %d and /s, /min or /h, as 100/s",
			   QUOTA_MAX);
		return false;
	}
	rate->burst = burst > 0 ? burst : rate->quota;
	return true;
}

/* The key's own slot, else the one of its set that is full first. */
static struct slot *find_slot(struct limits *limits, uint64_t key)
{
	struct slot *set = limits->sets[key / LOCKS % SETS];
	struct slot *found = set;

	for (struct slot *slot = set; slot < set + SET_SLOTS; slot++) {
		if (slot->key == key)
			return slot;
		if (slot->full_ns < found->full_ns)
			found = slot;
	}
	*found = (struct slot){.key = key};
	return found;
}

static int64_t seconds_up(int64_t nanoseconds)
{
	return (nanoseconds + SECOND_NS - 1) / SECOND_NS;
}

struct rate_verdict limits_take(struct limits *limits, const struct rate *rate, uint64_t key,
				int64_t now_us)
{
	int64_t each_ns = rate->window_s * SECOND_NS / rate->quota;
	int64_t room_ns = rate->burst * each_ns;
	int64_t now_ns = now_us * 1000;
	pthread_mutex_t *lock = lock_of(limits, key);
	struct rate_verdict verdict = {
		.is_counted = true, .quota = rate->quota, .window_s = rate->window_s};
	struct slot *slot;
	int64_t debt_ns;

	pthread_mutex_lock(lock);
	slot = find_slot(limits, key);
	debt_ns = slot->full_ns > now_ns ? slot->full_ns - now_ns : 0;
	verdict.is_refused = debt_ns + each_ns > room_ns;
	if (!verdict.is_refused) {
		debt_ns += each_ns;
		slot->full_ns = now_ns + debt_ns;
	}
	pthread_mutex_unlock(lock);
	verdict.remaining = debt_ns < room_ns ? (room_ns - debt_ns) / each_ns : 0;
	verdict.reset_s = seconds_up(debt_ns);
	verdict.wait_s = verdict.is_refused ? seconds_up(debt_ns + each_ns - room_ns) : 0;
	return verdict;
}

/* --- connections --------------------------------------------------------------------------------------- */

static struct visitor **find_visitor(struct limits *limits, uint64_t key)
{
	struct visitor **place = &limits->visitors[key % BUCKETS];

	while (*place && (*place)->key != key)
		place = &(*place)->next;
	return place;
}

size_t limits_enter(struct limits *limits, uint64_t key)
{
	pthread_mutex_t *lock = lock_of(limits, key);
	struct visitor **place;
	size_t connections;

	pthread_mutex_lock(lock);
	place = find_visitor(limits, key);
	if (!*place) {
		*place = calloc(1, sizeof(**place));
		if (!*place)
			abort();
		(*place)->key = key;
	}
	connections = ++(*place)->connections;
	pthread_mutex_unlock(lock);
	return connections;
}

void limits_leave(struct limits *limits, uint64_t key)
{
	pthread_mutex_t *lock = lock_of(limits, key);
	struct visitor **place, *visitor;

	pthread_mutex_lock(lock);
	place = find_visitor(limits, key);
	visitor = *place;
	assert(visitor);
	if (--visitor->connections == 0) {
		*place = visitor->next;
		free(visitor);
	}
	pthread_mutex_unlock(lock);
}
