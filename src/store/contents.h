/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * contents.h - contents of files that are brought into the folder of an image (store/lazies.h)
 *
 * They have their SHA-256 for a name, and appear whole or not at all. contents_fd is of files/ in
 * the folder, the caller's.
 */
#ifndef LAMINA_STORE_CONTENTS_H
#define LAMINA_STORE_CONTENTS_H

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */

/* Contents on their way. */
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

#endif
