/* uuid.c - UUIDs: random ones by libuuid, ordered ones, and their text. */
#include "almanac/uuid.h"

#include <uuid/uuid.h>

#include "almanac/clock.h"
#include "almanac/digest.h"

#define TICKS_A_MILLISECOND 4096 /* the 12 bits behind the version */

static int digit_of(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

static bool is_dash(size_t place)
{
	return place == 8 || place == 13 || place == 18 || place == 23;
}

struct uuid uuid_make(void)
{
	struct uuid uuid;

	uuid_generate_random(uuid.bytes);
	return uuid;
}

/* Milliseconds since 1970 in 48 bits, the version, then the fraction of the millisecond (section 6.2,
 * method 3), the variant, and what was random there before. */
static void put_ticks(struct uuid *uuid, uint64_t ticks)
{
	for (int i = 0; i < 6; i++)
		uuid->bytes[i] = (uint8_t)(ticks >> (52 - 8 * i));
	uuid->bytes[6] = (uint8_t)(0x70 | (ticks >> 8 & 0x0F));
	uuid->bytes[7] = (uint8_t)ticks;
	uuid->bytes[8] = (uint8_t)(0x80 | (uuid->bytes[8] & 0x3F));
}

void uuid_make_many(struct uuid *uuids, size_t count)
{
	uint64_t now_us = (uint64_t)clock_wall_us();
	uint64_t ticks =
		now_us / 1000 * TICKS_A_MILLISECOND + now_us % 1000 * TICKS_A_MILLISECOND / 1000;

	random_bytes(uuids, count * sizeof(*uuids));
	for (size_t i = 0; i < count; i++)
		put_ticks(&uuids[i], ticks + i);
}

struct uuid uuid_make_ordered(void)
{
	struct uuid uuid;

	uuid_make_many(&uuid, 1);
	return uuid;
}

bool uuid_read(struct span text, struct uuid *uuid)
{
	size_t byte = 0;

	if (text.length != UUID_TEXT_LENGTH)
		return false;
	for (size_t place = 0; place < UUID_TEXT_LENGTH;) {
		int high, low;

		if (is_dash(place)) {
			if (text.bytes[place++] != '-')
				return false;
			continue;
		}
		high = digit_of(text.bytes[place]);
		low = digit_of(text.bytes[place + 1]);
		if (high < 0 || low < 0)
			return false;
		uuid->bytes[byte++] = (uint8_t)(high << 4 | low);
		place += 2;
	}
	return true;
}

void uuid_write(const struct uuid *uuid, char text[UUID_TEXT_LENGTH])
{
	static const char digits[] = "0123456789abcdef";
	size_t byte = 0;

	for (size_t place = 0; place < UUID_TEXT_LENGTH;) {
		if (is_dash(place)) {
			text[place++] = '-';
			continue;
		}
		text[place++] = digits[uuid->bytes[byte] >> 4];
		text[place++] = digits[uuid->bytes[byte++] & 15];
	}
}
