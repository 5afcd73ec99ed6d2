/* test_mailbox.c - letters from many threads, opened on one, in order, each exactly once */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "almanac/container.h"
#include "almanac/mailbox.h"
#include "story.h"

enum { SENDERS = 4, LETTERS = 20000 };

struct note {
	struct letter letter;
	int sender;
	int number;
};

static struct loop *loop;
static struct mailbox *mailbox;
static pthread_t owner;

static struct note notes[SENDERS][LETTERS];
static int opened[SENDERS]; /* only on the owner's thread, without locks */
static int total;

static int open_mailbox(void **state)
{
	(void)state;
	owner = pthread_self();
	loop = loop_create();
	mailbox = mailbox_create(loop);
	total = 0;
	for (int i = 0; i < SENDERS; i++)
		opened[i] = 0;
	return 0;
}

static int close_mailbox(void **state)
{
	(void)state;
	mailbox_destroy(mailbox);
	loop_destroy(loop);
	return 0;
}

static void read_note(struct letter *letter)
{
	struct note *note = container_of(letter, struct note, letter);

	assert_true(pthread_equal(pthread_self(), owner));
	assert_int_equal(note->number, opened[note->sender]);
	opened[note->sender]++;
	if (++total == SENDERS * LETTERS)
		loop_stop(loop);
}

static void *send_notes(void *first)
{
	struct note *note = first;

	for (int i = 0; i < LETTERS; i++) {
		note[i].number = i;
		note[i].letter.open = read_note;
		mailbox_post(mailbox, &note[i].letter);
	}
	return NULL;
}

static void every_letter_is_opened_once_and_in_order(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	for (int i = 0; i < SENDERS; i++) {
		for (int k = 0; k < LETTERS; k++)
			notes[i][k] = (struct note){.sender = i};
		assert_int_equal(pthread_create(&threads[i], NULL, send_notes, notes[i]), 0);
	}
	loop_run(loop);
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(opened[i], LETTERS);
	}
}

/* --- letters that go on ---------------------------------------------------------------------------- */

static int left;

static void post_on(struct letter *letter)
{
	if (--left > 0)
		mailbox_post(mailbox, letter); /* the same letter, from its own opening */
	else
		loop_stop(loop);
}

static void a_letter_can_be_posted_again_when_it_is_opened(void **state)
{
	struct letter letter = {.open = post_on};

	(void)state;
	left = 1000;
	mailbox_post(mailbox, &letter);
	loop_run(loop);
	assert_int_equal(left, 0);
}

static void free_it(struct letter *letter)
{
	free(container_of(letter, struct note, letter));
	if (--left == 0)
		loop_stop(loop);
}

static void a_letter_can_be_freed_when_it_is_opened(void **state)
{
	(void)state;
	left = 100;
	for (int i = 0; i < 100; i++) {
		struct note *note = calloc(1, sizeof(*note));

		assert_non_null(note);
		note->letter.open = free_it;
		mailbox_post(mailbox, &note->letter);
	}
	loop_run(loop);
	assert_int_equal(left, 0);
}

/* --- the end ---------------------------------------------------------------------------------------- */

static void what_lies_in_it_is_opened_at_the_end(void **state)
{
	struct loop *other = loop_create();
	struct mailbox *box = mailbox_create(other);
	static struct note some[5];

	(void)state;
	owner = pthread_self();
	total = 0;
	opened[0] = 0;
	for (int i = 0; i < 5; i++) {
		some[i] = (struct note){.letter.open = read_note, .number = i};
		mailbox_post(box, &some[i].letter);
	}
	assert_int_equal(total, 0);
	mailbox_destroy(box);
	assert_int_equal(total, 5);
	loop_destroy(other);
	mailbox_destroy(NULL);
}

static struct loop *loop_of_thread;

static void *run_loop(void *argument)
{
	(void)argument;
	loop_run(loop_of_thread);
	return NULL;
}

static void stop_it(struct letter *letter)
{
	(void)letter;
	loop_stop(loop_of_thread);
}

/* A sleeping loop on another thread is woken. */
static void a_letter_wakes_a_sleeping_loop(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct letter letter = {.open = stop_it};
		struct mailbox *box;
		pthread_t thread;

		loop_of_thread = loop_create();
		box = mailbox_create(loop_of_thread);
		assert_int_equal(pthread_create(&thread, NULL, run_loop, NULL), 0);
		mailbox_post(box, &letter);
		pthread_join(thread, NULL);
		mailbox_destroy(box);
		loop_destroy(loop_of_thread);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_letter_is_opened_once_and_in_order,
						open_mailbox, close_mailbox),
		cmocka_unit_test_setup_teardown(a_letter_can_be_posted_again_when_it_is_opened,
						open_mailbox, close_mailbox),
		cmocka_unit_test_setup_teardown(a_letter_can_be_freed_when_it_is_opened,
						open_mailbox, close_mailbox),
		cmocka_unit_test(what_lies_in_it_is_opened_at_the_end),
		cmocka_unit_test(a_letter_wakes_a_sleeping_loop),
	};

	alarm(120); /* a letter that is lost would be waited for */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
