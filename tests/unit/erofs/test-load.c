/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "images.h"

#include <errno.h>

#include "base/limits.h"
#include "erofs/load.h"
#include "tree/dump_write.h"
#include "verity/hasher.h"

static struct tree *loaded(struct bytes bytes)
{
	struct image image = opened(bytes);
	struct tree *tree = NULL;
	struct diag why = {0};

	assert_ok(image_load(&image, &tree, &why), &why);
	assert_true(tree->is_sorted);
	return tree;
}

/* The image as loaded and written again. */
static void assert_same_again(struct bytes bytes)
{
	struct tree *tree = loaded(bytes);
	struct bytes again = written(tree, opened(bytes).composefs_version);

	assert_span_equal(bytes_span(bytes), bytes_span(again));
	tree_free(tree);
	free(again.data);
}

static void assert_dump(struct bytes bytes, const char *expected)
{
	struct tree *tree = loaded(bytes);
	struct buf text = {0};
	struct diag why = {0};

	assert_ok(dump_write(tree, append_sink, &text, &why), &why);
	assert_string_equal(expected, buf_string(&text));
	buf_release(&text);
	tree_free(tree);
}

static const struct inode *child(const struct tree *tree, const struct inode *dir, const char *name)
{
	struct dentry *dentry = tree_lookup(tree, dir, span_of_string(name));

	assert_non_null(dentry);
	return dentry->inode;
}

static void writing_a_loaded_tree_gives_the_same_image(void **state)
{
	static const char *const names[] = {"special-v0", "special-v1", "empty-v2", "simple-v2",
					    "mixed-v2"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bytes bytes = golden(names[i]);

		assert_same_again(bytes);
		free(bytes.data);
	}
}

/* Texts where something could be lost or mistaken on the way back. */
static const char *const dumps[] = {
	/* a whiteout below a directory that was opaque */
	"/ 0 40755 2 0 0 0 0.0 - - -\n"
	"/d 0 40755 2 0 0 0 0.0 - - - trusted.overlay.opaque=y\n"
	"/d/w 0 20000 1 0 0 0 0.0 - - -\n",
	/* in the root, with content and xattrs of its own */
	"/ 0 40755 2 0 0 0 0.0 - - -\n"
	"/w 0 20644 3 5 6 0 1.2 - - - user.overlay.whiteout=v user.x=y\n",
	/* what looks like a whiteout, but its directory does not */
	"/ 0 40755 2 0 0 0 0.0 - - -\n"
	"/f 0 100644 1 0 0 0 0.0 - - - trusted.overlay.whiteout= user.overlay.whiteout=\n",
	/* and the reverse */
	"/ 0 40755 2 0 0 0 0.0 - - - trusted.overlay.whiteouts= user.overlay.whiteouts= "
	"trusted.overlay.opaque=x user.overlay.opaque=x\n"
	"/f 1 100644 1 0 0 0 0.0 - a - trusted.overlay.whiteout= user.overlay.whiteout=\n",
	/* names of stubs: a file, a whiteout, a hard link */
	"/ 0 40755 2 0 0 0 0.0 - - - security.selinux=label\n"
	"/00 1 100644 1 0 0 0 0.0 - a -\n"
	"/01 0 20000 1 0 0 0 0.0 - - -\n"
	"/02 0 @100644 1 0 0 0 0.0 /00 - -\n",
	/* the primary name comes after its hard links, in the order of the image */
	"/ 0 40755 2 0 0 0 0.0 - - -\n"
	"/a 0 @100644 1 0 0 0 0.0 /d/z - -\n"
	"/b 0 100644 1 0 0 0 0.0 - - -\n"
	"/d 0 40755 1 0 0 0 0.0 - - -\n"
	"/d/y 0 100644 1 0 0 0 0.0 - - -\n"
	"/d/z 0 100644 4 0 0 0 0.0 - - -\n",
	/* a hard link to a whiteout from where there is none */
	"/ 0 40755 2 0 0 0 0.0 - - -\n"
	"/a 0 40755 2 0 0 0 0.0 - - -\n"
	"/a/l 0 @20000 1 0 0 0 0.0 /b/w - -\n"
	"/b 0 40755 2 0 0 0 0.0 - - -\n"
	"/b/w 0 20000 1 0 0 0 0.0 - - -\n",
	/* escapes of several levels, and an external file's own; not for version 2 */
	"/ 0 40755 2 0 0 0 0.0 - - -\n"
	"/f 70 100644 1 0 0 0 0.0 //x - - trusted.overlay.metacopy=a "
	"trusted.overlay.overlay.redirect=b "
	"user.overlay.metacopy=c\n"
	"/g 9007199254740992 100644 1 0 0 0 0.0 - - "
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n",
};

static void nothing_is_lost_on_the_way_back(void **state)
{
	size_t count = sizeof(dumps) / sizeof(dumps[0]);

	(void)state;
	for (uint32_t version = 0; version <= EROFS_VERSION_MAX; version++) {
		for (size_t i = 0; i < (version == 2 ? count - 1 : count); i++) {
			struct bytes bytes = image_of(dumps[i], version);

			assert_same_again(bytes);
			free(bytes.data);
		}
	}
}

static void takes_back_what_the_writer_did(void **state)
{
	struct bytes bytes = image_of(dumps[0], 0);

	(void)state;
	assert_dump(bytes, "/ 4096 40755 3 0 0 0 0.0 - - -\n"
			   "/d 40 40755 2 0 0 0 0.0 - - - trusted.overlay.opaque=y\n"
			   "/d/w 0 20000 1 0 0 0 0.0 - - -\n");
	free(bytes.data);
	/* Version 1 has overwritten the value, and the reference shows what it put there. */
	bytes = image_of(dumps[0], 1);
	assert_dump(bytes, "/ 4096 40755 3 0 0 0 0.0 - - -\n"
			   "/d 40 40755 2 0 0 0 0.0 - - - trusted.overlay.opaque=x "
			   "user.overlay.opaque=x\n"
			   "/d/w 0 20000 1 0 0 0 0.0 - - -\n");
	free(bytes.data);
}

static void marks_alone_make_no_whiteout(void **state)
{
	struct bytes bytes = image_of(dumps[2], 1);
	struct tree *tree = loaded(bytes);
	const struct inode *inode = child(tree, tree->root, "f");

	(void)state;
	assert_int_equal(S_IFREG | 0644, inode->mode);
	assert_int_equal(2, inode->xattr_count);
	tree_free(tree);
	free(bytes.data);
}

/* The order of the inodes allows both names; only one is in a directory that tells of a whiteout.
 */
static void a_linked_whiteout_stays_one(void **state)
{
	(void)state;
	for (uint32_t version = 0; version <= 1; version++) {
		struct bytes bytes = image_of(dumps[6], version);
		struct tree *tree = loaded(bytes);
		const struct inode *b = child(tree, tree->root, "b"), *inode = child(tree, b, "w");

		assert_true(inode_is_whiteout(inode));
		assert_string_equal("w", inode->primary->name);
		assert_int_equal(version == 0 ? 0 : 2, b->xattr_count);
		tree_free(tree);
		free(bytes.data);
	}
}

static void the_primary_name_is_where_the_inode_lies(void **state)
{
	struct bytes bytes = image_of(dumps[5], 0);
	struct tree *tree = loaded(bytes);
	const struct inode *inode = child(tree, tree->root, "a");

	(void)state;
	assert_string_equal("z", inode->primary->name);
	assert_int_equal(4, inode->nlink);
	tree_free(tree);
	free(bytes.data);
}

/* The digests that composefs-rs pins for what these trees are in version 2. */
static void version_2_images_are_the_real_ones(void **state)
{
	static const struct {
		const char *name, *digest;
	} cases[] = {
		{"empty-v2", "086b702a519b57d6ef5aea6f8b3f2be24355cd1fb835cd80fb4e3d388b24d5a5"},
		{"simple-v2", "a8fcd41f8b313bede69f462f2af0a38d64b99a6333f5df884ea9ab4037fac722"},
		{"mixed-v2", "dc112f57b32a67ca64f265148727ee75d404e442297102610779338c73028e7c"},
	};
	struct verity_hasher *hasher = NULL;
	struct diag why = {0};

	(void)state;
	assert_ok(verity_hasher_new(DIGEST_SHA256, &hasher, &why), &why);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = golden(cases[i].name);
		char hex[DIGEST_HEX_SIZE_MAX];
		struct digest digest;

		assert_int_equal(0, verity_update(hasher, bytes_span(bytes)));
		assert_int_equal(0, verity_finish(hasher, &digest));
		assert_string_equal(cases[i].digest, digest_hex(&digest, hex));
		free(bytes.data);
	}
	verity_hasher_free(hasher);
}

static void loads_version_2(void **state)
{
	struct bytes bytes = golden("mixed-v2");
	struct tree *tree = loaded(bytes);
	const struct inode *a = child(tree, tree->root, "a"), *inode = child(tree, a, "hard");
	struct digest digest = inode_digest(inode);
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)state;
	assert_ptr_equal(inode, child(tree, a, "Aname"));
	assert_string_equal("Aname", inode->primary->name); /* the first of its names */
	assert_int_equal(3, inode->nlink);
	assert_true(inode->size == 123456 && inode->mtime_sec == 7 && inode->mtime_nsec == 0);
	assert_string_equal("9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a",
			    digest_hex(&digest, hex));
	assert_non_null(inode_xattr(inode, SPAN_LITERAL("trusted.overlay.origin")));
	assert_null(inode_xattr(inode, SPAN_LITERAL("trusted.overlay.metacopy")));
	assert_non_null(inode_xattr(child(tree, a, "b"), SPAN_LITERAL("lustre.lov")));
	tree_free(tree);
	free(bytes.data);
	bytes = golden("simple-v2");
	assert_dump(bytes, "/ 170 40755 2 0 0 0 0.0 - - -\n"
			   "/blkdev 0 60000 1 0 0 123 0.0 - - -\n"
			   "/chrdev 0 20000 1 0 0 123 0.0 - - -\n"
			   "/fifo 0 10000 1 0 0 0 0.0 - - -\n"
			   "/regular-external 1234 100000 1 0 0 0 0.0 "
			   "5a/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a - "
			   "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n"
			   "/regular-inline 4 100000 1 0 0 0 0.0 - hihi -\n"
			   "/socket 0 140000 1 0 0 0 0.0 - - -\n"
			   "/symlink 7 120000 1 0 0 0 0.0 /target - -\n");
	free(bytes.data);
}

static void loads_plain_images_as_they_are_stored(void **state)
{
	struct bytes bytes = golden("plain-indexes");
	struct tree *tree = loaded(bytes);
	const struct inode *inode = child(tree, tree->root, "g");

	(void)state;
	assert_ptr_equal(inode, child(tree, tree->root, "hard"));
	assert_int_equal(2, inode->nlink);
	assert_true(inode->is_inline && inode->size == 3);
	assert_memory_equal("hi\n", inode->inlined.content, 3);
	assert_non_null(inode_xattr(inode, SPAN_LITERAL("user.a")));
	inode = child(tree, tree->root, "f");
	assert_true(inode->is_inline && inode->size == INLINE_SIZE_MAX);
	assert_int_equal('x', inode->inlined.content[INLINE_SIZE_MAX - 1]);
	/* Too long to be held: an external file without a name for its content. */
	inode = child(tree, tree->root, "sparse");
	assert_true(inode_is_external(inode) && inode->size == 20000);
	assert_null(inode->external.payload);
	assert_int_equal(0, inode->digest_size);
	inode = child(tree, tree->root, "l");
	assert_string_equal("g", inode->symlink.target);
	tree_free(tree);
	free(bytes.data);
}

static void assert_not_loaded(struct bytes bytes, int error, const char *reason)
{
	struct image image = opened(bytes);
	struct tree *tree = NULL;
	struct diag why = {0};
	int r = image_load(&image, &tree, &why);

	if (r != error || !strstr(why.text, reason))
		fail_msg("expected %d and '%s', got %d and '%s'", error, reason, r, why.text);
	assert_null(tree);
	free(bytes.data);
}

/* Let entry i of a directory, whose entries are in its tail, name another inode. */
static void put_nid(struct bytes bytes, const char *dir_path, size_t i, uint64_t nid)
{
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, dir_path);

	put32(bytes, behind_xattrs(&dir) + i * sizeof(struct dirent_disk), (uint32_t)nid);
}

static const char nested[] = "/ 0 40755 2 0 0 0 0.0 - - -\n"
			     "/d 0 40755 2 0 0 0 0.0 - - -\n"
			     "/d/a 0 40755 2 0 0 0 0.0 - - -\n"
			     "/d/b 0 40755 2 0 0 0 0.0 - - -\n"
			     "/d/c 0 100644 1 0 0 0 0.0 - - -\n";

static void refuses_directories_that_are_no_tree(void **state)
{
	struct bytes bytes;
	struct image image;

	(void)state;
	bytes = image_of(nested, 0);
	image = opened(bytes);
	put_nid(bytes, "d", 2, image.root_nid);
	assert_not_loaded(bytes, -EUCLEAN, "two names");
	bytes = image_of(nested, 0);
	image = opened(bytes);
	put_nid(bytes, "d", 2, inode_at(&image, "d").nid);
	assert_not_loaded(bytes, -EUCLEAN, "two names");
	bytes = image_of(nested, 0);
	image = opened(bytes);
	put_nid(bytes, "d", 2, inode_at(&image, "d/b").nid);
	assert_not_loaded(bytes, -EUCLEAN, "two names");
}

/* "." of the root is the file that comes next, and the order is one that has to be searched. */
static void dots_are_never_primary_names(void **state)
{
	struct bytes bytes = image_of(dumps[5], 0);
	struct image image = opened(bytes);
	struct image_inode root = inode_at(&image, ""), b = inode_at(&image, "b");
	struct image_dirent entry;
	struct tree *tree;

	(void)state;
	assert_int_equal(1, image_dir_next(&image, &root, 0, &entry, NULL));
	assert_span_equal(SPAN_LITERAL("."), entry.name);
	put32(bytes, ((uint64_t)root.raw_u << 12), (uint32_t)b.nid);
	tree = loaded(bytes);
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		assert_non_null(d->inode->primary);
	tree_free(tree);
	free(bytes.data);
}

static void refuses_a_name_twice(void **state)
{
	struct bytes bytes = image_of(nested, 0);
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, "d");

	(void)state;
	bytes.data[behind_xattrs(&dir) + dir.size - 1] = 'b';
	assert_not_loaded(bytes, -EUCLEAN, "has a name twice");
}

static void refuses_depth_beyond_the_limit(void **state)
{
	struct buf text = {0}, path = {0};
	struct bytes bytes;

	(void)state;
	assert_int_equal(0, buf_append_string(&text, "/ 0 40755 2 0 0 0 0.0 - - -\n"));
	for (int depth = 1; depth <= DEPTH_MAX + 1; depth++) {
		assert_int_equal(0, buf_append_string(&path, "/d"));
		if (depth <= DEPTH_MAX)
			assert_int_equal(0, buf_printf(&text, "%s 0 40755 2 0 0 0 0.0 - - -\n",
						       buf_string(&path)));
	}
	bytes = image_of(buf_string(&text), 0);
	assert_same_again(bytes);
	free(bytes.data);
	assert_int_equal(0, buf_printf(&text, "%s 0 40755 2 0 0 0 0.0 - - -\n", buf_string(&path)));
	assert_not_loaded(image_of(buf_string(&text), 0), -EUCLEAN, "nested deeper");
	buf_release(&text);
	buf_release(&path);
}

static void refuses_overlay_xattrs_of_no_form(void **state)
{
	/* Of /f: offset of the metacopy value behind the head; then the redirect entry. */
	static const char dump[] = "/ 0 40755 2 0 0 0 0.0 - - -\n"
				   "/f 70 100644 1 0 0 0 0.0 ab/cd - "
				   "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
				   "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n";
	static const struct {
		size_t offset;
		uint8_t value;
		const char *reason;
	} cases[] = {
		{0, 1, "metacopy"},  /* version */
		{1, 68, "metacopy"}, /* size */
		{2, 1, "metacopy"},  /* flags */
		{3, 0, "metacopy"},  /* algorithm */
		{3, 2, "metacopy"},
		{3, 9, "metacopy"},
		{36 + 4 + 16, 'x', "redirect"},
		{36 + 4 + 16 + 2, 0, "redirect"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = image_of(dump, 0);
		struct image image = opened(bytes);
		struct image_inode inode = inode_at(&image, "f");
		struct span value;

		assert_int_equal(0, image_xattr_get(&image, &inode,
						    SPAN_LITERAL("trusted.overlay.metacopy"),
						    &value, NULL));
		bytes.data[(size_t)(value.data - bytes.data) + cases[i].offset] = cases[i].value;
		assert_not_loaded(bytes, -EUCLEAN, cases[i].reason);
	}
}

/* Three hundred files, all of which claim the same block: no image of ours or mkfs.erofs gains so
 * much. */
static void contents_cannot_multiply_memory(void **state)
{
	struct buf text = {0};
	struct bytes bytes;
	struct image image;

	(void)state;
	assert_int_equal(0, buf_append_string(&text, "/ 0 40755 2 0 0 0 0.0 - - -\n"));
	for (int i = 0; i < 300; i++)
		assert_int_equal(0, buf_printf(&text, "/f%03d 0 100644 1 0 0 0 0.0 - - -\n", i));
	bytes = image_of(buf_string(&text), 0);
	image = opened(bytes);
	for (int i = 0; i < 300; i++) {
		struct image_inode inode;
		char name[8];

		(void)snprintf(name, sizeof(name), "f%03d", i);
		inode = inode_at(&image, name);
		put32(bytes, inode.offset + offsetof(struct inode_compact_disk, size), 4096);
	}
	assert_not_loaded(bytes, -E2BIG, "8 times what it holds");
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing_a_loaded_tree_gives_the_same_image),
		cmocka_unit_test(nothing_is_lost_on_the_way_back),
		cmocka_unit_test(takes_back_what_the_writer_did),
		cmocka_unit_test(marks_alone_make_no_whiteout),
		cmocka_unit_test(a_linked_whiteout_stays_one),
		cmocka_unit_test(the_primary_name_is_where_the_inode_lies),
		cmocka_unit_test(version_2_images_are_the_real_ones),
		cmocka_unit_test(loads_version_2),
		cmocka_unit_test(loads_plain_images_as_they_are_stored),
		cmocka_unit_test(refuses_directories_that_are_no_tree),
		cmocka_unit_test(dots_are_never_primary_names),
		cmocka_unit_test(refuses_a_name_twice),
		cmocka_unit_test(refuses_depth_beyond_the_limit),
		cmocka_unit_test(refuses_overlay_xattrs_of_no_form),
		cmocka_unit_test(contents_cannot_multiply_memory),
	};

	return cmocka_run_group_tests_name("erofs/load", tests, NULL, NULL);
}
