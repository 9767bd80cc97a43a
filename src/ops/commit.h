/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * commit.h - an overlay's upper directory becomes the topmost layer of an image
 *
 * What oci/changes.h makes of it is written as an uncompressed layer, put on the layers of the
 * base, and tagged as a pull does it. An imported image as base becomes a layer itself.
 */
#ifndef LAMINA_OPS_COMMIT_H
#define LAMINA_OPS_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "ops/ids.h"
#include "ops/progress.h"
#include "ops/pull.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

struct commit_request {
	const char *upper; /* a directory that nothing writes to meanwhile */
	const char *name;  /* the tag */
	const char *base;  /* what it was the upper of, as of ops/source.h in the repository; NULL:
			    * nothing */
	struct ids_request ids; /* of upper: inside is what the image shall have */
	/*
	 * Of the image and of every file in its new layer, so that the same files give the same
	 * digests. Else files keep their times, and the image has that of now.
	 */
	bool has_timestamp;
	int64_t timestamp;          /* seconds since 1970 */
	const char *author;         /* NULL: as the base */
	const char *message;        /* NULL: none */
	const char *const *changes; /* instructions, NULL behind the last; or NULL */
	struct progress progress;
};

struct commit_result {
	struct pull_result image;
	struct digest diff_id; /* of the new layer */
	uint64_t layer_bytes;
	uint64_t entry_count;  /* of the new layer */
	uint64_t socket_count; /* left out */
};

void commit_result_release(struct commit_result *result);

/*
 * Commit. On failure the tag is what it was.
 *
 *   -EINVAL   what changes_make(), layer_write() and derive_documents() say
 *   -ENOENT   no such image below; an object or a layer of it is missing
 *   -EEXIST   the name is that of an imported image
 *   -EPERM    upper is somebody else's, and this is not root of the machine
 *   -ESTALE   something wrote to upper
 */
int commit_image(struct store *store, const struct commit_request *request,
		 struct commit_result *ret, struct diag *why);

#endif
