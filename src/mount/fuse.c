/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "mount/context.h"

int fuse_device_open(struct diag *why)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return diag_errno(why, -errno,
				  "cannot open /dev/fuse (is the module loaded? "
				  "modprobe fuse)");
	case EACCES:
	case EPERM:
		return diag_errno(why, -errno,
				  "cannot open /dev/fuse (distributions give it mode "
				  "0666; here it is not)");
	default:
		return diag_errno(why, -errno, "cannot open /dev/fuse");
	}
}

static int fuse_set_names(struct mount_context *context, const struct fuse_mount_options *options,
			  struct diag *why)
{
	const char *source = options->source ? options->source : options->subtype;
	int r;

	r = context_string(context, "source", source ? source : "fuse", why);
	if (r < 0 || !options->subtype)
		return r;
	return context_string(context, "subtype", options->subtype, why);
}

static int fuse_set_owner(struct mount_context *context, const struct fuse_mount_options *options,
			  struct diag *why)
{
	int r;

	r = context_number(context, "user_id", options->user_id, why);
	if (r < 0)
		return r;
	r = context_number(context, "group_id", options->group_id, why);
	if (r < 0)
		return r;
	if (options->allow_other) {
		r = context_flag(context, "allow_other", why);
		if (r < 0)
			return r;
	}
	return options->default_permissions ? context_flag(context, "default_permissions", why) : 0;
}

int fuse_mount(int device_fd, const struct fuse_mount_options *options, struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	int r;

	r = context_open(&context, "fuse", why);
	if (r < 0)
		return r;
	r = fuse_set_names(&context, options, why);
	if (r < 0)
		return r;
	/* A number in text: before Linux 7.2, FSCONFIG_SET_FD is refused. */
	r = context_number(&context, "fd", (uint64_t)device_fd, why);
	if (r < 0)
		return r;
	r = context_string(&context, "rootmode", "40000", why);
	if (r < 0)
		return r;
	r = fuse_set_owner(&context, options, why);
	if (r < 0)
		return r;
	r = context_flag(&context, "ro", why);
	if (r < 0)
		return r;
	r = context_create(&context, why);
	if (r < 0)
		return r;
	return context_mount(&context, options->attributes | MOUNT_ATTR_RDONLY, why);
}
