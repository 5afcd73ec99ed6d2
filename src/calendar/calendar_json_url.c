/* calendar_json_url.c - how the next page of a list is asked for; calendar_json.c calls me */
#include <string.h>

#include "almanac/fields.h"
#include "json_list.h"

/* https://developers.google.com/workspace/calendar/api/v3/reference/events/list, at syncToken. */
static const char *const refused_beside_token[] = {
	"iCalUID", "orderBy",   "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin",
	"timeMax", "updatedMin"};

struct parts {
	struct span path; /* all before the query */
	struct span query;
};

static struct parts split(struct span url)
{
	struct parts parts = {.query = url};

	if (!span_split(&parts.query, '?', &parts.path))
		parts.path = url;
	return parts;
}

static struct span name_of(struct span pair)
{
	struct span name = {0};

	(void)span_split(&pair, '=', &name);
	return name;
}

static bool is_refused_beside_token(struct span name)
{
	for (size_t i = 0; i < sizeof(refused_beside_token) / sizeof(*refused_beside_token); i++)
		if (span_is(name, refused_beside_token[i]))
			return true;
	return false;
}

static bool is_replaced(const struct calendar_question *question, struct span name)
{
	if (span_is(name, "syncToken") || span_is(name, "pageToken"))
		return true;
	if (span_is(name, "start"))
		return question->start >= 0;
	if (span_is(name, "limit"))
		return question->limit >= 0;
	return question->sync_token.length > 0 && is_refused_beside_token(name);
}

static void separate(struct str *url, bool *is_first)
{
	str_append_char(url, *is_first ? '?' : '&');
	*is_first = false;
}

/* RFC 3986 section 2.3: all but the unreserved ones. */
static void append_escaped(struct str *url, struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.bytes[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (is_letter || (c >= '0' && c <= '9') || (c && strchr("-._~", c)))
			str_append_char(url, c);
		else
			str_format(url, "%%%02X", (unsigned)(unsigned char)c);
	}
}

static void append_token(struct str *url, bool *is_first, const char *name, struct span token)
{
	if (token.length == 0)
		return;
	separate(url, is_first);
	str_format(url, "%s=", name);
	append_escaped(url, token);
}

static void append_number(struct str *url, bool *is_first, const char *name, int64_t number)
{
	if (number < 0)
		return;
	separate(url, is_first);
	str_format(url, "%s=%lld", name, (long long)number);
}

const char *calendar_question_url(struct arena *arena, struct span source,
				  const struct calendar_question *question)
{
	struct parts parts = split(source);
	bool is_first = true;
	struct span pair;
	struct str url;
	char *copy;

	str_init(&url, source.length + 3 * question->sync_token.length +
			       3 * question->page_token.length + 128);
	str_append(&url, parts.path);
	while (span_split(&parts.query, '&', &pair)) {
		if (pair.length == 0 || is_replaced(question, name_of(pair)))
			continue;
		separate(&url, &is_first);
		str_append(&url, pair);
	}
	append_number(&url, &is_first, "start", question->start);
	append_number(&url, &is_first, "limit", question->limit);
	append_token(&url, &is_first, "syncToken", question->sync_token);
	append_token(&url, &is_first, "pageToken", question->page_token);
	copy = arena_text(arena, str_span(&url));
	str_finish(&url);
	return copy;
}

int64_t calendar_url_number(struct span url, const char *name)
{
	struct parts parts = split(url);
	struct span pair, first;
	int64_t number = -1;

	while (span_split(&parts.query, '&', &pair)) {
		if (!span_is(name_of(pair), name))
			continue;
		(void)span_split(&pair, '=', &first);
		if (!integer_parse(pair, &number) || number < 0)
			number = -1;
	}
	return number;
}
