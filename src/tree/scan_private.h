/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * scan_private.h - the pieces of the directory scan
 */
#ifndef LAMINA_TREE_SCAN_PRIVATE_H
#define LAMINA_TREE_SCAN_PRIVATE_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/diag.h"
#include "tree/scan.h"
#include "tree/tree.h"

struct workers; /* base/workers.h */

struct scan {
	const struct scan_options *options;
	struct tree *tree;       /* owned */
	struct workers *workers; /* owned */
	struct map links;        /* struct scan_link of each inode with several names */
	struct buf xattr_names;
	struct buf xattr_value;
};

/*
 * Read all xattrs of an inode (scan_xattrs.c): of the open file fd, or, when name is not NULL, of
 * that name in the directory fd, without following or opening it.
 */
int scan_xattrs(struct scan *scan, int fd, const char *name, struct inode *inode, struct diag *why);

/*
 * Take the content of the regular file fd, which is taken in every case (scan_file.c). st is what
 * was seen when it was opened. The content may come later, on a worker.
 */
int scan_file(struct scan *scan, int fd, const struct stat *st, struct dentry *dentry,
	      struct diag *why);

/* What workers_new() needs: one job of scan_file(), and one that is dropped. */
int scan_job_run(void *context, void *job, struct diag *why);
void scan_job_drop(void *job);

#endif
