/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Publishing: objects on disk, then images/<digest>, on disk, then images/refs/<name>, on disk.
 * After a power loss a link that is there names something complete; one that is missing left
 * garbage at most.
 */
#include "store/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/links_private.h"
#include "store/objects.h"
#include "store/store_private.h"

/* images/<digest>, made durable. Returns the fd of images/, which the caller owns. */
static int link_image(const struct store *store, const struct digest *image, struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX], path[DIGEST_PATH_SIZE_MAX];
	char target[sizeof("../objects/") + DIGEST_PATH_SIZE_MAX];
	CLEAN(fd_closep) int images_fd = -1;
	int r;

	images_fd = link_dir_open(store->dir_fd, "images", why);
	if (images_fd < 0)
		return images_fd;
	(void)snprintf(target, sizeof(target), "../objects/%s", digest_path(image, path));
	r = link_put(store, images_fd, digest_hex(image, hex), target, why);
	if (r < 0)
		return r;
	if (fsync(images_fd) < 0)
		return diag_errno(why, -errno, "cannot write images/ to disk");
	return fd_take(&images_fd);
}

/* "../" for each component of name, then the digest. */
static int ref_target(const char *name, const struct digest *image, struct buf *ret)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	int r = buf_append_string(ret, "../");

	for (; *name && r == 0; name++) {
		if (*name == '/')
			r = buf_append_string(ret, "../");
	}
	return r < 0 ? r : buf_append_string(ret, digest_hex(image, hex));
}

/* images/refs/<name>, made durable. */
static int link_ref(const struct store *store, int images_fd, const struct digest *image,
		    const char *name, struct diag *why)
{
	CLEAN(buf_release) struct buf target = {0};
	CLEAN(fd_closep) int dir_fd = -1;
	const char *rest = name, *slash;
	int r;

	r = ref_target(name, image, &target);
	if (r < 0 || !buf_string(&target))
		return -ENOMEM;
	dir_fd = link_dir_open(images_fd, "refs", why);
	if (dir_fd < 0)
		return dir_fd;
	for (; (slash = strchr(rest, '/')); rest = slash + 1) {
		char component[NAME_MAX + 1];
		int below;

		(void)snprintf(component, sizeof(component), "%.*s", (int)(slash - rest), rest);
		below = link_dir_open(dir_fd, component, why);
		if (below < 0)
			return below;
		fd_close(dir_fd);
		dir_fd = below;
	}
	r = link_put(store, dir_fd, rest, buf_string(&target), why);
	if (r < 0)
		return r;
	if (fsync(dir_fd) < 0)
		return diag_errno(why, -errno, "cannot write the directory of '%s' to disk", name);
	return 0;
}

int image_name_check(const char *name, struct diag *why)
{
	struct digest digest;

	if (!link_name_is_valid(name))
		return diag_set(why, -EINVAL, "'%.200s' is not a name for an image", name);
	if (digest_parse(span_of_string(name), &digest) == 0)
		return diag_set(why, -EINVAL,
				"'%.200s' reads as a digest, so it cannot name an image", name);
	return 0;
}

int image_publish(struct store *store, struct transaction *transaction, const struct digest *image,
		  const char *name, struct diag *why)
{
	CLEAN(transaction_abortp) struct transaction *owned = transaction;
	CLEAN(fd_closep) int images_fd = -1;
	char hex[DIGEST_HEX_SIZE_MAX];
	int r;

	r = name ? image_name_check(name, why) : 0;
	if (r < 0)
		return r;
	if (!object_exists(store, image))
		return diag_set(why, -ENOENT, "no object %s to publish", digest_hex(image, hex));
	r = transaction_commit(TAKE(owned), why);
	if (r < 0)
		return r;
	images_fd = link_image(store, image, why);
	if (images_fd < 0)
		return images_fd;
	return name ? link_ref(store, images_fd, image, name, why) : 0;
}

/* Read the link at images/<prefix><text>. -ENOENT, without a diag, when there is none. */
static int read_named(const struct store *store, const char *prefix, const char *text,
		      struct digest *ret, struct diag *why)
{
	char path[sizeof("images/refs/") + LINK_NAME_SIZE_MAX];
	char target[LINK_TARGET_SIZE];
	int r;

	(void)snprintf(path, sizeof(path), "images/%s%s", prefix, text);
	r = link_read(store->dir_fd, path, target, sizeof(target));
	if (r == -ENOENT || r == -ENOTDIR)
		return -ENOENT;
	if (r == -EINVAL)
		return diag_set(why, -ENOENT, "'%s' is not a link to an image", path);
	if (r < 0)
		return diag_errno(why, r, "cannot read link '%s'", path);
	if (link_digest(target, ret) < 0)
		return diag_set(why, -EUCLEAN, "link '%s' points to '%.200s', which is no image",
				path, target);
	return 0;
}

/* What the text stands for. -ENOENT without a diag. */
static int resolve_digest(const struct store *store, const char *text, struct digest *ret,
			  struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	char path[sizeof("images/") + DIGEST_HEX_SIZE_MAX];
	struct stat stat;
	int r;

	if (digest_parse(span_of_string(text), ret) == 0) {
		(void)snprintf(path, sizeof(path), "images/%s", digest_hex(ret, hex));
		if (fstatat(store->dir_fd, path, &stat, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		return errno == ENOENT ? -ENOENT
				       : diag_errno(why, -errno, "cannot stat '%s'", path);
	}
	if (!link_name_is_valid(text))
		return diag_set(why, -EINVAL, "'%.200s' is neither a digest nor a name", text);
	if (strchr(text, '/')) {
		r = read_named(store, "", text, ret, why);
		if (r != -ENOENT)
			return r;
	}
	return read_named(store, "refs/", text, ret, why);
}

int image_resolve(const struct store *store, const char *text, struct digest *ret, struct diag *why)
{
	struct digest image;
	int fd, r;

	r = resolve_digest(store, text, &image, why);
	if (r == -ENOENT)
		return diag_set(why, -ENOENT, "no image '%.200s'", text);
	if (r < 0)
		return r;
	fd = object_open(store, &image, why);
	if (fd < 0)
		return diag_wrap(why, fd, "image '%.200s'", text);
	*ret = image;
	return fd;
}
