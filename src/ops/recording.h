/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * recording.h - the record of a mount that is being made
 *
 * Written before the mount is attached, taken back when that fails. Killed in between, the mount is
 * gone with its descriptor, and the record is stale: its server, or its mount id, is gone. Other
 * programs do not judge it before: the shared lock is held from recording_write() on.
 *
 * A record never makes a mount fail. Where none can be written, there is a line in the trace.
 */
#ifndef LAMINA_OPS_RECORDING_H
#define LAMINA_OPS_RECORDING_H

#include <stdbool.h>
#include <sys/types.h>

#include "store/record.h"

struct ids;           /* ops/ids.h */
struct mount_request; /* ops/mount.h */
struct mount_choice;  /* ops/mount.h */
struct records;       /* store/records.h */
struct source;        /* ops/source.h */

struct recording {
	struct records *records; /* owned; NULL: nothing is written */
	struct mount_record record;
};

/*
 * Write the record, or write it anew. mount_fd is the mount that is going to be attached to the
 * directory target_fd (-1: to nothing, it is handed over); or -1, while it does not exist yet and
 * server_pid is who will see to it.
 */
void recording_write(struct recording *recording, const struct mount_request *request,
		     const struct mount_choice *choice, const struct source *source,
		     const struct ids *ids, pid_t server_pid, int mount_fd, int target_fd);

/* The mount is attached and answers: others may judge the record. */
void recording_settle(struct recording *recording);

/* The mount is not there after all, or not any more. */
void recording_drop(struct recording *recording);

/* For the end; a record that was not dropped stays. */
void recording_release(struct recording *recording);

#endif
