/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Directories. The content is a list of blocks, the last of which may be shorter:
 *
 *   12 * n bytes   n times struct dirent_disk; the first name_offset is 12 * n
 *   the rest       the names, one behind the other, the last ended by a NUL or by the block
 *
 * Example, with '.' as nid 36 and 'a' as nid 40 (Linux, Documentation/filesystems/erofs.rst,
 * "Directories"):
 *
 *   24 00 00 00 00 00 00 00  18 00 02 00   nid 36, name at 24, a directory
 *   28 00 00 00 00 00 00 00  19 00 01 00   nid 40, name at 25, a regular file
 *   2e 61                                  ".", "a"
 *
 * Names ascend in byte order over all blocks. A position is the offset of an entry in this content.
 */
#include <assert.h>
#include <errno.h>

#include "base/diag.h"
#include "base/limits.h"
#include "erofs/disk.h"
#include "erofs/image.h"

struct dir_block {
	struct span bytes;
	uint64_t position; /* of byte 0 */
	size_t count;      /* entries, at least 1 */
	uint64_t next;     /* position of the next block */
};

static int dir_corrupt(const struct image_inode *dir, uint64_t position, const char *what,
		       struct diag *why)
{
	return diag_set(why, -EUCLEAN, "directory %llu, offset %llu: %s",
			(unsigned long long)dir->nid, (unsigned long long)position, what);
}

static int dir_block(const struct image *image, const struct image_inode *dir, uint64_t index,
		     struct dir_block *ret, struct diag *why)
{
	uint64_t block_size = 1ULL << image->block_bits;
	struct dir_block block = {.position = index << image->block_bits};
	struct image_extent extent;
	const struct dirent_disk *first;
	uint64_t size;
	size_t names;
	int r;

	size = dir->size - block.position;
	if (size > block_size)
		size = block_size;
	block.next = block.position + block_size;
	r = image_extent(image, dir, block.position, &extent, why);
	if (r < 0)
		return r;
	if (r == 0 || extent.is_hole || extent.size < size)
		return dir_corrupt(dir, block.position, "hole in a directory", why);
	block.bytes = span_of(extent.bytes.data, (size_t)size);
	first = span_at(block.bytes, 0, struct dirent_disk);
	if (!first)
		return dir_corrupt(dir, block.position, "no room for an entry", why);
	names = le16_get(first->name_offset);
	if (names < sizeof(*first) || names % sizeof(*first) || names >= size)
		return dir_corrupt(dir, block.position, "bad first name offset", why);
	block.count = names / sizeof(*first);
	*ret = block;
	return 0;
}

/* The name of entry i: from its offset to the next entry's, or to a NUL or the end after the last.
 */
static int dirent_name(const struct dir_block *block, size_t i, struct span *ret)
{
	const struct dirent_disk *entries = (const struct dirent_disk *)block->bytes.data;
	size_t start = le16_get(entries[i].name_offset), end = block->bytes.size;
	struct span name;

	if (i + 1 < block->count)
		end = le16_get(entries[i + 1].name_offset);
	if (start < block->count * sizeof(*entries) || start >= end ||
	    !span_cut(block->bytes, start, end - start, &name))
		return -EUCLEAN;
	if (i + 1 == block->count)
		name.size = strnlen((const char *)name.data, name.size);
	if (name.size == 0 || name.size > NAME_SIZE_MAX)
		return -EUCLEAN;
	*ret = name;
	return 0;
}

static int dirent_get(const struct image_inode *dir, const struct dir_block *block, size_t i,
		      struct image_dirent *ret, struct diag *why)
{
	const struct dirent_disk *entries = (const struct dirent_disk *)block->bytes.data;
	uint64_t position = block->position + i * sizeof(*entries);
	struct span name;

	assert(i < block->count);
	if (dirent_name(block, i, &name) < 0 || memchr(name.data, '/', name.size) ||
	    memchr(name.data, '\0', name.size))
		return dir_corrupt(dir, position, "bad name", why);
	*ret = (struct image_dirent){
		.name = name,
		.nid = le64_get(entries[i].nid),
		.next = i + 1 < block->count ? position + sizeof(*entries) : block->next,
		.type = entries[i].type,
	};
	return 0;
}

int image_dir_next(const struct image *image, const struct image_inode *dir, uint64_t position,
		   struct image_dirent *ret, struct diag *why)
{
	uint64_t in_block = position & ((1ULL << image->block_bits) - 1);
	struct dir_block block;
	int r;

	if (!S_ISDIR(dir->mode))
		return diag_set(why, -ENOTDIR, "inode %llu is not a directory",
				(unsigned long long)dir->nid);
	if (position >= dir->size)
		return 0;
	r = dir_block(image, dir, position >> image->block_bits, &block, why);
	if (r < 0)
		return r;
	if (in_block % sizeof(struct dirent_disk) ||
	    in_block / sizeof(struct dirent_disk) >= block.count)
		return diag_set(why, -EINVAL, "directory %llu has no entry at offset %llu",
				(unsigned long long)dir->nid, (unsigned long long)position);
	r = dirent_get(dir, &block, in_block / sizeof(struct dirent_disk), ret, why);
	return r < 0 ? r : 1;
}

/* The only block that can hold name: the last whose first name does not come after it. */
static int find_block(const struct image *image, const struct image_inode *dir, struct span name,
		      struct dir_block *ret, struct diag *why)
{
	uint64_t low = 0, high = (dir->size + (1ULL << image->block_bits) - 1) >> image->block_bits;
	bool found = false;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct dir_block block;
		struct span first;
		int r;

		r = dir_block(image, dir, middle, &block, why);
		if (r < 0)
			return r;
		if (dirent_name(&block, 0, &first) < 0)
			return dir_corrupt(dir, block.position, "bad name", why);
		if (span_compare(first, name) > 0) {
			high = middle;
			continue;
		}
		*ret = block;
		found = true;
		low = middle + 1;
	}
	return found ? 0 : -ENOENT;
}

int image_lookup(const struct image *image, const struct image_inode *dir, struct span name,
		 struct image_dirent *ret, struct diag *why)
{
	struct dir_block block;
	size_t low = 0, high;
	int r;

	if (!S_ISDIR(dir->mode))
		return diag_set(why, -ENOTDIR, "inode %llu is not a directory",
				(unsigned long long)dir->nid);
	r = find_block(image, dir, name, &block, why);
	if (r < 0)
		return r;
	high = block.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct span entry;
		int order;

		if (dirent_name(&block, middle, &entry) < 0)
			return dir_corrupt(dir, block.position, "bad name", why);
		order = span_compare(entry, name);
		if (order == 0)
			return dirent_get(dir, &block, middle, ret, why);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}
