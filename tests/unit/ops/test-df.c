/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "unit/store/golden.h"

#include "ops/df.h"
#include "ops/import.h"
#include "store/streams.h"
#include "store/tags.h"

static char folder[REPO_PATH_SIZE];
static struct store *store;
static struct buf told;
static struct df_total total;

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
	buf_release(&told);
	folder_remove(folder);
	return 0;
}

static int note(void *context, const struct df_row *row, struct diag *why)
{
	(void)context;
	(void)why;
	if (row->error)
		return buf_printf(&told, "%s %s: damaged\n", df_kind_name(row->kind), row->name);
	assert_int_equal(row->bytes, row->shared_bytes + row->unique_bytes);
	return buf_printf(&told, "%s %s: %llu objects, %llu shared, %llu unique, %llu missing\n",
			  df_kind_name(row->kind), row->name, (unsigned long long)row->count,
			  (unsigned long long)row->shared_bytes,
			  (unsigned long long)row->unique_bytes,
			  (unsigned long long)row->missing_count);
}

static const char *run(void)
{
	struct diag why = {0};

	told.size = 0;
	assert_ok(df_run(store, note, NULL, &total, &why), &why);
	return buf_string(&told);
}

/* A stream of objects of 10, 20, ... bytes, as bits of which say; its own size, too. */
static uint64_t add_stream(unsigned int which, const char *name)
{
	struct transaction *transaction = begin(store);
	struct splitstream_writer *writer = NULL;
	struct diag why = {0};
	struct digest id;
	uint64_t size;

	assert_ok(splitstream_writer_new(transaction, STREAM_TYPE_OCI_BLOB, &writer, &why), &why);
	for (size_t i = 0; i < 8; i++) {
		uint8_t *bytes = bytes_of(10 * (i + 1), (uint32_t)i);
		struct digest object;

		if (which & 1u << i) {
			assert_ok(
				add_bytes(transaction, span_of(bytes, 10 * (i + 1)), &object, &why),
				&why);
			assert_ok(splitstream_write_external(writer, &object, 10 * (i + 1), &why),
				  &why);
		}
		free(bytes);
	}
	assert_ok(splitstream_writer_finish(writer, &id, &why), &why);
	stream_commit(store, transaction, name, &id);
	assert_ok(object_size(store, &id, &size, &why), &why);
	return size;
}

static void tells_shared_from_unique(void **state)
{
	uint64_t a = add_stream(1 | 2, "a"), b = add_stream(2 | 4, "b"), c = add_stream(8, "c");
	char expected[1024];
	struct diag why = {0};

	(void)state;
	assert_string_equal("", run());
	assert_int_equal(7, total.count);
	assert_int_equal(7, total.unreferenced_count);
	assert_ok(tag_set(store, "x/a", "a", &why), &why);
	assert_ok(stream_ref_set(store, "other/b", "b", &why), &why);
	assert_ok(stream_ref_set(store, "again", "b", &why), &why);
	assert_ok(stream_ref_set(store, "nothing", "c", &why), &why);
	assert_int_equal(0, unlink(below(folder, "repo/streams/c")));
	(void)snprintf(expected, sizeof(expected),
		       "stream again: 3 objects, 20 shared, %llu unique, 0 missing\n"
		       "tag x/a: 3 objects, 20 shared, %llu unique, 0 missing\n"
		       "stream other/b: 3 objects, 20 shared, %llu unique, 0 missing\n",
		       30 + (unsigned long long)b, 10 + (unsigned long long)a,
		       30 + (unsigned long long)b);
	assert_string_equal(expected, run());
	assert_int_equal(7, total.count);
	assert_int_equal(100 + a + b + c, total.bytes);
	assert_int_equal(2, total.unreferenced_count);
	assert_int_equal(40 + c, total.unreferenced_bytes);
}

static void an_image_needs_the_contents_of_its_files(void **state)
{
	struct import_request request = {.name = "image", .version = -1};
	struct import_result result;
	uint8_t *bytes = bytes_of(1000, 3);
	char expected[256], place[DIGEST_PATH_SIZE_MAX], path[256];
	struct digest object = digest_of_bytes(span_of(bytes, 1000));
	struct diag why = {0};

	(void)state;
	request.input = below(folder, "tree");
	assert_int_equal(0, mkdir(request.input, 0755));
	file_write(below(folder, "tree/file"), span_of(bytes, 1000));
	file_write(below(folder, "tree/same"), span_of(bytes, 1000));
	free(bytes);
	assert_ok(import_image(store, &request, &result, &why), &why);
	(void)snprintf(expected, sizeof(expected),
		       "image image: 2 objects, 0 shared, %llu unique, 0 missing\n",
		       1000 + (unsigned long long)result.image_bytes);
	assert_string_equal(expected, run());
	(void)snprintf(path, sizeof(path), "repo/objects/%s", digest_path(&object, place));
	assert_int_equal(0, unlink(below(folder, path)));
	(void)snprintf(expected, sizeof(expected),
		       "image image: 2 objects, 0 shared, %llu unique, 1 missing\n",
		       (unsigned long long)result.image_bytes);
	assert_string_equal(expected, run());
	(void)snprintf(path, sizeof(path), "repo/objects/%s", digest_path(&result.image, place));
	file_write(below(folder, path), SPAN_LITERAL("damage"));
	assert_string_equal("image image: damaged\n", run());
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(tells_shared_from_unique),
		CASE(an_image_needs_the_contents_of_its_files),
	};

	return cmocka_run_group_tests_name("ops/df", tests, NULL, NULL);
}
