/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * relabel.h - the SELinux labels of a tree, by the policy that is in it
 *
 * composefs-repository.md, 2.7, "Boot transform". Symbolic links are not followed on the way to the
 * policy. A hard link whose names get different labels becomes several files.
 */
#ifndef LAMINA_OCI_RELABEL_H
#define LAMINA_OCI_RELABEL_H

struct diag;  /* base/diag.h */
struct store; /* store/store.h */
struct tree;  /* tree/tree.h */

/*
 * Give each file of a settled tree (tree_settle()) the security.selinux that /etc/selinux asks for;
 * none has one yet. No policy there: nothing happens. Contents that are not in the tree are those
 * of store. What is changed is settled again.
 *
 *   -ENOENT   the policy that /etc/selinux/config names is not there
 *   -EUCLEAN  malformed, or something in the place of its files and directories
 *   -EOPNOTSUPP, -E2BIG   as of oci/file_contexts.h; a file that is too large
 *   -ENOMEM, and what store says of its objects
 */
int tree_relabel(struct tree *tree, const struct store *store, struct diag *why);

#endif
