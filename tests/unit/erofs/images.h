/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * images.h - images for the tests of the reader: golden files, and dump texts through our writer
 *
 * Their bytes are a copy of exactly their size, so that a sanitizer sees the first byte too far,
 * and may be changed. tests/golden/images: special-v0 and special-v1 were made by
 * mkcomposefs 1.0.8, plain and plain-indexes by mkfs.erofs 1.5 from the same directory, the v2 ones
 * by an independent writer and checked against the digests that composefs-rs pins (test-load.c).
 */
#ifndef LAMINA_TESTS_EROFS_IMAGES_H
#define LAMINA_TESTS_EROFS_IMAGES_H

#include "check.h"

#include "base/buf.h"
#include "base/diag.h"
#include "erofs/disk.h"
#include "erofs/image.h"
#include "erofs/writer.h"
#include "tree/dump_read.h"
#include "tree/tree.h"

struct bytes {
	uint8_t *data; /* owned: free() */
	size_t size;
};

static inline struct span bytes_span(struct bytes bytes)
{
	return span_of(bytes.data, bytes.size);
}

static inline struct bytes bytes_copy(struct span span)
{
	struct bytes copy = {malloc(span.size), span.size};

	assert_non_null(copy.data);
	memcpy(copy.data, span.data, span.size);
	return copy;
}

static inline struct bytes golden(const char *name)
{
	static uint8_t space[1 << 16];
	char relative[256];
	FILE *file;
	size_t size;

	(void)snprintf(relative, sizeof(relative), "tests/golden/images/%s.erofs", name);
	file = fopen(source_path(relative), "re");
	assert_non_null(file);
	size = fread(space, 1, sizeof(space), file);
	assert_true(size > 0 && size < sizeof(space));
	(void)fclose(file);
	return bytes_copy(span_of(space, size));
}

static inline int append_sink(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static inline struct bytes written(const struct tree *tree, uint32_t version)
{
	struct erofs_version_range versions = {version, version};
	struct buf buf = {0};
	struct erofs_written info;
	struct diag why = {0};
	struct bytes copy;

	assert_ok(erofs_write(tree, versions, append_sink, &buf, &info, &why), &why);
	copy = bytes_copy(buf_span(&buf));
	buf_release(&buf);
	return copy;
}

/* The image of a dump text. */
static inline struct bytes image_of(const char *dump, uint32_t version)
{
	struct tree *tree = NULL;
	struct diag why = {0};
	struct bytes bytes;

	assert_ok(dump_read_span(span_of_string(dump), NULL, &tree, &why), &why);
	bytes = written(tree, version);
	tree_free(tree);
	return bytes;
}

static inline struct image opened(struct bytes bytes)
{
	struct image image;
	struct diag why = {0};

	assert_ok(image_open(bytes_span(bytes), &image, &why), &why);
	return image;
}

/* The inode of a path below the root; "" is the root. */
static inline struct image_inode inode_at(const struct image *image, const char *path)
{
	struct image_inode inode;
	struct diag why = {0};

	assert_ok(image_inode(image, image->root_nid, &inode, &why), &why);
	while (*path) {
		size_t size = strcspn(path, "/");
		struct image_dirent entry;

		assert_ok(image_lookup(image, &inode, span_of(path, size), &entry, &why), &why);
		assert_ok(image_inode(image, entry.nid, &inode, &why), &why);
		path += size + (path[size] == '/');
	}
	return inode;
}

/* Where the bytes of an inode begin that follow its head and xattrs. */
static inline uint64_t behind_xattrs(const struct image_inode *inode)
{
	return inode->offset + inode->head_size + inode->xattr_size;
}

static inline void put16(struct bytes bytes, uint64_t offset, uint16_t value)
{
	assert_true(offset + 2 <= bytes.size);
	bytes.data[offset] = (uint8_t)value;
	bytes.data[offset + 1] = (uint8_t)(value >> 8);
}

static inline void put32(struct bytes bytes, uint64_t offset, uint32_t value)
{
	put16(bytes, offset, (uint16_t)value);
	put16(bytes, offset + 2, (uint16_t)(value >> 16));
}

#define assert_span_equal(wanted, got)                                      \
	do {                                                                \
		struct span wanted_ = (wanted), got_ = (got);               \
		assert_int_equal(wanted_.size, got_.size);                  \
		assert_memory_equal(wanted_.data, got_.data, wanted_.size); \
	} while (0)

#endif
