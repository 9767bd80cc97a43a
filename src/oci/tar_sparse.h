/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar_sparse.h - the contents of a sparse file, of which an archive has the pieces
 */
#ifndef LAMINA_OCI_TAR_SPARSE_H
#define LAMINA_OCI_TAR_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "oci/tar.h"

struct diag; /* base/diag.h */

/* How far it is. Starts as {.entry = ...}, which is used until the end. */
struct tar_expander {
	const struct tar_entry *entry;
	size_t index;    /* of the segment that the next bytes of the body belong to */
	uint64_t taken;  /* bytes of it */
	uint64_t offset; /* bytes of the file that sink got */
};

/* Where the bytes of a file go, and its holes. Each returns 0 or -errno. */
struct tar_file_sink {
	int (*bytes)(void *context, struct span bytes, struct diag *why);
	int (*zeros)(void *context, uint64_t size_bytes, struct diag *why);
	void *context;
};

/*
 * Give sink the next bytes of the body (tar_body()) with the zeros of the holes in front of them,
 * or, at the end, what is behind the last one: entry->size bytes in all. Of an entry that is not
 * sparse they are the body. The caller holds entry->size to a limit: holes cost an archive nothing.
 * Returns 0, or what sink said.
 */
int tar_expand(struct tar_expander *expander, struct span bytes, const struct tar_file_sink *sink,
	       struct diag *why);
int tar_expand_end(struct tar_expander *expander, const struct tar_file_sink *sink,
		   struct diag *why);

#endif
