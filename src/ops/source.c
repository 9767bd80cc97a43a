/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "erofs/mapping.h"
#include "oci/descriptor.h"
#include "oci/image.h"
#include "ops/lazy.h"
#include "ops/repository.h"
#include "store/images.h"
#include "store/objects.h"
#include "store/store.h"

#define OBJECT_DIRS_MAX 64 /* overlayfs takes more, nobody has more */

static bool is_path(const char *text)
{
	return text[0] == '/' || strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0;
}

static int file_open(const char *path, struct diag *why)
{
	struct stat st;
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return diag_errno(why, -errno, "open file");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fd_close(fd);
		return diag_set(why, -EINVAL, "not a regular file");
	}
	return fd;
}

/* The file tree of an image that was pulled, by its tag or the digest of its manifest. */
static int pulled_image_open(struct source *source, const char *text, struct diag *why)
{
	unsigned int preferred = (unsigned int)store_config(source->store).erofs_version;
	struct digest image, manifest;
	struct diag reason = {0};
	int r;

	r = oci_image_erofs_find(source->store, text, preferred, &image, &manifest, &reason);
	/* Without one, what was said of names of images stands. */
	if (r == -ENOENT)
		return r;
	if (r == 0) {
		r = object_open(source->store, &image, &reason);
		source->name = image;
		source->manifest = manifest;
	}
	if (r < 0)
		return diag_set(why, r, "image '%.200s': %.250s", text, diag_text(&reason, r));
	return r;
}

/* One that was pulled lazily. -ENOENT without a diag: there is none. */
static int lazy_image_source(struct source *source, lazy_find *find, const char *text,
			     struct diag *why)
{
	struct diag reason = {0};
	int r = find(source->store, text, &source->lazy, &reason);

	if (r == -ENOENT)
		return r;
	if (r == 0) {
		r = lazy_image_file(source->lazy, "image.erofs", &reason);
		source->manifest = source->lazy->manifest;
	}
	return r < 0 ? diag_set(why, r, "image '%.200s': %.250s", text, diag_text(&reason, r)) : r;
}

static int store_image_open(const char *text, const char *repo, struct source *source,
			    struct diag *why)
{
	int r;

	r = repository_open(repo, &source->store, why);
	if (r < 0)
		return r;
	source->fd = image_resolve(source->store, text, &source->name, why);
	/* A tag that a lazy pull has taken is its own until the contents are here. */
	if (source->fd == -ENOENT)
		source->fd = lazy_image_source(source, lazy_image_find, text, why);
	if (source->fd == -ENOENT)
		source->fd = pulled_image_open(source, text, why);
	if (source->fd == -ENOENT)
		source->fd = lazy_image_source(source, lazy_image_find_digest, text, why);
	return source->fd < 0 ? source->fd : 0;
}

static int source_find(const char *text, const char *repo, struct source *source, struct diag *why)
{
	struct diag file_why = {0};
	int r;

	if (is_path(text)) {
		source->fd = file_open(text, why);
		return source->fd < 0 ? source->fd : 0;
	}
	r = store_image_open(text, repo, source, why);
	if (r != -ENOENT)
		return r;
	/* No such name, or no repository at all: the word may be a file's. */
	source->fd = file_open(text, &file_why);
	if (source->fd < 0)
		return r;
	store_closep(&source->store);
	return 0;
}

int source_pulled(const struct source *source, struct oci_image **ret, struct diag *why)
{
	char text[OCI_DIGEST_SIZE_MAX];

	if (source->lazy)
		return lazy_image_pulled(source->lazy, ret, why);
	if (source->manifest.algorithm == DIGEST_NONE) {
		*ret = NULL;
		return 0;
	}
	return oci_image_open(source->store, oci_digest_text(&source->manifest, text), ret, why);
}

static struct source *source_new(void)
{
	struct source *source = calloc(1, sizeof(*source));

	if (source)
		source->fd = -1;
	return source;
}

int source_open(const char *text, const char *repo, struct source **ret, struct diag *why)
{
	CLEAN(source_closep) struct source *source = source_new();
	struct diag reason = {0};
	int r;

	if (!source)
		return -ENOMEM;
	r = source_find(text, repo, source, &reason);
	if (r < 0) {
		if (why)
			*why = reason;
		return r;
	}
	*ret = TAKE(source);
	return 0;
}

int source_open_file(const char *path, struct source **ret, struct diag *why)
{
	CLEAN(source_closep) struct source *source = source_new();

	if (!source)
		return -ENOMEM;
	source->fd = file_open(path, why);
	if (source->fd < 0)
		return source->fd;
	*ret = TAKE(source);
	return 0;
}

static int regular_check(int fd, struct diag *why)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "descriptor %d", fd);
	/* One that may only name a file would have it opened with our privilege. */
	if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
		return diag_set(why, -EBADF, "descriptor %d is not open for reading", fd);
	if (!S_ISREG(st.st_mode))
		return diag_set(why, -EINVAL, "descriptor %d is not of a regular file", fd);
	return 0;
}

int source_open_fd(int fd, struct source **ret, struct diag *why)
{
	CLEAN(source_closep) struct source *source = source_new();
	int r;

	if (!source)
		return -ENOMEM;
	r = regular_check(fd, why);
	if (r < 0)
		return r;
	source->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (source->fd < 0)
		return diag_errno(why, -errno, "descriptor %d", fd);
	*ret = TAKE(source);
	return 0;
}

int source_map(struct source *source, struct diag *why)
{
	int r;

	if (source->mapping)
		return 0;
	r = mapping_open(source->fd, &source->mapping, why);
	if (r < 0)
		return r;
	r = image_open(mapping_bytes(source->mapping), &source->image, why);
	if (r < 0)
		mapping_closep(&source->mapping);
	return r;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	mapping_close(source->mapping);
	lazy_image_close(source->lazy);
	store_close(source->store);
	fd_close(source->fd);
	free(source);
}

void source_closep(struct source **source)
{
	source_close(*source);
	*source = NULL;
}

static int object_dir_add(struct object_dirs *dirs, int fd)
{
	int *fds = realloc(dirs->fds, (dirs->count + 1) * sizeof(*fds));

	if (!fds) {
		fd_close(fd);
		return -ENOMEM;
	}
	fds[dirs->count++] = fd;
	dirs->fds = fds;
	return 0;
}

static int object_dir_open(const char *path, struct object_dirs *dirs, struct diag *why)
{
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return diag_errno(why, -errno, "object directory '%s'", path);
	if (dirs->count == OBJECT_DIRS_MAX) {
		fd_close(fd);
		return diag_set(why, -E2BIG, "more than %d object directories", OBJECT_DIRS_MAX);
	}
	return object_dir_add(dirs, fd);
}

static int object_dirs_parse(const char *list, struct object_dirs *dirs, struct diag *why)
{
	CLEAN(memory_freep) char *copy = strdup(list);
	char *rest = copy, *path;
	int r;

	if (!copy)
		return -ENOMEM;
	while ((path = strsep(&rest, ":"))) {
		if (!path[0])
			return diag_set(why, -EINVAL, "empty path among the object directories");
		r = object_dir_open(path, dirs, why);
		if (r < 0)
			return r;
	}
	return 0;
}

int object_dirs_open(const struct source *source, const char *list, struct object_dirs *ret,
		     struct diag *why)
{
	struct object_dirs dirs = {0};
	int r;

	if (list) {
		r = object_dirs_parse(list, &dirs, why);
	} else if (source->store) {
		/* Opened anew: overlayfs wants a descriptor of its own that is not O_PATH. */
		int fd = openat(store_objects_fd(source->store), ".",
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = fd < 0 ? diag_errno(why, -errno, "objects of the repository")
			   : object_dir_add(&dirs, fd);
	} else {
		r = diag_set(
			why, -EINVAL,
			"an image file does not say where its objects are: --objects DIR does");
	}
	if (r < 0) {
		object_dirs_close(&dirs);
		return r;
	}
	*ret = dirs;
	return 0;
}

bool object_dirs_have(const struct object_dirs *dirs, struct span path)
{
	char name[PAYLOAD_SIZE_MAX + 1];
	struct stat st;

	if (path.size > PAYLOAD_SIZE_MAX)
		return false;
	memcpy(name, path.data, path.size);
	name[path.size] = '\0';
	for (size_t i = 0; i < dirs->count; i++) {
		if (fstatat(dirs->fds[i], name + strspn(name, "/"), &st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

void object_dirs_close(struct object_dirs *dirs)
{
	for (size_t i = 0; i < dirs->count; i++)
		fd_close(dirs->fds[i]);
	free(dirs->fds);
	*dirs = (struct object_dirs){0};
}
