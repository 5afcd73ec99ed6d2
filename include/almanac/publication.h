/*
 * Something immutable that the scheduler makes and all workers read: passed by letter to every
 * worker, which holds it until the next one comes. The last holder destroys it.
 */
#ifndef ALMANAC_PUBLICATION_H
#define ALMANAC_PUBLICATION_H

#include <stdatomic.h>
#include <stdint.h>

struct publication {
	atomic_int holders; /* born 1: its maker's */
	void (*destroy)(struct publication *publication);
	int64_t edition;    /* what it is a picture of; the tag of answers made from it */
	int64_t changed_us; /* when that edition came to be: their Last-Modified */
};

void publication_init(struct publication *publication,
		      void (*destroy)(struct publication *publication));
void publication_hold(struct publication *publication);
void publication_drop(struct publication *publication); /* NULL is fine */

#endif
