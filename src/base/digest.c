/* digest.c - SHA-256, HMAC by libcrypto; random bytes by the C library. */
#include "almanac/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *context;
};

struct hmac {
	EVP_MAC_CTX *context;
};

/* libcrypto fails here only when memory is gone or its library is broken. */
static void must(int is_fine)
{
	if (is_fine != 1)
		abort();
}

struct digest *digest_create(void)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	must(digest != NULL);
	digest->context = EVP_MD_CTX_new();
	must(digest->context != NULL);
	must(EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL));
	return digest;
}

void digest_destroy(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

void digest_feed(struct digest *digest, struct span bytes)
{
	must(EVP_DigestUpdate(digest->context, bytes.bytes, bytes.length));
}

void digest_take(struct digest *digest, uint8_t out[DIGEST_LENGTH])
{
	must(EVP_DigestFinal_ex(digest->context, out, NULL));
	must(EVP_DigestInit_ex(digest->context, NULL, NULL));
}

void digest_of(struct span bytes, uint8_t out[DIGEST_LENGTH])
{
	must(EVP_Digest(bytes.bytes, bytes.length, out, NULL, EVP_sha256(), NULL));
}

bool digest_equals(const uint8_t one[DIGEST_LENGTH], const uint8_t other[DIGEST_LENGTH])
{
	return CRYPTO_memcmp(one, other, DIGEST_LENGTH) == 0;
}

struct hmac *hmac_create(struct span key)
{
	struct hmac *hmac = calloc(1, sizeof(*hmac));
	char name[] = "SHA256";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(hmac != NULL && mac != NULL);
	hmac->context = EVP_MAC_CTX_new(mac);
	must(hmac->context != NULL);
	EVP_MAC_free(mac);
	must(EVP_MAC_init(hmac->context, (const unsigned char *)key.bytes, key.length, parameters));
	return hmac;
}

void hmac_destroy(struct hmac *hmac)
{
	if (!hmac)
		return;
	EVP_MAC_CTX_free(hmac->context);
	free(hmac);
}

void hmac_feed(struct hmac *hmac, struct span bytes)
{
	must(EVP_MAC_update(hmac->context, (const unsigned char *)bytes.bytes, bytes.length));
}

void hmac_take(struct hmac *hmac, uint8_t out[DIGEST_LENGTH])
{
	size_t length;

	must(EVP_MAC_final(hmac->context, out, &length, DIGEST_LENGTH));
	must(EVP_MAC_init(hmac->context, NULL, 0, NULL));
}

void random_bytes(void *out, size_t length)
{
	arc4random_buf(out, length);
}

uint64_t random_roll(uint64_t *dice)
{
	while (*dice == 0)
		random_bytes(dice, sizeof(*dice));
	*dice ^= *dice >> 12;
	*dice ^= *dice << 25;
	*dice ^= *dice >> 27;
	return *dice * UINT64_C(2685821657736338717);
}
