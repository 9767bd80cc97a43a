/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * load.h - an image as a tree: what was given to the writer
 *
 * Of a composefs image the transformations of composefs-image.md, section 4, are taken back: stubs
 * and overlay xattrs vanish, escaped ones lose one level, whiteouts become character devices 0:0
 * again. Writing the loaded tree with the same version gives the same image (version 0 and 1). To
 * that end the primary name of an inode is the one where the image has it; in version 2 and plain
 * images, and where the order of the inodes tells nothing, it is the first in breadth-first byte
 * order.
 *
 * What an image does not tell: which of two directories with whiteouts is the place of one that has
 * a name in both, where the order of inodes allows either. The first is taken; the other keeps its
 * marks as xattrs, and the image written again is the same.
 *
 * What stays, as in the reference's dump: trusted.overlay.opaque=x and user.overlay.opaque=x on the
 * directories that hold whiteouts in version 1.
 *
 * Of a plain image everything is loaded as it is stored. A regular file of more than
 * INLINE_SIZE_MAX bytes becomes an external file of its size without payload and digest: the tree
 * has no place for the content, image_extent() does. Sizes of directories are those in the image.
 */
#ifndef LAMINA_EROFS_LOAD_H
#define LAMINA_EROFS_LOAD_H

struct diag;  /* base/diag.h */
struct image; /* erofs/image.h */
struct tree;  /* tree/tree.h */

/*
 * Load all of image into a new sorted tree. Memory is bounded by a multiple of the image's size.
 *
 *   -EUCLEAN     malformed: a directory has two names, there are more inodes than fit,
 *                DEPTH_MAX is exceeded, or what image.h says
 *   -E2BIG       xattrs of one inode, or all contents together, above what a tree takes
 *   -EOPNOTSUPP  as image.h says
 *   -ENOMEM
 */
int image_load(const struct image *image, struct tree **ret, struct diag *why);

#endif
