/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"

/* A free number is not reserved: somebody else may take it first. As often as losetup(8) would
 * lose. */
#define LOOP_ATTEMPTS_MAX 64

static int loop_control_open(struct diag *why)
{
	int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return diag_set(why, -EOPNOTSUPP, "no loop devices here (/dev/loop-control)");
	return diag_errno(why, -errno, "cannot open /dev/loop-control");
}

/* Returns -EBUSY when somebody else took the device. */
static int loop_configure(int number, int file_fd, struct diag *why)
{
	struct loop_config config = {
		.fd = (__u32)file_fd,
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
	};
	CLEAN(fd_closep) int fd = -1;
	char path[32];

	(void)snprintf(path, sizeof(path), "/dev/loop%d", number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open %s", path);
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
		if (errno == EINVAL || errno == ENOTTY)
			return diag_set(why, -EOPNOTSUPP,
					"the loop driver has no LOOP_CONFIGURE (Linux 5.8), or "
					"cannot use this file");
		return diag_errno(why, -errno, "cannot set up %s", path);
	}
	return fd_take(&fd);
}

int loop_open(int file_fd, struct diag *why)
{
	CLEAN(fd_closep) int control = loop_control_open(why);
	struct diag last = {0};

	if (control < 0)
		return control;
	for (int attempt = 0;; attempt++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		int r;

		if (number < 0)
			return diag_errno(why, -errno, "cannot get a free loop device");
		r = loop_configure(number, file_fd, &last);
		if (r >= 0)
			return r;
		if (r != -EBUSY || attempt == LOOP_ATTEMPTS_MAX)
			return diag_set(why, r, "%s", last.text);
	}
}
