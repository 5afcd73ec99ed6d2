/* tls.c - the certificate that connections show; called by access.c and worker.c. libmicrohttpd takes one
 * for its whole life, so each session is given the present one when its connection opens. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"

#define PEM_MAX_BYTES ((size_t)1 << 20)

struct identity {
	gnutls_certificate_credentials_t credentials;
	struct str certificate, key;
	gnutls_datum_t
		tickets; /* the key under which clients keep their sessions (RFC 8446 section 2.2) */
};

static bool read_pem(const char *name, const char *path, struct str *pem, struct str *complaint)
{
	FILE *file = fopen(path, "re");
	size_t length;

	if (!file) {
		str_format(complaint, "%s=%s: %s", name, path, strerror(errno));
		return false;
	}
	str_init(pem, PEM_MAX_BYTES);
	str_reserve(pem, PEM_MAX_BYTES);
	length = fread(pem->bytes, 1, PEM_MAX_BYTES, file);
	if (ferror(file) || length == PEM_MAX_BYTES || memchr(pem->bytes, '\0', length)) {
		str_format(complaint, "%s=%s: cannot be read, or is no PEM file below 1 MiB", name,
			   path);
		fclose(file);
		return false;
	}
	fclose(file);
	pem->length = length;
	pem->bytes[length] = '\0';
	return true;
}

static gnutls_datum_t datum_of(const struct str *pem)
{
	return (gnutls_datum_t){(unsigned char *)pem->bytes, (unsigned)pem->length};
}

static const char *judge_certificate(const gnutls_datum_t *pem)
{
	gnutls_x509_crt_t *chain = NULL;
	unsigned count = 0;
	int code = gnutls_x509_crt_list_import2(&chain, &count, pem, GNUTLS_X509_FMT_PEM, 0);

	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
	return code < 0 || count == 0 ? "holds no certificate" : NULL;
}

static const char *judge_pair(int code)
{
	switch (code) {
	case GNUTLS_E_CERTIFICATE_KEY_MISMATCH:
		return "is not the key of the certificate in TLS_CERT_FILE";
	case GNUTLS_E_DECRYPTION_FAILED:
		return "is encrypted: a key without a password is needed";
	default:
		return "holds no private key that can be used";
	}
}

static bool load(struct identity *identity, const char *certificate_path, const char *key_path,
		 struct str *complaint)
{
	gnutls_datum_t certificate = datum_of(&identity->certificate);
	gnutls_datum_t key = datum_of(&identity->key);
	const char *fault = judge_certificate(&certificate);
	int code;

	if (fault) {
		str_format(complaint, "TLS_CERT_FILE=%s: %s", certificate_path, fault);
		return false;
	}
	if (gnutls_certificate_allocate_credentials(&identity->credentials) < 0 ||
	    gnutls_session_ticket_key_generate(&identity->tickets) < 0)
		abort();
	code = gnutls_certificate_set_x509_key_mem(identity->credentials, &certificate, &key,
						   GNUTLS_X509_FMT_PEM);
	if (code < 0)
		str_format(complaint, "TLS_KEY_FILE=%s: %s", key_path, judge_pair(code));
	return code >= 0;
}

struct identity *identity_create(const char *certificate_path, const char *key_path,
				 struct str *complaint)
{
	struct identity *identity = calloc(1, sizeof(*identity));

	if (!identity)
		abort();
	if (read_pem("TLS_CERT_FILE", certificate_path, &identity->certificate, complaint) &&
	    read_pem("TLS_KEY_FILE", key_path, &identity->key, complaint) &&
	    load(identity, certificate_path, key_path, complaint))
		return identity;
	identity_destroy(identity);
	return NULL;
}

void identity_destroy(struct identity *identity)
{
	if (!identity)
		return;
	if (identity->credentials)
		gnutls_certificate_free_credentials(identity->credentials);
	if (identity->key.bytes)
		gnutls_memset(identity->key.bytes, 0, identity->key.size);
	if (identity->tickets.data)
		gnutls_memset(identity->tickets.data, 0, identity->tickets.size);
	gnutls_free(identity->tickets.data);
	str_finish(&identity->key);
	str_finish(&identity->certificate);
	free(identity);
}

const char *identity_certificate(const struct identity *identity)
{
	return str_text(&identity->certificate);
}

const char *identity_key(const struct identity *identity)
{
	return str_text(&identity->key);
}

void identity_show(const struct identity *identity, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!info ||
	    gnutls_credentials_set(info->tls_session, GNUTLS_CRD_CERTIFICATE,
				   identity->credentials) < 0 ||
	    gnutls_session_ticket_enable_server(info->tls_session, &identity->tickets) < 0)
		abort();
}
