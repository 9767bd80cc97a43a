/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/* Taking mounts away, and their records with them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/mountinfo.h"
#include "mount/presence.h"
#include "ops/mount.h"
#include "ops/mounts_private.h"
#include "ops/repository.h"
#include "ops/runtime.h"
#include "store/lease.h"
#include "store/record.h"
#include "store/records.h"
#include "store/store.h"

/* How long the end of a server is waited for once nothing is mounted any more: it needs some
 * milliseconds. One that lives on has a mount elsewhere, and keeps its record. */
#define SERVER_END_MS 2000

/* A mount that is going to be taken away. */
struct leaving {
	struct judge *judge;
	struct mount_ids ids;
	uint32_t major;
	uint32_t minor;
	char *target; /* owned; as mountinfo has it */
	bool is_known;
	bool is_lazy;
	struct records *records; /* where forget_entry() is */
	int repository_fd;
};

/* Nobody is to be asked here: the server may be dead. */
static void leaving_find(struct leaving *leaving, const char *target)
{
	CLEAN(mount_entry_release) struct mount_entry entry = {0};
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, target, O_PATH | O_CLOEXEC);

	if (fd < 0 || mount_ids_of(fd, &leaving->ids, NULL) < 0 ||
	    mount_entry_of(fd, &entry, NULL) < 0)
		return;
	leaving->major = entry.major;
	leaving->minor = entry.minor;
	leaving->target = strdup(entry.target);
	leaving->is_known = leaving->target != NULL;
}

static bool is_of(const struct mount_record *record, const struct judge *judge,
		  const struct mount_ids *ids, const char *target)
{
	if (strcmp(record->boot, judge->boot) != 0)
		return false;
	if (record->unique_id && ids->unique_id)
		return record->unique_id == ids->unique_id;
	return record->target && record->mount_id == ids->id &&
	       record->mount_namespace == judge->mount_namespace &&
	       strcmp(record->target, target) == 0;
}

/*
 * Whether somebody still uses what was mounted: files that are open after a lazy unmount, a bind
 * mount, a copy in another namespace. Then the record stays, and is stale one day.
 */
static bool is_in_use(const struct leaving *leaving, const struct mount_record *record)
{
	struct process_identity server = record_server(record);

	if (record->mode != RECORD_KERNEL)
		return process_wait(&server, leaving->is_lazy ? SERVER_END_MS / 10
							      : SERVER_END_MS) != LIVENESS_GONE;
	if (mount_count_of_device(leaving->major, leaving->minor, NULL) > 0)
		return true;
	return leaving->is_lazy && record->digest.algorithm != DIGEST_NONE &&
	       object_is_open(leaving->repository_fd, &record->digest) != 0;
}

static int forget_entry(void *context, const struct record_entry *entry, struct diag *why)
{
	const struct leaving *leaving = context;

	if (!entry->record || !is_of(entry->record, leaving->judge, &leaving->ids, leaving->target))
		return 0;
	if (mount_presence(&leaving->ids) != PRESENCE_YES && !is_in_use(leaving, entry->record))
		(void)records_remove(leaving->records, entry->id, why);
	return 1;
}

/* The mount is gone, so nothing here is a failure: what stays is stale. */
static void leaving_forget(struct leaving *leaving, const char *repo)
{
	CLEAN(records_closep) struct records *here = NULL, *own = NULL;
	CLEAN(fd_closep) int dir_fd = mounts_repository_dir(repo);

	leaving->repository_fd = dir_fd;
	if (dir_fd >= 0 && records_open(dir_fd, RECORDS_LOCK_PARENT, false, &here, NULL) == 0) {
		leaving->records = here;
		if (records_each(here, forget_entry, leaving, NULL) == 1)
			return;
	}
	if (runtime_records(false, &own, NULL) < 0)
		return;
	leaving->records = own;
	(void)records_each(own, forget_entry, leaving, NULL);
}

int mounts_unmount(const char *repo, const char *target, bool lazy, struct diag *why)
{
	CLEAN(judge_release) struct judge judge = {0};
	struct leaving leaving = {.judge = &judge, .is_lazy = lazy, .repository_fd = -1};
	int r;

	if (judge_init(&judge, NULL) == 0)
		leaving_find(&leaving, target);
	r = unmount_image(target, lazy, why);
	if (r == 0 && leaving.is_known)
		leaving_forget(&leaving, repo);
	free(leaving.target);
	return r;
}

/* Targets of recorded mounts, as mountinfo has them now, with their ids. */
struct found {
	char *target; /* owned */
	struct mount_ids ids;
};

struct collection {
	struct judge *judge;
	int repository_fd; /* that whose mounts are meant */
	struct found *items;
	size_t count;
};

/* Of records in the caller's own folder: those that name this repository. */
static bool is_of_repository(const struct collection *collection, const struct mount_record *record)
{
	struct stat ours, named;

	return record->repository && fstat(collection->repository_fd, &ours) == 0 &&
	       stat(record->repository, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

static int collect(struct collection *collection, const struct mount_record *record)
{
	const struct mount_ids ids = {.id = record->mount_id, .unique_id = record->unique_id};
	CLEAN(mount_entry_release) struct mount_entry entry = {0};
	struct found *items;

	if (strcmp(record->boot, collection->judge->boot) != 0 ||
	    record->mount_namespace != collection->judge->mount_namespace ||
	    mount_presence(&ids) != PRESENCE_YES ||
	    mount_entry_by_id("self", ids.id, &entry, NULL) < 0)
		return 0;
	items = realloc(collection->items, (collection->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	collection->items = items;
	items[collection->count] = (struct found){.target = strdup(entry.target), .ids = ids};
	return items[collection->count].target ? (collection->count++, 0) : -ENOMEM;
}

/* Another user's record could name any mount of ours. */
static int collect_here(void *context, const struct record_entry *entry, struct diag *why)
{
	(void)why;
	if (!entry->record || entry->owner != geteuid())
		return 0;
	return collect(context, entry->record);
}

static int collect_own(void *context, const struct record_entry *entry, struct diag *why)
{
	(void)why;
	if (!entry->record || entry->owner != geteuid() ||
	    !is_of_repository(context, entry->record))
		return 0;
	return collect(context, entry->record);
}

static int collect_all(struct collection *collection, struct diag *why)
{
	CLEAN(records_closep) struct records *here = NULL, *own = NULL;
	int r = records_open(collection->repository_fd, RECORDS_LOCK_PARENT, false, &here, why);

	if (r == 0)
		r = records_each(here, collect_here, collection, why);
	if (r < 0 && r != -ENOENT)
		return r;
	r = runtime_records(false, &own, why);
	if (r == 0)
		r = records_each(own, collect_own, collection, why);
	return r == -ENOENT ? 0 : r;
}

/* Only what was recorded: something else may be mounted on top of it. */
static int unmount_found(const char *repo, const struct found *found, bool lazy, struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, found->target, O_PATH | O_CLOEXEC);
	struct mount_ids now = {0};
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "cannot open the mount point");
	r = mount_ids_of(fd, &now, why);
	if (r < 0)
		return r;
	fd_closep(&fd);
	if (now.id != found->ids.id ||
	    (found->ids.unique_id && now.unique_id && now.unique_id != found->ids.unique_id))
		return diag_set(why, -EBUSY, "something else is mounted on top of it");
	return mounts_unmount(repo, found->target, lazy, why);
}

static void collection_release(struct collection *collection)
{
	for (size_t i = 0; i < collection->count; i++)
		free(collection->items[i].target);
	free(collection->items);
	fd_closep(&collection->repository_fd);
}

int mounts_unmount_all(const char *repo, bool lazy, mounts_tell *tell, void *context,
		       struct diag *why)
{
	CLEAN(collection_release) struct collection collection = {.repository_fd = -1};
	CLEAN(repository_closep) struct store *store = NULL;
	CLEAN(judge_release) struct judge judge = {0};
	int r;

	r = judge_init(&judge, why);
	if (r == 0)
		r = repository_open(repo, &store, why);
	if (r < 0)
		return r;
	collection.judge = &judge;
	collection.repository_fd = fcntl(store_dir_fd(store), F_DUPFD_CLOEXEC, 0);
	r = collect_all(&collection, why);
	if (r < 0)
		return r;
	for (size_t i = collection.count; i-- > 0;) {
		const struct found *found = &collection.items[i];
		struct diag reason = {0};

		r = unmount_found(repo, found, lazy, &reason);
		tell(context, found->target, r, &reason);
	}
	/* collection.repository_fd shares the lock; both have to go before the sweep takes it. */
	fd_closep(&collection.repository_fd);
	repository_closep(&store);
	r = mounts_sweep(repo, why);
	return r < 0 ? r : 0;
}
