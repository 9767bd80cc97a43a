/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "store/direct_private.h"

int direct_set(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_DIRECT : flags & ~O_DIRECT;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int direct_write(int fd, struct span chunk, uint64_t offset, bool *is_direct)
{
	int r;

	if (*is_direct && chunk.size % DIRECT_ALIGN == 0 && offset % DIRECT_ALIGN == 0) {
		r = fd_pwrite(fd, chunk.data, chunk.size, offset);
		if (r != -EINVAL)
			return r;
	}
	if (*is_direct) {
		*is_direct = false;
		r = direct_set(fd, false);
		if (r < 0)
			return r;
	}
	return fd_pwrite(fd, chunk.data, chunk.size, offset);
}
