/* test_arena.c - alignment, zeroed memory, large pieces, releases in reverse */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "almanac/arena.h"
#include "story.h"

static bool is_zero(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Every piece is aligned, zeroed, and apart from all others: each keeps its own filling. */
static void pieces_are_aligned_zeroed_and_apart(void **state)
{
	enum { PIECES = 2000 };
	static char *pieces[PIECES];
	static size_t lengths[PIECES];
	struct arena *arena = arena_create();

	(void)state;
	for (size_t i = 0; i < PIECES; i++) {
		lengths[i] = i % 97 == 0 ? i * 37 : i % 61;
		pieces[i] = arena_alloc(arena, lengths[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		assert_true(is_zero(pieces[i], lengths[i]));
		memset(pieces[i], (int)(i % 255) + 1, lengths[i]);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t at = 0; at < lengths[i]; at++)
			assert_int_equal((unsigned char)pieces[i][at], i % 255 + 1);
	arena_destroy(arena);
}

static void lengths_around_a_block_fit(void **state)
{
	(void)state;
	for (size_t length = 3900; length <= 4200; length++) {
		struct arena *arena = arena_create();
		char *first = arena_alloc(arena, length);
		char *second = arena_alloc(arena, length);

		assert_true(is_zero(first, length) && is_zero(second, length));
		memset(first, 1, length);
		memset(second, 2, length);
		assert_int_equal(first[length - 1], 1);
		arena_destroy(arena);
	}
}

static void a_small_arena_is_one_block(void **state)
{
	struct arena *arena = arena_create();
	size_t born = arena_size(arena);

	(void)state;
	assert_int_equal(born, 4096);
	for (int i = 0; i < 100; i++)
		arena_alloc(arena, 32);
	assert_int_equal(arena_size(arena), born);
	arena_destroy(arena);
}

/* A large piece costs itself, and does not waste what is left of the block in use. */
static void a_large_piece_has_a_block_of_its_own(void **state)
{
	enum { LARGE = 10 << 20 };
	struct arena *arena = arena_create();
	size_t before;
	char *small, *large, *next;

	(void)state;
	small = arena_alloc(arena, 16);
	before = arena_size(arena);
	large = arena_alloc(arena, LARGE);
	assert_in_range(arena_size(arena), before + LARGE, before + LARGE + 64);
	assert_true(is_zero(large, LARGE));
	memset(large, 7, LARGE);
	next = arena_alloc(arena, 16);
	assert_ptr_equal(next, small + 16);
	assert_in_range(arena_size(arena), before + LARGE, before + LARGE + 64);
	arena_destroy(arena);
}

/* Small pieces come in ever larger blocks, up to a bound: at most as much air as blocks. */
static void many_small_pieces_waste_little(void **state)
{
	enum { PIECES = 100000, BYTES = 48 };
	struct arena *arena = arena_create();

	(void)state;
	for (int i = 0; i < PIECES; i++)
		arena_alloc(arena, BYTES);
	assert_in_range(arena_size(arena), PIECES * BYTES, PIECES * BYTES * 11 / 10);
	arena_destroy(arena);
}

static void text_is_copied(void **state)
{
	struct arena *arena = arena_create();
	struct span copy = arena_copy(arena, (struct span){"a\0b", 3});

	(void)state;
	assert_int_equal(copy.length, 3);
	assert_memory_equal(copy.bytes, "a\0b", 4);
	copy = arena_copy(arena, (struct span){NULL, 0});
	assert_true(copy.length == 0 && copy.bytes && copy.bytes[0] == '\0');
	assert_string_equal(arena_text(arena, SPAN("hello")), "hello");
	assert_string_equal(arena_text(arena, (struct span){NULL, 0}), "");
	assert_string_equal(arena_format(arena, "%s %05d", "x", 42), "x 00042");
	assert_string_equal(arena_format(arena, "%s", ""), "");
	assert_int_equal(strlen(arena_format(arena, "%10000d", 1)), 10000);
	arena_destroy(arena);
}

/* --- releases ---------------------------------------------------------------------------------- */

static struct str order;

static void note(void *what)
{
	str_append_text(&order, what);
}

static void releases_run_latest_first(void **state)
{
	struct arena *arena = arena_create();

	(void)state;
	str_init(&order, 2000);
	arena_defer(arena, note, arena_text(arena, SPAN("a")));
	arena_alloc(arena, 100000);
	arena_defer(arena, note, arena_text(arena, SPAN("b")));
	for (int i = 0; i < 500; i++)
		arena_defer(arena, note, arena_text(arena, SPAN("c")));
	arena_defer(arena, free, malloc(10));
	assert_int_equal(order.length, 0);
	arena_destroy(arena);
	assert_int_equal(order.length, 502);
	assert_memory_equal(order.bytes, "ccc", 3);
	assert_string_equal(order.bytes + 499, "cba");
	str_finish(&order);
	arena_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
		cmocka_unit_test(lengths_around_a_block_fit),
		cmocka_unit_test(a_small_arena_is_one_block),
		cmocka_unit_test(a_large_piece_has_a_block_of_its_own),
		cmocka_unit_test(many_small_pieces_waste_little),
		cmocka_unit_test(text_is_copied),
		cmocka_unit_test(releases_run_latest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
