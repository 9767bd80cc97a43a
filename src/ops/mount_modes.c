/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_modes.c - the pieces of a mount in each mode
 *
 * One function a mode. Each leaves a mount that is attached nowhere, but for fusermount3, which
 * attaches by itself.
 */
#include <errno.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/disk.h"
#include "mount/attach.h"
#include "mount/erofs.h"
#include "mount/features.h"
#include "mount/fusermount.h"
#include "mount/idmapped.h"
#include "mount/mountinfo.h"
#include "mount/overlay.h"
#include "mount/scratch.h"
#include "ops/mount_private.h"

static enum overlay_verity overlay_verity_of(enum mount_verity verity)
{
	switch (verity) {
	case MOUNT_VERITY_REQUIRE:
		return OVERLAY_VERITY_REQUIRE;
	case MOUNT_VERITY_TRY:
		return mount_has(MOUNT_FEATURE_OVERLAY_VERITY) ? OVERLAY_VERITY_ON
							       : OVERLAY_VERITY_OFF;
	case MOUNT_VERITY_OFF:
	case MOUNT_VERITY_AUTO:
		break;
	}
	return OVERLAY_VERITY_OFF;
}

/* overlayfs over a detached mount of the metadata, in place of it as what is to be attached. */
static int overlay_on(struct mounting *mounting, int lower_fd, bool userxattr, struct diag *why)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;

	options.source = mounting->label;
	options.lower_fds = &lower_fd;
	options.lower_count = 1;
	options.data_fds = mounting->dirs.fds;
	options.data_count = mounting->source->lazy ? 0 : mounting->dirs.count;
	if (mounting->request->is_ephemeral) {
		int r = scratch_make(lower_fd, &mounting->scratch, why);

		if (r < 0)
			return r;
		options.upper_fd = mounting->scratch.upper_fd;
		options.work_fd = mounting->scratch.work_fd;
	} else {
		options.upper_fd = mounting->upper_fd;
		options.work_fd = mounting->work_fd;
		upper_use(&mounting->upper, &options);
	}
	options.userxattr = userxattr;
	options.redirects = !userxattr;
	options.verity = overlay_verity_of(mounting->request->verity);
	options.attributes = mounting->request->attributes;
	mounting->top_fd = overlay_mount(&options, why);
	return mounting->top_fd < 0 ? mounting->top_fd : 0;
}

/*
 * Whether the image says that it has no POSIX ACLs, which spares the kernel look-ups. Only these
 * bytes are read here: the rest of the image is the kernel's to judge.
 */
static bool image_has_no_acl(int fd)
{
	struct composefs_header_disk header;

	return fd_pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	       le32_get(header.magic) == COMPOSEFS_MAGIC &&
	       !(le32_get(header.flags) & COMPOSEFS_FLAG_HAS_ACL);
}

static int mount_kernel(struct mounting *mounting, struct diag *why)
{
	const struct erofs_mount_options options = {
		.noacl = image_has_no_acl(mounting->source->fd),
	};
	CLEAN(fd_closep) int image_fd = erofs_mount(mounting->source->fd, &options, why);
	CLEAN(fd_closep) int userns_fd = -1;
	int r;

	if (image_fd < 0)
		return image_fd;
	if (mounting->ids.is_mapped) {
		userns_fd = ids_userns(&mounting->ids, why);
		if (userns_fd < 0)
			return userns_fd;
		r = mount_idmap(image_fd, userns_fd, why);
		if (r == 0 && mounting->upper_fd >= 0)
			r = upper_idmap(&mounting->ids, userns_fd, mounting->upper_fd,
					mounting->work_fd, &mounting->upper, why);
		if (r < 0)
			return r;
	}
	return overlay_on(mounting, image_fd, false, why);
}

/* Contents that are not here yet cannot be data of overlayfs: the view below it shows them, too. */
static enum view_kind lower_kind(const struct mounting *mounting)
{
	if (mounting->source->lazy)
		return VIEW_STANDALONE;
	return mounting->choice->is_privileged ? VIEW_METADATA_TRUSTED : VIEW_METADATA_USER;
}

static int mount_overlay(struct mounting *mounting, struct diag *why)
{
	bool trusted = mounting->choice->is_privileged;
	CLEAN(fd_closep) int fuse_fd = mounting_fuse(mounting, lower_kind(mounting), why);

	if (fuse_fd < 0)
		return fuse_fd;
	return overlay_on(mounting, fuse_fd, !trusted, why);
}

static int mount_standalone(struct mounting *mounting, struct diag *why)
{
	mounting->top_fd = mounting_fuse(mounting, VIEW_STANDALONE, why);
	return mounting->top_fd < 0 ? mounting->top_fd : 0;
}

/*
 * fusermount3 attaches before anybody serves: on failure it is detached again, and the record is
 * there before, in the name of this process.
 */
static int mount_by_fusermount(struct mounting *mounting, struct diag *why)
{
	const struct fusermount_options options = {
		.source = mounting->label,
		.subtype = MOUNT_FUSE_SUBTYPE,
		.default_permissions = true,
		.noexec = mounting->request->attributes & MOUNT_ATTR_NOEXEC,
	};
	CLEAN(fd_closep) int device_fd = -1, target_fd = -1;
	int r;

	r = source_map(mounting->source, why);
	if (r < 0)
		return r;
	target_fd = mount_target_open(mounting->request->target, why);
	if (target_fd < 0)
		return target_fd;
	mounting_record(mounting, getpid(), -1, target_fd);
	fd_closep(&target_fd);
	device_fd = fusermount_mount(mounting->request->target, &options, why);
	if (device_fd < 0)
		return device_fd;
	r = mounting_serve(mounting, device_fd, VIEW_STANDALONE, why);
	if (r == 0) {
		target_fd = mount_target_open(mounting->request->target, why);
		r = target_fd < 0 ? target_fd : 0;
	}
	if (r < 0) {
		(void)fusermount_unmount(mounting->request->target, true, NULL);
		return r;
	}
	mounting_record(mounting, mounting->server.pid, target_fd, target_fd);
	return 0;
}

int mounting_make(struct mounting *mounting, struct diag *why)
{
	switch (mounting->choice->mode) {
	case MOUNT_KERNEL:
		return mount_kernel(mounting, why);
	case MOUNT_OVERLAY:
		return mount_overlay(mounting, why);
	case MOUNT_STANDALONE:
		return mounting->choice->uses_fusermount ? mount_by_fusermount(mounting, why)
							 : mount_standalone(mounting, why);
	case MOUNT_AUTO:
		break;
	}
	return diag_set(why, -EINVAL, "no mode was chosen");
}
