/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fsck_private.h - what the parts of a check share
 */
#ifndef LAMINA_OPS_FSCK_PRIVATE_H
#define LAMINA_OPS_FSCK_PRIVATE_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "ops/fsck.h"
#include "store/entries.h"

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */
struct store;  /* store/store.h */

struct fsck {
	const struct fsck_request *request;
	struct store *store; /* owned */
	struct fsck_result result;

	pthread_mutex_t lock;
	/* guarded by lock: */
	struct arena arena;  /* texts of the problems */
	struct buf problems; /* of struct fsck_problem */
	bool is_out_of_memory;
};

/* Note a problem; any thread. repair: a literal, or NULL. */
void fsck_note(struct fsck *fsck, const char *kind, const char *subject, const char *repair,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* How many problems there are, and what was done about all from the first on. Not by workers. */
size_t fsck_problem_count(const struct fsck *fsck);
void fsck_repaired(struct fsck *fsck, size_t first, const char *repair);

/* "streams/<name>" and the like, in path. Returns path. */
#define FSCK_SUBJECT_SIZE 2304 /* the longest name below refs/, and its folder */
char *fsck_subject(enum entry_place place, const char *name, char path[FSCK_SUBJECT_SIZE]);

/*
 * A link of images/ or streams/, their refs included: *ret is the object it leads to, which is
 * there. Returns 1, 0 where it does not (a problem then), or -errno.
 */
int fsck_link(struct fsck *fsck, enum entry_place place, const char *name, const char *target,
	      struct digest *ret, struct diag *why);

/* Remove a link of which a problem is about to be noted. Returns "removed", or NULL. */
const char *fsck_unlink(struct fsck *fsck, enum entry_place place, const char *name);

/* What problems of a stream are called; NULL: not looked for. */
struct fsck_stream_kinds {
	const char *open_failed;
	const char *read_failed;
	const char *missing_object;
	const char *missing_reference;
};

/*
 * A stream and its contents. *ret_lacks is 0, or says what it lacks: bits of enum fsck_lack.
 * Returns 0 or -ENOMEM.
 */
enum fsck_lack {
	FSCK_LACKS_BYTES = 1,      /* it is damaged, or objects are missing */
	FSCK_LACKS_REFERENCES = 2, /* streams or images that it names are missing */
	FSCK_UNREADABLE = 4        /* it cannot be told: of another version, or the disk fails */
};
int fsck_stream(struct fsck *fsck, const struct digest *id, const char *subject,
		const struct fsck_stream_kinds *kinds, unsigned int *ret_lacks);

/* The checks, in their order. Each returns 0 or -errno: then nothing can be said. */
int fsck_objects(struct fsck *fsck, struct diag *why);
int fsck_streams(struct fsck *fsck, struct diag *why);
int fsck_images(struct fsck *fsck, struct diag *why);
int fsck_refs(struct fsck *fsck, struct diag *why);
int fsck_oci(struct fsck *fsck, struct diag *why);
int fsck_lazy(struct fsck *fsck, struct diag *why);

#endif
