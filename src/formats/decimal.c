/* decimal.c - exact prices in millionths; fields.c and the rooms call me, I call base */
#include "almanac/decimal.h"

#include <stddef.h>

#define WHOLE_DIGITS 12
#define FRACTION_DIGITS 6

static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

/* Takes all digits at the front, at most `max` of them. */
static bool take_whole(struct span *rest, size_t max, int64_t *whole)
{
	size_t taken = 0;

	*whole = 0;
	while (taken < rest->length && is_digit(rest->bytes[taken])) {
		if (taken == max)
			return false;
		*whole = *whole * 10 + (rest->bytes[taken++] - '0');
	}
	rest->bytes += taken;
	rest->length -= taken;
	return taken > 0;
}

/* The rest is a fraction; past the sixth digit only zeros keep it exact. */
static bool take_fraction(struct span rest, int64_t *millionths)
{
	int64_t weight = DECIMAL_ONE;

	*millionths = 0;
	for (size_t i = 0; i < rest.length; i++) {
		if (!is_digit(rest.bytes[i]) || (i >= FRACTION_DIGITS && rest.bytes[i] != '0'))
			return false;
		weight /= 10;
		*millionths += (rest.bytes[i] - '0') * weight;
	}
	return rest.length > 0;
}

bool decimal_parse(struct span text, int64_t *millionths)
{
	int64_t whole;
	int64_t fraction = 0;

	if (!take_whole(&text, WHOLE_DIGITS, &whole))
		return false;
	if (text.length > 0) {
		struct span digits = {text.bytes + 1, text.length - 1};

		if (text.bytes[0] != '.' || !take_fraction(digits, &fraction))
			return false;
	}
	*millionths = whole * DECIMAL_ONE + fraction;
	return true;
}

void decimal_append(struct str *out, int64_t millionths)
{
	int64_t fraction = millionths % DECIMAL_ONE;

	if (millionths < 0) {
		str_append_char(out, '-');
		fraction = -fraction;
	}
	/* The division comes first: the smallest int64_t has no positive twin. */
	str_append_number(out,
			  millionths < 0 ? -(millionths / DECIMAL_ONE) : millionths / DECIMAL_ONE);
	if (fraction == 0)
		return;
	str_append_char(out, '.');
	for (int64_t weight = DECIMAL_ONE / 10; fraction > 0; weight /= 10) {
		str_append_char(out, (char)('0' + fraction / weight));
		fraction %= weight;
	}
}
