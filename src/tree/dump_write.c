/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tree/dump_write.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "tree/tree.h"
#include "tree/xattr_uses.h"

#define TEXT_BYTES (64 * 1024)

/* Xattrs an inode refers to in the shared area of an image (composefs-image.md, section 6). */
#define SHARED_COUNT_MAX 128

struct dump_writer {
	const struct tree *tree;
	dump_sink *sink;
	void *context;
	struct diag *why;
	int failed; /* 0, or what the sink returned first; nothing is written after that */
	struct xattr_uses uses;
	struct buf dir_path;         /* of dir, without a slash at the end... */
	const struct inode *dir;     /* ...NULL: none yet */
	struct buf primary_dir_path; /* scratch */
	size_t used;
	char text[TEXT_BYTES];
};

static void writer_freep(struct dump_writer **writer)
{
	if (!*writer)
		return;
	xattr_uses_release(&(*writer)->uses);
	buf_release(&(*writer)->dir_path);
	buf_release(&(*writer)->primary_dir_path);
	memory_freep(writer);
}

static void flush(struct dump_writer *writer)
{
	if (!writer->failed && writer->used)
		writer->failed = writer->sink(writer->context, span_of(writer->text, writer->used),
					      writer->why);
	writer->used = 0;
}

static void put_byte(struct dump_writer *writer, char byte)
{
	if (writer->used == TEXT_BYTES)
		flush(writer);
	writer->text[writer->used++] = byte;
}

static void put_number(struct dump_writer *writer, uint64_t value, unsigned int base)
{
	char digits[24]; /* 2^64 has 22 octal digits */
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + value % base);
		value /= base;
	} while (value);
	while (count)
		put_byte(writer, digits[--count]);
}

static void put_signed(struct dump_writer *writer, int64_t value)
{
	if (value < 0)
		put_byte(writer, '-');
	put_number(writer, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

static void put_hex(struct dump_writer *writer, struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		put_byte(writer, "0123456789abcdef"[bytes.data[i] >> 4]);
		put_byte(writer, "0123456789abcdef"[bytes.data[i] & 15]);
	}
}

static void put_escape(struct dump_writer *writer, uint8_t byte)
{
	put_byte(writer, '\\');
	switch (byte) {
	case '\\':
		put_byte(writer, '\\');
		break;
	case '\n':
		put_byte(writer, 'n');
		break;
	case '\r':
		put_byte(writer, 'r');
		break;
	case '\t':
		put_byte(writer, 't');
		break;
	default:
		put_byte(writer, 'x');
		put_hex(writer, span_of(&byte, 1));
	}
}

/* also: one more byte to escape, or the NUL that is escaped anyway. */
static void put_escaped(struct dump_writer *writer, struct span bytes, char also)
{
	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t byte = bytes.data[i];

		if (byte > 0x20 && byte < 0x7f && byte != '\\' && byte != (uint8_t)also)
			put_byte(writer, (char)byte);
		else
			put_escape(writer, byte);
	}
}

/* "-" means unset, so what really is one dash is escaped. */
static void put_optional(struct dump_writer *writer, bool is_set, struct span bytes)
{
	put_byte(writer, ' ');
	if (!is_set)
		put_byte(writer, '-');
	else
		put_escaped(writer, bytes, bytes.size == 1 ? '-' : '\0');
}

/* Paths */

/* The path of a directory into *ret, empty for the root. */
static int dir_path(const struct tree *tree, const struct inode *dir, struct buf *ret)
{
	size_t size = 0;
	int r;

	for (const struct inode *at = dir; at != tree->root; at = at->primary->parent)
		size += 1 + (size_t)at->primary->name_size;
	ret->size = 0;
	r = buf_reserve(ret, size);
	if (r < 0)
		return r;
	ret->size = size;
	for (const struct inode *at = dir; at != tree->root; at = at->primary->parent) {
		size -= at->primary->name_size;
		memcpy(ret->data + size, at->primary->name, at->primary->name_size);
		ret->data[--size] = '/';
	}
	return 0;
}

static void put_path(struct dump_writer *writer, const struct buf *dir, const struct dentry *dentry)
{
	put_escaped(writer, buf_span(dir), '\0');
	put_byte(writer, '/');
	put_escaped(writer, dentry_name(dentry), '\0');
}

static int put_dentry_path(struct dump_writer *writer, const struct dentry *dentry)
{
	if (writer->dir != dentry->parent) {
		int r = dir_path(writer->tree, dentry->parent, &writer->dir_path);

		if (r < 0)
			return r;
		writer->dir = dentry->parent;
	}
	put_path(writer, &writer->dir_path, dentry);
	return 0;
}

static int put_primary_path(struct dump_writer *writer, const struct inode *inode)
{
	int r = dir_path(writer->tree, inode->primary->parent, &writer->primary_dir_path);

	if (r < 0)
		return r;
	put_byte(writer, ' ');
	put_path(writer, &writer->primary_dir_path, inode->primary);
	return 0;
}

/* Lines */

static void put_payload(struct dump_writer *writer, const struct inode *inode)
{
	struct span payload = SPAN_EMPTY;

	if (S_ISLNK(inode->mode))
		payload = span_of(inode->symlink.target, inode->size);
	else if (inode_is_external(inode) && inode->external.payload)
		payload = span_of_string(inode->external.payload);
	put_optional(writer, payload.size > 0, payload);
}

static void put_content(struct dump_writer *writer, const struct inode *inode)
{
	bool is_inline = S_ISREG(inode->mode) && inode->is_inline;

	put_optional(writer, is_inline,
		     is_inline ? span_of(inode->inlined.content, inode->size) : SPAN_EMPTY);
}

static void put_digest(struct dump_writer *writer, const struct inode *inode)
{
	put_byte(writer, ' ');
	if (inode_is_external(inode) && inode->digest_size)
		put_hex(writer, span_of(inode->external.digest, inode->digest_size));
	else
		put_byte(writer, '-');
}

static void put_xattr(struct dump_writer *writer, const struct xattr *xattr)
{
	put_byte(writer, ' ');
	put_escaped(writer, xattr->key, '=');
	put_byte(writer, '=');
	put_escaped(writer, xattr->value, '=');
}

/*
 * In the order of an image's inode: its own entries, then the shared ones. The overlay xattrs that
 * only an image has are left out of the count; they matter for an inode with more than 126 shared
 * ones.
 */
static void put_xattrs(struct dump_writer *writer, const struct inode *inode)
{
	size_t shared = 0;

	for (size_t i = 0; i < inode->xattr_count; i++) {
		if (xattr_uses_is_shared(&writer->uses, inode->xattrs[i]) &&
		    shared < SHARED_COUNT_MAX)
			shared++;
		else
			put_xattr(writer, inode->xattrs[i]);
	}
	for (size_t i = 0; shared; i++) {
		if (xattr_uses_is_shared(&writer->uses, inode->xattrs[i])) {
			put_xattr(writer, inode->xattrs[i]);
			shared--;
		}
	}
}

static void put_numbers(struct dump_writer *writer, const struct inode *inode, bool is_hard_link)
{
	put_byte(writer, ' ');
	put_number(writer, inode->size, 10);
	put_byte(writer, ' ');
	if (is_hard_link)
		put_byte(writer, '@');
	put_number(writer, inode->mode, 8);
	put_byte(writer, ' ');
	put_number(writer, inode->nlink, 10);
	put_byte(writer, ' ');
	put_number(writer, inode->uid, 10);
	put_byte(writer, ' ');
	put_number(writer, inode->gid, 10);
	put_byte(writer, ' ');
	put_number(writer, inode->rdev, 10);
	put_byte(writer, ' ');
	put_signed(writer, inode->mtime_sec);
	put_byte(writer, '.');
	put_number(writer, inode->mtime_nsec, 10);
}

/* What follows the path. */
static int put_inode(struct dump_writer *writer, const struct inode *inode, bool is_hard_link)
{
	put_numbers(writer, inode, is_hard_link);
	if (is_hard_link) {
		int r = put_primary_path(writer, inode);

		if (r < 0)
			return r;
	} else {
		put_payload(writer, inode);
	}
	put_content(writer, inode);
	put_digest(writer, inode);
	put_xattrs(writer, inode);
	put_byte(writer, '\n');
	return 0;
}

static int put_tree(struct dump_writer *writer)
{
	const struct tree *tree = writer->tree;
	int r;

	put_byte(writer, '/');
	r = put_inode(writer, tree->root, false);
	for (struct dentry *dentry = tree_walk_first(tree); r == 0 && dentry && !writer->failed;
	     dentry = tree_walk_next(tree, dentry)) {
		r = put_dentry_path(writer, dentry);
		if (r < 0)
			break;
		r = put_inode(writer, dentry->inode, dentry != dentry->inode->primary);
	}
	if (r < 0)
		return r;
	flush(writer);
	return writer->failed;
}

int dump_write(const struct tree *tree, dump_sink *sink, void *context, struct diag *why)
{
	CLEAN(writer_freep) struct dump_writer *writer = calloc(1, sizeof(*writer));
	int r;

	assert(tree->is_sorted);
	if (!writer)
		return -ENOMEM;
	writer->tree = tree;
	writer->sink = sink;
	writer->context = context;
	writer->why = why;
	r = xattr_uses_count(&writer->uses, tree);
	if (r < 0)
		return r;
	return put_tree(writer);
}

static int fd_sink(void *context, struct span bytes, struct diag *why)
{
	int r = fd_write(*(const int *)context, bytes.data, bytes.size);

	return r < 0 ? diag_errno(why, r, "cannot write the dump") : 0;
}

int dump_write_fd(const struct tree *tree, int fd, struct diag *why)
{
	return dump_write(tree, fd_sink, &fd, why);
}
