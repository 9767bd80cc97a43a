/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The archive is read from the inline chunks of the stream; the body of a larger file is the
 * external chunk that comes where the body would be. The reference refuses a smaller file that is
 * external and a larger one that is inline (composefs-repository.md, 2.6); so does this.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "oci/layer.h"
#include "oci/layer_private.h"
#include "oci/tar.h"
#include "oci/tar_sparse.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "tree/merge.h"
#include "tree/tree.h"

struct apply {
	const struct store *store;
	struct splitstream *stream; /* owned */
	struct tar *tar;            /* owned */
	struct tree *tree;
	uint64_t sparse_count; /* sparse files that are objects so far */
};

static void apply_release(struct apply *apply)
{
	tar_close(apply->tar);
	splitstream_close(apply->stream);
}

static int inline_next(void *context, struct span *ret, struct diag *why)
{
	struct apply *apply = context;
	struct splitstream_chunk chunk;
	int r = splitstream_next(apply->stream, &chunk, why);

	if (r <= 0)
		return r;
	if (chunk.is_external)
		return diag_set(why, -EUCLEAN, "an object where there should be none");
	*ret = chunk.bytes;
	return 1;
}

int layer_object_check(const struct store *store, const struct digest *object, uint64_t size_bytes,
		       struct diag *why)
{
	uint64_t found;
	int r = object_size(store, object, &found, why);

	if (r == 0 && found != size_bytes)
		return diag_set(why, -EUCLEAN, "a file of %llu bytes whose object has %llu",
				(unsigned long long)size_bytes, (unsigned long long)found);
	return r;
}

/* A body of more than INLINE_SIZE_DEFAULT bytes. */
static int external_take(struct apply *apply, uint64_t size_bytes, struct digest *ret,
			 struct diag *why)
{
	struct splitstream_chunk chunk;
	int r = tar_body_elsewhere(apply->tar, why);

	if (r == 0)
		r = splitstream_next(apply->stream, &chunk, why);
	if (r < 0)
		return r;
	if (r == 0 || !chunk.is_external)
		return diag_set(why, -EUCLEAN, "a file of %llu bytes that is not an object",
				(unsigned long long)size_bytes);
	*ret = chunk.object;
	return layer_object_check(apply->store, ret, size_bytes, why);
}

/* The file that a sparse entry becomes; its body, inline or not, is no part of the image. */
static int sparse_take(struct apply *apply, const struct tar_entry *entry, struct digest *ret,
		       struct diag *why)
{
	struct digest body;
	int r = 0;

	if (entry->stored_size > INLINE_SIZE_DEFAULT)
		r = external_take(apply, entry->stored_size, &body, why);
	if (r == 0)
		r = layer_sparse_find(apply->stream, apply->sparse_count++, ret, why);
	return r < 0 ? r : layer_object_check(apply->store, ret, entry->size, why);
}

/* Of at most INLINE_SIZE_DEFAULT bytes, holes included. */
struct content {
	uint8_t bytes[INLINE_SIZE_DEFAULT];
	size_t filled;
};

static int content_append(void *context, struct span bytes, struct diag *why)
{
	struct content *content = context;

	(void)why;
	memcpy(content->bytes + content->filled, bytes.data, bytes.size);
	content->filled += bytes.size;
	return 0;
}

static int content_zeros(void *context, uint64_t size_bytes, struct diag *why)
{
	static const uint8_t zeros[INLINE_SIZE_DEFAULT];

	return content_append(context, span_of(zeros, (size_t)size_bytes), why);
}

static int content_read(struct tar *tar, const struct tar_entry *entry, struct content *content,
			struct diag *why)
{
	const struct tar_file_sink sink = {content_append, content_zeros, content};
	struct tar_expander expander = {entry};
	struct span body;
	int r;

	while ((r = tar_body(tar, &body, why)) > 0)
		(void)tar_expand(&expander, body, &sink, why);
	return r < 0 ? r : tar_expand_end(&expander, &sink, why);
}

static int entry_apply(struct apply *apply, const struct tar_entry *entry, struct diag *why)
{
	struct content content = {.filled = 0};
	struct digest object = {0};
	int r;

	if (entry->size <= INLINE_SIZE_DEFAULT)
		r = content_read(apply->tar, entry, &content, why);
	else if (entry->is_sparse)
		r = sparse_take(apply, entry, &object, why);
	else
		r = external_take(apply, entry->size, &object, why);
	return r < 0 ? r
		     : layer_entry_merge(apply->tree, entry, span_of(content.bytes, content.filled),
					 &object, why);
}

int layer_entry_merge(struct tree *tree, const struct tar_entry *entry, struct span content,
		      const struct digest *object, struct diag *why)
{
	static const uint32_t types[] = {
		[TAR_REGULAR - '0'] = S_IFREG,      [TAR_HARD_LINK - '0'] = 0,
		[TAR_SYMLINK - '0'] = S_IFLNK,      [TAR_CHARACTER_DEVICE - '0'] = S_IFCHR,
		[TAR_BLOCK_DEVICE - '0'] = S_IFBLK, [TAR_DIRECTORY - '0'] = S_IFDIR,
		[TAR_FIFO - '0'] = S_IFIFO,
	};
	struct merge_entry merged = {
		.name = entry->name,
		.mode = types[entry->type - '0'] | entry->mode,
		.is_hard_link = entry->type == TAR_HARD_LINK,
		.uid = entry->uid,
		.gid = entry->gid,
		.mtime_sec = entry->mtime_sec,
		.mtime_nsec = entry->mtime_nsec,
		.target = entry->target,
		.size = entry->size,
		.content = content,
		.digest = *object,
		.xattrs = entry->xattrs,
		.xattr_count = entry->xattr_count,
	};

	/* Linux has 12 bits for the one and 20 for the other (include/linux/kdev_t.h). */
	if (entry->rdev_major >= 1U << 12 || entry->rdev_minor >= 1U << 20)
		return diag_set(why, -EUCLEAN, "no device can have the numbers %u:%u",
				entry->rdev_major, entry->rdev_minor);
	merged.rdev = (uint32_t)makedev(entry->rdev_major, entry->rdev_minor);
	return merge_add(tree, &merged, why);
}

static int apply_all(struct apply *apply, struct diag *why)
{
	struct tar_entry entry;
	uint64_t count = 0;
	int r;

	while ((r = tar_next(apply->tar, &entry, why)) > 0) {
		if (++count > LAYER_ENTRY_MAX)
			return diag_set(why, -E2BIG, "more than %llu entries",
					(unsigned long long)LAYER_ENTRY_MAX);
		r = entry_apply(apply, &entry, why);
		if (r < 0)
			return r;
	}
	return r;
}

int layer_apply(const struct store *store, const struct digest *stream_id, struct tree *tree,
		struct diag *why)
{
	CLEAN(apply_release) struct apply apply = {.store = store, .tree = tree};
	const struct pieces pieces = {inline_next, &apply};
	int r;

	r = splitstream_open(store, stream_id, STREAM_TYPE_OCI_LAYER, &apply.stream, why);
	if (r == 0)
		r = tar_open(&pieces, NULL, NULL, &apply.tar);
	if (r == 0)
		r = merge_layer_begin(tree);
	return r < 0 ? r : apply_all(&apply, why);
}
