/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_draft.h - a folder of store/lazies.h that is being made
 */
#ifndef LAMINA_STORE_LAZY_DRAFT_H
#define LAMINA_STORE_LAZY_DRAFT_H

#include "base/span.h"

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */
struct store;  /* store/store.h */

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

#endif
