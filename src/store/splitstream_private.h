/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * splitstream_private.h - the bytes of a splitstream, version 0
 *
 * composefs-repository.md, 2.6. Ranges count from the start of the file. The tables and the two
 * zstd sections may lie anywhere; we write them in the order of struct splitstream_info_disk, but
 * the named references before the stream.
 */
#ifndef LAMINA_STORE_SPLITSTREAM_PRIVATE_H
#define LAMINA_STORE_SPLITSTREAM_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/le.h"
#include "base/span.h"

struct diag; /* base/diag.h */
struct zstd; /* store/zstd.h */

#define SPLITSTREAM_MAGIC SPAN_LITERAL("SplitStream")
#define SPLITSTREAM_MAGIC_SIZE 11
#define SPLITSTREAM_VERSION 0
#define SPLITSTREAM_LOG_BLOCK_SIZE 12
#define SPLITSTREAM_LEVEL 3 /* of zstd */

struct splitstream_range_disk {
	le64 start;
	le64 end; /* exclusive */
};

struct splitstream_header_disk {
	uint8_t magic[SPLITSTREAM_MAGIC_SIZE];
	uint8_t version;
	le16 flags; /* 0; not looked at */
	uint8_t algorithm;
	uint8_t log_block_size;
	struct splitstream_range_disk info;
};
_Static_assert(sizeof(struct splitstream_header_disk) == 32, "as the format says");

/* As bootc wrote it up to 1.15. */
struct splitstream_old_header_disk {
	struct splitstream_range_disk info;
	le16 flags;
	uint8_t magic[SPLITSTREAM_MAGIC_SIZE];
	uint8_t version;
	uint8_t algorithm;
	uint8_t log_block_size;
};
_Static_assert(sizeof(struct splitstream_old_header_disk) == 32, "as the format says");

struct splitstream_info_disk {
	struct splitstream_range_disk stream_refs;
	struct splitstream_range_disk object_refs;
	struct splitstream_range_disk stream;
	struct splitstream_range_disk named_refs;
	le64 content_type;
	le64 size; /* of the reassembled stream, bytes */
};
_Static_assert(sizeof(struct splitstream_info_disk) == 80, "as the format says");

struct splitstream_range {
	uint64_t start;
	uint64_t end;
};

/* What a header and its info say, checked against the size of the file. */
struct splitstream_layout {
	struct splitstream_range stream_refs;
	struct splitstream_range object_refs;
	struct splitstream_range named_refs;
	struct splitstream_range stream;
	uint64_t content_type;
	uint64_t size;
};

/* The place of the info: at least as long as we need it. raw is the whole header. -EUCLEAN. */
int splitstream_header_parse(struct span raw, uint64_t file_size, enum digest_algorithm algorithm,
			     struct splitstream_range *ret, struct diag *why);
int splitstream_info_parse(struct span raw, uint64_t file_size, enum digest_algorithm algorithm,
			   struct splitstream_layout *ret, struct diag *why);

struct splitstream_named {
	struct span name; /* in the text that was parsed */
	size_t index;     /* into stream_refs */
};

/*
 * Append the struct splitstream_named of text, sorted by name, each name once: of two entries the
 * last counts. -EUCLEAN; count is that of stream_refs.
 */
int splitstream_named_parse(struct span text, size_t count, struct buf *ret, struct diag *why);

/* A part of a file that holds zstd frames, read in order. */
struct zstd_section {
	int fd;        /* borrowed */
	uint64_t next; /* offset in the file of what is read next */
	uint64_t end;
	const struct zstd *zstd;
	struct ZSTD_DCtx_s *decompressor; /* owned */
	struct buf input;                 /* of which used bytes were taken */
	size_t used;
	bool is_open; /* within a frame; also before the first one */
};

int zstd_section_init(struct zstd_section *section, int fd, struct splitstream_range range,
		      struct diag *why);
void zstd_section_release(struct zstd_section *section); /* zeroed is fine */

/* Up to size bytes. Returns how many, 0 at the end, -EUCLEAN, or what the file gave. */
ssize_t zstd_section_read(struct zstd_section *section, uint8_t *data, size_t size,
			  struct diag *why);

#endif
