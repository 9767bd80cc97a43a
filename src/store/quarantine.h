/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * quarantine.h - where damaged objects are put aside
 *
 * lamina/quarantine/ below the repository, beside what composefs-rs knows and looks at. What is
 * there is no object any more, so the next pull or import writes it anew; the next sweep removes
 * it.
 */
#ifndef LAMINA_STORE_QUARANTINE_H
#define LAMINA_STORE_QUARANTINE_H

#include <stdint.h>

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

/*
 * Move a file aside; path is relative to objects/. Durable on return. -ENOENT, without a diag, when
 * there is none.
 */
int quarantine_object(struct store *store, const char *path, struct diag *why);

/* The folder itself, for reading; the caller owns the fd. -ENOENT, without a diag: there is none.
 */
int quarantine_open(const struct store *store, struct diag *why);

#endif
