/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/store_private.h"
#include "verity/kernel.h"

/* A secure store promises that the kernel checks every byte against the name. */
static int object_measure(int fd, const struct digest *name, struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	struct diag reason = {0};
	struct digest measured;
	int r;

	r = verity_measure(fd, &measured, &reason);
	if (r == -ENODATA || r == -EOPNOTSUPP)
		return diag_set(why, -EBADMSG, "object %s is not guarded: %s",
				digest_hex(name, hex), reason.text);
	if (r < 0) {
		if (why)
			*why = reason;
		return r;
	}
	if (!digest_equal(&measured, name))
		return diag_set(why, -EBADMSG, "object %s has another content than its name says",
				digest_hex(name, hex));
	return 0;
}

int object_open(const struct store *store, const struct digest *name, struct diag *why)
{
	char path[DIGEST_PATH_SIZE_MAX];
	CLEAN(fd_closep) int fd = -1;

	fd = openat(store->objects_fd, digest_path(name, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return diag_set(why, -ENOENT, "no object %s", path);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open object %s", path);
	if (store->config.is_secure) {
		int r = object_measure(fd, name, why);

		if (r < 0)
			return r;
	}
	return fd_take(&fd);
}

/* statx, because it says in the same call whether fs-verity is on. */
static int object_statx(const struct store *store, const struct digest *name, struct statx *ret)
{
	char path[DIGEST_PATH_SIZE_MAX];

	if (name->algorithm == DIGEST_NONE)
		return -ENOENT;
	if (statx(store->objects_fd, digest_path(name, path),
		  AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE, ret) < 0)
		return -errno;
	return 0;
}

bool object_exists(const struct store *store, const struct digest *name)
{
	struct statx status;

	return object_statx(store, name, &status) == 0 && S_ISREG(status.stx_mode);
}

int object_size(const struct store *store, const struct digest *name, uint64_t *ret,
		struct diag *why)
{
	char path[DIGEST_PATH_SIZE_MAX];
	struct statx status;
	int r;

	r = object_statx(store, name, &status);
	if (r < 0)
		return diag_errno(why, r, "cannot stat object %s", digest_path(name, path));
	if (!S_ISREG(status.stx_mode))
		return diag_set(why, -EUCLEAN, "object %s is not a regular file",
				digest_path(name, path));
	*ret = status.stx_size;
	return 0;
}

bool object_is_trusted(const struct store *store, const struct digest *name, uint64_t size_bytes)
{
	struct statx status;

	return object_statx(store, name, &status) == 0 && S_ISREG(status.stx_mode) &&
	       status.stx_size == size_bytes &&
	       (!store->config.is_secure || (status.stx_attributes & STATX_ATTR_VERITY));
}

/* The objects of objects/XX. */
static int each_in(const struct store *store, const char *prefix, object_visit *visit,
		   void *context, struct diag *why)
{
	CLEAN(dir_closep) DIR *dir = NULL;
	CLEAN(fd_closep) int fd = -1;
	struct dirent *entry;

	fd = openat(store->objects_fd, prefix, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open objects/%s", prefix);
	dir = fdopendir(fd);
	if (!dir)
		return diag_errno(why, -errno, "cannot read objects/%s", prefix);
	(void)fd_take(&fd);
	while ((errno = 0, entry = readdir(dir))) {
		char hex[DIGEST_HEX_SIZE_MAX], canonical[DIGEST_HEX_SIZE_MAX];
		struct digest name;
		int length, r;

		length = snprintf(hex, sizeof(hex), "%s%s", prefix, entry->d_name);
		if (length < 0 || (size_t)length >= sizeof(hex) ||
		    digest_parse(span_of_string(hex), &name) < 0 ||
		    strcmp(hex, digest_hex(&name, canonical)) != 0)
			continue; /* no object: "." and "..", or what somebody put there */
		r = visit(context, &name, why);
		if (r)
			return r;
	}
	return errno ? diag_errno(why, -errno, "cannot read objects/%s", prefix) : 0;
}

int store_each_object(const struct store *store, object_visit *visit, void *context,
		      struct diag *why)
{
	for (unsigned int i = 0; i < 256; i++) {
		char prefix[3];
		int r;

		(void)snprintf(prefix, sizeof(prefix), "%02x", i);
		r = each_in(store, prefix, visit, context, why);
		if (r)
			return r;
	}
	return 0;
}
