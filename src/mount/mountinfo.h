/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mountinfo.h - what is mounted where, from /proc/self/mountinfo
 *
 * One line (proc(5), "/proc/pid/mountinfo"):
 *
 *   36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *   id parent major:minor root target options tags... - type source super_options
 *
 * Fields are separated by one space each and may be empty; space, tab, newline, backslash and # in
 * them are \ooo. Source and super_options are words of whoever mounted, so the text is hostile.
 */
#ifndef LAMINA_MOUNT_MOUNTINFO_H
#define LAMINA_MOUNT_MOUNTINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */

/* Immutable after parsing. All strings point into text. */
struct mount_entry {
	uint32_t id;
	uint32_t parent_id;
	uint32_t major;
	uint32_t minor;
	const char *root;          /* of the mount, within its file system */
	const char *target;        /* the mount point, from this process's root */
	const char *options;       /* of the mount */
	const char *type;          /* with its subtype: "fuse.lamina" */
	const char *source;        /* "none" where nothing was given */
	const char *super_options; /* of the superblock */
	char *text;                /* owned */
};

/* One line, without its newline. -EUCLEAN where it is not of the form above. */
int mount_entry_parse(struct span line, struct mount_entry *ret, struct diag *why);
void mount_entry_release(struct mount_entry *entry); /* {0} is fine */

/* The id of the mount that fd (O_PATH is enough) lies on, attached or not. */
int mount_id_of(int fd, uint32_t *ret, struct diag *why);

/*
 * The mount that fd (O_PATH is enough) lies on. Asks no file system anything, so it answers for a
 * FUSE mount whose server is dead, too. -ENOENT: not in this mount namespace, or detached.
 */
int mount_entry_of(int fd, struct mount_entry *ret, struct diag *why);

/*
 * The mount with the id in the mount namespace of a process ("self", or its number). -ENOENT: there
 * is none; other errors: it cannot be read.
 */
int mount_entry_by_id(const char *process, uint32_t id, struct mount_entry *ret, struct diag *why);

/* How many mounts of this mount namespace show the file system of that device; or -errno. */
int mount_count_of_device(uint32_t major, uint32_t minor, struct diag *why);

/* The id of the mount that fd lies on, attached or not. Asks no file system anything. */
int mount_id_of(int fd, uint32_t *ret, struct diag *why);

/* The mount whose mount point is path itself. -EINVAL: path is not a mount point. */
int mount_entry_at(const char *path, struct mount_entry *ret, struct diag *why);

/* Whether the mount that fd lies on is attached in this mount namespace: 1, 0, or a negative errno.
 */
int mount_is_attached(int fd, struct diag *why);

/* The sources that lamina gives to kernel file systems begin so; our FUSE mounts have their own
 * type. */
#define MOUNT_SOURCE_PREFIX "lamina:"
#define MOUNT_FUSE_SUBTYPE "lamina"

/* fuse.lamina, or erofs or overlay with a source of ours. The source is a label, not a proof. */
bool mount_entry_is_ours(const struct mount_entry *entry);

/* Whether the mount shows owners by a map (mount/idmapped.h), whoever made it. */
bool mount_entry_is_idmapped(const struct mount_entry *entry);

#endif
