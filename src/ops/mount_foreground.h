/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_foreground.h - staying with a mount until it ends
 */
#ifndef LAMINA_OPS_MOUNT_FOREGROUND_H
#define LAMINA_OPS_MOUNT_FOREGROUND_H

#include <signal.h>
#include <sys/types.h>

struct diag; /* base/diag.h */

/*
 * What ends a mount in the foreground. From before there is a mount: who sees it may signal at
 * once, and a signal that came too early would be lost (shells ignore SIGINT for what they start in
 * the background) or would leave the mount behind.
 */
void foreground_begin(sigset_t *ret);

/*
 * Stay until the server ends, which it does when its file system is unmounted. SIGINT, SIGTERM and
 * SIGHUP unmount; what still uses the mount keeps it, and us, alive.
 */
int foreground_wait(pid_t server_pid, const char *target, const sigset_t *signals,
		    struct diag *why);

#endif
