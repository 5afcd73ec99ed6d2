/* SHA-256 (FIPS 180-4) of bytes that come in pieces, and strong random bytes. */
#ifndef ALMANAC_DIGEST_H
#define ALMANAC_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "almanac/str.h"

#define DIGEST_LENGTH 32

struct digest;

struct digest *digest_create(void);
void digest_destroy(struct digest *digest);
void digest_feed(struct digest *digest, struct span bytes);

/* Writes the digest of all that was fed and begins anew. */
void digest_take(struct digest *digest, uint8_t out[DIGEST_LENGTH]);

/* The digest of one piece. */
void digest_of(struct span bytes, uint8_t out[DIGEST_LENGTH]);

/* Unpredictable bytes, for keys, seeds and file names. */
void random_bytes(void *out, size_t length);

#endif
