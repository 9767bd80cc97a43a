/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The archive of a layer becomes objects, and the stream that has all else.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/layer_private.h"
#include "oci/tar.h"
#include "store/objects.h"
#include "store/splitstream.h"

static int inline_put(void *context, struct span bytes, struct diag *why)
{
	struct layer_unpack *unpack = context;

	return splitstream_write_inline(unpack->stream, bytes, why);
}

static int file_put(struct layer_unpack *unpack, struct tar *tar, const struct tar_entry *entry,
		    struct diag *why)
{
	CLEAN(object_writer_abortp) struct object_writer *object = NULL;
	struct digest digest;
	struct span bytes;
	int r;

	r = object_writer_new(unpack->transaction, &object, why);
	if (r < 0)
		return r;
	while ((r = tar_body(tar, &bytes, why)) > 0) {
		r = object_writer_write(object, bytes, why);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = object_writer_finish(TAKE(object), &digest, why);
	return r < 0 ? r : splitstream_write_external(unpack->stream, &digest, entry->size, why);
}

int layer_body_check(const struct tar_entry *entry, uint64_t archive_bytes_max,
		     struct transaction *transaction, struct diag *why)
{
	const char *name = (const char *)entry->name.data;
	int name_size = entry->name.size < 200 ? (int)entry->name.size : 200;
	int r;

	if (entry->stored_size > archive_bytes_max)
		return diag_set(why, -E2BIG,
				"'%.*s': %llu bytes, the limit for all of the archive is %llu",
				name_size, name, (unsigned long long)entry->stored_size,
				(unsigned long long)archive_bytes_max);
	r = transaction ? transaction_check_room(transaction, entry->stored_size, why) : 0;
	return r < 0 ? diag_wrap(why, r, "'%.*s'", name_size, name) : 0;
}

int layer_unpack_open(struct layer_unpack *unpack, uint64_t archive_bytes_max, struct diag *why)
{
	unpack->archive_bytes_max = archive_bytes_max;
	/* Holes cost an archive even less than zeros cost gzip: the same limit, and always one. */
	unpack->sparse.bytes_max =
		archive_bytes_max == UINT64_MAX ? LAYER_FREE_SIZE : archive_bytes_max;
	if (unpack->sparse.bytes_max > SPARSE_SIZE_MAX)
		unpack->sparse.bytes_max = SPARSE_SIZE_MAX;
	unpack->sparse.bytes_left = unpack->sparse.bytes_max;
	return splitstream_writer_new(unpack->transaction, STREAM_TYPE_OCI_LAYER, &unpack->stream,
				      why);
}

int layer_unpack(struct layer_unpack *unpack, const struct pieces *plain, struct diag *why)
{
	CLEAN(tar_closep) struct tar *tar = NULL;
	struct tar_entry entry;
	int r;

	r = tar_open(plain, inline_put, unpack, &tar);
	if (r < 0)
		return r;
	while ((r = tar_next(tar, &entry, why)) > 0) {
		if (++unpack->entry_count > LAYER_ENTRY_MAX)
			return diag_set(why, -E2BIG, "more than %llu entries",
					(unsigned long long)LAYER_ENTRY_MAX);
		if (entry.size <= INLINE_SIZE_DEFAULT)
			continue; /* tar_next() takes it along */
		unpack->file_count++;
		r = layer_body_check(&entry, unpack->archive_bytes_max, unpack->transaction, why);
		if (r < 0)
			return r;
		r = entry.is_sparse ? layer_sparse_put(&unpack->sparse, unpack->transaction,
						       unpack->stream, tar, &entry, why)
				    : file_put(unpack, tar, &entry, why);
		if (r < 0)
			return r;
	}
	return r;
}
