/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/unshare.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/idmap.h"
#include "mount/unshare.h"
#include "mount/userns.h"
#include "ops/mount.h"
#include "ops/server.h"

#define ONLY_OWN "no other id than yours exists in the namespace: "

/* What of a map anybody may write: own, where it is, or as root. */
static void leave_only(struct idmap *map, uint32_t own)
{
	uint32_t inside = idmap_to_inside(map, own);
	const struct idmap_extent extent = {inside == IDMAP_NONE ? 0 : inside, own, 1};

	map->count = 0;
	(void)idmap_add(map, extent, NULL);
}

static void leave_only_own(struct idmaps *maps)
{
	leave_only(&maps->uids, geteuid());
	leave_only(&maps->gids, getegid());
}

static bool has_only(const struct idmap *map, uint32_t own)
{
	return map->count == 1 && map->extents[0].count == 1 && map->extents[0].outside == own;
}

static void note_set(struct diag *note, const char *reason)
{
	(void)diag_set(note, 0, ONLY_OWN "%s", reason);
}

/* Where only own ids are in the maps of a user of the host: which lines are missing. */
static void note_missing_lines(const struct idmaps *maps, struct diag *note)
{
	CLEAN(memory_freep) char *name = NULL;

	if (!has_only(&maps->uids, geteuid()) || !has_only(&maps->gids, getegid()) ||
	    !userns_is_initial())
		return;
	name = subids_user_name(geteuid());
	(void)diag_set(note, 0,
		       ONLY_OWN SUBIDS_UIDS_PATH " and " SUBIDS_GIDS_PATH
						 " have no line such as '%s:100000:65536'",
		       name ? name : "YOU");
}

static int maps_make(enum id_shorthand shorthand, struct idmaps *ret, struct diag *note,
		     struct diag *why)
{
	struct diag lacks = {0};
	int r = id_shorthand_maps(shorthand, ret, &lacks);

	if (r == -ENOENT) {
		note_set(note, lacks.text);
		*ret = (struct idmaps){0};
		leave_only_own(ret);
		return 0;
	}
	if (r < 0)
		return diag_set(why, r, "%s", lacks.text);
	if (shorthand == ID_SHORTHAND_ROOT)
		return 0;
	if (unshare_needs_helpers(ret) && unshare_find_helpers(&lacks) < 0) {
		note_set(note, lacks.text);
		leave_only_own(ret);
	} else {
		note_missing_lines(ret, note);
	}
	return 0;
}

int unshare_namespaces(enum id_shorthand shorthand, struct diag *ret_note, struct diag *why)
{
	struct idmaps maps;
	int r = maps_make(shorthand, &maps, ret_note, why);

	return r < 0 ? r : unshare_enter(&maps, why);
}

/* What the process in between says, once. */
struct mounted_message {
	int error;
	struct diag why;
};

_Noreturn static void mounter_main(const struct mount_request *request, int said_fd)
{
	struct mounted_message message = {0};
	struct mount_request settled = *request;
	struct mount_choice choice = {0};
	struct server server = {0};

	mount_verity_settle(&settled);
	message.error = mount_choose(&settled, &choice, &message.why);
	if (message.error == 0)
		message.error = mount_image(&settled, &choice, &server, &message.why);
	mount_request_release(&settled);
	(void)fd_write(said_fd, &message, sizeof(message));
	_exit(0);
}

int unshare_mount(const struct mount_request *request, struct diag *why)
{
	CLEAN(fd_closep) int said_read = -1, said_write = -1;
	struct mounted_message message;
	ssize_t got;
	int ends[2];
	pid_t pid;

	assert(!request->foreground);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "make a pipe");
	said_read = ends[0];
	said_write = ends[1];
	(void)fflush(NULL); /* nothing buffered may be written twice */
	pid = fork();
	if (pid < 0)
		return diag_errno(why, -errno, "start a process");
	if (pid == 0)
		mounter_main(request, said_write);
	fd_closep(&said_write);
	got = fd_read(said_read, &message, sizeof(message));
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (got != (ssize_t)sizeof(message))
		return diag_set(why, -ECHILD, "the process that mounts ended early");
	if (message.error < 0 && why)
		*why = message.why;
	return message.error;
}
