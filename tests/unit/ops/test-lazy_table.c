/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "base/digest_set.h"
#include "ops/lazy_table.h"
#include "verity/sha.h"

static struct digest digest_of_number(unsigned int number)
{
	struct digest digest;

	assert_int_equal(0, sha_of(DIGEST_SHA256, span_of(&number, sizeof(number)), &digest, NULL));
	return digest;
}

/* count files of i bytes from first on, of i parts each. */
static void toc_make(unsigned int first, unsigned int count, struct toc *ret)
{
	ret->entries = calloc(count, sizeof(*ret->entries));
	ret->chunks = calloc((size_t)count * (first + count), sizeof(*ret->chunks));
	ret->count = count;
	for (unsigned int i = 0; i < count; i++) {
		struct toc_entry *entry = &ret->entries[i];

		entry->meta.size = first + i;
		entry->content = digest_of_number(first + i);
		entry->chunk_first = ret->chunk_count;
		entry->chunk_count = first + i;
		for (unsigned int j = 0; j < first + i; j++)
			ret->chunks[ret->chunk_count++] = (struct toc_chunk){
				.offset = (uint64_t)i << 40 | j,
				.end = ((uint64_t)i << 40 | j) + 1,
				.skip = j,
				.size = 1,
				.is_zeros = j & 1,
				.digest = j & 2 ? digest_of_number(j) : (struct digest){0}};
	}
}

static void toc_unmake(struct toc *toc)
{
	free(toc->entries);
	free(toc->chunks);
}

static void table_make(struct buf *ret, uint64_t *ret_count)
{
	struct digest_set wanted = DIGEST_SET_OF(DIGEST_SHA256);
	struct lazy_table_maker maker = {0};
	struct toc lower = {0}, upper = {0};
	uint64_t bytes;

	toc_make(1, 50, &lower);
	toc_make(40, 20, &upper);
	for (unsigned int i = 1; i < 60; i++) {
		struct digest digest = digest_of_number(i);

		if (i != 7)
			assert_int_equal(1, digest_set_put(&wanted, &digest, 1000, NULL));
	}
	assert_int_equal(0, lazy_table_add(&maker, &lower, 0, &wanted));
	assert_int_equal(0, lazy_table_add(&maker, &upper, 3, &wanted));
	assert_int_equal(0, lazy_table_make(&maker, ret, ret_count, &bytes));
	assert_int_equal(59 * 60 / 2 - 7, bytes);
	lazy_table_maker_release(&maker);
	digest_set_release(&wanted);
	toc_unmake(&lower);
	toc_unmake(&upper);
}

static void contents_are_found_by_their_digest(void **state)
{
	struct buf bytes = {0};
	struct lazy_contents found;
	struct lazy_table table;
	struct digest digest;
	struct diag why = {0};
	uint64_t count;

	(void)state;
	table_make(&bytes, &count);
	assert_int_equal(58, count);
	assert_ok(lazy_table_open(buf_span(&bytes), &table, &why), &why);
	for (unsigned int i = 1; i < 60; i++) {
		digest = digest_of_number(i);
		if (i == 7) {
			assert_int_equal(-ENOENT, lazy_table_find(&table, &digest, &found));
			continue;
		}
		assert_ok(lazy_table_find(&table, &digest, &found), &why);
		assert_int_equal(i, found.size);
		assert_int_equal(i, found.chunk_count);
		/* of what is in both layers, the first counts */
		assert_int_equal(i <= 50 ? 0 : 3, found.layer);
		for (uint32_t j = 0; j < found.chunk_count; j++) {
			struct toc_chunk chunk = lazy_table_chunk(&table, &found, j);

			assert_int_equal(j, chunk.skip);
			assert_int_equal(chunk.offset + 1, chunk.end);
			assert_int_equal(j & 1, chunk.is_zeros);
			assert_int_equal(j & 2 ? DIGEST_SHA256 : DIGEST_NONE,
					 chunk.digest.algorithm);
		}
	}
	digest = digest_of_number(77);
	assert_int_equal(-ENOENT, lazy_table_find(&table, &digest, &found));
	buf_release(&bytes);
}

static void a_table_that_is_cut_or_damaged_is_noticed(void **state)
{
	struct buf bytes = {0};
	struct lazy_contents found;
	struct lazy_table table;
	struct diag why = {0};
	uint64_t count;

	(void)state;
	table_make(&bytes, &count);
	for (size_t size = 0; size < bytes.size; size += size < 200 ? 1 : 997)
		assert_int_equal(-EUCLEAN,
				 lazy_table_open(span_of(bytes.data, size), &table, &why));
	/* counts that are not true, and chunks that are not there */
	for (size_t i = 0; i < 32; i++) {
		bytes.data[i] ^= 0x80;
		assert_int_equal(-EUCLEAN, lazy_table_open(buf_span(&bytes), &table, &why));
		bytes.data[i] ^= 0x80;
	}
	for (size_t i = 32 + 40; i < 32 + 52; i++) {
		bytes.data[i] ^= 0x80;
		assert_ok(lazy_table_open(buf_span(&bytes), &table, &why), &why);
		if (lazy_table_at(&table, 0, &found) == 0) {
			for (uint32_t j = 0; j < found.chunk_count; j++)
				(void)lazy_table_chunk(&table, &found, j);
		}
		bytes.data[i] ^= 0x80;
	}
	assert_int_equal(-EUCLEAN, lazy_table_at(&table, table.count, &found));
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_found_by_their_digest),
		cmocka_unit_test(a_table_that_is_cut_or_damaged_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
