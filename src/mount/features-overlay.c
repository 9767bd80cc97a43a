/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/context.h"
#include "mount/features_private.h"
#include "mount/overlay.h"
#include "mount/overlay_private.h"
#include "mount/userns.h"

/* An empty file system of our own: about 20 us, and gone with its descriptor. */
static int tmpfs_mount(struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	int r;

	r = context_open(&context, "tmpfs", why);
	if (r < 0)
		return r;
	r = context_create(&context, why);
	if (r < 0)
		return r;
	return context_mount(&context, 0, why);
}

enum trial {
	TRIAL_PLAIN,
	TRIAL_DATA,
	TRIAL_USER_DATA,
	TRIAL_DETACHED,
	TRIAL_VERITY,
	TRIAL_USER_VERITY,
};

static int trial_mount(enum trial trial, int first, int second, struct diag *why)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	int layers[] = {first, second};
	bool understood;

	options.lower_fds = layers;
	options.lower_count = 2;
	if (trial != TRIAL_PLAIN && trial != TRIAL_DETACHED) {
		options.lower_count = 1;
		options.data_fds = layers + 1;
		options.data_count = 1;
		options.userxattr = trial == TRIAL_USER_DATA || trial == TRIAL_USER_VERITY;
	}
	if (trial == TRIAL_VERITY || trial == TRIAL_USER_VERITY)
		options.verity = OVERLAY_VERITY_REQUIRE;
	if (trial == TRIAL_DETACHED)
		return overlay_mount_as(OVERLAY_BY_FD, &options, &understood, why);
	return overlay_mount(&options, why);
}

static int try_trial(enum trial trial, struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	CLEAN(fd_closep) int first = -1, second = -1, overlay = -1;
	int r;

	/* First, so that the reason speaks of overlayfs. */
	r = context_open(&context, "overlay", why);
	if (r < 0)
		return r;
	first = tmpfs_mount(why);
	if (first < 0)
		return first;
	second = tmpfs_mount(why);
	if (second < 0)
		return second;
	overlay = trial_mount(trial, first, second, why);
	return overlay < 0 ? overlay : 0;
}

int try_overlay(struct diag *why)
{
	return try_trial(TRIAL_PLAIN, why);
}

int try_overlay_data(struct diag *why)
{
	return try_trial(TRIAL_DATA, why);
}

int try_overlay_user_data(struct diag *why)
{
	return try_trial(TRIAL_USER_DATA, why);
}

int try_overlay_detached(struct diag *why)
{
	return try_trial(TRIAL_DETACHED, why);
}

/* By whichever attributes this process has data-only layers at all. Linux 6.6. */
int try_overlay_verity(struct diag *why)
{
	return try_trial(userns_is_initial() ? TRIAL_VERITY : TRIAL_USER_VERITY, why);
}
