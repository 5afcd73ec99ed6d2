/* What the tests here begin with: cmocka with what it needs, and an arena a test. */
#ifndef ALMANAC_TESTS_STORY_H
#define ALMANAC_TESTS_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "almanac/arena.h"

#define LENGTH(table) (sizeof(table) / sizeof(*(table)))

/* A test whose state is an arena of its own. */
#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, arena_setup, arena_teardown)

static inline int arena_setup(void **state)
{
	*state = arena_create();
	return 0;
}

static inline int arena_teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

#endif
