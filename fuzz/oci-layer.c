/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Two layers, one on the other, and the image of the tree that they come to. Contents are not
 * stored: an object is whatever digest.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "erofs/writer.h"
#include "oci-tar-blocks.h"
#include "oci/layer_private.h"
#include "oci/tar.h"
#include "oci/tar_sparse.h"
#include "oci/transform.h"
#include "tree/merge.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int once_next(void *context, struct span *ret, struct diag *why)
{
	struct span *bytes = context;

	(void)why;
	*ret = *bytes;
	*bytes = SPAN_EMPTY;
	return ret->size > 0;
}

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static int append_zeros(void *context, uint64_t size_bytes, struct diag *why)
{
	(void)why;
	return buf_append_zeros(context, size_bytes);
}

static int entry_add(struct tree *tree, struct tar *tar, const struct tar_entry *entry,
		     struct diag *why)
{
	struct digest object = {.algorithm = DIGEST_SHA256};
	CLEAN(buf_release) struct buf content = {0};
	const struct tar_file_sink sink = {append, append_zeros, &content};
	struct tar_expander expander = {entry};
	struct span part;
	int r = 0;

	if (entry->size > INLINE_SIZE_DEFAULT)
		return layer_entry_merge(tree, entry, SPAN_EMPTY, &object, why);
	while ((r = tar_body(tar, &part, why)) > 0) {
		r = tar_expand(&expander, part, &sink, why);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = tar_expand_end(&expander, &sink, why);
	if (r < 0)
		return r;
	assert(content.size == entry->size);
	object.algorithm = DIGEST_NONE;
	return layer_entry_merge(tree, entry, buf_span(&content), &object, why);
}

static int layer_add(struct tree *tree, struct span bytes)
{
	const struct pieces pieces = {once_next, &bytes};
	CLEAN(tar_closep) struct tar *tar = NULL;
	struct tar_entry entry;
	struct diag why = {0};
	int r = tar_open(&pieces, NULL, NULL, &tar);

	if (r == 0)
		r = merge_layer_begin(tree);
	while (r >= 0 && (r = tar_next(tar, &entry, &why)) > 0)
		r = entry_add(tree, tar, &entry, &why);
	assert(r == 0 || r == -ENOMEM || why.text[0]);
	return r;
}

static int count(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	*(uint64_t *)context += bytes.size;
	return 0;
}

/* Names sorted, links counted, primaries in the tree. */
static void tree_check(const struct tree *tree)
{
	uint64_t inodes = 1;

	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		assert(!d->next || span_compare(dentry_name(d), dentry_name(d->next)) < 0);
		assert(d->inode->nlink > 0 && d->inode->primary);
		assert(tree_lookup(tree, d->parent, dentry_name(d)) == d);
		inodes += d->inode->primary == d;
	}
	assert(inodes == tree->inode_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	CLEAN(buf_release) struct buf bytes = {0};
	struct erofs_written written;
	struct diag why = {0};
	uint64_t written_bytes = 0;
	size_t first;
	int r;

	if (!tree || size < 2 || buf_append(&bytes, data + 2, size - 2) < 0)
		return 0;
	first = data[0] * (size_t)512 < bytes.size ? data[0] * (size_t)512 : bytes.size;
	if (data[1] & 1) {
		tar_checksums_set(bytes.data, first);
		tar_checksums_set(bytes.data + first, bytes.size - first);
	}
	if (layer_add(tree, span_of(bytes.data, first)) < 0 ||
	    layer_add(tree, span_of(bytes.data + first, bytes.size - first)) < 0)
		return 0;
	r = transform_for_oci(tree, data[1] & 2, &why);
	assert(r == 0 || r == -ENOMEM || why.text[0]);
	if (r < 0)
		return 0;
	tree_check(tree);
	r = erofs_write(tree, (struct erofs_version_range){0, 1}, count, &written_bytes, &written,
			&why);
	assert(r == 0 || r == -EFBIG || r == -ENOMEM);
	assert(r < 0 || written.size_bytes == written_bytes);
	return 0;
}
