/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * source.h - where an image is pulled from: manifests and blobs by their digests
 *
 * A registry, a layout, an archive, another engine's store. A source delivers bytes and promises
 * nothing about them: whoever pulls compares digests and sizes. Several threads may call one source
 * at a time; what they get belongs to the caller.
 */
#ifndef LAMINA_OCI_SOURCE_H
#define LAMINA_OCI_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reader.h"
#include "oci/descriptor.h"

struct buf;  /* base/buf.h */
struct diag; /* base/diag.h */

struct oci_source; /* begins with struct oci_source_base in each implementation */

struct oci_source_ops {
	/*
	 * Append the bytes of a manifest or an index: of what the reference names (which is NULL),
	 * or of the one that an index lists. At most MANIFEST_SIZE_MAX, else -E2BIG. The media type
	 * that the source gave, if it gave one, goes into media_type[MEDIA_TYPE_SIZE_MAX], else "".
	 */
	int (*manifest)(struct oci_source *source, const struct oci_descriptor *which,
			struct buf *ret, char *media_type, struct diag *why);
	/*
	 * The bytes of a blob from offset on, as many as there are; the reader is the caller's to
	 * close. A reader of a registry resumes by itself where a connection broke.
	 *   -ENOENT  no such blob
	 */
	int (*blob)(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		    struct reader *ret, struct diag *why);
	void (*close)(struct oci_source *source);
	/*
	 * NULL: layers come as the manifest has them. Else this is a store that keeps them
	 * unpacked: blob() gives the plain archive of a layer, whatever its media type says, and
	 * its digest is the diff_id of the config. Returns how many bytes that should have; 0: it
	 * does not say.
	 */
	uint64_t (*plain_size)(struct oci_source *source, const struct oci_descriptor *layer);
	/*
	 * size bytes of a blob from offset on, and no more of it is asked for; one connection,
	 * which is not resumed. NULL: the source has no such thing. Nothing vouches for a part: the
	 * digest is the whole blob's. -EOPNOTSUPP  the other side gives whole blobs only -ENOENT no
	 * such blob -EBADMSG     it is shorter, or has another size than promised
	 */
	int (*range)(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		     uint64_t size, struct reader *ret, struct diag *why);
	/*
	 * The digest that the source itself calls the reference's manifest by, and has held it to.
	 * DIGEST_NONE, or no such function: it has no such thing.
	 */
	struct digest (*name)(struct oci_source *source);
};

struct oci_source_base {
	const struct oci_source_ops *ops;
};

static inline int oci_source_manifest(struct oci_source *source, const struct oci_descriptor *which,
				      struct buf *ret, char *media_type, struct diag *why)
{
	return ((struct oci_source_base *)source)
		->ops->manifest(source, which, ret, media_type, why);
}

static inline struct digest oci_source_name(struct oci_source *source)
{
	const struct oci_source_ops *ops = ((struct oci_source_base *)source)->ops;

	return ops->name ? ops->name(source) : (struct digest){.algorithm = DIGEST_NONE};
}

static inline int oci_source_blob(struct oci_source *source, const struct oci_descriptor *blob,
				  uint64_t offset, struct reader *ret, struct diag *why)
{
	return ((struct oci_source_base *)source)->ops->blob(source, blob, offset, ret, why);
}

static inline bool oci_source_is_plain(const struct oci_source *source)
{
	return ((const struct oci_source_base *)source)->ops->plain_size != NULL;
}

/* Only of a source that is plain. */
static inline uint64_t oci_source_plain_size(struct oci_source *source,
					     const struct oci_descriptor *layer)
{
	return ((struct oci_source_base *)source)->ops->plain_size(source, layer);
}

static inline bool oci_source_has_ranges(const struct oci_source *source)
{
	return ((const struct oci_source_base *)source)->ops->range != NULL;
}

/* Only of a source that has ranges; size > 0. */
static inline int oci_source_range(struct oci_source *source, const struct oci_descriptor *blob,
				   uint64_t offset, uint64_t size, struct reader *ret,
				   struct diag *why)
{
	return ((struct oci_source_base *)source)->ops->range(source, blob, offset, size, ret, why);
}

static inline void oci_source_close(struct oci_source *source) /* NULL is fine */
{
	if (source)
		((struct oci_source_base *)source)->ops->close(source);
}

#endif
