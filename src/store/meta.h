/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * meta.h - the text of meta.json
 *
 * composefs-repository.md, 2.2. Whether a repository is secure is not in the text: fs-verity on the
 * file says so.
 */
#ifndef LAMINA_STORE_META_H
#define LAMINA_STORE_META_H

#include <stdbool.h>

#include "base/span.h"
#include "store/store.h"

struct buf;  /* base/buf.h */
struct diag; /* base/diag.h */

/* A version of the EROFS format is 0, 1 or 2. */
#define META_EROFS_VERSION_COUNT 3

struct meta {
	struct store_config config; /* is_secure is false */
	bool is_writable;           /* no unknown read-only-compatible feature */
};

/*
 * Read meta.json.
 *
 *   -EUCLEAN     not the JSON it should be
 *   -EOPNOTSUPP  a version, algorithm, format or incompatible feature that we do not know
 */
int meta_parse(struct span raw, struct meta *ret, struct diag *why);

/* Append the text for config, to the byte as composefs-rs writes it. Returns 0 or -ENOMEM. */
int meta_format(const struct store_config *config, struct buf *ret);

#endif
