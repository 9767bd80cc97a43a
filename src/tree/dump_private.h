/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dump_private.h - the pieces of the dump reader
 *
 * dump_line.c turns one line into facts, dump_path.c finds the directory of a path, dump_link.c
 * keeps the hard links until the end; dump_read.c drives them.
 */
#ifndef LAMINA_TREE_DUMP_PRIVATE_H
#define LAMINA_TREE_DUMP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/span.h"

struct diag;
struct dentry;
struct inode;
struct tree;

/* What one line says. Spans point into the line, or into the scratch where something was escaped.
 */
struct dump_line {
	struct span path;  /* ends before its first NUL */
	uint32_t mode;     /* 16 bits, type checked */
	bool is_hard_link; /* only path, mode and payload are set */
	bool has_payload;
	bool has_content;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t mtime_nsec;
	int64_t mtime_sec;
	uint64_t size;
	struct span payload; /* ends before its first NUL */
	struct span content;
	struct digest digest; /* DIGEST_NONE: unset */
	struct span raw_xattrs;
};

/* scratch is emptied, and owns the decoded bytes until the next line. */
int dump_line_parse(struct span text, struct buf *scratch, struct dump_line *ret, struct diag *why);

/* Take the next xattr off line->raw_xattrs. Returns 1, 0 when none is left, or -errno. */
int dump_line_xattr(struct dump_line *line, struct buf *scratch, struct span *ret_key,
		    struct span *ret_value, struct diag *why);

/* The directory of the path that was looked up last, and those above it. Starts as {0}. */
struct dump_path {
	struct buf parent;              /* the bytes before the last slash of that path */
	struct dump_path_level *levels; /* owned; levels[0] is the root */
	size_t level_count;
	size_t level_capacity;
};

/* Cut the next component off *rest; empty at the end. Repeated slashes are one. */
struct span dump_path_component(struct span *rest);

void dump_path_release(struct dump_path *path);

/*
 * Split bytes at the last slash, and find the directory that the first part names, in a tree with a
 * root. Constant time when it is that of the call before; else one look-up for each component that
 * differs.
 */
int dump_path_find(struct dump_path *path, const struct tree *tree, struct span bytes,
		   struct inode **ret_dir, struct span *ret_name, struct diag *why);

/* Hard links whose target is not looked up yet. Starts as {0}. */
struct dump_links {
	struct arena arena; /* the links, and the inodes that stand in for their targets */
	struct dump_link *first;
	struct dump_link *last;
};

void dump_links_release(struct dump_links *links);

/* Give dir a name that will be a link to target. Until dump_links_resolve() the name is no
 * directory. */
int dump_links_add(struct dump_links *links, struct tree *tree, struct inode *dir, struct span name,
		   struct span target, uint64_t line_number, struct diag *why);

/* Point every name at its inode. *why names the line of the link that fails. */
int dump_links_resolve(struct dump_links *links, struct tree *tree, struct diag *why);

#endif
