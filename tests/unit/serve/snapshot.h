/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * snapshot.h - everything that can be seen of a directory tree, as text to compare
 */
#ifndef LAMINA_TESTS_SERVE_SNAPSHOT_H
#define LAMINA_TESTS_SERVE_SNAPSHOT_H

#include <stdbool.h>

#include "base/buf.h"

enum snapshot_what {
	SNAPSHOT_ALL,
	SNAPSHOT_WITHOUT_TRUSTED, /* xattrs that only root of the machine sees */
};

/*
 * Append lines about path and all below it: attributes, directory entries, xattrs with values,
 * contents (or the error of opening them). Names are sorted, so that mounts may list in any order.
 */
void snapshot_take(const char *path, enum snapshot_what what, struct buf *ret);

#endif
