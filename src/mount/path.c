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

bool paths_fork(const char *a, const char *b, size_t *ret)
{
	size_t slash = 0, i;

	for (i = 0; a[i] && a[i] == b[i]; i++) {
		if (a[i] == '/')
			slash = i;
	}
	/* Both go on, and not with the end of a name that the other has, too. */
	if ((!a[i] && (!b[i] || b[i] == '/')) || (!b[i] && a[i] == '/'))
		return false;
	if (!a[slash + 1] || !b[slash + 1])
		return false;
	*ret = slash;
	return true;
}
