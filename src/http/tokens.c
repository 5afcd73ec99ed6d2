/* tokens.c - bearer tokens: the list of those that are valid, and new ones; called by access.c and main. */
#include "almanac/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "almanac/fields.h"

#define TOKENS_MAX 256
#define RANDOM_BYTES 32
#define PREFIX "almanac_"

struct tokens {
	struct token items[TOKENS_MAX];
	size_t count;
};

static const enum scope scopes[] = {SCOPE_READ, SCOPE_WRITE, SCOPE_ADMIN};

/* --- reading the list --------------------------------------------------------------------------------- */

static bool read_name(struct span text, char name[TOKEN_NAME_MAX + 1])
{
	if (text.length == 0 || text.length > TOKEN_NAME_MAX)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char character = text.bytes[i];

		if ((character < '0' || character > '9') && (character < 'A' || character > 'Z') &&
		    (character < 'a' || character > 'z') && character != '.' && character != '_' &&
		    character != '-')
			return false;
	}
	memcpy(name, text.bytes, text.length);
	name[text.length] = '\0';
	return true;
}

static bool read_scope(struct span text, enum scope *scope)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		if (!span_is(text, scope_name(scopes[i])))
			continue;
		*scope = scopes[i];
		return true;
	}
	return false;
}

static int digit_of(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	character |= 0x20;
	return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

static bool read_hash(struct span text, uint8_t hash[DIGEST_LENGTH])
{
	if (text.length != 2 * DIGEST_LENGTH)
		return false;
	for (size_t i = 0; i < DIGEST_LENGTH; i++) {
		int high = digit_of(text.bytes[2 * i]);
		int low = digit_of(text.bytes[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* NULL, or what is wrong with an entry. */
static const char *read_entry(struct span rest, struct token *token)
{
	struct span name = {0}, scope = {0};

	span_split(&rest, ':', &name);
	span_split(&rest, ':', &scope);
	if (!rest.bytes)
		return "must be name:scope:hash, as `almanac token NAME SCOPE` tells it";
	if (!read_name(name, token->name))
		return "must begin with a name of 1 to 64 letters, digits, dots, dashes and "
		       "underscores";
	if (!read_scope(scope, &token->scope))
		return "must have the scope read, write or admin";
	if (!read_hash(rest, token->hash))
		return "must end with a SHA-256, 64 hexadecimal digits";
	return NULL;
}

static bool read_list(struct tokens *tokens, struct span rest, struct str *complaint)
{
	struct span entry;
	const char *fault;

	while (span_split(&rest, ',', &entry)) {
		if (tokens->count == TOKENS_MAX) {
			str_format(complaint, "at most %d tokens are taken", TOKENS_MAX);
			return false;
		}
		fault = read_entry(span_trim(entry), &tokens->items[tokens->count++]);
		if (fault) {
			str_format(complaint, "entry %zu %s", tokens->count, fault);
			return false;
		}
	}
	return true;
}

struct tokens *tokens_create(const char *text, struct str *complaint)
{
	struct tokens *tokens = calloc(1, sizeof(*tokens));

	if (!tokens)
		abort();
	if (*text == '\0' || read_list(tokens, span_of(text), complaint))
		return tokens;
	free(tokens);
	return NULL;
}

void tokens_destroy(struct tokens *tokens)
{
	free(tokens);
}

size_t tokens_count(const struct tokens *tokens)
{
	return tokens->count;
}

/* --- judging a request --------------------------------------------------------------------------------- */

const struct token *tokens_find(const struct tokens *tokens, struct digest *digest,
				struct span token)
{
	const struct token *found = NULL;
	uint8_t hash[DIGEST_LENGTH];

	digest_feed(digest, token);
	digest_take(digest, hash);
	for (size_t i = 0; i < tokens->count; i++)
		if (digest_equals(hash, tokens->items[i].hash))
			found = &tokens->items[i];
	return found;
}

/* b64token: RFC 6750 section 2.1. */
static bool is_token(struct span text)
{
	size_t length = text.length;

	while (length > 0 && text.bytes[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++) {
		char character = text.bytes[i];

		if ((character < '0' || character > '9') && (character < 'A' || character > 'Z') &&
		    (character < 'a' || character > 'z') &&
		    (!character || !strchr("-._~+/", character)))
			return false;
	}
	return length > 0;
}

enum credentials credentials_read(struct span header, struct span *token)
{
	struct span rest = span_trim(header);
	struct span scheme = {0};

	span_split(&rest, ' ', &scheme);
	if (!span_equals_nocase(scheme, SPAN("Bearer")))
		return CREDENTIALS_OTHER;
	*token = span_trim(rest);
	return is_token(*token) ? CREDENTIALS_BEARER : CREDENTIALS_MALFORMED;
}

/* --- new ones ------------------------------------------------------------------------------------------ */

static void append_new(const char *name, const char *scope, struct str *out)
{
	char bytes[RANDOM_BYTES];
	uint8_t hash[DIGEST_LENGTH];
	struct str token;

	random_bytes(bytes, sizeof(bytes));
	str_init(&token, sizeof(PREFIX) + 2 * RANDOM_BYTES);
	str_append_text(&token, PREFIX);
	base64url_append(&token, (struct span){bytes, sizeof(bytes)});
	digest_of(str_span(&token), hash);
	str_format(out, "token=%s\nentry=%s:%s:", str_text(&token), name, scope);
	str_append_hex(out, hash, sizeof(hash));
	str_finish(&token);
}

bool tokens_make(const char *name, const char *scope, struct str *out)
{
	char read[TOKEN_NAME_MAX + 1];
	enum scope known;

	if (!read_name(span_of(name), read)) {
		str_append_text(out, "NAME must be 1 to 64 letters, digits, dots, dashes and "
				     "underscores");
		return false;
	}
	if (!read_scope(span_of(scope), &known)) {
		str_append_text(out, "SCOPE must be read, write or admin");
		return false;
	}
	append_new(name, scope, out);
	return true;
}
