/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/attach.h"
#include "mount/idmapped.h"
#include "mount/mountinfo.h"
#include "mount/overlay.h"
#include "ops/upper.h"

static int directory_open(const char *path, struct diag *why)
{
	int fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? diag_errno(why, -errno, "cannot open it") : fd;
}

int layers_idmap(const struct layers_idmap_request *request, struct diag *why)
{
	CLEAN(fd_closep) int source_fd = -1, target_fd = -1, userns_fd = -1, mount_fd = -1;
	CLEAN(ids_release) struct ids ids = IDS_NONE;
	int r;

	r = ids_resolve(&request->ids, &ids, why);
	if (r < 0)
		return r;
	if (!ids.is_mapped)
		return diag_set(why, -EINVAL,
				"the map changes no id: 'mount --bind' shows the same");
	source_fd = directory_open(request->directory, why);
	if (source_fd < 0)
		return source_fd;
	target_fd = mount_target_open(request->target, why);
	if (target_fd < 0)
		return target_fd;
	userns_fd = ids_userns(&ids, why);
	if (userns_fd < 0)
		return userns_fd;
	mount_fd = mount_idmap_clone(source_fd, userns_fd,
				     request->read_only ? MOUNT_ATTR_RDONLY : 0, why);
	return mount_fd < 0 ? mount_fd : mount_attach(mount_fd, target_fd, why);
}

int layers_path_next(const char **rest, struct buf *ret, struct diag *why)
{
	const char *text = *rest;
	int r = 0;

	if (!text)
		return 0;
	ret->size = 0;
	for (; *text && *text != ':' && r == 0; text++) {
		if (*text == '\\' && !*++text)
			return diag_set(why, -EINVAL, "a path ends with a backslash");
		r = buf_append_byte(ret, (uint8_t)*text);
	}
	if (r < 0)
		return r;
	if (ret->size == 0)
		return diag_set(why, -EINVAL, "a path is empty");
	if (!buf_string(ret))
		return -ENOMEM;
	*rest = *text ? text + 1 : NULL;
	return 1;
}

/* What is open while an overlay is made. All descriptors are owned; -1: none. */
struct making {
	const struct layers_overlay_request *request;
	struct ids ids;
	int userns_fd; /* when ids are mapped */
	int lower_fds[LAYERS_MAX];
	size_t lower_count;
	int upper_fd;
	int work_fd;
	struct upper upper; /* the two by the map */
};

static void making_release(struct making *making)
{
	upper_release(&making->upper);
	fd_close(making->work_fd);
	fd_close(making->upper_fd);
	while (making->lower_count > 0)
		fd_close(making->lower_fds[--making->lower_count]);
	fd_close(making->userns_fd);
	ids_release(&making->ids);
}

/* A lower directory: by the map where there is one. */
static int lower_open(const struct making *making, const char *path, struct diag *why)
{
	CLEAN(fd_closep) int dir_fd = directory_open(path, why);
	int fd;

	if (dir_fd >= 0 && making->ids.is_mapped)
		fd = mount_idmap_clone(dir_fd, making->userns_fd, MOUNT_ATTR_RDONLY, why);
	else
		fd = fd_take(&dir_fd);
	return fd < 0 ? diag_wrap(why, fd, "lower directory '%s'", path) : fd;
}

static int lowers_open_list(struct making *making, const char *list, struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	const char *rest = list;
	int r;

	while ((r = layers_path_next(&rest, &path, why)) > 0) {
		int fd;

		if (making->lower_count == LAYERS_MAX)
			return diag_set(why, -E2BIG, "an overlay has at most %d lower directories",
					LAYERS_MAX);
		fd = lower_open(making, buf_string(&path), why);
		if (fd < 0)
			return fd;
		making->lower_fds[making->lower_count++] = fd;
	}
	return r < 0 ? diag_wrap(why, r, "lower directories '%s'", list) : 0;
}

static int lowers_open(struct making *making, struct diag *why)
{
	int r = 0;

	for (const char *const *list = making->request->lowers; *list && r == 0; list++)
		r = lowers_open_list(making, *list, why);
	return r;
}

static int upper_open(struct making *making, struct diag *why)
{
	const struct layers_overlay_request *request = making->request;

	if (!request->upper)
		return 0;
	making->upper_fd = directory_open(request->upper, why);
	if (making->upper_fd < 0)
		return diag_wrap(why, making->upper_fd, "upper directory '%s'", request->upper);
	making->work_fd = directory_open(request->work, why);
	if (making->work_fd < 0)
		return diag_wrap(why, making->work_fd, "work directory '%s'", request->work);
	if (!making->ids.is_mapped)
		return 0;
	return upper_idmap(&making->ids, making->userns_fd, making->upper_fd, making->work_fd,
			   &making->upper, why);
}

/* Returns a descriptor of the detached overlay. */
static int overlay_make(const struct making *making, struct diag *why)
{
	const struct layers_overlay_request *request = making->request;
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	char label[200];

	/* mountinfo's source is for people, and takes a bounded string. */
	(void)snprintf(label, sizeof(label), MOUNT_SOURCE_PREFIX "%s", request->lowers[0]);
	options.source = label;
	options.lower_fds = making->lower_fds;
	options.lower_count = making->lower_count;
	options.upper_fd = making->upper_fd;
	options.work_fd = making->work_fd;
	options.userxattr = request->userxattr;
	options.redirects = request->metacopy;
	upper_use(&making->upper, &options);
	return overlay_mount(&options, why);
}

static int request_check(const struct layers_overlay_request *request, struct diag *why)
{
	if (!request->lowers || !request->lowers[0])
		return diag_set(why, -EINVAL, "--lower is missing");
	if (!request->upper != !request->work)
		return diag_set(why, -EINVAL, "--upper and --work go together");
	if (request->userxattr && request->metacopy)
		return diag_set(why, -EINVAL,
				"--metacopy needs trusted.overlay.* attributes: not with "
				"--userxattr");
	return 0;
}

static int making_run(struct making *making, struct diag *why)
{
	CLEAN(fd_closep) int target_fd = -1, mount_fd = -1;
	int r;

	r = request_check(making->request, why);
	if (r == 0)
		r = ids_resolve(&making->request->ids, &making->ids, why);
	if (r < 0)
		return r;
	target_fd = mount_target_open(making->request->target, why);
	if (target_fd < 0)
		return target_fd;
	if (making->ids.is_mapped) {
		making->userns_fd = ids_userns(&making->ids, why);
		if (making->userns_fd < 0)
			return making->userns_fd;
	}
	r = lowers_open(making, why);
	if (r == 0)
		r = upper_open(making, why);
	if (r < 0)
		return r;
	mount_fd = overlay_make(making, why);
	return mount_fd < 0 ? mount_fd : mount_attach(mount_fd, target_fd, why);
}

int layers_overlay(const struct layers_overlay_request *request, struct diag *why)
{
	struct making making = {
		.request = request,
		.ids = IDS_NONE,
		.userns_fd = -1,
		.upper_fd = -1,
		.work_fd = -1,
		.upper = UPPER_EMPTY,
	};
	int r = making_run(&making, why);

	making_release(&making);
	return r;
}
