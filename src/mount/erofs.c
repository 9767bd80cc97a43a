/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/erofs.h"

#include <errno.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/trace.h"
#include "mount/context.h"
#include "mount/erofs_private.h"
#include "mount/loop.h"
#include "mount/path.h"

/* Most of the driver's complaints go to the kernel's log only, so an errno has to be put in words.
 */
static int erofs_refused(int err, struct diag *why)
{
	switch (err) {
	case -EINVAL:
	case -EUCLEAN:
		return diag_wrap(why, -EUCLEAN, "the kernel does not accept it as an EROFS image");
	case -EPERM:
		return diag_set(why, -EPERM, EROFS_NEEDS);
	default:
		return err;
	}
}

int erofs_mount_source(int source_fd, const struct erofs_mount_options *options, struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	int r;

	r = context_open(&context, "erofs", why);
	if (r < 0)
		return r;
	/* FSCONFIG_SET_FD is refused for a source ("Non-string source", Linux 7.2). */
	r = context_string(&context, "source", fd_path(source_fd).text, why);
	if (r < 0)
		return r;
	r = context_flag(&context, "ro", why);
	if (r < 0)
		return r;
	if (options->noacl) {
		r = context_flag(&context, "noacl", why);
		if (r < 0)
			return r;
	}
	r = context_create(&context, why);
	if (r < 0)
		return erofs_refused(r, why);
	return context_mount(&context, options->attributes | MOUNT_ATTR_RDONLY, why);
}

int erofs_mount_loop(int image_fd, const struct erofs_mount_options *options, struct diag *why)
{
	CLEAN(fd_closep) int loop = loop_open(image_fd, why);

	if (loop < 0)
		return diag_wrap(why, loop,
				 "erofs: the kernel cannot mount this file without a loop device");
	/* The superblock holds the device from here on; ours is closed. */
	return erofs_mount_source(loop, options, why);
}

int erofs_mount(int image_fd, const struct erofs_mount_options *options, struct diag *why)
{
	struct diag refused = {0};
	int fd = erofs_mount_source(image_fd, options, &refused);

	if (fd == -ENOTBLK) {
		TRACE("mount", "erofs: %s, trying a loop device", refused.text);
		return erofs_mount_loop(image_fd, options, why);
	}
	if (fd < 0 && why)
		*why = refused;
	return fd;
}
