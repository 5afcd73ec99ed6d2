/*
 * Bearer tokens (RFC 6750): who may do what. API_TOKENS keeps the SHA-256 of each, so that whoever reads
 * it can do nothing with it; a token has 256 random bits, so a fast hash is enough.
 */
#ifndef ALMANAC_TOKENS_H
#define ALMANAC_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "almanac/digest.h"
#include "almanac/endpoint.h"
#include "almanac/str.h"

#define TOKEN_NAME_MAX 64

struct token {
	char name[TOKEN_NAME_MAX + 1];
	enum scope scope;
	uint8_t hash[DIGEST_LENGTH];
};

struct tokens;

/* "name:scope:hash", several by commas; a name may stand there more than once: a new token is valid beside
 * the old one until that goes. NULL when something is wrong: `complaint` gets a line without a hash. */
struct tokens *tokens_create(const char *text, struct str *complaint);
void tokens_destroy(struct tokens *tokens);
size_t tokens_count(const struct tokens *tokens);

/* Whose token this is, or NULL; takes the same time whichever it is, and when it is none. */
const struct token *tokens_find(const struct tokens *tokens, struct digest *digest,
				struct span token);

/* What an Authorization header holds (RFC 9110 section 11.6.2, RFC 6750 section 2.1). */
enum credentials {
	CREDENTIALS_OTHER,     /* of a scheme that is not ours, or none */
	CREDENTIALS_MALFORMED, /* Bearer, but without a token behind it */
	CREDENTIALS_BEARER,
};

enum credentials credentials_read(struct span header, struct span *token);

/* A fresh token and its entry of API_TOKENS, a line each; false, and a line of complaint in `out`, when
 * name or scope is none. */
bool tokens_make(const char *name, const char *scope, struct str *out);

#endif
