/* intake.c - judges the raw request before anything is done with it; called by request.c.
 *
 * What libmicrohttpd lets pass although two parties could read it in two ways is refused here:
 * RFC 9112 sections 3.2 (Host), 6.1 and 6.3 (framing); RFC 9110 section 5.5 (field values). */
#include <string.h>

#include "http.h"

struct headers {
	struct request *request;
	int hosts, lengths, codings;
	bool is_length_bad, is_coding_bad, has_nul;
};

static bool is_digits(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
	return text.length > 0 && text.length < 19;
}

static enum MHD_Result look_at(void *argument, enum MHD_ValueKind kind, const char *name,
			       size_t name_length, const char *value, size_t value_length)
{
	struct headers *headers = argument;
	struct span key = {name, name_length};
	struct span text = {value, value ? value_length : 0};

	(void)kind;
	if (memchr(name, '\0', name_length) || (text.length && memchr(value, '\0', text.length)))
		headers->has_nul = true;
	if (span_equals_nocase(key, SPAN("Host"))) {
		headers->hosts++;
	} else if (span_equals_nocase(key, SPAN("Content-Length"))) {
		headers->lengths++;
		headers->is_length_bad |= !is_digits(text);
	} else if (span_equals_nocase(key, SPAN("Transfer-Encoding"))) {
		headers->codings++;
		headers->is_coding_bad |= !span_equals_nocase(text, SPAN("chunked"));
	}
	return MHD_YES;
}

/* The version stands right behind the target and one space, unless a NUL cut the target short. */
static bool has_nul_in_line(const struct request *request, const char *version)
{
	uintptr_t end = (uintptr_t)request->raw_target + strlen(request->raw_target);

	return (uintptr_t)version > end + 1 && (uintptr_t)version < end + 32768 &&
	       version - (request->raw_target + strlen(request->raw_target)) > 1 &&
	       request->raw_target[strlen(request->raw_target)] == '\0' &&
	       *(version - 2) != ' ' && (uintptr_t)version != end + 1;
}

const char *intake_judge(struct request *request, const char *version)
{
	struct headers headers = {.request = request};
	bool is_http_1_1 = strcmp(version, "HTTP/1.1") == 0;

	MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, look_at, &headers);
	if (has_nul_in_line(request, version))
		return "the request line holds a NUL byte";
	if (headers.has_nul)
		return "a header holds a NUL byte";
	if (headers.hosts > 1)
		return "there is more than one Host header";
	if (headers.hosts == 0 && is_http_1_1)
		return "the Host header is missing";
	if (headers.lengths > 1)
		return "there is more than one Content-Length header";
	if (headers.is_length_bad)
		return "Content-Length is not a number";
	if (headers.codings && headers.lengths)
		return "there are both Content-Length and Transfer-Encoding";
	if (headers.is_coding_bad || headers.codings > 1)
		return "Transfer-Encoding is not chunked";
	return NULL;
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

/* xorshift64* (Marsaglia, Vigna): ids need to differ, not to be secret. */
static uint64_t roll(uint64_t *dice)
{
	*dice ^= *dice >> 12;
	*dice ^= *dice << 25;
	*dice ^= *dice >> 27;
	return *dice * UINT64_C(2685821657736338717);
}

void intake_identify(struct request *request)
{
	static const char digits[] = "0123456789abcdef";
	struct span given = request_header(request, "X-Request-Id");
	uint64_t id;

	if (is_usable(given)) {
		memcpy(request->id, given.bytes, given.length);
		request->id[given.length] = '\0';
		return;
	}
	id = roll(&request->worker->dice);
	for (int i = 0; i < 16; i++)
		request->id[i] = digits[id >> (60 - 4 * i) & 15];
	request->id[16] = '\0';
}
