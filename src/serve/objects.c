/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "serve/lazy.h"
#include "serve/verified.h"
#include "serve/view_private.h"

int object_path(const struct view *view, const struct image_inode *inode, char *path,
		size_t path_size)
{
	struct span redirect;
	int r;

	r = image_xattr_get(view->image, inode, SPAN_LITERAL("trusted.overlay.redirect"), &redirect,
			    NULL);
	/* Relative ones, which lead elsewhere, are nothing that overlayfs would follow either. */
	if (r < 0 || redirect.size == 0 || redirect.data[0] != '/')
		return -EIO;
	while (redirect.size > 0 && redirect.data[0] == '/')
		(void)span_from(redirect, 1, &redirect);
	if (redirect.size == 0 || redirect.size >= path_size ||
	    memchr(redirect.data, '\0', redirect.size))
		return -EIO;
	memcpy(path, redirect.data, redirect.size);
	path[redirect.size] = '\0';
	return 0;
}

int object_open_path(const struct view *view, const char *path, int flags)
{
	for (size_t i = 0; i < view->object_fd_count; i++) {
		int fd = fd_open_within(view->object_fds[i], path, flags | O_NOFOLLOW,
					OBJECT_RESOLVE);

		if (fd >= 0 || (fd != -ENOENT && fd != -ENOTDIR))
			return fd;
	}
	return -ENOENT;
}

static int error_of_open(int err)
{
	switch (err) {
	case -EMFILE:
		return -ENFILE; /* EMFILE would be the caller's own limit */
	case -ENOENT:
	case -EACCES:
	case -EPERM:
	case -ENFILE:
	case -ENOMEM:
		return err;
	default: /* a link, a way out, a socket */
		return -EIO;
	}
}

void view_complain(struct view *view, const struct image_inode *inode, const char *what, int err)
{
	char path[PAYLOAD_SIZE_MAX + 1] = "?";
	char message[sizeof(path) + 700];

	if (!view->report || !complaints_first(&view->complaints, inode->nid + 1))
		return;
	(void)object_path(view, inode, path, sizeof(path));
	/* The image may be hostile, and what reads this a terminal. */
	for (char *at = path; *at; at++) {
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
	}
	(void)snprintf(message, sizeof(message), "object %s, of inode %llu: %s%s%s", path,
		       (unsigned long long)inode->nid, what, err ? ": " : "",
		       err ? strerrordesc_np(-err) : "");
	view->report(view->report_context, message);
}

/* Whatever is wrong with it, nobody may read it. */
static int object_verify(struct view *view, const struct image_inode *inode, int fd,
			 struct fuse_reply *reply)
{
	struct digest expected;
	struct diag why = {0};
	int r;

	if (!view->verified)
		return 0;
	r = image_external_digest(view->image, inode, &expected, &why);
	if (r == -ENODATA && view->verity == VIEW_VERITY_GIVEN)
		return 0;
	if (r == -ENODATA)
		(void)diag_set(&why, r, "the image gives no digest for it");
	else if (r == 0)
		r = verified_check(view->verified, fd, &expected, reply, &why);
	if (r == 0)
		return 0;
	view_complain(view, inode, diag_text(&why, r), 0);
	return -EIO;
}

/* Of a repository: a descriptor, or -errno. */
static int stored_open(struct view *view, const struct image_inode *inode)
{
	char path[PAYLOAD_SIZE_MAX + 1];
	int r = object_path(view, inode, path, sizeof(path));

	if (r < 0) {
		view_complain(view, inode, "the image does not name it", 0);
		return r;
	}
	/* Not blocking, for what is no regular file is found out only once it is open. */
	return object_open_path(view, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

int object_open_of(struct view *view, const struct image_inode *inode, struct fuse_reply *reply)
{
	CLEAN(fd_closep) int fd = -1;
	struct digest contents;
	bool is_lazy = view->lazy.contents_fd >= 0 && lazy_contents_of(view, inode, &contents);
	struct stat st;
	int r;

	fd = is_lazy ? lazy_open(view, &contents, reply) : stored_open(view, inode);
	if (fd < 0) {
		view_complain(view, inode, "cannot be opened", fd);
		return error_of_open(fd);
	}
	if (fstat(fd, &st) < 0)
		return -EIO;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != inode->size) {
		view_complain(view, inode, "not a file of the size that the image says", 0);
		return -EIO;
	}
	/* What is lazy is verified before it gets its name. */
	r = is_lazy ? 0 : object_verify(view, inode, fd, reply);
	return r < 0 ? r : fd_take(&fd);
}
