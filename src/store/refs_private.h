/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * refs_private.h - making the links below images/refs/ and streams/refs/
 *
 * composefs-repository.md, 2.1. A name is a relative path; its link leads to a link beside refs/,
 * and only the last component of its target (the leaf) counts.
 */
#ifndef LAMINA_STORE_REFS_PRIVATE_H
#define LAMINA_STORE_REFS_PRIVATE_H

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

/*
 * Make refs/<name> lead to the leaf, replacing what it was; durable on return. top_fd is images/ or
 * streams/.
 */
int ref_put(const struct store *store, int top_fd, const char *name, const char *leaf,
	    struct diag *why);

#endif
