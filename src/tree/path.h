/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * path.h - where a dentry is
 */
#ifndef LAMINA_TREE_PATH_H
#define LAMINA_TREE_PATH_H

struct dentry; /* tree/tree.h */
struct diag;   /* base/diag.h */

/* Put the path of dentry, "'/a/b'", in front of the message. Returns err. */
int dentry_wrap(const struct dentry *dentry, struct diag *why, int err);

#endif
