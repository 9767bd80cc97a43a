/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * path.h - the path that means a descriptor
 *
 * /proc/self/fd/N leads to what the descriptor holds, whatever happened to the names in between.
 * Valid in this process while the descriptor is open; needs /proc.
 */
#ifndef LAMINA_MOUNT_PATH_H
#define LAMINA_MOUNT_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct diag; /* base/diag.h */

struct fd_path {
	char text[32];
};

struct fd_path fd_path(int fd);

/*
 * Where the descriptor is now, as an absolute path from this process's root: an allocated string,
 * or -ENOENT when it is not below that root.
 */
int fd_location(int fd, char **ret, struct diag *why);

/*
 * Where two absolute paths, as of fd_location(), part: the first *ret bytes of both are the path of
 * the deepest directory above both (none, where that is "/"), and behind the next byte, a slash,
 * follows what each has below it. False where one is the other, or leads through it.
 */
bool paths_fork(const char *a, const char *b, size_t *ret);

#endif
