/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/trace.h"
#include "mount/mountinfo.h"
#include "mount/presence.h"
#include "mount/process.h"
#include "ops/mount.h"
#include "ops/repository.h"
#include "ops/runtime.h"
#include "store/lease.h"
#include "store/record.h"
#include "store/records.h"
#include "store/store.h"

/* How long the end of a server is waited for once nothing is mounted any more: it needs some
 * milliseconds. One that lives on has a mount elsewhere, and keeps its record. */
#define SERVER_END_MS 2000

const char *mount_state_name(enum mount_state state)
{
	switch (state) {
	case MOUNT_STATE_LIVE:
		return "live";
	case MOUNT_STATE_STALE:
		return "stale";
	case MOUNT_STATE_DEAD_SERVER:
		return "dead-server";
	case MOUNT_STATE_UNKNOWN:
		break;
	}
	return "unknown";
}

/* What is looked up once for many records. */
struct judge {
	char boot[BOOT_ID_SIZE];
	uint64_t mount_namespace;
	struct process_table *table; /* owned; NULL until it is needed */
	bool has_table;
};

static int judge_init(struct judge *judge, struct diag *why)
{
	*judge = (struct judge){.mount_namespace = namespace_inode("mnt")};
	return boot_id_read(judge->boot, why);
}

static void judge_release(struct judge *judge)
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

static struct process_identity server_of(const struct mount_record *record)
{
	return (struct process_identity){.pid = record->server_pid,
					 .start = record->server_start,
					 .pid_namespace = record->pid_namespace};
}

static enum liveness server_liveness(struct judge *judge, const struct mount_record *record)
{
	struct process_identity server = server_of(record);
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

/* A folder of records, and the repository that their digests are of (-1: that which they name). */
struct place {
	struct judge *judge;
	struct records *records;
	int repository_fd;
};

/* The repository of a record in the caller's own folder: as far as its path still leads there. */
static int repository_of(const struct place *place, const struct mount_record *record)
{
	if (place->repository_fd >= 0)
		return fcntl(place->repository_fd, F_DUPFD_CLOEXEC, 0);
	if (!record->repository)
		return -1;
	return openat(AT_FDCWD, record->repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum mount_state judge_entry(const struct place *place, const struct record_entry *entry)
{
	CLEAN(fd_closep) int repository_fd = -1;

	if (!entry->record)
		return judge_unreadable(entry);
	if (entry->record->mode == RECORD_KERNEL)
		repository_fd = repository_of(place, entry->record);
	return judge_record(place->judge, entry->record, repository_fd);
}

struct listing {
	struct place place;
	mounts_visit *visit;
	void *context;
};

static int listing_entry(void *context, const struct record_entry *entry, struct diag *why)
{
	const struct listing *listing = context;
	const struct mount_record *record = entry->record;
	struct mount_report report = {
		.id = entry->id,
		.state = judge_entry(&listing->place, entry),
		.in_repository = listing->place.repository_fd >= 0,
		.unreadable = record ? NULL : entry->reason,
	};

	if (record) {
		report.image = record->image;
		report.digest = record->digest.algorithm == DIGEST_NONE ? NULL : &record->digest;
		report.mode = record_mode_name(record->mode);
		report.target = record->target;
		report.upper = record->upper;
		report.maps = record->maps;
		report.server_pid = record->server_pid;
		report.mount_namespace = record->mount_namespace;
		report.mount_id = record->mount_id;
		report.unique_id = record->unique_id;
		report.created = record->created;
	}
	return listing->visit(listing->context, &report, why);
}

static int repository_walk(struct listing *listing, const struct store *store, struct diag *why)
{
	CLEAN(records_closep) struct records *records = NULL;
	int r = records_open(store_dir_fd(store), RECORDS_LOCK_PARENT, false, &records, why);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	listing->place.records = records;
	listing->place.repository_fd = store_dir_fd(store);
	return records_each(records, listing_entry, listing, why);
}

static int runtime_walk(struct listing *listing, struct diag *why)
{
	CLEAN(records_closep) struct records *records = NULL;
	int r = runtime_records(false, &records, why);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	listing->place.records = records;
	listing->place.repository_fd = -1;
	return records_each(records, listing_entry, listing, why);
}

int mounts_each(const char *repo, mounts_visit *visit, void *context, struct diag *why)
{
	CLEAN(repository_closep) struct store *store = NULL;
	CLEAN(judge_release) struct judge judge = {0};
	struct listing listing = {.place.judge = &judge, .visit = visit, .context = context};
	struct diag reason = {0};
	int r;

	r = judge_init(&judge, why);
	if (r < 0)
		return r;
	r = repository_open(repo, &store, &reason);
	if (r < 0 && (repo || r != -ENOENT))
		return diag_set(why, r, "%s", diag_text(&reason, r));
	r = store ? repository_walk(&listing, store, why) : 0;
	return r ? r : runtime_walk(&listing, why);
}

static int need_visit(void *context, const struct mount_report *report, struct diag *why)
{
	const struct digest *image = context;
	(void)why;
	if (report->state == MOUNT_STATE_STALE || report->state == MOUNT_STATE_DEAD_SERVER)
		return 0;
	/* A record of a later version, say, could be for any image. In the caller's own folder it
	 * is as likely for another repository, and whoever has the image open is asked below. */
	if (report->unreadable)
		return report->in_repository;
	return report->digest && digest_equal(report->digest, image);
}

int mounts_need_image(const struct store *store, const struct digest *image, struct diag *why)
{
	CLEAN(judge_release) struct judge judge = {0};
	struct listing listing = {
		.place.judge = &judge, .visit = need_visit, .context = (void *)(uintptr_t)image};
	int r;

	r = judge_init(&judge, why);
	if (r == 0)
		r = repository_walk(&listing, store, why);
	if (r == 0)
		r = runtime_walk(&listing, why);
	if (r != 0)
		return r;
	/* Where leases do not work it cannot be told, and what may be needed is needed. */
	r = object_is_open(store_dir_fd(store), image);
	return r != 0 && r != -ENOENT;
}

struct image_listing {
	mounts_image_visit *visit;
	void *context;
};

static int image_visit_report(void *context, const struct mount_report *report, struct diag *why)
{
	const struct image_listing *images = context;

	if (!report->digest || report->state == MOUNT_STATE_STALE ||
	    report->state == MOUNT_STATE_DEAD_SERVER)
		return 0;
	return images->visit(images->context, report->digest, why);
}

int mounts_each_image(const struct store *store, mounts_image_visit *visit, void *context,
		      struct diag *why)
{
	CLEAN(judge_release) struct judge judge = {0};
	struct image_listing images = {visit, context};
	struct listing listing = {
		.place.judge = &judge, .visit = image_visit_report, .context = &images};
	int r;

	r = judge_init(&judge, why);
	if (r == 0)
		r = repository_walk(&listing, store, why);
	return r ? r : runtime_walk(&listing, why);
}

struct sweep {
	struct place place;
	int count;
};

static int sweep_entry(void *context, const struct record_entry *entry, struct diag *why)
{
	struct sweep *sweep = context;
	int r;

	if (judge_entry(&sweep->place, entry) != MOUNT_STATE_STALE)
		return 0;
	r = records_remove(sweep->place.records, entry->id, why);
	if (r == 0)
		sweep->count++;
	return r == -ENOENT ? 0 : r;
}

static int sweep_locked(struct records *records, int repository_fd, struct diag *why)
{
	CLEAN(judge_release) struct judge judge = {0};
	struct sweep sweep = {.place = {&judge, records, repository_fd}};
	int r = judge_init(&judge, why);

	if (r < 0)
		return r;
	r = records_each(records, sweep_entry, &sweep, why);
	records_tidy_locked(records);
	TRACE("ops", "%d mount records were stale", sweep.count);
	return r < 0 ? r : sweep.count;
}

int mounts_sweep_locked(const struct store *store, struct diag *why)
{
	CLEAN(records_closep) struct records *records = NULL;
	int r = records_open(store_dir_fd(store), RECORDS_LOCK_PARENT, false, &records, why);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return sweep_locked(records, store_dir_fd(store), why);
}

static int sweep_if_free(struct records *records, int repository_fd, struct diag *why)
{
	int r = records_lock_alone(records, why);

	if (r < 0)
		return r == -EBUSY ? 0 : r;
	r = sweep_locked(records, repository_fd, why);
	records_unlock(records);
	return r;
}

/* The directory of the repository, without its lock: taking a mount away waits for nobody. */
static int repository_dir(const char *repo)
{
	CLEAN(memory_freep) char *path = repository_path(repo);

	return path ? openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int mounts_sweep(const char *repo, struct diag *why)
{
	CLEAN(records_closep) struct records *here = NULL, *own = NULL;
	CLEAN(fd_closep) int dir_fd = repository_dir(repo);
	int count = 0, r;

	if (dir_fd >= 0 && records_open(dir_fd, RECORDS_LOCK_PARENT, false, &here, why) == 0) {
		count = sweep_if_free(here, dir_fd, why);
		if (count < 0)
			return count;
	}
	if (runtime_records(false, &own, why) < 0)
		return count;
	r = sweep_if_free(own, -1, why);
	return r < 0 ? r : count + r;
}

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
	struct process_identity server = server_of(record);

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
	CLEAN(fd_closep) int dir_fd = repository_dir(repo);

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
