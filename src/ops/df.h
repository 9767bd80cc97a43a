/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * df.h - how much of a repository each name takes, and how much of that it shares with others
 *
 * Bytes are sizes of files: what they take on disk depends on the file system, which may share
 * blocks or compress. Several names of one image, or of one manifest, share nothing with each other
 * but all: they are counted as one.
 */
#ifndef LAMINA_OPS_DF_H
#define LAMINA_OPS_DF_H

#include <stdint.h>

#include "base/digest.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

enum df_kind {
	DF_IMAGE,  /* a name of an image (images/refs/) */
	DF_TAG,    /* a tag of an OCI image (streams/refs/oci/) */
	DF_STREAM, /* another name of a stream (streams/refs/) */
	DF_LAZY    /* a tag of an image that is not all here; what is, is in its folder */
};

const char *df_kind_name(enum df_kind kind);

struct df_row {
	enum df_kind kind;
	const char *name;  /* as the user knows it */
	struct digest id;  /* of the image, or of the stream */
	const char *error; /* why it cannot be told; NULL: the numbers hold */
	uint64_t count;    /* objects, itself included */
	uint64_t bytes;    /* of these: shared and unique ones */
	uint64_t shared_bytes;
	uint64_t unique_bytes;
	uint64_t missing_count; /* objects that are not there */
};

struct df_total {
	uint64_t count; /* objects in the repository */
	uint64_t bytes;
	uint64_t unreferenced_count; /* of these, that no name leads to; some may be mounted */
	uint64_t unreferenced_bytes;
	uint64_t lazy_count; /* files of images that are not all here, in no figure above */
	uint64_t lazy_bytes;
};

/*
 * Call visit for each name: images, then tags and other streams, each in byte order, then
 * images that are not all here; then set *ret. A return other than 0 ends the walk and is its
 * result.
 */
typedef int df_visit(void *context, const struct df_row *row, struct diag *why);
int df_run(const struct store *store, df_visit *visit, void *context, struct df_total *ret,
	   struct diag *why);

#endif
