/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * load.h - an image as a tree: what was given to the writer
 *
 * The transformations of composefs-image.md, section 4, are taken back: stubs and overlay xattrs
 * vanish, escaped ones lose one level, whiteouts become character devices 0:0 again. The first name
 * of an inode in breadth-first byte order is its primary. Writing the loaded tree gives the same
 * image again (version 0 and 1).
 */
#ifndef LAMINA_EROFS_LOAD_H
#define LAMINA_EROFS_LOAD_H

struct diag;  /* base/diag.h */
struct image; /* erofs/image.h */
struct tree;  /* tree/tree.h */

/*
 * Load all of image, composefs or plain, into a new sorted tree. Directories that contain
 * themselves, more inodes than the superblock counts, and more depth than DEPTH_MAX are -EUCLEAN.
 */
int image_load(const struct image *image, struct tree **ret, struct diag *why);

#endif
