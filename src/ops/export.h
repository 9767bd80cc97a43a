/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * export.h - an image leaves the repository: to a registry, an OCI layout, an archive
 *
 * Layers are put together again from their streams, to the byte, and held to their diff_id. A
 * compressed layer is another matter: no two libraries compress alike. It is what was pulled where
 * its blob was kept (pull_request.keep_blobs), and else compressed anew or not at all, and then the
 * manifest is a new one. So the digest of the manifest is that of the source when all layers were
 * kept, never compressed, or are in the target already.
 */
#ifndef LAMINA_OPS_EXPORT_H
#define LAMINA_OPS_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "oci/deflate.h"
#include "oci/registry.h"
#include "ops/progress.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

#define EXPORT_JOBS_DEFAULT 3 /* as PULL_JOBS_DEFAULT */
#define EXPORT_JOBS_MAX 64

struct export_request {
	const char *image;            /* a tag or the digest of a manifest */
	const char *target;           /* as oci/reference.h has it */
	enum compression compression; /* of layers whose blob was not kept */
	bool compress_all;            /* kept ones, too */
	bool compress_plain;          /* those that never were, too */
	/* Where the target has the blob that was pulled, take that, however it is compressed. */
	bool prefer_present;
	unsigned int jobs; /* layers at a time; 0: EXPORT_JOBS_DEFAULT */
	struct registry_options registry;
	struct progress progress;
};

struct export_result {
	struct digest
		manifest; /* of what was written; of a docker-archive, of what it stands for */
	bool is_same;     /* the manifest that was pulled, to the byte */
	size_t layer_count;
	uint64_t layer_bytes; /* as they are in the target */
	size_t present_count; /* layers that the target had */
	size_t mounted_count; /* that came from another repository of the registry */
};

/*
 * Export. A layout is valid at any time, an archive appears when it is whole.
 *
 *   -ENOENT   no such image, or parts of it are missing
 *   -EBADMSG  a layer is not what its digest says: the repository is damaged
 *   -EOPNOTSUPP, -EINVAL  the target; a docker-archive of what is no image
 */
int export_image(const struct store *store, const struct export_request *request,
		 struct export_result *ret, struct diag *why);

/*
 * The files of an image as a tar archive at path, "-" being standard output: all layers on top of
 * each other, with what the file tree that is mounted leaves out (user.* and other xattrs, what is
 * in /run). Of an imported image, what is mounted. Names are in byte order, so the same image gives
 * the same archive.
 */
int export_tree(const char *repo, const char *image, const char *path, struct diag *why);

#endif
