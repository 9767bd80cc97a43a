/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * draft_private.h - a file that has no name yet, and folders
 *
 * Written in full, then linked: nobody sees half of it, and a killed writer leaves nothing behind.
 * Where the file system has no O_TMPFILE, it has a temporary name instead, which a killed writer
 * does leave.
 */
#ifndef LAMINA_STORE_DRAFT_PRIVATE_H
#define LAMINA_STORE_DRAFT_PRIVATE_H

#include <stdbool.h>

#include "base/digest.h"

struct diag; /* base/diag.h */

/* Prefix, 12 random letters or digits, NUL. */
#define TEMPORARY_NAME_SIZE 32
#define OBJECT_PREFIX ".tmp-object-"
#define SYMLINK_PREFIX ".symlink-"

/* Returns 0 or -EIO (no random bytes). */
int temporary_name(const char *prefix, char name[TEMPORARY_NAME_SIZE]);

struct draft {
	int dir_fd;                     /* borrowed: where it lives until it is linked */
	int fd;                         /* owned */
	bool is_clone;                  /* shares its blocks with the file it was made of */
	char name[TEMPORARY_NAME_SIZE]; /* empty: it has no name */
};

#define DRAFT_NONE ((struct draft){.dir_fd = -1, .fd = -1})

/* A new file in dir_fd, open for reading and writing, mode 0644 less the umask. */
int draft_open(int dir_fd, struct draft *ret, struct diag *why);

/* Close it; gone unless it was linked. */
void draft_release(struct draft *draft);

/*
 * Turn fs-verity on, which makes the content immutable; draft->fd is read-only from then on. When
 * expected is not NULL, the kernel's digest must be that: -EBADMSG.
 */
int draft_seal(struct draft *draft, enum digest_algorithm algorithm, const struct digest *expected,
	       struct diag *why);

/* Give it its name, path relative to dir_fd. -EEXIST and -ENOENT leave it as it was, without a
 * diag. */
int draft_link(struct draft *draft, int dir_fd, const char *path, struct diag *why);

/* The same, in place of a file that is there. */
int draft_replace(struct draft *draft, int dir_fd, const char *path, struct diag *why);

/*
 * A folder for such files, made when missing if makes. Not through a link: that would lead somebody
 * with more rights than its owner elsewhere. Returns an fd the caller owns, -ENOENT without a diag,
 * or -errno.
 */
int folder_open(int parent_fd, const char *name, bool makes, struct diag *why);

#endif
