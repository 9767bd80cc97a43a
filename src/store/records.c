/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/folder.h"
#include "base/limits.h"
#include "store/draft_private.h"
#include "store/record.h"
#include "store/records.h"
#include "store/store_private.h"

#define SUFFIX ".json"
#define FILE_NAME_SIZE (RECORD_ID_SIZE + sizeof(SUFFIX) - 1)

struct records {
	int dir_fd;  /* owned */
	int lock_fd; /* owned */
};

int records_open(int parent_fd, enum records_lock lock, bool makes, struct records **ret,
		 struct diag *why)
{
	CLEAN(fd_closep) int ours = folder_open(parent_fd, "lamina", makes, why);
	CLEAN(records_closep) struct records *records = NULL;

	if (ours < 0)
		return ours;
	records = calloc(1, sizeof(*records));
	if (!records)
		return -ENOMEM;
	records->lock_fd = -1;
	records->dir_fd = folder_open(ours, "mounts", makes, why);
	if (records->dir_fd < 0)
		return records->dir_fd;
	/* Opened anew: a lock belongs to the open file, and other locks on it are not ours. */
	records->lock_fd = openat(lock == RECORDS_LOCK_PARENT ? parent_fd : records->dir_fd, ".",
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (records->lock_fd < 0)
		return diag_errno(why, -errno, "cannot open what locks the records");
	*ret = TAKE(records);
	return 0;
}

void records_close(struct records *records)
{
	if (!records)
		return;
	fd_close(records->lock_fd);
	fd_close(records->dir_fd);
	free(records);
}

void records_closep(struct records **records)
{
	records_close(*records);
	*records = NULL;
}

static int lock(struct records *records, int operation, struct diag *why)
{
	int r;

	do {
		r = flock(records->lock_fd, operation);
	} while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EWOULDBLOCK)
		return diag_set(why, -EBUSY, "the repository is locked by somebody else");
	return r < 0 ? diag_errno(why, -errno, "cannot lock the repository") : 0;
}

int records_share(struct records *records, struct diag *why)
{
	return lock(records, LOCK_SH, why);
}

int records_lock_alone(struct records *records, struct diag *why)
{
	return lock(records, LOCK_EX | LOCK_NB, why);
}

void records_unlock(struct records *records)
{
	(void)flock(records->lock_fd, LOCK_UN);
}

static char *file_name(const char *id, char name[FILE_NAME_SIZE])
{
	(void)snprintf(name, FILE_NAME_SIZE, "%s" SUFFIX, id);
	return name;
}

int records_put(struct records *records, const struct mount_record *record, struct diag *why)
{
	CLEAN(draft_release) struct draft draft = DRAFT_NONE;
	CLEAN(buf_release) struct buf text = {0};
	char name[FILE_NAME_SIZE];
	int r;

	r = record_format(record, &text);
	if (r < 0)
		return r;
	r = draft_open(records->dir_fd, &draft, why);
	if (r < 0)
		return r;
	r = fd_write(draft.fd, text.data, text.size);
	if (r < 0)
		return diag_errno(why, r, "cannot write a record");
	/* No fsync: a record means nothing after a power loss. */
	r = draft_link(&draft, records->dir_fd, file_name(record->id, name), why);
	if (r == -EEXIST)
		r = draft_replace(&draft, records->dir_fd, name, why);
	return r;
}

int records_remove(struct records *records, const char *id, struct diag *why)
{
	char name[FILE_NAME_SIZE];

	if (unlinkat(records->dir_fd, file_name(id, name), 0) == 0)
		return 0;
	if (errno == ENOENT)
		return -ENOENT;
	return diag_errno(why, -errno, "cannot remove the record %s", id);
}

struct ids {
	char (*items)[RECORD_ID_SIZE]; /* owned */
	size_t count;
	size_t capacity;
};

static int ids_add(struct ids *ids, const char *id, struct diag *why)
{
	if (ids->count == RECORD_COUNT_MAX)
		return diag_set(why, -E2BIG, "more than %d mount records", RECORD_COUNT_MAX);
	if (ids->count == ids->capacity) {
		size_t capacity = ids->capacity ? 2 * ids->capacity : 64;
		char(*items)[RECORD_ID_SIZE] =
			realloc(ids->items, capacity * sizeof(ids->items[0]));

		if (!items)
			return -ENOMEM;
		ids->items = items;
		ids->capacity = capacity;
	}
	memcpy(ids->items[ids->count++], id, RECORD_ID_SIZE);
	return 0;
}

/* "<id>.json" to id. */
static bool id_of_name(const char *name, char ret[RECORD_ID_SIZE])
{
	if (strlen(name) != FILE_NAME_SIZE - 1 || strcmp(name + RECORD_ID_SIZE - 1, SUFFIX) != 0)
		return false;
	memcpy(ret, name, RECORD_ID_SIZE - 1);
	ret[RECORD_ID_SIZE - 1] = '\0';
	return record_id_is_valid(ret);
}

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, RECORD_ID_SIZE);
}

static int ids_collect(struct records *records, struct ids *ids, struct diag *why)
{
	CLEAN(folder_closep) DIR *dir = folder_read(records->dir_fd);
	struct dirent *entry;
	int r;

	if (!dir)
		return diag_errno(why, -errno, "cannot read the mount records");
	while ((errno = 0, entry = readdir(dir))) {
		char id[RECORD_ID_SIZE];

		if (!id_of_name(entry->d_name, id))
			continue;
		r = ids_add(ids, id, why);
		if (r < 0)
			return r;
	}
	if (errno)
		return diag_errno(why, -errno, "cannot read the mount records");
	if (ids->count > 0)
		qsort(ids->items, ids->count, sizeof(ids->items[0]), id_compare);
	return 0;
}

static int record_read(struct records *records, const char *id, struct record_entry *entry,
		       struct mount_record *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = -1;
	char name[FILE_NAME_SIZE];
	struct stat st;
	int r;

	/* O_NONBLOCK: a FIFO in its place must not hang us. */
	fd = openat(records->dir_fd, file_name(id, name),
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "cannot open it");
	entry->owner = st.st_uid;
	entry->modified = st.st_mtim.tv_sec;
	if (!S_ISREG(st.st_mode))
		return diag_set(why, -EUCLEAN, "it is not a regular file");
	r = fd_read_all(fd, RECORD_SIZE_MAX, &text);
	if (r == -E2BIG)
		return diag_set(why, -EUCLEAN, "it has more than %d bytes", RECORD_SIZE_MAX);
	if (r < 0)
		return diag_errno(why, r, "cannot read it");
	r = record_parse(buf_span(&text), ret, why);
	if (r < 0)
		return r;
	if (strcmp(ret->id, id) == 0)
		return 0;
	mount_record_release(ret);
	return diag_set(why, -EUCLEAN, "its name is another");
}

int records_each(struct records *records, record_visit *visit, void *context, struct diag *why)
{
	struct ids ids = {0};
	int r = ids_collect(records, &ids, why);

	for (size_t i = 0; i < ids.count && r == 0; i++) {
		CLEAN(mount_record_release) struct mount_record record = {0};
		struct record_entry entry = {.id = ids.items[i]};
		struct diag reason = {0};

		entry.error = record_read(records, entry.id, &entry, &record, &reason);
		if (entry.error == -ENOENT)
			continue; /* unmounted meanwhile */
		entry.record = entry.error < 0 ? NULL : &record;
		entry.reason = diag_text(&reason, entry.error);
		r = visit(context, &entry, why);
	}
	free(ids.items);
	return r;
}

void records_tidy_locked(struct records *records)
{
	CLEAN(folder_closep) DIR *dir = folder_read(records->dir_fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, OBJECT_PREFIX, strlen(OBJECT_PREFIX)) == 0)
			(void)unlinkat(records->dir_fd, entry->d_name, 0);
	}
}
