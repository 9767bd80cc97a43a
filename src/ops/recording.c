/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/idmap.h"
#include "base/trace.h"
#include "mount/path.h"
#include "mount/presence.h"
#include "mount/process.h"
#include "ops/ids.h"
#include "ops/mount.h"
#include "ops/runtime.h"
#include "ops/source.h"
#include "store/records.h"
#include "store/store.h"

_Static_assert(BOOT_ID_SIZE == RECORD_BOOT_SIZE, "the same text");

static enum record_mode mode_of(enum mount_mode mode)
{
	return mode == MOUNT_KERNEL    ? RECORD_KERNEL
	       : mode == MOUNT_OVERLAY ? RECORD_OVERLAY
				       : RECORD_STANDALONE;
}

/* Where the caller's words lead from the working directory of now. */
static int path_resolve(const char *path, char **ret)
{
	*ret = path ? realpath(path, NULL) : NULL;
	return path && !*ret ? -errno : 0;
}

static int repository_resolve(const struct source *source, char **ret, struct diag *why)
{
	return source->store ? fd_location(store_dir_fd(source->store), ret, why) : 0;
}

/* A name in the repository, or the path of a file. */
static int image_resolve(const struct mount_request *request, const struct source *source,
			 char **ret, struct diag *why)
{
	if (!request->image)
		return fd_location(request->image_fd, ret, why);
	if (!source->store)
		return path_resolve(request->image, ret);
	*ret = strdup(request->image);
	return *ret ? 0 : -ENOMEM;
}

/* What is known from the beginning. */
static int record_fill(struct mount_record *record, const struct mount_request *request,
		       const struct mount_choice *choice, const struct source *source,
		       const struct ids *ids, struct diag *why)
{
	int r;

	record->mode = mode_of(choice->mode);
	record->digest = source->name;
	record->mount_namespace = namespace_inode("mnt");
	record->created = time(NULL);
	if (ids->is_mapped) {
		record->maps = malloc(sizeof(*record->maps));
		if (!record->maps)
			return -ENOMEM;
		*record->maps = ids->maps;
	}
	r = record_id_make(record->id);
	if (r == 0)
		r = boot_id_read(record->boot, why);
	if (r == 0)
		r = repository_resolve(source, &record->repository, why);
	if (r == 0)
		r = path_resolve(request->upper, &record->upper);
	if (r == 0)
		r = image_resolve(request, source, &record->image, why);
	return r;
}

/* What changes from one writing to the next. */
static int record_update(struct mount_record *record, pid_t server_pid, int mount_fd, int target_fd,
			 struct diag *why)
{
	struct mount_ids mount = {0};
	int r = 0;

	record->server_pid = (int32_t)server_pid;
	if (server_pid > 0) {
		struct process_identity server = process_identify(server_pid);

		record->server_start = server.start;
		record->pid_namespace = server.pid_namespace;
	}
	if (!record->target && target_fd >= 0)
		r = fd_location(target_fd, &record->target, why);
	if (r == 0 && mount_fd >= 0)
		r = mount_ids_of(mount_fd, &mount, why);
	record->mount_id = mount.id;
	record->unique_id = mount.unique_id;
	return r;
}

static int put_and_share(struct recording *recording, struct diag *why)
{
	int r = records_share(recording->records, why);

	return r < 0 ? r : records_put(recording->records, &recording->record, why);
}

/* In the repository, else in the caller's own folder. */
static int place_first(struct recording *recording, const struct source *source, struct diag *why)
{
	int r = -EROFS;

	if (source->store && store_is_writable(source->store))
		r = records_open(store_dir_fd(source->store), RECORDS_LOCK_PARENT, true,
				 &recording->records, why);
	if (r == 0)
		r = put_and_share(recording, why);
	if (r == 0)
		return 0;
	records_closep(&recording->records);
	r = runtime_records(true, &recording->records, why);
	if (r == 0)
		r = put_and_share(recording, why);
	return r;
}

void recording_write(struct recording *recording, const struct mount_request *request,
		     const struct mount_choice *choice, const struct source *source,
		     const struct ids *ids, pid_t server_pid, int mount_fd, int target_fd)
{
	bool is_new = !recording->record.id[0];
	struct diag why = {0};
	int r = 0;

	if (!is_new && !recording->records)
		return; /* there was no place, and the reason has been told */
	if (is_new)
		r = record_fill(&recording->record, request, choice, source, ids, &why);
	if (r == 0)
		r = record_update(&recording->record, server_pid, mount_fd, target_fd, &why);
	if (r == 0)
		r = is_new ? place_first(recording, source, &why)
			   : records_put(recording->records, &recording->record, &why);
	if (r == 0) {
		TRACE("ops", "mount is recorded as %s", recording->record.id);
		return;
	}
	TRACE("ops", "mount is not recorded: %s", diag_text(&why, r));
	recording_drop(recording);
}

void recording_settle(struct recording *recording)
{
	if (recording->records)
		records_unlock(recording->records);
}

void recording_drop(struct recording *recording)
{
	if (recording->records)
		(void)records_remove(recording->records, recording->record.id, NULL);
	records_closep(&recording->records);
}

void recording_release(struct recording *recording)
{
	records_closep(&recording->records);
	mount_record_release(&recording->record);
}
