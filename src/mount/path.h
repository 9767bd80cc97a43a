/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * path.h - the path that means a descriptor
 *
 * /proc/self/fd/N leads to what the descriptor holds, whatever happened to the names in between.
 * Valid in this process while the descriptor is open; needs /proc.
 */
#ifndef LAMINA_MOUNT_PATH_H
#define LAMINA_MOUNT_PATH_H

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

#endif
