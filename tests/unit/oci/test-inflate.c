/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "compress.h"
#include "oci/inflate.h"
#include "oci/inflate_private.h"
#include "pieces_of.h"

#define UNLIMITED UINT64_MAX

/* Text that compresses, bytes that do not, and zeros that compress best. */
static struct buf plain_of(size_t size)
{
	struct buf plain = {0};
	uint32_t state = 1;

	assert_int_equal(0, buf_reserve(&plain, size));
	for (size_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		plain.data[i] = (uint8_t)(state >> 24);
		if (i / 5000 % 3)
			plain.data[i] = i / 5000 % 3 == 1 ? (uint8_t) "lamina"[i % 6] : 0;
	}
	plain.size = size;
	return plain;
}

/* RFC 8878, 3.1.2. */
static void put_skippable(struct buf *ret, uint8_t kind)
{
	const uint8_t frame[] = {0x50 | kind, 0x2a, 0x4d, 0x18, 5,   0,  0,
				 0,           'h',  'e',  'l',  'l', 'o'};

	assert_int_equal(0, buf_append(ret, frame, sizeof(frame)));
}

static int inflate_all(struct span packed, size_t piece_size, size_t read_size, uint64_t limit,
		       struct buf *ret, struct diag *why)
{
	struct memory memory = {packed, piece_size, 0};
	const struct pieces pieces = pieces_of_memory(&memory);
	uint8_t *data = malloc(read_size); /* of the exact size, for sanitizers */
	struct reader reader;
	ssize_t got;

	assert_int_equal(0, inflate_open(&pieces, limit, &reader));
	ret->size = 0;
	while ((got = reader_read(&reader, data, read_size, why)) > 0)
		assert_int_equal(0, buf_append(ret, data, (size_t)got));
	reader_close(&reader);
	free(data);
	return (int)got;
}

/* Whatever the pieces and the reads are. */
static void assert_inflates(struct span packed, struct span plain)
{
	static const size_t sizes[][2] = {{0, 1 << 20}, {1, 100}, {7, 3}, {4096, 65536}, {0, 1}};
	struct buf found = {0};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct diag why = {0};

		assert_ok(inflate_all(packed, sizes[i][0], sizes[i][1], plain.size, &found, &why),
			  &why);
		assert_true(span_equal(plain, buf_span(&found)));
	}
	buf_release(&found);
}

static void gives_plain_bytes_as_they_are(void **state)
{
	static const char *const texts[] = {"", "\x1f", "abc", "usr/\0\0\0\0\0", "\x28\xb5\x2f"};
	struct buf plain = plain_of(100000);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_inflates(span_of_string(texts[i]), span_of_string(texts[i]));
	assert_inflates(buf_span(&plain), buf_span(&plain));
	buf_release(&plain);
}

static void reads_all_members_of_gzip(void **state)
{
	struct buf plain = plain_of(300000), packed = {0};

	(void)state;
	for (size_t at = 0; at < plain.size; at += 50000) {
		put_gzip(&packed, span_of(plain.data + at, 50000), (int)(at / 50000 % 10));
		put_gzip(&packed, SPAN_EMPTY, 6);
		assert_inflates(buf_span(&packed), span_of(plain.data, at + 50000));
	}
	buf_release(&plain);
	buf_release(&packed);
}

static void reads_a_gzip_header_with_all_fields(void **state)
{
	struct buf packed = {0}, fields = {0};

	(void)state;
	put_gzip(&packed, SPAN_LITERAL("content"), 9);
	packed.data[3] = 4 | 8 | 16; /* FEXTRA, FNAME, FCOMMENT: RFC 1952, 2.3.1 */
	assert_int_equal(0, buf_append(&fields, packed.data, 10));
	assert_int_equal(0, buf_append(&fields, "\3\0abcname\0comment", 3 + 2 + 4 + 1 + 8));
	assert_int_equal(0, buf_append(&fields, packed.data + 10, packed.size - 10));
	assert_inflates(buf_span(&fields), SPAN_LITERAL("content"));
	buf_release(&packed);
	buf_release(&fields);
}

static void reads_all_frames_of_zstd(void **state)
{
	struct buf plain = plain_of(300000), packed = {0};

	(void)state;
	put_skippable(&packed, 0);
	for (size_t at = 0; at < plain.size; at += 100000) {
		put_zstd(&packed, span_of(plain.data + at, 100000));
		put_skippable(&packed, 15);
		put_zstd(&packed, SPAN_EMPTY);
		assert_inflates(buf_span(&packed), span_of(plain.data, at + 100000));
	}
	buf_release(&plain);
	buf_release(&packed);
}

static void an_end_within_is_an_error(void **state)
{
	struct buf plain = plain_of(2000), gzip = {0}, zstd = {0}, found = {0};

	(void)state;
	put_gzip(&gzip, buf_span(&plain), 6);
	put_zstd(&zstd, buf_span(&plain));
	for (size_t size = 2; size < gzip.size; size++) {
		struct diag why = {0};

		assert_int_equal(-EUCLEAN, inflate_all(span_of(gzip.data, size), 0, 4096, UNLIMITED,
						       &found, &why));
		assert_non_null(strstr(why.text, "gzip"));
	}
	for (size_t size = 4; size < zstd.size; size++) {
		struct diag why = {0};

		assert_int_equal(-EUCLEAN, inflate_all(span_of(zstd.data, size), 0, 4096, UNLIMITED,
						       &found, &why));
		assert_non_null(strstr(why.text, "zstd"));
	}
	buf_release(&plain);
	buf_release(&gzip);
	buf_release(&zstd);
	buf_release(&found);
}

static void what_follows_the_end_is_an_error(void **state)
{
	static const struct span tails[] = {
		SPAN_LITERAL("x"),
		SPAN_LITERAL("\0"),
		SPAN_LITERAL("\x1f"),
		SPAN_LITERAL("\x1f\x8c"),
		SPAN_LITERAL("\0\0\0\0\0\0\0\0"),
		SPAN_LITERAL("ustar  tail"),
	};
	struct buf found = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct buf gzip = {0}, zstd = {0};

		put_gzip(&gzip, SPAN_LITERAL("content"), 6);
		put_zstd(&zstd, SPAN_LITERAL("content"));
		assert_int_equal(0, buf_append_span(&gzip, tails[i]));
		assert_int_equal(0, buf_append_span(&zstd, tails[i]));
		assert_int_equal(-EUCLEAN,
				 inflate_all(buf_span(&gzip), 0, 4096, UNLIMITED, &found, NULL));
		assert_int_equal(-EUCLEAN,
				 inflate_all(buf_span(&zstd), 0, 4096, UNLIMITED, &found, NULL));
		buf_release(&gzip);
		buf_release(&zstd);
	}
	buf_release(&found);
}

static void damage_is_an_error(void **state)
{
	struct buf plain = plain_of(20000), gzip = {0}, found = {0};

	(void)state;
	put_gzip(&gzip, buf_span(&plain), 6);
	for (size_t i = 10; i < gzip.size; i += i < gzip.size - 10 ? 101 : 1) {
		gzip.data[i] ^= 0x11;
		assert_int_equal(-EUCLEAN,
				 inflate_all(buf_span(&gzip), 0, 4096, UNLIMITED, &found, NULL));
		gzip.data[i] ^= 0x11;
	}
	buf_release(&plain);
	buf_release(&gzip);
	buf_release(&found);
}

/* 64 MiB of zeros are some KiB. */
static void a_bomb_ends_at_the_limit(void **state)
{
	struct buf plain = {0}, gzip = {0}, zstd = {0}, found = {0};

	(void)state;
	assert_int_equal(0, buf_append_zeros(&plain, 64 << 20));
	put_gzip(&gzip, buf_span(&plain), 9);
	put_zstd(&zstd, buf_span(&plain));
	for (int i = 0; i < 3; i++) {
		struct span packed = buf_span(i == 0 ? &gzip : i == 1 ? &zstd : &plain);
		struct diag why = {0};

		assert_int_equal(-E2BIG, inflate_all(packed, 0, 65536, 1000000, &found, &why));
		assert_string_equal("more than 1000000 plain bytes", why.text);
		assert_int_equal(1000000, found.size);
		assert_ok(inflate_all(packed, 0, 65536, 64 << 20, &found, &why), &why);
		assert_int_equal(64 << 20, found.size);
	}
	buf_release(&plain);
	buf_release(&gzip);
	buf_release(&zstd);
	buf_release(&found);
}

static void a_window_beyond_the_limit_is_refused(void **state)
{
	/* RFC 8878, 3.1.1.1: no single segment, a window of 2^28 bytes; an empty last block. */
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, 1, 0, 0};
	struct buf found = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-E2BIG, inflate_all(span_of(frame, sizeof(frame)), 0, 4096, UNLIMITED,
					     &found, &why));
	assert_non_null(strstr(why.text, "128 MiB"));
	buf_release(&found);
}

static void an_error_of_the_source_comes_through(void **state)
{
	struct buf gzip = {0};
	char data[100];

	(void)state;
	put_gzip(&gzip, SPAN_LITERAL("content"), 6);
	for (size_t size = 0; size <= gzip.size; size++) {
		struct memory memory = {span_of(gzip.data, size), 0, -EIO};
		const struct pieces pieces = pieces_of_memory(&memory);
		struct reader reader;
		ssize_t got;

		assert_int_equal(0, inflate_open(&pieces, UNLIMITED, &reader));
		while ((got = reader_read(&reader, data, sizeof(data), NULL)) > 0)
			;
		assert_int_equal(-EIO, got);
		reader_close(&reader);
	}
	buf_release(&gzip);
}

/* ISA-L and zlib must take the same and refuse the same; here, too, where only one is used. */
static void both_gzip_decoders_agree(void **state)
{
	struct buf plain, gzip = {0};
	void *zlib = NULL, *isal = NULL;

	(void)state;
	need("isal", inflate_isal.open(&isal, NULL) == 0, "this build, or machine, has no ISA-L");
	assert_int_equal(0, inflate_zlib.open(&zlib, NULL));
	plain = plain_of(200000);
	put_gzip(&gzip, buf_span(&plain), 6);
	for (size_t i = 0; i < 4000; i++) {
		size_t at = i * 7919 % gzip.size;
		uint8_t out[2][4096];
		int results[2] = {0, 0};
		uint64_t sizes[2] = {0, 0};

		gzip.data[at] ^= (uint8_t)(1 + i % 255);
		for (int k = 0; k < 2; k++) {
			const struct inflate_codec *codec = k ? &inflate_isal : &inflate_zlib;
			void **decoder = k ? &isal : &zlib;
			struct span input = buf_span(&gzip);
			size_t before;

			do {
				struct inflate_room room = {out[k], sizeof(out[k])};

				before = input.size;
				results[k] = codec->run(*decoder, &input, &room, NULL);
				sizes[k] += sizeof(out[k]) - room.size;
				before = before - input.size + sizeof(out[k]) - room.size;
			} while (results[k] == 0 && before);
			codec->close(*decoder);
			assert_int_equal(0, codec->open(decoder, NULL));
		}
		gzip.data[at] ^= (uint8_t)(1 + i % 255);
		if ((results[0] == 1) != (results[1] == 1))
			fail_msg("byte %zu changed by %zu: %d and %d", at, 1 + i % 255, results[0],
				 results[1]);
		if (results[0] == 1)
			assert_int_equal(sizes[0], sizes[1]);
	}
	inflate_zlib.close(zlib);
	inflate_isal.close(isal);
	buf_release(&plain);
	buf_release(&gzip);
}

static void the_first_bytes_tell_a_compression(void **state)
{
	(void)state;
	assert_true(inflate_knows(SPAN_LITERAL("\x1f\x8b\x08\x00")));
	assert_true(inflate_knows(SPAN_LITERAL("\x28\xb5\x2f\xfd")));
	assert_true(inflate_knows(SPAN_LITERAL("\x5f\x2a\x4d\x18")));
	assert_false(inflate_knows(SPAN_LITERAL("\x60\x2a\x4d\x18")));
	assert_false(inflate_knows(SPAN_LITERAL("usr/")));
	assert_false(inflate_knows(SPAN_LITERAL("\x28\xb5\x2f")));
	assert_false(inflate_knows(SPAN_EMPTY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_bytes_tell_a_compression),
		cmocka_unit_test(gives_plain_bytes_as_they_are),
		cmocka_unit_test(reads_all_members_of_gzip),
		cmocka_unit_test(reads_a_gzip_header_with_all_fields),
		cmocka_unit_test(reads_all_frames_of_zstd),
		cmocka_unit_test(an_end_within_is_an_error),
		cmocka_unit_test(what_follows_the_end_is_an_error),
		cmocka_unit_test(damage_is_an_error),
		cmocka_unit_test(a_bomb_ends_at_the_limit),
		cmocka_unit_test(a_window_beyond_the_limit_is_refused),
		cmocka_unit_test(an_error_of_the_source_comes_through),
		cmocka_unit_test(both_gzip_decoders_agree),
	};

	return cmocka_run_group_tests_name("oci/inflate", tests, NULL, NULL);
}
