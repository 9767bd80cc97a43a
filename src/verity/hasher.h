/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * hasher.h - the fs-verity digest of bytes that arrive in order
 *
 * Pushes bytes up a Merkle tree with one pending block a level: no second pass, no size in advance.
 * 4096-byte blocks, no salt (Linux 6.18, Documentation/filesystems/fsverity.rst, "File digest
 * computation"; composefs-repository.md, 2.3). Owned by one thread; reused for file after file.
 */
#ifndef LAMINA_VERITY_HASHER_H
#define LAMINA_VERITY_HASHER_H

#include "base/digest.h"
#include "base/span.h"

struct diag; /* base/diag.h */
struct verity_hasher;

#define VERITY_BLOCK_SIZE 4096

/* Returns 0, -EINVAL for what is no algorithm, -ENOMEM, or -EOPNOTSUPP where libcrypto lacks it. */
int verity_hasher_new(enum digest_algorithm algorithm, struct verity_hasher **ret,
		      struct diag *why);
void verity_hasher_free(struct verity_hasher *hasher); /* NULL is fine */
void verity_hasher_freep(struct verity_hasher **hasher);

/* Returns 0 or -EIO (libcrypto failed). */
int verity_update(struct verity_hasher *hasher, struct span bytes);

/* The digest of all bytes since new or the last finish; the hasher is empty again. */
int verity_finish(struct verity_hasher *hasher, struct digest *ret);

/*
 * The digest of a whole file, read from offset 0 with bounded buffers. *ret_size is the count of
 * bytes read. Leaves the file position alone. Returns 0 or -errno.
 */
int verity_hash_fd(struct verity_hasher *hasher, int fd, struct digest *ret, uint64_t *ret_size,
		   struct diag *why);

#endif
