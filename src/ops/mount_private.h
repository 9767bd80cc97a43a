/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_private.h - a mount that is being made
 */
#ifndef LAMINA_OPS_MOUNT_PRIVATE_H
#define LAMINA_OPS_MOUNT_PRIVATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/idmap.h"
#include "mount/scratch.h"
#include "ops/ids.h"
#include "ops/mount.h"
#include "ops/recording.h"
#include "ops/server.h"
#include "ops/source.h"
#include "ops/upper.h"

struct diag; /* base/diag.h */

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

/* Put the mount together as chosen: top_fd, or, by fusermount3, attached already. */
int mounting_make(struct mounting *mounting, struct diag *why);

/* A FUSE mount with its server running: returns the detached mount. */
int mounting_fuse(struct mounting *mounting, enum view_kind kind, struct diag *why);

/* Start the server of a connection that is mounted. */
int mounting_serve(struct mounting *mounting, int device_fd, enum view_kind kind, struct diag *why);

/* Write the record, as recording_write(). */
void mounting_record(struct mounting *mounting, pid_t server_pid, int mount_fd, int target_fd);

#endif
