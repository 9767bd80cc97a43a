/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "layers_of.h"
#include "oci/transform.h"
#include "tar_of.h"
#include "tree/dump_write.h"
#include "tree/scan.h"
#include "tree/tree.h"
#include "unit/store/in_transaction.h"

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

/* The caller frees. */
static char *dump_of(struct tree *tree)
{
	struct buf text = {0};

	tree_sort(tree);
	assert_int_equal(0, dump_write(tree, append, &text, NULL));
	return buf_string(&text);
}

static void assert_dump(struct tree *tree, const char *expected)
{
	char *found = dump_of(tree);

	assert_string_equal(expected, found);
	free(found);
}

static void apply(struct tree *tree, const struct buf *tar)
{
	struct digest id = import_tar(transaction, tar);
	struct diag why = {0};

	assert_ok(layer_apply(store, &id, tree, &why), &why);
}

/* The example of composefs-repository.md, 2.7. */
static void a_layer_becomes_the_tree_of_the_format(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct buf tar = {0}, records = {0};
	char b[66] = "";
	struct diag why = {0};

	(void)state;
	memset(b, 'b', 65);
	TAR_PUT(&tar, .name = "./", .type = '5', .mode = 0700, .mtime = 5);
	pax_record(&records, "SCHILY.xattr.user.note", SPAN_LITERAL("x"));
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "usr/", .type = '5', .mode = 0755, .mtime = 1000);
	TAR_PUT(&tar, .name = "usr/a", .type = '0', .mode = 0644, .mtime = 1001,
		.body = SPAN_LITERAL("hi\n"));
	pax_record(&records, "mtime", SPAN_LITERAL("1002.5"));
	pax_record(&records, "SCHILY.xattr.user.note", SPAN_LITERAL("x"));
	pax_record(&records, "SCHILY.xattr.security.capability", SPAN_LITERAL("\x01\x3d"));
	tar_pax(&tar, &records);
	TAR_PUT(&tar, .name = "./usr/b", .type = '0', .mode = 0755, .mtime = 1002,
		.body = span_of_string(b));
	TAR_PUT(&tar, .name = "usr/c", .type = '1', .mode = 0600, .mtime = 9, .target = "usr/b");
	TAR_PUT(&tar, .name = "usr/.wh.gone", .type = '0', .mode = 0644, .mtime = 1);
	TAR_PUT(&tar, .name = "run/", .type = '5', .mode = 0750, .mtime = 7);
	TAR_PUT(&tar, .name = "run/lock", .type = '0', .mode = 0644, .mtime = 8);
	TAR_PUT(&tar, .name = "sbin", .type = '2', .mode = 0777, .mtime = 1003,
		.target = "usr/sbin");
	tar_end(&tar);
	apply(tree, &tar);
	assert_ok(transform_for_oci(tree, false, &why), &why);
	assert_dump(tree, "/ 0 40755 4 0 0 0 1000.0 - - -\n"
			  "/run 0 40750 2 0 0 0 1000.0 - - -\n"
			  "/sbin 8 120777 1 0 0 0 1003.0 usr/sbin - -\n"
			  "/usr 0 40755 2 0 0 0 1000.0 - - -\n"
			  "/usr/a 3 100644 1 0 0 0 1001.0 - hi\\n -\n"
			  "/usr/b 65 100755 2 0 0 0 1002.500000000 "
			  "c0/3a013eee275e3b409858b5132d13bb49406ad5bfb23e8b7f5aff66d7a26856 - "
			  "c03a013eee275e3b409858b5132d13bb49406ad5bfb23e8b7f5aff66d7a26856 "
			  "security.capability=\\x01\\x3d\n"
			  /* Readers ignore all but the name and the place that it leads to. */
			  "/usr/c 65 @100755 2 0 0 0 1002.500000000 /usr/b - "
			  "c03a013eee275e3b409858b5132d13bb49406ad5bfb23e8b7f5aff66d7a26856 "
			  "security.capability=\\x01\\x3d\n");
	buf_release(&tar);
	buf_release(&records);
}

static void layers_are_merged_one_on_the_other(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct buf tar = {0};

	(void)state;
	tar_dir(&tar, "a");
	tar_file(&tar, "a/old", SPAN_LITERAL("old"));
	tar_file(&tar, "b", SPAN_LITERAL("b"));
	apply(tree, &tar);
	tar.size = 0;
	tar_file(&tar, "a/new", SPAN_LITERAL("new"));
	tar_file(&tar, "a/.wh.old", SPAN_EMPTY);
	TAR_PUT(&tar, .name = "c", .type = '1', .target = "/b");
	TAR_PUT(&tar, .name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3);
	TAR_PUT(&tar, .name = "disk", .type = '4', .mode = 0660, .major = 259, .minor = 70000);
	TAR_PUT(&tar, .name = "pipe", .type = '6', .mode = 0600);
	apply(tree, &tar);
	assert_int_equal(0, tree_settle(tree));
	assert_dump(tree, "/ 0 40755 3 0 0 0 0.0 - - -\n"
			  "/a 0 40755 2 0 0 0 0.0 - - -\n"
			  "/a/new 3 100644 1 0 0 0 0.0 - new -\n"
			  "/b 1 100644 2 0 0 0 0.0 - b -\n"
			  "/c 1 @100644 2 0 0 0 0.0 /b b -\n"
			  "/disk 0 60660 1 0 0 286327664 0.0 - - -\n"
			  "/null 0 20666 1 0 0 259 0.0 - - -\n"
			  "/pipe 0 10600 1 0 0 0 0.0 - - -\n");
	buf_release(&tar);
}

static int apply_stream(struct splitstream_writer *writer, struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct digest id;

	assert_int_equal(0, splitstream_writer_finish(writer, &id, NULL));
	return layer_apply(store, &id, tree, why);
}

static struct splitstream_writer *writer_of(uint64_t type)
{
	struct splitstream_writer *writer = NULL;
	struct diag why = {0};

	assert_ok(splitstream_writer_new(transaction, type, &writer, &why), &why);
	return writer;
}

/* A header of a file of size bytes, then inline bytes, then an object unless size_object is 0. */
static int apply_file(uint64_t size, uint64_t size_inline, uint64_t size_object, struct diag *why)
{
	struct splitstream_writer *writer = writer_of(STREAM_TYPE_OCI_LAYER);
	uint8_t block[512], *bytes = bytes_of(4096, 1);

	tar_block(block, &(const struct tar_member){
				 .name = "f", .type = '0', .has_size = true, .size = size});
	assert_int_equal(0, splitstream_write_inline(writer, span_of(block, 512), NULL));
	assert_int_equal(0, splitstream_write_inline(writer, span_of(bytes, size_inline), NULL));
	if (size_object) {
		struct digest object;

		assert_int_equal(
			0, add_bytes(transaction, span_of(bytes, size_object), &object, NULL));
		assert_int_equal(0, splitstream_write_external(writer, &object, size_object, NULL));
		memset(bytes, 0, 4096);
		assert_int_equal(0, splitstream_write_inline(
					    writer, span_of(bytes, -size_object % 512), NULL));
	}
	free(bytes);
	return apply_stream(writer, why);
}

static void streams_that_are_cut_elsewhere_are_refused(void **state)
{
	struct diag why = {0};

	(void)state;
	assert_ok(apply_file(65, 0, 65, &why), &why);
	assert_ok(apply_file(64, 512, 0, &why), &why);
	assert_int_equal(-EUCLEAN, apply_file(65, 512, 0, &why));
	assert_non_null(strstr(why.text, "not an object"));
	assert_int_equal(-EUCLEAN, apply_file(64, 0, 64, &why));
	assert_non_null(strstr(why.text, "where there should be none"));
	assert_int_equal(-EUCLEAN, apply_file(65, 0, 0, &why));
	assert_int_equal(-EUCLEAN, apply_file(0, 0, 512, &why));
	assert_int_equal(-EUCLEAN, apply_file(600, 0, 599, &why));
	assert_non_null(strstr(why.text, "600 bytes whose object has 599"));
	assert_int_equal(-EUCLEAN, apply_file(600, 0, 601, &why));
}

static void what_is_missing_is_told(void **state)
{
	struct splitstream_writer *writer = writer_of(STREAM_TYPE_OCI_LAYER);
	const struct digest gone = digest_of(DIGEST_SHA256, "0123456789abcdef0123456789abcdef");
	CLEAN(tree_freep) struct tree *tree = tree_new();
	uint8_t block[512];

	(void)state;
	tar_block(block, &(const struct tar_member){
				 .name = "f", .type = '0', .has_size = true, .size = 1024});
	assert_int_equal(0, splitstream_write_inline(writer, span_of(block, 512), NULL));
	assert_int_equal(0, splitstream_write_external(writer, &gone, 1024, NULL));
	assert_int_equal(-ENOENT, apply_stream(writer, NULL));
	assert_int_equal(-ENOENT, layer_apply(store, &gone, tree, NULL));
	assert_int_equal(-EUCLEAN, apply_stream(writer_of(STREAM_TYPE_OCI_CONFIG), NULL));
	assert_int_equal(0, apply_stream(writer_of(STREAM_TYPE_OCI_LAYER), NULL));
}

static void devices_that_cannot_be_are_refused(void **state)
{
	static const unsigned int numbers[][2] = {{4096, 0}, {0, 1 << 20}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEAN(tree_freep) struct tree *tree = tree_new();
		struct buf tar = {0};
		struct digest id;

		TAR_PUT(&tar, .name = "d", .type = '4', .major = numbers[i][0],
			.minor = numbers[i][1]);
		id = import_tar(transaction, &tar);
		assert_int_equal(-EUCLEAN, layer_apply(store, &id, tree, NULL));
		buf_release(&tar);
	}
}

/* GNU tar as the other opinion: what it packs is what a scan of the directory sees. */

static void make_files(const char *top)
{
	char command[2 * REPO_PATH_SIZE], *deep;
	uint8_t *bytes = bytes_of(100000, 3);

	assert_int_equal(0, mkdir(top, 0751));
	file_write(below(top, "empty"), SPAN_EMPTY);
	file_write(below(top, "small"), SPAN_LITERAL("content\n"));
	file_write(below(top, "64"), span_of(bytes, 64));
	file_write(below(top, "65"), span_of(bytes, 65));
	file_write(below(top, "large"), span_of(bytes, 100000));
	file_write(below(top, "a name \n of any \xff bytes"), SPAN_LITERAL("x"));
	assert_int_equal(0, link(below(top, "large"), below(top, "linked")));
	assert_int_equal(0, symlink("../any/where", below(top, "symlink")));
	assert_int_equal(0, mkfifo(below(top, "fifo"), 0620));
	assert_int_equal(0, chmod(below(top, "65"), 04511));
	(void)snprintf(command, sizeof(command), "%s/%0150d", top, 1);
	assert_int_equal(0, mkdir(command, 0700));
	deep = command + strlen(command);
	(void)snprintf(deep, sizeof(command) - (size_t)(deep - command), "/%0200d", 2);
	command[sizeof(command) - 1] = '\0';
	file_write(command, SPAN_LITERAL("deep"));
	free(bytes);
}

static int take_content(void *context, int fd, uint64_t size_bytes, struct digest *ret,
			struct diag *why)
{
	struct verity_hasher *hasher = hasher_of(DIGEST_SHA256);
	uint64_t size;
	int r = verity_hash_fd(hasher, fd, ret, &size, why);

	(void)context;
	assert_int_equal(size_bytes, size);
	verity_hasher_free(hasher);
	return r;
}

static struct tree *scan_of(const char *top, bool has_xattrs, bool has_times)
{
	const struct scan_options options = {
		.algorithm = DIGEST_SHA256,
		.skip_xattrs = !has_xattrs,
		.use_epoch = !has_times,
		.content = take_content,
	};
	struct tree *tree = NULL;
	struct diag why = {0};
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_ok(tree_scan(fd, &options, &tree, &why), &why);
	(void)close(fd);
	return tree;
}

static void assert_as_tar_packs(const char *options, bool has_xattrs, bool has_times)
{
	CLEAN(tree_freep) struct tree *tree = tree_new(), *expected = NULL;
	const char *top = below(folder, "files");
	char command[4 * REPO_PATH_SIZE];
	struct buf tar = {0};
	char *text;
	int fd;

	(void)snprintf(command, sizeof(command), "tar --sort=none %s -cf %s/t.tar -C %s .", options,
		       folder, top);
	assert_int_equal(0, system(command));
	fd = open(below(folder, "t.tar"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(0, fd_read_all(fd, 1 << 20, &tar));
	(void)close(fd);
	apply(tree, &tar);
	if (!has_times) {
		for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
			d->inode->mtime_nsec = 0, d->inode->mtime_sec = 0;
		tree->root->mtime_nsec = 0, tree->root->mtime_sec = 0;
	}
	expected = scan_of(top, has_xattrs, has_times);
	assert_int_equal(0, tree_settle(tree));
	assert_int_equal(0, tree_settle(expected));
	text = dump_of(expected);
	assert_dump(tree, text);
	free(text);
	buf_release(&tar);
}

static void agrees_with_gnu_tar_of_every_format(void **state)
{
	const char *top = below(folder, "files");
	bool has_xattrs;

	(void)state;
	make_files(top);
	has_xattrs = setxattr(below(top, "small"), "user.note", "a=b\0\n\xff", 6, 0) == 0 &&
		     setxattr(below(top, "large"), "user.empty", "", 0, 0) == 0;
	assert_as_tar_packs("--format=gnu", false, false);
	assert_as_tar_packs("--format=posix", false, true);
	assert_as_tar_packs("--format=posix --pax-option=globexthdr.name=g,comment=any", false,
			    true);
	(void)unlink(below(top, "a name \n of any \xff bytes")); /* not for ustar */
	assert_as_tar_packs("--format=oldgnu", false, false);
	need("user-xattrs", has_xattrs, "the temporary directory has no user xattrs");
	assert_as_tar_packs("--format=posix --xattrs --xattrs-include='*'", true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_layer_becomes_the_tree_of_the_format),
		TEST(layers_are_merged_one_on_the_other),
		TEST(streams_that_are_cut_elsewhere_are_refused),
		TEST(what_is_missing_is_told),
		TEST(devices_that_cannot_be_are_refused),
		TEST(agrees_with_gnu_tar_of_every_format),
	};

	return cmocka_run_group_tests_name("oci/layer_apply", tests, NULL, NULL);
}
