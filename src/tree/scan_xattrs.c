/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "base/limits.h"
#include "tree/scan_private.h"

/* XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux: what the calls below can return at most. */
#define XATTR_BYTES_MAX 65536

/* "/proc/self/fd/N/NAME", or without the name the descriptor's file itself. */
struct xattr_path {
	char text[sizeof("/proc/self/fd/2147483647/") + NAME_SIZE_MAX];
};

static struct xattr_path xattr_path(int fd, const char *name)
{
	struct xattr_path path;

	(void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d/%s", fd, name);
	return path;
}

static ssize_t names_list(struct scan *scan, int fd, const struct xattr_path *path)
{
	char *names = (char *)scan->xattr_names.data;
	ssize_t size = path ? llistxattr(path->text, names, XATTR_BYTES_MAX)
			    : flistxattr(fd, names, XATTR_BYTES_MAX);

	/* A file system without xattrs, and kinds of files that cannot have any. */
	if (size < 0 && (errno == ENOTSUP || errno == EPERM))
		return 0;
	return size < 0 ? -errno : size;
}

static int xattr_take(struct scan *scan, int fd, const struct xattr_path *path, const char *key,
		      struct inode *inode, struct diag *why)
{
	void *value = scan->xattr_value.data;
	ssize_t size = path ? lgetxattr(path->text, key, value, XATTR_BYTES_MAX)
			    : fgetxattr(fd, key, value, XATTR_BYTES_MAX);

	/* Listed but not readable for us (trusted.* elsewhere), or gone since. */
	if (size < 0 && (errno == ENODATA || errno == EPERM || errno == EACCES || errno == ENOTSUP))
		return 0;
	if (size < 0)
		return diag_errno(why, -errno, "read xattr '%s'", key);
	return tree_xattr_set(scan->tree, inode, span_of_string(key), span_of(value, (size_t)size),
			      why);
}

int scan_xattrs(struct scan *scan, int fd, const char *name, struct inode *inode, struct diag *why)
{
	struct xattr_path by_name = {""}, *path = NULL;
	ssize_t size;

	if (scan->options->skip_xattrs)
		return 0;
	if (buf_reserve(&scan->xattr_names, XATTR_BYTES_MAX) < 0 ||
	    buf_reserve(&scan->xattr_value, XATTR_BYTES_MAX) < 0)
		return -ENOMEM;
	if (name) {
		by_name = xattr_path(fd, name);
		path = &by_name;
	}
	size = names_list(scan, fd, path);
	if (size < 0)
		return diag_errno(why, (int)size, "list xattrs");
	for (ssize_t at = 0; at < size;) {
		const char *key = (const char *)scan->xattr_names.data + at;
		int r;

		at += (ssize_t)strlen(key) + 1;
		if (scan->options->user_xattrs && strncmp(key, "user.", 5) != 0)
			continue;
		r = xattr_take(scan, fd, path, key, inode, why);
		if (r < 0)
			return r;
	}
	return 0;
}
