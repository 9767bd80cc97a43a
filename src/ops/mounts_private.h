/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mounts_private.h - records of mounts, and what is left of what they tell of
 */
#ifndef LAMINA_OPS_MOUNTS_PRIVATE_H
#define LAMINA_OPS_MOUNTS_PRIVATE_H

#include "mount/process.h"
#include "ops/mounts.h"

struct mount_record; /* store/record.h */
struct record_entry; /* store/records.h */
struct records;      /* store/records.h */

/* What is looked up once for many records. */
struct judge {
	char boot[BOOT_ID_SIZE];
	uint64_t mount_namespace;
	struct process_table *table; /* owned; NULL until it is needed */
	bool has_table;
};

int judge_init(struct judge *judge, struct diag *why);
void judge_release(struct judge *judge);

/* A folder of records, and the repository that their digests are of (-1: that which they name). */
struct place {
	struct judge *judge;
	struct records *records;
	int repository_fd;
};

enum mount_state judge_entry(const struct place *place, const struct record_entry *entry);

struct process_identity record_server(const struct mount_record *record);

/*
 * The directory of the repository, without its lock: taking a mount away waits for nobody. An fd
 * the caller owns, or -1.
 */
int mounts_repository_dir(const char *repo);

#endif
