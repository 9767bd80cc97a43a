/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * unshare.h - namespaces of one's own, and an image mounted in them
 */
#ifndef LAMINA_OPS_UNSHARE_H
#define LAMINA_OPS_UNSHARE_H

#include "ops/id_shorthand.h"

struct diag;          /* base/diag.h */
struct mount_request; /* ops/mount.h */

/*
 * Move this process to a user and a mount namespace of its own, with a map of that shorthand. Where
 * the caller's own id is all that can be mapped, although more was asked for, *ret_note says what
 * would help; else it stays empty. Errors, and what a failure leaves, are those of unshare_enter().
 */
int unshare_namespaces(enum id_shorthand shorthand, struct diag *ret_note, struct diag *why);

/*
 * Mount from a process in between, so that a server is not a child of this one, which may become
 * any program. The request stays the caller's; it may not be in the foreground.
 */
int unshare_mount(const struct mount_request *request, struct diag *why);

#endif
