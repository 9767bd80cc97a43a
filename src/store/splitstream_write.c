/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Two things have to be known before the bytes they stand in front of: the size of an inline chunk,
 * and the tables of the whole stream. So inline bytes, and the compressed stream, wait in spools.
 *
 * The frames must be those of composefs-rs to the byte: level 3, one thread, no checksum, no size
 * pledged; fed by "continue" and ended by an "end" without input (composefs-repository.md, 2.6).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/utf8.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/splitstream_private.h"
#include "store/spool_private.h"
#include "store/store_private.h"
#include "store/transaction_private.h"
#include "store/zstd.h"

struct name {
	struct span text; /* in the arena */
	size_t index;     /* into stream_refs */
};

struct splitstream_writer {
	struct transaction *transaction; /* borrowed */
	enum digest_algorithm algorithm;
	uint64_t content_type;
	uint64_t size;         /* bytes of the reassembled stream so far */
	uint64_t inline_total; /* of these, inline */
	int error;             /* of a call that failed: the rest cannot be right */

	const struct zstd *zstd;
	ZSTD_CCtx *compressor; /* owned */
	struct buf output;     /* space for what it gives out */
	struct spool pending;  /* the inline chunk that is being collected */
	struct spool stream;   /* compressed */

	struct digest_set streams;
	struct digest_set objects;
	struct arena arena;
	struct map names; /* of struct name, by text */
	struct buf order; /* of struct name *, to be sorted */
};

static int compressor_new(const struct zstd *zstd, ZSTD_CCtx **ret)
{
	ZSTD_CCtx *compressor = zstd->compressor_new();

	if (!compressor)
		return -ENOMEM;
	if (zstd->is_error(
		    zstd->compressor_set(compressor, ZSTD_c_compressionLevel, SPLITSTREAM_LEVEL))) {
		(void)zstd->compressor_free(compressor);
		return -EOPNOTSUPP;
	}
	*ret = compressor;
	return 0;
}

int splitstream_writer_new(struct transaction *transaction, uint64_t content_type,
			   struct splitstream_writer **ret, struct diag *why)
{
	CLEAN(splitstream_writer_abortp) struct splitstream_writer *writer = NULL;
	const struct store *store = transaction_store(transaction);
	int r;

	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->transaction = transaction;
	writer->algorithm = store->config.algorithm;
	writer->content_type = content_type;
	writer->pending = SPOOL_OF(store->objects_fd);
	writer->stream = SPOOL_OF(store->objects_fd);
	writer->streams = DIGEST_SET_OF(writer->algorithm);
	writer->objects = DIGEST_SET_OF(writer->algorithm);
	r = zstd_load(&writer->zstd, why);
	if (r < 0)
		return r;
	r = compressor_new(writer->zstd, &writer->compressor);
	if (r < 0)
		return diag_set(why, r, "libzstd cannot compress");
	r = buf_reserve(&writer->output, SPLITSTREAM_PIECE_SIZE);
	if (r < 0)
		return r;
	*ret = TAKE(writer);
	return 0;
}

void splitstream_writer_abort(struct splitstream_writer *writer)
{
	if (!writer)
		return;
	if (writer->compressor)
		(void)writer->zstd->compressor_free(writer->compressor);
	buf_release(&writer->output);
	spool_release(&writer->pending);
	spool_release(&writer->stream);
	digest_set_release(&writer->streams);
	digest_set_release(&writer->objects);
	map_release(&writer->names);
	buf_release(&writer->order);
	arena_release(&writer->arena);
	free(writer);
}

void splitstream_writer_abortp(struct splitstream_writer **writer)
{
	splitstream_writer_abort(*writer);
	*writer = NULL;
}

/* Compress into spool; the end is a call without input. */
static int compress(struct splitstream_writer *writer, struct span bytes, bool is_end,
		    struct spool *spool, struct diag *why)
{
	ZSTD_inBuffer input = {bytes.data, bytes.size, 0};
	size_t left = 0;

	while (input.pos < input.size || is_end) {
		ZSTD_outBuffer output = {writer->output.data, writer->output.capacity, 0};
		int r;

		left = writer->zstd->compress(writer->compressor, &output, &input,
					      is_end ? ZSTD_e_end : ZSTD_e_continue);
		if (writer->zstd->is_error(left))
			return diag_set(why, -EIO, "libzstd cannot compress: %s",
					writer->zstd->error_name(left));
		r = output.pos ? spool_append(spool, span_of(output.dst, output.pos), why) : 0;
		if (r < 0)
			return r;
		if (is_end && left == 0)
			break;
	}
	return 0;
}

static int compress_piece(void *context, struct span bytes, struct diag *why)
{
	struct splitstream_writer *writer = context;

	return compress(writer, bytes, false, &writer->stream, why);
}

static int put_chunk_head(struct splitstream_writer *writer, int64_t head, struct diag *why)
{
	le64 raw = le64_of((uint64_t)head);

	return compress_piece(writer, span_of(raw.bytes, sizeof(raw)), why);
}

static int flush_inline(struct splitstream_writer *writer, struct diag *why)
{
	int r;

	if (writer->pending.size == 0)
		return 0;
	r = put_chunk_head(writer, -(int64_t)writer->pending.size, why);
	if (r == 0)
		r = spool_each(&writer->pending, compress_piece, writer, why);
	spool_reset(&writer->pending);
	return r;
}

static int write_inline(struct splitstream_writer *writer, struct span bytes, struct diag *why)
{
	if (bytes.size == 0)
		return 0;
	if (bytes.size > SPLITSTREAM_INLINE_MAX - writer->inline_total)
		return diag_set(why, -E2BIG, "more than %llu bytes that are no objects",
				(unsigned long long)SPLITSTREAM_INLINE_MAX);
	if (ckd_add(&writer->size, writer->size, bytes.size))
		return diag_set(why, -E2BIG, "more than 2^64 bytes");
	writer->inline_total += bytes.size;
	return spool_append(&writer->pending, bytes, why);
}

static int keep_object(struct splitstream_writer *writer, const struct digest *object,
		       size_t *ret_index, struct diag *why)
{
	int r;

	if (object->algorithm != writer->algorithm)
		return diag_set(why, -EINVAL, "an object of another algorithm");
	r = digest_set_put(&writer->objects, object, SPLITSTREAM_OBJECT_MAX, ret_index);
	if (r == -E2BIG)
		return diag_set(why, r, "more than %zu objects in a stream",
				SPLITSTREAM_OBJECT_MAX);
	return r < 0 ? r : 0;
}

static int write_external(struct splitstream_writer *writer, const struct digest *object,
			  uint64_t size_bytes, struct diag *why)
{
	size_t index;
	int r;

	if (ckd_add(&writer->size, writer->size, size_bytes))
		return diag_set(why, -E2BIG, "more than 2^64 bytes");
	r = flush_inline(writer, why);
	if (r == 0)
		r = keep_object(writer, object, &index, why);
	return r < 0 ? r : put_chunk_head(writer, (int64_t)index, why);
}

static bool is_named(const void *item, const void *key)
{
	return span_equal(((const struct name *)item)->text, *(const struct span *)key);
}

static int add_name(struct splitstream_writer *writer, struct span text, size_t index)
{
	uint32_t hash = hash_bytes(text, 0);
	struct name *name = map_find(&writer->names, hash, is_named, &text);
	char *copy;
	int r;

	if (name) {
		name->index = index;
		return 0;
	}
	name = arena_new(&writer->arena, struct name);
	copy = arena_copy(&writer->arena, text);
	if (!name || !copy)
		return -ENOMEM;
	*name = (struct name){span_of(copy, text.size), index};
	r = map_add(&writer->names, hash, name);
	return r < 0 ? r : buf_append(&writer->order, &name, sizeof(name));
}

static int name_reference(struct splitstream_writer *writer, struct span name,
			  const struct digest *id, struct diag *why)
{
	size_t index;
	int r;

	if (name.size == 0 || memchr(name.data, '\0', name.size) || !utf8_is_valid(name))
		return diag_set(why, -EINVAL, "not a name for a reference");
	if (id->algorithm != writer->algorithm)
		return diag_set(why, -EINVAL, "a reference of another algorithm");
	r = digest_set_put(&writer->streams, id, SPLITSTREAM_REFERENCE_MAX, &index);
	if (r == -E2BIG)
		return diag_set(why, r, "more than %zu references in a stream",
				SPLITSTREAM_REFERENCE_MAX);
	return r < 0 ? r : add_name(writer, name, index);
}

int splitstream_write_inline(struct splitstream_writer *writer, struct span bytes, struct diag *why)
{
	if (!writer->error)
		writer->error = write_inline(writer, bytes, why);
	return writer->error;
}

int splitstream_write_external(struct splitstream_writer *writer, const struct digest *object,
			       uint64_t size_bytes, struct diag *why)
{
	if (!writer->error)
		writer->error = write_external(writer, object, size_bytes, why);
	return writer->error;
}

int splitstream_keep_object(struct splitstream_writer *writer, const struct digest *object,
			    struct diag *why)
{
	size_t index;

	if (!writer->error)
		writer->error = keep_object(writer, object, &index, why);
	return writer->error;
}

int splitstream_name_reference(struct splitstream_writer *writer, struct span name,
			       const struct digest *id, struct diag *why)
{
	if (!writer->error)
		writer->error = name_reference(writer, name, id, why);
	return writer->error;
}

static int name_order(const void *a, const void *b)
{
	const struct name *const *left = a, *const *right = b;

	return span_compare((*left)->text, (*right)->text);
}

/* The named references as a frame of their own, by bytes of the names. */
static int compress_names(struct splitstream_writer *writer, struct spool *spool, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	struct name **names = (struct name **)(void *)writer->order.data;
	size_t count = writer->order.size / sizeof(*names);
	int r;

	if (count)
		qsort(names, count, sizeof(*names), name_order);
	for (size_t i = 0; i < count; i++) {
		if (buf_printf(&text, "%zu:", names[i]->index) < 0 ||
		    buf_append_span(&text, names[i]->text) < 0 || buf_append_byte(&text, '\0') < 0)
			return -ENOMEM;
	}
	if (text.size > SPLITSTREAM_NAMED_SIZE_MAX)
		return diag_set(why, -E2BIG, "named references of more than %zu bytes",
				SPLITSTREAM_NAMED_SIZE_MAX);
	r = compress(writer, buf_span(&text), false, spool, why);
	return r < 0 ? r : compress(writer, SPAN_EMPTY, true, spool, why);
}

/* The range of the next size bytes. */
static struct splitstream_range_disk range_next(uint64_t *offset, uint64_t size)
{
	struct splitstream_range_disk range = {.start = le64_of(*offset)};

	*offset += size; /* of bytes that are in our memory or on our disk */
	range.end = le64_of(*offset);
	return range;
}

static int put_head(const struct splitstream_writer *writer, uint64_t named_size,
		    struct object_writer *object, struct diag *why)
{
	struct splitstream_header_disk header = {
		.version = SPLITSTREAM_VERSION,
		.algorithm = (uint8_t)writer->algorithm,
		.log_block_size = SPLITSTREAM_LOG_BLOCK_SIZE,
	};
	struct splitstream_info_disk info = {.content_type = le64_of(writer->content_type),
					     .size = le64_of(writer->size)};
	uint64_t offset = sizeof(header);
	int r;

	memcpy(header.magic, SPLITSTREAM_MAGIC.data, sizeof(header.magic));
	header.info = range_next(&offset, sizeof(info));
	info.stream_refs = range_next(&offset, writer->streams.bytes.size);
	info.object_refs = range_next(&offset, writer->objects.bytes.size);
	info.named_refs = range_next(&offset, named_size);
	info.stream = range_next(&offset, writer->stream.size);
	r = object_writer_write(object, span_of(&header, sizeof(header)), why);
	if (r == 0)
		r = object_writer_write(object, span_of(&info, sizeof(info)), why);
	return r;
}

static int put_piece(void *context, struct span bytes, struct diag *why)
{
	return object_writer_write(context, bytes, why);
}

static int writer_finish(struct splitstream_writer *writer, struct digest *ret_id, struct diag *why)
{
	CLEAN(object_writer_abortp) struct object_writer *object = NULL;
	CLEAN(spool_release) struct spool named = SPOOL_OF(writer->stream.dir_fd);
	int r;

	if (writer->error)
		return diag_set(why, writer->error, "an earlier write of this stream failed");
	r = flush_inline(writer, why);
	if (r == 0)
		r = compress(writer, SPAN_EMPTY, true, &writer->stream, why);
	if (r == 0)
		r = compress_names(writer, &named, why);
	if (r == 0)
		r = object_writer_new(writer->transaction, &object, why);
	if (r == 0)
		r = put_head(writer, named.size, object, why);
	if (r == 0)
		r = object_writer_write(object, buf_span(&writer->streams.bytes), why);
	if (r == 0)
		r = object_writer_write(object, buf_span(&writer->objects.bytes), why);
	if (r == 0)
		r = spool_each(&named, put_piece, object, why);
	if (r == 0)
		r = spool_each(&writer->stream, put_piece, object, why);
	return r < 0 ? r : object_writer_finish(TAKE(object), ret_id, why);
}

int splitstream_writer_finish(struct splitstream_writer *writer, struct digest *ret_id,
			      struct diag *why)
{
	int r = writer_finish(writer, ret_id, why);

	splitstream_writer_abort(writer);
	return r;
}
