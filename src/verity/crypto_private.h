/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * crypto_private.h - what we use of libcrypto, loaded when the first hash is wanted
 *
 * docs/decisions/0009 has the reason: mounting hashes nothing, and loading libcrypto takes as long
 * as all the rest of starting the program.
 */
#ifndef LAMINA_VERITY_CRYPTO_PRIVATE_H
#define LAMINA_VERITY_CRYPTO_PRIVATE_H

#include <openssl/evp.h>

#include "base/diag.h"
#include "base/digest.h"

/* Immutable once loaded; for the life of the process. Functions as in EVP_DigestInit(3). */
struct crypto {
	__typeof__(EVP_MD_fetch) *fetch;
	__typeof__(EVP_MD_CTX_new) *context_new;
	__typeof__(EVP_MD_CTX_free) *context_free;
	__typeof__(EVP_DigestInit_ex2) *init;
	__typeof__(EVP_DigestUpdate) *update;
	__typeof__(EVP_DigestFinal_ex) *final;
	const EVP_MD *md[DIGEST_SHA512 + 1]; /* NULL: not to be had */
};

/* Any thread. Sets *ret, or returns -EOPNOTSUPP where there is no libcrypto. */
int crypto_load(const struct crypto **ret, struct diag *why);

#endif
