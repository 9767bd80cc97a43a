/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount.c - put the pieces of a mount together, detached, and attach them once
 */
#include "ops/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/disk.h"
#include "mount/attach.h"
#include "mount/erofs.h"
#include "mount/features.h"
#include "mount/fuse.h"
#include "mount/fusermount.h"
#include "mount/handover.h"
#include "mount/idmapped.h"
#include "mount/mountinfo.h"
#include "mount/overlay.h"
#include "mount/scratch.h"
#include "ops/fetcher.h"
#include "ops/lazy.h"
#include "ops/mount_verity.h"
#include "ops/recording.h"
#include "ops/server.h"
#include "ops/source.h"
#include "ops/upper.h"
#include "store/store.h"

/* What is open while a mount is made. All descriptors are owned; -1 or 0 where there is none. */
struct mounting {
	const struct mount_request *request;
	const struct mount_choice *choice;
	struct source *source;
	struct object_dirs dirs;
	struct ids ids;
	struct idmaps server_maps; /* what a server is to apply, if needs_maps */
	bool needs_maps;
	char label[200]; /* the source that mountinfo shows */
	int target_fd;
	int upper_fd;
	int work_fd;
	struct scratch scratch;
	struct upper upper;   /* the two by the map, in kernel mode */
	int top_fd;           /* the detached mount to attach */
	struct server server; /* killed on failure */
	int fetcher_fd;       /* of a lazy image's fetcher, which ends with the last of them */
	struct recording recording;
};

static void mounting_release(struct mounting *mounting)
{
	recording_release(&mounting->recording);
	fd_close(mounting->top_fd);
	fd_close(mounting->fetcher_fd);
	if (mounting->server.pid > 0)
		server_kill(&mounting->server);
	scratch_release(&mounting->scratch);
	upper_release(&mounting->upper);
	fd_close(mounting->work_fd);
	fd_close(mounting->upper_fd);
	fd_close(mounting->target_fd);
	ids_release(&mounting->ids);
	object_dirs_close(&mounting->dirs);
	if (mounting->source != mounting->request->source)
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

	mounting->source = request->source;
	r = request->source ? 0 : request_source_open(request, &mounting->source, why);
	if (r < 0)
		return r;
	r = image_check(request, mounting->source, why);
	if (r < 0)
		return r;
	r = object_dirs_open(mounting->source, request->objects, &mounting->dirs, why);
	if (r < 0)
		return r;
	r = ids_resolve(&request->ids, &mounting->ids, why);
	if (r < 0)
		return r;
	(void)snprintf(mounting->label, sizeof(mounting->label), "%s%s",
		       request->label ? "" : MOUNT_SOURCE_PREFIX,
		       request->label   ? request->label
		       : request->image ? request->image
					: "-");
	if (request->upper) {
		mounting->upper_fd = directory_open(request->upper, "upper directory", why);
		if (mounting->upper_fd < 0)
			return mounting->upper_fd;
		mounting->work_fd = directory_open(request->work, "work directory", why);
		if (mounting->work_fd < 0)
			return mounting->work_fd;
	}
	if (!request->target)
		return handover_check(request->send_fd, why);
	if (mounting->choice->uses_fusermount)
		return 0; /* fusermount3 opens the target itself, as the user */
	mounting->target_fd = mount_target_open(request->target, why);
	return mounting->target_fd < 0 ? mounting->target_fd : 0;
}

static enum overlay_verity overlay_verity_of(enum mount_verity verity)
{
	switch (verity) {
	case MOUNT_VERITY_REQUIRE:
		return OVERLAY_VERITY_REQUIRE;
	case MOUNT_VERITY_TRY:
		return mount_has(MOUNT_FEATURE_OVERLAY_VERITY) ? OVERLAY_VERITY_ON
							       : OVERLAY_VERITY_OFF;
	case MOUNT_VERITY_OFF:
	case MOUNT_VERITY_AUTO:
		break;
	}
	return OVERLAY_VERITY_OFF;
}

/* overlayfs over a detached mount of the metadata, in place of it as what is to be attached. */
static int overlay_on(struct mounting *mounting, int lower_fd, bool userxattr, struct diag *why)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;

	options.source = mounting->label;
	options.lower_fds = &lower_fd;
	options.lower_count = 1;
	options.data_fds = mounting->dirs.fds;
	options.data_count = mounting->source->lazy ? 0 : mounting->dirs.count;
	if (mounting->request->is_ephemeral) {
		int r = scratch_make(lower_fd, &mounting->scratch, why);

		if (r < 0)
			return r;
		options.upper_fd = mounting->scratch.upper_fd;
		options.work_fd = mounting->scratch.work_fd;
	} else {
		options.upper_fd = mounting->upper_fd;
		options.work_fd = mounting->work_fd;
		upper_use(&mounting->upper, &options);
	}
	options.userxattr = userxattr;
	options.redirects = !userxattr;
	options.verity = overlay_verity_of(mounting->request->verity);
	options.attributes = mounting->request->attributes;
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
	CLEAN(fd_closep) int userns_fd = -1;
	int r;

	if (image_fd < 0)
		return image_fd;
	if (mounting->ids.is_mapped) {
		userns_fd = ids_userns(&mounting->ids, why);
		if (userns_fd < 0)
			return userns_fd;
		r = mount_idmap(image_fd, userns_fd, why);
		if (r == 0 && mounting->upper_fd >= 0)
			r = upper_idmap(&mounting->ids, userns_fd, mounting->upper_fd,
					mounting->work_fd, &mounting->upper, why);
		if (r < 0)
			return r;
	}
	return overlay_on(mounting, image_fd, false, why);
}

/* What brings the contents that are not here. */
static int fetcher_begin(struct mounting *mounting, int *ret_fd, struct diag *why)
{
	const struct fetcher_request request = {
		.image = mounting->source->lazy,
		.keeps_stderr = mounting->request->foreground,
		.leaves_namespace = !mounting->choice->uses_fusermount,
	};
	int r = lazy_image_settle(mounting->source->lazy, why);

	if (r == 0)
		r = fetcher_start(&request, &mounting->fetcher_fd, why);
	*ret_fd = mounting->fetcher_fd;
	return r;
}

/* Start the server of a connection that is mounted. */
static int server_begin(struct mounting *mounting, int device_fd, enum view_kind kind,
			struct diag *why)
{
	const struct tuning *tuning = &mounting->request->tuning;
	bool serves_data = kind == VIEW_STANDALONE || tuning->own_data_max > 0;
	struct server_request request = {
		.device_fd = device_fd,
		.kind = kind,
		.source = mounting->source,
		.dirs = serves_data ? &mounting->dirs : NULL,
		.verity = mounting->request->verity == MOUNT_VERITY_REQUIRE ? VIEW_VERITY_REQUIRE
			  : mounting->request->verity == MOUNT_VERITY_TRY   ? VIEW_VERITY_GIVEN
									    : VIEW_VERITY_OFF,
		.passes_through = mounting->choice->passes_through,
		.fetcher_fd = mounting->fetcher_fd,
		.tuning = *tuning,
		.keeps_stderr = mounting->request->foreground,
		.leaves_namespace = !mounting->choice->uses_fusermount,
	};
	int r;

	r = ids_for_server(&mounting->ids, &mounting->server_maps, &mounting->needs_maps, why);
	if (r == 0 && mounting->source->lazy)
		r = fetcher_begin(mounting, &request.fetcher_fd, why);
	if (r < 0)
		return r;
	request.maps = mounting->needs_maps ? &mounting->server_maps : NULL;
	r = server_start(&request, &mounting->server, why);
	fd_closep(&mounting->fetcher_fd); /* the server's alone, so that its end is noticed */
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
		/*
		 * overlayfs checks who reads by what it shows. Checked below it once more, its
		 * mounter would need to read a directory before anybody may look at it: that is
		 * what its user.overlay.* xattrs take, and what root of a user namespace may not
		 * where the owner is nobody there.
		 */
		.default_permissions =
			mounting->choice->mode != MOUNT_OVERLAY || mounting->choice->is_privileged,
		.attributes = mounting->choice->mode == MOUNT_STANDALONE
				      ? mounting->request->attributes
				      : 0,
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

/* Contents that are not here yet cannot be data of overlayfs: the view below it shows them, too. */
static enum view_kind lower_kind(const struct mounting *mounting)
{
	if (mounting->source->lazy)
		return VIEW_STANDALONE;
	return mounting->choice->is_privileged ? VIEW_METADATA_TRUSTED : VIEW_METADATA_USER;
}

static int mount_overlay(struct mounting *mounting, struct diag *why)
{
	bool trusted = mounting->choice->is_privileged;
	CLEAN(fd_closep) int fuse_fd = fuse_begin(mounting, lower_kind(mounting), why);

	if (fuse_fd < 0)
		return fuse_fd;
	return overlay_on(mounting, fuse_fd, !trusted, why);
}

static int mount_standalone(struct mounting *mounting, struct diag *why)
{
	mounting->top_fd = fuse_begin(mounting, VIEW_STANDALONE, why);
	return mounting->top_fd < 0 ? mounting->top_fd : 0;
}

static void record(struct mounting *mounting, pid_t server_pid, int mount_fd, int target_fd)
{
	recording_write(&mounting->recording, mounting->request, mounting->choice, mounting->source,
			&mounting->ids, server_pid, mount_fd, target_fd);
}

/*
 * fusermount3 attaches before anybody serves: on failure it is detached again, and the record is
 * there before, in the name of this process.
 */
static int mount_by_fusermount(struct mounting *mounting, struct diag *why)
{
	const struct fusermount_options options = {
		.source = mounting->label,
		.subtype = MOUNT_FUSE_SUBTYPE,
		.default_permissions = true,
		.noexec = mounting->request->attributes & MOUNT_ATTR_NOEXEC,
	};
	CLEAN(fd_closep) int device_fd = -1, target_fd = -1;
	int r;

	r = source_map(mounting->source, why);
	if (r < 0)
		return r;
	target_fd = mount_target_open(mounting->request->target, why);
	if (target_fd < 0)
		return target_fd;
	record(mounting, getpid(), -1, target_fd);
	fd_closep(&target_fd);
	device_fd = fusermount_mount(mounting->request->target, &options, why);
	if (device_fd < 0)
		return device_fd;
	r = server_begin(mounting, device_fd, VIEW_STANDALONE, why);
	if (r == 0) {
		target_fd = mount_target_open(mounting->request->target, why);
		r = target_fd < 0 ? target_fd : 0;
	}
	if (r < 0) {
		(void)fusermount_unmount(mounting->request->target, true, NULL);
		return r;
	}
	record(mounting, mounting->server.pid, target_fd, target_fd);
	return 0;
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
	record(mounting, mounting->server.pid, mounting->top_fd, mounting->target_fd);
	r = mount_attach(mounting->top_fd, mounting->target_fd, why);
	if (r < 0)
		return r;
	/* An open descriptor would keep the mount busy. */
	fd_closep(&mounting->top_fd);
	fd_closep(&mounting->target_fd);
	return 0;
}

/* The mount has to answer before anybody is told that it is there, or gets it. */
static int answer_check(int dir_fd, const char *path, struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
 * What ends a mount in the foreground. From before there is a mount: who sees it may signal at
 * once, and a signal that came too early would be lost (shells ignore SIGINT for what they start in
 * the background) or would leave the mount behind.
 */
static void foreground_begin(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGHUP);
	(void)sigaddset(ret, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, ret, NULL);
}

/*
 * Stay until the server ends, which it does when its file system is unmounted. SIGINT, SIGTERM and
 * SIGHUP unmount; what still uses the mount keeps it, and us, alive.
 */
static int foreground_wait(struct mounting *mounting, const sigset_t *signals, struct diag *why)
{
	for (;;) {
		siginfo_t child = {0};
		int signal;

		if (waitid(P_PID, (id_t)mounting->server.pid, &child,
			   WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    child.si_pid == mounting->server.pid)
			break;
		signal = sigwaitinfo(signals, NULL);
		if (signal > 0 && signal != SIGCHLD)
			(void)detach(mounting->request->target, true, NULL);
	}
	return server_wait(mounting->server.pid, why);
}

static int attach_and_check(struct mounting *mounting, struct diag *why)
{
	int r = attach(mounting, why);

	if (r < 0)
		return r;
	r = answer_check(AT_FDCWD, mounting->request->target, why);
	if (r < 0)
		(void)detach(mounting->request->target, true, NULL);
	return r;
}

/* The mount, not attached, to whoever is at the other end of the socket. */
static int hand_over(struct mounting *mounting, struct diag *why)
{
	int r;

	record(mounting, mounting->server.pid, mounting->top_fd, -1);
	r = answer_check(mounting->top_fd, ".", why);
	return r < 0 ? r : handover_send(mounting->request->send_fd, mounting->top_fd, why);
}

static int mounting_run(struct mounting *mounting, struct server *ret_server, struct diag *why)
{
	sigset_t signals;
	int r;

	r = mounting_open(mounting, why);
	if (r < 0)
		return r;
	if (mounting->request->foreground)
		foreground_begin(&signals);
	r = mounting_make(mounting, why);
	if (r < 0)
		return r;
	r = mounting->request->target ? attach_and_check(mounting, why) : hand_over(mounting, why);
	if (r < 0)
		return r;
	*ret_server = mounting->server;
	recording_settle(&mounting->recording);
	if (mounting->request->foreground) {
		store_closep(&mounting->source->store);     /* its lock would stop a collector */
		lazy_image_closep(&mounting->source->lazy); /* and this would, too */
		r = foreground_wait(mounting, &signals, why);
		if (r == 0)
			recording_drop(&mounting->recording);
		else /* the server died: the mount is still there, and its record stays */
			recording_release(&mounting->recording);
	}
	mounting->server.pid = 0; /* it stays, or is reaped */
	return r;
}

int mount_image(const struct mount_request *request, const struct mount_choice *choice,
		struct server *ret_server, struct diag *why)
{
	struct mounting mounting = {
		.request = request,
		.choice = choice,
		.ids = IDS_NONE,
		.target_fd = -1,
		.upper_fd = -1,
		.work_fd = -1,
		.scratch = SCRATCH_NONE,
		.upper = UPPER_EMPTY,
		.top_fd = -1,
		.fetcher_fd = -1,
	};
	int r = mounting_run(&mounting, ret_server, why);

	if (r < 0)
		recording_drop(&mounting.recording);
	mounting_release(&mounting);
	return r;
}

int unmount_image(const char *target, bool lazy, struct diag *why)
{
	return detach(target, lazy, why);
}
