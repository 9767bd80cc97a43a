/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * deflate_private.h - what a compression has to do
 */
#ifndef LAMINA_OCI_DEFLATE_PRIVATE_H
#define LAMINA_OCI_DEFLATE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */

/* Where bytes may be written. */
struct deflate_room {
	uint8_t *data;
	size_t size;
};

struct deflate_codec {
	/* -ENOMEM, -EOPNOTSUPP */
	int (*open)(void **ret, struct diag *why);
	/*
	 * Take what is possible from input, put what is possible into room, each moved on. is_last:
	 * there is no more input than this. Returns 1 when all is written, 0, or -EIO.
	 */
	int (*run)(void *encoder, struct span *input, bool is_last, struct deflate_room *room,
		   struct diag *why);
	void (*close)(void *encoder);
};

extern const struct deflate_codec deflate_zlib;
extern const struct deflate_codec deflate_zstd;

#endif
