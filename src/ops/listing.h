/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * listing.h - what is in an image: as a dump, as paths, as the objects it needs
 *
 * The whole image is loaded first: a malformed one gives an error and no half answer. Immutable
 * after that.
 */
#ifndef LAMINA_OPS_LISTING_H
#define LAMINA_OPS_LISTING_H

#include <stdio.h>

#include "base/digest.h"
#include "base/span.h"

struct diag;   /* base/diag.h */
struct source; /* ops/source.h */

struct listing;

/*
 * Open and load an image: by what a user typed (ops/source.h), or by a path only. filters, when not
 * NULL, is a NULL-ended list of names in the root directory: only those are listed. Errors as of
 * source_open(), source_map() and image_load().
 */
int listing_open(const char *text, const char *repo, const char *const *filters,
		 struct listing **ret, struct diag *why);
int listing_open_file(const char *path, const char *const *filters, struct listing **ret,
		      struct diag *why);

/* The source it came from, which stays the listing's. */
const struct source *listing_source(const struct listing *listing);

void listing_free(struct listing *listing); /* NULL is fine */
void listing_freep(struct listing **listing);

/* The composefs dump text format. */
int listing_dump(const struct listing *listing, FILE *out, struct diag *why);

struct listing_entry {
	struct span path;   /* absolute, bytes */
	struct span target; /* of a symlink */
	struct span object; /* backing path of an external file; empty otherwise */
	struct digest digest;
	uint64_t size;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
};

/* Called for each path but the root, depth first in byte order. Non-zero ends and is the result. */
typedef int listing_visit(void *context, const struct listing_entry *entry, struct diag *why);
int listing_paths(const struct listing *listing, listing_visit *visit, void *context,
		  struct diag *why);

struct listing_object {
	struct span path;     /* backing path, such as "ab/cdef..." */
	struct digest digest; /* DIGEST_NONE when the image has none */
	uint64_t size;
};

/* Called for each backing path once, in byte order. */
typedef int listing_object_visit(void *context, const struct listing_object *object,
				 struct diag *why);
int listing_objects(const struct listing *listing, listing_object_visit *visit, void *context,
		    struct diag *why);

#endif
