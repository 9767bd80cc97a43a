/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/folder.h"
#include "base/limits.h"
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

	/* O_NONBLOCK: a FIFO in its place must not hang us. */
	fd = openat(store->objects_fd, digest_path(name, path),
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
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

int object_find(const struct store *store, const struct digest *name, struct diag *why)
{
	char path[DIGEST_PATH_SIZE_MAX];
	struct statx status;
	int r = object_statx(store, name, &status);

	if (r == -ENOTDIR || (r == 0 && !S_ISREG(status.stx_mode)))
		r = -ENOENT;
	if (r == -ENOENT)
		return diag_set(why, r, "object %s is missing", digest_path(name, path));
	return r < 0 ? diag_errno(why, r, "cannot stat object %s", digest_path(name, path)) : 0;
}

bool object_exists(const struct store *store, const struct digest *name)
{
	return object_find(store, name, NULL) == 0;
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

/* Whether the path is where an object of that name lies. */
static bool path_is_of_object(const char *path, struct digest *ret)
{
	char canonical[DIGEST_PATH_SIZE_MAX];

	return digest_parse_path(span_of_string(path), ret) == 0 &&
	       strcmp(path, digest_path(ret, canonical)) == 0;
}

static int visit_entry(DIR *dir, const char *prefix, const struct dirent *entry,
		       object_file_visit *visit, void *context, struct diag *why)
{
	char path[NAME_SIZE_MAX + sizeof("XX/")];
	struct digest name;
	struct stat stat;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "/" : "", entry->d_name);
	if (path_is_of_object(path, &name))
		return visit(context, path, &name, why);
	if (entry->d_type == DT_DIR)
		return 0;
	/* Some file systems leave it to stat. */
	if (entry->d_type == DT_UNKNOWN &&
	    (fstatat(dirfd(dir), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) < 0 ||
	     S_ISDIR(stat.st_mode)))
		return 0;
	return visit(context, path, NULL, why);
}

/* The files of objects/XX, or with an empty prefix of objects/ itself. */
static int each_in(const struct store *store, const char *prefix, object_file_visit *visit,
		   void *context, struct diag *why)
{
	CLEAN(folder_closep) DIR *dir = NULL;
	CLEAN(fd_closep) int fd = -1;
	struct dirent *entry;

	fd = openat(store->objects_fd, prefix[0] ? prefix : ".",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open objects/%s", prefix);
	dir = folder_read_taken(&fd);
	if (!dir)
		return diag_errno(why, -errno, "cannot read objects/%s", prefix);
	while ((errno = 0, entry = readdir(dir))) {
		int r = visit_entry(dir, prefix, entry, visit, context, why);

		if (r)
			return r;
	}
	return errno ? diag_errno(why, -errno, "cannot read objects/%s", prefix) : 0;
}

static int each_below(const struct store *store, object_file_visit *visit, void *context,
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

int store_each_object_file(const struct store *store, object_file_visit *visit, void *context,
			   struct diag *why)
{
	int r = each_in(store, "", visit, context, why);

	return r ? r : each_below(store, visit, context, why);
}

struct object_walk {
	object_visit *visit;
	void *context;
};

static int visit_object(void *context, const char *path, const struct digest *name,
			struct diag *why)
{
	const struct object_walk *walk = context;

	(void)path;
	return name ? walk->visit(walk->context, name, why) : 0;
}

int store_each_object(const struct store *store, object_visit *visit, void *context,
		      struct diag *why)
{
	struct object_walk walk = {visit, context};

	return each_below(store, visit_object, &walk, why);
}
