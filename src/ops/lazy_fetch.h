/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_fetch.h - contents of a lazily pulled image come from the registry when they are wanted
 *
 * They are verified before they get the name by which they are found (ops/lazy_chunks.h). What is
 * wrong is thrown away, and fetched from scratch by the next who asks. Any thread.
 */
#ifndef LAMINA_OPS_LAZY_FETCH_H
#define LAMINA_OPS_LAZY_FETCH_H

struct diag;       /* base/diag.h */
struct digest;     /* base/digest.h */
struct lazy_image; /* ops/lazy.h */
struct lazy_fetch;

/* image outlives it. Reads its table; asks nobody yet. */
int lazy_fetch_new(const struct lazy_image *image, struct lazy_fetch **ret, struct diag *why);
void lazy_fetch_free(struct lazy_fetch *fetch); /* NULL is fine */
void lazy_fetch_freep(struct lazy_fetch **fetch);

/*
 * Contents by their SHA-256: those that are here, or are brought now. Of several threads that want
 * the same, one fetches. Returns a descriptor that the caller owns, for reading, or:
 *
 *   -ENOENT        the image has no such contents
 *   -EBADMSG, -EUCLEAN  what came is not what was promised
 *   -EHOSTUNREACH  the registry did not answer a moment ago: nobody asks it again so soon
 *   as oci_source_range()
 */
int lazy_fetch_get(struct lazy_fetch *fetch, const struct digest *contents, struct diag *why);

#endif
