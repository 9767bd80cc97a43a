/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * input.h - what an image is made from: a directory, an archive or a dump, as a tree
 */
#ifndef LAMINA_OPS_INPUT_H
#define LAMINA_OPS_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "ops/progress.h"

struct diag;        /* base/diag.h */
struct transaction; /* store/objects.h */
struct tree;        /* tree/tree.h */

enum input_kind {
	/* A directory is scanned. A file with a NUL at its beginning, or that is compressed, is a
	 * tar archive; dumps are text. */
	INPUT_BY_TYPE,
	INPUT_DIRECTORY,
	INPUT_DUMP,
};

struct input_options {
	enum input_kind kind;
	enum digest_algorithm algorithm;
	unsigned int thread_count; /* 0: one a CPU */
	bool skip_xattrs;          /* of directories only, these six */
	bool user_xattrs;          /* only user.* */
	bool skip_devices;
	bool use_epoch;     /* all times 0 */
	bool no_hard_links; /* each name is a file of its own, as mkcomposefs has it */
	bool strict_dump;   /* refuse what CFS_PARSE_STRICT of mkcomposefs refuses */
	struct progress progress;
};

struct input_stats {
	bool is_dump;
	uint64_t file_count; /* contents hashed or stored */
	uint64_t file_bytes;
};

/*
 * Read path ("-": standard input, not of a directory) into a sorted tree. With a transaction,
 * contents larger than INLINE_SIZE_DEFAULT go into its store; without, they are only hashed.
 */
int input_read(const char *path, const struct input_options *options,
	       struct transaction *transaction, struct tree **ret, struct input_stats *ret_stats,
	       struct diag *why);

#endif
