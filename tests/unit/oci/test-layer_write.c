/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "layers_of.h"
#include "oci/layer_write.h"
#include "oci/tar.h"
#include "tree/dump_read.h"
#include "tree/dump_write.h"
#include "tree/tree.h"
#include "unit/store/in_transaction.h"

#define HEAD "/ 0 40700 2 9 9 0 9.0 - - -\n"

static struct tree *tree_of(const char *text)
{
	struct tree *tree = NULL;
	struct diag why = {0};

	assert_ok(dump_read_span(span_of_string(text), NULL, &tree, &why), &why);
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		d->inode->index = 0;
	return tree;
}

/* The archive that a stream is. */
static void tar_of(const struct digest *stream_id, struct buf *ret)
{
	struct splitstream *stream;
	struct diag why = {0};

	assert_ok(splitstream_open(store, stream_id, STREAM_TYPE_OCI_LAYER, &stream, &why), &why);
	assert_ok(splitstream_read_all(store, stream, 1 << 24, ret, &why), &why);
}

static void names_of(struct span bytes, struct buf *ret)
{
	CLEAN(tar_closep) struct tar *tar = NULL;
	struct memory memory = {bytes, 0, 0};
	const struct pieces pieces = pieces_of_memory(&memory);
	struct tar_entry entry;
	struct diag why = {0};
	int r;

	assert_int_equal(0, tar_open(&pieces, NULL, NULL, &tar));
	while ((r = tar_next(tar, &entry, &why)) > 0) {
		(void)buf_append_span(ret, entry.name);
		if (entry.target.size) {
			(void)buf_append_string(ret, entry.type == TAR_SYMLINK ? " -> " : " = ");
			(void)buf_append_span(ret, entry.target);
		}
		(void)buf_append_byte(ret, '\n');
	}
	assert_ok(r, &why);
}

static void write_ok(struct tree *tree, struct layer_written *ret, struct buf *tar)
{
	struct diag why = {0};

	assert_ok(layer_write(transaction, store, tree, ret, &why), &why);
	tar_of(&ret->stream_id, tar);
	assert_int_equal(tar->size, ret->tar_bytes);
}

static void assert_names(struct tree *tree, const char *expected)
{
	CLEAN(buf_release) struct buf tar = {0}, names = {0};
	struct layer_written written;

	write_ok(tree, &written, &tar);
	names_of(buf_span(&tar), &names);
	assert_string_equal(expected, buf_string(&names));
}

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static char *everything(const struct digest *object)
{
	char hex[DIGEST_HEX_SIZE_MAX], path[DIGEST_PATH_SIZE_MAX];
	struct buf text = {0};

	(void)buf_printf(&text,
			 HEAD "/big 200 104755 2 3 4 0 5.25 %s - %s user.a=\\x00\\xff\n"
			      "/blk 0 60600 1 0 0 2049 0.0 - - -\n"
			      "/char 0 20600 1 0 0 259 0.0 - - -\n"
			      "/d 0 41777 3 1 2 0 7.0 - - -\n"
			      "/d/again 0 @120000 - - - - 0.0 /big - -\n"
			      "/d/e 0 40755 2 0 0 0 0.0 - - -\n"
			      "/d/e/small 2 100644 1 0 0 0 1.0 - hi -\n"
			      "/fifo 0 10600 1 0 0 0 0.0 - - -\n"
			      "/link 3 120777 1 0 0 0 2.0 d/e - -\n"
			      "/none 0 100644 1 0 0 0 0.0 - - -\n",
			 digest_path(object, path), digest_hex(object, hex));
	return buf_string(&text);
}

static void a_layer_is_what_an_import_of_it_gives(void **state)
{
	char content[201];
	struct digest object, id, tar_digest;
	CLEAN(buf_release) struct buf tar = {0};
	CLEAN(memory_freep) char *text = NULL;
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct layer_written written;

	(void)state;
	memset(content, 'c', 200);
	content[200] = '\0';
	object = add_text(transaction, content);
	text = everything(&object);
	tree = tree_of(text);
	write_ok(tree, &written, &tar);
	tar_digest = sha256_of(buf_span(&tar));
	assert_true(digest_equal(&tar_digest, &written.diff_id));
	id = import_tar(transaction, &tar);
	assert_true(digest_equal(&id, &written.stream_id));
	assert_int_equal(10, written.entry_count);
}

static void a_layer_on_nothing_is_the_tree(void **state)
{
	char content[201];
	struct digest object;
	CLEAN(buf_release) struct buf tar = {0}, dump = {0}, expected = {0};
	CLEAN(memory_freep) char *text = NULL;
	CLEAN(tree_freep) struct tree *tree = NULL, *again = tree_new();
	struct layer_written written;
	struct diag why = {0};

	(void)state;
	memset(content, 'c', 200);
	content[200] = '\0';
	object = add_text(transaction, content);
	text = everything(&object);
	tree = tree_of(text);
	write_ok(tree, &written, &tar);
	assert_ok(layer_apply(store, &written.stream_id, again, &why), &why);
	/* The root has no entry. */
	again->root->mode = S_IFDIR | 0700;
	again->root->uid = again->root->gid = 9;
	again->root->mtime_sec = 9;
	assert_int_equal(0, tree_settle(again));
	assert_int_equal(0, tree_settle(tree));
	assert_int_equal(0, dump_write(tree, append, &expected, NULL));
	assert_int_equal(0, dump_write(again, append, &dump, NULL));
	assert_string_equal(buf_string(&expected), buf_string(&dump));
}

static void marks_stand_before_all_else_in_their_directory(void **state)
{
	CLEAN(tree_freep)
	struct tree *tree = tree_of(HEAD "/!first 0 100644 1 0 0 0 0.0 - - -\n"
					 "/d 0 40755 2 0 0 0 0.0 - - -\n"
					 "/d/+x 0 40755 2 0 0 0 0.0 - - -\n"
					 "/d/+x/y 0 100644 1 0 0 0 0.0 - - -\n"
					 "/d/gone 0 20000 1 0 0 0 0.0 - - -\n"
					 "/d/past 0 20000 1 0 0 0 0.0 - - -\n"
					 "/d/z 0 100644 1 0 0 0 0.0 - - -\n"
					 "/old 0 20000 1 0 0 0 0.0 - - -\n"
					 "/z 0 40755 2 0 0 0 0.0 - - -\n"
					 "/z/old 0 20000 1 0 0 0 0.0 - - -\n");

	(void)state;
	tree_lookup(tree, tree->root, SPAN_LITERAL("d"))->inode->index = LAYER_OPAQUE;
	assert_names(tree, ".wh.old\n"
			   "!first\n"
			   "d/\n"
			   "d/.wh..wh..opq\n"
			   "d/.wh.gone\n"
			   "d/.wh.past\n"
			   "d/+x/\n"
			   "d/+x/y\n"
			   "d/z\n"
			   "z/\n"
			   "z/.wh.old\n");
}

static void a_hard_link_comes_behind_what_it_links_to(void **state)
{
	/* The shortest path is the primary name of an image; here the first one in the archive. */
	CLEAN(tree_freep)
	struct tree *tree = tree_of(HEAD "/a 0 40755 2 0 0 0 0.0 - - -\n"
					 "/a/deep 0 40755 2 0 0 0 0.0 - - -\n"
					 "/a/deep/x 0 @120000 - - - - 0.0 /z - -\n"
					 "/l 1 120777 2 0 0 0 0.0 z - -\n"
					 "/m 0 @120000 - - - - 0.0 /l - -\n"
					 "/z 1 100644 2 0 0 0 0.0 - Z -\n");

	(void)state;
	assert_names(tree, "a/\na/deep/\na/deep/x\nl -> z\nm = l\nz = a/deep/x\n");
}

static void an_empty_tree_is_an_empty_archive(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_of(HEAD);
	CLEAN(buf_release) struct buf tar = {0};
	struct layer_written written;

	(void)state;
	write_ok(tree, &written, &tar);
	assert_int_equal(1024, tar.size);
	assert_int_equal(0, written.entry_count);
}

static void content_in_the_tree_becomes_an_object_where_it_is_large(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf tar = {0};
	struct layer_written written;
	struct digest id;
	char text[512];

	(void)state;
	(void)snprintf(text, sizeof(text),
		       HEAD "/64 64 100644 1 0 0 0 0.0 - %064d -\n"
			    "/65 65 100644 1 0 0 0 0.0 - %065d -\n",
		       0, 0);
	tree = tree_of(text);
	write_ok(tree, &written, &tar);
	id = import_tar(transaction, &tar);
	assert_true(digest_equal(&id, &written.stream_id));
}

static void a_small_object_becomes_inline(void **state)
{
	struct digest object = add_text(transaction, "small");
	char hex[DIGEST_HEX_SIZE_MAX], path[DIGEST_PATH_SIZE_MAX], text[512];
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf tar = {0};
	struct layer_written written;
	struct digest id;

	(void)state;
	(void)snprintf(text, sizeof(text), HEAD "/f 5 100644 1 0 0 0 0.0 %s - %s\n",
		       digest_path(&object, path), digest_hex(&object, hex));
	tree = tree_of(text);
	write_ok(tree, &written, &tar);
	id = import_tar(transaction, &tar);
	assert_true(digest_equal(&id, &written.stream_id));
}

static void assert_refused(const char *text, int error, const char *reason)
{
	CLEAN(tree_freep) struct tree *tree = tree_of(text);
	struct layer_written written;
	struct diag why = {0};
	int r = layer_write(transaction, store, tree, &written, &why);

	if (r != error || !strstr(why.text, reason))
		fail_msg("%d: %s (%s)", r, why.text, reason);
}

static void what_would_say_something_else_in_a_layer_is_refused(void **state)
{
	char text[1024];

	(void)state;
	assert_refused(HEAD "/d 0 40755 2 0 0 0 0.0 - - -\n/d/.wh.x 0 100644 1 0 0 0 0.0 - - -\n",
		       -EINVAL, "'/d/.wh.x': names that begin with .wh.");
	assert_refused(HEAD "/.wh..wh..opq 0 40755 2 0 0 0 0.0 - - -\n", -EINVAL, ".wh.");
	assert_refused(HEAD "/s 0 140755 1 0 0 0 0.0 - - -\n", -EOPNOTSUPP, "'/s'");
	(void)snprintf(text, sizeof(text), HEAD "/%0252d 0 20000 1 0 0 0 0.0 - - -\n", 0);
	assert_refused(text, -ENAMETOOLONG, "252 bytes is gone");
	assert_refused(HEAD "/f 100 100644 1 0 0 0 0.0 somewhere - -\n", -EINVAL, "'/f'");
}

static void an_object_that_is_not_there_is_an_error(void **state)
{
	struct digest object = add_text(transaction, "0123456789");
	char hex[DIGEST_HEX_SIZE_MAX], path[DIGEST_PATH_SIZE_MAX], text[512];

	(void)state;
	(void)snprintf(text, sizeof(text), HEAD "/f 11 100644 1 0 0 0 0.0 %s - %s\n",
		       digest_path(&object, path), digest_hex(&object, hex));
	assert_refused(text, -EUCLEAN, "'/f': a file of 11 bytes");
	(void)snprintf(text, sizeof(text), HEAD "/f 100 100644 1 0 0 0 0.0 %s - %s\n",
		       digest_path(&object, path), digest_hex(&object, hex));
	assert_refused(text, -EUCLEAN, "whose object has 10");
	object.bytes[0] ^= 1;
	(void)snprintf(text, sizeof(text), HEAD "/f 100 100644 1 0 0 0 0.0 %s - %s\n",
		       digest_path(&object, path), digest_hex(&object, hex));
	assert_refused(text, -ENOENT, "'/f'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_layer_is_what_an_import_of_it_gives),
		TEST(a_layer_on_nothing_is_the_tree),
		TEST(marks_stand_before_all_else_in_their_directory),
		TEST(a_hard_link_comes_behind_what_it_links_to),
		TEST(an_empty_tree_is_an_empty_archive),
		TEST(content_in_the_tree_becomes_an_object_where_it_is_large),
		TEST(a_small_object_becomes_inline),
		TEST(what_would_say_something_else_in_a_layer_is_refused),
		TEST(an_object_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
