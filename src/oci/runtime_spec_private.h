/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * runtime_spec_private.h - the parts of a runtime's config.json
 *
 * Each returns a new reference, or NULL with *why where something is wrong with the request, and
 * NULL without it when out of memory.
 */
#ifndef LAMINA_OCI_RUNTIME_SPEC_PRIVATE_H
#define LAMINA_OCI_RUNTIME_SPEC_PRIVATE_H

#include <jansson.h>

#include "oci/runtime_spec.h"

json_t *runtime_process(const struct runtime_request *request, struct diag *why);
json_t *runtime_mounts(const struct runtime_request *request, struct diag *why);
json_t *runtime_linux(const struct runtime_request *request, struct diag *why);

/* What a container may have at most, "CAP_CHOWN"; NULL behind the last. */
extern const char *const runtime_capabilities[];

#endif
