/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * target.h - where an image is pushed to: blobs, then the manifests that name them
 *
 * A registry, a layout, an archive. What is there under a digest already need not be brought again.
 * Several threads may call one target at a time, but for finish and close.
 */
#ifndef LAMINA_OCI_TARGET_H
#define LAMINA_OCI_TARGET_H

#include <stdint.h>

#include "base/reader.h"
#include "base/span.h"
#include "oci/descriptor.h"

struct diag; /* base/diag.h */

struct oci_target; /* begins with struct oci_target_base in each implementation */

struct oci_target_ops {
	/* Returns 1 when the target has the blob, 0 when it has not, or an error. */
	int (*has_blob)(struct oci_target *target, const struct oci_descriptor *blob,
			struct diag *why);
	/*
	 * Have a blob that lies in another repository of the same registry appear in this one.
	 * Returns 1, 0 where that did not work: then put_blob() it, or an error. NULL: this kind
	 * of target has no other repositories.
	 */
	int (*mount_blob)(struct oci_target *target, const struct oci_descriptor *blob,
			  const char *from_repository, struct diag *why);
	/*
	 * Bring the bytes of a blob. They are read once from the beginning, and the reader stays
	 * the caller's to close.
	 *   -EBADMSG  they have another size or digest than the descriptor says
	 *   -EAGAIN   the target broke off: the bytes from their beginning may help, of which it
	 *             may not send what had come
	 */
	int (*put_blob)(struct oci_target *target, const struct oci_descriptor *blob,
			const struct reader *bytes, struct diag *why);
	/*
	 * Bring a manifest or an index, after all that it names: under the digest that it is known
	 * by, and with is_named under what the reference says, tag or digest, too.
	 *   -EBADMSG  the bytes are not what that digest, or the reference's, is of
	 */
	int (*put_manifest)(struct oci_target *target, const struct digest *digest,
			    struct span bytes, const char *media_type, bool is_named,
			    struct diag *why);
	/* All is there: make it durable and seen, where it is not yet. NULL: nothing to do. */
	int (*finish)(struct oci_target *target, struct diag *why);
	/* At any time. What was not finished leaves nothing that names it. */
	void (*close)(struct oci_target *target);
};

struct oci_target_base {
	const struct oci_target_ops *ops;
};

static inline int oci_target_has_blob(struct oci_target *target, const struct oci_descriptor *blob,
				      struct diag *why)
{
	return ((struct oci_target_base *)target)->ops->has_blob(target, blob, why);
}

static inline int oci_target_mount_blob(struct oci_target *target,
					const struct oci_descriptor *blob,
					const char *from_repository, struct diag *why)
{
	const struct oci_target_ops *ops = ((struct oci_target_base *)target)->ops;

	return ops->mount_blob ? ops->mount_blob(target, blob, from_repository, why) : 0;
}

static inline int oci_target_put_blob(struct oci_target *target, const struct oci_descriptor *blob,
				      const struct reader *bytes, struct diag *why)
{
	return ((struct oci_target_base *)target)->ops->put_blob(target, blob, bytes, why);
}

static inline int oci_target_put_manifest(struct oci_target *target, const struct digest *digest,
					  struct span bytes, const char *media_type, bool is_named,
					  struct diag *why)
{
	return ((struct oci_target_base *)target)
		->ops->put_manifest(target, digest, bytes, media_type, is_named, why);
}

static inline int oci_target_finish(struct oci_target *target, struct diag *why)
{
	const struct oci_target_ops *ops = ((struct oci_target_base *)target)->ops;

	return ops->finish ? ops->finish(target, why) : 0;
}

static inline void oci_target_close(struct oci_target *target) /* NULL is fine */
{
	if (target)
		((struct oci_target_base *)target)->ops->close(target);
}

#endif
