/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * scan.h - a directory as a tree
 *
 * Takes what the caller may read: names of any bytes, all types of files, nanosecond times, all
 * xattrs. Mount points are crossed, symbolic links and devices never followed or opened. Contents
 * are hashed or stored by a callback on several threads. Descriptors are bounded whatever the
 * depth.
 *
 * A file that changes between the look at it and the end of its content, or a directory that moves,
 * is an error (-ESTALE), never a wrong digest.
 */
#ifndef LAMINA_TREE_SCAN_H
#define LAMINA_TREE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct diag; /* base/diag.h */
struct tree; /* tree/tree.h */

/*
 * Take the content of a regular file of size_bytes bytes, open for reading at offset 0, and give
 * its digest, of the scan's algorithm. Called on several threads at once; fd stays the caller's.
 */
typedef int scan_content(void *context, int fd, uint64_t size_bytes, struct digest *ret,
			 struct diag *why);

struct scan_options {
	enum digest_algorithm algorithm;
	unsigned int thread_count; /* that call content; 0: one a CPU */
	bool skip_xattrs;
	bool user_xattrs;   /* only user.* */
	bool skip_devices;  /* whiteouts, too */
	bool use_epoch;     /* all times 0 */
	bool no_hard_links; /* each name is an inode of its own with a link count of 1 */
	/* For regular files of more than INLINE_SIZE_DEFAULT bytes; others are kept in the tree. */
	scan_content *content;
	void *context;
};

/*
 * Read the directory fd, which stays the caller's, into a sorted tree. Link counts are those of the
 * tree: the names found in it. The first name of an inode in breadth-first byte order is its
 * primary.
 *
 * Returns 0, -ESTALE, -EINVAL or -E2BIG for xattrs beyond the format (tree_xattr_set), or what the
 * system or the callback said; messages name the path below the directory.
 */
int tree_scan(int dir_fd, const struct scan_options *options, struct tree **ret, struct diag *why);

#endif
