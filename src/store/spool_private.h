/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * spool_private.h - bytes that wait until it is known what goes before them
 *
 * In memory up to SPOOL_MEMORY_SIZE, then in a file without a name. Owned by one thread.
 */
#ifndef LAMINA_STORE_SPOOL_PRIVATE_H
#define LAMINA_STORE_SPOOL_PRIVATE_H

#include <stdint.h>

#include "base/buf.h"
#include "store/draft_private.h"

struct diag; /* base/diag.h */

#define SPOOL_MEMORY_SIZE ((size_t)4 * 1024 * 1024) /* all that most layers have */

struct spool {
	int dir_fd;         /* borrowed: where the file is made */
	struct draft draft; /* open once there was more than fits into memory */
	struct buf memory;  /* what is not in the file yet */
	uint64_t size;      /* bytes, all of them */
};

#define SPOOL_OF(dir) ((struct spool){.dir_fd = (dir), .draft = DRAFT_NONE})

int spool_append(struct spool *spool, struct span bytes, struct diag *why);

/* Hand all bytes to take, in order. Returns 0, -errno, or what take returned if that is not 0. */
typedef int spool_take(void *context, struct span bytes, struct diag *why);
int spool_each(const struct spool *spool, spool_take *take, void *context, struct diag *why);

/* Empty it; it can be used again. */
void spool_reset(struct spool *spool);
void spool_release(struct spool *spool);

#endif
