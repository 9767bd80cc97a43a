/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * copy.h - an image from anywhere to anywhere, without a repository between
 *
 * The bytes of manifests and blobs stay what they are, so that all digests do; each is held to its
 * digest on the way. Only a docker-archive, which has no manifest of OCI, is made of layers that
 * are inflated, and then those are held to their diff_ids.
 */
#ifndef LAMINA_OPS_COPY_H
#define LAMINA_OPS_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "oci/registry.h"
#include "ops/progress.h"

struct diag; /* base/diag.h */

#define COPY_JOBS_DEFAULT 3 /* as PULL_JOBS_DEFAULT */
#define COPY_JOBS_MAX 64

struct copy_request {
	const char *source; /* both as oci/reference.h has it */
	const char *target;
	const char *platform; /* "OS/ARCH[/VARIANT]" of an index; NULL: this machine's */
	bool all;             /* the index with all that it lists */
	unsigned int jobs;    /* blobs at a time; 0: COPY_JOBS_DEFAULT */
	struct registry_options source_registry;
	struct registry_options target_registry;
	struct progress progress;
};

struct copy_result {
	struct digest manifest; /* or index: what the target's name leads to */
	size_t manifest_count;  /* that were copied, indexes among them */
	size_t blob_count;      /* that they name; one that two name counts twice */
	size_t present_count;   /* that the target had */
	size_t mounted_count;   /* that came from another repository of the registry */
	uint64_t sent_bytes;    /* of blobs */
};

/*
 * Copy. The target's name is the last thing that is written.
 *
 *   -EINVAL      a reference or platform that cannot be one
 *   -ENOENT      no such image, or none for the platform
 *   -EBADMSG     something has another digest than was promised
 *   -EUCLEAN, -EOPNOTSUPP, -E2BIG   the image is malformed, of a kind or a size we do not take
 *   else         as of registry_open() and target_open()
 */
int copy_image(const struct copy_request *request, struct copy_result *ret, struct diag *why);

#endif
