/* arena.c - memory of one request or run, freed at once; called by everyone. */
#include "almanac/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK_BYTES 4096
#define MOST_BLOCK_BYTES 65536

struct block {
	struct block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) char bytes[];
};

struct release {
	struct release *next;
	void (*release)(void *what);
	void *what;
};

struct arena {
	struct block *blocks; /* the newest first */
	struct release *releases;
	size_t size;
};

static struct block *add_block(struct arena *arena, size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);

	if (!block)
		abort();
	block->size = size;
	block->used = 0;
	arena->size += sizeof(*block) + size;
	return block;
}

static size_t next_size(const struct arena *arena)
{
	size_t doubled = arena->blocks->size * 2;

	return doubled < MOST_BLOCK_BYTES ? doubled : MOST_BLOCK_BYTES;
}

/* A large piece gets a block of its own, behind the one that is being filled. */
static void *alloc_large(struct arena *arena, size_t bytes)
{
	struct block *block = add_block(arena, bytes);

	block->used = bytes;
	block->next = arena->blocks->next;
	arena->blocks->next = block;
	return memset(block->bytes, 0, bytes);
}

static void *alloc_in_new_block(struct arena *arena, size_t bytes)
{
	struct block *block = add_block(arena, next_size(arena));

	block->next = arena->blocks;
	block->used = bytes;
	arena->blocks = block;
	return memset(block->bytes, 0, bytes);
}

/* The arena itself lies in its first block. */
struct arena *arena_create(void)
{
	struct arena birth = {0};
	struct block *block = add_block(&birth, FIRST_BLOCK_BYTES - sizeof(*block));
	struct arena *arena = (struct arena *)(void *)block->bytes;

	block->next = NULL;
	block->used = (sizeof(*arena) + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	*arena = (struct arena){.blocks = block, .size = birth.size};
	return arena;
}

void arena_destroy(struct arena *arena)
{
	struct block *block, *next;

	if (!arena)
		return;
	for (struct release *entry = arena->releases; entry; entry = entry->next)
		entry->release(entry->what);
	for (block = arena->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct block *block = arena->blocks;
	size_t aligned = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *place;

	if (aligned < bytes)
		abort();
	if (block->size - block->used < aligned)
		return aligned > next_size(arena) / 2 ? alloc_large(arena, aligned)
						      : alloc_in_new_block(arena, aligned);
	place = block->bytes + block->used;
	block->used += aligned;
	return memset(place, 0, aligned);
}

struct span arena_copy(struct arena *arena, struct span bytes)
{
	char *copy = arena_alloc(arena, bytes.length + 1);

	if (bytes.length)
		memcpy(copy, bytes.bytes, bytes.length);
	return (struct span){copy, bytes.length};
}

char *arena_text(struct arena *arena, struct span bytes)
{
	char *copy = arena_alloc(arena, bytes.length + 1);

	if (bytes.length)
		memcpy(copy, bytes.bytes, bytes.length);
	return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	int length;
	char *text;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		abort();
	text = arena_alloc(arena, (size_t)length + 1);
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}

void arena_defer(struct arena *arena, void (*release)(void *what), void *what)
{
	struct release *entry = arena_alloc(arena, sizeof(*entry));

	*entry = (struct release){arena->releases, release, what};
	arena->releases = entry;
}

size_t arena_size(const struct arena *arena)
{
	return arena->size;
}
