/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/fd.h"

DIR *folder_read_taken(int *fd)
{
	DIR *folder = *fd < 0 ? NULL : fdopendir(*fd);

	if (folder)
		*fd = -1;
	return folder;
}

DIR *folder_read_at(int parent_fd, const char *name)
{
	CLEAN(fd_closep)
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return folder_read_taken(&fd);
}

DIR *folder_read(int folder_fd)
{
	return folder_read_at(folder_fd, ".");
}

void folder_closep(DIR **folder)
{
	int saved = errno;

	if (*folder)
		(void)closedir(*folder);
	*folder = NULL;
	errno = saved;
}
