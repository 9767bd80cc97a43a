/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * format.c - the formats of an image
 *
 * Versions 0 and 1 are one: they differ in a word of the header and in the xattrs of directories
 * with whiteouts (rewrite.c). Version 2 is what composefs-rs wrote before it took over that one.
 */
#include <assert.h>

#include "base/limits.h"
#include "erofs/writer_private.h"

static const struct format composefs = {
	.order = order_breadth_first,
	.inline_size_max = INLINE_SIZE_MAX,
	.symlink_size_max = SYMLINK_SIZE_MAX,
	.external_size_max = EXTERNAL_SIZE_MAX,
	.has_stubs = true,
	.xattrs = xattrs_with_marks,
	.shared_order = pair_order_descending,
	.place = place_by_kind,
	.shared_count_max = 128,
	.chunk_bits_min = CHUNK_BITS_MIN,
	.has_compact = true,
	.has_nanoseconds = true,
	.has_acl_flag = true,
};

static const struct format version_2 = {
	.order = order_depth_first,
	.inline_size_max = V2_INLINE_SIZE_MAX,
	.symlink_size_max = V2_SYMLINK_SIZE_MAX,
	.external_size_max = V2_EXTERNAL_SIZE_MAX,
	.needs_digests = true,
	.xattrs = xattrs_overlay_first,
	.shared_order = pair_order_ascending,
	.knows_lustre = true,
	.place = place_tail_inside,
	.shared_count_max = SHARED_COUNT_MAX,
	.chunk_bits_min = CHUNK_BITS_MAX,
	.shared_from_file_start = true,
	.numbers_by_place = true,
};

const struct format *format_of(uint32_t version)
{
	assert(version <= EROFS_VERSION_MAX);
	return version < 2 ? &composefs : &version_2;
}
