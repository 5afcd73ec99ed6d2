/* zone_tzif.c - the bytes of a TZif file (RFC 8536); zone_file.c calls me, I call zone.c */
#include <string.h>

#include "days.h"
#include "zones.h"

#define HEADER_BYTES 44
#define TYPE_BYTES 6
#define TYPES_MAX 256
#define TEXT_MAX_BYTES 4096
#define OFFSET_MAX_S (26 * 3600)
#define EARLIEST_S (-(INT64_C(1) << 60)) /* files may begin with the big bang */

/* The counts of a header, in their order. */
enum { UTC_FLAGS, STANDARD_FLAGS, LEAPS, CHANGES, TYPES, NAMES, COUNTS };

struct block {
	uint32_t counts[COUNTS];
	size_t time_bytes; /* 4 in the first block, 8 in the second */
	const unsigned char *bytes;
	size_t length;
};

static uint64_t number_at(const unsigned char *bytes, size_t length)
{
	uint64_t number = 0;

	for (size_t i = 0; i < length; i++)
		number = number << 8 | bytes[i];
	return number;
}

static int64_t time_at(const struct block *block, size_t place)
{
	const unsigned char *bytes = block->bytes + place * block->time_bytes;

	if (block->time_bytes == 4)
		return (int32_t)(uint32_t)number_at(bytes, 4);
	return (int64_t)number_at(bytes, 8);
}

/* --- blocks ---------------------------------------------------------------------------------- */

static bool are_counts_good(const uint32_t counts[COUNTS])
{
	return counts[LEAPS] == 0 && counts[CHANGES] <= ZONE_CHANGES_MAX && counts[TYPES] >= 1 &&
	       counts[TYPES] <= TYPES_MAX && counts[NAMES] <= TEXT_MAX_BYTES &&
	       counts[UTC_FLAGS] <= counts[TYPES] && counts[STANDARD_FLAGS] <= counts[TYPES];
}

/* Takes a header and the data behind it; the first block of a later version may be empty. */
static bool take_block(struct span *rest, size_t time_bytes, bool may_be_empty, struct block *block)
{
	const unsigned char *bytes = (const unsigned char *)rest->bytes;

	if (rest->length < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < COUNTS; i++)
		block->counts[i] = (uint32_t)number_at(bytes + 20 + 4 * i, 4);
	if (!are_counts_good(block->counts) &&
	    !(may_be_empty && block->counts[TYPES] == 0 && block->counts[CHANGES] == 0))
		return false;
	block->time_bytes = time_bytes;
	block->bytes = bytes + HEADER_BYTES;
	block->length = (size_t)block->counts[CHANGES] * (time_bytes + 1) +
			(size_t)block->counts[TYPES] * TYPE_BYTES + block->counts[NAMES] +
			(size_t)block->counts[LEAPS] * (time_bytes + 4) +
			block->counts[STANDARD_FLAGS] + block->counts[UTC_FLAGS];
	if (block->length > rest->length - HEADER_BYTES)
		return false;
	rest->bytes += HEADER_BYTES + block->length;
	rest->length -= HEADER_BYTES + block->length;
	return true;
}

static bool read_offset(const struct block *block, size_t type, int32_t *offset)
{
	const unsigned char *types =
		block->bytes + block->counts[CHANGES] * (block->time_bytes + 1);

	if (type >= block->counts[TYPES])
		return false;
	*offset = (int32_t)(uint32_t)number_at(types + type * TYPE_BYTES, 4);
	return *offset > -OFFSET_MAX_S && *offset < OFFSET_MAX_S;
}

static bool read_changes(const struct block *block, struct zone_change *changes)
{
	const unsigned char *types = block->bytes + block->counts[CHANGES] * block->time_bytes;

	for (size_t i = 0; i < block->counts[CHANGES]; i++) {
		changes[i].unix_s = time_at(block, i);
		if (!read_offset(block, types[i], &changes[i].offset_s))
			return false;
		if (changes[i].unix_s <= (i > 0 ? changes[i - 1].unix_s : EARLIEST_S) ||
		    changes[i].unix_s > LAST_S)
			return false;
	}
	return true;
}

/* --- what follows the last change ------------------------------------------------------------- */

/* A newline, the rule, a newline; an empty rule says that nothing is known. */
static bool read_footer(struct span rest, struct zone_rule *rule, bool *has_rule)
{
	const char *end;

	if (rest.length < 2 || rest.bytes[0] != '\n')
		return false;
	end = memchr(rest.bytes + 1, '\n', rest.length - 1);
	if (!end)
		return false;
	rest = (struct span){rest.bytes + 1, (size_t)(end - rest.bytes - 1)};
	*has_rule = rest.length > 0;
	return !*has_rule || zone_rule_read(rest, rule);
}

const struct zone *zone_read(struct arena *arena, struct span name, struct span tzif)
{
	struct span rest = tzif;
	bool is_later = tzif.length > 4 && tzif.bytes[4] >= '2';
	bool has_rule = false;
	struct zone_rule rule;
	struct block block;
	struct zone_change *changes;
	int32_t first_offset;

	if (tzif.length > ZONE_FILE_MAX_BYTES || !take_block(&rest, 4, is_later, &block))
		return NULL;
	if (is_later &&
	    (!take_block(&rest, 8, false, &block) || !read_footer(rest, &rule, &has_rule)))
		return NULL;
	changes = arena_alloc(arena, (block.counts[CHANGES] + 1) * sizeof(*changes));
	if (!read_offset(&block, 0, &first_offset) || !read_changes(&block, changes))
		return NULL;
	return zone_make(arena, name, first_offset, changes, block.counts[CHANGES],
			 has_rule ? &rule : NULL);
}
