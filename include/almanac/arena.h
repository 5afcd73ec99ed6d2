/*
 * One arena per request and per flow run: memory that is born piece by piece and dies at once.
 *
 * An arena belongs to one thread. Its first block is 4 KiB; larger needs get blocks of their own.
 */
#ifndef ALMANAC_ARENA_H
#define ALMANAC_ARENA_H

#include <stddef.h>

#include "almanac/str.h"

struct arena;

struct arena *arena_create(void);

/* Runs the deferred releases, latest first, then frees all memory. NULL is fine. */
void arena_destroy(struct arena *arena);

/* Zeroed memory, aligned for any object. Never NULL: the process aborts when memory is gone. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((returns_nonnull));

/* A copy of the bytes with a NUL behind them; `length` does not count the NUL. */
struct span arena_copy(struct arena *arena, struct span bytes);

/* The same copy as a C string. */
char *arena_text(struct arena *arena, struct span bytes);

/* printf into the arena; the result is NUL-terminated. */
char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Hands `what` to the arena: `release(what)` runs when the arena is destroyed. */
void arena_defer(struct arena *arena, void (*release)(void *what), void *what);

/* Bytes taken from the system so far, for limits and tests. */
size_t arena_size(const struct arena *arena);

#endif
