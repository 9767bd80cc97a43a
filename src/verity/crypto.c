/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <openssl/opensslv.h>
#include <pthread.h>
#include <string.h>

#include "base/library.h"
#include "verity/crypto_private.h"

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

/* The major version that the headers are of: its interface does not change. */
#define CRYPTO_FILE "libcrypto.so." TEXT(OPENSSL_SHLIB_VERSION)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct crypto crypto; /* immutable after once, as the next two */
static bool is_loaded;
static struct diag failure;

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"EVP_MD_fetch", &crypto.fetch},           {"EVP_MD_CTX_new", &crypto.context_new},
		{"EVP_MD_CTX_free", &crypto.context_free}, {"EVP_DigestInit_ex2", &crypto.init},
		{"EVP_DigestUpdate", &crypto.update},      {"EVP_DigestFinal_ex", &crypto.final},
	};

	is_loaded = library_load(CRYPTO_FILE, symbols, sizeof(symbols) / sizeof(symbols[0]),
				 &failure) == 0;
	if (!is_loaded)
		return;
	/* A fetch costs microseconds and a lock; the implicit one is paid at each DigestInit. */
	crypto.md[DIGEST_SHA256] = crypto.fetch(NULL, "SHA256", NULL);
	crypto.md[DIGEST_SHA512] = crypto.fetch(NULL, "SHA512", NULL);
}

int crypto_load(const struct crypto **ret, struct diag *why)
{
	(void)pthread_once(&once, load);
	if (!is_loaded)
		return diag_set(why, -EOPNOTSUPP, "%s", failure.text);
	*ret = &crypto;
	return 0;
}
