/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/staging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/attach.h"

struct staging {
	struct staging *next; /* owned */
	char path[32];
};

/* A new directory, mode 0700. Both places belong to root, so that nobody can exchange ours. */
static int directory_make(char *path, size_t size)
{
	static const char *const templates[] = {"/run/lamina-XXXXXX", "/tmp/lamina-XXXXXX"};
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		(void)snprintf(path, size, "%s", templates[i]);
		if (mkdtemp(path))
			return 0;
		r = -errno;
	}
	return r;
}

static int directory_attach(const char *path, int mount_fd, struct diag *why)
{
	CLEAN(fd_closep) int target = mount_target_open(path, why);

	if (target < 0)
		return target;
	return mount_attach(mount_fd, target, why);
}

int staging_attach(struct staging **staged, int mount_fd, struct diag *why)
{
	CLEAN(memory_freep) struct staging *one = calloc(1, sizeof(*one));
	int r;

	if (!one)
		return -ENOMEM;
	r = directory_make(one->path, sizeof(one->path));
	if (r < 0)
		return diag_errno(why, r, "cannot make a directory in /run or /tmp");
	r = directory_attach(one->path, mount_fd, why);
	if (r < 0) {
		(void)rmdir(one->path);
		return r;
	}
	one->next = *staged;
	*staged = TAKE(one);
	return 0;
}

void staging_release(struct staging **staged)
{
	int saved = errno;

	while (*staged) {
		struct staging *one = *staged;

		*staged = one->next;
		(void)umount2(one->path, MNT_DETACH | UMOUNT_NOFOLLOW);
		(void)rmdir(one->path);
		free(one);
	}
	errno = saved;
}
