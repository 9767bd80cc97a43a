/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * sparse_of.h - sparse members of tar archives, in the old form of GNU
 */
#ifndef LAMINA_TESTS_SPARSE_OF_H
#define LAMINA_TESTS_SPARSE_OF_H

#include "tar_of.h"

/* Where a piece of the body goes. */
struct sparse_pair {
	unsigned long long offset, size;
};

static inline void sparse_pairs(uint8_t *pairs, const struct sparse_pair *pair, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tar_octal(pairs + 24 * i, 12, pair[i].offset);
		tar_octal(pairs + 24 * i + 12, 12, pair[i].size);
	}
}

/* A member "hole" of size bytes, whose pieces are in body. */
static inline void tar_sparse(struct buf *tar, unsigned long long size,
			      const struct sparse_pair *pairs, size_t count, struct span body)
{
	const struct tar_member member = {
		.name = "hole", .type = 'S', .magic = TAR_MAGIC_GNU, .body = body};
	uint8_t block[512];
	size_t done = count < 4 ? count : 4;

	tar_block(block, &member);
	tar_octal(block + 483, 12, size);
	sparse_pairs(block + 386, pairs, done);
	block[482] = count > done;
	tar_checksum(block);
	assert_int_equal(0, buf_append(tar, block, sizeof(block)));
	while (done < count) {
		size_t part = count - done < 21 ? count - done : 21;

		memset(block, 0, sizeof(block));
		sparse_pairs(block, pairs + done, part);
		done += part;
		block[504] = count > done;
		assert_int_equal(0, buf_append(tar, block, sizeof(block)));
	}
	assert_int_equal(0, buf_append_span(tar, body));
	tar_pad(tar);
}

#endif
