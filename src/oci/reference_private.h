/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * reference_private.h - the part of a reference that names an image in a registry
 */
#ifndef LAMINA_OCI_REFERENCE_PRIVATE_H
#define LAMINA_OCI_REFERENCE_PRIVATE_H

#include "oci/reference.h"

/* Whether what stands before the first slash is a host and not the beginning of a path. */
bool reference_has_host(struct span text);

/* Fill in registry, repository, tag and digest. On failure the caller releases what is there. */
int reference_name_parse(struct span text, struct oci_reference *reference, struct diag *why);

/* A copy with a NUL. NULL when memory ran out. */
char *reference_copy(struct span text);

#endif
