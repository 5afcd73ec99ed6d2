/*
 * A request whose answer needs another thread of the house sends an errand there and goes on when it is
 * back. The errand is embedded in what it carries, which the room allocates: it may outlive its request,
 * for the house may close first.
 *
 *   defers (endpoint.h) ── errand_send ──▶ letter.open, there … errand_return ──▶ says, release
 *
 * Whoever takes an errand returns it within a time that a client would wait. Workers end before the
 * scheduler's thread does: what comes back then is released. One that is opened when the scheduler's rooms are
 * closed is released there, not returned.
 */
#ifndef ALMANAC_ERRAND_H
#define ALMANAC_ERRAND_H

#include "almanac/endpoint.h"
#include "almanac/mailbox.h"

struct errand {
	struct letter letter; /* `open`: on the other thread, which has the errand from then on */
	/* On the request's thread, when it is back and still waited for: makes the answer. */
	void (*says)(struct errand *errand, struct request *request, struct reply *reply);
	/* The last call, on whatever thread has it then: frees it. */
	void (*release)(struct errand *errand);

	/* http's */
	struct mailbox *home;
	struct request *request; /* NULL: nobody waits any more */
	struct errand *before, *after;
};

/* In `defers`, which then returns true. */
void errand_send(struct request *request, struct errand *errand, struct mailbox *mailbox);

/* On any thread, once: the errand is http's again. */
void errand_return(struct errand *errand);

#endif
