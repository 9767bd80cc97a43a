/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar_index.h - where the members of a tar archive lie
 *
 * For archives that hold an image (oci-archive, docker-archive), not for layers: the headers are
 * read once (oci/tar.h says which archives), contents are left where they are. Immutable once made.
 */
#ifndef LAMINA_OCI_TAR_INDEX_H
#define LAMINA_OCI_TAR_INDEX_H

#include <stdint.h>

struct diag;      /* base/diag.h */
struct tar_index; /* the names and ranges */

/*
 * Read the headers of the archive that is all of fd, which is borrowed for the call.
 *
 *   -EUCLEAN, -EOPNOTSUPP, -E2BIG  as tar_next() says; more than ARCHIVE_MEMBER_MAX members
 */
int tar_index_read(int fd, uint64_t size_bytes, struct tar_index **ret, struct diag *why);
void tar_index_free(struct tar_index *index); /* NULL is fine */

struct tar_range {
	uint64_t offset;
	uint64_t size; /* bytes */
};

/*
 * The content of the regular file of that name, hard and symbolic links within the archive
 * followed. A leading "./" in the archive is no part of a name.
 *
 *   -ENOENT   without a diag: there is none
 *   -EUCLEAN  there are two of that name, or links that lead nowhere
 *   -EOPNOTSUPP  it is a sparse file: its bytes do not lie in a row
 */
int tar_index_find(const struct tar_index *index, const char *name, struct tar_range *ret,
		   struct diag *why);

#endif
