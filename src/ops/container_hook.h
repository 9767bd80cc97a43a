/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * container_hook.h - what this program does inside a container that is being made
 *
 * A device of an image is that of the host with its number. Where the runtime is root of the
 * machine, nodev on the image's mount keeps it shut, but runtimes mount the root file system again
 * and drop that (crun 1.8). So they are told to call us when they have: OCI runtime specification
 * 1.0.2, "POSIX-platform Hooks", createContainer, in the namespaces of the container and before
 * pivot_root(2).
 */
#ifndef LAMINA_OPS_CONTAINER_HOOK_H
#define LAMINA_OPS_CONTAINER_HOOK_H

struct diag; /* base/diag.h */

#define CONTAINER_HOOK_NAME "lamina-container-hook" /* argv[0]; argv[1] is the root file system */

/* Keep the devices shut that are in the mount at root; what is mounted in it stays as it is. */
int container_hook(const char *root, struct diag *why);

#endif
