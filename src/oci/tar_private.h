/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar_private.h - a header block and a pax header as facts
 */
#ifndef LAMINA_OCI_TAR_PRIVATE_H
#define LAMINA_OCI_TAR_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "oci/tar.h"

struct diag; /* base/diag.h */

/* prefix, slash, name. */
#define TAR_USTAR_NAME_MAX (155 + 1 + 100)

/* Spans point into the block, or into name. */
struct tar_header {
	bool is_zero; /* all bytes are 0, and nothing below counts */
	char type;    /* as it stands there */
	bool is_gnu;  /* the magic is that of GNU tar */
	bool has_device;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	int64_t mtime_sec;
	uint64_t size;
	struct span name;
	struct span target;
};

/*
 * Read a block of TAR_BLOCK_SIZE bytes that outlives *ret, as name_space does, where a name of two
 * parts is put together. -EUCLEAN.
 */
int tar_header_parse(const uint8_t *block, uint8_t name_space[TAR_USTAR_NAME_MAX],
		     struct tar_header *ret, struct diag *why);

/* All of raw as octal digits, or in base 256. */
bool tar_number(struct span raw, int64_t *ret);

/* All of text as decimal digits, up to max. */
bool tar_decimal(struct span text, uint64_t max, uint64_t *ret);

/* What the records GNU.sparse.* say. */
struct tar_sparse {
	bool is_there; /* there were any */
	bool has_major, has_minor, has_size, has_count;
	bool has_offset; /* of a pair whose size is still to come */
	uint64_t major, minor, size, count, offset;
	struct span name; /* empty: not said */
};

/* Take a record of "GNU.sparse." and key; pairs go to the end of segments. -EUCLEAN, -E2BIG,
 * -EOPNOTSUPP, -ENOMEM. */
int tar_sparse_record(struct span key, struct span value, struct tar_sparse *sparse,
		      struct buf *segments, struct diag *why);

/* The blocks behind a header, each valid until the next. 0 or -errno, also where there is none. */
struct tar_blocks {
	int (*next)(void *context, const uint8_t **ret, struct diag *why);
	void *context;
	uint64_t bytes_left; /* what they may take */
};

/* What kind of entry it is whose name, of any header, is not empty. -EUCLEAN, -EOPNOTSUPP. */
int tar_type_of(const struct tar_header *header, struct span name, enum tar_type *ret,
		struct diag *why);

/* What a pax header says. Spans point into its bytes. */
struct tar_pax {
	struct tar_sparse sparse;
	bool has_name, has_target, has_size, has_uid, has_gid, has_mtime;
	struct span name;
	struct span target;
	uint64_t size;
	uint32_t uid;
	uint32_t gid;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
};

/*
 * Read the records of a pax header; a struct xattr each goes to the end of xattrs, a struct
 * tar_segment each to that of segments. -EUCLEAN, -ENOMEM, and as tar_sparse_record().
 */
int tar_pax_parse(struct span bytes, struct tar_pax *ret, struct buf *xattrs, struct buf *segments,
		  struct diag *why);

/*
 * Where header or pax say that an entry is sparse: read its map, into segments (struct
 * tar_segment), and the size of the file; stored_size is what the map leaves of the body. block is
 * the header's, tar_sparse_record() filled segments. -EUCLEAN, -E2BIG, -EOPNOTSUPP, -ENOMEM, or
 * what blocks said.
 */
int tar_sparse_take(const uint8_t *block, const struct tar_header *header,
		    const struct tar_pax *pax, struct tar_blocks *blocks, struct buf *segments,
		    struct tar_entry *entry, struct diag *why);

#endif
