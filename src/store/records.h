/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * records.h - a folder of mount records
 *
 * lamina/mounts/<id>.json below the directory of a repository, beside what composefs-rs knows and
 * looks at, or below a folder for run-time files. A record appears whole or not at all. Owned by
 * one thread.
 */
#ifndef LAMINA_STORE_RECORDS_H
#define LAMINA_STORE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct diag;         /* base/diag.h */
struct mount_record; /* store/record.h */
struct records;

/* Which lock is meant below. */
enum records_lock {
	RECORDS_LOCK_PARENT, /* of the repository: flock of its directory */
	RECORDS_LOCK_FOLDER, /* of the folder itself */
};

/*
 * Open the folder, made when missing if makes. parent_fd is borrowed for the call. Takes no lock.
 * -ENOENT, without a diag, when there is none.
 */
int records_open(int parent_fd, enum records_lock lock, bool makes, struct records **ret,
		 struct diag *why);
void records_close(struct records *records); /* gives the lock back; NULL is fine */
void records_closep(struct records **records);

/*
 * Whoever mounts holds the shared lock from before he writes a record until the mount is attached;
 * whoever removes stale records holds it alone, so that none is judged in between. The first waits,
 * the second does not: -EBUSY.
 */
int records_share(struct records *records, struct diag *why);
int records_lock_alone(struct records *records, struct diag *why);
void records_unlock(struct records *records);

/* Write the record, in place of one of the same id. */
int records_put(struct records *records, const struct mount_record *record, struct diag *why);

/* Remove one. -ENOENT, without a diag: there is none. */
int records_remove(struct records *records, const char *id, struct diag *why);

struct record_entry {
	const char *id;
	const struct mount_record *record; /* NULL: it cannot be read, error says why */
	int error;                         /* -EUCLEAN, -EOPNOTSUPP, or of the system */
	const char *reason;
	uid_t owner;      /* of the file */
	int64_t modified; /* seconds since 1970 */
};

/*
 * Call visit for each, the oldest first; it may remove them. A return other than 0 ends the walk
 * and is its result. -E2BIG when there are too many.
 */
typedef int record_visit(void *context, const struct record_entry *entry, struct diag *why);
int records_each(struct records *records, record_visit *visit, void *context, struct diag *why);

/* Remove what killed writers left, where the file system has no O_TMPFILE. Needs the lock alone. */
void records_tidy_locked(struct records *records);

#endif
