/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * transform.h - what is changed in the tree of an OCI image before it becomes one of ours
 *
 * composefs-repository.md, 2.7, "transform_for_oci" and "Boot transform", so that image ids are
 * those of composefs-rs. Layers seldom have an entry for the root, and what they say of /run is of
 * the machine that built them.
 */
#ifndef LAMINA_OCI_TRANSFORM_H
#define LAMINA_OCI_TRANSFORM_H

#include <stdbool.h>

struct diag;  /* base/diag.h */
struct store; /* store/store.h */
struct tree;  /* tree/tree.h */

/*
 * Finish a tree that layers were merged into; there may have been none. The root gets the metadata
 * of /usr, /run is emptied and gets its time, xattrs go but security.capability and, if
 * keeps_user_xattrs, user.*; link counts are computed. What happens without /usr is in
 * docs/decisions/0014.
 *
 *   -EUCLEAN  /usr or /run is not a directory, or a whiteout device has several names
 *   -ENOMEM
 */
int transform_for_oci(struct tree *tree, bool keeps_user_xattrs, struct diag *why);

/*
 * After that, what is changed where the image is to boot: /boot and /sysroot, which have to be
 * there, are emptied and get the time of /usr in whole seconds, so that the image does not hold
 * what holds its digest; files get the labels of the SELinux policy in the tree (oci/relabel.h).
 *
 *   -ENOENT   /usr, /boot or /sysroot is not there; nor a policy that is asked for
 *   -EUCLEAN  one of them is not a directory
 *   as tree_relabel()
 */
int transform_for_boot(struct tree *tree, const struct store *store, struct diag *why);

#endif
