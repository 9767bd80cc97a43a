/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * empty_root.h - a process that stands nowhere in the file tree
 */
#ifndef LAMINA_MOUNT_EMPTY_ROOT_H
#define LAMINA_MOUNT_EMPTY_ROOT_H

struct diag; /* base/diag.h */

/*
 * Move this process to a mount namespace of its own that has nothing but an empty, read-only root.
 * It then keeps neither the namespace it came from alive, nor any mount in it busy: a server that
 * stayed would keep its own mount from ever going away with the namespace. Descriptors stay what
 * they are.
 *
 * Needs a process of one thread. -EPERM without CAP_SYS_ADMIN in its user namespace; nothing has
 * changed then.
 */
int empty_root_enter(struct diag *why);

#endif
