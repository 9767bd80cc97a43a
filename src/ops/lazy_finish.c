/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/lazy_finish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "erofs/image.h"
#include "erofs/load.h"
#include "erofs/mapping.h"
#include "ops/lazy.h"
#include "ops/lazy_files.h"
#include "serve/lazy.h"
#include "store/contents.h"
#include "store/lazies.h"
#include "store/objects.h"
#include "store/store.h"
#include "tree/tree.h"

/* fd is taken. */
static int tree_of(int fd, struct tree **ret, struct diag *why)
{
	CLEAN(fd_closep) int image_fd = fd;
	CLEAN(mapping_closep) struct mapping *mapping = NULL;
	struct image image;
	int r = mapping_open(image_fd, &mapping, why);

	if (r == 0)
		r = image_open(mapping_bytes(mapping), &image, why);
	return r < 0 ? r : image_load(&image, ret, why);
}

struct handover {
	const struct store *store;
	const struct lazy_image *lazy;
	struct tree *before; /* owned; of the lazy image */
	struct tree *after;  /* owned; of the finished one */
	/* owned; directories of the latter by the index of those of the former */
	struct inode **counterparts;
};

static void handover_release(struct handover *handover)
{
	tree_free(handover->before);
	tree_free(handover->after);
	free(handover->counterparts);
}

/* What is small enough is in the finished image itself. */
static int inline_put(const struct handover *handover, const struct inode *inode,
		      const struct digest *contents, struct diag *why)
{
	CLEAN(contents_draft_closep) struct contents_draft *draft = NULL;
	int r = contents_draft_open(handover->lazy->contents_fd, &draft, why);

	if (r == 0)
		r = fd_write(contents_draft_fd(draft), inode->inlined.content, (size_t)inode->size);
	if (r == 0)
		r = lazy_file_check(contents_draft_fd(draft), contents, why);
	return r < 0 ? r : contents_draft_link(draft, contents, why);
}

static int copy_put(const struct handover *handover, int object_fd, const struct digest *contents,
		    struct diag *why)
{
	CLEAN(contents_draft_closep) struct contents_draft *draft = NULL;
	uint8_t data[32 * 1024];
	ssize_t got = 0;
	uint64_t offset = 0;
	int r = contents_draft_open(handover->lazy->contents_fd, &draft, why);

	while (r == 0 && (got = fd_pread(object_fd, data, sizeof(data), offset)) > 0) {
		r = fd_write(contents_draft_fd(draft), data, (size_t)got);
		offset += (uint64_t)got;
	}
	if (r == 0 && got < 0)
		r = (int)got;
	return r < 0 ? r : contents_draft_link(draft, contents, why);
}

static int object_put(const struct handover *handover, const struct inode *inode,
		      const struct digest *contents, struct diag *why)
{
	struct digest object = inode_digest(inode);
	char path[DIGEST_PATH_SIZE_MAX];
	CLEAN(fd_closep) int fd = object_open(handover->store, &object, why);
	int r = fd < 0 ? fd : lazy_file_check(fd, contents, why);

	if (r < 0)
		return r;
	r = contents_link(store_objects_fd(handover->store), digest_path(&object, path),
			  handover->lazy->contents_fd, contents);
	/* Another mount, too many names, somebody else's object. */
	return r < 0 ? copy_put(handover, fd, contents, why) : 0;
}

/* A table that says something else than its archive is no reason to fail: those are not served. */
static int file_hand(const struct handover *handover, const struct inode *before,
		     const struct inode *after, struct diag *why)
{
	const struct digest mark = inode_digest(before);
	struct digest contents;
	int r;

	if (!lazy_unmark(&mark, &contents) || !after || !S_ISREG(after->mode) ||
	    after->size != before->size)
		return 0;
	r = inode_is_external(after) ? object_put(handover, after, &contents, why)
				     : inline_put(handover, after, &contents, why);
	return r == -EBADMSG ? 0 : r;
}

/* Both trees have the same names, as long as tables and archives agree. */
static int trees_walk(struct handover *handover, struct diag *why)
{
	const struct tree *before = handover->before;
	uint32_t index = 0;
	int r = 0;

	before->root->index = index++;
	handover->counterparts[0] = handover->after->root;
	for (struct dentry *d = tree_walk_first(before); d && r == 0;
	     d = tree_walk_next(before, d)) {
		struct inode *dir = handover->counterparts[d->parent->index];
		struct dentry *found = dir && inode_is_dir(dir)
					       ? tree_lookup(handover->after, dir, dentry_name(d))
					       : NULL;

		if (inode_is_dir(d->inode)) {
			d->inode->index = index++;
			handover->counterparts[d->inode->index] = found ? found->inode : NULL;
		} else if (inode_is_external(d->inode)) {
			r = file_hand(handover, d->inode, found ? found->inode : NULL, why);
		}
	}
	return r;
}

static int hand_over(const struct store *store, const struct lazy_image *lazy,
		     const struct digest *image, struct diag *why)
{
	CLEAN(handover_release) struct handover handover = {.store = store, .lazy = lazy};
	int fd = lazy_image_file(lazy, "image.erofs", why);
	int r = fd < 0 ? fd : tree_of(fd, &handover.before, why);

	if (r == 0)
		fd = object_open(store, image, why);
	if (r == 0)
		r = fd < 0 ? fd : tree_of(fd, &handover.after, why);
	if (r < 0)
		return r;
	handover.counterparts = calloc(handover.before->inode_count + 1, sizeof(struct inode *));
	return handover.counterparts ? trees_walk(&handover, why) : -ENOMEM;
}

int lazy_finish(const struct store *store, const struct digest *manifest,
		const struct digest *image, struct diag *why)
{
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	int r = lazy_folder_remove(store, manifest, why);

	if (r != -EBUSY)
		return r;
	r = lazy_image_open(store, manifest, &lazy, why);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = lazy_image_settle(lazy, why);
	return r < 0 ? r : hand_over(store, lazy, image, why);
}
