/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * own_namespace.h - a mount namespace for a process that needs files, and must keep no mount alive
 */
#ifndef LAMINA_MOUNT_OWN_NAMESPACE_H
#define LAMINA_MOUNT_OWN_NAMESPACE_H

struct diag; /* base/diag.h */

/*
 * Enter a copy of the mount namespace, without lamina's mounts but for the root: the namespace that
 * this process was in, and those mounts, end when others leave them. Nothing changes where it is
 * that of process 1, which stays anyway.
 *
 * Needs a process of one thread. -EPERM without CAP_SYS_ADMIN in its user namespace; nothing has
 * changed then.
 */
int own_namespace_enter(struct diag *why);

#endif
