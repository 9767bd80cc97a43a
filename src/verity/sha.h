/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * sha.h - the plain hash of bytes that arrive in order: what OCI calls a digest
 *
 * FIPS 180-4. Not the fs-verity digest, which names objects (verity/hasher.h). Owned by one thread.
 */
#ifndef LAMINA_VERITY_SHA_H
#define LAMINA_VERITY_SHA_H

#include "base/digest.h"
#include "base/span.h"

struct diag; /* base/diag.h */
struct sha;

/* Returns 0, -EINVAL for what is no algorithm, -ENOMEM, or -EOPNOTSUPP where libcrypto lacks it. */
int sha_new(enum digest_algorithm algorithm, struct sha **ret, struct diag *why);
void sha_free(struct sha *sha); /* NULL is fine */
void sha_freep(struct sha **sha);

/* Returns 0 or -EIO (libcrypto failed). */
int sha_update(struct sha *sha, struct span bytes);

/* The hash of all bytes since new or the last finish; it is empty again. 0 or -EIO. */
int sha_finish(struct sha *sha, struct digest *ret);

/* All at once. */
int sha_of(enum digest_algorithm algorithm, struct span bytes, struct digest *ret,
	   struct diag *why);

#endif
