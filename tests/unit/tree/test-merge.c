/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "tree/dump_write.h"
#include "tree/merge.h"
#include "tree/tree.h"

/*
 * A layer as one string, an entry a word: "d NAME" and "f NAME" with a mode that tells which entry
 * it was, "l NAME=TARGET" a hard link, "s NAME" a symlink, "w NAME" a character device 0:0.
 */
static int add_word(struct tree *tree, const char *word, uint32_t mode, struct diag *why)
{
	const char *equals = strchr(word, '=');
	struct merge_entry entry = {
		.name = span_of(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2)),
		.mtime_sec = mode,
	};

	switch (word[0]) {
	case 'd':
		entry.mode = S_IFDIR | mode;
		break;
	case 'f':
		entry.mode = S_IFREG | mode;
		break;
	case 's':
		entry.mode = S_IFLNK | 0777;
		entry.target = SPAN_LITERAL("target");
		break;
	case 'w':
		entry.mode = S_IFCHR | mode;
		break;
	default:
		entry.is_hard_link = true;
		entry.target = span_of_string(equals + 1);
	}
	return merge_add(tree, &entry, why);
}

static int add_layer(struct tree *tree, const char *words, uint32_t mode, struct diag *why)
{
	char word[4200];

	assert_int_equal(0, merge_layer_begin(tree));
	while (*words) {
		size_t size = 2 + strcspn(words + 2, " ");
		int r;

		assert_true(size < sizeof(word));
		memcpy(word, words, size);
		word[size] = '\0';
		r = add_word(tree, word, mode, why);
		if (r < 0)
			return r;
		words += size + (words[size] == ' ');
	}
	return 0;
}

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

/* "/path mode nlink" of each line, hard links with where they go to. */
static char *summary(struct tree *tree)
{
	struct buf text = {0}, ret = {0};
	char path[300], mode[32], nlink[32], payload[300];
	const char *at;

	assert_int_equal(0, tree_settle(tree));
	assert_int_equal(0, dump_write(tree, append, &text, NULL));
	for (at = buf_string(&text); *at; at = strchr(at, '\n') + 1) {
		assert_int_equal(4, sscanf(at, "%299s %*s %31s %31s %*s %*s %*s %*s %299s", path,
					   mode, nlink, payload));
		assert_int_equal(0, mode[0] == '@'
					    ? buf_printf(&ret, "%s=%s ", path, payload)
					    : buf_printf(&ret, "%s %s %s ", path, mode, nlink));
	}
	ret.size -= 1;
	buf_release(&text);
	return buf_string(&ret);
}

/* Layers one after the other, up to NULL; the mode of each layer's entries is 0701, 0702... */
#define assert_merges(expected, ...) assert_merge(expected, (const char *[]){__VA_ARGS__, NULL})
static void assert_merge(const char *expected, const char *const *layers)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	char *found;

	for (uint32_t i = 0; layers[i]; i++) {
		struct diag why = {0};

		assert_ok(add_layer(tree, layers[i], 0701 + i, &why), &why);
	}
	found = summary(tree);
	assert_string_equal(expected, found);
	free(found);
}

static void assert_refused(int err, const char *reason, const char *lower, const char *upper)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct diag why = {0};
	int r;

	assert_ok(add_layer(tree, lower, 0701, &why), &why);
	r = add_layer(tree, upper, 0702, &why);
	if (r != err || !strstr(why.text, reason))
		fail_msg("%s: %d: %s", upper, r, why.text);
}

static void spellings_of_a_name_are_one_name(void **state)
{
	(void)state;
	assert_merges("/ 40701 4 /a 40701 3 /a/b 40701 2 /c 40755 3 /c/d 40701 2",
		      "d ./ d /a d a/b// d ./c/./d/");
	assert_merges("/ 40703 2", "d /", "d ///", "d ./.");
	assert_merges("/ 40755 2", "", "");
}

static void later_entries_replace_earlier_ones(void **state)
{
	(void)state;
	/* A directory keeps what is in it, when a directory comes. */
	assert_merges("/ 40755 3 /a 40702 2 /a/b 100701 1", "d a f a/b", "d a");
	assert_merges("/ 40755 2 /a 100702 1", "d a d a/b f a/b/c", "f a");
	assert_merges("/ 40755 3 /a 40702 2 /a/c 100702 1", "f a", "d a f a/c");
	assert_merges("/ 40755 2 /a 120777 1", "d a f a/b", "s a");
	assert_merges("/ 40755 3 /a 40702 3 /a/b 40702 2", "d a d a/b f a/b/c", "f a d a d a/b");
}

static void hard_links_share_an_inode(void **state)
{
	(void)state;
	assert_merges("/ 40755 2 /a 100701 3 /b=/a /c=/a", "f c l b=c l a=./c");
	/* Also across layers; replacing one name leaves the others. */
	assert_merges("/ 40755 2 /a 100702 1 /b 100701 2 /c=/b", "f a l b=a", "l c=/a f a");
	assert_merges("/ 40755 2 /b 100701 1", "f a l b=a", "f .wh.a");
	assert_merges("/ 40755 2 /a 100701 1", "f a l a=a");
	/* The place of an inode is its first name in breadth-first order. */
	assert_merges("/ 40755 3 /a 40755 2 /a/b=/z /z 100701 2", "f a/b l z=a/b");
	assert_merges("/ 40755 3 /a 40755 2 /a/b 100701 1", "f z l a/b=z", "f .wh.z");
}

static void missing_parents_are_made(void **state)
{
	(void)state;
	assert_merges("/ 40755 3 /a 40755 3 /a/b 40755 2 /a/b/c 100701 1", "f a/b/c");
	assert_merges("/ 40755 3 /a 40701 2 /a/b 100701 1", "f a/b d a");
	assert_merges("/ 40755 3 /a 40755 2", "f a/.wh.b");
	assert_merges("/ 40755 3 /a 40755 2", "f a/.wh..wh..opq");
	/* One that a lower layer has is not missing. */
	assert_merges("/ 40755 3 /a 40701 2 /a/b 100702 1", "d a", "f a/b");
}

static void whiteouts_hide_lower_layers(void **state)
{
	(void)state;
	assert_merges("/ 40755 2 /b 100701 1", "f a f b", "f .wh.a");
	assert_merges("/ 40755 2", "d a f a/b", "d .wh.a");
	assert_merges("/ 40755 3 /a 40701 2", "d a f a/b", "f a/.wh.b f a/.wh.none");
	assert_merges("/ 40755 3 /a 40701 2 /a/c 100702 1", "d a f a/b d a/d f a/d/e",
		      "f a/.wh..wh..opq f a/c");
	assert_merges("/ 40755 2 /b 100702 1", "f a d c", "f .wh..wh..opq f b");
	assert_merges("/ 40755 2 /a 100703 1", "f a", "f .wh.a", "f a");
}

static void whiteouts_never_hide_their_own_layer(void **state)
{
	(void)state;
	assert_merges("/ 40755 2 /a 100702 1", "f a", "f a f .wh.a");
	assert_merges("/ 40755 3 /a 40702 2 /a/c 100702 1", "d a f a/b", "d a f a/c f .wh.a");
	assert_merges("/ 40755 3 /a 40701 2 /a/c 100702 1", "d a f a/b", "f a/c f a/.wh..wh..opq");
	assert_merges("/ 40755 3 /a 40755 2 /a/c 100702 1", "d a f a/b", "f a/c f .wh.a");
	assert_merges("/ 40755 2 /a 100701 1", "f a f .wh.a");
	/* A link that its layer made stays when its target of a lower layer goes. */
	assert_merges("/ 40755 2 /b 100701 1", "f a", "l b=a f .wh.a");
}

/* What was in a directory went with it; umoci says so once more. */
static void whiteouts_below_a_file_hide_nothing(void **state)
{
	(void)state;
	assert_merges("/ 40755 2 /a 100702 1", "d a f a/b", "f a f a/.wh.b");
	assert_merges("/ 40755 2 /a 100702 1", "d a d a/b f a/b/c", "f a f a/b/.wh.c");
	assert_merges("/ 40755 2 /a 100701 1", "f a", "f a/.wh..wh..opq");
}

static void other_files_of_aufs_say_nothing(void **state)
{
	(void)state;
	assert_merges("/ 40755 2 /a 100701 1",
		      "f .wh..wh.aufs d .wh..wh.plnk f .wh..wh.plnk/1.2 f a");
}

static void refuses_what_cannot_be(void **state)
{
	char path[PATH_MAX + 8], name[300];

	(void)state;
	assert_refused(-EUCLEAN, "'a/../b': it has a '..'", "", "f a/../b");
	assert_refused(-EUCLEAN, "'..'", "", "f ..");
	assert_refused(-EUCLEAN, "'..'", "", "f ../etc/passwd");
	assert_refused(-EUCLEAN, "'..'", "f a", "l b=../a");
	assert_refused(-EUCLEAN, "'..'", "", "f a/..");
	assert_refused(-EUCLEAN, "root", "", "f ./");
	assert_refused(-EUCLEAN, "root", "f a", "l /=a");
	assert_refused(-EUCLEAN, "not a directory", "f a", "f a/b");
	assert_refused(-EUCLEAN, "not a directory", "s a", "f a/b");
	assert_refused(-EUCLEAN, "no file to link to", "f a", "l b=c");
	assert_refused(-EUCLEAN, "no file to link to", "f a", "l b=a/c");
	assert_refused(-EUCLEAN, "no file to link to", "f a", "f .wh.a l b=a");
	assert_refused(-EUCLEAN, "is a directory", "d a", "l b=a");
	assert_refused(-EUCLEAN, "is a directory", "", "l b=/");
	assert_refused(-EUCLEAN, "whiteout of nothing", "", "f .wh.");
	assert_refused(-EUCLEAN, "whiteout of nothing", "", "f .wh..");
	assert_refused(-EUCLEAN, "whiteout of nothing", "", "f .wh...");
	assert_refused(-EUCLEAN, "in a whiteout", "", "f .wh.a/b");
	memcpy(path, "f ", 2);
	memset(path + 2, '/', PATH_MAX);
	path[2 + PATH_MAX] = '\0';
	assert_refused(-ENAMETOOLONG, "4096 bytes", "", path);
	memcpy(name, "f ", 2);
	memset(name + 2, 'n', 256);
	name[258] = '\0';
	assert_refused(-ENAMETOOLONG, "256 bytes", "", name);
}

static void names_in_messages_move_no_cursor(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct merge_entry entry = {.name = SPAN_LITERAL("\33[2J\n\x7f/../b"), .mode = S_IFREG};
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, merge_layer_begin(tree));
	assert_int_equal(-EUCLEAN, merge_add(tree, &entry, &why));
	assert_string_equal("'?[2J?"
			    "?/../b': it has a '..'",
			    why.text);
}

static void keeps_all_metadata(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	const struct xattr xattrs[] = {
		{SPAN_LITERAL("user.b"), SPAN_LITERAL("1")},
		{SPAN_LITERAL("user.a"), SPAN_LITERAL("x\0y")},
		{SPAN_LITERAL("user.b"), SPAN_LITERAL("2")},
	};
	struct merge_entry entry = {
		.name = SPAN_LITERAL("f"),
		.mode = S_IFREG | 04755,
		.uid = 1,
		.gid = 2,
		.mtime_sec = -3,
		.mtime_nsec = 4,
		.content = SPAN_LITERAL("hi"),
		.xattrs = xattrs,
		.xattr_count = 3,
	};
	struct buf text = {0};

	(void)state;
	assert_int_equal(0, merge_layer_begin(tree));
	assert_int_equal(0, merge_add(tree, &entry, NULL));
	entry.name = SPAN_LITERAL("e");
	entry.digest = digest_of(DIGEST_SHA256, "0123456789abcdef0123456789abcdef");
	entry.size = 1000;
	entry.xattr_count = 0;
	assert_int_equal(0, merge_add(tree, &entry, NULL));
	entry.name = SPAN_LITERAL("d");
	entry.mode = S_IFBLK | 0600;
	entry.rdev = 0x801;
	assert_int_equal(0, merge_add(tree, &entry, NULL));
	assert_int_equal(0, tree_settle(tree));
	assert_int_equal(4, tree->inode_count);
	assert_int_equal(0, dump_write(tree, append, &text, NULL));
	assert_string_equal("/ 0 40755 2 0 0 0 0.0 - - -\n"
			    "/d 0 60600 1 1 2 2049 -3.4 - - -\n"
			    "/e 1000 104755 1 1 2 0 -3.4 "
			    "30/313233343536373839616263646566"
			    "30313233343536373839616263646566 - "
			    "3031323334353637383961626364656630313233343536373839616263646566\n"
			    "/f 2 104755 1 1 2 0 -3.4 - hi - user.a=x\\x00y user.b=2\n",
			    buf_string(&text));
	buf_release(&text);
}

/*
 * The rules again, by sets of paths: 3 levels of 3 directories, "d0" to "d2", each with files "f0"
 * to "f2", so that no path changes its type.
 */
#define DIRS 40 /* of levels 0 to 3: 1 + 3 + 9 + 27; the parent of i is (i - 1) / 3 */
#define FILES (DIRS * 3)

struct model {
	uint32_t dirs[DIRS];   /* mode; 0: not there */
	uint32_t files[FILES]; /* file i is in directory i / 3 */
};

struct model_layer {
	struct model own;
	bool dir_whiteout[DIRS], file_whiteout[FILES], opaque[DIRS];
};

static void model_dir_hide(struct model *model, const struct model_layer *layer, size_t dir)
{
	bool hides_children = layer->opaque[dir] || !model->dirs[dir];

	for (size_t i = 0; i < 3; i++) {
		size_t child = 3 * dir + 1 + i, file = 3 * dir + i;

		if (hides_children || layer->file_whiteout[file])
			model->files[file] = 0;
		if (child >= DIRS)
			continue;
		if (hides_children || layer->dir_whiteout[child])
			model->dirs[child] = 0;
		model_dir_hide(model, layer, child);
	}
}

static void model_apply(struct model *model, const struct model_layer *layer)
{
	bool is_used[DIRS] = {true};

	model_dir_hide(model, layer, 0);
	for (size_t i = FILES; i-- > 0;) {
		if (layer->own.files[i])
			model->files[i] = layer->own.files[i];
		is_used[i / 3] |= layer->own.files[i] || layer->file_whiteout[i];
	}
	for (size_t i = DIRS; i-- > 1;) {
		is_used[i] |= layer->own.dirs[i] || layer->opaque[i];
		is_used[(i - 1) / 3] |= is_used[i] || layer->dir_whiteout[i];
	}
	for (size_t i = 0; i < DIRS; i++) {
		if (layer->own.dirs[i])
			model->dirs[i] = layer->own.dirs[i];
		else if (is_used[i] && !model->dirs[i])
			model->dirs[i] = 0755;
	}
}

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void path_of_dir(size_t dir, char *path)
{
	if (dir == 0) {
		path[0] = '\0';
		return;
	}
	path_of_dir((dir - 1) / 3, path);
	(void)snprintf(path + strlen(path), 32, "d%zu/", (dir - 1) % 3);
}

/* A random thing of layer as a word; the same thing comes but once. */
static bool random_word(struct model_layer *layer, uint32_t mode, uint32_t *random, char *word)
{
	size_t dir = random_next(random) % DIRS, file = random_next(random) % FILES;
	bool *is_there;
	char path[128];

	switch (random_next(random) % 6) {
	case 0:
		path_of_dir(dir, path);
		(void)snprintf(word, 160, "d ./%s", path);
		if (layer->own.dirs[dir])
			return false;
		layer->own.dirs[dir] = mode;
		return true;
	case 1:
		path_of_dir(dir, path);
		(void)snprintf(word, 160, "f %s.wh..wh..opq", path);
		is_there = &layer->opaque[dir];
		break;
	case 2:
		if (dir == 0)
			return false;
		path_of_dir((dir - 1) / 3, path);
		(void)snprintf(word, 160, "f %s.wh.d%zu", path, (dir - 1) % 3);
		is_there = &layer->dir_whiteout[dir];
		break;
	case 3:
		path_of_dir(file / 3, path);
		(void)snprintf(word, 160, "f %s.wh.f%zu", path, file % 3);
		is_there = &layer->file_whiteout[file];
		break;
	default:
		path_of_dir(file / 3, path);
		(void)snprintf(word, 160, "f %sf%zu", path, file % 3);
		if (layer->own.files[file])
			return false;
		layer->own.files[file] = mode;
		return true;
	}
	if (*is_there)
		return false;
	*is_there = true;
	return true;
}

static const struct inode *find(const struct tree *tree, const char *path)
{
	const struct inode *inode = tree->root;

	while (*path && inode) {
		size_t size = strcspn(path, "/");
		struct dentry *dentry = tree_lookup(tree, inode, span_of(path, size));

		inode = dentry ? dentry->inode : NULL;
		path += size + (path[size] == '/');
	}
	return inode;
}

static void assert_model(const struct tree *tree, const struct model *model)
{
	char path[160];

	for (size_t i = 0; i < DIRS; i++) {
		const struct inode *inode;

		path_of_dir(i, path);
		inode = find(tree, path);
		if ((inode ? inode->mode & 07777 : 0) != model->dirs[i])
			fail_msg("%s: %o, not %o", path, inode ? inode->mode : 0, model->dirs[i]);
	}
	for (size_t i = 0; i < FILES; i++) {
		const struct inode *inode;

		path_of_dir(i / 3, path);
		(void)snprintf(path + strlen(path), 8, "f%zu", i % 3);
		inode = find(tree, path);
		if ((inode ? inode->mode & 07777 : 0) != model->files[i])
			fail_msg("%s: %o, not %o", path, inode ? inode->mode : 0, model->files[i]);
	}
}

/* Entries come in random order, so this also says that their order does not matter. */
static void merges_as_the_specification_has_it(void **state)
{
	uint32_t random = 7;

	(void)state;
	for (size_t run = 0; run < 3000; run++) {
		CLEAN(tree_freep) struct tree *tree = tree_new();
		struct model model = {.dirs = {0755}};

		for (uint32_t i = 0; i < 4; i++) {
			struct model_layer layer = {0};
			size_t count = random_next(&random) % 30;

			assert_int_equal(0, merge_layer_begin(tree));
			for (size_t k = 0; k < count; k++) {
				struct diag why = {0};
				char word[160];

				if (random_word(&layer, 0701 + i, &random, word))
					assert_ok(add_word(tree, word, 0701 + i, &why), &why);
			}
			model_apply(&model, &layer);
			assert_model(tree, &model);
		}
		assert_int_equal(0, tree_settle(tree));
	}
}

/* 300,000 entries, and as many whiteouts of all of them: time by entries, not by their product. */
static void many_whiteouts_cost_as_much_as_entries(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	char word[64];

	(void)state;
	for (uint32_t layer = 0; layer < 2; layer++) {
		assert_int_equal(0, merge_layer_begin(tree));
		for (uint32_t i = 0; i < 300000; i++) {
			(void)snprintf(word, sizeof(word), "f a/b/%u", i);
			assert_int_equal(0, add_word(tree, word, 0701 + layer, NULL));
			assert_int_equal(0, add_word(tree, "f a/b/.wh..wh..opq", 0, NULL));
			assert_int_equal(0, add_word(tree, "f a/.wh.b", 0, NULL));
		}
	}
	assert_int_equal(300000, find(tree, "a/b/")->child_count);
}

/* Each layer is within LAYER_ENTRY_MAX. Whiteouts of nothing take time, and no memory. */
static void the_entries_of_all_layers_count_together(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct merge_entry entry = {.name = SPAN_LITERAL(".wh.x"), .mode = S_IFREG | 0644};
	struct diag why = {0};
	uint64_t count = 0;
	int r = 0;

	(void)state;
	for (int layer = 0; layer < 100 && r == 0; layer++) {
		assert_int_equal(0, merge_layer_begin(tree));
		for (uint64_t i = 0; i < LAYER_ENTRY_MAX - 1 && r == 0; i++, count++)
			r = merge_add(tree, &entry, &why);
	}
	assert_int_equal(-E2BIG, r);
	assert_int_equal(MERGE_ENTRY_MAX + 1, count);
	assert_non_null(strstr(why.text, "more than 8388608 entries in all layers of the image"));
	assert_null(strchr(why.text, '\n'));
}

static void implied_directories_count_as_entries(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, add_layer(tree, "f a/b/c/file f a/b/file", 1, NULL));
	assert_int_equal(2 + 3, tree->merged_count);
	tree->merged_count = MERGE_ENTRY_MAX - 3;
	assert_int_equal(0, add_layer(tree, "f d/e/file", 1, NULL));
	tree->merged_count = MERGE_ENTRY_MAX - 3;
	assert_int_equal(-E2BIG, add_layer(tree, "f g/h/i/file", 1, &why));
	assert_non_null(strstr(why.text, "entries in all layers"));
}

static void memory_of_all_layers_counts_together(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct diag why = {0};
	size_t before;

	(void)state;
	assert_int_equal(0, add_layer(tree, "f a", 1, NULL));
	before = tree->arena.size;
	assert_true(before > 0);
	tree->arena.size = MERGE_MEMORY_MAX; /* as if so much had been taken */
	assert_int_equal(-E2BIG, add_layer(tree, "f b", 1, &why));
	assert_non_null(strstr(why.text, "take more than 3072 MiB"));
	tree->arena.size = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings_of_a_name_are_one_name),
		cmocka_unit_test(later_entries_replace_earlier_ones),
		cmocka_unit_test(hard_links_share_an_inode),
		cmocka_unit_test(missing_parents_are_made),
		cmocka_unit_test(whiteouts_hide_lower_layers),
		cmocka_unit_test(whiteouts_never_hide_their_own_layer),
		cmocka_unit_test(whiteouts_below_a_file_hide_nothing),
		cmocka_unit_test(other_files_of_aufs_say_nothing),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(names_in_messages_move_no_cursor),
		cmocka_unit_test(keeps_all_metadata),
		cmocka_unit_test(merges_as_the_specification_has_it),
		cmocka_unit_test(many_whiteouts_cost_as_much_as_entries),
		cmocka_unit_test(the_entries_of_all_layers_count_together),
		cmocka_unit_test(implied_directories_count_as_entries),
		cmocka_unit_test(memory_of_all_layers_counts_together),
	};

	return cmocka_run_group_tests_name("tree/merge", tests, NULL, NULL);
}
