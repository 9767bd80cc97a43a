/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * streams.h - names of splitstreams, and the names that keep them
 *
 * streams/<name> is a link to the object that a stream is; streams/refs/<ref> is a link to that
 * (composefs-repository.md, 2.1, 2.4 and 2.7). A name is one component, such as
 * "oci-config-sha256:..."; a ref is a relative path. What no ref leads to is garbage.
 */
#ifndef LAMINA_STORE_STREAMS_H
#define LAMINA_STORE_STREAMS_H

#include "base/digest.h"
#include "base/span.h"

struct buf;   /* base/buf.h */
struct diag;  /* base/diag.h */
struct store; /* store/store.h */

#define STREAM_NAME_SIZE_MAX 256 /* NAME_MAX and the NUL */

/* Whether a name can be one: 0, or -EINVAL with the reason. */
int stream_name_check(const char *name, struct diag *why);

/*
 * Give a stream its name, replacing what the name was. The object, and all that it leads to, must
 * be durable already: after transaction_sync() or transaction_commit(). Durable on return. -ENOENT
 * when there is no such object.
 */
int stream_link(struct store *store, const char *name, const struct digest *id, struct diag *why);

/* Returns 0, or -ENOENT when there is no such name, or no object behind it any more. */
int stream_resolve(const struct store *store, const char *name, struct digest *ret_id,
		   struct diag *why);

/* Called for each name, in byte order. A return other than 0 ends the listing and is its result. */
typedef int stream_visit(void *context, const char *name, const struct digest *id,
			 struct diag *why);
int stream_list(const struct store *store, stream_visit *visit, void *context, struct diag *why);

/* Make ref lead to the stream of that name, which must be there: -ENOENT. Durable on return. */
int stream_ref_set(struct store *store, const char *ref, const char *name, struct diag *why);

/* The name that ref leads to. -ENOENT. */
int stream_ref_resolve(const struct store *store, const char *ref, char name[STREAM_NAME_SIZE_MAX],
		       struct diag *why);

/* Durable on return. -ENOENT. The stream stays until it is swept. */
int stream_ref_remove(struct store *store, const char *ref, struct diag *why);

/* Called for each ref that begins with prefix ("oci/", ""), in byte order; the stream may be gone.
 */
typedef int stream_ref_visit(void *context, const char *ref, const char *name, struct diag *why);
int stream_ref_list(const struct store *store, const char *prefix, stream_ref_visit *visit,
		    void *context, struct diag *why);

/* Any text as one component: % becomes %25 and / becomes %2F (2.7, "enc"). 0 or -ENOMEM. */
int stream_name_encode(struct span text, struct buf *ret);

/* The reverse; -EINVAL for what no encoder wrote. */
int stream_name_decode(struct span text, struct buf *ret);

#endif
