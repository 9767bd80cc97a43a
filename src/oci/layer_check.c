/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The digest of the archive says nothing of the files beside it (docs/decisions/0019): each is
 * hashed again from its body, which the archive has.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "base/reader.h"
#include "oci/layer.h"
#include "oci/layer_private.h"
#include "oci/tar.h"
#include "oci/tar_sparse.h"
#include "store/splitstream.h"
#include "store/store.h"
#include "verity/hasher.h"

#define BUFFER_SIZE ((size_t)128 * 1024)

struct check {
	struct splitstream *names; /* owned */
	struct verity_hasher *hasher;
	struct reader reader; /* owned; of the archive */
	uint8_t *buffer;      /* owned */
	struct tar *tar;      /* owned */
	uint64_t count;       /* sparse files so far */
};

static void check_release(struct check *check)
{
	tar_close(check->tar);
	reader_close(&check->reader);
	free(check->buffer);
	verity_hasher_free(check->hasher);
	splitstream_close(check->names);
}

static int hash(void *context, struct span bytes, struct diag *why)
{
	int r = verity_update(context, bytes);

	return r < 0 ? diag_set(why, r, "libcrypto cannot hash") : 0;
}

static int hash_zeros(void *context, uint64_t size_bytes, struct diag *why)
{
	static const uint8_t zeros[64 * 1024];
	int r = 0;

	while (r == 0 && size_bytes) {
		size_t part = size_bytes < sizeof(zeros) ? (size_t)size_bytes : sizeof(zeros);

		r = hash(context, span_of(zeros, part), why);
		size_bytes -= part;
	}
	return r;
}

static int file_hash(struct check *check, const struct tar_entry *entry, struct digest *ret,
		     struct diag *why)
{
	const struct tar_file_sink sink = {hash, hash_zeros, check->hasher};
	struct tar_expander expander = {entry};
	struct span body;
	int r;

	while ((r = tar_body(check->tar, &body, why)) > 0) {
		r = tar_expand(&expander, body, &sink, why);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = tar_expand_end(&expander, &sink, why);
	return r < 0 ? r : verity_finish(check->hasher, ret);
}

/* The size has been held to that of the object before any hole is hashed. */
static int entry_check(struct check *check, const struct store *store,
		       const struct tar_entry *entry, struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	struct digest named, found;
	int r;

	r = layer_sparse_find(check->names, check->count++, &named, why);
	if (r == 0)
		r = layer_object_check(store, &named, entry->size, why);
	if (r == 0)
		r = file_hash(check, entry, &found, why);
	if (r == 0 && !digest_equal(&named, &found))
		r = diag_set(why, -EBADMSG, "its contents are another file than %s, which is named",
			     digest_hex(&named, hex));
	if (r < 0)
		return diag_wrap(why, r, "'%.*s'",
				 entry->name.size < 200 ? (int)entry->name.size : 200,
				 (const char *)entry->name.data);
	return 0;
}

static int all_check(struct check *check, const struct store *store, const struct pieces *archive,
		     struct diag *why)
{
	struct tar_entry entry;
	int r = tar_open(archive, NULL, NULL, &check->tar);

	while (r >= 0 && (r = tar_next(check->tar, &entry, why)) > 0) {
		if (entry.is_sparse && entry.size > INLINE_SIZE_DEFAULT)
			r = entry_check(check, store, &entry, why);
	}
	return r;
}

int layer_check(const struct store *store, const struct digest *stream_id, struct diag *why)
{
	CLEAN(check_release) struct check check = {.reader = READER_NONE};
	struct splitstream *stream = NULL;
	struct reader_pieces pieces;
	struct pieces archive;
	struct digest first;
	int r;

	r = splitstream_open(store, stream_id, STREAM_TYPE_OCI_LAYER, &check.names, why);
	if (r < 0)
		return r;
	if (layer_sparse_find(check.names, 0, &first, NULL) < 0)
		return 0;
	check.buffer = malloc(BUFFER_SIZE);
	if (!check.buffer)
		return -ENOMEM;
	r = verity_hasher_new(store_config(store).algorithm, &check.hasher, why);
	if (r == 0)
		r = splitstream_open(store, stream_id, STREAM_TYPE_OCI_LAYER, &stream, why);
	if (r == 0)
		r = splitstream_reader(store, stream, &check.reader, why);
	if (r < 0)
		return r;
	pieces = (struct reader_pieces){&check.reader, check.buffer, BUFFER_SIZE};
	archive = pieces_of_reader(&pieces);
	return all_check(&check, store, &archive, why);
}
