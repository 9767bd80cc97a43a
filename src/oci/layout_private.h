/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layout_private.h - the sources behind oci_layout_open(), by what their files look like
 *
 * Each takes the files in every case. *ret_name is NULL or the caller's, as there.
 */
#ifndef LAMINA_OCI_LAYOUT_PRIVATE_H
#define LAMINA_OCI_LAYOUT_PRIVATE_H

#include "base/span.h"

struct diag;          /* base/diag.h */
struct digest;        /* base/digest.h */
struct oci_files;     /* oci/files.h */
struct oci_reference; /* oci/reference.h */
struct oci_source;    /* oci/source.h */
struct reader;        /* base/reader.h */

int image_layout_open(struct oci_files *files, const struct oci_reference *reference,
		      struct oci_source **ret, char **ret_name, struct diag *why);
int docker_archive_open(struct oci_files *files, const struct oci_reference *reference,
			struct oci_source **ret, char **ret_name, struct diag *why);
int dir_layout_open(struct oci_files *files, const struct oci_reference *reference,
		    struct oci_source **ret, char **ret_name, struct diag *why);

#endif
