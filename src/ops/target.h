/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * target.h - where an image goes: a registry, an OCI layout, a directory of blobs, an archive
 */
#ifndef LAMINA_OPS_TARGET_H
#define LAMINA_OPS_TARGET_H

#include <stdbool.h>

struct diag;             /* base/diag.h */
struct oci_reference;    /* oci/reference.h */
struct oci_target;       /* oci/target.h */
struct registry_options; /* oci/registry.h */

/*
 * Open the target that a reference names. default_name is what the image is called there if the
 * reference does not say; NULL: nothing.
 *
 *   -EOPNOTSUPP  a transport that nothing can be written to
 *   else         as of registry_push_open(), or of the system
 */
int target_open(const struct oci_reference *reference, const struct registry_options *options,
		const char *default_name, struct oci_target **ret, struct diag *why);

/* Whether the target wants layers without compression: a docker-archive. */
bool target_wants_plain(const struct oci_reference *reference);

#endif
