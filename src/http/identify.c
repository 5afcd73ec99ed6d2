/* identify.c - the names of a request, for the log and for whom it is passed on to: X-Request-Id and
 * traceparent (W3C Trace Context, section 3.2), each taken or made; called by request.c. */
#include <string.h>

#include "almanac/digest.h"
#include "http.h"

#define DIGITS 16 /* hexadecimal ones, of 64 bits */

/* Where the parts of a traceparent begin: 00-<trace>-<parent>-<flags>. */
#define TRACE_AT 3
#define PARENT_AT 36
#define FLAGS_AT 53

static void write_digits(char *out, uint64_t number)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < DIGITS; i++)
		out[i] = digits[number >> (60 - 4 * i) & 15];
}

/* --- the request id ----------------------------------------------------------------------------------- */

static bool is_usable(struct span id)
{
	for (size_t i = 0; i < id.length; i++) {
		char character = id.bytes[i];

		if ((character < '0' || character > '9') && (character < 'A' || character > 'Z') &&
		    (character < 'a' || character > 'z') && !strchr("._-", character))
			return false;
	}
	return id.length > 0 && id.length <= REQUEST_ID_MAX;
}

/* --- the trace ---------------------------------------------------------------------------------------- */

static bool is_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((text[i] < '0' || text[i] > '9') && (text[i] < 'a' || text[i] > 'f'))
			return false;
	return true;
}

static bool is_zero(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != '0')
			return false;
	return true;
}

/* Version ff is none; a version to come may say more behind what this one says. */
static bool is_trace(struct span text)
{
	const char *at = text.bytes;
	bool is_of_this_version;

	if (text.length < TRACE_LENGTH || !is_hex(at, 2) || memcmp(at, "ff", 2) == 0)
		return false;
	is_of_this_version = memcmp(at, "00", 2) == 0;
	if (text.length > TRACE_LENGTH && (is_of_this_version || at[TRACE_LENGTH] != '-'))
		return false;
	return at[TRACE_AT - 1] == '-' && at[PARENT_AT - 1] == '-' && at[FLAGS_AT - 1] == '-' &&
	       is_hex(at + TRACE_AT, 2 * DIGITS) && !is_zero(at + TRACE_AT, 2 * DIGITS) &&
	       is_hex(at + PARENT_AT, DIGITS) && !is_zero(at + PARENT_AT, DIGITS) &&
	       is_hex(at + FLAGS_AT, 2);
}

/* --- the door ----------------------------------------------------------------------------------------- */

void identify_make(struct request *request)
{
	write_digits(request->id, random_roll(&request->worker->dice));
	request->id[DIGITS] = '\0';
}

void identify_take(struct request *request)
{
	struct span id = request_header(request, "X-Request-Id");
	struct span trace = request_header(request, "traceparent");

	if (is_usable(id)) {
		memcpy(request->id, id.bytes, id.length);
		request->id[id.length] = '\0';
	} else {
		identify_make(request);
	}
	if (is_trace(trace)) {
		memcpy(request->trace, "00", 2);
		memcpy(request->trace + 2, trace.bytes + 2, TRACE_LENGTH - 2);
	}
}

/* The flags of one that is made say that nobody records it. */
const char *request_trace(struct request *request)
{
	char *trace = request->trace;

	if (*trace)
		return trace;
	memcpy(trace, "00-", TRACE_AT);
	write_digits(trace + TRACE_AT, random_roll(&request->worker->dice));
	write_digits(trace + TRACE_AT + DIGITS, random_roll(&request->worker->dice));
	memcpy(trace + PARENT_AT - 1, "-", 1);
	memcpy(trace + PARENT_AT, trace + TRACE_AT + DIGITS, DIGITS);
	memcpy(trace + FLAGS_AT - 1, "-00", 3);
	return trace;
}
