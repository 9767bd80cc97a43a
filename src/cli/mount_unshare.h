/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_unshare.h - "lamina mount --unshare": a mount that belongs to a command
 */
#ifndef LAMINA_CLI_MOUNT_UNSHARE_H
#define LAMINA_CLI_MOUNT_UNSHARE_H

struct mount_request; /* ops/mount.h */

/*
 * Become the command of words ($SHELL: none) in namespaces with a map of request->ids.map, auto by
 * default, and with the mount. Returns an exit status when that failed.
 */
int mount_unshare(const struct mount_request *request, char **words);

#endif
