/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/diff.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "erofs/load.h"
#include "ops/source.h"
#include "tree/dump_write.h"
#include "tree/tree.h"

struct diff {
	struct tree *a; /* owned */
	struct tree *b; /* owned */
};

void diff_free(struct diff *diff)
{
	if (diff) {
		tree_free(diff->a);
		tree_free(diff->b);
	}
	free(diff);
}

void diff_freep(struct diff **diff)
{
	diff_free(*diff);
	*diff = NULL;
}

static int tree_open(const char *text, const char *repo, struct tree **ret, struct diag *why)
{
	CLEAN(source_closep) struct source *source = NULL;
	int r;

	r = source_open(text, repo, &source, why);
	if (r == 0)
		r = source_map(source, why);
	if (r == 0)
		r = image_load(&source->image, ret, why);
	return r < 0 ? diag_wrap(why, r, "'%.200s'", text) : 0;
}

int diff_open(const char *a, const char *b, const char *repo, struct diff **ret, struct diag *why)
{
	CLEAN(diff_freep) struct diff *diff = calloc(1, sizeof(*diff));
	int r;

	if (!diff)
		return -ENOMEM;
	r = tree_open(a, repo, &diff->a, why);
	if (r == 0)
		r = tree_open(b, repo, &diff->b, why);
	if (r < 0)
		return r;
	*ret = TAKE(diff);
	return 0;
}

int diff_each(const struct diff *diff, difference_visit *visit, void *context, struct diag *why)
{
	return tree_compare(diff->a, diff->b, visit, context, why);
}

/* The dump: what does not stay is taken out of b. */

enum { LEFT_OUT, STAYS };

static int difference_mark(void *context, const struct difference *difference, struct diag *why)
{
	(void)context;
	(void)why;
	if (difference->b)
		difference->b->index = STAYS;
	return 0;
}

/* A directory stays for what is in it. */
static void parents_mark(struct tree *tree)
{
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (d->inode->index != STAYS)
			continue;
		for (struct inode *dir = d->parent; dir->index != STAYS && dir->primary;
		     dir = dir->primary->parent)
			dir->index = STAYS;
	}
}

static void prune(struct tree *tree)
{
	struct dentry *next;

	for (struct dentry *d = tree_walk_first(tree); d; d = next) {
		if (d->inode->index == STAYS) {
			next = tree_walk_next(tree, d);
			continue;
		}
		/* Nothing below it stays: on behind it. */
		next = d;
		while (next && !next->next)
			next = next->parent->primary;
		next = next ? next->next : NULL;
		tree_unlink(tree, d);
	}
}

int diff_dump(struct diff *diff, int fd, struct diag *why)
{
	struct tree *tree = diff->b;
	int r;

	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		d->inode->index = LEFT_OUT;
	r = tree_compare(diff->a, tree, difference_mark, NULL, why);
	if (r < 0)
		return r;
	parents_mark(tree);
	prune(tree);
	r = tree_primaries_set(tree);
	return r < 0 ? r : dump_write_fd(tree, fd, why);
}
