/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * digest.h - fs-verity digests of many files at once
 */
#ifndef LAMINA_OPS_DIGEST_H
#define LAMINA_OPS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct diag; /* base/diag.h */

/* What is known of one file when its turn has come. */
struct digest_result {
	const char *path;
	int error;          /* 0, or negative errno with *why */
	struct digest name; /* when error is 0 */
	uint64_t size_bytes;
};

/* Called once a file, in the order of paths, by the calling thread. */
typedef void digest_visit(void *context, const struct digest_result *result, struct diag *why);

struct digest_request {
	enum digest_algorithm algorithm;
	unsigned int thread_count; /* 0: one a CPU */
	/* Ask the kernel first and compute only what has no fs-verity (composefs-info
	 * measure-file). */
	bool measure;
};

/* Returns 0, or the first error after having visited all. */
int digest_files(const struct digest_request *request, char *const *paths, size_t count,
		 digest_visit *visit, void *context, struct diag *why);

#endif
