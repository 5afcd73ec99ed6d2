/* uuid.c - random UUIDs by libuuid, and their text. */
#include "almanac/uuid.h"

#include <uuid/uuid.h>

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
