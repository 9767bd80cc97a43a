/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/own_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "mount/mountinfo.h"
#include "mount/process.h"

static bool is_of_first_process(void)
{
	struct stat st;

	return stat("/proc/1/ns/mnt", &st) == 0 && st.st_ino == namespace_inode("mnt");
}

/* What is on top of it, if anything is, is ours or goes with it. */
static void ours_detach(struct span line)
{
	CLEAN(mount_entry_release) struct mount_entry entry = {0};

	if (mount_entry_parse(line, &entry, NULL) == 0 && mount_entry_is_ours(&entry) &&
	    strcmp(entry.target, "/") != 0)
		(void)umount2(entry.target, MNT_DETACH | UMOUNT_NOFOLLOW);
}

static int all_ours_detach(struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	CLEAN(buf_release) struct buf text = {0};
	struct span rest;
	int r = fd < 0 ? -errno : fd_read_all(fd, MOUNTINFO_SIZE_MAX, &text);

	if (r < 0)
		return diag_errno(why, r, "read the list of mounts");
	for (rest = buf_span(&text); rest.size;) {
		const uint8_t *end = memchr(rest.data, '\n', rest.size);
		size_t size = end ? (size_t)(end - rest.data) : rest.size;

		ours_detach(span_of(rest.data, size));
		(void)span_from(rest, size + (end != NULL), &rest);
	}
	return 0;
}

int own_namespace_enter(struct diag *why)
{
	if (is_of_first_process())
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return diag_errno(why, -errno, "a mount namespace of its own");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return diag_errno(why, -errno, "make mounts private");
	return all_ours_detach(why);
}
