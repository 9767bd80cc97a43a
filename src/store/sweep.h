/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * sweep.h - taking away what nothing needs
 *
 * Whoever sweeps has found out what is needed and holds the store's lock alone. What goes, goes in
 * this order: names that lead to nothing that is kept; then, on disk, the links in images/ and
 * streams/; then objects. Killed or without power in between, no link leads to less than before it
 * was whole, so that nobody later takes a stream for complete that has lost its contents.
 */
#ifndef LAMINA_STORE_SWEEP_H
#define LAMINA_STORE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "store/entries.h"

struct diag;       /* base/diag.h */
struct digest_set; /* base/digest_set.h */
struct store;      /* store/store.h */

enum swept_kind {
	SWEPT_IMAGE_REF,
	SWEPT_STREAM_REF,
	SWEPT_IMAGE,
	SWEPT_STREAM,
	SWEPT_OBJECT,
	SWEPT_TEMPORARY,   /* what a killed writer left, of composefs-rs or ours */
	SWEPT_QUARANTINED, /* what fsck had put aside */
};

struct swept {
	enum swept_kind kind;
	const char *name;    /* the entry's; of others the path in the repository */
	uint64_t size_bytes; /* of files */
};

struct sweep {
	const struct digest_set *kept; /* objects that are needed */
	/*
	 * Files modified after this second since 1970 stay, needed or not. A link whose object
	 * stays for its age is to be among the kept, with all that it leads to.
	 */
	int64_t before;
	bool is_dry; /* only tell */
	/* Names in refs/ that go though they lead to something that is kept. May be NULL. */
	bool (*drops)(void *context, enum entry_place place, const char *name);
	/* Called for each thing that is removed, before it is. */
	void (*tell)(void *context, const struct swept *swept);
	void *context;
};

/* Returns 0 or -errno; what was told before is gone then, and nothing else. */
int sweep_store(struct store *store, const struct sweep *sweep, struct diag *why);

/*
 * When an object came to be, in seconds since 1970: the later of what its inode says of content and
 * of links. -ENOENT, without a diag, when there is none.
 */
int object_time(const struct store *store, const struct digest *name, int64_t *ret,
		struct diag *why);

#endif
