/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The ids are those of tests/golden/splitstream/MANIFEST.tsv: what composefs-rs writes for the same
 * input, zstd included.
 */
#include "repo.h"

#include "base/limits.h"
#include "base/reader.h"
#include "golden.h"

static char folder[REPO_PATH_SIZE];
static struct store *store;

static void open_repository(enum digest_algorithm algorithm)
{
	struct store_config config = config_of(algorithm);
	const char *path = below(folder, digest_algorithm_name(algorithm));
	struct diag why = {0};

	store_close(store);
	store = NULL;
	assert_ok(store_init(path, &config, &why), &why);
	assert_ok(store_open(path, &store, &why), &why);
}

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	open_repository(DIGEST_SHA256);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	folder_remove(folder);
	return 0;
}

/* The object has the bytes and the id of the golden file. */
static void assert_golden(const struct digest *id, const char *name)
{
	const char *algorithm = digest_algorithm_name((enum digest_algorithm)id->algorithm);
	struct digest expected = golden_id(name, algorithm);
	struct buf golden = {0}, written = {0};
	struct diag why = {0};
	char file[256];
	int fd = object_open(store, id, &why);

	(void)snprintf(file, sizeof(file), "%s.%s.splitstream", name, algorithm);
	golden_read(file, &golden);
	assert_ok(fd, &why);
	assert_int_equal(0, fd_read_all(fd, 1 << 20, &written));
	(void)close(fd);
	if (!span_equal(buf_span(&golden), buf_span(&written)))
		fail_msg("%s differs", file);
	assert_true(digest_equal(&expected, id));
	buf_release(&golden);
	buf_release(&written);
}

static void assert_golden_streams(enum digest_algorithm algorithm)
{
	static const char *const layers[] = {"layer-alpha", "layer-beta", "layer-gamma",
					     "layer-edge"};
	struct transaction *transaction;
	struct digest ids[4], config, manifest;
	struct diag why = {0};

	open_repository(algorithm);
	transaction = begin(store);
	for (size_t i = 0; i < 4; i++) {
		ids[i] = golden_layer_write(transaction, layers[i]);
		assert_golden(&ids[i], layers[i]);
	}
	config = golden_config_write(transaction, "config.json", ids, (const size_t[]){0, 1, 2}, 3,
				     false);
	assert_golden(&config, "config");
	config = golden_config_write(transaction, "config-unsorted.json", ids,
				     (const size_t[]){2, 0, 2, 1}, 4, false);
	assert_golden(&config, "config-unsorted");
	config = golden_config_write(transaction, "config-unsorted.json", ids,
				     (const size_t[]){2, 0, 2, 1}, 4, true);
	assert_golden(&config, "config-images");
	manifest = golden_manifest_write(transaction, &config, ids);
	assert_golden(&manifest, "manifest");
	assert_ok(transaction_commit(transaction, &why), &why);
}

static void writes_the_bytes_of_composefs_rs(void **state)
{
	(void)state;
	assert_golden_streams(DIGEST_SHA256);
	assert_golden_streams(DIGEST_SHA512);
}

/* The same bytes however they are cut into calls, in memory or not. */
static void the_cut_of_the_calls_does_not_show(void **state)
{
	static const size_t cuts[] = {0, 1000, 65536, 3000000};
	const size_t size = 9000000; /* more than twice what a spool keeps in memory */
	struct transaction *transaction = begin(store);
	uint8_t *bytes = bytes_of(size, 7);
	struct digest ids[4], object = add_text(transaction, "some object");
	struct splitstream *stream = NULL;
	struct buf whole = {0};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct splitstream_writer *writer = NULL;
		size_t step = cuts[i] ? cuts[i] : size;

		assert_ok(splitstream_writer_new(transaction, 1, &writer, &why), &why);
		for (size_t at = 0; at < size; at += step)
			assert_ok(splitstream_write_inline(
					  writer,
					  span_of(bytes + at, size - at < step ? size - at : step),
					  &why),
				  &why);
		assert_ok(splitstream_write_external(writer, &object, 11, &why), &why);
		assert_ok(splitstream_write_inline(writer, SPAN_EMPTY, &why), &why);
		assert_ok(splitstream_write_inline(writer, SPAN_LITERAL("tail"), &why), &why);
		assert_ok(splitstream_writer_finish(writer, &ids[i], &why), &why);
		assert_true(digest_equal(&ids[0], &ids[i]));
	}
	assert_ok(splitstream_open(store, &ids[0], 1, &stream, &why), &why);
	assert_int_equal(size + 15, splitstream_size(stream));
	assert_ok(splitstream_read_all(store, stream, size + 15, &whole, &why), &why);
	assert_int_equal(size + 15, whole.size);
	assert_memory_equal(bytes, whole.data, size);
	assert_memory_equal("some objecttail", whole.data + size, 15);
	buf_release(&whole);
	free(bytes);
	transaction_abort(transaction);
	assert_nothing_temporary(below(folder, "sha256/objects"));
}

static void an_empty_stream_is_one(void **state)
{
	struct transaction *transaction = begin(store);
	struct splitstream_writer *writer = NULL;
	struct splitstream *stream = NULL;
	struct splitstream_chunk chunk;
	struct diag why = {0};
	struct digest id;

	(void)state;
	assert_ok(splitstream_writer_new(transaction, STREAM_TYPE_OCI_LAYER, &writer, &why), &why);
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	assert_ok(splitstream_open(store, &id, STREAM_TYPE_OCI_LAYER, &stream, &why), &why);
	assert_int_equal(0, splitstream_size(stream));
	assert_int_equal(0, splitstream_object_count(stream));
	assert_int_equal(0, splitstream_reference_count(stream));
	assert_int_equal(0, splitstream_next(stream, &chunk, &why));
	splitstream_close(stream);
	transaction_abort(transaction);
}

static void names_move_and_come_sorted(void **state)
{
	struct transaction *transaction = begin(store);
	struct splitstream_writer *writer = NULL;
	struct digest a = digest_of_bytes(SPAN_LITERAL("a")),
		      b = digest_of_bytes(SPAN_LITERAL("b"));
	struct splitstream *stream = NULL;
	struct diag why = {0};
	struct digest id, found;
	struct span name;

	(void)state;
	assert_ok(splitstream_writer_new(transaction, 5, &writer, &why), &why);
	assert_ok(splitstream_name_reference(writer, SPAN_LITERAL("z:1"), &a, &why), &why);
	assert_ok(splitstream_name_reference(writer, SPAN_LITERAL("b"), &a, &why), &why);
	assert_ok(splitstream_name_reference(writer, SPAN_LITERAL("z:1"), &b, &why), &why);
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	assert_ok(splitstream_open(store, &id, 5, &stream, &why), &why);
	assert_int_equal(2, splitstream_reference_count(stream));
	found = splitstream_reference(stream, 0, &name);
	assert_true(span_equal(SPAN_LITERAL("b"), name));
	assert_true(digest_equal(&a, &found));
	found = splitstream_reference(stream, 1, &name);
	assert_true(span_equal(SPAN_LITERAL("z:1"), name));
	assert_true(digest_equal(&b, &found));
	assert_int_equal(0, splitstream_reference_find(stream, SPAN_LITERAL("z:1"), &found));
	assert_true(digest_equal(&b, &found));
	assert_int_equal(-ENOENT, splitstream_reference_find(stream, SPAN_LITERAL("z"), &found));
	splitstream_close(stream);
	transaction_abort(transaction);
}

static void refuses_what_readers_would(void **state)
{
	static const struct {
		struct span name;
	} cases[] = {{SPAN_LITERAL("")}, {SPAN_LITERAL("a\0b")}, {SPAN_LITERAL("a\xff")}};
	struct transaction *transaction = begin(store);
	struct digest id = digest_of_bytes(SPAN_LITERAL("a")), ret;
	struct splitstream_writer *writer = NULL;
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_ok(splitstream_writer_new(transaction, 5, &writer, &why), &why);
		assert_int_equal(-EINVAL,
				 splitstream_name_reference(writer, cases[i].name, &id, &why));
		/* and nothing can be made of it any more */
		assert_int_equal(-EINVAL,
				 splitstream_write_inline(writer, SPAN_LITERAL("x"), &why));
		assert_int_equal(-EINVAL, splitstream_writer_finish(writer, &ret, &why));
	}
	id.algorithm = DIGEST_SHA512;
	assert_ok(splitstream_writer_new(transaction, 5, &writer, &why), &why);
	assert_int_equal(-EINVAL, splitstream_write_external(writer, &id, 1, &why));
	splitstream_writer_abort(writer);
	assert_ok(splitstream_writer_new(transaction, 5, &writer, &why), &why);
	id.algorithm = DIGEST_SHA256;
	assert_ok(splitstream_write_external(writer, &id, UINT64_MAX, &why), &why);
	assert_int_equal(-E2BIG, splitstream_write_external(writer, &id, 1, &why));
	splitstream_writer_abort(writer);
	transaction_abort(transaction);
	assert_int_equal(0, assert_objects_whole(store));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(writes_the_bytes_of_composefs_rs), CASE(the_cut_of_the_calls_does_not_show),
		CASE(an_empty_stream_is_one),           CASE(names_move_and_come_sorted),
		CASE(refuses_what_readers_would),
	};

	return cmocka_run_group_tests_name("store/splitstream_write", tests, NULL, NULL);
}
