/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <openssl/opensslv.h>

#include "base/library.h"
#include "verity/crypto_private.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

/* The major version that the headers are of: its interface does not change. */
#define CRYPTO_FILE "libcrypto.so." TEXT(OPENSSL_SHLIB_VERSION)

static struct crypto crypto; /* immutable once loaded */

static const struct library_symbol symbols[] = {
	{"EVP_MD_fetch", &crypto.fetch},           {"EVP_MD_CTX_new", &crypto.context_new},
	{"EVP_MD_CTX_free", &crypto.context_free}, {"EVP_DigestInit_ex2", &crypto.init},
	{"EVP_DigestUpdate", &crypto.update},      {"EVP_DigestFinal_ex", &crypto.final},
};

/* A fetch costs microseconds and a lock; the implicit one is paid at each DigestInit. */
static int start(struct diag *why)
{
	(void)why;
	crypto.md[DIGEST_SHA256] = crypto.fetch(NULL, "SHA256", NULL);
	crypto.md[DIGEST_SHA512] = crypto.fetch(NULL, "SHA512", NULL);
	return 0;
}

int crypto_load(const struct crypto **ret, struct diag *why)
{
	static struct library library = {LIBRARY(CRYPTO_FILE, symbols), .start = start};
	int r = library_want(&library, why);

	if (r == 0)
		*ret = &crypto;
	return r;
}
