/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * relabel_private.h - the policy of a tree
 */
#ifndef LAMINA_OCI_RELABEL_PRIVATE_H
#define LAMINA_OCI_RELABEL_PRIVATE_H

struct diag;          /* base/diag.h */
struct file_contexts; /* oci/file_contexts.h */
struct store;         /* store/store.h */
struct tree;          /* tree/tree.h */

/* *ret is NULL where the tree has no policy (policy_files.c). Errors as of tree_relabel(). */
int policy_read(const struct tree *tree, const struct store *store, struct file_contexts **ret,
		struct diag *why);

#endif
