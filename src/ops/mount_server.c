/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_server.c - the FUSE connection of a mount, and the processes that answer for it
 */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/fuse.h"
#include "mount/mountinfo.h"
#include "ops/fetcher.h"
#include "ops/lazy.h"
#include "ops/mount_private.h"

/* What brings the contents that are not here. */
static int fetcher_begin(struct mounting *mounting, int *ret_fd, struct diag *why)
{
	const struct fetcher_request request = {
		.image = mounting->source->lazy,
		.keeps_stderr = mounting->request->foreground,
		.leaves_namespace = !mounting->choice->uses_fusermount,
	};
	int r = lazy_image_settle(mounting->source->lazy, why);

	if (r == 0)
		r = fetcher_start(&request, &mounting->fetcher_fd, why);
	*ret_fd = mounting->fetcher_fd;
	return r;
}

int mounting_serve(struct mounting *mounting, int device_fd, enum view_kind kind, struct diag *why)
{
	const struct tuning *tuning = &mounting->request->tuning;
	bool serves_data = kind == VIEW_STANDALONE || tuning->own_data_max > 0;
	struct server_request request = {
		.device_fd = device_fd,
		.kind = kind,
		.source = mounting->source,
		.dirs = serves_data ? &mounting->dirs : NULL,
		.verity = mounting->request->verity == MOUNT_VERITY_REQUIRE ? VIEW_VERITY_REQUIRE
			  : mounting->request->verity == MOUNT_VERITY_TRY   ? VIEW_VERITY_GIVEN
									    : VIEW_VERITY_OFF,
		.passes_through = mounting->choice->passes_through,
		.fetcher_fd = mounting->fetcher_fd,
		.tuning = *tuning,
		.keeps_stderr = mounting->request->foreground,
		.leaves_namespace = !mounting->choice->uses_fusermount,
	};
	int r;

	r = ids_for_server(&mounting->ids, &mounting->server_maps, &mounting->needs_maps, why);
	if (r == 0 && mounting->source->lazy)
		r = fetcher_begin(mounting, &request.fetcher_fd, why);
	if (r < 0)
		return r;
	request.maps = mounting->needs_maps ? &mounting->server_maps : NULL;
	r = server_start(&request, &mounting->server, why);
	fd_closep(&mounting->fetcher_fd); /* the server's alone, so that its end is noticed */
	if (r == 0 && tuning->passthrough == TUNING_PASSTHROUGH_ON && kind == VIEW_STANDALONE &&
	    !mounting->server.has_passthrough)
		return diag_set(why, -EOPNOTSUPP, "the kernel has no FUSE passthrough");
	return r;
}

int mounting_fuse(struct mounting *mounting, enum view_kind kind, struct diag *why)
{
	const struct fuse_mount_options options = {
		.source = mounting->label,
		.subtype = MOUNT_FUSE_SUBTYPE,
		.user_id = geteuid(),
		.group_id = getegid(),
		.allow_other = true,
		/*
		 * overlayfs checks who reads by what it shows. Checked below it once more, its
		 * mounter would need to read a directory before anybody may look at it: that is
		 * what its user.overlay.* xattrs take, and what root of a user namespace may not
		 * where the owner is nobody there.
		 */
		.default_permissions =
			mounting->choice->mode != MOUNT_OVERLAY || mounting->choice->is_privileged,
		.attributes = mounting->choice->mode == MOUNT_STANDALONE
				      ? mounting->request->attributes
				      : 0,
	};
	CLEAN(fd_closep) int device_fd = -1;
	CLEAN(fd_closep) int mount_fd = -1;
	int r;

	r = source_map(mounting->source, why);
	if (r < 0)
		return r;
	device_fd = fuse_device_open(why);
	if (device_fd < 0)
		return device_fd;
	mount_fd = fuse_mount(device_fd, &options, why);
	if (mount_fd < 0)
		return mount_fd;
	r = mounting_serve(mounting, device_fd, kind, why);
	return r < 0 ? r : fd_take(&mount_fd);
}
