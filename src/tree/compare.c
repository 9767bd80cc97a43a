/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tree/compare.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "tree/tree.h"

static const char *const part_names[DIFFERENCE_PART_COUNT] = {
	"type", "mode", "owner", "mtime", "content", "xattrs", "links",
};

const char *difference_part_name(unsigned int index)
{
	return part_names[index];
}

/* Two inodes */

static bool same_external(const struct inode *a, const struct inode *b)
{
	struct digest digest_a = inode_digest(a), digest_b = inode_digest(b);
	const char *path_a = a->external.payload, *path_b = b->external.payload;

	if (digest_a.algorithm != DIGEST_NONE || digest_b.algorithm != DIGEST_NONE)
		return digest_equal(&digest_a, &digest_b);
	return path_a == path_b || (path_a && path_b && strcmp(path_a, path_b) == 0);
}

static bool same_file(const struct inode *a, const struct inode *b)
{
	if (a->size != b->size || a->is_inline != b->is_inline)
		return false;
	if (a->size == 0)
		return true;
	if (a->is_inline)
		return memcmp(a->inlined.content, b->inlined.content, a->size) == 0;
	return same_external(a, b);
}

static bool same_content(const struct inode *a, const struct inode *b)
{
	switch (a->mode & S_IFMT) {
	case S_IFREG:
		return same_file(a, b);
	case S_IFLNK:
		return a->size == b->size &&
		       memcmp(a->symlink.target, b->symlink.target, a->size) == 0;
	case S_IFCHR:
	case S_IFBLK:
		return a->rdev == b->rdev;
	default:
		return true;
	}
}

static bool same_xattrs(const struct inode *a, const struct inode *b)
{
	if (a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		if (!span_equal(a->xattrs[i]->key, b->xattrs[i]->key) ||
		    !span_equal(a->xattrs[i]->value, b->xattrs[i]->value))
			return false;
	}
	return true;
}

static unsigned int parts_of(const struct inode *a, const struct inode *b)
{
	unsigned int parts = 0;

	if ((a->mode & S_IFMT) != (b->mode & S_IFMT))
		return DIFFERENCE_TYPE;
	if (a->mode != b->mode)
		parts |= DIFFERENCE_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		parts |= DIFFERENCE_OWNER;
	if (a->mtime_sec != b->mtime_sec || a->mtime_nsec != b->mtime_nsec)
		parts |= DIFFERENCE_MTIME;
	if (!same_content(a, b))
		parts |= DIFFERENCE_CONTENT;
	if (!same_xattrs(a, b))
		parts |= DIFFERENCE_XATTRS;
	if (!inode_is_dir(a) && a->nlink != b->nlink)
		parts |= DIFFERENCE_LINKS;
	return parts;
}

/* Two trees */

/* The names that come next in a pair of directories; NULL at the end, or where there is none. */
struct level {
	const struct dentry *a;
	const struct dentry *b;
	size_t path_size; /* of the directory */
};

struct comparison {
	difference_visit *visit;
	void *context;
	struct buf path;
	struct level *levels; /* owned; up to where it is */
	size_t depth;
	size_t capacity;
};

static void comparison_release(struct comparison *comparison)
{
	buf_release(&comparison->path);
	free(comparison->levels);
}

static const struct dentry *first_of(const struct inode *dir)
{
	return dir && inode_is_dir(dir) ? dir->dir.first : NULL;
}

static int level_enter(struct comparison *comparison, const struct inode *a, const struct inode *b)
{
	if (comparison->depth == comparison->capacity) {
		size_t capacity = comparison->capacity ? 2 * comparison->capacity : 16;
		struct level *levels =
			reallocarray(comparison->levels, capacity, sizeof(*comparison->levels));

		if (!levels)
			return -ENOMEM;
		comparison->levels = levels;
		comparison->capacity = capacity;
	}
	comparison->levels[comparison->depth++] =
		(struct level){first_of(a), first_of(b), comparison->path.size};
	return 0;
}

static int tell(struct comparison *comparison, const struct inode *a, struct inode *b,
		struct diag *why)
{
	struct difference difference = {
		.kind = !a  ? DIFFERENCE_ADDED
			: b ? DIFFERENCE_CHANGED
			    : DIFFERENCE_REMOVED,
		.parts = a && b ? parts_of(a, b) : 0,
		.path = comparison->path.size ? buf_span(&comparison->path) : SPAN_LITERAL("/"),
		.a = a,
		.b = b,
	};

	if (a && b && !difference.parts)
		return 0;
	return comparison->visit(comparison->context, &difference, why);
}

/* The next name of the level: in a, in b, or in both. */
static void level_take(struct level *level, const struct dentry **ret_a,
		       const struct dentry **ret_b)
{
	int order = !level->a   ? 1
		    : !level->b ? -1
				: span_compare(dentry_name(level->a), dentry_name(level->b));

	*ret_a = order <= 0 ? level->a : NULL;
	*ret_b = order >= 0 ? level->b : NULL;
	if (*ret_a)
		level->a = level->a->next;
	if (*ret_b)
		level->b = level->b->next;
}

static int names_compare(struct comparison *comparison, const struct dentry *a,
			 const struct dentry *b, struct diag *why)
{
	const struct inode *from = a ? a->inode : NULL;
	struct inode *to = b ? b->inode : NULL;
	int r;

	r = buf_append_byte(&comparison->path, '/');
	if (r == 0)
		r = buf_append_span(&comparison->path, dentry_name(a ? a : b));
	if (r == 0)
		r = tell(comparison, from, to, why);
	if (r == 0 && to && inode_is_dir(to))
		r = level_enter(comparison, from, to);
	return r;
}

static int run(struct comparison *comparison, struct diag *why)
{
	while (comparison->depth) {
		struct level *level = &comparison->levels[comparison->depth - 1];
		const struct dentry *a, *b;
		int r;

		comparison->path.size = level->path_size;
		if (!level->a && !level->b) {
			comparison->depth--;
			continue;
		}
		level_take(level, &a, &b);
		r = names_compare(comparison, a, b, why);
		if (r)
			return r;
	}
	return 0;
}

int tree_compare(const struct tree *a, const struct tree *b, difference_visit *visit, void *context,
		 struct diag *why)
{
	CLEAN(comparison_release)
	struct comparison comparison = {.visit = visit, .context = context};
	int r;

	r = tell(&comparison, a->root, b->root, why);
	if (r == 0)
		r = level_enter(&comparison, a->root, b->root);
	return r ? r : run(&comparison, why);
}
