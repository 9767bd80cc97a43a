/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "layers_of.h"
#include "sparse_of.h"
#include "tree/tree.h"
#include "unit/store/in_transaction.h"

static struct splitstream *stream_of(const struct digest *id)
{
	struct splitstream *stream = NULL;
	struct diag why = {0};

	assert_ok(splitstream_open(store, id, STREAM_TYPE_OCI_LAYER, &stream, &why), &why);
	return stream;
}

static void assert_gives_back(const struct digest *id, const struct buf *tar)
{
	struct buf found = {0};
	struct diag why = {0};

	assert_ok(splitstream_read_all(store, stream_of(id), 1 << 30, &found, &why), &why);
	assert_true(span_equal(buf_span(tar), buf_span(&found)));
	buf_release(&found);
}

/* The inode of name in the tree of one layer, which the caller frees. */
static struct tree *tree_of(const struct digest *id)
{
	struct tree *tree = tree_new();
	struct diag why = {0};

	assert_ok(layer_apply(store, id, tree, &why), &why);
	return tree;
}

static const struct inode *file_of(const struct tree *tree, const char *name)
{
	struct dentry *dentry = tree_lookup(tree, tree->root, span_of_string(name));

	assert_non_null(dentry);
	return dentry->inode;
}

static bool has_object(const struct splitstream *stream, const struct digest *wanted)
{
	for (size_t i = 0; i < splitstream_object_count(stream); i++) {
		struct digest object = splitstream_object(stream, i);

		if (digest_equal(&object, wanted))
			return true;
	}
	return false;
}

/* The same file twice, once with all of its zeros: one object in the image, and one tree. */
static void assert_same_as_whole(size_t size, const struct sparse_pair *pairs, size_t count)
{
	struct buf tar = {0}, body = {0}, whole = {0};
	struct splitstream *stream;
	struct digest id, sparse, plain;
	struct tree *tree;

	assert_int_equal(0, buf_append_zeros(&whole, size));
	for (size_t i = 0; i < count; i++) {
		memset(whole.data + pairs[i].offset, 'a' + (int)(i % 26), pairs[i].size);
		assert_int_equal(0, buf_append(&body, whole.data + pairs[i].offset, pairs[i].size));
	}
	tar_sparse(&tar, size, pairs, count, buf_span(&body));
	tar_file(&tar, "whole", buf_span(&whole));
	tar_file(&tar, "behind", SPAN_LITERAL("hello"));
	tar_end(&tar);
	id = import_tar(transaction, &tar);
	assert_gives_back(&id, &tar);
	tree = tree_of(&id);
	assert_int_equal(size, file_of(tree, "hole")->size);
	assert_int_equal(5, file_of(tree, "behind")->size);
	assert_int_equal(size <= INLINE_SIZE_DEFAULT, !inode_is_external(file_of(tree, "hole")));
	if (inode_is_external(file_of(tree, "hole"))) {
		sparse = inode_digest(file_of(tree, "hole"));
		plain = inode_digest(file_of(tree, "whole"));
		assert_true(digest_equal(&sparse, &plain));
		stream = stream_of(&id); /* so nobody collects it, and a pull asks for it */
		assert_true(has_object(stream, &sparse));
		splitstream_close(stream);
	} else {
		assert_memory_equal(file_of(tree, "hole")->inlined.content, whole.data, size);
	}
	tree_free(tree);
	buf_release(&tar);
	buf_release(&body);
	buf_release(&whole);
}

static void a_sparse_file_is_the_file_with_its_holes(void **state)
{
	struct sparse_pair many[100];

	(void)state;
	assert_same_as_whole(200000, (struct sparse_pair[]){{0, 4096}, {100000, 4096}}, 2);
	assert_same_as_whole(200000, (struct sparse_pair[]){{100, 64}, {200000, 0}}, 2);
	assert_same_as_whole(200000, (struct sparse_pair[]){{199999, 1}}, 1);
	assert_same_as_whole(4096, (struct sparse_pair[]){{0, 4096}}, 1); /* no hole at all */
	assert_same_as_whole(300000, (struct sparse_pair[]){{300000, 0}}, 1);
	assert_same_as_whole(65, (struct sparse_pair[]){{0, 1}}, 1);
	assert_same_as_whole(64, (struct sparse_pair[]){{0, 1}, {63, 1}}, 2);
	assert_same_as_whole(7, NULL, 0);
	for (size_t i = 0; i < 100; i++)
		many[i] = (struct sparse_pair){i * 3000, 1000};
	assert_same_as_whole(300000, many, 100);
}

static void several_are_told_apart(void **state)
{
	struct buf tar = {0};
	struct digest id, first, again;
	struct tree *tree;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		tar_sparse(&tar, 50000 - 1000 * (i / 2), (struct sparse_pair[]){{10, 4}}, 1,
			   SPAN_LITERAL("body"));
		tar.data[tar.size - 1024] = (uint8_t)('0' + i);
		tar_checksum(tar.data + tar.size - 1024);
	}
	tar_end(&tar);
	id = import_tar(transaction, &tar);
	assert_gives_back(&id, &tar);
	tree = tree_of(&id);
	first = inode_digest(file_of(tree, "0ole"));
	again = inode_digest(file_of(tree, "1ole"));
	assert_true(digest_equal(&first, &again));
	assert_int_equal(50000, file_of(tree, "1ole")->size);
	assert_int_equal(49000, file_of(tree, "2ole")->size);
	tree_free(tree);
	buf_release(&tar);
}

/* Nothing of it is written. */
static void a_hole_beyond_the_limit_is_refused(void **state)
{
	struct buf tar = {0};
	struct layer_request request;
	struct layer_result result;
	struct diag why = {0};

	(void)state;
	tar_sparse(&tar, 1ULL << 32, (struct sparse_pair[]){{0, 4}}, 1, SPAN_LITERAL("body"));
	tar_end(&tar);
	request = request_of(buf_span(&tar), buf_span(&tar));
	assert_int_equal(-E2BIG,
			 import_blob(transaction, buf_span(&tar), 0, &request, &result, &why));
	assert_string_equal("'hole': a sparse file of 4294967296 bytes, the limit for all of the "
			    "layer is 1073741824",
			    why.text);
	/* nor where nobody promised anything */
	request.blob = (struct oci_descriptor){0};
	assert_int_equal(-E2BIG,
			 import_blob(transaction, buf_span(&tar), 0, &request, &result, NULL));
	/* together, too */
	tar.size = 0;
	request.tar_bytes_max = 3 * 4096;
	for (size_t i = 0; i < 4; i++)
		tar_sparse(&tar, 4096, NULL, 0, SPAN_EMPTY);
	assert_int_equal(-E2BIG,
			 import_blob(transaction, buf_span(&tar), 0, &request, &result, &why));
	assert_non_null(strstr(why.text, "the limit for all of the layer is 12288"));
	buf_release(&tar);
}

/* A stream that was not made by an import, whose file is size_bytes of value. */
static struct digest stream_with(const char *name, uint64_t size_bytes, char value)
{
	struct splitstream_writer *writer = NULL;
	struct buf tar = {0}, bytes = {0};
	struct digest object, id;
	struct diag why = {0};

	assert_ok(splitstream_writer_new(transaction, STREAM_TYPE_OCI_LAYER, &writer, &why), &why);
	tar_sparse(&tar, 5000, (struct sparse_pair[]){{0, 4}}, 1, SPAN_LITERAL("body"));
	assert_int_equal(0, splitstream_write_inline(writer, buf_span(&tar), NULL));
	assert_int_equal(0, buf_append_zeros(&bytes, size_bytes));
	memcpy(bytes.data, "body", 4);
	bytes.data[4] = (uint8_t)value;
	assert_int_equal(0, add_bytes(transaction, buf_span(&bytes), &object, NULL));
	if (name)
		assert_int_equal(
			0, splitstream_name_reference(writer, span_of_string(name), &object, NULL));
	assert_int_equal(0, splitstream_writer_finish(writer, &id, NULL));
	buf_release(&tar);
	buf_release(&bytes);
	return id;
}

static int apply_with(const char *name, uint64_t size_bytes, struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct digest id = stream_with(name, size_bytes, 0);

	return layer_apply(store, &id, tree, why);
}

static void a_stream_that_does_not_name_the_file_is_refused(void **state)
{
	struct diag why = {0};

	(void)state;
	assert_ok(apply_with("sparse:0", 5000, &why), &why);
	assert_int_equal(-EUCLEAN, apply_with("sparse:0", 4999, &why));
	assert_non_null(strstr(why.text, "5000 bytes whose object has 4999"));
	assert_int_equal(-EUCLEAN, apply_with("sparse:1", 5000, &why));
	assert_non_null(strstr(why.text, "does not name"));
	assert_int_equal(-EUCLEAN, apply_with(NULL, 5000, &why));
}

static void a_check_finds_another_file(void **state)
{
	struct digest right = stream_with("sparse:0", 5000, 0);
	struct digest wrong = stream_with("sparse:0", 5000, 'x');
	struct digest small = stream_with("sparse:0", 4999, 0);
	struct digest none = stream_with(NULL, 5000, 0);
	struct diag why = {0};

	(void)state;
	assert_ok(layer_check(store, &right, &why), &why);
	assert_ok(layer_check(store, &none, &why), &why); /* layer_apply() refuses it */
	assert_int_equal(-EBADMSG, layer_check(store, &wrong, &why));
	assert_non_null(strstr(why.text, "'hole': its contents are another file"));
	assert_int_equal(-EUCLEAN, layer_check(store, &small, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_sparse_file_is_the_file_with_its_holes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(several_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hole_beyond_the_limit_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_stream_that_does_not_name_the_file_is_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_check_finds_another_file, setup, teardown),
	};

	return cmocka_run_group_tests_name("oci/layer_sparse", tests, NULL, NULL);
}
