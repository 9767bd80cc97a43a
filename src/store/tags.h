/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tags.h - what people call OCI images: streams/refs/oci/<encoded tag> leads to a manifest
 *
 * composefs-repository.md, 2.7. A tag is any text of 1 to 255 bytes once encoded, such as
 * "docker.io/library/debian:12". The stream it leads to is called "oci-manifest-<digest>".
 */
#ifndef LAMINA_STORE_TAGS_H
#define LAMINA_STORE_TAGS_H

#include "base/digest.h"
#include "store/streams.h"

/* Whether a tag can be one: 0, or -EINVAL with the reason. */
int tag_check(const char *tag, struct diag *why);

/* As stream_ref_set(), stream_ref_resolve() with stream_resolve(), and stream_ref_remove(). */
int tag_set(struct store *store, const char *tag, const char *stream, struct diag *why);
int tag_resolve(const struct store *store, const char *tag, char stream[STREAM_NAME_SIZE_MAX],
		struct digest *ret_id, struct diag *why);
int tag_remove(struct store *store, const char *tag, struct diag *why);

/*
 * Called for each tag, in byte order of the encoded ones. Refs that no encoder wrote are passed
 * over. A return other than 0 ends the listing and is its result.
 */
typedef int tag_visit(void *context, const char *tag, const char *stream, struct diag *why);
int tag_list(const struct store *store, tag_visit *visit, void *context, struct diag *why);

#endif
