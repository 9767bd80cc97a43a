/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The files of an image as a tar archive.
 */
#include <errno.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/load.h"
#include "oci/image.h"
#include "oci/layer.h"
#include "oci/manifest.h"
#include "oci/tar_write.h"
#include "ops/export.h"
#include "ops/output.h"
#include "ops/repository.h"
#include "ops/source.h"
#include "store/objects.h"
#include "store/store.h"
#include "tree/merge.h"
#include "tree/tree.h"

#define BUFFER_SIZE ((size_t)256 * 1024)

struct tree_export {
	const struct store *store; /* borrowed */
	const struct tree *tree;   /* borrowed */
	struct tar_writer *tar;    /* owned */
	struct arena arena;
	const char **names; /* owned; by the index of an inode: the name it was written under */
	struct buf path;
	struct buf xattrs; /* of struct xattr */
	uint8_t *buffer;   /* owned */
};

static void tree_export_release(struct tree_export *export)
{
	tar_writer_free(export->tar);
	arena_release(&export->arena);
	free(export->names);
	buf_release(&export->path);
	buf_release(&export->xattrs);
	free(export->buffer);
}

static int sink(void *context, struct span bytes, struct diag *why)
{
	return output_write(context, bytes, why);
}

/* One name */

/* Its path from the root, a slash behind a directory. */
static int path_of(struct tree_export *export, const struct dentry *dentry)
{
	size_t size = inode_is_dir(dentry->inode);
	uint8_t *end;

	for (const struct dentry *d = dentry; d; d = d->parent->primary)
		size += (size_t)d->name_size + (d != dentry);
	export->path.size = 0;
	if (buf_append_zeros(&export->path, size) < 0)
		return -ENOMEM;
	end = export->path.data + size;
	if (inode_is_dir(dentry->inode))
		*--end = '/';
	for (const struct dentry *d = dentry; d; d = d->parent->primary) {
		if (d != dentry)
			*--end = '/';
		end -= d->name_size;
		memcpy(end, d->name, d->name_size);
	}
	return 0;
}

static enum tar_type type_of(const struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		return TAR_DIRECTORY;
	case S_IFLNK:
		return TAR_SYMLINK;
	case S_IFCHR:
		return TAR_CHARACTER_DEVICE;
	case S_IFBLK:
		return TAR_BLOCK_DEVICE;
	case S_IFIFO:
		return TAR_FIFO;
	}
	return TAR_REGULAR;
}

static int entry_make(struct tree_export *export, const struct inode *inode, struct span name,
		      struct tar_entry *ret)
{
	export->xattrs.size = 0;
	for (size_t i = 0; i < inode->xattr_count; i++) {
		if (buf_append(&export->xattrs, inode->xattrs[i], sizeof(*inode->xattrs[i])) < 0)
			return -ENOMEM;
	}
	*ret = (struct tar_entry){
		.type = type_of(inode),
		.mode = inode->mode & 07777,
		.uid = inode->uid,
		.gid = inode->gid,
		/* new_encode_dev: minor 0-7, major 8-19, the rest of the minor above */
		.rdev_major = inode->rdev >> 8 & 0xfff,
		.rdev_minor = (inode->rdev & 0xff) | (inode->rdev >> 12 & 0xfff00),
		.mtime_sec = inode->mtime_sec,
		.mtime_nsec = inode->mtime_nsec,
		.name = name,
		.xattrs = (const struct xattr *)(void *)export->xattrs.data,
		.xattr_count = inode->xattr_count,
	};
	if (S_ISREG(inode->mode))
		ret->size = inode->size;
	if (S_ISLNK(inode->mode))
		ret->target = span_of(inode->symlink.target, inode->size);
	return 0;
}

/* The bodies */

static int content_open(const struct tree_export *export, const struct inode *inode,
			struct diag *why)
{
	struct digest digest = inode_digest(inode);
	const char *payload = inode->external.payload;
	int fd;

	if (digest.algorithm != DIGEST_NONE)
		return object_open(export->store, &digest, why);
	if (!payload)
		return diag_set(why, -ENOENT, "its content is not known");
	/* The image says where: nothing but an object may be meant. */
	fd = fd_open_regular(store_objects_fd(export->store), payload + strspn(payload, "/"),
			     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	return fd < 0 ? diag_errno(why, fd, "object '%.200s'", payload) : fd;
}

static int external_write(struct tree_export *export, const struct inode *inode, struct diag *why)
{
	CLEAN(fd_closep) int fd = content_open(export, inode, why);
	uint64_t left = inode->size;

	if (fd < 0)
		return fd;
	while (left) {
		size_t part = left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE;
		ssize_t got = fd_read(fd, export->buffer, part);
		int r;

		if (got < 0)
			return diag_errno(why, (int)got, "cannot read an object");
		if ((size_t)got < part)
			return diag_set(why, -EUCLEAN, "an object is shorter than the file it is");
		r = tar_write_body(export->tar, span_of(export->buffer, part), why);
		if (r < 0)
			return r;
		left -= part;
	}
	return 0;
}

static int body_write(struct tree_export *export, const struct inode *inode, struct diag *why)
{
	int r = 0;

	if (inode_is_external(inode))
		r = external_write(export, inode, why);
	else if (inode->size)
		r = tar_write_body(export->tar, span_of(inode->inlined.content, inode->size), why);
	return r;
}

/* One entry: a hard link, where the inode was written under another name already. */
static int inode_write(struct tree_export *export, const struct inode *inode, struct span name,
		       struct diag *why)
{
	struct tar_entry entry;
	int r;

	r = entry_make(export, inode, name, &entry);
	if (r < 0)
		return r;
	if (!inode_is_dir(inode) && export->names[inode->index]) {
		entry.type = TAR_HARD_LINK;
		entry.target = span_of_string(export->names[inode->index]);
		entry.size = entry.xattr_count = 0;
		return tar_write_entry(export->tar, &entry, why);
	}
	if (!inode_is_dir(inode)) {
		export->names[inode->index] = arena_copy(&export->arena, name);
		if (!export->names[inode->index])
			return -ENOMEM;
	}
	r = tar_write_entry(export->tar, &entry, why);
	return r < 0 || !S_ISREG(inode->mode) ? r : body_write(export, inode, why);
}

/* Before the first is written: another name than the primary may come first. */
static void inodes_number(const struct tree *tree)
{
	uint32_t next = 0;

	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (d->inode->primary == d)
			d->inode->index = next++;
	}
}

static int tree_write(struct tree_export *export, struct diag *why)
{
	const struct tree *tree = export->tree;
	int r;

	inodes_number(tree);
	r = inode_write(export, tree->root, SPAN_LITERAL("./"), why);
	for (struct dentry *d = tree_walk_first(tree); d && r == 0; d = tree_walk_next(tree, d)) {
		if (S_ISSOCK(d->inode->mode))
			continue; /* no archive can hold one */
		r = path_of(export, d);
		if (r == 0)
			r = inode_write(export, d->inode, buf_span(&export->path), why);
		if (r < 0)
			return diag_wrap(why, r, "'%.200s'", buf_string(&export->path));
	}
	return r < 0 ? r : tar_write_end(export->tar, why);
}

/* Which tree */

static int layers_merge(const struct store *store, const struct oci_image *image, struct tree **ret,
			struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	int r;

	if (!tree || (image->manifest->count == 0 && merge_layer_begin(tree) < 0))
		return -ENOMEM;
	for (size_t i = 0; i < image->manifest->count; i++) {
		r = layer_apply(store, &image->layers[i], tree, why);
		if (r < 0)
			return diag_wrap(why, r, "layer %zu", i + 1);
	}
	r = tree_settle(tree);
	if (r < 0)
		return r;
	*ret = TAKE(tree);
	return 0;
}

/* The source is opened to see what the image is; store is borrowed from it. */
static int tree_open(struct source *source, struct tree **ret, struct diag *why)
{
	CLEAN(oci_image_freep) struct oci_image *image = NULL;
	int r;

	if (!source->store)
		return diag_set(why, -EINVAL,
				"it is a file, which does not say where its contents "
				"are");
	r = source_pulled(source, &image, why);
	if (r < 0)
		return r;
	if (image)
		return layers_merge(source->store, image, ret, why);
	r = source_map(source, why);
	return r < 0 ? r : image_load(&source->image, ret, why);
}

int export_tree(const char *repo, const char *image, const char *path, struct diag *why)
{
	CLEAN(source_closep) struct source *source = NULL;
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(output_release) struct output output = OUTPUT_EMPTY;
	CLEAN(tree_export_release) struct tree_export export = {0};
	int r;

	r = source_open(image, repo, &source, why);
	if (r == 0)
		r = tree_open(source, &tree, why);
	if (r == 0)
		r = output_open(path, &output, why);
	if (r < 0)
		return r;
	export.store = source->store;
	export.tree = tree;
	if (tar_writer_new(sink, &output, &export.tar) < 0)
		return -ENOMEM;
	export.names = calloc(tree->inode_count + 1, sizeof(*export.names));
	export.buffer = malloc(BUFFER_SIZE);
	if (!export.names || !export.buffer)
		return -ENOMEM;
	r = tree_write(&export, why);
	return r < 0 ? r : output_commit(&output, why);
}
