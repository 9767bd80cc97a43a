/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_names.h - tags that lead to folders of store/lazies.h
 *
 * lamina/lazy/names/, a link for each; the folder need not be there.
 */
#ifndef LAMINA_STORE_LAZY_NAMES_H
#define LAMINA_STORE_LAZY_NAMES_H

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */
struct store;  /* store/store.h */

/* Tags. Durable on return. -ENOENT, without a diag, where there is no such tag. */
int lazy_name_set(const struct store *store, const char *tag, const struct digest *manifest,
		  struct diag *why);
int lazy_name_get(const struct store *store, const char *tag, struct digest *ret);
int lazy_name_remove(const struct store *store, const char *tag, struct diag *why);

/* Called for each; a return other than 0 ends the listing and is its result. */
typedef int lazy_name_visit(void *context, const char *tag, const struct digest *manifest,
			    struct diag *why);
int lazy_names_each(const struct store *store, lazy_name_visit *visit, void *context,
		    struct diag *why);

#endif
