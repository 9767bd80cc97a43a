/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/tar.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "oci/tar_private.h"
#include "tree/tree.h"

struct tar {
	struct pieces source;
	tar_sink *sink; /* may be NULL */
	void *context;
	struct span piece; /* what is left of the last one */
	uint64_t offset;
	uint64_t body_left;
	uint64_t padding_left; /* behind the body, to a whole block */

	/* What the headers in front of an entry say of it, as they are. */
	struct buf pax;
	struct buf long_name;
	struct buf long_target;
	bool has_pax, has_long_name, has_long_target;

	struct buf xattrs;   /* of struct xattr */
	struct buf segments; /* of struct tar_segment */
	uint8_t map_block[TAR_BLOCK_SIZE];
	uint8_t block[TAR_BLOCK_SIZE];
	uint8_t name_space[TAR_USTAR_NAME_MAX];
};

int tar_open(const struct pieces *source, tar_sink *sink, void *context, struct tar **ret)
{
	struct tar *tar = calloc(1, sizeof(*tar));

	if (!tar)
		return -ENOMEM;
	tar->source = *source;
	tar->sink = sink;
	tar->context = context;
	*ret = tar;
	return 0;
}

void tar_close(struct tar *tar)
{
	if (!tar)
		return;
	buf_release(&tar->pax);
	buf_release(&tar->long_name);
	buf_release(&tar->long_target);
	buf_release(&tar->xattrs);
	buf_release(&tar->segments);
	free(tar);
}

void tar_closep(struct tar **tar)
{
	tar_close(*tar);
	*tar = NULL;
}

uint64_t tar_offset(const struct tar *tar)
{
	return tar->offset;
}

/* Up to max bytes that are there. Returns 1, 0 at the end of the source, or its error. */
static int take(struct tar *tar, uint64_t max, struct span *ret, struct diag *why)
{
	size_t size;

	if (tar->piece.size == 0) {
		int r = pieces_next(&tar->source, &tar->piece, why);

		if (r <= 0)
			return r;
	}
	size = max < tar->piece.size ? (size_t)max : tar->piece.size;
	*ret = span_of(tar->piece.data, size);
	tar->piece = span_of(tar->piece.data + size, tar->piece.size - size);
	tar->offset += size;
	return 1;
}

static int give(struct tar *tar, struct span bytes, struct diag *why)
{
	return tar->sink ? tar->sink(tar->context, bytes, why) : 0;
}

static int too_early(struct diag *why)
{
	return diag_set(why, -EUCLEAN, "the archive ends within an entry");
}

/* The next size bytes go to sink, and to the end of copy unless that is NULL. */
static int pass(struct tar *tar, uint64_t size, struct buf *copy, struct diag *why)
{
	while (size) {
		struct span part;
		int r = take(tar, size, &part, why);

		if (r == 0)
			r = too_early(why);
		if (r > 0)
			r = give(tar, part, why);
		if (r == 0 && copy)
			r = buf_append_span(copy, part);
		if (r < 0)
			return r;
		size -= part.size;
	}
	return 0;
}

/* The next block. Returns 1, or 0 where the source has ended before it. */
static int take_block(struct tar *tar, uint8_t block[TAR_BLOCK_SIZE], struct diag *why)
{
	size_t filled = 0;

	while (filled < TAR_BLOCK_SIZE) {
		struct span part;
		int r = take(tar, TAR_BLOCK_SIZE - filled, &part, why);

		if (r == 0 && filled)
			return too_early(why);
		if (r > 0) {
			memcpy(block + filled, part.data, part.size);
			filled += part.size;
			r = give(tar, part, why);
			if (r == 0)
				continue;
		}
		return r;
	}
	return 1;
}

static uint64_t padding_of(uint64_t size)
{
	return -size % TAR_BLOCK_SIZE;
}

/* The body of a header that speaks of the next entry. */
static int take_extension(struct tar *tar, uint64_t size, struct buf *ret, bool *has,
			  struct diag *why)
{
	int r;

	if (*has)
		return diag_set(why, -EUCLEAN, "two headers that say the same of one entry");
	if (size > TAR_EXTENSION_SIZE_MAX)
		return diag_set(why, -E2BIG, "a header of %llu bytes, at most %d can be",
				(unsigned long long)size, TAR_EXTENSION_SIZE_MAX);
	ret->size = 0;
	r = pass(tar, size, ret, why);
	*has = true;
	return r < 0 ? r : pass(tar, padding_of(size), NULL, why);
}

/* Returns 1 when the header was one about the next entry, 0 when it is an entry. */
static int extend(struct tar *tar, const struct tar_header *header, struct diag *why)
{
	int r;

	switch (header->type) {
	case 'x':
		r = take_extension(tar, header->size, &tar->pax, &tar->has_pax, why);
		break;
	case 'L':
		r = take_extension(tar, header->size, &tar->long_name, &tar->has_long_name, why);
		break;
	case 'K':
		r = take_extension(tar, header->size, &tar->long_target, &tar->has_long_target,
				   why);
		break;
	case 'g':
		if (header->size > TAR_EXTENSION_SIZE_MAX)
			return diag_set(why, -E2BIG, "a global header of %llu bytes",
					(unsigned long long)header->size);
		r = pass(tar, header->size + padding_of(header->size), NULL, why);
		break;
	default:
		return 0;
	}
	return r < 0 ? r : 1;
}

/* A GNU long name ends at its first NUL. */
static struct span long_text(const struct buf *raw)
{
	const uint8_t *end = raw->size ? memchr(raw->data, '\0', raw->size) : NULL;

	return span_of(raw->data, end ? (size_t)(end - raw->data) : raw->size);
}

/* A block of the map of a sparse file. */
static int map_block_next(void *context, const uint8_t **ret, struct diag *why)
{
	struct tar *tar = context;
	int r = take_block(tar, tar->map_block, why);

	if (r == 0)
		return too_early(why);
	*ret = tar->map_block;
	return r < 0 ? r : 0;
}

/* The facts of a header and those of the ones before it. */
static int entry_make(struct tar *tar, const struct tar_header *header, struct tar_entry *ret,
		      struct diag *why)
{
	struct tar_entry entry = {
		.mode = header->mode & 07777,
		.uid = header->uid,
		.gid = header->gid,
		.rdev_major = header->rdev_major,
		.rdev_minor = header->rdev_minor,
		.mtime_sec = header->mtime_sec,
		.name = header->name,
		.target = header->target,
	};
	struct tar_pax pax = {0};
	struct tar_blocks blocks = {map_block_next, tar, UINT64_MAX};
	int r = 0;

	tar->xattrs.size = tar->segments.size = 0;
	if (tar->has_pax)
		r = tar_pax_parse(buf_span(&tar->pax), &pax, &tar->xattrs, &tar->segments, why);
	if (r < 0)
		return r;
	entry.uid = pax.has_uid ? pax.uid : entry.uid;
	entry.gid = pax.has_gid ? pax.gid : entry.gid;
	entry.mtime_sec = pax.has_mtime ? pax.mtime_sec : entry.mtime_sec;
	entry.mtime_nsec = pax.mtime_nsec;
	entry.name = pax.sparse.name.size ? pax.sparse.name
		     : tar->has_long_name ? long_text(&tar->long_name)
		     : pax.has_name       ? pax.name
					  : entry.name;
	entry.target = tar->has_long_target ? long_text(&tar->long_target)
		       : pax.has_target     ? pax.target
					    : entry.target;
	if (entry.name.size == 0)
		return diag_set(why, -EUCLEAN, "an entry without a name");
	r = tar_type_of(header, entry.name, &entry.type, why);
	if (r < 0)
		return r;
	if (entry.type != TAR_HARD_LINK && entry.type != TAR_SYMLINK)
		entry.target = SPAN_EMPTY;
	else if (entry.target.size == 0)
		return diag_set(why, -EUCLEAN, "a link without a target");
	if (entry.type == TAR_REGULAR)
		entry.size = entry.stored_size = pax.has_size ? pax.size : header->size;
	entry.xattrs = (const struct xattr *)(void *)tar->xattrs.data;
	entry.xattr_count = tar->xattrs.size / sizeof(struct xattr);
	r = tar_sparse_take(tar->block, header, &pax, &blocks, &tar->segments, &entry, why);
	if (r == 0)
		*ret = entry;
	return r;
}

/* Behind a zero block: another one, or nothing; then everything else. Returns 0 at the end. */
static int finish(struct tar *tar, struct diag *why)
{
	struct tar_header header;
	int r = take_block(tar, tar->block, why);

	if (r > 0) {
		r = tar_header_parse(tar->block, tar->name_space, &header, NULL);
		if (r < 0 || !header.is_zero)
			return diag_set(why, -EUCLEAN, "a zero block within the archive");
		r = 1;
	}
	while (r > 0) {
		struct span part;

		r = take(tar, UINT64_MAX, &part, why);
		if (r <= 0)
			break;
		r = give(tar, part, why);
		r = r < 0 ? r : 1;
	}
	return r;
}

static int entry_read(struct tar *tar, struct tar_entry *ret, struct diag *why)
{
	struct tar_header header;
	int r;

	tar->has_pax = tar->has_long_name = tar->has_long_target = false;
	do {
		r = take_block(tar, tar->block, why);
		if (r == 0 && (tar->has_pax || tar->has_long_name || tar->has_long_target))
			return too_early(why);
		if (r <= 0)
			return r;
		r = tar_header_parse(tar->block, tar->name_space, &header, why);
		if (r < 0)
			return r;
		if (header.is_zero && (tar->has_pax || tar->has_long_name || tar->has_long_target))
			return too_early(why);
		if (header.is_zero)
			return finish(tar, why);
		r = extend(tar, &header, why);
	} while (r > 0);
	r = r < 0 ? r : entry_make(tar, &header, ret, why);
	if (r < 0)
		return r;
	tar->body_left = ret->stored_size;
	tar->padding_left = padding_of(ret->stored_size);
	return 1;
}

/*
 * What fills the last block of a body. Where nothing follows it, it may be missing, like the zero
 * blocks: 'umoci insert' of 0.4 ends so, and Go's archive/tar, that is podman and docker, reads it.
 * Returns 1, or 0 where the source has ended.
 */
static int pass_padding(struct tar *tar, struct diag *why)
{
	while (tar->padding_left) {
		struct span part;
		int r = take(tar, tar->padding_left, &part, why);

		if (r <= 0)
			return r;
		r = give(tar, part, why);
		if (r < 0)
			return r;
		tar->padding_left -= part.size;
	}
	return 1;
}

int tar_next(struct tar *tar, struct tar_entry *ret, struct diag *why)
{
	uint64_t start;
	int r;

	r = pass(tar, tar->body_left, NULL, why);
	tar->body_left = 0;
	if (r == 0)
		r = pass_padding(tar, why);
	if (r <= 0)
		return r;
	start = tar->offset;
	r = entry_read(tar, ret, why);
	if (r == -EUCLEAN || r == -EOPNOTSUPP || r == -E2BIG)
		return diag_wrap(why, r, "tar entry at byte %llu", (unsigned long long)start);
	return r;
}

int tar_body(struct tar *tar, struct span *ret, struct diag *why)
{
	int r;

	if (tar->body_left == 0)
		return 0;
	r = take(tar, tar->body_left, ret, why);
	if (r == 0)
		return too_early(why);
	if (r > 0)
		tar->body_left -= ret->size;
	return r;
}

int tar_body_elsewhere(struct tar *tar, struct diag *why)
{
	if (tar->piece.size)
		return diag_set(why, -EUCLEAN, "a file of %llu bytes that is not an object",
				(unsigned long long)tar->body_left);
	tar->offset += tar->body_left;
	tar->body_left = 0;
	return 0;
}
