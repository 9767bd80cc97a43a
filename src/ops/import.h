/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * import.h - a directory, an archive or a dump becomes an image of the repository
 */
#ifndef LAMINA_OPS_IMPORT_H
#define LAMINA_OPS_IMPORT_H

#include "base/digest.h"
#include "erofs/writer.h"
#include "ops/input.h"

struct store; /* store/store.h */

struct import_request {
	const char *input;            /* as of ops/input.h */
	const char *name;             /* below images/refs/; replaced when it is there */
	struct input_options options; /* algorithm is the store's, whatever stands here */
	int version; /* composefs version; -1: the repository's default, and its extra ones */
	const char *objects; /* dump: "DIR[:DIR...]" to take contents from that the store lacks */
	bool allow_missing;  /* dump: contents may be missing */
};

struct import_extra {
	struct digest digest;
	uint32_t version;
};

struct import_result {
	struct digest image; /* that the name leads to */
	uint64_t image_bytes;
	uint64_t inode_count;
	uint32_t version;
	/* Of the same tree, by digest only: images/<digest>, as composefs-rs has them. */
	struct import_extra extra[EROFS_VERSION_MAX];
	size_t extra_count;
	struct input_stats input;
	uint64_t added_count; /* objects that were new, the image included */
	uint64_t added_bytes;
	uint64_t present_count;
	uint64_t missing_count; /* contents that nobody had; 0 unless allow_missing */
};

/*
 * Import. On return everything is durable, and the name leads to the image; on failure the name is
 * what it was, and objects that were added stay as garbage.
 *
 *   -ENOENT  a dump names contents that are not in the store nor in objects
 *   -EEXIST  the name is that of a pulled image
 *   -EINVAL  a name that cannot be one; a dump whose digests are not the store's algorithm
 */
int import_image(struct store *store, const struct import_request *request,
		 struct import_result *ret, struct diag *why);

#endif
