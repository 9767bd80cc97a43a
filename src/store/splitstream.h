/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * splitstream.h - a byte stream whose large parts are objects
 *
 * composefs-repository.md, 2.6, byte for byte: what is not an object is kept inline, compressed by
 * zstd. The stream is itself an object, and its name (the stream ID) depends on the zstd version in
 * principle. Named references lead to other streams and to images.
 *
 * Bytes that are read are hostile: memory and time are bounded by the size of the file and by
 * base/limits.h. -EUCLEAN is what is not a splitstream, -EOPNOTSUPP where there is no libzstd.
 * Owned by one thread each.
 */
#ifndef LAMINA_STORE_SPLITSTREAM_H
#define LAMINA_STORE_SPLITSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct buf;         /* base/buf.h */
struct diag;        /* base/diag.h */
struct reader;      /* base/reader.h */
struct store;       /* store/store.h */
struct transaction; /* store/objects.h */

/* Content types: eight ASCII bytes as a little-endian number. */
#define STREAM_TYPE(a, b, c, d, e, f, g, h)                                               \
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | \
	 (uint64_t)(e) << 32 | (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define STREAM_TYPE_ANY 0 /* for reading: whatever it is */
#define STREAM_TYPE_OCI_LAYER STREAM_TYPE('o', 'c', 'i', 'l', 'a', 'y', 'e', 'r')
#define STREAM_TYPE_OCI_CONFIG STREAM_TYPE('o', 'c', 'i', 'c', 'o', 'n', 'f', 'g')
#define STREAM_TYPE_OCI_MANIFEST STREAM_TYPE('o', 'c', 'i', 'm', 'a', 'n', 'i', 'f')
#define STREAM_TYPE_OCI_BLOB STREAM_TYPE('o', 'c', 'i', '_', 'b', 'l', 'o', 'b')

struct splitstream_writer;

/* The stream becomes an object of the transaction's store, which is borrowed until the end. */
int splitstream_writer_new(struct transaction *transaction, uint64_t content_type,
			   struct splitstream_writer **ret, struct diag *why);

/*
 * Bytes kept in the stream itself, collected into one chunk until the next external one or the end:
 * in memory first, then in a file without a name. -E2BIG over SPLITSTREAM_INLINE_MAX in one chunk.
 */
int splitstream_write_inline(struct splitstream_writer *writer, struct span bytes,
			     struct diag *why);

/* The bytes of an object, which is size_bytes long. */
int splitstream_write_external(struct splitstream_writer *writer, const struct digest *object,
			       uint64_t size_bytes, struct diag *why);

/* An object that goes with the stream and is no bytes of it: gc keeps it, fsck looks for it. */
int splitstream_keep_object(struct splitstream_writer *writer, const struct digest *object,
			    struct diag *why);

/*
 * A named reference to a stream or an image. A name that is there already gets the new id.
 * -EINVAL for a name that cannot be one: empty, with a NUL, not UTF-8.
 */
int splitstream_name_reference(struct splitstream_writer *writer, struct span name,
			       const struct digest *id, struct diag *why);

/* End the stream. The writer is taken in every case; an earlier failure is this one's, too. */
int splitstream_writer_finish(struct splitstream_writer *writer, struct digest *ret_id,
			      struct diag *why);

/* Nothing is left of it. NULL is fine. */
void splitstream_writer_abort(struct splitstream_writer *writer);
void splitstream_writer_abortp(struct splitstream_writer **writer);

struct splitstream;

/*
 * Open a stream for reading. content_type is what it must be, or STREAM_TYPE_ANY.
 *
 *   -ENOENT   no such object
 *   -EBADMSG  as of object_open()
 *   -EUCLEAN  no splitstream, one of another algorithm or of another content type
 *   -E2BIG    more references or objects than we take
 */
int splitstream_open(const struct store *store, const struct digest *id, uint64_t content_type,
		     struct splitstream **ret, struct diag *why);

/* The same of an open file, which is taken in every case. */
int splitstream_open_fd(int fd, enum digest_algorithm algorithm, uint64_t content_type,
			struct splitstream **ret, struct diag *why);

void splitstream_close(struct splitstream *stream); /* NULL is fine */
void splitstream_closep(struct splitstream **stream);

/* Bytes of the reassembled stream, as the header says; splitstream_reader() holds it to that. */
uint64_t splitstream_size(const struct splitstream *stream);

struct splitstream_chunk {
	bool is_external;
	struct span
		bytes; /* inline: 1 to SPLITSTREAM_PIECE_SIZE bytes, valid until the next call */
	struct digest object; /* external: all bytes of it */
};

/*
 * The next chunk; a long inline one comes in several pieces. Returns 1, 0 at the end, or -errno;
 * after either of the latter it is not called again.
 */
int splitstream_next(struct splitstream *stream, struct splitstream_chunk *ret, struct diag *why);

/* The objects that the stream is made of, each once. They may be missing from the store. */
size_t splitstream_object_count(const struct splitstream *stream);
struct digest splitstream_object(const struct splitstream *stream, size_t index);

/* The named references, by bytes of the name. The name lives as long as the stream. */
size_t splitstream_reference_count(const struct splitstream *stream);
struct digest splitstream_reference(const struct splitstream *stream, size_t index,
				    struct span *ret_name);

/* Returns 0, or -ENOENT without a diag. */
int splitstream_reference_find(const struct splitstream *stream, struct span name,
			       struct digest *ret);

/*
 * All bytes of the stream in order, objects opened from the store, which outlives the reader. The
 * stream is taken in every case and must be fresh. What does not add up to splitstream_size() is
 * -EUCLEAN, before more than that many bytes were delivered.
 */
int splitstream_reader(const struct store *store, struct splitstream *stream, struct reader *ret,
		       struct diag *why);

/* The same, appended to *ret; -E2BIG for a stream of more than limit bytes. */
int splitstream_read_all(const struct store *store, struct splitstream *stream, size_t limit,
			 struct buf *ret, struct diag *why);

#endif
