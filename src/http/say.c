/* say.c - answers from rows, and links; called by the endpoints' records. */
#include <assert.h>
#include <string.h>

#include "almanac/json.h"
#include "almanac/moment.h"
#include "http.h"

#define LINK_MAX_BYTES 4096 /* libmicrohttpd keeps the head of the request in the same memory */

/* --- replies ---------------------------------------------------------------------------------------- */

void reply_init(struct reply *reply)
{
	*reply = (struct reply){.status = 200, .content_type = "application/json"};
	str_init(&reply->body, REPLY_BODY_MAX);
}

void reply_finish(struct reply *reply)
{
	str_finish(&reply->body);
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
	assert(reply->header_count < REPLY_HEADERS_MAX);
	reply->headers[reply->header_count++] = (struct reply_header){name, value};
}

/* --- rows ------------------------------------------------------------------------------------------- */

/* What has no form of RFC 3339 (infinity, years beyond 9999, BC) is told as it is. */
static void append_other_moment(struct str *out, struct span text)
{
	struct moment moment;
	char written[MOMENT_TEXT_MAX];

	if (!moment_parse(text, &moment)) {
		json_append_text(out, text);
		return;
	}
	str_append_char(out, '"');
	str_append(out,
		   (struct span){written, moment_write_rfc3339(moment_unix_us(&moment), written)});
	str_append_char(out, '"');
}

/* timestamptz as PostgreSQL writes it in a UTC session, "2026-02-01 20:00:00.123456+00", told as RFC
 * 3339 with milliseconds: in every row, so the digits are taken over as they are. */
static void append_moment(struct str *out, struct span text)
{
	static const char zeros[] = "000";
	size_t digits = 0;

	if (text.length < 22 || text.bytes[10] != ' ' ||
	    memcmp(text.bytes + text.length - 3, "+00", 3) != 0) {
		append_other_moment(out, text);
		return;
	}
	if (text.bytes[19] == '.')
		digits = text.length - 23 < 3 ? text.length - 23 : 3;
	str_append_char(out, '"');
	str_append(out, (struct span){text.bytes, 10});
	str_append_char(out, 'T');
	str_append(out, (struct span){text.bytes + 11, 8});
	str_append_char(out, '.');
	str_append(out, (struct span){text.bytes + 20, digits});
	str_append(out, (struct span){zeros, 3 - digits});
	str_append(out, SPAN("Z\""));
}

void reply_append_value(struct str *out, const struct db_rows *rows, size_t row, size_t column)
{
	struct span text = rows_text(rows, row, column);

	if (rows_is_null(rows, row, column)) {
		str_append(out, SPAN("null"));
		return;
	}
	switch (rows_column_kind(rows, column)) {
	case COLUMN_NUMBER:
	case COLUMN_JSON:
		str_append(out, text);
		break;
	case COLUMN_FLAG:
		str_append_text(out, rows_flag(rows, row, column) ? "true" : "false");
		break;
	case COLUMN_MOMENT:
		append_moment(out, text);
		break;
	case COLUMN_TEXT:
	default:
		json_append_text(out, text);
		break;
	}
}

static bool is_shown(const char *name)
{
	return *name != '_' && strcmp(name, "outcome") != 0;
}

void reply_append_row(struct str *out, const struct db_rows *rows, size_t row)
{
	size_t columns = rows_columns(rows);
	char before = '{';

	for (size_t column = 0; column < columns; column++) {
		const char *name = rows_column_name(rows, column);

		if (!is_shown(name))
			continue;
		str_append_char(out, before);
		str_append_char(out, '"');
		str_append_text(out, name);
		str_append(out, SPAN("\":"));
		reply_append_value(out, rows, row, column);
		before = ',';
	}
	str_append_text(out, before == '{' ? "{}" : "}");
}

void say_row(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	int location = rows_find(rows, "_location");

	if (rows_count(rows) == 0) {
		str_append_text(&reply->body, "null\n");
		return;
	}
	if (location >= 0 && !rows_is_null(rows, 0, (size_t)location))
		reply_header(reply, "Location",
			     arena_text(request->arena, rows_text(rows, 0, (size_t)location)));
	reply_append_row(&reply->body, rows, 0);
	str_append_char(&reply->body, '\n');
}

/* The cursor behind the last row, opaque; NULL at the end of the list. */
static const char *next_cursor(struct request *request, const struct db_rows *rows)
{
	size_t count = rows_count(rows);
	int column = rows_find(rows, "_cursor");
	const char *cursor;
	struct span text;
	struct str out;

	if (count == 0 || column < 0 || rows_is_null(rows, count - 1, (size_t)column))
		return NULL;
	text = rows_text(rows, count - 1, (size_t)column);
	str_init(&out, text.length * 4 / 3 + 2);
	base64url_append(&out, text);
	cursor = arena_text(request->arena, str_span(&out));
	str_finish(&out);
	return cursor;
}

void say_rows(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	const char *next = next_cursor(request, rows);

	str_append_text(&reply->body, "{\"data\":[");
	for (size_t row = 0; row < rows_count(rows); row++) {
		if (row)
			str_append_char(&reply->body, ',');
		reply_append_row(&reply->body, rows, row);
	}
	str_append_text(&reply->body, "],\"next\":");
	if (next)
		json_append_text(&reply->body, span_of(next));
	else
		str_append_text(&reply->body, "null");
	str_append_text(&reply->body, "}\n");
	if (next)
		reply_link_next(request, reply, link_with(request, "cursor", next));
}

void say_nothing(struct request *request, const struct db_rows *rows, struct reply *reply)
{
	(void)request;
	(void)rows;
	reply->content_type = NULL;
}

/* --- links ------------------------------------------------------------------------------------------ */

static bool is_parameter(struct span pair, const char *name)
{
	struct span part;

	return span_split(&pair, '=', &part) && span_is(part, name);
}

const char *link_with(struct request *request, const char *name, const char *value)
{
	struct span rest = request->query;
	struct span pair;
	struct str out;
	const char *link;
	char before = '?';

	str_init(&out, request->path.length + rest.length + strlen(name) + strlen(value) + 3);
	str_append(&out, request->path);
	while (span_split(&rest, '&', &pair)) {
		if (pair.length == 0 || is_parameter(pair, name))
			continue;
		str_append_char(&out, before);
		str_append(&out, pair);
		before = '&';
	}
	str_append_char(&out, before);
	str_append_text(&out, name);
	str_append_char(&out, '=');
	str_append_text(&out, value);
	link = arena_text(request->arena, str_span(&out));
	str_finish(&out);
	return link;
}

/* A target may hold what a header's <…> must not: it is as the client sent it. */
void reply_link_next(struct request *request, struct reply *reply, const char *target)
{
	struct str out;

	str_init(&out, LINK_MAX_BYTES);
	str_append_char(&out, '<');
	for (; *target; target++) {
		unsigned char byte = (unsigned char)*target;

		if (byte <= ' ' || byte >= 0x7f || strchr("<>\"", byte))
			str_format(&out, "%%%02X", byte);
		else
			str_append_char(&out, *target);
	}
	str_append_text(&out, ">; rel=\"next\"");
	if (!out.has_overflowed)
		reply_header(reply, "Link", arena_text(request->arena, str_span(&out)));
	str_finish(&out);
}
