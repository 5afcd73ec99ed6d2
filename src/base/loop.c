/* loop.c - epoll, deadlines, hooks: one turn after the other; called by everyone who waits. */
#include "almanac/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "almanac/clock.h"
#include "almanac/container.h"

#define EVENTS_MAX 256
#define TIMERS_AT_FIRST 64
#define LONGEST_SLEEP_US INT64_C(3600000000)

struct loop {
	int epoll;
	int64_t now_us;
	struct loop_timer **timers;
	size_t timer_count;
	size_t timer_size;
	uint64_t timer_order; /* rises with every timer set */
	struct loop_hook *hooks;
	struct loop_watch waker;
	atomic_bool is_stopping;
	struct epoll_event events[EVENTS_MAX];
	int event_count;
	int event_at;
};

static void must(bool is_fine)
{
	if (!is_fine)
		abort();
}

/* --- timers: a binary heap, the earliest first, equal ones in the order of setting -------------------- */

static bool is_earlier(const struct loop_timer *one, const struct loop_timer *other)
{
	return one->due_us != other->due_us ? one->due_us < other->due_us
					    : one->order < other->order;
}

static void put_timer(struct loop *loop, size_t place, struct loop_timer *timer)
{
	loop->timers[place] = timer;
	timer->place = place;
}

/* Moves the hole at `place` up to where the timer fits. */
static size_t rise(struct loop *loop, size_t place, const struct loop_timer *timer)
{
	while (place > 0 && is_earlier(timer, loop->timers[(place - 1) / 2])) {
		put_timer(loop, place, loop->timers[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	return place;
}

/* Moves it down likewise. */
static size_t sink(struct loop *loop, size_t place, const struct loop_timer *timer)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < loop->timer_count &&
		    is_earlier(loop->timers[child + 1], loop->timers[child]))
			child++;
		if (child >= loop->timer_count || !is_earlier(loop->timers[child], timer))
			return place;
		put_timer(loop, place, loop->timers[child]);
		place = child;
	}
}

static void make_room(struct loop *loop)
{
	size_t size = loop->timer_size ? 2 * loop->timer_size : TIMERS_AT_FIRST;

	if (loop->timer_count < loop->timer_size)
		return;
	loop->timers = realloc(loop->timers, size * sizeof(struct loop_timer *));
	must(loop->timers != NULL);
	loop->timer_size = size;
}

/* A timer set by a callback waits for the next turn, even when it is due: it is never due before
 * now, so the heap gives all older ones first. */
static void fire_due(struct loop *loop)
{
	uint64_t order = loop->timer_order;

	while (loop->timer_count > 0) {
		struct loop_timer *timer = loop->timers[0];

		if (timer->due_us > loop->now_us || timer->order >= order)
			return;
		loop_timer_clear(loop, timer);
		timer->fire(timer);
	}
}

static int64_t until_first_timer(const struct loop *loop)
{
	int64_t wait;

	if (loop->timer_count == 0)
		return INT64_MAX;
	wait = loop->timers[0]->due_us - clock_steady_us();
	return wait > 0 ? wait : 0;
}

/* --- sleeping --------------------------------------------------------------------------------------- */

static int64_t longest_sleep(struct loop *loop)
{
	int64_t sleep_us = INT64_MAX;
	int64_t timer_us;

	for (struct loop_hook *hook = loop->hooks; hook; hook = hook->next) {
		int64_t allowed = hook->before_sleep(hook);

		if (allowed < sleep_us)
			sleep_us = allowed;
	}
	timer_us = until_first_timer(loop);
	return timer_us < sleep_us ? timer_us : sleep_us;
}

/* Rounded up, so that no timer fires early; an hour at most, then the loop turns once for nothing. */
static int whole_ms(int64_t sleep_us)
{
	return sleep_us < LONGEST_SLEEP_US ? (int)((sleep_us + 999) / 1000)
					   : (int)(LONGEST_SLEEP_US / 1000);
}

static int wait_for_events(struct loop *loop, int64_t sleep_us)
{
	struct timespec limit = {.tv_sec = sleep_us / 1000000,
				 .tv_nsec = sleep_us % 1000000 * 1000};
	int count;

	count = epoll_pwait2(loop->epoll, loop->events, EVENTS_MAX,
			     sleep_us == INT64_MAX ? NULL : &limit, NULL);
	/* Linux before 5.11 does not know the call; old container sandboxes forbid it. */
	if (count < 0 && (errno == ENOSYS || errno == EPERM))
		count = epoll_wait(loop->epoll, loop->events, EVENTS_MAX, whole_ms(sleep_us));
	must(count >= 0 || errno == EINTR);
	return count > 0 ? count : 0;
}

static void tell_ready(struct loop *loop)
{
	for (loop->event_at = 0; loop->event_at < loop->event_count; loop->event_at++) {
		struct epoll_event *event = &loop->events[loop->event_at];
		struct loop_watch *watch = event->data.ptr;

		if (watch)
			watch->ready(watch, event->events);
	}
	loop->event_count = 0;
}

static void woken(struct loop_watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	must(read(watch->fd, &count, sizeof(count)) == sizeof(count) || errno == EAGAIN);
}

/* --- the door --------------------------------------------------------------------------------------- */

struct loop *loop_create(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	must(loop != NULL);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	must(loop->epoll >= 0);
	loop->waker.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	must(loop->waker.fd >= 0);
	loop->waker.events = EPOLLIN;
	loop->waker.ready = woken;
	loop->now_us = clock_steady_us();
	loop_watch(loop, &loop->waker);
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	loop_unwatch(loop, &loop->waker);
	close(loop->waker.fd);
	close(loop->epoll);
	free(loop->timers);
	free(loop);
}

void loop_run(struct loop *loop)
{
	while (!atomic_load(&loop->is_stopping)) {
		loop->event_count = wait_for_events(loop, longest_sleep(loop));
		loop->now_us = clock_steady_us();
		tell_ready(loop);
		loop->now_us = clock_steady_us();
		fire_due(loop);
	}
	atomic_store(&loop->is_stopping, false);
}

void loop_stop(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t written;

	atomic_store(&loop->is_stopping, true);
	written = write(loop->waker.fd, &one, sizeof(one));
	(void)written;
}

void loop_watch(struct loop *loop, struct loop_watch *watch)
{
	struct epoll_event event = {.events = watch->events, .data.ptr = watch};
	int operation = watch->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int failed = epoll_ctl(loop->epoll, operation, watch->fd, &event);

	/* Libraries close what we watch and get the same number anew; epoll knows of the closing. */
	if (failed && errno == ENOENT)
		failed = epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event);
	must(!failed);
	watch->is_watched = true;
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
	if (!watch->is_watched)
		return;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->is_watched = false;
	for (int i = loop->event_at; i < loop->event_count; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_us)
{
	size_t place = timer->place;

	if (!timer->is_set) {
		make_room(loop);
		place = loop->timer_count++;
	}
	timer->due_us = due_us > loop->now_us ? due_us : loop->now_us;
	timer->order = loop->timer_order++;
	timer->is_set = true;
	put_timer(loop, sink(loop, rise(loop, place, timer), timer), timer);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;

	if (!timer->is_set)
		return;
	timer->is_set = false;
	last = loop->timers[--loop->timer_count];
	if (last != timer)
		put_timer(loop, sink(loop, rise(loop, timer->place, last), last), last);
}

void loop_hook_add(struct loop *loop, struct loop_hook *hook)
{
	struct loop_hook **last = &loop->hooks;

	while (*last)
		last = &(*last)->next;
	hook->next = NULL;
	*last = hook;
}

void loop_hook_remove(struct loop *loop, struct loop_hook *hook)
{
	for (struct loop_hook **at = &loop->hooks; *at; at = &(*at)->next) {
		if (*at == hook) {
			*at = hook->next;
			return;
		}
	}
}

int64_t loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}
