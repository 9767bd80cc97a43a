/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/trace.h"
#include "store/meta.h"
#include "store/objects.h"
#include "store/store_private.h"
#include "verity/kernel.h"

/* Whether the kernel guards the file with fs-verity. Returns 1, 0 or -errno. */
static int has_verity(int fd, struct diag *why)
{
	struct diag reason = {0};
	struct digest digest;
	int r;

	r = verity_measure(fd, &digest, &reason);
	if (r == 0)
		return 1;
	if (r == -ENODATA || r == -EOPNOTSUPP)
		return 0;
	if (why)
		*why = reason;
	return r;
}

int meta_load(int dir_fd, struct store_config *ret_config, bool *ret_is_writable, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = -1;
	struct meta meta;
	struct stat stat;
	int r;

	/* O_NONBLOCK: a FIFO in its place must not hang us. */
	fd = openat(dir_fd, "meta.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open meta.json");
	if (fstat(fd, &stat) < 0)
		return diag_errno(why, -errno, "cannot stat meta.json");
	if (!S_ISREG(stat.st_mode))
		return diag_set(why, -EUCLEAN, "meta.json is not a regular file");
	r = fd_read_all(fd, META_SIZE_MAX, &text);
	if (r == -E2BIG)
		return diag_set(why, r, "meta.json has more than %d bytes", META_SIZE_MAX);
	if (r < 0)
		return diag_errno(why, r, "cannot read meta.json");
	r = meta_parse(buf_span(&text), &meta, why);
	if (r < 0)
		return r;
	r = has_verity(fd, why);
	if (r < 0)
		return r;
	meta.config.is_secure = r;
	*ret_config = meta.config;
	*ret_is_writable = meta.is_writable;
	return 0;
}

/* Take the algorithm from the length of a name, and whether it is secure from that object. */
static int infer_visit(void *context, const struct digest *name, struct diag *why)
{
	struct store *store = context;
	char path[DIGEST_PATH_SIZE_MAX];
	CLEAN(fd_closep) int fd = -1;
	int r;

	fd = openat(store->objects_fd, digest_path(name, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open object '%s'", path);
	r = has_verity(fd, why);
	if (r < 0)
		return r;
	store->config.algorithm = (enum digest_algorithm)name->algorithm;
	store->config.is_secure = r;
	return 1;
}

/* A repository from before there was a meta.json. */
static int open_old(struct store *store, struct diag *why)
{
	int r;

	store->config.erofs_version = 1; /* what the upgrade of composefs-rs writes */
	store->is_writable = true;
	r = store_each_object(store, infer_visit, store, why);
	if (r == 0)
		return diag_set(why, -EUCLEAN,
				"no meta.json, and no object to tell the algorithm from");
	return r < 0 ? r : 0;
}

int objects_make(int dir_fd)
{
	struct stat stat;

	if (mkdirat(dir_fd, "objects", 0777) < 0)
		return errno == EEXIST ? 0 : -errno;
	if (fstatat(dir_fd, "objects", &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if ((stat.st_mode & 0555) != 0555 &&
	    fchmodat(dir_fd, "objects", (stat.st_mode & 07777) | 0555, 0) < 0)
		return -errno;
	return 0;
}

/* objects/ appears when first used, so a fresh repository of composefs-rs has none yet. */
static int open_objects(struct store *store, bool may_make)
{
	int r;

	for (;;) {
		store->objects_fd =
			openat(store->dir_fd, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (store->objects_fd >= 0)
			return 0;
		if (errno != ENOENT || !may_make)
			return -errno;
		r = objects_make(store->dir_fd);
		if (r < 0)
			return r;
		may_make = false;
	}
}

static int open_content(struct store *store, enum store_meta *ret_meta, struct diag *why)
{
	int has_meta, r;

	has_meta = meta_load(store->dir_fd, &store->config, &store->is_writable, why);
	if (has_meta < 0 && has_meta != -ENOENT)
		return has_meta;
	r = open_objects(store, has_meta == 0 && store->is_writable);
	if (r == -ENOENT && has_meta == -ENOENT)
		return diag_set(why, -ENOENT, "not a repository: no meta.json and no objects/");
	if (r < 0)
		return diag_errno(why, r, "cannot open objects/");
	*ret_meta = has_meta == 0 ? STORE_META_GOOD : STORE_META_ABSENT;
	return has_meta == 0 ? 0 : open_old(store, why);
}

/* Open the directory and wait for its lock. */
static int open_dir(const char *path, struct store **ret, struct diag *why)
{
	CLEAN(store_closep) struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	store->objects_fd = -1;
	store->dir_fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0)
		return diag_errno(why, -errno, "cannot open repository '%s'", path);
	do {
		r = flock(store->dir_fd, LOCK_SH); /* waits while a sweep holds it alone */
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return diag_errno(why, -errno, "cannot lock repository '%s'", path);
	*ret = TAKE(store);
	return 0;
}

int store_open(const char *path, struct store **ret, struct diag *why)
{
	CLEAN(store_closep) struct store *store = NULL;
	enum store_meta meta;
	int r;

	r = open_dir(path, &store, why);
	if (r < 0)
		return r;
	r = open_content(store, &meta, why);
	if (r < 0)
		return diag_wrap(why, r, "repository '%s'", path);
	TRACE("store", "open %s: %s, %s%s", path, digest_algorithm_name(store->config.algorithm),
	      store->config.is_secure ? "secure" : "insecure",
	      store->is_writable ? "" : ", read only");
	*ret = TAKE(store);
	return 0;
}

int store_open_to_check(const char *path, struct store **ret, enum store_meta *ret_meta,
			struct diag *meta_why, struct diag *why)
{
	CLEAN(store_closep) struct store *store = NULL;
	struct diag reason = {0};
	enum store_meta meta = STORE_META_BAD;
	int r;

	r = open_dir(path, &store, why);
	if (r < 0)
		return r;
	r = open_content(store, &meta, &reason);
	if (r == -EUCLEAN && meta == STORE_META_BAD) {
		*meta_why = reason;
		r = open_objects(store, false);
		if (r == 0)
			r = open_old(store, NULL);
		store->is_writable = false;
	}
	if (r < 0)
		return diag_set(why, r, "repository '%s': %s", path, diag_text(&reason, r));
	*ret = TAKE(store);
	*ret_meta = meta;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	fd_close(store->objects_fd);
	fd_close(store->dir_fd);
	free(store);
}

void store_closep(struct store **store)
{
	store_close(*store);
	*store = NULL;
}

int store_lock_alone(struct store *store, bool waits, struct diag *why)
{
	int r;

	do {
		r = flock(store->dir_fd, LOCK_EX | (waits ? 0 : LOCK_NB));
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	r = -errno;
	/* flock(2): a lock that cannot be converted is lost. */
	store_share(store);
	return r == -EWOULDBLOCK ? -EBUSY : diag_errno(why, r, "cannot lock the repository alone");
}

void store_share(struct store *store)
{
	while (flock(store->dir_fd, LOCK_SH) < 0 && errno == EINTR)
		;
}

struct store_config store_config(const struct store *store)
{
	return store->config;
}

bool store_is_writable(const struct store *store)
{
	return store->is_writable;
}

int store_dir_fd(const struct store *store)
{
	return store->dir_fd;
}

int store_objects_fd(const struct store *store)
{
	return store->objects_fd;
}
