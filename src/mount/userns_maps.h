/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * userns_maps.h - the ids of another user namespace, and namespaces made for their ids
 *
 * Maps are those of base/idmap.h, where "outside" is what this process sees in its own namespace.
 */
#ifndef LAMINA_MOUNT_USERNS_MAPS_H
#define LAMINA_MOUNT_USERNS_MAPS_H

struct diag;   /* base/diag.h */
struct idmap;  /* base/idmap.h */
struct idmaps; /* base/idmap.h */

/*
 * Read, once, the maps of the user namespace that text means: a process id, or a path such as
 * "/proc/PID/ns/user" or what such a file was bound to. That of this process gives the identity.
 *
 * *ret_fd, when not NULL, is a descriptor of the namespace that the caller owns.
 *
 *   -ENOENT  no such process or file
 *   -EINVAL  it is no user namespace
 *   -EACCES, -EPERM  it is not this process's to look into
 */
int userns_read_maps(const char *text, struct idmaps *ret, int *ret_fd, struct diag *why);

/* The ids that exist in the namespace of this process, each its own counterpart. */
int userns_own_ids(struct idmaps *ret, struct diag *why);

/* The maps of that namespace: outside are the ids of the one above it. */
int userns_own_maps(struct idmaps *ret, struct diag *why);

/*
 * Write a map ("uid_map" or "gid_map") of a process that has a new user namespace; process_fd is
 * its directory in /proc. -EPERM: as of userns_make().
 */
int userns_write_map(int process_fd, const char *name, const struct idmap *map, struct diag *why);

/*
 * Make a user namespace with these maps. Returns a descriptor, which keeps it alive and which the
 * caller owns. -EPERM: the ids are not this process's to give away (CAP_SETUID and CAP_SETGID in
 * its own namespace).
 */
int userns_make(const struct idmaps *maps, struct diag *why);

#endif
