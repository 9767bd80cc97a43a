/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * compress.h - a gzip member or a zstd frame at the end of a buf
 */
#ifndef LAMINA_TESTS_COMPRESS_H
#define LAMINA_TESTS_COMPRESS_H

#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"

static inline void put_gzip(struct buf *ret, struct span plain, int level)
{
	z_stream stream = {0};
	size_t room = plain.size + plain.size / 1000 + 1000;

	assert_int_equal(0, buf_reserve(ret, room));
	assert_int_equal(Z_OK,
			 deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY));
	stream.next_in = (z_const Bytef *)plain.data;
	stream.avail_in = (uInt)plain.size;
	stream.next_out = ret->data + ret->size;
	stream.avail_out = (uInt)room;
	assert_int_equal(Z_STREAM_END, deflate(&stream, Z_FINISH));
	ret->size += room - stream.avail_out;
	assert_int_equal(Z_OK, deflateEnd(&stream));
}

static inline void put_zstd(struct buf *ret, struct span plain)
{
	size_t room = ZSTD_compressBound(plain.size), size;

	assert_int_equal(0, buf_reserve(ret, room));
	size = ZSTD_compress(ret->data + ret->size, room, plain.data, plain.size, 3);
	assert_false(ZSTD_isError(size));
	ret->size += size;
}

#endif
