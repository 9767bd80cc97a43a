/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/cleanup.h"
#include "erofs/writer.h"
#include "layers_of.h"
#include "oci/transform.h"
#include "tar_of.h"
#include "tree/dump_read.h"
#include "tree/dump_write.h"
#include "tree/merge.h"
#include "tree/tree.h"

static char folder[REPO_PATH_SIZE];

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static char *dump_of(const struct tree *tree)
{
	struct buf text = {0};

	assert_int_equal(0, dump_write(tree, append, &text, NULL));
	return buf_string(&text);
}

static void assert_dump(const struct tree *tree, const char *expected)
{
	char *found = dump_of(tree), *at = found;

	/* Line by line: the whole of it would be cut. */
	for (; *expected && *at; expected = strchr(expected, '\n') + 1, at = strchr(at, '\n') + 1) {
		size_t size = strcspn(expected, "\n");

		if (strcspn(at, "\n") != size || memcmp(expected, at, size) != 0)
			fail_msg("'%.*s', not '%.*s'", (int)strcspn(at, "\n"), at, (int)size,
				 expected);
	}
	assert_string_equal(expected, at);
	free(found);
}

static void file_read(const char *relative, struct buf *ret)
{
	int fd = open(source_path(relative), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(0, fd_read_all(fd, 1 << 20, ret));
	(void)close(fd);
}

static struct tree *golden_tree(const char *relative)
{
	struct tree *tree = NULL;
	struct buf text = {0};
	struct diag why = {0};

	file_read(relative, &text);
	assert_ok(dump_read_span(buf_span(&text), NULL, &tree, &why), &why);
	buf_release(&text);
	return tree;
}

/*
 * What the tests of composefs-rs put into a file of size bytes: a generator of Rust's rand crate,
 * xoshiro256++, seeded with the size by SplitMix64 (both by Blackman and Vigna, public domain).
 */
static void random_fill(uint64_t size, uint8_t *ret)
{
	uint64_t state[4], seed = size;

	for (size_t i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		state[i] = z ^ z >> 31;
	}
	for (size_t at = 0; at < size; at += 8) {
		uint64_t sum = state[0] + state[3], t = state[1] << 17;
		uint64_t value = (sum << 23 | sum >> 41) + state[0];
		size_t left = size - at;

		memcpy(ret + at, &value, left < 8 ? left : 8);
		state[2] ^= state[0];
		state[3] ^= state[1];
		state[1] ^= state[2];
		state[0] ^= state[3];
		state[2] ^= t;
		state[3] = state[3] << 45 | state[3] >> 19;
	}
}

static void put_file(struct buf *tar, const char *path, const struct inode *inode)
{
	uint8_t *bytes = malloc(inode->size + 1);

	if (inode->is_inline)
		memcpy(bytes, inode->inlined.content, inode->size);
	else
		random_fill(inode->size, bytes);
	TAR_PUT(tar, .name = path, .type = '0', .mode = inode->mode & 07777,
		.body = span_of(bytes, inode->size));
	free(bytes);
}

/* A layer as the tests of composefs-rs make it of a dump: all but the root. */
static void put_tree(struct buf *tar, const struct inode *dir, const char *prefix)
{
	struct buf records = {0};

	for (const struct dentry *d = dir->dir.first; d; d = d->next) {
		const struct inode *inode = d->inode;
		char path[256];

		(void)snprintf(path, sizeof(path), "%s%s", prefix, d->name);
		for (size_t i = 0; i < inode->xattr_count; i++) {
			char key[256];

			(void)snprintf(key, sizeof(key), "SCHILY.xattr.%.*s",
				       (int)inode->xattrs[i]->key.size,
				       (const char *)inode->xattrs[i]->key.data);
			pax_record(&records, key, inode->xattrs[i]->value);
		}
		if (records.size)
			tar_pax(tar, &records);
		if (S_ISREG(inode->mode)) {
			put_file(tar, path, inode);
		} else if (S_ISLNK(inode->mode)) {
			TAR_PUT(tar, .name = path, .type = '2', .mode = inode->mode & 07777,
				.target = inode->symlink.target);
		} else {
			TAR_PUT(tar, .name = path, .type = '5', .mode = inode->mode & 07777);
			(void)snprintf(path, sizeof(path), "%s%s/", prefix, d->name);
			put_tree(tar, inode, path);
		}
	}
	buf_release(&records);
}

/* Import a layer of composefs-rs' tests, and apply it. */
static void layer_add(struct store *store, struct transaction *transaction, const char *name,
		      struct tree *tree)
{
	CLEAN(tree_freep) struct tree *layer = NULL;
	char relative[128];
	struct buf tar = {0};
	struct diag why = {0};
	struct digest id;

	(void)snprintf(relative, sizeof(relative), "tests/golden/dumps/oci-layers/layer_%s.dump",
		       name);
	layer = golden_tree(relative);
	put_tree(&tar, layer->root, "");
	tar_end(&tar);
	id = import_tar(transaction, &tar);
	assert_ok(layer_apply(store, &id, tree, &why), &why);
	buf_release(&tar);
}

static const char *const base_layers[] = {"root_structure", "busybox", "core_utils", "config",
					  "app"};

/* The image that the tests of composefs-rs build, and the dump that they expect of it. */
static void five_layers_are_the_image_of_composefs_rs(void **state)
{
	struct store *store = repo_open(below(folder, "repo"));
	struct transaction *transaction = begin(store);
	CLEAN(tree_freep) struct tree *tree = tree_new();
	CLEAN(tree_freep)
	struct tree *expected = golden_tree("tests/golden/dumps/oci-base-image.dump");
	struct diag why = {0};
	char *text;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		layer_add(store, transaction, base_layers[i], tree);
	assert_ok(transform_for_oci(tree, false, &why), &why);
	text = dump_of(expected);
	assert_dump(tree, text);
	free(text);
	transaction_abort(transaction);
	store_close(store);
}

static int hash(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return verity_update(context, bytes);
}

/* Whatever else is in it: the kernel that boots it is not, and each file has a label. */
static void an_image_that_boots_is_labelled_and_has_no_kernel(void **state)
{
	static const char *const more[] = {"boot_dirs", "uki_v1", "sysroot_marker", "selinux"};
	struct store *store = repo_open(below(folder, "repo"));
	struct transaction *transaction = begin(store);
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct diag why = {0};
	struct inode *boot;
	char *text;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		layer_add(store, transaction, base_layers[i], tree);
	for (size_t i = 0; i < 4; i++)
		layer_add(store, transaction, more[i], tree);
	assert_ok(transform_for_oci(tree, false, &why), &why);
	boot = tree_lookup(tree, tree->root, SPAN_LITERAL("boot"))->inode;
	assert_non_null(boot->dir.first);
	tree_lookup(tree, tree->root, SPAN_LITERAL("usr"))->inode->mtime_sec = 1000;
	tree_lookup(tree, tree->root, SPAN_LITERAL("usr"))->inode->mtime_nsec = 5;
	boot->mtime_nsec = 7;
	assert_ok(transform_for_boot(tree, store, &why), &why);
	text = dump_of(tree);
	assert_non_null(strstr(text, "\n/boot 0 40755 2 0 0 0 1000.7 - - - "
				     "security.selinux=system_u:object_r:boot_t:s0\n"));
	assert_non_null(strstr(text, "\n/sysroot 0 40755 2 0 0 0 1000.0 - - -\n"));
	assert_non_null(strstr(text, "\n/etc/selinux 0 40755 3 0 0 0 0.0 - - - "
				     "security.selinux=system_u:object_r:etc_t:s0\n"));
	assert_non_null(strstr(text, "\n/usr/bin/busybox "));
	assert_null(strstr(text, "/boot/"));
	assert_null(strstr(text, "/sysroot/"));
	assert_int_equal(0, strncmp(text, "/ 0 40755 ", 10));
	assert_string_equal("system_u:object_r:root_t:s0",
			    (const char *)inode_xattr(tree->root, SPAN_LITERAL("security.selinux"))
				    ->value.data);
	free(text);
	transaction_abort(transaction);
	store_close(store);
}

/* The image of the command line tests of composefs-rs, and its pinned ids of SHA-512. */
static void an_image_has_the_id_of_composefs_rs(void **state)
{
	struct store_config config = config_of(DIGEST_SHA512);
	struct store *store = NULL;
	struct transaction *transaction;
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct verity_hasher *hasher = hasher_of(DIGEST_SHA512);
	static const char *const ids[] = {
		"d06f1f6a73f62ed48e05ce9442ff045cdf2a9f5ba1ec623795de3d6177a253d9"
		"1076459795d94f55d8c3d71dab458bb3fc0071255a50c0a4896d86ffdc870b9a",
		"f7684c21050615c02cec250e0c7d4118fb0ff6340af5039e06f2f372a7614fff"
		"25dfd38cf7f28ad67d8b86e86371b7deafa9ae4bf543630322aee6196417de92",
	};
	struct digest id, found;
	struct buf tar = {0}, expected = {0};
	struct diag why = {0};
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)state;
	TAR_PUT(&tar, .name = "usr", .type = '5', .mode = 0755, .mtime = 1234567890);
	TAR_PUT(&tar, .name = "hello.txt", .type = '0', .mode = 0644, .mtime = 1234567890,
		.body = SPAN_LITERAL("hello from test layer\n"));
	TAR_PUT(&tar, .name = "hello-link.txt", .type = '1', .target = "hello.txt");
	tar_end(&tar);
	assert_ok(store_init(below(folder, "repo"), &config, &why), &why);
	assert_ok(store_open(below(folder, "repo"), &store, &why), &why);
	transaction = begin(store);
	id = import_tar(transaction, &tar);
	assert_ok(layer_apply(store, &id, tree, &why), &why);
	assert_ok(transform_for_oci(tree, false, &why), &why);
	file_read("tests/golden/dumps/oci.dump", &expected);
	/* That dump has the facts of the linked file on the second name, too; ours writes dashes.
	 */
	assert_int_equal(0, strncmp(buf_string(&expected), "/ 0 40755 3 0 0 0 1234567890.0", 30));
	for (uint32_t version = 1; version <= 2; version++) {
		assert_ok(erofs_write(tree, (struct erofs_version_range){version, version}, hash,
				      hasher, NULL, &why),
			  &why);
		assert_int_equal(0, verity_finish(hasher, &found));
		assert_string_equal(ids[version - 1], digest_hex(&found, hex));
	}
	verity_hasher_free(hasher);
	buf_release(&tar);
	buf_release(&expected);
	transaction_abort(transaction);
	store_close(store);
}

static void put(struct tree *tree, const char *name, uint32_t mode, int64_t mtime)
{
	const struct xattr xattrs[] = {
		{SPAN_LITERAL("security.selinux"), SPAN_LITERAL("label")},
		{SPAN_LITERAL("user.note"), span_of_string(name)},
	};
	const struct merge_entry entry = {
		.name = span_of_string(name),
		.mode = mode,
		.mtime_sec = mtime,
		.xattrs = xattrs,
		.xattr_count = 2,
	};
	struct diag why = {0};

	assert_ok(merge_add(tree, &entry, &why), &why);
}

static struct tree *tree_begin(void)
{
	struct tree *tree = tree_new();

	assert_int_equal(0, merge_layer_begin(tree));
	return tree;
}

static void the_root_is_as_usr(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_begin();
	struct diag why = {0};

	(void)state;
	put(tree, "/", S_IFDIR | 0700, 5);
	put(tree, "usr", S_IFDIR | 01711, 6);
	put(tree, "run/lock/x", S_IFREG | 0600, 7);
	assert_ok(transform_for_oci(tree, true, &why), &why);
	assert_dump(tree, "/ 0 41711 4 0 0 0 6.0 - - - user.note=usr\n"
			  "/run 0 40755 2 0 0 0 6.0 - - -\n"
			  "/usr 0 41711 2 0 0 0 6.0 - - - user.note=usr\n");
	assert_int_equal(3, tree->inode_count);
	assert_ok(transform_for_oci(tree, false, &why), &why);
	assert_dump(tree, "/ 0 41711 4 0 0 0 6.0 - - -\n"
			  "/run 0 40755 2 0 0 0 6.0 - - -\n"
			  "/usr 0 41711 2 0 0 0 6.0 - - -\n");
}

/* docs/decisions/0014 */
static void an_image_may_have_no_usr(void **state)
{
	CLEAN(tree_freep)
	struct tree *described = tree_begin(), *bare = tree_begin(), *empty = tree_new();
	struct diag why = {0};

	(void)state;
	put(described, ".", S_IFDIR | 0700, 5);
	put(described, "run", S_IFDIR | 0750, 6);
	put(described, "run/x", S_IFREG | 0600, 7);
	assert_ok(transform_for_oci(described, false, &why), &why);
	assert_dump(described, "/ 0 40700 3 0 0 0 5.0 - - -\n/run 0 40750 2 0 0 0 5.0 - - -\n");
	put(bare, "hello", S_IFREG | 0755, 7);
	assert_ok(transform_for_oci(bare, false, &why), &why);
	assert_dump(bare, "/ 0 40755 2 0 0 0 0.0 - - -\n/hello 0 100755 1 0 0 0 7.0 - - -\n");
	assert_ok(transform_for_oci(empty, false, &why), &why);
	assert_dump(empty, "/ 0 40755 2 0 0 0 0.0 - - -\n");
}

static void refuses_what_the_format_refuses(void **state)
{
	static const char *const names[] = {"usr", "run"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEAN(tree_freep) struct tree *tree = tree_begin();
		struct diag why = {0};
		char expected[64];

		put(tree, names[i], S_IFREG | 0700, 5);
		assert_int_equal(-EUCLEAN, transform_for_oci(tree, false, &why));
		(void)snprintf(expected, sizeof(expected), "/%s is not a directory", names[i]);
		assert_string_equal(expected, why.text);
	}
}

static void what_boots_has_certain_directories(void **state)
{
	static const char *const names[] = {"usr", "boot", "sysroot"};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		CLEAN(tree_freep) struct tree *tree = tree_begin();
		struct diag why = {0};
		char expected[64];

		for (size_t n = 0; n < 3; n++) {
			if (n != i / 2)
				put(tree, names[n], S_IFDIR | 0755, 5);
			else if (i % 2 && n) /* /usr has to be one before */
				put(tree, names[n], S_IFREG | 0755, 5);
		}
		assert_ok(transform_for_oci(tree, false, &why), &why);
		(void)snprintf(expected, sizeof(expected),
			       i % 2 && i / 2 ? "/%s is not a directory"
					      : "an image that boots has a directory /%s",
			       names[i / 2]);
		assert_int_equal(i % 2 && i / 2 ? -EUCLEAN : -ENOENT,
				 transform_for_boot(tree, NULL, &why));
		assert_string_equal(expected, why.text);
	}
}

static void a_whiteout_device_has_one_name(void **state)
{
	const struct merge_entry link = {
		.name = SPAN_LITERAL("b"), .is_hard_link = true, .target = SPAN_LITERAL("a")};
	CLEAN(tree_freep) struct tree *tree = tree_begin();
	struct diag why = {0};

	(void)state;
	put(tree, "a", S_IFCHR, 5);
	assert_ok(transform_for_oci(tree, false, &why), &why);
	assert_int_equal(0, merge_add(tree, &link, NULL));
	assert_int_equal(-EUCLEAN, transform_for_oci(tree, false, &why));
	assert_non_null(strstr(why.text, "2 names"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(five_layers_are_the_image_of_composefs_rs),
		TEST(an_image_that_boots_is_labelled_and_has_no_kernel),
		TEST(an_image_has_the_id_of_composefs_rs),
		TEST(the_root_is_as_usr),
		TEST(an_image_may_have_no_usr),
		TEST(refuses_what_the_format_refuses),
		TEST(what_boots_has_certain_directories),
		TEST(a_whiteout_device_has_one_name),
	};

	return cmocka_run_group_tests_name("oci/transform", tests, NULL, NULL);
}
