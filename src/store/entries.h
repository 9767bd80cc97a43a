/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * entries.h - what lies in images/ and streams/, whatever it is
 *
 * images.h and streams.h are for names that lead somewhere; this is for those who look for what
 * does not: collecting garbage and checking.
 */
#ifndef LAMINA_STORE_ENTRIES_H
#define LAMINA_STORE_ENTRIES_H

#include "base/digest.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

enum entry_place {
	ENTRY_IMAGE,      /* images/<name> leads to an object */
	ENTRY_IMAGE_REF,  /* images/refs/<name> leads to images/<leaf> */
	ENTRY_STREAM,     /* streams/<name> leads to an object */
	ENTRY_STREAM_REF, /* streams/refs/<name> leads to streams/<leaf> */
};

/* "images", "images/refs", "streams" or "streams/refs". */
const char *entry_folder(enum entry_place place);

/*
 * Call visit for each, in byte order. target is NULL for what is not a link. Of refs/ all
 * directories below are looked through. A return other than 0 ends the walk and is its result.
 */
typedef int entry_visit(void *context, const char *name, const char *target, struct diag *why);
int entries_each(const struct store *store, enum entry_place place, entry_visit *visit,
		 void *context, struct diag *why);

/*
 * The object that a target in that place leads to: by its own path; from streams/refs/ by the link
 * that its last component (all that counts) names; from images/refs/ by that component itself,
 * which is the digest.
 *
 *   -EINVAL  the target is of no form that can lead to an object
 *   -ENOENT  it is, but the link that it needs is not there
 *
 * Both without a diag. Whether the object is there is not asked.
 */
int entry_object(const struct store *store, enum entry_place place, const char *target,
		 struct digest *ret, struct diag *why);

/* Take a link away. -ENOENT, without a diag, when there is none; -EINVAL when it is no link. */
int entry_remove(const struct store *store, enum entry_place place, const char *name,
		 struct diag *why);

/* Put what was removed from images/ and streams/ themselves on disk. */
int entries_sync(const struct store *store, struct diag *why);

#endif
