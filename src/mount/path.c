/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	(void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

int fd_location(int fd, char **ret, struct diag *why)
{
	char text[PATH_MAX + 1]; /* d_path() of the kernel gives one page at most */
	ssize_t size = readlink(fd_path(fd).text, text, sizeof(text) - 1);
	char *copy;

	if (size < 0)
		return diag_errno(why, -errno, "cannot read the path of a descriptor in /proc");
	text[size] = '\0';
	if (text[0] != '/')
		return diag_set(why, -ENOENT, "the path is not below the root directory");
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}
