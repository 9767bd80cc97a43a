/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/config.h"
#include "oci/container_user.h"
#include "oci/image.h"
#include "ops/image_file.h"
#include "ops/repository.h"
#include "ops/seccomp_file.h"
#include "ops/source.h"

#define CONFIG_NAME "config.json"
#define ROOT_NAME "rootfs"

/* Of a mounted tree, whose links lead nowhere but into it. Its devices are the host's. */
static int tree_file_read(int root_fd, const char *path, size_t limit, struct buf *ret,
			  struct diag *why)
{
	CLEAN(fd_closep)
	int fd = fd_open_regular(root_fd, path, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	if (fd == -EINVAL)
		return diag_set(why, -EINVAL, "/%s is not a regular file", path);
	return fd < 0 ? fd : fd_read_all(fd, limit, ret);
}

/* Where the files of a container are. */
struct files {
	int root_fd;
	const struct source *source; /* where root_fd is -1 */
};

/* A file that is not there is an empty one. */
static int file_read(const struct files *files, const char *path, struct buf *ret, struct diag *why)
{
	int r = files->root_fd >= 0
			? tree_file_read(files->root_fd, path, PASSWD_SIZE_MAX, ret, why)
			: image_file_read(files->source, path, PASSWD_SIZE_MAX, ret, why);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? diag_wrap(why, r, "cannot read /%s of the image", path) : 0;
}

static int user_find(const struct files *files, const char *text, struct container_user *ret,
		     struct diag *why)
{
	CLEAN(buf_release) struct buf passwd = {0};
	CLEAN(buf_release) struct buf groups = {0};
	int r;

	r = file_read(files, "etc/passwd", &passwd, why);
	if (r == 0)
		r = file_read(files, "etc/group", &groups, why);
	if (r < 0)
		return r;
	return container_user_find(text, buf_span(&passwd), buf_span(&groups), ret, why);
}

/* Of an image that has none. */
static int config_none(struct oci_config **ret, struct diag *why)
{
	return oci_config_parse(SPAN_LITERAL("{\"os\":\"linux\",\"architecture\":\"\",\"rootfs\":"
					     "{\"type\":\"layers\",\"diff_ids\":[]}}"),
				ret, why);
}

/* Only what was not pulled may be without one: losing it would be losing its user, too. */
static int config_open(const struct source *source, struct oci_image **ret_image,
		       struct oci_config **ret_own, struct diag *why)
{
	int r = source_pulled(source, ret_image, why);

	if (r < 0)
		return r;
	if (!*ret_image)
		return config_none(ret_own, why);
	if (!(*ret_image)->config)
		return diag_set(why, -EINVAL, "it is an artifact, which cannot be run");
	return 0;
}

int bundle_source_open(const struct bundle_request *request, struct source **ret, struct diag *why)
{
	CLEAN(source_closep) struct source *source = NULL;
	int r = source_open(request->image, request->repo, &source, why);

	if (r < 0)
		return r;
	if (!source->store)
		return diag_set(why, -EINVAL, "'%s' is a file, not an image of the repository",
				request->image);
	*ret = TAKE(source);
	return 0;
}

static int profile_read(const struct bundle_request *request, struct buf *ret, struct diag *why)
{
	int r = seccomp_file_read(request->seccomp, ret, why);

	if (r == 0 && !request->seccomp && request->say)
		request->say("there is no seccomp profile on this machine: no system call is "
			     "filtered (package containers-common has one)");
	return r < 0 ? r : 0;
}

/*
 * Who has the network of the host finds others in it by the names that the host has for them:
 * images seldom have these files, and not those of the machine. Before the binds that were asked
 * for, which can so be on top of them.
 */
static int binds_make(struct runtime_request *spec, const char *hosts, struct runtime_bind **ret)
{
	static const char *const names[] = {"/etc/hosts", "/etc/resolv.conf"};
	size_t name_count = spec->has_own_network ? 0 : sizeof(names) / sizeof(names[0]);
	struct runtime_bind *binds = calloc(name_count + spec->bind_count + 1, sizeof(*binds));
	size_t count = 0;

	if (!binds)
		return -ENOMEM;
	if (spec->has_own_network && hosts)
		binds[count++] = (struct runtime_bind){hosts, "/etc/hosts", false};
	for (size_t i = 0; i < name_count; i++) {
		struct stat found;

		if (stat(names[i], &found) == 0 && S_ISREG(found.st_mode))
			binds[count++] = (struct runtime_bind){names[i], names[i], true};
	}
	for (size_t i = 0; i < spec->bind_count; i++)
		binds[count++] = spec->binds[i];
	spec->binds = binds;
	spec->bind_count = count;
	*ret = binds;
	return 0;
}

/* The document. */
static int spec_make(const struct bundle_request *request, const struct source *source, int root_fd,
		     struct buf *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf profile = {0};
	CLEAN(oci_image_freep) struct oci_image *image = NULL;
	CLEAN(oci_config_freep) struct oci_config *own = NULL;
	CLEAN(container_user_release) struct container_user user = CONTAINER_USER_NONE;
	CLEAN(memory_freep) struct runtime_bind *binds = NULL;
	struct runtime_request spec = request->spec;
	int r;

	r = config_open(source, &image, &own, why);
	if (r < 0)
		return r;
	spec.image = own ? own : image->config;
	r = user_find(&(struct files){root_fd, source},
		      request->user ? request->user : spec.image->user, &user, why);
	if (r == 0)
		r = profile_read(request, &profile, why);
	if (r == 0)
		r = binds_make(&spec, request->hosts, &binds);
	if (r < 0)
		return r;
	spec.seccomp = buf_span(&profile);
	spec.user = (struct runtime_user){user.uid, user.gid, user.additional_gids,
					  user.additional_gid_count};
	spec.home = user.home;
	return runtime_spec_write(&spec, ret, why);
}

int bundle_config_write(const struct bundle_request *request, const struct source *source,
			int dir_fd, int root_fd, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = -1;
	int r;

	r = spec_make(request, source, root_fd, &text, why);
	if (r < 0)
		return r;
	fd = openat(dir_fd, CONFIG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot make " CONFIG_NAME);
	r = fd_write(fd, text.data, text.size);
	if (r < 0) {
		(void)unlinkat(dir_fd, CONFIG_NAME, 0);
		return diag_errno(why, r, "cannot write " CONFIG_NAME);
	}
	return 0;
}

static int bundle_fill(const struct bundle_request *request, const struct source *source,
		       int dir_fd, struct diag *why)
{
	if (mkdirat(dir_fd, ROOT_NAME, 0755) < 0)
		return diag_errno(why, -errno, "cannot make " ROOT_NAME);
	return bundle_config_write(request, source, dir_fd, -1, why);
}

int bundle_make(const struct bundle_request *request, const char *path, struct diag *why)
{
	CLEAN(source_closep) struct source *source = NULL;
	CLEAN(fd_closep) int fd = -1;
	int r;

	r = bundle_source_open(request, &source, why);
	if (r == 0)
		r = source_map(source, why);
	if (r < 0)
		return r;
	if (mkdir(path, 0700) < 0)
		return diag_errno(why, -errno, "cannot make '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r = fd < 0 ? diag_errno(why, -errno, "cannot open '%s'", path)
		   : bundle_fill(request, source, fd, why);
	if (r < 0) {
		if (fd >= 0)
			(void)unlinkat(fd, ROOT_NAME, AT_REMOVEDIR);
		(void)rmdir(path);
	}
	return r;
}
