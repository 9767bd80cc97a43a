/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Sparse files of a layer (docs/decisions/0019). The stream has the body as the archive has it,
 * which is the pieces; the image needs the file. So that is an object of its own, which goes with
 * the stream without being bytes of it, and has a name there.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/layer.h"
#include "oci/layer_private.h"
#include "oci/tar.h"
#include "oci/tar_sparse.h"
#include "store/objects.h"
#include "store/splitstream.h"

#define NAME_SIZE (sizeof(LAYER_SPARSE_PREFIX) + 20)

/* Where the body of one file goes, and the file. */
struct copies {
	struct splitstream_writer *stream;
	struct object_writer *body; /* owned; NULL: inline */
	struct object_writer *file; /* owned; NULL: it is inline in the image */
	struct tar_expander expander;
};

static void copies_release(struct copies *copies)
{
	object_writer_abort(copies->body);
	object_writer_abort(copies->file);
}

static int file_write(void *context, struct span bytes, struct diag *why)
{
	return object_writer_write(context, bytes, why);
}

static int file_zeros(void *context, uint64_t size_bytes, struct diag *why)
{
	return object_writer_zeros(context, size_bytes, why);
}

static struct tar_file_sink file_sink(struct copies *copies)
{
	return (struct tar_file_sink){file_write, file_zeros, copies->file};
}

static int copies_write(struct copies *copies, struct span bytes, struct diag *why)
{
	const struct tar_file_sink sink = file_sink(copies);
	int r = copies->body ? object_writer_write(copies->body, bytes, why)
			     : splitstream_write_inline(copies->stream, bytes, why);

	if (r == 0 && copies->file)
		r = tar_expand(&copies->expander, bytes, &sink, why);
	return r;
}

static int budget_take(struct layer_sparse *sparse, const struct tar_entry *entry, struct diag *why)
{
	if (entry->size > sparse->bytes_left)
		return diag_set(why, -E2BIG,
				"'%.*s': a sparse file of %llu bytes, the limit for all of the "
				"layer is %llu",
				entry->name.size < 200 ? (int)entry->name.size : 200,
				(const char *)entry->name.data, (unsigned long long)entry->size,
				(unsigned long long)sparse->bytes_max);
	if (sparse->count == LAYER_SPARSE_MAX)
		return diag_set(why, -E2BIG, "more than %zu sparse files", LAYER_SPARSE_MAX);
	sparse->bytes_left -= entry->size;
	return 0;
}

static struct span name_of(uint64_t index, char text[NAME_SIZE])
{
	(void)snprintf(text, NAME_SIZE, LAYER_SPARSE_PREFIX "%llu", (unsigned long long)index);
	return span_of_string(text);
}

static int body_finish(struct copies *copies, uint64_t size_bytes, struct diag *why)
{
	struct digest digest;
	int r;

	if (!copies->body)
		return 0;
	r = object_writer_finish(TAKE(copies->body), &digest, why);
	return r < 0 ? r : splitstream_write_external(copies->stream, &digest, size_bytes, why);
}

static int file_finish(struct copies *copies, struct layer_sparse *sparse, struct diag *why)
{
	const struct tar_file_sink sink = file_sink(copies);
	char name[NAME_SIZE];
	struct digest digest;
	int r;

	if (!copies->file)
		return 0;
	r = tar_expand_end(&copies->expander, &sink, why);
	if (r == 0)
		r = object_writer_finish(TAKE(copies->file), &digest, why);
	if (r == 0)
		r = splitstream_keep_object(copies->stream, &digest, why);
	if (r == 0)
		r = splitstream_name_reference(copies->stream, name_of(sparse->count, name),
					       &digest, why);
	sparse->count++;
	return r;
}

int layer_sparse_put(struct layer_sparse *sparse, struct transaction *transaction,
		     struct splitstream_writer *stream, struct tar *tar,
		     const struct tar_entry *entry, struct diag *why)
{
	CLEAN(copies_release) struct copies copies = {.stream = stream, .expander = {entry}};
	struct span bytes;
	int r;

	r = budget_take(sparse, entry, why);
	if (r == 0 && entry->stored_size > INLINE_SIZE_DEFAULT)
		r = object_writer_new(transaction, &copies.body, why);
	if (r == 0 && entry->size > INLINE_SIZE_DEFAULT)
		r = object_writer_new(transaction, &copies.file, why);
	if (r < 0)
		return r;
	while ((r = tar_body(tar, &bytes, why)) > 0) {
		r = copies_write(&copies, bytes, why);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = body_finish(&copies, entry->stored_size, why);
	return r < 0 ? r : file_finish(&copies, sparse, why);
}

int layer_sparse_find(const struct splitstream *stream, uint64_t index, struct digest *ret,
		      struct diag *why)
{
	char text[NAME_SIZE];
	struct span name = name_of(index, text);

	if (splitstream_reference_find(stream, name, ret) < 0)
		return diag_set(why, -EUCLEAN,
				"a sparse file whose contents the stream does not "
				"name");
	return 0;
}
