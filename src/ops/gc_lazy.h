/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * gc_lazy.h - folders of lazily pulled images, and what they need of the repository
 */
#ifndef LAMINA_OPS_GC_LAZY_H
#define LAMINA_OPS_GC_LAZY_H

#include <stdbool.h>

struct diag;  /* base/diag.h */
struct reach; /* ops/reach.h */
struct store; /* store/store.h */

/*
 * Take away the folders that no name leads to and nobody uses, and what killed pulls left. Needs
 * the store's lock alone, unless is_dry, which only tells.
 */
int gc_lazy_sweep(const struct store *store, bool is_dry,
		  void (*tell)(void *context, const char *name), void *context, struct diag *why);

/* Add the layers that the others have in the repository. Errors as of reach_add(). */
int gc_lazy_needs(const struct store *store, struct reach *reach, struct diag *why);

#endif
