/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount.c - open all that a mount needs, have it put together, attach it once
 */
#include "ops/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/attach.h"
#include "mount/handover.h"
#include "mount/mountinfo.h"
#include "mount/scratch.h"
#include "ops/lazy.h"
#include "ops/mount_foreground.h"
#include "ops/mount_private.h"
#include "ops/mount_verity.h"
#include "store/store.h"

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

void mounting_record(struct mounting *mounting, pid_t server_pid, int mount_fd, int target_fd)
{
	recording_write(&mounting->recording, mounting->request, mounting->choice, mounting->source,
			&mounting->ids, server_pid, mount_fd, target_fd);
}

static int attach(struct mounting *mounting, struct diag *why)
{
	int r;

	if (mounting->choice->uses_fusermount)
		return 0;
	mounting_record(mounting, mounting->server.pid, mounting->top_fd, mounting->target_fd);
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

static int attach_and_check(struct mounting *mounting, struct diag *why)
{
	int r = attach(mounting, why);

	if (r < 0)
		return r;
	r = answer_check(AT_FDCWD, mounting->request->target, why);
	if (r < 0)
		(void)unmount_image(mounting->request->target, true, NULL);
	return r;
}

/* The mount, not attached, to whoever is at the other end of the socket. */
static int hand_over(struct mounting *mounting, struct diag *why)
{
	int r;

	mounting_record(mounting, mounting->server.pid, mounting->top_fd, -1);
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
		r = foreground_wait(mounting->server.pid, mounting->request->target, &signals, why);
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
	const struct mount_detach_options options = {.lazy = lazy};

	return mount_detach(target, &options, why);
}
