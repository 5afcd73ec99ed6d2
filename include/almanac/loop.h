/*
 * One loop, one thread, one owner: file descriptors (epoll), deadlines and a hook before sleep.
 *
 * All calls but loop_stop() belong to the loop's own thread. The watched things are structs
 * embedded in their owner; the loop only points to them and never frees them. However many timers
 * are set, setting and clearing one takes time by the logarithm of their number.
 */
#ifndef ALMANAC_LOOP_H
#define ALMANAC_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/* A file descriptor and who is told when it is ready. `events` are EPOLLIN, EPOLLOUT (epoll_ctl(2)). */
struct loop_watch {
	int fd;
	uint32_t events;
	void (*ready)(struct loop_watch *watch, uint32_t events);
	bool is_watched; /* the loop's */
};

/* One deadline on the steady clock. Fires once; may be set again from its own callback. */
struct loop_timer {
	void (*fire)(struct loop_timer *timer);
	int64_t due_us; /* the loop's from here on */
	uint64_t order;
	size_t place;
	bool is_set;
};

/* Asked before every sleep, in the order of adding; returns the longest allowed sleep in µs
 * (0: do not sleep, INT64_MAX: no opinion). */
struct loop_hook {
	int64_t (*before_sleep)(struct loop_hook *hook);
	struct loop_hook *next; /* the loop's */
};

struct loop *loop_create(void);
void loop_destroy(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);

/* Ends loop_run() after the callbacks under way. Thread-safe and async-signal-safe. */
void loop_stop(struct loop *loop);

/* Starts or changes watching: set fd, events and ready first. */
void loop_watch(struct loop *loop, struct loop_watch *watch);

/* Stops watching; call it before closing the fd. Fine when it is not watched. Events already
 * collected for it in this turn are dropped. */
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* Sets or moves the timer; a due time in the past fires in the next turn, never inside the call. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_us);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer); /* fine when not set */

void loop_hook_add(struct loop *loop, struct loop_hook *hook);
void loop_hook_remove(struct loop *loop, struct loop_hook *hook);

/* The steady clock as read when this turn began: cheap, exact enough for deadlines. */
int64_t loop_now_us(const struct loop *loop);

#endif
