/* test_loop.c - timers, watches, hooks and the way out, with what callbacks may do to each other */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "almanac/clock.h"
#include "almanac/container.h"
#include "almanac/loop.h"
#include "story.h"

static struct loop *loop;

static int open_loop(void **state)
{
	(void)state;
	loop = loop_create();
	return 0;
}

static int close_loop(void **state)
{
	(void)state;
	loop_destroy(loop);
	return 0;
}

/* --- timers ------------------------------------------------------------------------------------- */

/* Timers told by a letter, in the order of firing. */
static char story[100];
static size_t told;

struct teller {
	struct loop_timer timer;
	char letter;
	void (*then)(struct teller *teller);
	struct teller *other;
	int rounds;
};

static void tell(struct loop_timer *timer)
{
	struct teller *teller = container_of(timer, struct teller, timer);

	assert_false(timer->is_set);
	assert_true(told + 1 < sizeof(story));
	story[told++] = teller->letter;
	if (teller->then)
		teller->then(teller);
}

static struct teller teller_of(char letter, void (*then)(struct teller *teller))
{
	return (struct teller){.timer.fire = tell, .letter = letter, .then = then};
}

static void stop(struct teller *teller)
{
	(void)teller;
	loop_stop(loop);
}

/* Runs until the last timer, and compares what was told. */
static void assert_told(const char *expected)
{
	struct teller last = teller_of('.', stop);

	loop_timer_set(loop, &last.timer, clock_steady_us() + 20000);
	loop_run(loop);
	story[told] = '\0';
	told = 0;
	assert_string_equal(story, expected);
}

static void timers_fire_in_the_order_of_their_due_times(void **state)
{
	static const int places[] = {5, 2, 8, 1, 7, 3, 9, 0, 6, 4};
	struct teller tellers[LENGTH(places)];
	int64_t now = clock_steady_us();

	(void)state;
	for (size_t i = 0; i < LENGTH(places); i++) {
		tellers[i] = teller_of((char)('0' + places[i]), NULL);
		loop_timer_set(loop, &tellers[i].timer, now + 200 * places[i]);
	}
	assert_told("0123456789.");
}

static void equal_due_times_keep_the_order_of_setting(void **state)
{
	struct teller a = teller_of('a', NULL), b = teller_of('b', NULL), c = teller_of('c', NULL);
	int64_t due = clock_steady_us() + 1000;

	(void)state;
	loop_timer_set(loop, &a.timer, due);
	loop_timer_set(loop, &b.timer, due);
	loop_timer_set(loop, &c.timer, due);
	loop_timer_set(loop, &a.timer, due); /* set anew: behind the others */
	assert_told("bca.");
}

static void check_clock(struct teller *teller)
{
	(void)teller;
	assert_true(clock_steady_us() >= teller->timer.due_us);
	assert_true(loop_now_us(loop) >= teller->timer.due_us);
}

static void no_timer_fires_early(void **state)
{
	struct teller tellers[8];

	(void)state;
	for (size_t i = 0; i < LENGTH(tellers); i++) {
		tellers[i] = teller_of('x', check_clock);
		loop_timer_set(loop, &tellers[i].timer, clock_steady_us() + 777 * (int64_t)i);
	}
	assert_told("xxxxxxxx.");
}

static void a_timer_can_be_moved_and_cleared(void **state)
{
	struct teller a = teller_of('a', NULL), b = teller_of('b', NULL), c = teller_of('c', NULL);
	int64_t now = clock_steady_us();

	(void)state;
	loop_timer_clear(loop, &a.timer);
	loop_timer_set(loop, &a.timer, now + 1000);
	loop_timer_set(loop, &b.timer, now + 2000);
	loop_timer_set(loop, &c.timer, now + 3000);
	loop_timer_set(loop, &a.timer, now + 4000);
	loop_timer_clear(loop, &c.timer);
	loop_timer_clear(loop, &c.timer);
	assert_true(a.timer.is_set && !c.timer.is_set);
	assert_told("ba.");
}

static void a_timer_of_the_past_does_not_fire_inside_the_call(void **state)
{
	struct teller a = teller_of('a', NULL), b = teller_of('b', NULL);

	(void)state;
	loop_timer_set(loop, &a.timer, INT64_MIN);
	loop_timer_set(loop, &b.timer, 0);
	assert_int_equal(told, 0);
	assert_told("ab.");
}

static void a_timer_of_never_does_not_keep_the_loop(void **state)
{
	struct teller never = teller_of('n', NULL);

	(void)state;
	loop_timer_set(loop, &never.timer, INT64_MAX);
	assert_told(".");
	assert_true(never.timer.is_set);
	loop_timer_clear(loop, &never.timer);
}

static void again(struct teller *teller)
{
	if (--teller->rounds > 0)
		loop_timer_set(loop, &teller->timer, 0);
}

/* A timer that sets itself, due at once, waits for the next turn: others are not starved. */
static void a_timer_can_set_itself(void **state)
{
	struct teller a = teller_of('a', again), b = teller_of('b', again);

	(void)state;
	a.rounds = 3;
	b.rounds = 4;
	loop_timer_set(loop, &a.timer, 0);
	loop_timer_set(loop, &b.timer, 0);
	assert_told("abababb.");
}

static void clear_other(struct teller *teller)
{
	loop_timer_clear(loop, &teller->other->timer);
}

static void set_other(struct teller *teller)
{
	loop_timer_set(loop, &teller->other->timer, 0);
}

static void a_timer_can_clear_another_that_is_due(void **state)
{
	struct teller a = teller_of('a', clear_other), b = teller_of('b', NULL),
		      c = teller_of('c', clear_other), d = teller_of('d', NULL);

	(void)state;
	a.other = &b;
	c.other = &d; /* the last one due */
	loop_timer_set(loop, &a.timer, 0);
	loop_timer_set(loop, &b.timer, 0);
	loop_timer_set(loop, &c.timer, 0);
	loop_timer_set(loop, &d.timer, 0);
	assert_told("ac.");
}

static void a_timer_can_set_another_that_is_due(void **state)
{
	struct teller a = teller_of('a', set_other), b = teller_of('b', NULL),
		      c = teller_of('c', NULL);

	(void)state;
	a.other = &b; /* moved behind c, to the next turn */
	loop_timer_set(loop, &a.timer, 0);
	loop_timer_set(loop, &b.timer, 0);
	loop_timer_set(loop, &c.timer, 0);
	assert_told("acb.");
}

/* --- many timers against a list ------------------------------------------------------------------ */

enum { MANY = 100, FIRINGS = 20000 };

static struct model {
	struct loop_timer timer;
	int64_t due_us;
	int64_t set_in_turn;
	bool is_set;
} models[MANY];

static int64_t turn;
static int firings;
static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static void set_model(struct model *model)
{
	/* Half of them at places that are taken already, to make due times equal. */
	int64_t due_us = roll(2) ? models[roll(MANY)].due_us : loop_now_us(loop) + roll(100);

	loop_timer_set(loop, &model->timer, due_us);
	model->due_us = model->timer.due_us;
	model->set_in_turn = turn;
	model->is_set = true;
}

static void fire_model(struct loop_timer *timer)
{
	struct model *model = container_of(timer, struct model, timer);

	assert_true(model->is_set && !timer->is_set);
	assert_true(model->due_us <= loop_now_us(loop) && model->set_in_turn < turn);
	model->is_set = false;
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(models[i].is_set, models[i].timer.is_set);
		if (models[i].is_set && models[i].set_in_turn < turn)
			assert_true(models[i].due_us >= model->due_us);
	}
	for (uint32_t i = roll(4); i > 0; i--) {
		struct model *other = &models[roll(MANY)];

		if (roll(3)) {
			set_model(other);
		} else {
			loop_timer_clear(loop, &other->timer);
			other->is_set = false;
		}
	}
	set_model(&models[roll(MANY)]);
	if (++firings == FIRINGS)
		loop_stop(loop);
}

static int64_t count_turns(struct loop_hook *hook)
{
	(void)hook;
	turn++;
	return INT64_MAX;
}

static void many_timers_set_and_clear_each_other(void **state)
{
	struct loop_hook hook = {.before_sleep = count_turns};

	(void)state;
	loop_hook_add(loop, &hook);
	for (int i = 0; i < MANY; i++) {
		models[i].timer.fire = fire_model;
		set_model(&models[i]);
	}
	loop_run(loop);
	assert_true(firings >= FIRINGS);
}

/* A list would take minutes for these. */
enum { VERY_MANY = 200000 };

static struct crowd {
	struct loop_timer timer;
	bool is_cleared;
} * crowd;

static int64_t latest_us;
static int fired;

static void fire_of_crowd(struct loop_timer *timer)
{
	assert_false(container_of(timer, struct crowd, timer)->is_cleared);
	assert_true(timer->due_us >= latest_us);
	latest_us = timer->due_us;
	fired++;
}

static void a_crowd_of_timers_fires_in_order(void **state)
{
	struct teller last = teller_of('.', stop);
	int64_t now = clock_steady_us();
	int cleared = 0;

	(void)state;
	crowd = calloc(VERY_MANY, sizeof(*crowd));
	assert_non_null(crowd);
	for (int i = 0; i < VERY_MANY; i++) {
		crowd[i].timer.fire = fire_of_crowd;
		loop_timer_set(loop, &crowd[i].timer, now + roll(VERY_MANY));
	}
	for (int i = 0; i < VERY_MANY; i += 2, cleared++) {
		loop_timer_clear(loop, &crowd[i].timer);
		crowd[i].is_cleared = true;
	}
	loop_timer_set(loop, &last.timer, now + VERY_MANY);
	loop_run(loop);
	told = 0;
	assert_int_equal(fired, VERY_MANY - cleared);
	free(crowd);
}

/* --- watches -------------------------------------------------------------------------------------- */

struct bell {
	struct loop_watch watch;
	struct bell *other;
	uint32_t seen;
	int rings;
};

static void bell_init(struct bell *bell, void (*ready)(struct loop_watch *, uint32_t),
		      unsigned count)
{
	*bell = (struct bell){.watch = {.events = EPOLLIN, .ready = ready}};
	bell->watch.fd = eventfd(count, EFD_NONBLOCK);
	assert_true(bell->watch.fd >= 0);
}

static void ring(struct loop_watch *watch, uint32_t events)
{
	struct bell *bell = container_of(watch, struct bell, watch);

	bell->rings++;
	bell->seen = events;
	loop_unwatch(loop, watch);
	loop_unwatch(loop, watch);
	loop_stop(loop);
}

static void a_ready_descriptor_is_told(void **state)
{
	struct bell bell;

	(void)state;
	bell_init(&bell, ring, 1);
	loop_watch(loop, &bell.watch);
	assert_true(bell.watch.is_watched);
	loop_run(loop);
	assert_int_equal(bell.rings, 1);
	assert_int_equal(bell.seen, EPOLLIN);
	assert_false(bell.watch.is_watched);
	close(bell.watch.fd);
}

static void the_events_of_a_watch_can_be_changed(void **state)
{
	struct bell bell;

	(void)state;
	bell_init(&bell, ring, 0); /* nothing to read, but room to write */
	loop_watch(loop, &bell.watch);
	bell.watch.events = EPOLLOUT;
	loop_watch(loop, &bell.watch);
	loop_run(loop);
	assert_int_equal(bell.seen, EPOLLOUT);
	close(bell.watch.fd);
}

static void ring_and_silence_other(struct loop_watch *watch, uint32_t events)
{
	struct bell *bell = container_of(watch, struct bell, watch);

	(void)events;
	bell->rings++;
	loop_unwatch(loop, &bell->other->watch);
	close(bell->other->watch.fd);
	loop_unwatch(loop, watch);
	loop_stop(loop);
}

/* Both are ready in the same turn; whichever comes first takes the other's event away. */
static void an_event_of_the_same_turn_is_dropped(void **state)
{
	struct bell one, other;

	(void)state;
	bell_init(&one, ring_and_silence_other, 1);
	bell_init(&other, ring_and_silence_other, 1);
	one.other = &other;
	other.other = &one;
	loop_watch(loop, &one.watch);
	loop_watch(loop, &other.watch);
	loop_run(loop);
	assert_int_equal(one.rings + other.rings, 1);
	close(one.rings ? one.watch.fd : other.watch.fd);
}

static void ring_and_change_other(struct loop_watch *watch, uint32_t events)
{
	struct bell *bell = container_of(watch, struct bell, watch);

	(void)events;
	bell->rings++;
	loop_unwatch(loop, watch);
	loop_unwatch(loop, &bell->other->watch);
	close(bell->other->watch.fd);
	bell->other->watch.fd = eventfd(0, EFD_NONBLOCK); /* nothing to read */
	loop_watch(loop, &bell->other->watch);
	loop_stop(loop);
}

/* The struct is watched again in the same turn, for another descriptor: the old event is gone. */
static void an_old_event_is_not_told_to_a_new_watch(void **state)
{
	struct bell one, other;

	(void)state;
	bell_init(&one, ring_and_change_other, 1);
	bell_init(&other, ring_and_change_other, 1);
	one.other = &other;
	other.other = &one;
	loop_watch(loop, &one.watch);
	loop_watch(loop, &other.watch);
	loop_run(loop);
	assert_int_equal(one.rings + other.rings, 1);
	loop_unwatch(loop, &one.watch);
	loop_unwatch(loop, &other.watch);
	close(one.watch.fd);
	close(other.watch.fd);
}

static void ring_on(struct loop_watch *watch, uint32_t events)
{
	(void)events;
	if (++container_of(watch, struct bell, watch)->rings == 3)
		loop_stop(loop);
}

static void timers_due_for_ever_do_not_starve_descriptors(void **state)
{
	struct teller a = teller_of('a', again);
	struct bell bell;

	(void)state;
	a.rounds = 50;
	bell_init(&bell, ring_on, 1); /* never read: ready in every turn */
	loop_watch(loop, &bell.watch);
	loop_timer_set(loop, &a.timer, 0);
	loop_run(loop);
	assert_int_equal(bell.rings, 3);
	assert_in_range(told, 2, 3);
	told = 0;
	loop_timer_clear(loop, &a.timer);
	loop_unwatch(loop, &bell.watch);
	close(bell.watch.fd);
}

/* More than the loop takes from epoll in one turn. */
static void many_descriptors_are_told(void **state)
{
	enum { BELLS = 700 };
	static struct bell bells[BELLS];
	struct teller last = teller_of('.', stop);

	(void)state;
	for (int i = 0; i < BELLS; i++) {
		bell_init(&bells[i], ring, 1);
		loop_watch(loop, &bells[i].watch);
	}
	for (int left = BELLS; left > 0;) {
		loop_timer_set(loop, &last.timer, clock_steady_us() + 1000000);
		loop_run(loop);
		left = 0;
		for (int i = 0; i < BELLS; i++)
			left += bells[i].rings == 0;
	}
	for (int i = 0; i < BELLS; i++) {
		assert_int_equal(bells[i].rings, 1);
		close(bells[i].watch.fd);
	}
	assert_int_equal(told, 0);
}

/* --- hooks ---------------------------------------------------------------------------------------- */

struct asked {
	struct loop_hook hook;
	char letter;
	int64_t answer;
	size_t stops_at; /* letters told; 0: never */
	bool leaves;
};

static int64_t ask(struct loop_hook *hook)
{
	struct asked *asked = container_of(hook, struct asked, hook);

	story[told++] = asked->letter;
	if (asked->leaves)
		loop_hook_remove(loop, hook);
	if (told == asked->stops_at)
		loop_stop(loop);
	return asked->answer;
}

static struct asked asked_of(char letter, int64_t answer)
{
	return (struct asked){.hook.before_sleep = ask, .letter = letter, .answer = answer};
}

static void assert_asked(const char *expected)
{
	loop_run(loop);
	story[told] = '\0';
	told = 0;
	assert_string_equal(story, expected);
}

/* Nothing but the hook that answers 0 keeps the loop from sleeping for ever. */
static void hooks_are_asked_in_order_in_every_turn(void **state)
{
	struct asked a = asked_of('a', INT64_MAX), b = asked_of('b', 0), c = asked_of('c', 1000000);

	(void)state;
	c.stops_at = 9;
	loop_hook_add(loop, &a.hook);
	loop_hook_add(loop, &b.hook);
	loop_hook_add(loop, &c.hook);
	assert_asked("abcabcabc");
}

static void the_shortest_sleep_counts(void **state)
{
	struct asked a = asked_of('a', INT64_MAX), b = asked_of('b', 2000);
	struct teller far = teller_of('f', NULL);
	int64_t began = clock_steady_us();

	(void)state;
	b.stops_at = 4;
	loop_hook_add(loop, &a.hook);
	loop_hook_add(loop, &b.hook);
	loop_timer_set(loop, &far.timer, began + INT64_C(3600000000));
	assert_asked("abab");
	assert_true(clock_steady_us() >= began + 2000);
	loop_timer_clear(loop, &far.timer);
}

static void a_removed_hook_is_not_asked(void **state)
{
	struct asked a = asked_of('a', 0), b = asked_of('b', 0), c = asked_of('c', 0);

	(void)state;
	b.leaves = true; /* while it is asked */
	c.stops_at = 5;
	loop_hook_add(loop, &a.hook);
	loop_hook_add(loop, &b.hook);
	loop_hook_add(loop, &c.hook);
	assert_asked("abcac");
	loop_hook_remove(loop, &a.hook);
	loop_hook_remove(loop, &a.hook);
	c.stops_at = 2;
	assert_asked("cc");
}

/* --- the way out ---------------------------------------------------------------------------------- */

static void *stop_from_afar(void *argument)
{
	(void)argument;
	usleep(2000);
	loop_stop(loop);
	return NULL;
}

static void another_thread_can_stop_a_sleeping_loop(void **state)
{
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(pthread_create(&thread, NULL, stop_from_afar, NULL), 0);
		loop_run(loop);
		pthread_join(thread, NULL);
	}
}

static void a_stop_before_the_run_counts_once(void **state)
{
	struct teller a = teller_of('a', NULL);

	(void)state;
	loop_timer_set(loop, &a.timer, 0);
	loop_stop(loop);
	loop_stop(loop);
	loop_run(loop);
	assert_int_equal(told, 0);
	assert_told("a.");
}

static void the_callbacks_under_way_are_finished(void **state)
{
	struct teller a = teller_of('a', stop), b = teller_of('b', NULL), c = teller_of('c', NULL);

	(void)state;
	loop_timer_set(loop, &a.timer, 0);
	loop_timer_set(loop, &b.timer, 0);
	loop_timer_set(loop, &c.timer, clock_steady_us() + 3600000000);
	loop_run(loop);
	assert_int_equal(told, 2);
	told = 0;
	loop_timer_clear(loop, &c.timer);
}

/* --- kernels without epoll_pwait2 ------------------------------------------------------------------ */

static int refusal; /* what epoll_pwait2 fails with; 0: it works */
static int asked_ms;

/* The two calls stand here in the place of the C library's. */
int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *limit,
		 const sigset_t *signals)
{
	if (refusal) {
		errno = refusal;
		return -1;
	}
	return (int)syscall(SYS_epoll_pwait2, epoll, events, most, limit, signals,
			    sizeof(uint64_t));
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout_ms)
{
	asked_ms = timeout_ms;
	if (timeout_ms < 0 || timeout_ms > 1000) {
		loop_stop(loop);
		return 0;
	}
	return (int)syscall(SYS_epoll_pwait, epoll, events, most, timeout_ms, NULL, 0);
}

static void assert_asked_ms(int64_t sleep_us, int least, int most)
{
	struct teller far = teller_of('f', NULL);

	loop_timer_set(loop, &far.timer, clock_steady_us() + sleep_us);
	loop_run(loop);
	assert_in_range(asked_ms, least, most);
	loop_timer_clear(loop, &far.timer);
}

static void an_older_kernel_is_coped_with(void **state)
{
	static const int refusals[] = {ENOSYS, EPERM};

	(void)state;
	for (size_t i = 0; i < LENGTH(refusals); i++) {
		struct teller a = teller_of('a', check_clock);

		refusal = refusals[i];
		loop_timer_set(loop, &a.timer, clock_steady_us() + 1100);
		assert_told("a.");
		assert_asked_ms(INT64_C(5000000), 4000, 5000);
		assert_asked_ms(INT64_C(3600000000) * 2, 3600000, 3600000);
		assert_asked_ms(INT64_C(3600000000) * 100000, 3600000, 3600000);
	}
	refusal = 0;
}

static void nothing_is_destroyed_twice(void **state)
{
	(void)state;
	loop_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timers_fire_in_the_order_of_their_due_times),
		TEST(equal_due_times_keep_the_order_of_setting),
		TEST(no_timer_fires_early),
		TEST(a_timer_can_be_moved_and_cleared),
		TEST(a_timer_of_the_past_does_not_fire_inside_the_call),
		TEST(a_timer_of_never_does_not_keep_the_loop),
		TEST(a_timer_can_set_itself),
		TEST(a_timer_can_clear_another_that_is_due),
		TEST(a_timer_can_set_another_that_is_due),
		TEST(many_timers_set_and_clear_each_other),
		TEST(a_crowd_of_timers_fires_in_order),
		TEST(a_ready_descriptor_is_told),
		TEST(the_events_of_a_watch_can_be_changed),
		TEST(an_event_of_the_same_turn_is_dropped),
		TEST(an_old_event_is_not_told_to_a_new_watch),
		TEST(timers_due_for_ever_do_not_starve_descriptors),
		TEST(many_descriptors_are_told),
		TEST(hooks_are_asked_in_order_in_every_turn),
		TEST(the_shortest_sleep_counts),
		TEST(a_removed_hook_is_not_asked),
		TEST(another_thread_can_stop_a_sleeping_loop),
		TEST(a_stop_before_the_run_counts_once),
		TEST(the_callbacks_under_way_are_finished),
		TEST(an_older_kernel_is_coped_with),
		cmocka_unit_test(nothing_is_destroyed_twice),
	};

	alarm(120); /* a loop that does not stop is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
