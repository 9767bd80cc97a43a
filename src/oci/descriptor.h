/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * descriptor.h - what OCI says of bytes that lie elsewhere: type, digest, size
 *
 * OCI image specification 1.1, "Content Descriptors". The digest is the plain hash of the bytes
 * (verity/sha.h), not the fs-verity digest that names objects.
 */
#ifndef LAMINA_OCI_DESCRIPTOR_H
#define LAMINA_OCI_DESCRIPTOR_H

#include <stdint.h>

#include "base/digest.h"

#define MEDIA_TYPE_SIZE_MAX 256 /* RFC 6838, 4.2: twice 127 and a slash; with the NUL */

struct oci_descriptor {
	char media_type[MEDIA_TYPE_SIZE_MAX]; /* "" where nobody said */
	struct digest digest;
	uint64_t size; /* bytes */
};

/* "sha256:" and hex digits, with the NUL. */
#define OCI_DIGEST_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 8)

/* Write digest as OCI spells it into text[OCI_DIGEST_SIZE_MAX]. Returns text. */
char *oci_digest_text(const struct digest *digest, char *text);

/*
 * Read "sha256:<64 lower-case hex digits>" or "sha512:<128>"; nothing else is taken, neither bare
 * hex nor capitals (OCI image specification 1.1, "Digests"). Returns 0 or -EUCLEAN.
 */
int oci_digest_parse(struct span text, struct digest *ret);

#endif
