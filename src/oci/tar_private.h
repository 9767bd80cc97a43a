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

/* What a pax header says. Spans point into its bytes. */
struct tar_pax {
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
 * Read the records of a pax header; a struct xattr each goes to the end of xattrs. -EUCLEAN,
 * -ENOMEM, or -EOPNOTSUPP for one that makes the file sparse.
 */
int tar_pax_parse(struct span bytes, struct tar_pax *ret, struct buf *xattrs, struct diag *why);

#endif
