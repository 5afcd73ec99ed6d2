/* From an embedded member back to its owner: the callbacks' way to their object without void *. */
#ifndef ALMANAC_CONTAINER_H
#define ALMANAC_CONTAINER_H

#include <stddef.h>

#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* The same from a pointer to something that must not be changed. */
#define container_of_const(pointer, type, member)                                                  \
	((const type *)(const void *)((const char *)(pointer)-offsetof(type, member)))

#endif
