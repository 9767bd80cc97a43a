/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/commit_base.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/load.h"
#include "oci/config.h"
#include "oci/image.h"
#include "oci/manifest.h"
#include "ops/source.h"
#include "store/images.h"
#include "store/objects.h"
#include "store/store.h"
#include "tree/tree.h"

void commit_base_release(struct commit_base *base)
{
	oci_image_free(base->image);
	tree_free(base->tree);
	*base = (struct commit_base){0};
}

static int tree_load(int fd, struct tree **ret, struct diag *why)
{
	CLEAN(source_closep) struct source *source = NULL;
	int r;

	r = source_open_fd(fd, &source, why);
	if (r == 0)
		r = source_map(source, why);
	return r < 0 ? r : image_load(&source->image, ret, why);
}

/* A pulled image: its file tree, as it is mounted. Returns a descriptor that the caller owns. */
static int pulled_open(const struct store *store, const char *text, struct oci_image **ret,
		       struct diag *why)
{
	CLEAN(oci_image_freep) struct oci_image *image = NULL;
	struct digest digest;
	int r;

	r = oci_image_open(store, text, &image, why);
	if (r == 0)
		r = oci_image_erofs(image, (unsigned int)store_config(store).erofs_version, &digest,
				    why);
	if (r == 0)
		r = object_open(store, &digest, why);
	if (r >= 0)
		*ret = TAKE(image);
	return r;
}

int commit_base_open(const struct store *store, const char *text, struct commit_base *ret,
		     struct diag *why)
{
	CLEAN(commit_base_release) struct commit_base base = {0};
	CLEAN(fd_closep) int fd = -1;
	struct digest digest;
	int r;

	if (text) {
		fd = image_resolve(store, text, &digest, why);
		if (fd == -ENOENT)
			fd = pulled_open(store, text, &base.image, why);
		r = fd < 0 ? fd : tree_load(fd, &base.tree, why);
		if (r < 0)
			return diag_wrap(why, r, "base '%.200s'", text);
	}
	*ret = base;
	base = (struct commit_base){0};
	return 0;
}

bool commit_base_keeps_blobs(const struct commit_base *base)
{
	const struct oci_image *image = base->image;
	char name[OCI_KEPT_BLOB_SIZE_MAX];

	for (size_t i = 0; image && i < image->manifest->count; i++) {
		const struct digest *blob = &image->manifest->items[i].descriptor.digest;

		if (!digest_equal(blob, &image->config->diff_ids[i]) &&
		    !oci_links_find(&image->links, oci_kept_blob_name(blob, name)))
			return false;
	}
	return image != NULL;
}
