/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/overlay.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/trace.h"
#include "mount/capability.h"
#include "mount/context.h"
#include "mount/fsids.h"
#include "mount/mountinfo.h"
#include "mount/overlay_private.h"
#include "mount/path.h"
#include "mount/staging.h"

static int directory_check(int fd, const char *role, size_t number, struct diag *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "overlay: %s %zu", role, number);
	if (!S_ISDIR(st.st_mode))
		return diag_set(why, -ENOTDIR, "overlay: %s %zu is not a directory", role, number);
	return 0;
}

static int layers_check(const struct overlay_options *options, struct diag *why)
{
	int r = 0;

	for (size_t i = 0; i < options->lower_count && r == 0; i++)
		r = directory_check(options->lower_fds[i], "lower layer", i + 1, why);
	for (size_t i = 0; i < options->data_count && r == 0; i++)
		r = directory_check(options->data_fds[i], "data-only layer", i + 1, why);
	if (r == 0 && options->upper_fd >= 0)
		r = directory_check(options->upper_fd, "upper layer", 1, why);
	if (r == 0 && options->work_fd >= 0)
		r = directory_check(options->work_fd, "work directory", 1, why);
	return r;
}

static int options_check(const struct overlay_options *options, struct diag *why)
{
	if (options->lower_count == 0)
		return diag_set(why, -EINVAL, "overlay: no lower layer");
	if ((options->upper_fd < 0) != (options->work_fd < 0))
		return diag_set(why, -EINVAL, "overlay: an upper and a work directory go together");
	if (options->upper_fd < 0 && options->lower_count + options->data_count < 2)
		return diag_set(why, -EINVAL,
				"overlay: one layer alone is no overlay: it needs a second one, or "
				"an upper directory");
	if (options->userxattr && options->redirects)
		return diag_set(why, -EINVAL,
				"overlay: redirects cannot be made with user.overlay.* attributes");
	return layers_check(options, why);
}

static int set_layer(struct mount_context *context, enum overlay_dialect dialect, const char *key,
		     int fd, struct diag *why)
{
	if (dialect == OVERLAY_BY_FD)
		return context_fd(context, key, fd, why);
	return context_string(context, key, fd_path(fd).text, why);
}

/* lowerdir=LOWER:LOWER::DATA::DATA */
static int set_layer_list(struct mount_context *context, const struct overlay_options *options,
			  struct diag *why)
{
	CLEAN(buf_release) struct buf list = {0};
	const char *text;
	int r = 0;

	for (size_t i = 0; i < options->lower_count && r == 0; i++)
		r = buf_printf(&list, "%s%s", i ? ":" : "", fd_path(options->lower_fds[i]).text);
	for (size_t i = 0; i < options->data_count && r == 0; i++)
		r = buf_printf(&list, "::%s", fd_path(options->data_fds[i]).text);
	if (r < 0)
		return r;
	text = buf_string(&list);
	return text ? context_string(context, "lowerdir", text, why) : -ENOMEM;
}

static int set_layers(struct mount_context *context, enum overlay_dialect dialect,
		      const struct overlay_options *options, struct diag *why)
{
	int r = 0;

	if (dialect == OVERLAY_BY_LIST) {
		r = set_layer_list(context, options, why);
	} else {
		for (size_t i = 0; i < options->lower_count && r == 0; i++)
			r = set_layer(context, dialect, "lowerdir+", options->lower_fds[i], why);
		for (size_t i = 0; i < options->data_count && r == 0; i++)
			r = set_layer(context, dialect, "datadir+", options->data_fds[i], why);
	}
	if (r == 0 && options->upper_fd >= 0)
		r = set_layer(context, dialect, "upperdir", options->upper_fd, why);
	if (r == 0 && options->work_fd >= 0)
		r = set_layer(context, dialect, "workdir", options->work_fd, why);
	return r;
}

static int set_options(struct mount_context *context, const struct overlay_options *options,
		       struct diag *why)
{
	/* Linux asks for metacopy=on with data layers until 6.12, and refuses it with userxattr. */
	bool redirects = options->redirects || (options->data_count && !options->userxattr);
	int r;

	r = context_string(context, "source", options->source ? options->source : "overlay", why);
	if (r == 0 && options->userxattr)
		r = context_flag(context, "userxattr", why);
	if (r == 0 && redirects)
		r = context_string(context, "metacopy", "on", why);
	if (r == 0 && redirects)
		r = context_string(context, "redirect_dir", "on", why);
	if (r == 0 && options->verity != OVERLAY_VERITY_OFF)
		r = context_string(context, "verity",
				   options->verity == OVERLAY_VERITY_ON ? "on" : "require", why);
	return r;
}

/* overlayfs explains itself in the kernel's log only: the refusals that are no mistake, in
 * words. */
static int overlay_refused(const struct overlay_options *options, int err, struct diag *why)
{
	if (err == -EACCES && options->upper_fd >= 0 && !capability_has(CAP_DAC_OVERRIDE))
		return diag_set(why, err,
				"overlay: a writable mount needs CAP_DAC_OVERRIDE in this user "
				"namespace, or overlayfs may not use its own work directory");
	if (!options->data_count)
		return err;
	if (err == -EPERM && !options->userxattr)
		return diag_set(why, err,
				"overlay: data-only layers with trusted.overlay.* attributes need "
				"CAP_SYS_ADMIN in the initial user namespace");
	if (err == -EINVAL && options->userxattr)
		return diag_wrap(why, err,
				 "data-only layers with user.overlay.* attributes may be too new "
				 "for this kernel");
	return err;
}

/* The credentials of this moment are those that overlayfs works with from then on. */
static int overlay_create(struct mount_context *context, const struct overlay_options *options,
			  struct diag *why)
{
	CLEAN(fsids_leave) struct fsids_saved saved = {0};
	int r = 0;

	if (options->mounter)
		r = fsids_enter(options->mounter, &saved, why);
	if (r < 0)
		return r;
	r = context_create(context, why);
	return r < 0 ? overlay_refused(options, r, why) : 0;
}

/* Where overlayfs cannot make its own directory in the work directory, it goes on without an upper
 * layer, and says so in the kernel's log only. */
static int writable_check(int mount_fd, struct diag *why)
{
	struct statvfs st;

	if (fstatvfs(mount_fd, &st) < 0)
		return diag_errno(why, -errno, "overlay: fstatfs()");
	if (st.f_flag & ST_RDONLY)
		return diag_set(why, -EROFS,
				"overlay: it would be read-only, as the mounter may not write the "
				"upper or the work directory (the kernel's log may say more)");
	return 0;
}

int overlay_mount_as(enum overlay_dialect dialect, const struct overlay_options *options,
		     bool *ret_understood, struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	CLEAN(fd_closep) int mount_fd = -1;
	uint64_t attributes = options->attributes;
	int r;

	*ret_understood = true;
	r = context_open(&context, "overlay", why);
	if (r < 0)
		return r;
	r = set_options(&context, options, why);
	if (r < 0)
		return r;
	r = set_layers(&context, dialect, options, why);
	if (r < 0) {
		*ret_understood = false;
		return r;
	}
	r = overlay_create(&context, options, why);
	if (r < 0)
		return r;
	if (options->upper_fd < 0)
		attributes |= MOUNT_ATTR_RDONLY;
	mount_fd = context_mount(&context, attributes, why);
	if (mount_fd < 0)
		return mount_fd;
	if (!(attributes & MOUNT_ATTR_RDONLY))
		r = writable_check(mount_fd, why);
	return r < 0 ? r : fd_take(&mount_fd);
}

/* Attach what is a detached mount, and count it. */
static int layer_stage(int fd, struct staging **staged, int *count, struct diag *why)
{
	int r = mount_is_attached(fd, why);

	if (r != 0)
		return r < 0 ? r : 0;
	*count += 1;
	return staging_attach(staged, fd, why);
}

/* Attach those layers that are detached mounts. Returns how many. */
static int layers_stage(const struct overlay_options *options, struct staging **staged,
			struct diag *why)
{
	int count = 0, r = 0;

	for (size_t i = 0; i < options->lower_count && r == 0; i++)
		r = layer_stage(options->lower_fds[i], staged, &count, why);
	for (size_t i = 0; i < options->data_count && r == 0; i++)
		r = layer_stage(options->data_fds[i], staged, &count, why);
	if (r == 0 && options->upper_fd >= 0 && options->upper_mount_fd >= 0)
		r = layer_stage(options->upper_mount_fd, staged, &count, why);
	return r < 0 ? r : count;
}

/*
 * The forms from new to old. Where a kernel rejects a layer as it is set, it does not know the form
 * (or will say the same in the next one); the last answer is reported.
 */
static int overlay_mount_in_any_form(const struct overlay_options *options, struct diag *why)
{
	CLEAN(staging_release) struct staging *staged = NULL;
	bool understood;
	int fd, count;

	fd = overlay_mount_as(OVERLAY_BY_FD, options, &understood, why);
	if (understood && fd != -EINVAL)
		return fd;
	TRACE("mount", "%s; trying older forms", why->text);
	count = layers_stage(options, &staged, why);
	if (count < 0)
		return count;
	if (understood)
		return count ? overlay_mount_as(OVERLAY_BY_FD, options, &understood, why) : fd;
	fd = overlay_mount_as(OVERLAY_BY_PATH, options, &understood, why);
	/* Before Linux 6.5, unknown keys are collected, and refused only at the end. */
	if (!understood || fd == -EINVAL)
		fd = overlay_mount_as(OVERLAY_BY_LIST, options, &understood, why);
	return fd;
}

int overlay_mount(const struct overlay_options *options, struct diag *why)
{
	struct diag last = {0};
	int fd;

	fd = options_check(options, &last);
	if (fd == 0)
		fd = overlay_mount_in_any_form(options, &last);
	return fd < 0 ? diag_set(why, fd, "%s", diag_text(&last, fd)) : fd;
}
