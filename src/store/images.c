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
#include "store/entries.h"
#include "store/links_private.h"
#include "store/objects.h"
#include "store/refs_private.h"
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
	return name ? ref_put(store, images_fd, name, digest_hex(image, hex), why) : 0;
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

struct image_listing {
	image_visit *visit;
	void *context;
};

static int list_one(void *context, const char *name, const char *target, struct diag *why)
{
	const struct image_listing *listing = context;
	struct digest image;

	if (!target)
		return diag_set(why, -EUCLEAN, "images/refs/%.300s is not a link", name);
	if (link_digest(target, &image) < 0)
		return diag_set(why, -EUCLEAN,
				"images/refs/%.200s points to '%.200s', which is no image", name,
				target);
	return listing->visit(listing->context, name, &image, why);
}

int image_list(const struct store *store, image_visit *visit, void *context, struct diag *why)
{
	struct image_listing listing = {visit, context};

	return entries_each(store, ENTRY_IMAGE_REF, list_one, &listing, why);
}
