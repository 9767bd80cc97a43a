/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * One pass: headers go into the stream and into the hash, bodies into the hash alone, as they are
 * objects already. A second copy, as layer_import() would make one, is never written.
 */
#include "oci/layer_write.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/tar_write.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "tree/tree.h"
#include "verity/sha.h"

#define WHITEOUT_PREFIX ".wh."
#define OPAQUE_NAME ".wh..wh..opq"
#define BUFFER_SIZE ((size_t)256 * 1024)

struct layer_write {
	struct transaction *transaction;
	const struct store *store;
	struct splitstream_writer *stream; /* owned */
	struct tar_writer *tar;            /* owned */
	struct sha *sha;                   /* owned */
	uint8_t *buffer;                   /* owned; BUFFER_SIZE */
	struct buf path;                   /* of the entry, without a slash in front */
	struct buf target;                 /* of a hard link */
	struct buf xattrs;                 /* of struct xattr */
	uint64_t entry_count;
};

static void layer_write_release(struct layer_write *write)
{
	splitstream_writer_abort(write->stream);
	tar_writer_free(write->tar);
	sha_free(write->sha);
	free(write->buffer);
	buf_release(&write->path);
	buf_release(&write->target);
	buf_release(&write->xattrs);
}

static int hash(struct layer_write *write, struct span bytes, struct diag *why)
{
	return sha_update(write->sha, bytes) < 0 ? diag_set(why, -EIO, "libcrypto cannot hash") : 0;
}

static int inline_sink(void *context, struct span bytes, struct diag *why)
{
	struct layer_write *write = context;
	int r = hash(write, bytes, why);

	return r < 0 ? r : splitstream_write_inline(write->stream, bytes, why);
}

/* Bodies */

static int object_hash(struct layer_write *write, const struct digest *object, uint64_t size_bytes,
		       struct diag *why)
{
	CLEAN(fd_closep) int fd = object_open(write->store, object, why);
	uint64_t offset = 0;
	ssize_t got;
	int r;

	if (fd < 0)
		return fd;
	while ((got = fd_pread(fd, write->buffer, BUFFER_SIZE, offset)) > 0) {
		r = hash(write, span_of(write->buffer, (size_t)got), why);
		if (r < 0)
			return r;
		offset += (uint64_t)got;
	}
	if (got < 0)
		return diag_errno(why, (int)got, "read object");
	if (offset != size_bytes)
		return diag_set(why, -EUCLEAN, "a file of %llu bytes whose object has %llu",
				(unsigned long long)size_bytes, (unsigned long long)offset);
	return 0;
}

static int object_make(struct layer_write *write, struct span content, struct digest *ret,
		       struct diag *why)
{
	CLEAN(object_writer_abortp) struct object_writer *writer = NULL;
	int r;

	r = object_writer_new(write->transaction, &writer, why);
	if (r == 0)
		r = object_writer_write(writer, content, why);
	return r < 0 ? r : object_writer_finish(TAKE(writer), ret, why);
}

static int external_write(struct layer_write *write, const struct inode *inode, struct diag *why)
{
	struct digest object = inode_digest(inode);
	int r = 0;

	if (inode->is_inline)
		r = object_make(write, span_of(inode->inlined.content, inode->size), &object, why);
	else if (object.algorithm == DIGEST_NONE)
		r = diag_set(why, -EINVAL, "the tree has neither its content nor a digest of it");
	if (r == 0 && inode->is_inline)
		r = hash(write, span_of(inode->inlined.content, inode->size), why);
	else if (r == 0)
		r = object_hash(write, &object, inode->size, why);
	if (r == 0)
		r = splitstream_write_external(write->stream, &object, inode->size, why);
	if (r == 0)
		tar_write_body_elsewhere(write->tar);
	return r;
}

/* A small file that is an object all the same. */
static int small_object_write(struct layer_write *write, const struct inode *inode,
			      struct diag *why)
{
	struct digest object = inode_digest(inode);
	CLEAN(fd_closep) int fd = -1;
	ssize_t got;

	if (object.algorithm == DIGEST_NONE)
		return diag_set(why, -EINVAL, "the tree has neither its content nor a digest");
	fd = object_open(write->store, &object, why);
	if (fd < 0)
		return fd;
	got = fd_pread(fd, write->buffer, INLINE_SIZE_DEFAULT + 1, 0);
	if (got < 0)
		return diag_errno(why, (int)got, "read object");
	if ((uint64_t)got != inode->size)
		return diag_set(why, -EUCLEAN, "a file of %llu bytes whose object has %zd or more",
				(unsigned long long)inode->size, got);
	return tar_write_body(write->tar, span_of(write->buffer, (size_t)got), why);
}

static int body_write(struct layer_write *write, const struct inode *inode, struct diag *why)
{
	if (inode->size == 0)
		return 0;
	if (inode->size > INLINE_SIZE_DEFAULT)
		return external_write(write, inode, why);
	if (!inode->is_inline)
		return small_object_write(write, inode, why);
	return tar_write_body(write->tar, span_of(inode->inlined.content, inode->size), why);
}

/* Entries */

static int path_make(const struct dentry *dentry, struct buf *ret)
{
	size_t size = 0;

	for (const struct dentry *d = dentry; d; d = d->parent->primary)
		size += d->name_size + 1u;
	ret->size = 0;
	if (buf_append_zeros(ret, size) < 0)
		return -ENOMEM;
	for (const struct dentry *d = dentry; d; d = d->parent->primary) {
		size -= d->name_size + 1u;
		memcpy(ret->data + size, d->name, d->name_size);
		ret->data[size + d->name_size] = '/';
	}
	ret->size--;
	return 0;
}

static int xattrs_make(struct layer_write *write, const struct inode *inode)
{
	int r = 0;

	write->xattrs.size = 0;
	for (size_t i = 0; i < inode->xattr_count && r == 0; i++)
		r = buf_append(&write->xattrs, inode->xattrs[i], sizeof(struct xattr));
	return r;
}

static int type_of(uint32_t mode, enum tar_type *ret, struct diag *why)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		*ret = TAR_REGULAR;
		return 0;
	case S_IFDIR:
		*ret = TAR_DIRECTORY;
		return 0;
	case S_IFLNK:
		*ret = TAR_SYMLINK;
		return 0;
	case S_IFCHR:
		*ret = TAR_CHARACTER_DEVICE;
		return 0;
	case S_IFBLK:
		*ret = TAR_BLOCK_DEVICE;
		return 0;
	case S_IFIFO:
		*ret = TAR_FIFO;
		return 0;
	default:
		return diag_set(why, -EOPNOTSUPP, "a layer has no place for sockets");
	}
}

static int entry_write(struct layer_write *write, struct tar_entry *entry, struct diag *why)
{
	if (++write->entry_count > LAYER_ENTRY_MAX)
		return diag_set(why, -E2BIG, "more than %llu entries",
				(unsigned long long)LAYER_ENTRY_MAX);
	return tar_write_entry(write->tar, entry, why);
}

/* An empty file that only its name says something by. It depends on nothing else. */
static int mark_write(struct layer_write *write, struct diag *why)
{
	struct tar_entry entry = {.type = TAR_REGULAR, .name = buf_span(&write->path)};

	return entry_write(write, &entry, why);
}

/* write->path is that of the dentry. */
static int whiteout_write(struct layer_write *write, const struct dentry *dentry, struct diag *why)
{
	size_t parent_size = write->path.size - dentry->name_size;

	if (dentry->name_size + strlen(WHITEOUT_PREFIX) > NAME_SIZE_MAX)
		return diag_set(why, -ENAMETOOLONG,
				"no layer can say that a name of %u bytes is gone",
				dentry->name_size);
	write->path.size = parent_size;
	if (buf_append_string(&write->path, WHITEOUT_PREFIX) < 0 ||
	    buf_append_span(&write->path, dentry_name(dentry)) < 0)
		return -ENOMEM;
	return mark_write(write, why);
}

/* The directory's own entry is written. */
static int opaque_write(struct layer_write *write, struct diag *why)
{
	if (buf_append_string(&write->path, OPAQUE_NAME) < 0)
		return -ENOMEM;
	return mark_write(write, why);
}

static int hard_link_write(struct layer_write *write, const struct dentry *dentry,
			   struct tar_entry *entry, struct diag *why)
{
	if (path_make(dentry->inode->primary, &write->target) < 0)
		return -ENOMEM;
	entry->type = TAR_HARD_LINK;
	entry->target = buf_span(&write->target);
	return entry_write(write, entry, why);
}

static int inode_write(struct layer_write *write, const struct inode *inode,
		       struct tar_entry *entry, struct diag *why)
{
	int r = xattrs_make(write, inode);

	if (r < 0)
		return r;
	entry->xattrs = (const struct xattr *)(void *)write->xattrs.data;
	entry->xattr_count = inode->xattr_count;
	if (S_ISLNK(inode->mode))
		entry->target = span_of(inode->symlink.target, inode->size);
	if (S_ISREG(inode->mode))
		entry->size = inode->size;
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
		entry->rdev_major = major(inode->rdev);
		entry->rdev_minor = minor(inode->rdev);
	}
	r = entry_write(write, entry, why);
	if (r == 0 && S_ISREG(inode->mode))
		r = body_write(write, inode, why);
	if (r == 0 && inode_is_dir(inode) && inode->index == LAYER_OPAQUE)
		r = opaque_write(write, why);
	return r;
}

static int dentry_write(struct layer_write *write, const struct dentry *dentry, struct diag *why)
{
	const struct inode *inode = dentry->inode;
	struct tar_entry entry = {
		.mode = inode->mode & 07777,
		.uid = inode->uid,
		.gid = inode->gid,
		.mtime_sec = inode->mtime_sec,
		.mtime_nsec = inode->mtime_nsec,
	};
	int r;

	if (inode_is_whiteout(inode))
		return whiteout_write(write, dentry, why);
	if (span_starts_with(dentry_name(dentry), SPAN_LITERAL(WHITEOUT_PREFIX)))
		return diag_set(why, -EINVAL,
				"names that begin with " WHITEOUT_PREFIX " hide others in a layer");
	r = type_of(inode->mode, &entry.type, why);
	if (r == 0 && inode_is_dir(inode))
		r = buf_append_byte(&write->path, '/');
	if (r < 0)
		return r;
	entry.name = buf_span(&write->path);
	if (inode->primary != dentry)
		return hard_link_write(write, dentry, &entry, why);
	return inode_write(write, inode, &entry, why);
}

/* The order of entries: whiteouts first, in each directory */

static struct dentry *sibling(struct dentry *from, bool is_whiteout)
{
	while (from && inode_is_whiteout(from->inode) != is_whiteout)
		from = from->next;
	return from;
}

static struct dentry *first_in(const struct inode *dir)
{
	struct dentry *first = sibling(dir->dir.first, true);

	return first ? first : dir->dir.first;
}

/* The one behind dentry and all that is below it; NULL at the end. */
static struct dentry *next_behind(struct dentry *dentry)
{
	for (; dentry; dentry = dentry->parent->primary) {
		bool is_whiteout = inode_is_whiteout(dentry->inode);
		struct dentry *next = sibling(dentry->next, is_whiteout);

		if (!next && is_whiteout)
			next = sibling(dentry->parent->dir.first, false);
		if (next)
			return next;
	}
	return NULL;
}

static struct dentry *next_of(struct dentry *dentry)
{
	if (inode_is_dir(dentry->inode) && dentry->inode->dir.first)
		return first_in(dentry->inode);
	return next_behind(dentry);
}

/* The first name of an inode in that order has its entry, the others are links to it. */
static void primaries_set(struct tree *tree)
{
	for (struct dentry *d = first_in(tree->root); d; d = next_of(d)) {
		if (!inode_is_dir(d->inode))
			d->inode->index = 0;
	}
	for (struct dentry *d = first_in(tree->root); d; d = next_of(d)) {
		if (inode_is_dir(d->inode) || d->inode->index)
			continue;
		d->inode->index = 1;
		d->inode->primary = d;
	}
}

static int tree_write(struct layer_write *write, struct tree *tree, struct diag *why)
{
	int r = 0;

	tree_sort(tree);
	primaries_set(tree);
	for (struct dentry *d = first_in(tree->root); d && r == 0; d = next_of(d)) {
		r = path_make(d, &write->path);
		if (r == 0)
			r = dentry_write(write, d, why);
		if (r < 0)
			return diag_wrap(why, r, "'/%.*s'",
					 (int)(write->path.size < 300 ? write->path.size : 300),
					 write->path.data ? (const char *)write->path.data : "");
	}
	return r < 0 ? r : tar_write_end(write->tar, why);
}

int layer_write(struct transaction *transaction, const struct store *store, struct tree *tree,
		struct layer_written *ret, struct diag *why)
{
	CLEAN(layer_write_release)
	struct layer_write write = {
		.transaction = transaction,
		.store = store,
		.buffer = malloc(BUFFER_SIZE),
	};
	struct layer_written written;
	int r;

	if (!write.buffer)
		return -ENOMEM;
	r = sha_new(DIGEST_SHA256, &write.sha, why);
	if (r == 0)
		r = splitstream_writer_new(transaction, STREAM_TYPE_OCI_LAYER, &write.stream, why);
	if (r == 0)
		r = tar_writer_new(inline_sink, &write, &write.tar);
	if (r == 0)
		r = tree_write(&write, tree, why);
	if (r == 0 && sha_finish(write.sha, &written.diff_id) < 0)
		r = diag_set(why, -EIO, "libcrypto cannot hash");
	if (r == 0)
		r = splitstream_writer_finish(TAKE(write.stream), &written.stream_id, why);
	if (r < 0)
		return r;
	written.tar_bytes = tar_write_offset(write.tar);
	written.entry_count = write.entry_count;
	*ret = written;
	return 0;
}
