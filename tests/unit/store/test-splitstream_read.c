/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

#include "base/le.h"
#include "base/limits.h"
#include "base/reader.h"
#include "golden.h"

static char folder[REPO_PATH_SIZE];
static struct store *store;

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	store = repo_open(folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	folder_remove(folder);
	return 0;
}

static int open_bytes(struct span bytes, enum digest_algorithm algorithm, uint64_t type,
		      struct splitstream **ret, struct diag *why)
{
	int fd = memfd_create("splitstream", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, bytes.data, bytes.size));
	return splitstream_open_fd(fd, algorithm, type, ret, why);
}

static void assert_reads_as(const char *file, enum digest_algorithm algorithm, const char *plain,
			    uint64_t type)
{
	struct buf bytes = {0}, expected = {0}, read = {0};
	struct splitstream *stream = NULL;
	struct diag why = {0};

	golden_read(file, &bytes);
	golden_read(plain, &expected);
	assert_ok(open_bytes(buf_span(&bytes), algorithm, type, &stream, &why), &why);
	assert_int_equal(expected.size, splitstream_size(stream));
	assert_ok(splitstream_read_all(store, stream, 1 << 20, &read, &why), &why);
	if (!span_equal(buf_span(&expected), buf_span(&read)))
		fail_msg("%s is not %s", file, plain);
	buf_release(&bytes);
	buf_release(&expected);
	buf_release(&read);
}

/* The objects of the golden streams, of whose own writing nothing is used. */
static void reads_the_streams_of_composefs_rs(void **state)
{
	static const struct {
		const char *name;
		const char *plain;
		uint64_t type;
	} cases[] = {
		{"layer-alpha", "layer-alpha.tar", STREAM_TYPE_OCI_LAYER},
		{"layer-beta", "layer-beta.tar", STREAM_TYPE_OCI_LAYER},
		{"layer-gamma", "layer-gamma.tar", STREAM_TYPE_OCI_LAYER},
		{"layer-edge", "layer-edge.tar", STREAM_TYPE_OCI_LAYER},
		{"config", "config.json", STREAM_TYPE_OCI_CONFIG},
		{"config", "config.json", STREAM_TYPE_OCI_CONFIG},
		{"config-unsorted", "config-unsorted.json", STREAM_TYPE_OCI_CONFIG},
		{"config-images", "config-unsorted.json", STREAM_TYPE_OCI_CONFIG},
		{"manifest", "manifest.json", STREAM_TYPE_OCI_MANIFEST},
	};
	static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};

	(void)state;
	for (size_t a = 0; a < 2; a++) {
		const char *algorithm = digest_algorithm_name(algorithms[a]);
		struct store_config config = config_of(algorithms[a]);
		struct transaction *transaction;
		struct diag why = {0};

		store_close(store);
		assert_ok(store_init(below(folder, algorithm), &config, &why), &why);
		assert_ok(store_open(below(folder, algorithm), &store, &why), &why);
		transaction = begin(store);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			char file[256];

			if (cases[i].type == STREAM_TYPE_OCI_LAYER)
				(void)golden_layer_write(transaction, cases[i].name);
			else
				splitstream_writer_abort(golden_json_writer(
					transaction, cases[i].plain, cases[i].type));
			(void)snprintf(file, sizeof(file), "%s.%s%s.splitstream", cases[i].name,
				       algorithm, i == 5 ? ".old-header" : "");
			assert_reads_as(file, algorithms[a], cases[i].plain, cases[i].type);
		}
		transaction_abort(transaction);
	}
}

static void references_lead_where_the_manifest_says(void **state)
{
	struct buf bytes = {0};
	struct splitstream *stream = NULL;
	struct diag why = {0};
	struct digest found, expected;
	struct span name;
	char word[200];

	(void)state;
	golden_read("config-images.sha256.splitstream", &bytes);
	assert_ok(open_bytes(buf_span(&bytes), DIGEST_SHA256, STREAM_TYPE_ANY, &stream, &why),
		  &why);
	assert_int_equal(1, splitstream_object_count(stream));
	assert_int_equal(5, splitstream_reference_count(stream));
	found = splitstream_reference(stream, 0, &name);
	assert_true(span_equal(SPAN_LITERAL("composefs.image"), name));
	expected = digest_of_bytes(SPAN_LITERAL("image v2"));
	assert_true(digest_equal(&expected, &found));
	for (size_t i = 0; i < 3; i++) {
		expected = golden_id(golden_layers[i], "sha256");
		assert_int_equal(0,
				 splitstream_reference_find(
					 stream, golden_diff_id(golden_layers[i], word), &found));
		assert_true(digest_equal(&expected, &found));
	}
	splitstream_close(stream);
	buf_release(&bytes);
}

/*
 * A stream written by hand, with sections in an order that no writer has, and gaps between them.
 * The frames are raw blocks (RFC 8878, 3.1.1): a stored size of one byte, the last block.
 */
struct made {
	struct buf bytes;
	struct span stream_refs;
	struct span object_refs;
	struct span names;
	struct span chunks;
	uint64_t size;
	bool has_frame_cut;    /* the frame of the stream lacks its last byte */
	bool has_second_frame; /* the chunks once more, behind */
	size_t junk;           /* bytes behind the frame of the stream, within its range */
};

static void put_range(struct made *made, size_t at, uint64_t start)
{
	le64 values[2] = {le64_of(start), le64_of(made->bytes.size)};

	memcpy(made->bytes.data + at, values, sizeof(values));
}

static void put_frame(struct made *made, struct span bytes)
{
	uint8_t head[9] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, (uint8_t)bytes.size};
	uint32_t block = (uint32_t)bytes.size << 3 | 1;

	assert_true(bytes.size < 256);
	memcpy(head + 6, &block, 3);
	assert_int_equal(0, buf_append(&made->bytes, head, sizeof(head)));
	assert_int_equal(0, buf_append_span(&made->bytes, bytes));
}

static struct span make(struct made *made)
{
	struct buf *bytes = &made->bytes;
	le64 words[2] = {le64_of(STREAM_TYPE_OCI_BLOB), le64_of(made->size)};
	size_t start;

	bytes->size = 0;
	assert_int_equal(0, buf_append(bytes, "SplitStream\0\xff\xff\1\xc", 16));
	assert_int_equal(0, buf_append_zeros(bytes, 16 + 5 + 80 + 8));
	bytes->size -= 8;
	put_range(made, 16, 37);
	bytes->size += 8; /* the info is longer than we know it */
	memcpy(bytes->data + 37 + 64, words, sizeof(words));
	start = bytes->size;
	put_frame(made, made->chunks);
	if (made->has_second_frame)
		put_frame(made, made->chunks);
	bytes->size -= made->has_frame_cut;
	assert_int_equal(0, buf_append_zeros(bytes, made->junk));
	put_range(made, 37 + 32, start);
	assert_int_equal(0, buf_append_zeros(bytes, 3));
	start = bytes->size;
	assert_int_equal(0, buf_append_span(bytes, made->object_refs));
	put_range(made, 37 + 16, start);
	start = bytes->size;
	put_frame(made, made->names);
	put_range(made, 37 + 48, start);
	start = bytes->size;
	assert_int_equal(0, buf_append_span(bytes, made->stream_refs));
	put_range(made, 37, start);
	return buf_span(bytes);
}

static const char two_hashes[] = "0123456789abcdef0123456789abcdefFEDCBA9876543210FEDCBA9876543210";

static struct made sample(void)
{
	return (struct made){
		.stream_refs = span_of(two_hashes, 64),
		.object_refs = span_of(two_hashes, 64),
		.names = SPAN_LITERAL("1:b:c\0"
				      "0:a\0"),
		.chunks = SPAN_LITERAL("\xfd\xff\xff\xff\xff\xff\xff\xff"
				       "abc"
				       "\1\0\0\0\0\0\0\0"
				       "\xff\xff\xff\xff\xff\xff\xff\xff"
				       "d"),
		.size = 10,
	};
}

static int open_made(struct made *made, struct splitstream **ret, struct diag *why)
{
	return open_bytes(make(made), DIGEST_SHA256, STREAM_TYPE_OCI_BLOB, ret, why);
}

static void sections_may_lie_anywhere(void **state)
{
	struct splitstream *stream = NULL;
	struct splitstream_chunk chunk;
	struct made made = sample();
	struct diag why = {0};
	struct digest found;
	struct span name;

	(void)state;
	assert_ok(open_made(&made, &stream, &why), &why);
	assert_int_equal(10, splitstream_size(stream));
	found = splitstream_reference(stream, 0, &name);
	assert_true(span_equal(SPAN_LITERAL("a"), name));
	assert_memory_equal(two_hashes, found.bytes, 32);
	found = splitstream_reference(stream, 1, &name);
	assert_true(span_equal(SPAN_LITERAL("b:c"), name));
	assert_memory_equal(two_hashes + 32, found.bytes, 32);
	assert_int_equal(1, splitstream_next(stream, &chunk, &why));
	assert_false(chunk.is_external);
	assert_true(span_equal(SPAN_LITERAL("abc"), chunk.bytes));
	assert_int_equal(1, splitstream_next(stream, &chunk, &why));
	assert_true(chunk.is_external);
	assert_memory_equal(two_hashes + 32, chunk.object.bytes, 32);
	assert_int_equal(1, splitstream_next(stream, &chunk, &why));
	assert_true(span_equal(SPAN_LITERAL("d"), chunk.bytes));
	assert_int_equal(0, splitstream_next(stream, &chunk, &why));
	splitstream_close(stream);
	buf_release(&made.bytes);
}

static void of_two_equal_names_the_last_counts(void **state)
{
	struct splitstream *stream = NULL;
	struct made made = sample();
	struct diag why = {0};
	struct digest found;

	(void)state;
	made.names = SPAN_LITERAL("1:n\0"
				  "0:m\0"
				  "0:n\0"
				  "1:m\0"
				  "00001:\0");
	assert_ok(open_made(&made, &stream, &why), &why);
	assert_int_equal(3, splitstream_reference_count(stream));
	assert_int_equal(0, splitstream_reference_find(stream, SPAN_LITERAL("n"), &found));
	assert_memory_equal(two_hashes, found.bytes, 32);
	assert_int_equal(0, splitstream_reference_find(stream, SPAN_LITERAL("m"), &found));
	assert_memory_equal(two_hashes + 32, found.bytes, 32);
	splitstream_close(stream);
	buf_release(&made.bytes);
}

/* One change to the bytes of the sample each. */
static void refuses_headers_that_are_none(void **state)
{
	static const struct {
		size_t offset;
		const char *bytes;
		size_t size;
		const char *reason;
	} cases[] = {
		{0, "splitStream", 11, "not a splitstream"},
		{11, "\1", 1, "version 1"},
		{14, "\2", 1, "hash algorithm 2"},
		{14, "\0", 1, "hash algorithm 0"},
		{15, "\xd", 1, "2^13"},
		{16, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "info from"},
		{24, "\0\0\0\0\0\0\0\1", 8, "info from"},
		{24, "\x74", 1, "info of 79"},
		{37, "\xff\xff", 2, "stream_refs from"},
		{37 + 8, "\1\0", 2, "stream_refs from"},
		{37 + 16, "\xff\xff", 2, "object_refs from"},
		{37 + 32, "\xff\xff", 2, "stream from"},
		{37 + 48, "\xff\xff", 2, "named_refs from"},
		{37 + 64, "\0", 1, "content type"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct splitstream *stream = NULL;
		struct made made = sample();
		struct diag why = {0};

		(void)make(&made);
		memcpy(made.bytes.data + cases[i].offset, cases[i].bytes, cases[i].size);
		/* A later version is no damage: somebody can read it. */
		assert_int_equal(strstr(cases[i].reason, "version") ? -EOPNOTSUPP : -EUCLEAN,
				 open_bytes(buf_span(&made.bytes), DIGEST_SHA256,
					    STREAM_TYPE_OCI_BLOB, &stream, &why));
		if (!strstr(why.text, cases[i].reason))
			fail_msg("case %zu: %s", i, why.text);
		buf_release(&made.bytes);
	}
}

/* However short the file is, it is refused or its end is noticed. */
static void refuses_every_prefix(void **state)
{
	static const char *const files[] = {"config-images.sha256.splitstream",
					    "config.sha256.old-header.splitstream"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf bytes = {0};

		golden_read(files[i], &bytes);
		for (size_t size = 0; size < bytes.size; size++) {
			struct splitstream *stream = NULL;
			struct diag why = {0};

			assert_int_equal(-EUCLEAN,
					 open_bytes(span_of(bytes.data, size), DIGEST_SHA256,
						    STREAM_TYPE_ANY, &stream, &why));
			assert_true(why.text[0]);
		}
		buf_release(&bytes);
	}
}

static void refuses_tables_and_names_that_are_none(void **state)
{
	static const struct {
		struct span names;
		size_t table_size;
		const char *reason;
	} cases[] = {
		{SPAN_LITERAL("0:a\0"), 63, "not whole hashes"},
		{SPAN_LITERAL("0:a\0"
			      "0:b"),
		 64, "without end"},
		{SPAN_LITERAL("0\0"), 64, "without index and colon"},
		{SPAN_LITERAL(":a\0"), 64, "without index and colon"},
		{SPAN_LITERAL("+1:a\0"), 64, "without index and colon"},
		{SPAN_LITERAL("-1:a\0"), 64, "without index and colon"},
		{SPAN_LITERAL("\0"), 64, "without index and colon"},
		{SPAN_LITERAL("2:a\0"), 64, "reference 2 of 2"},
		{SPAN_LITERAL("0:a\0"), 0, "reference 0 of 0"},
		{SPAN_LITERAL("18446744073709551616:a\0"), 64, "without end"},
		{SPAN_LITERAL("0:\xff\0"), 64, "not UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct splitstream *stream = NULL;
		struct made made = sample();
		struct diag why = {0};

		made.names = cases[i].names;
		made.stream_refs.size = cases[i].table_size;
		assert_int_equal(-EUCLEAN, open_made(&made, &stream, &why));
		if (!strstr(why.text, cases[i].reason))
			fail_msg("case %zu: %s", i, why.text);
		buf_release(&made.bytes);
	}
}

/* Reads to the end; the result of the last call. */
static int drain(struct splitstream *stream, struct diag *why)
{
	struct splitstream_chunk chunk;
	int r;

	while ((r = splitstream_next(stream, &chunk, why)) > 0)
		assert_true(chunk.is_external || chunk.bytes.size > 0);
	splitstream_close(stream);
	return r;
}

static void refuses_chunks_that_are_none(void **state)
{
	static const struct {
		struct span chunks;
		int err;
		const char *reason;
	} cases[] = {
		{SPAN_LITERAL("\2\0\0\0\0\0\0\0"), -EUCLEAN, "object 2 of 2"},
		{SPAN_LITERAL("\xff\xff\xff\xff\xff\xff\xff\x7f"), -EUCLEAN, "object 9223"},
		{SPAN_LITERAL("\xfd\xff\xff\xff\xff\xff\xff\xff"
			      "ab"),
		 -EUCLEAN, "too early"},
		{SPAN_LITERAL("\xfd\xff\xff\xff\xff\xff\xff\xff"), -EUCLEAN, "too early"},
		{SPAN_LITERAL("\0\0\0\0\0\0\0\0"
			      "1234567"),
		 -EUCLEAN, "7 bytes left"},
		{SPAN_LITERAL("\0"), -EUCLEAN, "1 bytes left"},
		{SPAN_LITERAL("\0\0\0\0\0\0\0\x80"), -E2BIG, "inline"},
		{SPAN_LITERAL("\xf5\xff\xff\xff\xff\xff\xff\xff"
			      "0123456789a"),
		 -EUCLEAN, "more bytes than the 10"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct splitstream *stream = NULL;
		struct made made = sample();
		struct diag why = {0};

		made.chunks = cases[i].chunks;
		assert_ok(open_made(&made, &stream, &why), &why);
		assert_int_equal(cases[i].err, drain(stream, &why));
		if (!strstr(why.text, cases[i].reason))
			fail_msg("case %zu: %s", i, why.text);
		buf_release(&made.bytes);
	}
}

static void refuses_frames_that_are_damaged(void **state)
{
	struct splitstream *stream = NULL;
	struct made made = sample();
	struct diag why = {0};

	(void)state;
	made.has_frame_cut = true;
	assert_ok(open_made(&made, &stream, &why), &why);
	assert_int_equal(-EUCLEAN, drain(stream, &why));
	made.has_frame_cut = false;
	made.junk = 4;
	assert_ok(open_made(&made, &stream, &why), &why);
	assert_int_equal(-EUCLEAN, drain(stream, &why));
	/* A second frame goes on where the first ended, as for any program that reads zstd. */
	made.junk = 0;
	made.has_second_frame = true;
	assert_ok(open_made(&made, &stream, &why), &why);
	assert_int_equal(0, drain(stream, &why));
	buf_release(&made.bytes);
}

/* A frame may ask for as much memory as it likes: a window of 2^27 here. */
static void refuses_windows_beyond_the_limit(void **state)
{
	struct splitstream *stream = NULL;
	struct made made = sample();
	struct diag why = {0};
	size_t frame = 32 + 5 + 80 + 8;

	(void)state;
	(void)make(&made);
	made.bytes.data[frame + 4] = 0x00;    /* a window descriptor, no size */
	made.bytes.data[frame + 5] = 17 << 3; /* 2^(10 + 17) */
	assert_ok(open_bytes(buf_span(&made.bytes), DIGEST_SHA256, STREAM_TYPE_OCI_BLOB, &stream,
			     &why),
		  &why);
	assert_int_equal(-EUCLEAN, drain(stream, &why));
	assert_non_null(strstr(why.text, "memory"));
	buf_release(&made.bytes);
}

static void what_does_not_add_up_is_noticed(void **state)
{
	static const struct {
		uint64_t size;
		size_t limit;
		int err;
	} cases[] = {{10, 10, 0}, {9, 10, -EUCLEAN}, {11, 20, -EUCLEAN}, {10, 9, -E2BIG}};
	struct transaction *transaction = begin(store);
	struct digest object = add_text(transaction, "123456");
	uint8_t table[64] = {0};

	(void)state;
	transaction_abort(transaction);
	memcpy(table + 32, object.bytes, 32);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct splitstream *stream = NULL;
		struct made made = sample();
		struct buf whole = {0};
		struct diag why = {0};

		made.object_refs = span_of(table, 64);
		made.size = cases[i].size;
		assert_ok(open_made(&made, &stream, &why), &why);
		assert_int_equal(cases[i].err,
				 splitstream_read_all(store, stream, cases[i].limit, &whole, &why));
		if (cases[i].err == 0)
			assert_string_equal("abc123456d", buf_string(&whole));
		else
			assert_int_equal(0, whole.size);
		buf_release(&whole);
		buf_release(&made.bytes);
	}
}

static void a_missing_object_is_not_found(void **state)
{
	struct splitstream *stream = NULL;
	struct made made = sample();
	struct buf whole = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(open_made(&made, &stream, &why), &why);
	assert_int_equal(-ENOENT, splitstream_read_all(store, stream, 10, &whole, &why));
	assert_non_null(strstr(why.text, "no object"));
	buf_release(&made.bytes);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(reads_the_streams_of_composefs_rs),
		CASE(references_lead_where_the_manifest_says),
		CASE(sections_may_lie_anywhere),
		CASE(of_two_equal_names_the_last_counts),
		CASE(refuses_headers_that_are_none),
		CASE(refuses_every_prefix),
		CASE(refuses_tables_and_names_that_are_none),
		CASE(refuses_chunks_that_are_none),
		CASE(refuses_frames_that_are_damaged),
		CASE(refuses_windows_beyond_the_limit),
		CASE(what_does_not_add_up_is_noticed),
		CASE(a_missing_object_is_not_found),
	};

	return cmocka_run_group_tests_name("store/splitstream_read", tests, NULL, NULL);
}
