/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Two dumps with an empty line between them: the upper directory of an overlay, and what it lies
 * on. What comes of it has no mark of overlayfs left, and says the same the next time.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "oci/changes.h"
#include "tree/dump_read.h"
#include "tree/dump_write.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static void result_check(const struct tree *tree)
{
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		assert(!S_ISSOCK(d->inode->mode));
		assert(d->inode->index == 0 || inode_is_dir(d->inode));
		assert(!inode_is_whiteout(d->inode) || d->inode->primary == d);
	}
}

static int changes_text(struct tree *upper, struct tree *base, const struct idmaps *maps,
			struct buf *ret)
{
	const struct changes_request request = {.upper = upper, .base = base, .maps = maps};
	CLEAN(tree_freep) struct tree *changes = NULL;
	struct changes_notes notes;
	struct diag why = {0};
	int r;

	r = changes_make(&request, &changes, &notes, &why);
	assert(r == 0 || r == -EINVAL || r == -EUCLEAN || r == -E2BIG || r == -ENOMEM);
	assert(r == 0 || r == -ENOMEM || why.text[0]);
	if (r < 0)
		return r;
	result_check(changes);
	return dump_write(changes, append, ret, NULL);
}

static void run(struct tree *upper, struct tree *base, const struct idmaps *maps)
{
	CLEAN(buf_release) struct buf text = {0}, again = {0};

	if (changes_text(upper, base, maps, &text) < 0)
		return;
	assert(changes_text(upper, base, maps, &again) == 0);
	assert(span_equal(buf_span(&text), buf_span(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(tree_freep) struct tree *upper = NULL, *base = NULL;
	const uint8_t *gap = memmem(data, size, "\n\n", 2);
	size_t upper_size = gap ? (size_t)(gap - data) + 1 : size;
	struct idmaps maps = {0};

	if (dump_read_span(span_of(data, upper_size), NULL, &upper, NULL) < 0)
		return 0;
	if (gap)
		(void)dump_read_span(span_of(gap + 2, size - upper_size - 1), NULL, &base, NULL);
	(void)idmap_add(&maps.uids, (struct idmap_extent){0, 1000, 65536}, NULL);
	(void)idmap_add(&maps.gids, (struct idmap_extent){0, 0, 65536}, NULL);
	run(upper, NULL, NULL);
	run(upper, base, NULL);
	run(upper, base, &maps);
	return 0;
}
