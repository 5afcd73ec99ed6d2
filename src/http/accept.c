/* accept.c - which media type the client would like; called by the endpoints' records. */
#include "http.h"

#define WEIGHT_ONE 1000

/* "q=0.5" in thousandths (RFC 9110 section 12.4.2). */
static int read_weight(struct span text)
{
	int weight = 0, unit = WEIGHT_ONE;

	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] == '.')
			continue;
		if (text.bytes[i] < '0' || text.bytes[i] > '9' || unit == 0)
			return weight;
		weight += (text.bytes[i] - '0') * unit;
		unit /= 10;
	}
	return weight;
}

int request_weight_of(const struct request *request, const char *type)
{
	struct span accept = request_header(request, "Accept");
	struct span item, part;
	int weight = 0;

	while (span_split(&accept, ',', &item)) {
		bool is_type = span_split(&item, ';', &part) &&
			       span_equals_nocase(span_trim(part), span_of(type));

		if (is_type)
			weight = WEIGHT_ONE;
		while (span_split(&item, ';', &part)) {
			part = span_trim(part);
			if (is_type && part.length > 2 && span_starts_with(part, SPAN("q=")))
				weight =
					read_weight((struct span){part.bytes + 2, part.length - 2});
		}
	}
	return weight;
}
