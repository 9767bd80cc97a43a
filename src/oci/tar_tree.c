/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/tar_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "oci/inflate.h"
#include "oci/layer_private.h"
#include "oci/tar.h"
#include "oci/tar_sparse.h"
#include "store/objects.h"
#include "tree/merge.h"
#include "tree/tree.h"
#include "verity/hasher.h"

#define READ_SIZE ((size_t)256 * 1024)

struct unpack {
	const struct tar_tree_request *request;
	struct verity_hasher *hasher; /* owned; where nothing is stored */
	struct tar *tar;              /* owned */
	struct tree *tree;            /* owned */
	uint64_t sparse_left;         /* bytes that files with holes may still have */
	uint64_t file_count;
	uint64_t file_bytes;
	/* Of the file at hand: */
	struct object_writer *object; /* owned; NULL: hashed, or inline */
	bool is_inline;
	uint8_t content[INLINE_SIZE_DEFAULT];
	size_t content_size;
};

static void unpack_release(struct unpack *unpack)
{
	object_writer_abort(unpack->object);
	verity_hasher_free(unpack->hasher);
	tar_close(unpack->tar);
	tree_free(unpack->tree);
}

static int file_write(void *context, struct span bytes, struct diag *why)
{
	struct unpack *unpack = context;

	if (unpack->object)
		return object_writer_write(unpack->object, bytes, why);
	if (!unpack->is_inline)
		return verity_update(unpack->hasher, bytes);
	memcpy(unpack->content + unpack->content_size, bytes.data, bytes.size);
	unpack->content_size += bytes.size;
	return 0;
}

static int file_zeros(void *context, uint64_t size_bytes, struct diag *why)
{
	static const uint8_t zeros[64 * 1024];
	struct unpack *unpack = context;
	int r = 0;

	if (unpack->object)
		return object_writer_zeros(unpack->object, size_bytes, why);
	while (r == 0 && size_bytes > 0) {
		size_t part = size_bytes < sizeof(zeros) ? (size_t)size_bytes : sizeof(zeros);

		r = file_write(unpack, span_of(zeros, part), why);
		size_bytes -= part;
	}
	return r;
}

/* Bytes that files with holes may have, all together. */
static uint64_t sparse_max(const struct tar_tree_request *request)
{
	return request->bytes_max < SPARSE_SIZE_MAX ? request->bytes_max : SPARSE_SIZE_MAX;
}

static int file_begin(struct unpack *unpack, const struct tar_entry *entry, struct diag *why)
{
	int r = layer_body_check(entry, unpack->request->bytes_max, unpack->request->transaction,
				 why);

	if (r < 0)
		return r;
	unpack->is_inline = entry->size <= INLINE_SIZE_DEFAULT;
	unpack->content_size = 0;
	if (entry->is_sparse && entry->size > unpack->sparse_left)
		return diag_set(why, -E2BIG, "files with holes have more than %llu bytes",
				(unsigned long long)sparse_max(unpack->request));
	if (entry->is_sparse)
		unpack->sparse_left -= entry->size;
	return unpack->is_inline || !unpack->request->transaction
		       ? 0
		       : object_writer_new(unpack->request->transaction, &unpack->object, why);
}

static int file_end(struct unpack *unpack, const struct tar_entry *entry, struct digest *ret,
		    struct diag *why)
{
	const struct tar_tree_request *request = unpack->request;
	int r;

	if (unpack->is_inline)
		return 0;
	r = unpack->object ? object_writer_finish(TAKE(unpack->object), ret, why)
			   : verity_finish(unpack->hasher, ret);
	if (r < 0)
		return r;
	unpack->file_count++;
	unpack->file_bytes += entry->size;
	return request->progress
		       ? request->progress(request->context, unpack->file_count, unpack->file_bytes)
		       : 0;
}

static int entry_take(struct unpack *unpack, const struct tar_entry *entry, struct diag *why)
{
	const struct tar_file_sink sink = {file_write, file_zeros, unpack};
	struct tar_expander expander = {entry};
	struct digest object = {0};
	struct span bytes;
	int r = file_begin(unpack, entry, why);

	while (r == 0 && (r = tar_body(unpack->tar, &bytes, why)) > 0)
		r = tar_expand(&expander, bytes, &sink, why);
	if (r == 0)
		r = tar_expand_end(&expander, &sink, why);
	if (r == 0)
		r = file_end(unpack, entry, &object, why);
	return r < 0 ? r
		     : layer_entry_merge(unpack->tree, entry,
					 span_of(unpack->content, unpack->content_size), &object,
					 why);
}

static int entries_take(struct unpack *unpack, struct diag *why)
{
	struct tar_entry entry;
	uint64_t count = 0;
	int r;

	while ((r = tar_next(unpack->tar, &entry, why)) > 0) {
		if (++count > LAYER_ENTRY_MAX)
			return diag_set(why, -E2BIG, "more than %llu entries",
					(unsigned long long)LAYER_ENTRY_MAX);
		r = entry_take(unpack, &entry, why);
		if (r < 0)
			return r;
	}
	return r;
}

static int unpack_all(struct unpack *unpack, const struct reader *plain, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(READ_SIZE);
	struct reader_pieces from = {plain, buffer, READ_SIZE};
	const struct pieces pieces = pieces_of_reader(&from);
	int r;

	if (!buffer)
		return -ENOMEM;
	unpack->tree = tree_new();
	if (!unpack->tree)
		return -ENOMEM;
	r = tar_open(&pieces, NULL, NULL, &unpack->tar);
	if (r == 0)
		r = merge_layer_begin(unpack->tree);
	return r < 0 ? r : entries_take(unpack, why);
}

int tar_tree_read(const struct reader *bytes, const struct tar_tree_request *request,
		  struct tree **ret, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(READ_SIZE);
	CLEAN(unpack_release)
	struct unpack unpack = {.request = request, .sparse_left = sparse_max(request)};
	struct reader_pieces from = {bytes, buffer, READ_SIZE};
	const struct pieces packed = pieces_of_reader(&from);
	struct reader plain = READER_NONE;
	int r;

	if (!buffer)
		return -ENOMEM;
	if (!request->transaction) {
		r = verity_hasher_new(request->algorithm, &unpack.hasher, why);
		if (r < 0)
			return r;
	}
	r = inflate_open(&packed, request->bytes_max, &plain);
	if (r == 0)
		r = unpack_all(&unpack, &plain, why);
	reader_close(&plain);
	if (r == 0)
		r = tree_settle(unpack.tree);
	if (r < 0)
		return r;
	*ret = TAKE(unpack.tree);
	return 0;
}
