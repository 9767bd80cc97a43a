/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/links_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/draft_private.h"
#include "store/store_private.h"

bool link_name_is_valid(const char *name)
{
	size_t total = strlen(name);

	if (total == 0 || total > LINK_NAME_SIZE_MAX)
		return false;
	for (;;) {
		size_t size = strcspn(name, "/");

		if (size == 0 || size > NAME_SIZE_MAX || (size == 1 && name[0] == '.') ||
		    (size == 2 && name[0] == '.' && name[1] == '.'))
			return false;
		if (name[size] == '\0')
			return true;
		name += size + 1;
	}
}

int link_read(int dir_fd, const char *path, char *target, size_t size)
{
	ssize_t got = readlinkat(dir_fd, path, target, size);

	if (got < 0)
		return -errno;
	if ((size_t)got >= size)
		return -ENAMETOOLONG;
	target[got] = '\0';
	return 0;
}

int link_digest(const char *target, struct digest *ret)
{
	const char *slash = strrchr(target, '/');

	return digest_parse(span_of_string(slash ? slash + 1 : target), ret);
}

/* Put a link in place of the one that is there: made under another name, then renamed. */
static int link_swap(const struct store *store, int dir_fd, const char *name, const char *target,
		     struct diag *why)
{
	char temporary[TEMPORARY_NAME_SIZE];
	int r;

	do {
		r = temporary_name(SYMLINK_PREFIX, temporary);
		if (r < 0)
			return diag_set(why, r, "no random bytes for a temporary name");
		r = symlinkat(target, store->dir_fd, temporary);
	} while (r < 0 && errno == EEXIST);
	if (r < 0)
		return diag_errno(why, -errno, "cannot make a link");
	if (renameat(store->dir_fd, temporary, dir_fd, name) < 0) {
		int err = -errno;

		(void)unlinkat(store->dir_fd, temporary, 0);
		return diag_errno(why, err, "cannot replace link '%s'", name);
	}
	return 0;
}

int link_put(const struct store *store, int dir_fd, const char *name, const char *target,
	     struct diag *why)
{
	char found[LINK_TARGET_SIZE];
	int r;

	if (symlinkat(target, dir_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return diag_errno(why, -errno, "cannot make link '%s'", name);
	r = link_read(dir_fd, name, found, sizeof(found));
	if (r == 0 && strcmp(found, target) == 0)
		return 0;
	if (r == -EINVAL)
		return diag_set(why, -EEXIST, "'%s' is taken by something that is not a link",
				name);
	return link_swap(store, dir_fd, name, target, why);
}

int link_dir_open(int dir_fd, const char *name, struct diag *why)
{
	int fd;

	if (mkdirat(dir_fd, name, 0755) == 0) {
		/* The entry itself must last before anything below it is promised to. */
		if (fsync(dir_fd) < 0)
			return diag_errno(why, -errno, "cannot write the parent of '%s'", name);
	} else if (errno != EEXIST) {
		return diag_errno(why, -errno, "cannot make directory '%s'", name);
	}
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return diag_set(why, -EEXIST, "'%s' is taken by something that is not a directory",
				name);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open directory '%s'", name);
	return fd;
}
