/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/trace.h"
#include "ops/mounts_private.h"
#include "ops/repository.h"
#include "ops/runtime.h"
#include "store/lease.h"
#include "store/record.h"
#include "store/records.h"
#include "store/store.h"

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
		.is_own = entry->owner == geteuid(),
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

int mounts_repository_dir(const char *repo)
{
	CLEAN(memory_freep) char *path = repository_path(repo);

	return path ? openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int mounts_sweep(const char *repo, struct diag *why)
{
	CLEAN(records_closep) struct records *here = NULL, *own = NULL;
	CLEAN(fd_closep) int dir_fd = mounts_repository_dir(repo);
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
