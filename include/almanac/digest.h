/* SHA-256 (FIPS 180-4) of bytes that come in pieces, alone and keyed, and strong random bytes. */
#ifndef ALMANAC_DIGEST_H
#define ALMANAC_DIGEST_H

#include <stdbool.h>
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

/* In the same time whatever they hold. */
bool digest_equals(const uint8_t one[DIGEST_LENGTH], const uint8_t other[DIGEST_LENGTH]);

/* The same under a key that only its holders know: HMAC-SHA256 (RFC 2104). */
struct hmac;

struct hmac *hmac_create(struct span key);
void hmac_destroy(struct hmac *hmac);
void hmac_feed(struct hmac *hmac, struct span bytes);

/* Writes the code of all that was fed and begins anew, under the same key. */
void hmac_take(struct hmac *hmac, uint8_t out[DIGEST_LENGTH]);

/* Unpredictable bytes, for keys, seeds and file names: arc4random_buf(3). */
void random_bytes(void *out, size_t length);

/* 64 bits for ids and jitter, which need to differ and not to be secret: xorshift64* (Marsaglia, Vigna).
 * `dice` is 0 before the first roll; it belongs to one thread. */
uint64_t random_roll(uint64_t *dice);

#endif
