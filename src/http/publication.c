/* publication.c - counted pointers to what all workers read; called by rooms and workers. */
#include "almanac/publication.h"

#include <stddef.h>

void publication_init(struct publication *publication,
		      void (*destroy)(struct publication *publication))
{
	atomic_init(&publication->holders, 1);
	publication->destroy = destroy;
}

void publication_hold(struct publication *publication)
{
	atomic_fetch_add_explicit(&publication->holders, 1, memory_order_relaxed);
}

void publication_drop(struct publication *publication)
{
	if (!publication)
		return;
	if (atomic_fetch_sub_explicit(&publication->holders, 1, memory_order_acq_rel) == 1)
		publication->destroy(publication);
}
