/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/* Whether what a record tells of is still there, in whatever namespace. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "mount/presence.h"
#include "ops/mounts_private.h"
#include "store/lease.h"
#include "store/record.h"
#include "store/records.h"

int judge_init(struct judge *judge, struct diag *why)
{
	*judge = (struct judge){.mount_namespace = namespace_inode("mnt")};
	return boot_id_read(judge->boot, why);
}

void judge_release(struct judge *judge)
{
	process_table_free(judge->table);
}

/* NULL where /proc cannot be read. */
static const struct process_table *judge_table(struct judge *judge)
{
	if (!judge->has_table)
		(void)process_table_read(&judge->table);
	judge->has_table = true;
	return judge->table;
}

struct process_identity record_server(const struct mount_record *record)
{
	return (struct process_identity){.pid = record->server_pid,
					 .start = record->server_start,
					 .pid_namespace = record->pid_namespace};
}

static enum liveness server_liveness(struct judge *judge, const struct mount_record *record)
{
	struct process_identity server = record_server(record);
	enum liveness liveness = process_liveness(&server);

	/* In a PID namespace that is not ours and has no processes, there is no server either. */
	if (liveness == LIVENESS_UNKNOWN && server.pid_namespace != namespace_inode("pid") &&
	    judge_table(judge) &&
	    process_table_pid_namespace(judge_table(judge), server.pid_namespace) == LIVENESS_GONE)
		return LIVENESS_GONE;
	return liveness;
}

/* In the namespace that the record names. */
static enum presence record_presence(struct judge *judge, const struct mount_record *record)
{
	const struct mount_ids ids = {.id = record->mount_id, .unique_id = record->unique_id};
	char process[16];
	pid_t pid;

	if (record->mount_id == 0)
		return PRESENCE_UNKNOWN; /* its maker did not come so far */
	if (record->mount_namespace == judge->mount_namespace)
		return mount_presence(&ids);
	pid = judge_table(judge) ? process_table_in_mount_namespace(judge_table(judge),
								    record->mount_namespace)
				 : 0;
	if (pid <= 0)
		return PRESENCE_UNKNOWN;
	(void)snprintf(process, sizeof(process), "%d", (int)pid);
	return mount_presence_for(process, &ids);
}

/*
 * A plain file is nobody's garbage, and no collector asks for it. A mount that was handed over, or
 * is in another namespace, is there without being seen: the file itself is asked whether it is
 * open, if the record is the caller's own, and so its path.
 */
static enum mount_state judge_plain(const struct mount_record *record, bool is_missing, bool is_own)
{
	if (is_missing && record->target)
		return MOUNT_STATE_STALE;
	return is_own && file_is_open(AT_FDCWD, record->image) == 0 ? MOUNT_STATE_STALE
								    : MOUNT_STATE_UNKNOWN;
}

/* The kernel's mount keeps the image open, in whatever namespace it is. */
static enum mount_state judge_kernel(struct judge *judge, const struct mount_record *record,
				     int repository_fd)
{
	bool is_here = record->mount_namespace == judge->mount_namespace;
	enum presence presence = record_presence(judge, record);

	if (presence == PRESENCE_YES)
		return MOUNT_STATE_LIVE;
	if (record->digest.algorithm == DIGEST_NONE)
		return judge_plain(record, is_here && presence == PRESENCE_NO, repository_fd < 0);
	if (repository_fd >= 0 && object_is_open(repository_fd, &record->digest) == 0)
		return MOUNT_STATE_STALE;
	return MOUNT_STATE_UNKNOWN;
}

static enum mount_state judge_served(struct judge *judge, const struct mount_record *record)
{
	switch (server_liveness(judge, record)) {
	case LIVENESS_ALIVE:
		return MOUNT_STATE_LIVE; /* it ends when its file system is mounted nowhere */
	case LIVENESS_GONE:
		return record_presence(judge, record) == PRESENCE_YES ? MOUNT_STATE_DEAD_SERVER
								      : MOUNT_STATE_STALE;
	case LIVENESS_UNKNOWN:
		break;
	}
	return MOUNT_STATE_UNKNOWN;
}

static enum mount_state judge_record(struct judge *judge, const struct mount_record *record,
				     int repository_fd)
{
	if (strcmp(record->boot, judge->boot) != 0)
		return MOUNT_STATE_STALE;
	if (record->mode == RECORD_KERNEL)
		return judge_kernel(judge, record, repository_fd);
	return judge_served(judge, record);
}

/*
 * What cannot be read says nothing about what it is for. From before this boot (a power loss leaves
 * files without their bytes) it is for nothing.
 */
static enum mount_state judge_unreadable(const struct record_entry *entry)
{
	struct timespec now, up;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	return entry->error == -EUCLEAN && entry->modified < now.tv_sec - up.tv_sec
		       ? MOUNT_STATE_STALE
		       : MOUNT_STATE_UNKNOWN;
}

/* The repository of a record in the caller's own folder: as far as its path still leads there. */
static int repository_of(const struct place *place, const struct mount_record *record)
{
	if (place->repository_fd >= 0)
		return fcntl(place->repository_fd, F_DUPFD_CLOEXEC, 0);
	if (!record->repository)
		return -1;
	return openat(AT_FDCWD, record->repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

enum mount_state judge_entry(const struct place *place, const struct record_entry *entry)
{
	CLEAN(fd_closep) int repository_fd = -1;

	if (!entry->record)
		return judge_unreadable(entry);
	if (entry->record->mode == RECORD_KERNEL)
		repository_fd = repository_of(place, entry->record);
	return judge_record(place->judge, entry->record, repository_fd);
}
