/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * missing.h - whether an image has contents that are nowhere
 *
 * Object directories are listed and held against what the image names, unless they have much more
 * than that. To look at the objects one by one would bring an inode of each from the disk, and into
 * memory.
 */
#ifndef LAMINA_SERVE_MISSING_H
#define LAMINA_SERVE_MISSING_H

#include <stdatomic.h>
#include <stdbool.h>

struct view; /* serve/view.h */

/*
 * Whether any external file of the image has no object in any of the view's directories. Objects
 * that are named as a repository names them ("ab/cdef0123...") count as there when some name begins
 * with the same eight digits: of 4,096 others below one "ab", one in 4,000 that are missing is
 * taken for present. Sizes and contents are not looked at.
 *
 * Takes 560 KiB while it lasts, however large the image is, and walks the image as often as that
 * needs: twice or so for each 70,000 different objects.
 *
 * Returns 0, -ECANCELED soon after *stop is true, or why that cannot be told: -ELOOP where the
 * directories of the image are no tree, -E2BIG beyond some 20 million objects, -EUCLEAN, -EIO,
 * -ENOMEM, or an error of a directory.
 */
int missing_any(const struct view *view, const atomic_bool *stop, bool *ret);

#endif
