/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazies.h - folders of images whose contents are not all here yet
 *
 * lamina/lazy/ALGORITHM-HEX/ below the directory of a repository, by the digest of the manifest;
 * lamina/lazy/names/ has the tags that lead to them (store/lazy_names.h). What is in a folder is
 * its user's (ops/lazy.h); here it is files, and a folder files/ of contents (store/contents.h).
 *
 * A folder appears whole or not at all. Who uses one has it locked (flock, shared) for as long as a
 * descriptor of it is open, in whatever process; who takes it away locks it alone.
 */
#ifndef LAMINA_STORE_LAZIES_H
#define LAMINA_STORE_LAZIES_H

#include <stdint.h>

#include "base/digest.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

#define LAZY_FOLDER_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 8)

/* "sha256-0123...", into text[LAZY_FOLDER_SIZE_MAX]. Returns text. */
char *lazy_folder_name(const struct digest *manifest, char *text);

/* Open and share a folder. Returns a descriptor, or -ENOENT without a diag. */
int lazy_folder_open(const struct store *store, const struct digest *manifest, struct diag *why);

/*
 * Take a folder away, with all that is in it. 0 also where there is none. -EBUSY, without a diag:
 * somebody uses it.
 */
int lazy_folder_remove(const struct store *store, const struct digest *manifest, struct diag *why);

/* Whether nobody uses it: 1, 0, or -ENOENT without a diag. */
int lazy_folder_is_idle(const struct store *store, const struct digest *manifest, struct diag *why);

/*
 * What a folder takes: its files, and bytes of them. Second names of objects are not counted. What
 * comes or goes meanwhile may be missing. -ENOENT, without a diag: there is none.
 */
struct lazy_size {
	uint64_t count;
	uint64_t bytes;
};
int lazy_folder_measure(const struct store *store, const struct digest *manifest,
			struct lazy_size *ret, struct diag *why);

/* Called for each; a return other than 0 ends the listing and is its result. */
typedef int lazy_visit(void *context, const struct digest *manifest, struct diag *why);
int lazies_each(const struct store *store, lazy_visit *visit, void *context, struct diag *why);

/* Take away what killed writers left. Needs the store's lock alone. */
void lazies_tidy_locked(const struct store *store);

#endif
