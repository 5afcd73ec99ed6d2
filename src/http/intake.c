/* intake.c - judges the raw request before anything is done with it; called by request.c.
 *
 * What libmicrohttpd lets pass although two parties could read it in two ways is refused here:
 * RFC 9112 sections 2.2 (line ends), 3.2 (Host), 5.1 and 5.2 (field lines), 6.1 and 6.3 (framing);
 * RFC 9110 sections 5.5 (field values) and 5.6.2 (tokens).
 *
 * libmicrohttpd parses in place and ends each text with a NUL where a separator stood. So a head as
 * the RFC wants it is one chain of texts without a gap:
 *
 *   method 0 target 0 HTTP/1.1 00 name 0 spaces value 00 name 0 spaces value 00 00
 *
 * A NUL that the client sent, a bare line feed and a folded line each break the chain. */
#include <string.h>

#include "http.h"

#define LINE_END 2 /* CR LF */
#define VERSION_LENGTH 8

struct head {
	const char *expected; /* where the next text must begin */
	int hosts, lengths, codings, authorizations;
	bool is_broken, is_host_bad, is_length_bad, is_coding_bad, is_name_bad, is_value_bad;
};

static bool is_digits(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.bytes[i] < '0' || text.bytes[i] > '9')
			return false;
	return text.length > 0 && text.length < 19;
}

static bool is_token(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];

		if (byte <= ' ' || byte >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", byte))
			return false;
	}
	return text.length > 0;
}

static bool is_field_value(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];

		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

/* RFC 3986 section 3.2: name, address or bracketed address, perhaps a port; may be empty. */
static bool is_host(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];

		if ((byte < '0' || byte > '9') && (byte < 'A' || byte > 'Z') &&
		    (byte < 'a' || byte > 'z') && (!byte || !strchr("-._~!$&'()*+,;=%:[]", byte)))
			return false;
	}
	return true;
}

/* The value follows its name: a NUL for the colon, then white space only. */
static bool follows(struct span name, struct span value)
{
	const char *at = name.bytes + name.length + 1;

	while (at < value.bytes && (*at == ' ' || *at == '\t'))
		at++;
	return at == value.bytes;
}

static void check_chain(struct head *head, struct span name, struct span value)
{
	if (head->is_broken || name.bytes != head->expected || !follows(name, value)) {
		head->is_broken = true;
		return;
	}
	head->expected = value.bytes + value.length + LINE_END;
}

static enum MHD_Result look_at(void *argument, enum MHD_ValueKind kind, const char *name,
			       size_t name_length, const char *value, size_t value_length)
{
	struct head *head = argument;
	struct span key = {name, name_length};
	struct span text = {value, value_length};

	(void)kind;
	check_chain(head, key, text);
	head->is_name_bad |= !is_token(key);
	head->is_value_bad |= !is_field_value(text);
	text = span_trim(text);
	if (span_equals_nocase(key, SPAN("Host"))) {
		head->hosts++;
		head->is_host_bad |= !is_host(text);
	} else if (span_equals_nocase(key, SPAN("Content-Length"))) {
		head->lengths++;
		head->is_length_bad |= !is_digits(text);
	} else if (span_equals_nocase(key, SPAN("Transfer-Encoding"))) {
		head->codings++;
		head->is_coding_bad |= !span_equals_nocase(text, SPAN("chunked"));
	} else if (span_equals_nocase(key, SPAN("Authorization"))) {
		head->authorizations++;
	}
	return MHD_YES;
}

static const char *end_of_head(const struct request *request, const char *method)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info ? method + info->header_size : NULL;
}

/* RFC 3986: printable ASCII without a space; libmicrohttpd takes anything. */
static bool is_target(struct span target)
{
	for (size_t i = 0; i < target.length; i++)
		if (target.bytes[i] <= ' ' || target.bytes[i] >= 0x7f)
			return false;
	return target.length > 0 && (*target.bytes == '/' || span_is(target, "*") ||
				     span_starts_with(target, SPAN("http://")) ||
				     span_starts_with(target, SPAN("https://")));
}

static const char *judge_line(const struct request *request, const char *method,
			      const char *version)
{
	if (request->raw_target != method + strlen(method) + 1 ||
	    version != request->raw_target + request->target.length + 1)
		return "the request line is not method, target and version with one space between";
	if (!is_token(span_of(method)))
		return "the method is not a token";
	if (!is_target(request->target))
		return "the target is not printable ASCII that begins with a slash";
	return NULL;
}

static const char *judge_headers(const struct head *head, const char *end, bool is_http_1_1)
{
	if (head->is_broken || head->expected + LINE_END != end)
		return "the headers hold a NUL byte, a bare line feed or a folded line";
	if (head->is_name_bad)
		return "the name of a header is not a token";
	if (head->is_value_bad)
		return "the value of a header holds a control character";
	if (head->hosts > 1)
		return "there is more than one Host header";
	if (head->hosts == 0 && is_http_1_1)
		return "the Host header is missing";
	if (head->is_host_bad)
		return "the Host header names no host";
	if (head->authorizations > 1)
		return "there is more than one Authorization header";
	if (head->lengths > 1)
		return "there is more than one Content-Length header";
	if (head->is_length_bad)
		return "Content-Length is not a number";
	if (head->codings && head->lengths)
		return "there are both Content-Length and Transfer-Encoding";
	if (head->codings && !is_http_1_1)
		return "Transfer-Encoding needs HTTP/1.1";
	if (head->is_coding_bad || head->codings > 1)
		return "Transfer-Encoding is not chunked";
	return NULL;
}

size_t intake_head_bytes(const struct request *request, const char *method)
{
	return (size_t)(end_of_head(request, method) - method);
}

const char *intake_judge(struct request *request, const char *method, const char *version)
{
	struct head head = {.expected = version + VERSION_LENGTH + LINE_END};
	const char *fault = judge_line(request, method, version);

	if (fault)
		return fault;
	MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, look_at, &head);
	return judge_headers(&head, end_of_head(request, method), strcmp(version, "HTTP/1.0") != 0);
}

/* --- path and query ----------------------------------------------------------------------------------- */

/* The absolute form (RFC 9112 section 3.2.2) names the host once more: it is cut off. */
static struct span without_authority(struct span target)
{
	const char *slashes, *path;

	if (*target.bytes == '/' || *target.bytes == '*')
		return target;
	slashes = (const char *)memchr(target.bytes, ':', target.length) + 3;
	path = memchr(slashes, '/', target.length - (size_t)(slashes - target.bytes));
	if (!path)
		return SPAN("/");
	return (struct span){path, target.length - (size_t)(path - target.bytes)};
}

void intake_split(struct request *request)
{
	struct span rest;

	request->target = without_authority(request->target);
	rest = request->target;
	span_split(&rest, '?', &request->path);
	request->query = rest;
}
