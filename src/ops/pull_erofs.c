/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The layers of a pull as one file tree, written as EROFS.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "erofs/writer.h"
#include "oci/layer.h"
#include "oci/manifest.h"
#include "oci/transform.h"
#include "ops/pull_private.h"
#include "store/objects.h"
#include "store/store.h"
#include "tree/tree.h"

static int object_sink(void *context, struct span bytes, struct diag *why)
{
	return object_writer_write(context, bytes, why);
}

static int image_write(struct pull *pull, const struct tree *tree, unsigned int version,
		       struct digest *ret, struct diag *why)
{
	CLEAN(object_writer_abortp) struct object_writer *writer = NULL;
	struct erofs_version_range versions = {version, version};
	struct erofs_written written;
	int r;

	r = object_writer_new(pull->transaction, &writer, why);
	if (r == 0)
		r = erofs_write(tree, versions, object_sink, writer, &written, why);
	return r < 0 ? r : object_writer_finish(TAKE(writer), ret, why);
}

static int tree_make(struct pull *pull, struct tree **ret, struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	int r;

	if (!tree)
		return -ENOMEM;
	for (size_t i = 0; i < pull->manifest->count; i++) {
		r = layer_apply(pull->store, &pull->layers[i], tree, why);
		if (r < 0)
			return diag_wrap(why, r, "layer %zu", i + 1);
	}
	r = transform_for_oci(tree, false, why);
	if (r < 0)
		return r;
	*ret = TAKE(tree);
	return 0;
}

/* Of the formats that the repository wants, those that have a name. */
static bool version_is_wanted(const struct store *store, unsigned int version)
{
	struct store_config config = store_config(store);
	unsigned int wanted = config.extra_versions | 1U << config.erofs_version;

	wanted &= 1U << 1 | 1U << 2;
	return (wanted ? wanted : 1U << 1) & 1U << version;
}

#define VERSION_COUNT (EROFS_VERSION_MAX + 1u)

typedef const char *erofs_name(unsigned int version);

/*
 * One of each format. The newest first: so composefs-rs names them, and the order is part of the
 * stream's id.
 */
static int images_make(struct pull *pull, const struct tree *tree, erofs_name *name,
		       struct diag *why)
{
	int r = 0;

	for (unsigned int version = VERSION_COUNT; version-- > 0 && r == 0;) {
		struct digest image;

		if (!version_is_wanted(pull->store, version))
			continue;
		r = image_write(pull, tree, version, &image, why);
		if (r == 0)
			r = oci_links_put(&pull->erofs, name(version), &image);
	}
	return r;
}

/* The tree of the plain image becomes that of the one that boots. */
static int boot_images_make(struct pull *pull, struct tree *tree, struct diag *why)
{
	int r = transform_for_boot(tree, pull->store, why);

	if (r == 0)
		r = images_make(pull, tree, oci_image_boot_name, why);
	return r < 0 ? diag_wrap(why, r, "the image that boots") : 0;
}

int pull_erofs(struct pull *pull, struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	int r;

	r = tree_make(pull, &tree, why);
	if (r == 0)
		r = images_make(pull, tree, oci_image_erofs_name, why);
	if (r == 0 && pull->request->bootable)
		r = boot_images_make(pull, tree, why);
	return r;
}

static bool images_reuse(struct pull *pull, const struct oci_image *before, erofs_name *name)
{
	for (unsigned int version = VERSION_COUNT; version-- > 0;) {
		const struct digest *image;

		if (!version_is_wanted(pull->store, version))
			continue;
		image = oci_links_find(&before->config_links, name(version));
		if (!image || !object_exists(pull->store, image) ||
		    oci_links_put(&pull->erofs, name(version), image) < 0)
			return false;
	}
	return true;
}

bool pull_erofs_reuse(struct pull *pull, const struct oci_image *before)
{
	if (!before || !before->config || pull->request->expected_digest ||
	    before->manifest->count != pull->manifest->count)
		return false;
	for (size_t i = 0; i < pull->manifest->count; i++) {
		if (!digest_equal(&before->layers[i], &pull->layers[i]))
			return false;
	}
	if (images_reuse(pull, before, oci_image_erofs_name) &&
	    (!pull->request->bootable || images_reuse(pull, before, oci_image_boot_name)))
		return true;
	oci_links_release(&pull->erofs);
	return false;
}
