/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * objects.h - the file that holds the content of an external file
 */
#ifndef LAMINA_SERVE_OBJECTS_H
#define LAMINA_SERVE_OBJECTS_H

#include <linux/openat2.h>
#include <stddef.h>

struct fuse_reply;  /* fuse/reply.h */
struct image_inode; /* erofs/image.h */
struct view;        /* serve/view.h */

#define OBJECT_RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* The path of the object below an object directory, as a C string. Returns 0 or -EIO. */
int object_path(const struct view *view, const struct image_inode *inode, char *path,
		size_t path_size);

/*
 * Open what has that path in the first of the directories that has it, whatever it is; flags as of
 * open(2). Returns a descriptor the caller owns, -ENOENT, or another error.
 */
int object_open_path(const struct view *view, const char *path, int flags);

/*
 * Open the object of an external file: what its redirect names below the first of the object
 * directories that has it, a regular file of the size that the image promises, and, where the view
 * verifies, of the digest. reply is told before that takes long; it may be NULL.
 *
 * What is wrong is reported, once an inode. Returns a descriptor the caller owns, or:
 *   -ENOENT  no directory has it
 *   -EIO     the image names no object, or what is there is not the one
 *   -ENFILE  we have too many open
 */
int object_open_of(struct view *view, const struct image_inode *inode, struct fuse_reply *reply);

#endif
