/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/reader.h"
#include "ops/blob_file.h"
#include "ops/counted.h"
#include "verity/sha.h"

#define SIZE 700000 /* more than a buffer */

/* SIZE bytes, then what end says. */
struct stream {
	size_t at;
	int end;
	int closed;
};

static uint8_t byte_at(size_t at)
{
	return (uint8_t)(at * 2654435761U >> 13);
}

static ssize_t stream_read(void *context, void *data, size_t size, struct diag *why)
{
	struct stream *stream = context;
	size_t part = size < SIZE - stream->at ? size : SIZE - stream->at;

	if (part == 0)
		return stream->end ? diag_set(why, stream->end, "the network is gone") : 0;
	for (size_t i = 0; i < part; i++)
		((uint8_t *)data)[i] = byte_at(stream->at++);
	return (ssize_t)part;
}

static void stream_close(void *context)
{
	((struct stream *)context)->closed++;
}

/* All of a reader, which is closed. */
static void read_all(struct reader *reader, struct buf *ret)
{
	struct diag why = {0};
	uint8_t part[10000];
	ssize_t got;

	ret->size = 0;
	while ((got = reader_read(reader, part, sizeof(part), &why)) > 0)
		assert_int_equal(0, buf_append(ret, part, (size_t)got));
	assert_ok((int)got, &why);
	reader_close(reader);
}

static void what_was_kept_is_read_as_often_as_one_likes(void **state)
{
	struct stream stream = {0};
	const struct reader source = {.read = stream_read, .context = &stream};
	struct reader one = READER_NONE, two = READER_NONE;
	struct blob_file file = BLOB_FILE_EMPTY;
	struct buf first = {0}, second = {0};
	struct diag why = {0};
	struct digest digest;

	(void)state;
	assert_ok(blob_file_fill(&source, &file, &why), &why);
	assert_int_equal(SIZE, file.size);
	/* Two at a time, and behind the file's own end. */
	assert_ok(blob_file_open(&file, &one, &why), &why);
	assert_ok(blob_file_open(&file, &two, &why), &why);
	blob_file_release(&file);
	assert_int_equal(-1, file.fd);
	read_all(&one, &first);
	read_all(&two, &second);
	assert_int_equal(SIZE, first.size);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(byte_at(i), first.data[i]);
	assert_true(span_equal(buf_span(&first), buf_span(&second)));
	buf_release(&first);
	buf_release(&second);

	stream.at = 0;
	assert_ok(blob_file_fill(&source, &file, &why), &why);
	assert_ok(blob_file_open(&file, &one, &why), &why);
	read_all(&one, &first);
	assert_ok(sha_of(DIGEST_SHA256, buf_span(&first), &digest, &why), &why);
	assert_true(digest_equal(&digest, &file.digest));
	blob_file_release(&file);
	buf_release(&first);
}

static void a_source_that_breaks_leaves_nothing(void **state)
{
	struct stream stream = {.end = -ECONNRESET};
	const struct reader source = {.read = stream_read, .context = &stream};
	struct blob_file file = BLOB_FILE_EMPTY;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ECONNRESET, blob_file_fill(&source, &file, &why));
	assert_string_equal("the network is gone", why.text);
	assert_int_equal(-1, file.fd);
}

static void a_place_that_cannot_be_written_to_is_named(void **state)
{
	struct stream stream = {0};
	const struct reader source = {.read = stream_read, .context = &stream};
	struct blob_file file = BLOB_FILE_EMPTY;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, setenv("TMPDIR", "/nowhere", 1));
	assert_int_equal(-ENOENT, blob_file_fill(&source, &file, &why));
	assert_int_equal(0, unsetenv("TMPDIR"));
	assert_non_null(strstr(why.text, "/nowhere"));
}

static void memory_is_read_from_its_beginning_each_time(void **state)
{
	struct blob_memory memory = {.bytes = SPAN_LITERAL("some bytes")};
	struct reader reader = READER_NONE;
	struct diag why = {0};
	struct buf bytes = {0};
	char some[4];

	(void)state;
	assert_ok(blob_memory_open(&memory, &reader, &why), &why);
	assert_int_equal(4, reader_read(&reader, some, 4, &why));
	reader_close(&reader);
	for (int i = 0; i < 2; i++) {
		assert_ok(blob_memory_open(&memory, &reader, &why), &why);
		read_all(&reader, &bytes);
		assert_true(span_equal(SPAN_LITERAL("some bytes"), buf_span(&bytes)));
	}
	buf_release(&bytes);
}

static void add(void *context, size_t size_bytes)
{
	*(size_t *)context += size_bytes;
}

static void every_byte_is_counted_and_the_source_is_closed_once(void **state)
{
	struct stream stream = {0};
	struct reader source = {stream_read, stream_close, &stream};
	struct reader counted = READER_NONE;
	struct buf bytes = {0};
	size_t sum = 0;

	(void)state;
	assert_int_equal(0, counted_reader(&source, add, &sum, &counted));
	assert_null(source.read);
	read_all(&counted, &bytes);
	assert_int_equal(SIZE, bytes.size);
	assert_int_equal(SIZE, sum);
	assert_int_equal(1, stream.closed);
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_is_read_as_often_as_one_likes),
		cmocka_unit_test(a_source_that_breaks_leaves_nothing),
		cmocka_unit_test(a_place_that_cannot_be_written_to_is_named),
		cmocka_unit_test(memory_is_read_from_its_beginning_each_time),
		cmocka_unit_test(every_byte_is_counted_and_the_source_is_closed_once),
	};

	return cmocka_run_group_tests_name("ops/blob_file", tests, NULL, NULL);
}
