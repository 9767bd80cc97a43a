/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tree/dump_read.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/reader.h"
#include "tree/dump_private.h"
#include "tree/tree.h"

/* Bytes of one read: they stay in the processor's cache until they are parsed. */
#define READ_BYTES (64 * 1024)

struct dump_reader {
	struct tree *tree; /* owned */
	struct dump_options options;
	struct buf scratch;
	struct dump_path path;
	struct dump_links links;
	uint64_t line_number; /* from 1; the line that is being read */
};

static int reader_init(struct dump_reader *reader, const struct dump_options *options)
{
	*reader = (struct dump_reader){.options = options ? *options : (struct dump_options){0}};
	reader->tree = tree_new();
	return reader->tree ? 0 : -ENOMEM;
}

static void reader_release(struct dump_reader *reader)
{
	dump_links_release(&reader->links);
	dump_path_release(&reader->path);
	buf_release(&reader->scratch);
	tree_freep(&reader->tree);
}

/* The rooms' words for a wrong argument: here it is the text that is wrong. */
static int malformed(int r)
{
	switch (r) {
	case -EINVAL:
	case -EEXIST:
	case -ENOTDIR:
	case -ENAMETOOLONG:
		return -EUCLEAN;
	default:
		return r;
	}
}

static int strict_check(const struct dump_line *line, struct diag *why)
{
	bool is_device = S_ISCHR(line->mode) || S_ISBLK(line->mode);

	if (!is_device && line->rdev != 0)
		return diag_set(why, -EUCLEAN, "a device number on what is no device");
	if (S_ISLNK(line->mode) && line->size != line->payload.size)
		return diag_set(why, -EUCLEAN, "size %llu of a symlink of %zu bytes",
				(unsigned long long)line->size, line->payload.size);
	if (S_ISLNK(line->mode) && line->has_content)
		return diag_set(why, -EUCLEAN, "a symlink with inline content");
	return 0;
}

static int file_fill(struct tree *tree, const struct dump_line *line, struct inode *inode,
		     struct diag *why)
{
	int r;

	if (line->size == 0)
		return 0; /* payload and digest of an empty file mean nothing */
	if (line->has_content)
		return inode_content_set(tree, inode, line->content);
	if (line->size > EXTERNAL_SIZE_MAX)
		return diag_set(why, -EFBIG, "file of %llu bytes, at most %llu can be",
				(unsigned long long)line->size, EXTERNAL_SIZE_MAX);
	r = inode_external_set(tree, inode, line->has_payload ? &line->payload : NULL,
			       &line->digest);
	if (r == 0)
		inode->size = line->size;
	return r;
}

static int type_fill(struct tree *tree, const struct dump_line *line, struct inode *inode,
		     struct diag *why)
{
	if (S_ISREG(line->mode))
		return file_fill(tree, line, inode, why);
	if (S_ISLNK(line->mode)) {
		if (!line->has_payload)
			return diag_set(why, -EUCLEAN, "a symlink without target");
		return inode_target_set(tree, inode, line->payload);
	}
	inode->size = line->size;
	if (S_ISCHR(line->mode) || S_ISBLK(line->mode))
		inode->rdev = line->rdev;
	return 0;
}

static int inode_make(struct tree *tree, const struct dump_line *line, struct inode **ret,
		      struct diag *why)
{
	struct inode *inode = tree_inode_new(tree, line->mode);
	int r;

	if (!inode)
		return -ENOMEM;
	inode->nlink = line->nlink;
	inode->uid = line->uid;
	inode->gid = line->gid;
	inode->mtime_sec = line->mtime_sec;
	inode->mtime_nsec = line->mtime_nsec;
	r = type_fill(tree, line, inode, why);
	if (r < 0)
		return r;
	*ret = inode;
	return 0;
}

static int xattrs_fill(struct dump_reader *reader, struct dump_line *line, struct inode *inode,
		       struct diag *why)
{
	struct span key, value;
	int r;

	while ((r = dump_line_xattr(line, &reader->scratch, &key, &value, why)) > 0) {
		r = tree_xattr_set(reader->tree, inode, key, value, why);
		if (r < 0)
			break;
	}
	return r;
}

static int name_fill(struct dump_reader *reader, const struct dump_line *line, struct inode *inode,
		     struct diag *why)
{
	struct inode *dir;
	struct span name;
	int r;

	if (span_equal(line->path, SPAN_LITERAL("/"))) {
		if (!inode)
			return diag_set(why, -EUCLEAN, "the root cannot be a hard link");
		return tree_root_set(reader->tree, inode, why);
	}
	if (!reader->tree->root)
		return diag_set(why, -EUCLEAN, "the first line is not the root");
	r = dump_path_find(&reader->path, reader->tree, line->path, &dir, &name, why);
	if (r < 0)
		return r;
	if (inode)
		return tree_link(reader->tree, dir, name, inode, NULL, why);
	return dump_links_add(&reader->links, reader->tree, dir, name, line->payload,
			      reader->line_number, why);
}

static int line_fill(struct dump_reader *reader, struct span text, struct diag *why)
{
	struct inode *inode = NULL;
	struct dump_line line;
	int r;

	r = dump_line_parse(text, &reader->scratch, &line, why);
	if (r < 0)
		return r;
	if (line.is_hard_link)
		return name_fill(reader, &line, NULL, why);
	if (reader->options.is_strict) {
		r = strict_check(&line, why);
		if (r < 0)
			return r;
	}
	r = inode_make(reader->tree, &line, &inode, why);
	if (r < 0)
		return r;
	r = name_fill(reader, &line, inode, why);
	if (r < 0)
		return r;
	return xattrs_fill(reader, &line, inode, why);
}

static int reader_line(struct dump_reader *reader, struct span text, struct diag *why)
{
	int r;

	reader->line_number++;
	if (text.size > DUMP_LINE_SIZE_MAX)
		r = diag_set(why, -E2BIG, "more than %d bytes", DUMP_LINE_SIZE_MAX);
	else
		r = malformed(line_fill(reader, text, why));
	if (r < 0)
		return diag_wrap(why, r, "line %llu", (unsigned long long)reader->line_number);
	return 0;
}

/* All lines that end in text; *ret_used is the count of bytes they take. */
static int reader_lines(struct dump_reader *reader, struct span text, size_t *ret_used,
			struct diag *why)
{
	const uint8_t *next = text.data, *newline;
	size_t left = text.size;

	while (left && (newline = memchr(next, '\n', left))) {
		size_t size = (size_t)(newline - next);
		int r = reader_line(reader, span_of(next, size), why);

		if (r < 0)
			return r;
		next += size + 1;
		left -= size + 1;
	}
	*ret_used = text.size - left;
	return 0;
}

/* The last line has no newline. */
static int reader_tail(struct dump_reader *reader, struct span text, struct diag *why)
{
	int r = reader_line(reader, text, why);

	if (r == 0 && reader->options.is_strict)
		return diag_set(why, -EUCLEAN, "line %llu: the newline at the end is missing",
				(unsigned long long)reader->line_number);
	return r;
}

static int reader_finish(struct dump_reader *reader, struct tree **ret, struct diag *why)
{
	int r;

	if (!reader->tree->root)
		return diag_set(why, -EUCLEAN, "there are no files in the dump");
	r = dump_links_resolve(&reader->links, reader->tree, why);
	if (r < 0)
		return r;
	tree_sort(reader->tree);
	*ret = TAKE(reader->tree);
	return 0;
}

/* Read on until the end of the file; bytes without their newline move to the front of the buffer.
 */
static int reader_all(struct dump_reader *reader, const struct reader *bytes, uint8_t *buffer,
		      struct diag *why)
{
	size_t held = 0, used;
	int r;

	for (;;) {
		ssize_t got = reader_read(bytes, buffer + held, READ_BYTES, why);

		if (got < 0)
			return (int)got;
		held += (size_t)got;
		r = reader_lines(reader, span_of(buffer, held), &used, why);
		if (r < 0)
			return r;
		held -= used;
		memmove(buffer, buffer + used, held);
		if (got == 0)
			return held ? reader_tail(reader, span_of(buffer, held), why) : 0;
		if (held > DUMP_LINE_SIZE_MAX) /* fails: says which line, and that it is too long */
			return reader_line(reader, span_of(buffer, held), why);
	}
}

int dump_read(const struct reader *bytes, const struct dump_options *options, struct tree **ret,
	      struct diag *why)
{
	CLEAN(reader_release) struct dump_reader reader = {0};
	CLEAN(memory_freep) uint8_t *buffer = malloc(DUMP_LINE_SIZE_MAX + READ_BYTES);
	int r;

	if (!buffer)
		return -ENOMEM;
	r = reader_init(&reader, options);
	if (r < 0)
		return r;
	r = reader_all(&reader, bytes, buffer, why);
	if (r < 0)
		return r;
	return reader_finish(&reader, ret, why);
}

static ssize_t fd_bytes(void *context, void *data, size_t size, struct diag *why)
{
	ssize_t got = fd_read(*(const int *)context, data, size);

	return got < 0 ? diag_errno(why, (int)got, "cannot read the dump") : got;
}

int dump_read_fd(int fd, const struct dump_options *options, struct tree **ret, struct diag *why)
{
	const struct reader bytes = {.read = fd_bytes, .context = &fd};

	return dump_read(&bytes, options, ret, why);
}

int dump_read_span(struct span text, const struct dump_options *options, struct tree **ret,
		   struct diag *why)
{
	CLEAN(reader_release) struct dump_reader reader = {0};
	struct span tail;
	size_t used = 0;
	int r;

	r = reader_init(&reader, options);
	if (r < 0)
		return r;
	r = reader_lines(&reader, text, &used, why);
	if (r < 0)
		return r;
	if (span_from(text, used, &tail) && tail.size) {
		r = reader_tail(&reader, tail, why);
		if (r < 0)
			return r;
	}
	return reader_finish(&reader, ret, why);
}
