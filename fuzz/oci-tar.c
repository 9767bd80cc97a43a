/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A tar archive. However it is cut into pieces, the same entries come out, and all bytes in order;
 * sparse files are expanded.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/pieces.h"
#include "oci-tar-blocks.h"
#include "oci/tar.h"
#include "oci/tar_sparse.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct cut {
	struct span rest;
	size_t piece_size;
};

static int cut_next(void *context, struct span *ret, struct diag *why)
{
	struct cut *cut = context;
	size_t size = cut->rest.size < cut->piece_size ? cut->rest.size : cut->piece_size;

	(void)why;
	*ret = span_of(cut->rest.data, size);
	cut->rest = span_of(cut->rest.data + size, cut->rest.size - size);
	return size > 0;
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

/* Pieces of a sparse file lie one behind the other, and within it. */
static void segments_check(const struct tar_entry *entry)
{
	uint64_t end = 0, sum = 0;

	for (size_t i = 0; i < entry->segment_count; i++) {
		const struct tar_segment *segment = &entry->segments[i];

		assert(segment->offset >= end && segment->size <= entry->size - segment->offset);
		end = segment->offset + segment->size;
		sum += segment->size;
	}
	assert(end <= entry->size && sum == entry->stored_size);
}

/* All that is known of an entry; reading it shows that it is there. */
static int describe(const struct tar_entry *entry, struct buf *ret)
{
	const uint64_t facts[] = {entry->mode,
				  entry->uid,
				  entry->gid,
				  entry->rdev_major,
				  entry->rdev_minor,
				  entry->mtime_nsec,
				  entry->size,
				  entry->stored_size,
				  entry->is_sparse,
				  entry->segment_count,
				  (uint64_t)entry->mtime_sec};
	int r = buf_append(ret, facts, sizeof(facts));

	assert(entry->is_sparse || entry->stored_size == entry->size);
	if (entry->is_sparse)
		segments_check(entry);

	assert(entry->name.size && !memchr(entry->name.data, '\0', entry->name.size));
	assert(!entry->target.size || !memchr(entry->target.data, '\0', entry->target.size));
	assert(entry->mode <= 07777 && entry->mtime_nsec < 1000000000);
	assert(entry->type == TAR_REGULAR || entry->size == 0);
	r = r < 0 ? r : buf_append_span(ret, entry->name);
	r = r < 0 ? r : buf_append_span(ret, entry->target);
	for (size_t i = 0; r == 0 && i < entry->xattr_count; i++) {
		r = buf_append_span(ret, entry->xattrs[i].key);
		r = r < 0 ? r : buf_append_span(ret, entry->xattrs[i].value);
	}
	return r;
}

/* What expands to more is not expanded; the limit is the caller's in the program, too. */
#define EXPANDED_MAX (1024 * 1024)

/* The file: the body goes to all. Every byte of it is somewhere, and between them are zeros. */
static int body_read(struct tar *tar, const struct tar_entry *entry, struct buf *all,
		     struct buf *file, struct diag *why)
{
	const struct tar_file_sink sink = {append, append_zeros, file};
	struct tar_expander expander = {entry};
	struct span part;
	bool expands = entry->size <= EXPANDED_MAX;
	size_t before = all->size;
	int r;

	file->size = 0;
	while ((r = tar_body(tar, &part, why)) > 0) {
		r = buf_append_span(all, part);
		if (r == 0 && expands)
			r = tar_expand(&expander, part, &sink, why);
		if (r < 0)
			return r;
	}
	if (r == 0 && expands)
		r = tar_expand_end(&expander, &sink, why);
	if (r < 0 || !expands)
		return r;
	assert(file->size == entry->size);
	for (size_t i = 0; i < entry->segment_count; i++) {
		const struct tar_segment *segment = &entry->segments[i];

		assert(!segment->size ||
		       !memcmp(file->data + segment->offset, all->data + before, segment->size));
		before += segment->size;
	}
	return 0;
}

static int read_all(struct span bytes, size_t piece_size, bool takes_bodies, struct buf *ret)
{
	struct cut cut = {bytes, piece_size};
	const struct pieces pieces = {cut_next, &cut};
	CLEAN(buf_release) struct buf all = {0}, file = {0};
	CLEAN(tar_closep) struct tar *tar = NULL;
	struct tar_entry entry;
	struct diag why = {0};
	int r = tar_open(&pieces, append, &all, &tar);

	if (r < 0)
		return r;
	while ((r = tar_next(tar, &entry, &why)) > 0) {
		r = describe(&entry, ret);
		if (r == 0 && takes_bodies)
			r = body_read(tar, &entry, &all, &file, &why);
		if (r < 0)
			break;
	}
	assert(r == 0 || r == -ENOMEM || why.text[0]);
	assert(all.size <= bytes.size &&
	       memcmp(all.data ? all.data : (const void *)"", bytes.data, all.size) == 0);
	assert(r < 0 || all.size == bytes.size);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(buf_release) struct buf whole = {0}, cut = {0}, bytes = {0};
	size_t piece_size;
	int r;

	if (size < 2 || buf_append(&bytes, data + 2, size - 2) < 0)
		return 0;
	piece_size = 1 + data[0] * 4u;
	if (data[1] & 1)
		tar_checksums_set(bytes.data, bytes.size);
	r = read_all(buf_span(&bytes), SIZE_MAX, data[1] & 2, &whole);
	assert(read_all(buf_span(&bytes), piece_size, data[1] & 4, &cut) == r);
	assert(span_equal(buf_span(&whole), buf_span(&cut)));
	return 0;
}
