/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * build.h - an image file without a repository: what mkcomposefs does
 */
#ifndef LAMINA_OPS_BUILD_H
#define LAMINA_OPS_BUILD_H

#include "base/digest.h"
#include "erofs/writer.h"
#include "ops/input.h"

struct build_request {
	const char *input;      /* directory or dump; "-": a dump from standard input */
	const char *output;     /* NULL: only the digest; "-": standard output */
	const char *object_dir; /* NULL, or where contents go, as XX/rest */
	struct input_options options;
	struct erofs_version_range versions;
};

struct build_result {
	struct digest name; /* fs-verity digest of the image */
	uint64_t size_bytes;
	uint64_t inode_count;
	uint32_t version;
	struct input_stats input;
};

/*
 * Make the image. The output appears complete or not at all, in place of a regular file that was
 * there; it has mode 0644 less the umask. Not synced: as with a compiler's output, making it again
 * is cheap.
 */
int build_image(const struct build_request *request, struct build_result *ret, struct diag *why);

#endif
