/*
 * The way from thread to thread: letters are posted from anywhere and opened on the loop that
 * owns the mailbox, in the order of posting (per sender). A letter is a struct embedded in what
 * it carries.
 */
#ifndef ALMANAC_MAILBOX_H
#define ALMANAC_MAILBOX_H

#include "almanac/loop.h"

struct mailbox;

struct letter {
	void (*open)(
		struct letter *letter); /* on the receiver's thread; owns the letter from then on */
	struct letter *next;            /* the mailbox's */
};

struct mailbox *mailbox_create(struct loop *loop);

/* Opens what still lies in it, then closes. No thread may post any more. */
void mailbox_destroy(struct mailbox *mailbox);

/* Thread-safe, never blocks. */
void mailbox_post(struct mailbox *mailbox, struct letter *letter);

#endif
