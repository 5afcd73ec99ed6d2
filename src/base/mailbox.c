/* mailbox.c - letters from thread to thread: a stack pushed without locks, reversed when taken. */
#include "almanac/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "almanac/container.h"

struct mailbox {
	struct loop *loop;
	struct loop_watch watch;
	_Atomic(struct letter *) newest;
};

static void must(bool is_fine)
{
	if (!is_fine)
		abort();
}

static struct letter *take_all(struct mailbox *mailbox)
{
	struct letter *letter =
		atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
	struct letter *oldest = NULL;

	while (letter) {
		struct letter *next = letter->next;

		letter->next = oldest;
		oldest = letter;
		letter = next;
	}
	return oldest;
}

static void open_all(struct mailbox *mailbox)
{
	struct letter *letter = take_all(mailbox);

	while (letter) {
		struct letter *next = letter->next;

		letter->open(letter);
		letter = next;
	}
}

static void ready(struct loop_watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	must(read(watch->fd, &count, sizeof(count)) == sizeof(count) || errno == EAGAIN);
	open_all(container_of(watch, struct mailbox, watch));
}

struct mailbox *mailbox_create(struct loop *loop)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

	must(mailbox != NULL);
	mailbox->loop = loop;
	mailbox->watch.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(mailbox->watch.fd >= 0);
	mailbox->watch.events = EPOLLIN;
	mailbox->watch.ready = ready;
	loop_watch(loop, &mailbox->watch);
	return mailbox;
}

void mailbox_destroy(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	open_all(mailbox);
	loop_unwatch(mailbox->loop, &mailbox->watch);
	close(mailbox->watch.fd);
	free(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct letter *letter)
{
	uint64_t one = 1;
	ssize_t written;

	letter->next = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &letter->next, letter,
						      memory_order_release, memory_order_relaxed))
		;
	written = write(mailbox->watch.fd, &one, sizeof(one));
	(void)written;
}
