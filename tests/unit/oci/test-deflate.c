/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "base/pieces.h"
#include "oci/deflate.h"
#include "oci/plain_file.h"

struct given {
	struct span rest;
	size_t part; /* bytes a read; 0: fail */
};

static ssize_t give(void *context, void *data, size_t size, struct diag *why)
{
	struct given *given = context;
	size_t part = given->part < size ? given->part : size;

	if (part == 0)
		return diag_set(why, -ECONNRESET, "gone");
	if (part > given->rest.size)
		part = given->rest.size;
	if (part)
		memcpy(data, given->rest.data, part);
	given->rest = span_of(given->rest.data + part, given->rest.size - part);
	return (ssize_t)part;
}

static void deflated(enum compression compression, struct span bytes, size_t part, struct buf *ret)
{
	struct given given = {bytes, part};
	struct reader source = {.read = give, .context = &given}, reader;
	struct diag why = {0};

	assert_ok(deflate_open(compression, &source, &reader, &why), &why);
	assert_ok(made_read(&reader, ret, &why), &why);
}

/* Through our own inflate, which tests/unit/oci/test-inflate.c holds to gzip(1) and zstd(1). */
static void inflated(struct span bytes, struct buf *ret)
{
	struct given given = {bytes, 1000};
	struct reader source = {.read = give, .context = &given}, reader;
	struct diag why = {0};

	assert_ok(plain_reader(&source, 1 << 30, &reader, &why), &why);
	assert_ok(made_read(&reader, ret, &why), &why);
}

static void what_is_deflated_inflates_to_the_same(void **state)
{
	static const size_t sizes[] = {0, 1, 4096, 128 * 1024, 128 * 1024 + 1, 1000000};
	struct buf plain = {0}, small = {0}, again = {0};

	(void)state;
	for (size_t i = 0; i < 1000000; i++)
		assert_int_equal(0, buf_append_byte(&plain, (uint8_t)(i * i >> 7)));
	for (int compression = COMPRESSION_GZIP; compression < COMPRESSION_COUNT; compression++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct span bytes = span_of(plain.data, sizes[i]);

			deflated((enum compression)compression, bytes, 10007, &small);
			inflated(buf_span(&small), &again);
			assert_true(span_equal(bytes, buf_span(&again)));
			assert_true(small.size > 0);
		}
		assert_true(small.size < plain.size / 2);
	}
	buf_release(&plain);
	buf_release(&small);
	buf_release(&again);
}

static void how_the_bytes_come_changes_nothing(void **state)
{
	struct buf plain = {0}, one = {0}, two = {0};

	(void)state;
	assert_int_equal(0, buf_append_zeros(&plain, 300000));
	for (int compression = COMPRESSION_GZIP; compression < COMPRESSION_COUNT; compression++) {
		deflated((enum compression)compression, buf_span(&plain), 300000, &one);
		deflated((enum compression)compression, buf_span(&plain), 11, &two);
		assert_true(span_equal(buf_span(&one), buf_span(&two)));
	}
	buf_release(&plain);
	buf_release(&one);
	buf_release(&two);
}

static void a_source_that_fails_is_no_end(void **state)
{
	struct given given = {SPAN_LITERAL("x"), 0};
	struct reader source = {.read = give, .context = &given}, reader;
	struct buf out = {0};
	struct diag why = {0};

	(void)state;
	for (int compression = COMPRESSION_GZIP; compression < COMPRESSION_COUNT; compression++) {
		assert_ok(deflate_open((enum compression)compression, &source, &reader, &why),
			  &why);
		assert_int_equal(-ECONNRESET, made_read(&reader, &out, &why));
	}
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_deflated_inflates_to_the_same),
		cmocka_unit_test(how_the_bytes_come_changes_nothing),
		cmocka_unit_test(a_source_that_fails_is_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
