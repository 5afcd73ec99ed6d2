/* digest.c - SHA-256 and random bytes by libcrypto. */
#include "almanac/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *context;
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

void random_bytes(void *out, size_t length)
{
	must(RAND_bytes(out, (int)length));
}
