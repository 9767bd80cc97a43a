/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Making a repository. meta.json comes first, complete or not at all, and is never replaced: of two
 * programs that make the same repository, the second finds what the first wrote. A crash in between
 * leaves an empty directory, or a repository without objects/, which opening makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/folder.h"
#include "store/draft_private.h"
#include "store/meta.h"
#include "store/store.h"
#include "store/store_private.h"

static int config_check(const struct store_config *config, struct diag *why)
{
	if (digest_size(config->algorithm) == 0)
		return diag_set(why, -EINVAL, "no hash algorithm has number %d",
				(int)config->algorithm);
	if (config->erofs_version < 0 || config->erofs_version >= META_EROFS_VERSION_COUNT ||
	    config->extra_versions >> META_EROFS_VERSION_COUNT)
		return diag_set(why, -EINVAL, "EROFS formats are 0, 1 and 2");
	return 0;
}

static bool config_equal(const struct store_config *a, const struct store_config *b)
{
	return a->algorithm == b->algorithm && a->is_secure == b->is_secure &&
	       a->erofs_version == b->erofs_version &&
	       (a->extra_versions | 1u << a->erofs_version) ==
		       (b->extra_versions | 1u << b->erofs_version);
}

/* lost+found is what mkfs leaves in a file system of its own. */
static int check_empty(int dir_fd, struct diag *why)
{
	CLEAN(folder_closep) DIR *dir = NULL;
	CLEAN(fd_closep) int fd = -1;
	struct dirent *entry;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot read the directory");
	dir = folder_read_taken(&fd);
	if (!dir)
		return diag_errno(why, -errno, "cannot read the directory");
	while ((errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, "lost+found") == 0)
			continue;
		return diag_set(why, -ENOTEMPTY,
				"there is something else in it ('%.100s') and no meta.json",
				entry->d_name);
	}
	return errno ? diag_errno(why, -errno, "cannot read the directory") : 0;
}

/* -EEXIST, without a diag, when somebody else was first. */
static int meta_write(int dir_fd, const struct store_config *config, struct diag *why)
{
	CLEAN(draft_release) struct draft draft = DRAFT_NONE;
	CLEAN(buf_release) struct buf text = {0};
	int r;

	r = meta_format(config, &text);
	if (r < 0)
		return r;
	r = draft_open(dir_fd, &draft, why);
	if (r < 0)
		return r;
	r = fd_write(draft.fd, text.data, text.size);
	if (r < 0)
		return diag_errno(why, r, "cannot write meta.json");
	if (config->is_secure) {
		r = draft_seal(&draft, config->algorithm, NULL, why);
		if (r < 0)
			return r;
	}
	if (fsync(draft.fd) < 0)
		return diag_errno(why, -errno, "cannot write meta.json");
	return draft_link(&draft, dir_fd, "meta.json", why);
}

/* Make meta.json, or find one that says the same. */
static int meta_settle(int dir_fd, const struct store_config *config, struct diag *why)
{
	struct store_config found;
	bool is_writable;
	int r;

	r = meta_load(dir_fd, &found, &is_writable, why);
	if (r == -ENOENT) {
		r = check_empty(dir_fd, why);
		if (r < 0)
			return r;
		r = meta_write(dir_fd, config, why);
		if (r != -EEXIST)
			return r;
		r = meta_load(dir_fd, &found, &is_writable, why);
	}
	if (r < 0)
		return r;
	if (!config_equal(&found, config))
		return diag_set(why, -EEXIST,
				"there is one already, of another kind: %s, %s, EROFS format %d",
				digest_algorithm_name(found.algorithm),
				found.is_secure ? "secure" : "insecure", found.erofs_version);
	return 0;
}

int store_init(const char *path, const struct store_config *config, struct diag *why)
{
	CLEAN(fd_closep) int dir_fd = -1;
	bool made;
	int r;

	r = config_check(config, why);
	if (r < 0)
		return r;
	made = mkdirat(AT_FDCWD, path, 0700) == 0;
	if (!made && errno != EEXIST)
		return diag_errno(why, -errno, "cannot make directory '%s'", path);
	dir_fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", path);
	r = meta_settle(dir_fd, config, why);
	if (r < 0) {
		if (made)
			(void)unlinkat(AT_FDCWD, path, AT_REMOVEDIR); /* only while empty */
		return diag_wrap(why, r, "cannot make a repository in '%s'", path);
	}
	r = objects_make(dir_fd);
	if (r < 0)
		return diag_errno(why, r, "cannot make '%s/objects'", path);
	/* One call for the file, both directories and the entry in the parent. */
	if (syncfs(dir_fd) < 0)
		return diag_errno(why, -errno, "cannot write '%s' to disk", path);
	return 0;
}
