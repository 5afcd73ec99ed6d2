/* test_seen.c - the set of events in a feed against a plain list, and its keys */
#include <stdlib.h>

#include "catalog/seen.h"
#include "story.h"

static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525u + 1013904223u;
	return (dice >> 8) % sides;
}

static void keys_tell_events_apart(void **state)
{
	uint64_t key = seen_key(SPAN("12"), SPAN("3"));

	(void)state;
	assert_true(key != 0 && key == seen_key(SPAN("12"), SPAN("3")));
	assert_true(key != seen_key(SPAN("1"), SPAN("23")));
	assert_true(key != seen_key(SPAN("123"), SPAN("")));
	assert_true(key != seen_key(SPAN("3"), SPAN("12")));
	assert_true(seen_key(SPAN(""), (struct span){NULL, 0}) != 0);
}

/* Keys that fall on few places, so that they have to make way for each other. */
static void the_set_is_as_good_as_a_list(void **state)
{
	enum { KEYS = 5000, NOTES = 30000 };
	static uint64_t keys[KEYS];
	static uint32_t last[KEYS];
	static bool is_noted[KEYS];
	size_t count = 0, accepted = 0;
	struct seen seen;

	(void)state;
	seen_init(&seen);
	for (size_t i = 0; i < KEYS; i++)
		keys[i] = (uint64_t)(i + 1) << (i % 3 * 20);
	for (size_t i = 0; i < KEYS; i++)
		for (size_t k = 0; k < i && i % 3; k++)
			if (keys[k] == keys[i])
				keys[i] = UINT64_MAX - i;
	for (uint32_t ordinal = 1; ordinal <= NOTES; ordinal++) {
		size_t i = roll(KEYS);
		bool is_rejected = roll(4) == 0;

		seen_note(&seen, keys[i], is_rejected ? 0 : ordinal);
		count += !is_noted[i];
		is_noted[i] = true;
		accepted += !is_rejected && last[i] == 0;
		if (!is_rejected)
			last[i] = ordinal;
		assert_int_equal(seen.count, count);
		assert_int_equal(seen.accepted, accepted);
		if (ordinal % 3000 != 0)
			continue;
		for (size_t k = 0; k < KEYS; k++) {
			assert_int_equal(seen_has(&seen, keys[k]), is_noted[k]);
			assert_int_equal(seen_last(&seen, keys[k]), last[k]);
		}
	}
	seen_finish(&seen);
}

static void an_empty_set_has_nothing(void **state)
{
	struct seen seen;

	(void)state;
	seen_init(&seen);
	assert_false(seen_has(&seen, 1));
	assert_int_equal(seen_last(&seen, 1), 0);
	seen_note(&seen, 1, 5);
	assert_true(seen_has(&seen, 1));
	seen_finish(&seen);
	assert_false(seen_has(&seen, 1));
	seen_finish(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_tell_events_apart),
		cmocka_unit_test(the_set_is_as_good_as_a_list),
		cmocka_unit_test(an_empty_set_has_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
