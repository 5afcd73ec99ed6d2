/* test_uuid.c - random and ordered UUIDs, and their spellings */
#include <string.h>

#include "almanac/clock.h"
#include "almanac/uuid.h"
#include "story.h"

static const char text[] = "0123abcd-4567-89ef-fedc-ba9876543210";
static const uint8_t bytes[16] = {0x01, 0x23, 0xab, 0xcd, 0x45, 0x67, 0x89, 0xef,
				  0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};

static void text_goes_both_ways(void **state)
{
	char written[UUID_TEXT_LENGTH];
	struct uuid uuid;

	(void)state;
	assert_true(uuid_read(span_of(text), &uuid));
	assert_memory_equal(uuid.bytes, bytes, sizeof(bytes));
	uuid_write(&uuid, written);
	assert_memory_equal(written, text, sizeof(written));
}

static void capitals_are_read_and_written_small(void **state)
{
	char written[UUID_TEXT_LENGTH];
	struct uuid uuid;

	(void)state;
	assert_true(uuid_read(SPAN("0123ABCD-4567-89Ef-FEDC-BA9876543210"), &uuid));
	uuid_write(&uuid, written);
	assert_memory_equal(written, text, sizeof(written));
}

static void other_spellings_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"0123abcd-4567-89ef-fedc-ba987654321",
		"0123abcd-4567-89ef-fedc-ba98765432100",
		"0123abcd4567-89ef-fedc-ba9876543210-",
		"0123abcd456789effedcba9876543210",
		"{0123abcd-4567-89ef-fedc-ba98765432}",
		"0123abcd-4567-89ef-fedc_ba9876543210",
		" 123abcd-4567-89ef-fedc-ba9876543210",
		"-123abcd-4567-89ef-fedc-ba9876543210",
		"\xef\xbc\x90\xef\xbc\x91-4567-89ef-fedc-ba9876543210x",
	};
	struct uuid uuid;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (uuid_read(span_of(bad[i]), &uuid))
			fail_msg("taken: %s", bad[i]);
	assert_false(uuid_read((struct span){NULL, 0}, &uuid));
}

/* At every place, only a hexadecimal digit or the dash is taken. */
static void every_byte_is_judged(void **state)
{
	char changed[sizeof(text)];
	struct uuid uuid;

	(void)state;
	for (size_t place = 0; place < UUID_TEXT_LENGTH; place++) {
		for (int byte = 0; byte < 256; byte++) {
			bool is_digit = byte != 0 && strchr("0123456789abcdefABCDEF", byte);

			memcpy(changed, text, sizeof(text));
			changed[place] = (char)byte;
			assert_int_equal(uuid_read((struct span){changed, UUID_TEXT_LENGTH}, &uuid),
					 text[place] == '-' ? byte == '-' : is_digit);
		}
	}
}

/* RFC 9562 section 5.4: version 4, variant 10. */
static void made_ones_are_random_and_of_version_4(void **state)
{
	struct uuid before = uuid_make();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct uuid uuid = uuid_make();

		assert_int_equal(uuid.bytes[6] >> 4, 4);
		assert_int_equal(uuid.bytes[8] >> 6, 2);
		assert_memory_not_equal(uuid.bytes, before.bytes, sizeof(uuid.bytes));
		before = uuid;
	}
}

static int64_t milliseconds_of(const struct uuid *uuid)
{
	int64_t milliseconds = 0;

	for (int i = 0; i < 6; i++)
		milliseconds = milliseconds << 8 | uuid->bytes[i];
	return milliseconds;
}

/* RFC 9562 section 5.7: the milliseconds in front, version 7, variant 10. */
static void ordered_ones_carry_their_time(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t before = clock_wall_us() / 1000;
		struct uuid uuid = uuid_make_ordered();

		assert_in_range(milliseconds_of(&uuid), before, clock_wall_us() / 1000);
		assert_int_equal(uuid.bytes[6] >> 4, 7);
		assert_int_equal(uuid.bytes[8] >> 6, 2);
	}
}

static void ordered_ones_follow_each_other(void **state)
{
	struct uuid before = uuid_make_ordered();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t made_us = clock_wall_us();
		struct uuid uuid;

		while (clock_wall_us() == made_us)
			;
		uuid = uuid_make_ordered();
		assert_true(memcmp(uuid.bytes, before.bytes, sizeof(uuid.bytes)) > 0);
		before = uuid;
	}
}

/* More than fit into a millisecond: the fraction is carried into it. */
static void many_are_in_order(void **state)
{
	enum { COUNT = 10000 };
	static struct uuid uuids[COUNT];

	(void)state;
	uuid_make_many(uuids, COUNT);
	for (int i = 1; i < COUNT; i++) {
		assert_true(memcmp(uuids[i - 1].bytes, uuids[i].bytes, sizeof(uuids[i].bytes)) < 0);
		assert_memory_not_equal(uuids[i - 1].bytes + 8, uuids[i].bytes + 8, 8);
		assert_int_equal(uuids[i].bytes[6] >> 4, 7);
		assert_int_equal(uuids[i].bytes[8] >> 6, 2);
	}
	assert_in_range(milliseconds_of(&uuids[COUNT - 1]) - milliseconds_of(&uuids[0]), 2, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_both_ways),
		cmocka_unit_test(capitals_are_read_and_written_small),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(every_byte_is_judged),
		cmocka_unit_test(made_ones_are_random_and_of_version_4),
		cmocka_unit_test(ordered_ones_carry_their_time),
		cmocka_unit_test(ordered_ones_follow_each_other),
		cmocka_unit_test(many_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
