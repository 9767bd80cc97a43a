/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * gc.h - remove what nothing needs from a repository
 *
 * Needed is all that leads from a name in images/refs/ or streams/refs/ (composefs-repository.md,
 * 2.9), from an image that is mounted, wherever that is, and from a stream or image young enough to
 * be left alone. A referrer counts while what it refers to does.
 */
#ifndef LAMINA_OPS_GC_H
#define LAMINA_OPS_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/progress.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */
struct swept; /* store/sweep.h */

enum gc_kind {
	GC_REFERENCE, /* a name that led to nothing, or a referrer of nothing */
	GC_IMAGE,
	GC_STREAM,
	GC_OBJECT,
	GC_TEMPORARY,
	GC_QUARANTINED,
	GC_KIND_COUNT
};

struct gc_request {
	bool is_dry;            /* only say what would go; takes no lock of its own */
	uint64_t older_seconds; /* files younger than that stay */
	struct progress progress;
	/* Called for each thing that goes; name is a path in the repository. May be NULL. */
	void (*tell)(void *context, enum gc_kind kind, const char *name, uint64_t size_bytes);
	void *context;
};

struct gc_result {
	uint64_t counts[GC_KIND_COUNT]; /* that went */
	uint64_t bytes;                 /* of the files among them */
	uint64_t mounted_count;         /* images that only a mount keeps */
	uint64_t kept_count;            /* objects that are needed, there or not */
	uint64_t missing_count;         /* streams and images that are needed and not there */
	int stale_count;                /* records of mounts that went */
};

/*
 * Collect. Waits until nobody else has the repository open: a pull that goes on is not robbed of
 * what it has stored so far. Nothing is removed unless it is known what is needed:
 *
 *   -EUCLEAN, -EBADMSG, ...  as of reach_add(): something that is needed is damaged
 */
int gc_run(struct store *store, const struct gc_request *request, struct gc_result *ret,
	   struct diag *why);

#endif
