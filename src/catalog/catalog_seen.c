/* catalog_seen.c - the set of events in a feed: open addressing, twelve bytes and some air a key. */
#include <stdlib.h>
#include <string.h>

#include "almanac/digest.h"
#include "seen.h"

#define FIRST_SIZE 1024

struct seen_place {
	uint64_t key; /* 0: free */
	uint32_t ordinal;
};

static struct seen_place *place_of(struct seen_place *places, size_t size, uint64_t key)
{
	size_t place = (size_t)key & (size - 1);

	while (places[place].key && places[place].key != key)
		place = (place + 1) & (size - 1);
	return &places[place];
}

static void grow(struct seen *seen)
{
	size_t size = seen->size ? seen->size * 2 : FIRST_SIZE;
	struct seen_place *places = calloc(size, sizeof(*places));

	if (!places)
		abort();
	for (size_t i = 0; i < seen->size; i++)
		if (seen->places[i].key)
			*place_of(places, size, seen->places[i].key) = seen->places[i];
	free(seen->places);
	seen->places = places;
	seen->size = size;
}

uint64_t seen_key(struct span base_id, struct span event_id)
{
	uint8_t bytes[DIGEST_LENGTH];
	struct str pair;
	uint64_t key;

	str_init(&pair, base_id.length + event_id.length + 1);
	str_append(&pair, base_id);
	str_append_char(&pair, '\0');
	str_append(&pair, event_id);
	digest_of(str_span(&pair), bytes);
	str_finish(&pair);
	memcpy(&key, bytes, sizeof(key));
	return key ? key : 1;
}

void seen_init(struct seen *seen)
{
	*seen = (struct seen){0};
}

void seen_finish(struct seen *seen)
{
	free(seen->places);
	*seen = (struct seen){0};
}

void seen_note(struct seen *seen, uint64_t key, uint32_t ordinal)
{
	struct seen_place *place;

	if (seen->count * 4 >= seen->size * 3)
		grow(seen);
	place = place_of(seen->places, seen->size, key);
	if (!place->key) {
		place->key = key;
		seen->count++;
	}
	if (ordinal && !place->ordinal)
		seen->accepted++;
	if (ordinal)
		place->ordinal = ordinal;
}

bool seen_has(const struct seen *seen, uint64_t key)
{
	return seen->size && place_of(seen->places, seen->size, key)->key;
}

uint32_t seen_last(const struct seen *seen, uint64_t key)
{
	return seen->size ? place_of(seen->places, seen->size, key)->ordinal : 0;
}
