/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazies.h - folders of images whose contents are not all here yet
 *
 * lamina/lazy/ALGORITHM-HEX/ below the directory of a repository, by the digest of the manifest;
 * lamina/lazy/names/ has the tags that lead to them. What is in a folder is its user's
 * (ops/lazy.h); here it is files, and a folder files/ of contents by their SHA-256.
 *
 * A folder appears whole or not at all. Who uses one has it locked (flock, shared) for as long as a
 * descriptor of it is open, in whatever process; who takes it away locks it alone.
 */
#ifndef LAMINA_STORE_LAZIES_H
#define LAMINA_STORE_LAZIES_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/span.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

#define LAZY_FOLDER_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 8)

/* "sha256-0123...", into text[LAZY_FOLDER_SIZE_MAX]. Returns text. */
char *lazy_folder_name(const struct digest *manifest, char *text);

/* A folder that is being made. */
struct lazy_draft {
	int parent_fd; /* owned; lamina/lazy */
	int fd;        /* owned */
	char name[32]; /* of the folder until it is whole; empty: there is none */
};
#define LAZY_DRAFT_NONE ((struct lazy_draft){.parent_fd = -1, .fd = -1})

int lazy_draft_open(const struct store *store, struct lazy_draft *ret, struct diag *why);
void lazy_draft_release(struct lazy_draft *draft); /* takes away what was not committed */

/* A file of it. */
int lazy_draft_file(struct lazy_draft *draft, const char *name, struct span bytes,
		    struct diag *why);

/* Make it durable, and the folder of that manifest. Where there is one already, that stays. */
int lazy_draft_commit(struct lazy_draft *draft, const struct digest *manifest, struct diag *why);

/* Open and share a folder. Returns a descriptor, or -ENOENT without a diag. */
int lazy_folder_open(const struct store *store, const struct digest *manifest, struct diag *why);

/*
 * Take a folder away, with all that is in it. 0 also where there is none. -EBUSY, without a diag:
 * somebody uses it.
 */
int lazy_folder_remove(const struct store *store, const struct digest *manifest, struct diag *why);

/* Whether nobody uses it: 1, 0, or -ENOENT without a diag. */
int lazy_folder_is_idle(const struct store *store, const struct digest *manifest, struct diag *why);

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
typedef int lazy_visit(void *context, const struct digest *manifest, struct diag *why);
int lazies_each(const struct store *store, lazy_visit *visit, void *context, struct diag *why);

/* Contents that are being brought into files/ of a folder. */
struct contents_draft;
int contents_draft_open(int contents_fd, struct contents_draft **ret, struct diag *why);
void contents_draft_close(struct contents_draft *draft); /* NULL is fine */
void contents_draft_closep(struct contents_draft **draft);
int contents_draft_fd(const struct contents_draft *draft); /* to write to; the draft's */

/* Whoever calls has verified them: from here on they are there. Not durable. */
int contents_draft_link(struct contents_draft *draft, const struct digest *contents,
			struct diag *why);

/* Give contents a second name: path below dir_fd. -EXDEV and others where that cannot be. */
int contents_link(int dir_fd, const char *path, int contents_fd, const struct digest *contents);

/* Take away what killed writers left. Needs the store's lock alone. */
void lazies_tidy_locked(const struct store *store);

#endif
