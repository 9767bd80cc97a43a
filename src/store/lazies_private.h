/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazies_private.h - where folders of lazily pulled images lie, and what is left over there
 */
#ifndef LAMINA_STORE_LAZIES_PRIVATE_H
#define LAMINA_STORE_LAZIES_PRIVATE_H

#include <stdbool.h>

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */
struct store;  /* store/store.h */

/* Of what has not its own name yet, or not any more: folders, and links in names/. */
#define LAZY_DRAFT_PREFIX ".tmp-lazy-"

/* lamina/lazy and names/ in it, as folder_open(). */
int lazy_place_open(const struct store *store, bool makes, struct diag *why);
int lazy_names_open(const struct store *store, bool makes, struct diag *why);

/* The manifest whose folder has that name; false: no folder has. */
bool lazy_folder_name_parse(const char *text, struct digest *ret);

/* Take an entry of lamina/lazy or names/ away, with all that is in it, as far as that goes. */
void lazy_entry_remove(int parent_fd, const char *name);

#endif
