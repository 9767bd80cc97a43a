/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/splitstream_private.h"
#include "store/store_private.h"

struct splitstream {
	int fd; /* owned */
	enum digest_algorithm algorithm;
	struct splitstream_layout layout;
	struct buf streams; /* stream_refs as on disk */
	struct buf objects; /* object_refs as on disk */
	struct buf names;   /* the text of the named references */
	struct buf named;   /* of struct splitstream_named, by name */

	struct zstd_section section;
	struct buf piece;     /* what was decompressed, of which used bytes were taken */
	size_t used;          /* bytes */
	uint64_t inline_left; /* of the chunk that is being read */
	uint64_t inline_seen; /* of all chunks */
};

void splitstream_close(struct splitstream *stream)
{
	if (!stream)
		return;
	zstd_section_release(&stream->section);
	buf_release(&stream->streams);
	buf_release(&stream->objects);
	buf_release(&stream->names);
	buf_release(&stream->named);
	buf_release(&stream->piece);
	fd_close(stream->fd);
	free(stream);
}

void splitstream_closep(struct splitstream **stream)
{
	splitstream_close(*stream);
	*stream = NULL;
}

/* All bytes of a range, which a limit has been put to. */
static int read_range(int fd, struct splitstream_range range, struct buf *ret, struct diag *why)
{
	size_t size = (size_t)(range.end - range.start);
	ssize_t got;
	int r;

	if (size == 0)
		return 0;
	r = buf_reserve(ret, size);
	if (r < 0)
		return r;
	got = fd_pread(fd, ret->data, size, range.start);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read a splitstream");
	if ((size_t)got != size)
		return diag_set(why, -EUCLEAN, "splitstream: the file ends too early");
	ret->size = size;
	return 0;
}

static int read_layout(struct splitstream *stream, struct diag *why)
{
	struct splitstream_range head = {0, sizeof(struct splitstream_header_disk)}, place;
	CLEAN(buf_release) struct buf header = {0}, info = {0};
	struct stat stat;
	uint64_t size;
	int r;

	if (fstat(stream->fd, &stat) < 0)
		return diag_errno(why, -errno, "cannot stat a splitstream");
	if (!S_ISREG(stat.st_mode) || stat.st_size < (off_t)head.end)
		return diag_set(why, -EUCLEAN, "not a splitstream");
	size = (uint64_t)stat.st_size;
	r = read_range(stream->fd, head, &header, why);
	if (r == 0)
		r = splitstream_header_parse(buf_span(&header), size, stream->algorithm, &place,
					     why);
	if (r < 0)
		return r;
	/* A longer info has fields that we do not know. */
	place.end = place.start + sizeof(struct splitstream_info_disk);
	r = read_range(stream->fd, place, &info, why);
	return r < 0 ? r
		     : splitstream_info_parse(buf_span(&info), size, stream->algorithm,
					      &stream->layout, why);
}

static int read_names(struct splitstream *stream, struct diag *why)
{
	CLEAN(zstd_section_release) struct zstd_section section = {.fd = -1};
	ssize_t got;
	int r;

	r = zstd_section_init(&section, stream->fd, stream->layout.named_refs, why);
	if (r < 0)
		return r;
	do {
		r = buf_reserve(&stream->names, SPLITSTREAM_PIECE_SIZE);
		if (r < 0)
			return r;
		got = zstd_section_read(&section, stream->names.data + stream->names.size,
					SPLITSTREAM_PIECE_SIZE, why);
		if (got < 0)
			return (int)got;
		stream->names.size += (size_t)got;
		if (stream->names.size > SPLITSTREAM_NAMED_SIZE_MAX)
			return diag_set(why, -E2BIG,
					"splitstream: named references of more than %zu bytes",
					SPLITSTREAM_NAMED_SIZE_MAX);
	} while (got > 0);
	return splitstream_named_parse(buf_span(&stream->names),
				       stream->streams.size / digest_size(stream->algorithm),
				       &stream->named, why);
}

static int read_tables(struct splitstream *stream, struct diag *why)
{
	int r;

	r = read_range(stream->fd, stream->layout.stream_refs, &stream->streams, why);
	if (r == 0)
		r = read_range(stream->fd, stream->layout.object_refs, &stream->objects, why);
	if (r == 0)
		r = read_names(stream, why);
	if (r == 0)
		r = zstd_section_init(&stream->section, stream->fd, stream->layout.stream, why);
	return r < 0 ? r : buf_reserve(&stream->piece, SPLITSTREAM_PIECE_SIZE);
}

int splitstream_open_fd(int fd, enum digest_algorithm algorithm, uint64_t content_type,
			struct splitstream **ret, struct diag *why)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	int r;

	stream = calloc(1, sizeof(*stream));
	if (!stream) {
		fd_close(fd);
		return -ENOMEM;
	}
	stream->fd = fd;
	stream->algorithm = algorithm;
	r = read_layout(stream, why);
	if (r < 0)
		return r;
	if (content_type != STREAM_TYPE_ANY && stream->layout.content_type != content_type)
		return diag_set(why, -EUCLEAN, "splitstream: content type %#llx, expected %#llx",
				(unsigned long long)stream->layout.content_type,
				(unsigned long long)content_type);
	r = read_tables(stream, why);
	if (r < 0)
		return r;
	*ret = TAKE(stream);
	return 0;
}

int splitstream_open(const struct store *store, const struct digest *id, uint64_t content_type,
		     struct splitstream **ret, struct diag *why)
{
	int fd = object_open(store, id, why);

	if (fd < 0)
		return fd;
	return splitstream_open_fd(fd, store->config.algorithm, content_type, ret, why);
}

uint64_t splitstream_size(const struct splitstream *stream)
{
	return stream->layout.size;
}

static struct digest digest_at(const struct splitstream *stream, const struct buf *table,
			       size_t index)
{
	return digest_of(stream->algorithm, table->data + index * digest_size(stream->algorithm));
}

size_t splitstream_object_count(const struct splitstream *stream)
{
	return stream->objects.size / digest_size(stream->algorithm);
}

struct digest splitstream_object(const struct splitstream *stream, size_t index)
{
	return digest_at(stream, &stream->objects, index);
}

static const struct splitstream_named *named_of(const struct splitstream *stream)
{
	return (const struct splitstream_named *)(const void *)stream->named.data;
}

size_t splitstream_reference_count(const struct splitstream *stream)
{
	return stream->named.size / sizeof(struct splitstream_named);
}

struct digest splitstream_reference(const struct splitstream *stream, size_t index,
				    struct span *ret_name)
{
	const struct splitstream_named *named = named_of(stream) + index;

	*ret_name = named->name;
	return digest_at(stream, &stream->streams, named->index);
}

static int name_compare(const void *key, const void *item)
{
	return span_compare(*(const struct span *)key,
			    ((const struct splitstream_named *)item)->name);
}

int splitstream_reference_find(const struct splitstream *stream, struct span name,
			       struct digest *ret)
{
	const struct splitstream_named *found =
		stream->named.size
			? bsearch(&name, named_of(stream), splitstream_reference_count(stream),
				  sizeof(*found), name_compare)
			: NULL;

	if (!found)
		return -ENOENT;
	*ret = digest_at(stream, &stream->streams, found->index);
	return 0;
}

/* What is decompressed and not taken yet; some bytes of it, but at the end. */
static int piece_fill(struct splitstream *stream, struct diag *why)
{
	ssize_t got;

	if (stream->used < stream->piece.size)
		return 0;
	got = zstd_section_read(&stream->section, stream->piece.data, SPLITSTREAM_PIECE_SIZE, why);
	if (got < 0)
		return (int)got;
	stream->piece.size = (size_t)got;
	stream->used = 0;
	return 0;
}

/* The integer before a chunk. Returns 1, 0 at the end, or -errno. */
static int read_head(struct splitstream *stream, int64_t *ret, struct diag *why)
{
	le64 raw = {{0}};

	for (size_t i = 0; i < sizeof(raw); i++) {
		int r = piece_fill(stream, why);

		if (r < 0)
			return r;
		if (stream->used == stream->piece.size)
			return i == 0 ? 0
				      : diag_set(why, -EUCLEAN,
						 "splitstream: %zu bytes left at the end", i);
		raw.bytes[i] = stream->piece.data[stream->used++];
	}
	*ret = (int64_t)le64_get(raw);
	return 1;
}

static int next_inline(struct splitstream *stream, struct splitstream_chunk *ret, struct diag *why)
{
	size_t size;
	int r;

	r = piece_fill(stream, why);
	if (r < 0)
		return r;
	size = stream->piece.size - stream->used;
	if (size == 0)
		return diag_set(why, -EUCLEAN, "splitstream: inline bytes end too early");
	if (size > stream->inline_left)
		size = (size_t)stream->inline_left;
	*ret = (struct splitstream_chunk){.bytes =
						  span_of(stream->piece.data + stream->used, size)};
	stream->used += size;
	stream->inline_left -= size;
	return 1;
}

static int begin_inline(struct splitstream *stream, uint64_t size, struct diag *why)
{
	if (size > SPLITSTREAM_INLINE_MAX - stream->inline_seen)
		return diag_set(why, -E2BIG, "splitstream: more than %llu bytes inline",
				(unsigned long long)SPLITSTREAM_INLINE_MAX);
	stream->inline_seen += size;
	if (stream->inline_seen > stream->layout.size)
		return diag_set(why, -EUCLEAN, "splitstream: more bytes than the %llu it says",
				(unsigned long long)stream->layout.size);
	stream->inline_left = size;
	return 0;
}

int splitstream_next(struct splitstream *stream, struct splitstream_chunk *ret, struct diag *why)
{
	int64_t head = 0;
	int r;

	if (stream->inline_left)
		return next_inline(stream, ret, why);
	r = read_head(stream, &head, why);
	if (r <= 0)
		return r;
	if (head < 0) {
		r = begin_inline(stream, -(uint64_t)head, why);
		return r < 0 ? r : next_inline(stream, ret, why);
	}
	if ((uint64_t)head >= splitstream_object_count(stream))
		return diag_set(why, -EUCLEAN, "splitstream: object %llu of %zu",
				(unsigned long long)head, splitstream_object_count(stream));
	*ret = (struct splitstream_chunk){.is_external = true,
					  .object = splitstream_object(stream, (size_t)head)};
	return 1;
}
