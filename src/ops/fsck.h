/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fsck.h - whether a repository is whole
 *
 * Finds what composefs-rs finds, by the same names (composefs-repository.md, 2.9), both of its
 * general check and of that of OCI images; and two things more: that sizes of streams add up, and
 * that layers hash to their diff_ids.
 */
#ifndef LAMINA_OPS_FSCK_H
#define LAMINA_OPS_FSCK_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/progress.h"

struct diag; /* base/diag.h */

struct fsck_problem {
	const char *kind;    /* such as "object-digest-mismatch" */
	const char *subject; /* a path in the repository, or a tag */
	const char *text;    /* what is wrong with it */
	const char *repair;  /* what was done: "put aside", "removed"; NULL: nothing */
};

struct fsck_request {
	const char *repo;   /* as of repository_open() */
	bool metadata_only; /* contents are not hashed */
	/*
	 * Put damaged objects aside, so that they are stored again by who brings them again; remove
	 * links to nothing, and names of streams that are not whole, so that they are pulled again.
	 * Holds the repository alone, and waits for it.
	 */
	bool is_repair;
	struct progress progress;
	/* Called for each problem at the end, in the order of the checks. */
	void (*tell)(void *context, const struct fsck_problem *problem);
	void *context;
};

struct fsck_count {
	uint64_t checked;
	uint64_t corrupted;
};

enum fsck_meta {
	FSCK_META_ABSENT, /* a repository from before there was one: no error */
	FSCK_META_OK,
	FSCK_META_ERROR,
};

struct fsck_result {
	enum fsck_meta meta;
	struct fsck_count objects;
	struct fsck_count streams;
	struct fsck_count images;
	struct fsck_count oci_images; /* manifests */
	uint64_t broken_links;
	uint64_t missing_objects; /* as often as they are missed */
	uint64_t error_count;     /* problems, repaired ones too */
	uint64_t repair_count;
};

/*
 * Check. That problems were found is no failure: error_count says so. Errors as of
 * repository_open(), or -errno where it could not be checked at all.
 */
int fsck_run(const struct fsck_request *request, struct fsck_result *ret, struct diag *why);

#endif
