/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * writer.h - a tree as a composefs EROFS image, bit for bit what mkcomposefs writes
 *
 * Source: composefs-image.md, all sections; for version 2, which only early composefs-rs wrote,
 * composefs-repository.md, section 5. The tree is not changed; the overlay xattrs, whiteout
 * conversion and stubs of section 4 exist only in the image. Same tree, same bytes, on any machine.
 */
#ifndef LAMINA_EROFS_WRITER_H
#define LAMINA_EROFS_WRITER_H

#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */
struct tree; /* tree/tree.h */

#define EROFS_VERSION_MAX 2

struct erofs_version_range {
	uint32_t min; /* what is written... */
	uint32_t max; /* ...unless a whiteout raises 0 to 1 and max allows it; never to 2 */
};

/* Takes the bytes of the image in order, each once. Returns 0 or -errno, which ends the writing. */
typedef int erofs_sink(void *context, struct span bytes, struct diag *why);

struct erofs_written {
	uint64_t size_bytes;
	uint64_t inode_count;
	uint32_t version;
};

/*
 * Write tree, which tree_sort() has sorted.
 *
 *   -EINVAL  a version out of range, or an inode with more xattrs than the format holds; in version
 *            2, a file without digest
 *   -E2BIG   content or a symlink longer than the version holds
 *   -EFBIG   a file above 2^53 bytes, 2^43 in version 2, or more metadata than 32-bit block numbers
 *            reach
 *   -ENOMEM, and whatever sink returned
 */
int erofs_write(const struct tree *tree, struct erofs_version_range versions, erofs_sink *sink,
		void *context, struct erofs_written *ret, struct diag *why);

#endif
