/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount.c - put the pieces of a mount together, detached, and attach them once
 */
#include "ops/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/disk.h"
#include "mount/attach.h"
#include "mount/erofs.h"
#include "mount/fuse.h"
#include "mount/fusermount.h"
#include "mount/mountinfo.h"
#include "mount/overlay.h"
#include "ops/server.h"
#include "ops/source.h"

/* What is open while a mount is made. All descriptors are owned; -1 or 0 where there is none. */
struct mounting {
	const struct mount_request *request;
	const struct mount_choice *choice;
	struct source *source;
	struct object_dirs dirs;
	char label[200]; /* the source that mountinfo shows */
	int target_fd;
	int upper_fd;
	int work_fd;
	int top_fd;           /* the detached mount to attach */
	struct server server; /* killed on failure */
};

static void mounting_release(struct mounting *mounting)
{
	fd_close(mounting->top_fd);
	if (mounting->server.pid > 0)
		server_kill(mounting->server.pid);
	fd_close(mounting->work_fd);
	fd_close(mounting->upper_fd);
	fd_close(mounting->target_fd);
	object_dirs_close(&mounting->dirs);
	source_close(mounting->source);
}

static int directory_open(const char *path, const char *what, struct diag *why)
{
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? diag_errno(why, -errno, "%s '%s'", what, path) : fd;
}

/* Open all that the request names, before anything is made. */
static int mounting_open(struct mounting *mounting, struct diag *why)
{
	const struct mount_request *request = mounting->request;
	int r;

	r = source_open(request->image, request->repo, &mounting->source, why);
	if (r < 0)
		return r;
	r = object_dirs_open(mounting->source, request->objects, &mounting->dirs, why);
	if (r < 0)
		return r;
	(void)snprintf(mounting->label, sizeof(mounting->label), MOUNT_SOURCE_PREFIX "%s",
		       request->image);
	if (request->upper) {
		mounting->upper_fd = directory_open(request->upper, "upper directory", why);
		if (mounting->upper_fd < 0)
			return mounting->upper_fd;
		mounting->work_fd = directory_open(request->work, "work directory", why);
		if (mounting->work_fd < 0)
			return mounting->work_fd;
	}
	if (mounting->choice->uses_fusermount)
		return 0; /* fusermount3 opens the target itself, as the user */
	mounting->target_fd = mount_target_open(request->target, why);
	return mounting->target_fd < 0 ? mounting->target_fd : 0;
}

/* overlayfs over a detached mount of the metadata, in place of it as what is to be attached. */
static int overlay_on(struct mounting *mounting, int lower_fd, bool userxattr, struct diag *why)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;

	options.source = mounting->label;
	options.lower_fds = &lower_fd;
	options.lower_count = 1;
	options.data_fds = mounting->dirs.fds;
	options.data_count = mounting->dirs.count;
	options.upper_fd = mounting->upper_fd;
	options.work_fd = mounting->work_fd;
	options.userxattr = userxattr;
	options.redirects = !userxattr;
	mounting->top_fd = overlay_mount(&options, why);
	return mounting->top_fd < 0 ? mounting->top_fd : 0;
}

/*
 * Whether the image says that it has no POSIX ACLs, which spares the kernel look-ups. Only these
 * bytes are read here: the rest of the image is the kernel's to judge.
 */
static bool image_has_no_acl(int fd)
{
	struct composefs_header_disk header;

	return fd_pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	       le32_get(header.magic) == COMPOSEFS_MAGIC &&
	       !(le32_get(header.flags) & COMPOSEFS_FLAG_HAS_ACL);
}

static int mount_kernel(struct mounting *mounting, struct diag *why)
{
	const struct erofs_mount_options options = {
		.noacl = image_has_no_acl(mounting->source->fd),
	};
	CLEAN(fd_closep) int image_fd = erofs_mount(mounting->source->fd, &options, why);

	if (image_fd < 0)
		return image_fd;
	return overlay_on(mounting, image_fd, false, why);
}

/* Start the server of a connection that is mounted. */
static int server_begin(struct mounting *mounting, int device_fd, enum view_kind kind,
			struct diag *why)
{
	const struct tuning *tuning = &mounting->request->tuning;
	bool serves_data = kind == VIEW_STANDALONE || tuning->own_data_max > 0;
	const struct server_request request = {
		.device_fd = device_fd,
		.kind = kind,
		.source = mounting->source,
		.dirs = serves_data ? &mounting->dirs : NULL,
		.passes_through = mounting->choice->passes_through,
		.tuning = *tuning,
		.keeps_stderr = mounting->request->foreground,
		.leaves_namespace = !mounting->choice->uses_fusermount,
	};
	int r;

	r = server_start(&request, &mounting->server, why);
	if (r == 0 && tuning->passthrough == TUNING_PASSTHROUGH_ON && kind == VIEW_STANDALONE &&
	    !mounting->server.has_passthrough)
		return diag_set(why, -EOPNOTSUPP, "the kernel has no FUSE passthrough");
	return r;
}

/* A FUSE mount with its server running: returns the detached mount. */
static int fuse_begin(struct mounting *mounting, enum view_kind kind, struct diag *why)
{
	const struct fuse_mount_options options = {
		.source = mounting->label,
		.subtype = MOUNT_FUSE_SUBTYPE,
		.user_id = geteuid(),
		.group_id = getegid(),
		.allow_other = true,
		.default_permissions = true,
	};
	CLEAN(fd_closep) int device_fd = -1;
	CLEAN(fd_closep) int mount_fd = -1;
	int r;

	r = source_map(mounting->source, why);
	if (r < 0)
		return r;
	device_fd = fuse_device_open(why);
	if (device_fd < 0)
		return device_fd;
	mount_fd = fuse_mount(device_fd, &options, why);
	if (mount_fd < 0)
		return mount_fd;
	r = server_begin(mounting, device_fd, kind, why);
	return r < 0 ? r : fd_take(&mount_fd);
}

static int mount_overlay(struct mounting *mounting, struct diag *why)
{
	bool trusted = mounting->choice->is_privileged;
	CLEAN(fd_closep)
	int fuse_fd =
		fuse_begin(mounting, trusted ? VIEW_METADATA_TRUSTED : VIEW_METADATA_USER, why);

	if (fuse_fd < 0)
		return fuse_fd;
	return overlay_on(mounting, fuse_fd, !trusted, why);
}

static int mount_standalone(struct mounting *mounting, struct diag *why)
{
	mounting->top_fd = fuse_begin(mounting, VIEW_STANDALONE, why);
	return mounting->top_fd < 0 ? mounting->top_fd : 0;
}

/* fusermount3 attaches before anybody serves: on failure it is detached again. */
static int mount_by_fusermount(struct mounting *mounting, struct diag *why)
{
	const struct fusermount_options options = {
		.source = mounting->label,
		.subtype = MOUNT_FUSE_SUBTYPE,
		.default_permissions = true,
	};
	CLEAN(fd_closep) int device_fd = -1;
	int r;

	r = source_map(mounting->source, why);
	if (r < 0)
		return r;
	device_fd = fusermount_mount(mounting->request->target, &options, why);
	if (device_fd < 0)
		return device_fd;
	r = server_begin(mounting, device_fd, VIEW_STANDALONE, why);
	if (r < 0)
		(void)fusermount_unmount(mounting->request->target, true, NULL);
	return r;
}

static int mounting_make(struct mounting *mounting, struct diag *why)
{
	switch (mounting->choice->mode) {
	case MOUNT_KERNEL:
		return mount_kernel(mounting, why);
	case MOUNT_OVERLAY:
		return mount_overlay(mounting, why);
	case MOUNT_STANDALONE:
		return mounting->choice->uses_fusermount ? mount_by_fusermount(mounting, why)
							 : mount_standalone(mounting, why);
	case MOUNT_AUTO:
		break;
	}
	return diag_set(why, -EINVAL, "no mode was chosen");
}

static int attach(struct mounting *mounting, struct diag *why)
{
	int r;

	if (mounting->choice->uses_fusermount)
		return 0;
	r = mount_attach(mounting->top_fd, mounting->target_fd, why);
	if (r < 0)
		return r;
	/* An open descriptor would keep the mount busy. */
	fd_closep(&mounting->top_fd);
	fd_closep(&mounting->target_fd);
	return 0;
}

/* The mount has to answer before anybody is told that it is there. */
static int answer_check(const char *target, struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "the mount does not answer");
	return 0;
}

static int detach(const char *target, bool lazy, struct diag *why)
{
	const struct mount_detach_options options = {.lazy = lazy};

	return mount_detach(target, &options, why);
}

/*
 * Stay until the server ends, which it does when its file system is unmounted. SIGINT, SIGTERM and
 * SIGHUP unmount; what still uses the mount keeps it, and us, alive.
 */
static int foreground_wait(struct mounting *mounting, struct diag *why)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	for (;;) {
		siginfo_t child = {0};
		int signal;

		if (waitid(P_PID, (id_t)mounting->server.pid, &child,
			   WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    child.si_pid == mounting->server.pid)
			break;
		signal = sigwaitinfo(&signals, NULL);
		if (signal > 0 && signal != SIGCHLD)
			(void)detach(mounting->request->target, true, NULL);
	}
	return server_wait(mounting->server.pid, why);
}

static int mounting_run(struct mounting *mounting, struct server *ret_server, struct diag *why)
{
	int r;

	r = mounting_open(mounting, why);
	if (r < 0)
		return r;
	r = mounting_make(mounting, why);
	if (r < 0)
		return r;
	r = attach(mounting, why);
	if (r < 0)
		return r;
	r = answer_check(mounting->request->target, why);
	if (r < 0) {
		(void)detach(mounting->request->target, true, NULL);
		return r;
	}
	*ret_server = mounting->server;
	if (mounting->request->foreground)
		r = foreground_wait(mounting, why);
	mounting->server.pid = 0; /* it stays, or is reaped */
	return r;
}

int mount_image(const struct mount_request *request, const struct mount_choice *choice,
		struct server *ret_server, struct diag *why)
{
	struct mounting mounting = {
		.request = request,
		.choice = choice,
		.target_fd = -1,
		.upper_fd = -1,
		.work_fd = -1,
		.top_fd = -1,
	};
	int r = mounting_run(&mounting, ret_server, why);

	mounting_release(&mounting);
	return r;
}

int unmount_image(const char *target, bool lazy, struct diag *why)
{
	return detach(target, lazy, why);
}
