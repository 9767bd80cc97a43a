/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image.h - an image in the repository: manifest, config, and what they lead to
 *
 * composefs-repository.md, 2.7. The manifest is a stream of one object that names the config's
 * stream and those of the layers; the config's names the layers and the EROFS images made of them.
 * Immutable once open.
 */
#ifndef LAMINA_OCI_IMAGE_H
#define LAMINA_OCI_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/digest.h"
#include "oci/descriptor.h"

struct diag;         /* base/diag.h */
struct oci_config;   /* oci/config.h */
struct oci_manifest; /* oci/manifest.h */
struct store;        /* store/store.h */
struct transaction;  /* store/objects.h */

/* A named reference of a stream. */
struct oci_link {
	char *name; /* owned */
	struct digest id;
};

struct oci_links {
	struct oci_link *items; /* owned */
	size_t count;
};

void oci_links_release(struct oci_links *links);

/* Add a link; one of that name that is there gets the new id. 0 or -ENOMEM. */
int oci_links_put(struct oci_links *links, const char *name, const struct digest *id);

/* NULL: there is none of that name. */
const struct digest *oci_links_find(const struct oci_links *links, const char *name);

struct oci_image {
	struct digest digest;          /* of the manifest, as OCI has it */
	struct buf manifest_bytes;     /* owned; to the byte what was pulled */
	struct oci_manifest *manifest; /* owned */
	struct buf config_bytes;       /* owned */
	struct oci_config *config;     /* owned; NULL: an artifact, which has none of an image */
	struct digest *layers;         /* owned; IDs of streams, as many as the manifest has */
	struct oci_links links;        /* all that is named in the manifest's stream */
	struct oci_links config_links; /* and in the config's */
};

/*
 * Open the image that text means (oci_image_find()). Manifest and config are held to their digests.
 *
 *   -ENOENT   no such image; or parts of it are gone
 *   -EBADMSG  manifest or config is not what its digest says
 *   -EUCLEAN  malformed
 */
int oci_image_open(const struct store *store, const char *text, struct oci_image **ret,
		   struct diag *why);

/* The same of the manifest with that digest and stream. */
int oci_image_open_id(const struct store *store, const struct digest *digest,
		      const struct digest *id, struct oci_image **ret, struct diag *why);

void oci_image_free(struct oci_image *image); /* NULL is fine */
void oci_image_freep(struct oci_image **image);

/*
 * What the manifest's stream calls the stream of a compressed layer that is kept beside it, into
 * name[OCI_KEPT_BLOB_SIZE_MAX]. Ours: composefs-rs passes such names over, and what collects
 * garbage follows them, here as there. Returns name.
 */
#define OCI_KEPT_BLOB_PREFIX "blob:"
#define OCI_KEPT_BLOB_SIZE_MAX (sizeof(OCI_KEPT_BLOB_PREFIX) + OCI_DIGEST_SIZE_MAX)
char *oci_kept_blob_name(const struct digest *blob, char *name);

/*
 * What the config's stream calls the EROFS image of that version; NULL for 0, which has no name
 * (composefs-repository.md, 2.7).
 */
const char *oci_image_erofs_name(unsigned int version);

/* The same of the one that boots (oci/transform.h). */
const char *oci_image_boot_name(unsigned int version);

/*
 * The EROFS image to mount: of the version preferred if there is one, else of another. -ENOENT:
 * none was made.
 */
int oci_image_erofs(const struct oci_image *image, unsigned int preferred, struct digest *ret,
		    struct diag *why);

/*
 * The same for a mount, which asks only for the name: what text means, and nothing of it is read
 * but where it leads. -ENOENT; *ret_digest is that of the manifest.
 */
int oci_image_erofs_find(const struct store *store, const char *text, unsigned int preferred,
			 struct digest *ret, struct digest *ret_digest, struct diag *why);

/*
 * Write raw as a stream of one object with these links, each name in their order. *ret_id is the
 * stream. type is one of splitstream.h.
 */
int oci_stream_write(struct transaction *transaction, uint64_t type, struct span raw,
		     const struct oci_links *links, struct digest *ret_id, struct diag *why);

#endif
