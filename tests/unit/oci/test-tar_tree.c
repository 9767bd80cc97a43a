/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/cleanup.h"
#include "layers_of.h"
#include "oci/tar_tree.h"
#include "pieces_of.h"
#include "sparse_of.h"
#include "tree/tree.h"

#define LIMIT ((uint64_t)1 << 30)

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

static int read_tar(const struct buf *tar, struct transaction *transaction, uint64_t limit,
		    struct tree **ret, struct diag *why)
{
	struct memory memory = {buf_span(tar), 100, 0};
	const struct reader reader = reader_of_memory(&memory);
	const struct tar_tree_request request = {
		.algorithm = DIGEST_SHA256, .transaction = transaction, .bytes_max = limit};

	return tar_tree_read(&reader, &request, ret, why);
}

static struct inode *at(struct tree *tree, const char *name)
{
	struct dentry *dentry = tree_lookup(tree, tree->root, span_of_string(name));

	assert_non_null(dentry);
	return dentry->inode;
}

static void contents_are_stored_or_only_hashed(void **state)
{
	CLEAN(tree_freep) struct tree *stored = NULL;
	CLEAN(tree_freep) struct tree *hashed = NULL;
	struct transaction *transaction = begin(store);
	uint8_t *bytes = bytes_of(100000, 1);
	struct digest wanted = digest_of_bytes(span_of(bytes, 100000)), found;
	struct buf tar = {0};
	struct diag why = {0};

	(void)state;
	TAR_PUT(&tar, .name = "./", .type = '5', .mode = 0755, .mtime = 7);
	TAR_PUT(&tar, .name = "./large", .type = '0', .mode = 0644, .uid = 5,
		.body = span_of(bytes, 100000));
	TAR_PUT(&tar, .name = "./again", .type = '1', .target = "./large");
	TAR_PUT(&tar, .name = "./small", .type = '0', .body = SPAN_LITERAL("small"));
	assert_ok(read_tar(&tar, NULL, LIMIT, &hashed, &why), &why);
	assert_false(object_exists(store, &wanted));
	assert_ok(read_tar(&tar, transaction, LIMIT, &stored, &why), &why);
	assert_true(object_exists(store, &wanted));
	assert_int_equal(1, transaction_stats(transaction).added_count);
	found = inode_digest(at(hashed, "large"));
	assert_true(digest_equal(&wanted, &found));
	found = inode_digest(at(stored, "again"));
	assert_true(digest_equal(&wanted, &found));
	assert_int_equal(2, at(stored, "large")->nlink);
	assert_int_equal(5, at(stored, "large")->uid);
	assert_int_equal(7, stored->root->mtime_sec);
	assert_false(inode_is_external(at(stored, "small")));
	transaction_abort(transaction);
	buf_release(&tar);
	free(bytes);
}

/* What an archive of a kilobyte may ask for. */
static void holes_and_sizes_have_a_limit(void **state)
{
	const struct sparse_pair pair = {0, 0};
	struct transaction *transaction = begin(store);
	struct tree *tree = NULL;
	struct buf tar = {0};
	struct diag why = {0};

	(void)state;
	tar_sparse(&tar, LIMIT, &pair, 1, SPAN_EMPTY);
	assert_int_equal(-E2BIG, read_tar(&tar, transaction, LIMIT - 1, &tree, &why));
	assert_non_null(strstr(why.text, "holes"));
	assert_int_equal(-E2BIG, read_tar(&tar, transaction, 512, &tree, &why));
	/* A file of which the header alone is there. */
	tar.size = 0;
	TAR_PUT(&tar, .name = "huge", .type = '0', .has_size = true, .size = LIMIT + 1);
	assert_int_equal(-E2BIG, read_tar(&tar, NULL, LIMIT, &tree, &why));
	assert_non_null(strstr(why.text, "'huge': "));
	assert_null(tree);
	assert_int_equal(0, transaction_stats(transaction).added_count);
	transaction_abort(transaction);
	buf_release(&tar);
}

static int stop(void *context, uint64_t file_count, uint64_t file_bytes)
{
	*(uint64_t *)context = file_bytes;
	return file_count == 2 ? -ECANCELED : 0;
}

static void the_caller_may_stop_it(void **state)
{
	uint8_t *bytes = bytes_of(1000, 1);
	struct memory memory = {.piece_size = 1};
	const struct reader reader = reader_of_memory(&memory);
	uint64_t seen = 0;
	const struct tar_tree_request request = {
		.algorithm = DIGEST_SHA256, .bytes_max = LIMIT, .progress = stop, .context = &seen};
	struct tree *tree = NULL;
	struct buf tar = {0};
	struct diag why = {0};

	(void)state;
	TAR_PUT(&tar, .name = "a", .type = '0', .body = span_of(bytes, 100));
	TAR_PUT(&tar, .name = "b", .type = '0', .body = span_of(bytes, 1000));
	TAR_PUT(&tar, .name = "c", .type = '0', .body = span_of(bytes, 1000));
	memory.rest = buf_span(&tar);
	assert_int_equal(-ECANCELED, tar_tree_read(&reader, &request, &tree, &why));
	assert_int_equal(1100, seen);
	assert_null(tree);
	buf_release(&tar);
	free(bytes);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(contents_are_stored_or_only_hashed),
		CASE(holes_and_sizes_have_a_limit),
		CASE(the_caller_may_stop_it),
	};

	return cmocka_run_group_tests_name("oci/tar_tree", tests, NULL, NULL);
}
