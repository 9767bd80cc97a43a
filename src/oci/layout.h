/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layout.h - images in files of this machine, as sources
 *
 *   oci, oci-archive   OCI image specification 1.1, "Image Layout"
 *   docker-archive     what 'docker save' and 'podman save' write, version 1.2 of Docker's image
 *                      specification, "Combined Image JSON + Filesystem Changeset Format"
 *   dir                containers-transports(5)
 *   containers-storage oci/storage.h
 */
#ifndef LAMINA_OCI_LAYOUT_H
#define LAMINA_OCI_LAYOUT_H

#include "base/digest.h"

struct diag;          /* base/diag.h */
struct oci_files;     /* oci/files.h */
struct oci_reference; /* oci/reference.h */
struct oci_source;    /* oci/source.h */

/*
 * Open the image that a reference of one of these transports names. *ret_name is what the image
 * calls itself, if it does, else NULL; the caller owns it.
 *
 *   -ENOENT   no such directory, archive or image; several, and the reference names none
 *   -EUCLEAN  the files are not what the transport says
 *   what storage_open() says
 */
int oci_layout_open(const struct oci_reference *reference, struct oci_source **ret, char **ret_name,
		    struct diag *why);

/*
 * The file of a blob (suffix "") or of another manifest than manifest.json (".manifest.json") in a
 * directory of the transport dir, as containers/image names it. Returns name.
 */
#define OCI_DIR_NAME_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 32)
char *oci_dir_blob_name(const struct digest *digest, const char *suffix,
			char name[OCI_DIR_NAME_SIZE_MAX]);

#endif
