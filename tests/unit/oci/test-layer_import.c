/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "base/reader.h"
#include "layers_of.h"
#include "tar_of.h"

static char folder[REPO_PATH_SIZE];
static struct store *store;

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	store = repo_open(below(folder, "repo"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	folder_remove(folder);
	return 0;
}

static struct store *store_of(enum digest_algorithm algorithm)
{
	struct store_config config = config_of(algorithm);
	const char *path = below(folder, digest_algorithm_name(algorithm));
	struct store *opened = NULL;
	struct diag why = {0};

	assert_ok(store_init(path, &config, &why), &why);
	assert_ok(store_open(path, &opened, &why), &why);
	return opened;
}

/* The stream gives back the exact archive. */
static void assert_stream(const struct store *of, const struct digest *id, struct span tar)
{
	struct splitstream *stream = NULL;
	struct buf found = {0};
	struct diag why = {0};

	assert_ok(splitstream_open(of, id, STREAM_TYPE_OCI_LAYER, &stream, &why), &why);
	assert_int_equal(tar.size, splitstream_size(stream));
	assert_ok(splitstream_read_all(of, stream, 1 << 30, &found, &why), &why);
	assert_true(span_equal(tar, buf_span(&found)));
	buf_release(&found);
}

static void golden_layers_have_their_ids(void **state)
{
	static const char *const names[] = {"alpha", "beta", "gamma", "edge"};
	static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};

	(void)state;
	for (size_t a = 0; a < 2; a++) {
		struct store *of = store_of(algorithms[a]);
		const char *algorithm = digest_algorithm_name(algorithms[a]);

		for (size_t i = 0; i < 4 * 3; i++) {
			struct transaction *transaction = begin(of);
			char name[32], file[40], word[200], text[OCI_DIGEST_SIZE_MAX];
			struct buf tar = {0}, blob = {0};
			struct layer_request request;
			struct layer_result result;
			struct digest expected;
			struct diag why = {0};

			(void)snprintf(name, sizeof(name), "layer-%s", names[i / 3]);
			(void)snprintf(file, sizeof(file), "%s.tar", name);
			golden_read(file, &tar);
			if (i % 3 == 0)
				assert_int_equal(0, buf_append_span(&blob, buf_span(&tar)));
			else if (i % 3 == 1)
				put_gzip(&blob, buf_span(&tar), 6);
			else
				put_zstd(&blob, buf_span(&tar));
			request = request_of(buf_span(&blob), buf_span(&tar));
			assert_ok(import_blob(transaction, buf_span(&blob), 100 * (i % 2), &request,
					      &result, &why),
				  &why);
			expected = golden_id(name, algorithm);
			assert_true(digest_equal(&expected, &result.stream_id));
			assert_true(
				span_equal(golden_diff_id(name, word),
					   span_of_string(oci_digest_text(&result.diff_id, text))));
			assert_int_equal(blob.size, result.blob_bytes);
			assert_int_equal(tar.size, result.tar_bytes);
			assert_ok(transaction_commit(transaction, &why), &why);
			assert_stream(of, &result.stream_id, buf_span(&tar));
			buf_release(&tar);
			buf_release(&blob);
		}
		store_close(of);
	}
}

/* Files around the sizes of slots, scratch space and the limit of what is inline. */
static void put_many_files(struct buf *tar)
{
	static const size_t sizes[] = {
		0,     1,      64,     65,      511,     512,           513,    4096,
		65536, 262144, 262143, 1 << 20, 1000000, (1 << 20) + 1, 3 << 20};
	char name[32];

	for (size_t i = 0; i < 60; i++) {
		size_t size = sizes[i % 15];
		uint8_t *bytes = bytes_of(size, (uint32_t)i % 40);

		(void)snprintf(name, sizeof(name), "file-%zu", i);
		tar_file(tar, name, span_of(bytes, size));
		free(bytes);
	}
	tar_end(tar);
	assert_int_equal(0, buf_append_string(tar, "and some more"));
}

static void every_file_is_an_object_or_inline(void **state)
{
	struct transaction *transaction = begin(store);
	struct buf tar = {0}, blob = {0};
	struct layer_request request;
	struct layer_result result;
	struct diag why = {0};

	(void)state;
	put_many_files(&tar);
	put_gzip(&blob, buf_span(&tar), 1);
	request = request_of(buf_span(&blob), buf_span(&tar));
	assert_ok(import_blob(transaction, buf_span(&blob), 0, &request, &result, &why), &why);
	assert_int_equal(60, result.entry_count);
	assert_int_equal(48, result.file_count);
	assert_ok(transaction_commit(transaction, &why), &why);
	assert_stream(store, &result.stream_id, buf_span(&tar));
	/* 12 sizes that are objects; seeds 0 to 39 with 15 sizes: 60 files, 40 different at most */
	assert_true(assert_objects_whole(store) > 30);
	assert_nothing_temporary(below(folder, "repo/objects"));
	buf_release(&tar);
	buf_release(&blob);
}

static void what_was_not_promised_needs_no_digest(void **state)
{
	struct transaction *transaction = begin(store);
	const struct layer_request request = {0};
	struct layer_result result;
	struct digest expected;
	struct buf tar = {0};
	struct diag why = {0};

	(void)state;
	tar_dir(&tar, "d");
	assert_ok(import_blob(transaction, buf_span(&tar), 0, &request, &result, &why), &why);
	expected = sha256_of(buf_span(&tar));
	assert_true(digest_equal(&expected, &result.diff_id));
	transaction_abort(transaction);
	buf_release(&tar);
}

static void a_diff_id_may_be_a_sha512(void **state)
{
	struct transaction *transaction = begin(store);
	struct layer_request request;
	struct layer_result result;
	struct buf tar = {0};
	struct diag why = {0};

	(void)state;
	tar_dir(&tar, "d");
	request = request_of(buf_span(&tar), buf_span(&tar));
	assert_int_equal(0, sha_of(DIGEST_SHA512, buf_span(&tar), &request.diff_id, NULL));
	assert_int_equal(0, sha_of(DIGEST_SHA512, buf_span(&tar), &request.blob.digest, NULL));
	assert_ok(import_blob(transaction, buf_span(&tar), 0, &request, &result, &why), &why);
	assert_true(digest_equal(&request.diff_id, &result.diff_id));
	transaction_abort(transaction);
	buf_release(&tar);
}

static size_t stream_count;

static int count_streams(void *context, const struct digest *name, struct diag *why)
{
	struct splitstream *stream = NULL;

	(void)context;
	(void)why;
	if (splitstream_open(store, name, STREAM_TYPE_ANY, &stream, NULL) == 0)
		stream_count++;
	splitstream_close(stream);
	return 0;
}

/* Nothing usable: there may be objects of files, but no stream. */
static void assert_no_stream(void)
{
	stream_count = 0;
	assert_int_equal(0, store_each_object(store, count_streams, NULL, NULL));
	assert_int_equal(0, stream_count);
	(void)assert_objects_whole(store);
	assert_nothing_temporary(below(folder, "repo/objects"));
}

static void assert_refused(struct span blob, const struct layer_request *request, int err,
			   const char *reason)
{
	struct transaction *transaction = begin(store);
	struct layer_result result = {.tar_bytes = 77};
	struct diag why = {0};
	int r = import_blob(transaction, blob, 0, request, &result, &why);

	if (r != err || !strstr(why.text, reason))
		fail_msg("%d: %s (%s)", r, why.text, reason);
	assert_int_equal(77, result.tar_bytes);
	assert_int_equal(0, transaction_commit(transaction, NULL));
	assert_no_stream();
}

static void nothing_is_usable_that_was_not_promised(void **state)
{
	struct buf tar = {0}, blob = {0};
	struct layer_request right, wrong;

	(void)state;
	put_many_files(&tar);
	put_gzip(&blob, buf_span(&tar), 1);
	right = request_of(buf_span(&blob), buf_span(&tar));
	wrong = right;
	wrong.blob.digest.bytes[5] ^= 1;
	assert_refused(buf_span(&blob), &wrong, -EBADMSG, "the blob is sha256:");
	wrong = right;
	wrong.diff_id.bytes[5] ^= 1;
	assert_refused(buf_span(&blob), &wrong, -EBADMSG, "the layer inflates to sha256:");
	wrong = right;
	wrong.blob.size--;
	assert_refused(buf_span(&blob), &wrong, -EBADMSG, "larger than the");
	wrong = right;
	wrong.blob.size++;
	assert_refused(buf_span(&blob), &wrong, -EBADMSG, "bytes, not the");
	buf_release(&tar);
	buf_release(&blob);
}

/* The digest tells whether the layer is malformed or came through damaged. */
static void a_damaged_blob_is_to_blame_for_what_comes_of_it(void **state)
{
	struct buf tar = {0}, blob = {0};
	struct layer_request right, wrong;

	(void)state;
	put_many_files(&tar);
	put_gzip(&blob, buf_span(&tar), 1);
	right = request_of(buf_span(&blob), buf_span(&tar));
	for (size_t at = 0; at < blob.size; at += blob.size / 7) {
		blob.data[at] ^= 0x10;
		if (at == 0) /* no gzip any more, and no tar */
			assert_refused(buf_span(&blob), &right, -EBADMSG, "the blob is sha256:");
		assert_refused(buf_span(&blob), &right, -EBADMSG, "the blob is sha256:");
		wrong = request_of(buf_span(&blob), buf_span(&tar));
		assert_refused(buf_span(&blob), &wrong, -EUCLEAN, "");
		blob.data[at] ^= 0x10;
	}
	/* Cut, and promised like that. */
	blob.size /= 2;
	wrong = request_of(buf_span(&blob), buf_span(&tar));
	assert_refused(buf_span(&blob), &wrong, -EUCLEAN, "ends too early");
	assert_refused(buf_span(&blob), &right, -EBADMSG, "bytes, not the");
	buf_release(&tar);
	buf_release(&blob);
}

static void a_malformed_archive_is_refused(void **state)
{
	struct buf tar = {0};
	struct layer_request request;

	(void)state;
	put_many_files(&tar);
	tar.data[512 + 3] ^= 1; /* the second header */
	request = request_of(buf_span(&tar), buf_span(&tar));
	assert_refused(buf_span(&tar), &request, -EUCLEAN, "tar entry at byte 512");
	request.blob.digest.bytes[0] ^= 1;
	assert_refused(buf_span(&tar), &request, -EBADMSG, "the blob is sha256:");
	tar.size = 0;
	TAR_PUT(&tar, .name = "volume", .type = 'V');
	request = request_of(buf_span(&tar), buf_span(&tar));
	assert_refused(buf_span(&tar), &request, -EOPNOTSUPP, "unknown type");
	buf_release(&tar);
}

static void a_bomb_costs_an_error(void **state)
{
	struct buf tar = {0}, blob = {0};
	struct layer_request request;
	uint8_t *zeros = calloc(1, 64 << 20);

	(void)state;
	tar_file(&tar, "zeros", span_of(zeros, 64 << 20));
	put_gzip(&blob, buf_span(&tar), 9);
	request = request_of(buf_span(&blob), buf_span(&tar));
	request.tar_bytes_max = 64 << 20; /* what the header says is no more */
	assert_refused(buf_span(&blob), &request, -E2BIG, "more than 67108864 plain bytes");
	assert_int_equal(0, assert_objects_whole(store));
	assert_int_equal(LAYER_FREE_SIZE, layer_bytes_max(blob.size));
	assert_int_equal(400000000000, layer_bytes_max(2000000000));
	assert_int_equal(UINT64_MAX, layer_bytes_max(UINT64_MAX / 2));
	free(zeros);
	buf_release(&tar);
	buf_release(&blob);
}

static void an_error_of_the_source_comes_through(void **state)
{
	struct buf tar = {0};

	(void)state;
	put_many_files(&tar);
	for (size_t size = 0; size < tar.size; size += 3 << 20) {
		struct transaction *transaction = begin(store);
		struct memory memory = {span_of(tar.data, size), 0, -ECONNRESET};
		const struct reader reader = reader_of_memory(&memory);
		const struct layer_request request = request_of(buf_span(&tar), buf_span(&tar));
		struct layer_result result;

		assert_int_equal(-ECONNRESET,
				 layer_import(transaction, &reader, &request, &result, NULL));
		transaction_abort(transaction);
		assert_no_stream();
	}
	buf_release(&tar);
}

struct watched {
	uint64_t blob_bytes, tar_bytes, stops_at;
};

static int watch(void *context, uint64_t blob_bytes, uint64_t tar_bytes)
{
	struct watched *watched = context;

	assert_true(blob_bytes > watched->blob_bytes && tar_bytes >= watched->tar_bytes);
	watched->blob_bytes = blob_bytes;
	watched->tar_bytes = tar_bytes;
	return blob_bytes > watched->stops_at ? -EINTR : 0;
}

static void progress_is_told_and_can_stop(void **state)
{
	struct buf tar = {0};
	struct watched watched = {.stops_at = UINT64_MAX};
	struct layer_request request;
	struct layer_result result;
	struct transaction *transaction = begin(store);
	struct diag why = {0};

	(void)state;
	put_many_files(&tar);
	request = request_of(buf_span(&tar), buf_span(&tar));
	request.progress = watch;
	request.context = &watched;
	for (uint64_t at = 0; at < tar.size; at += 4 << 20) {
		watched = (struct watched){.stops_at = at};
		assert_refused(buf_span(&tar), &request, -EINTR, "stopped");
	}
	watched = (struct watched){.stops_at = UINT64_MAX};
	assert_ok(import_blob(transaction, buf_span(&tar), 0, &request, &result, &why), &why);
	assert_int_equal(tar.size, watched.blob_bytes);
	transaction_abort(transaction);
	buf_release(&tar);
}

/* The store refuses to write: whatever the other stages do, that is the result. */
static void an_error_of_the_store_comes_through(void **state)
{
	struct buf tar = {0}, blob = {0};
	struct layer_request request;
	struct transaction *transaction = begin(store);
	struct layer_result result;
	struct rlimit before, limit;
	struct diag why = {0};
	int r;

	(void)state;
	put_many_files(&tar);
	put_gzip(&blob, buf_span(&tar), 1);
	request = request_of(buf_span(&blob), buf_span(&tar));
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
	limit = (struct rlimit){2 << 20, before.rlim_max};
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &limit));
	r = import_blob(transaction, buf_span(&blob), 0, &request, &result, &why);
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
	assert_int_equal(-EFBIG, r);
	assert_non_null(strstr(why.text, "cannot write an object"));
	transaction_abort(transaction);
	assert_no_stream();
	buf_release(&tar);
	buf_release(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(golden_layers_have_their_ids),
		TEST(every_file_is_an_object_or_inline),
		TEST(what_was_not_promised_needs_no_digest),
		TEST(a_diff_id_may_be_a_sha512),
		TEST(nothing_is_usable_that_was_not_promised),
		TEST(a_damaged_blob_is_to_blame_for_what_comes_of_it),
		TEST(a_malformed_archive_is_refused),
		TEST(a_bomb_costs_an_error),
		TEST(an_error_of_the_source_comes_through),
		TEST(progress_is_told_and_can_stop),
		TEST(an_error_of_the_store_comes_through),
	};

	return cmocka_run_group_tests_name("oci/layer_import", tests, NULL, NULL);
}
