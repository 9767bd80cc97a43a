/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/writer.h"
#include "ops/names.h"
#include "ops/source.h"
#include "store/images.h"
#include "store/objects.h"
#include "store/store.h"
#include "tree/tree.h"
#include "verity/hasher.h"

static int object_sink(void *context, struct span bytes, struct diag *why)
{
	return object_writer_write(context, bytes, why);
}

/* Stream an image into the store as an object. */
static int image_add(struct transaction *transaction, const struct tree *tree,
		     struct erofs_version_range versions, struct digest *ret,
		     struct erofs_written *ret_written, struct diag *why)
{
	CLEAN(object_writer_abortp) struct object_writer *writer = NULL;
	int r;

	r = object_writer_new(transaction, &writer, why);
	if (r == 0)
		r = erofs_write(tree, versions, object_sink, writer, ret_written, why);
	return r < 0 ? r : object_writer_finish(TAKE(writer), ret, why);
}

/* 0 means what mkcomposefs does by default: 1 where the tree has whiteouts. */
static struct erofs_version_range version_range(uint32_t version)
{
	return (struct erofs_version_range){version, version == 0 ? 1 : version};
}

/* The image that gets the name. */
static int image_make(struct transaction *transaction, const struct tree *tree, uint32_t version,
		      struct import_result *result, struct diag *why)
{
	struct erofs_written written;
	int r;

	r = image_add(transaction, tree, version_range(version), &result->image, &written, why);
	if (r < 0)
		return r;
	result->image_bytes = written.size_bytes;
	result->inode_count = written.inode_count;
	result->version = written.version;
	return 0;
}

/* Those of other formats that the repository wants, too. */
static int extra_make(struct transaction *transaction, const struct tree *tree,
		      struct store_config config, struct import_result *result, struct diag *why)
{
	for (uint32_t version = 0; version <= EROFS_VERSION_MAX; version++) {
		struct import_extra *extra = &result->extra[result->extra_count];
		struct erofs_written written;
		int r;

		if (version == (uint32_t)config.erofs_version ||
		    !(config.extra_versions & 1U << version))
			continue;
		r = image_add(transaction, tree, version_range(version), &extra->digest, &written,
			      why);
		if (r < 0)
			return diag_wrap(why, r, "version %u", version);
		extra->version = written.version;
		result->extra_count++;
	}
	return 0;
}

/* A version that was asked for is the only one. */
static int images_make(struct store *store, struct transaction *transaction,
		       const struct tree *tree, int version, struct import_result *result,
		       struct diag *why)
{
	struct store_config config = store_config(store);
	int r;

	if (version >= 0)
		return image_make(transaction, tree, (uint32_t)version, result, why);
	r = image_make(transaction, tree, (uint32_t)config.erofs_version, result, why);
	return r < 0 ? r : extra_make(transaction, tree, config, result, why);
}

/* All objects are on disk: the transactions of the extra images are empty. */
static int extra_publish(struct store *store, const struct import_result *result, struct diag *why)
{
	for (size_t i = 0; i < result->extra_count; i++) {
		struct transaction *transaction;
		int r = transaction_begin(store, &transaction, why);

		if (r == 0)
			r = image_publish(store, transaction, &result->extra[i].digest, NULL, why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The contents a dump only names */

struct dump_contents {
	const struct store *store;
	struct transaction *transaction;
	struct object_dirs dirs;
	struct verity_hasher *hasher;
};

/* Take a content from one of the directories. -ENOENT when none has it. */
static int content_take(struct dump_contents *contents, const struct inode *inode,
			const struct digest *wanted, struct diag *why)
{
	const char *path = inode->external.payload;
	struct digest got;
	int r;

	for (size_t i = 0; path && i < contents->dirs.count; i++) {
		CLEAN(fd_closep)
		int fd = fd_open_within(contents->dirs.fds[i], path + strspn(path, "/"),
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
					RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

		if (fd < 0)
			continue;
		r = object_add_file(contents->transaction, contents->hasher, fd, inode->size, &got,
				    why);
		if (r < 0)
			return diag_wrap(why, r, "object '%s'", path);
		if (!digest_equal(&got, wanted))
			return diag_set(why, -EBADMSG,
					"object '%s' has other content than its name says", path);
		return 0;
	}
	return -ENOENT;
}

static int content_provide(struct dump_contents *contents, const struct inode *inode,
			   struct diag *why)
{
	struct digest digest = inode_digest(inode);

	if (digest.algorithm == DIGEST_NONE)
		return -ENOENT;
	if (digest.algorithm != store_config(contents->store).algorithm)
		return diag_set(why, -EINVAL, "the dump has %s digests, the repository %s",
				digest_algorithm_name((enum digest_algorithm)digest.algorithm),
				digest_algorithm_name(store_config(contents->store).algorithm));
	if (object_exists(contents->store, &digest))
		return 0;
	return content_take(contents, inode, &digest, why);
}

static int missing_report(const struct dentry *first, uint64_t count, struct diag *why)
{
	return diag_set(
		why, -ENOENT,
		"the contents of %" PRIu64 " files are neither in the repository nor given by "
		"--objects, '%s' (%s) among them",
		count, first->name,
		first->inode->external.payload ? first->inode->external.payload : "no object");
}

static int contents_provide(struct dump_contents *contents, const struct tree *tree,
			    const struct import_request *request, struct import_result *result,
			    struct diag *why)
{
	const struct dentry *first_missing = NULL;

	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		int r;

		if (!inode_is_external(d->inode) || d->inode->primary != d)
			continue;
		r = content_provide(contents, d->inode, why);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == -ENOENT) {
			if (!first_missing)
				first_missing = d;
			result->missing_count++;
		}
	}
	if (first_missing && !request->allow_missing)
		return missing_report(first_missing, result->missing_count, why);
	return 0;
}

static int dump_contents_provide(struct store *store, struct transaction *transaction,
				 const struct tree *tree, const struct import_request *request,
				 struct import_result *result, struct diag *why)
{
	struct dump_contents contents = {.store = store, .transaction = transaction};
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	const struct source none = {.fd = -1};
	int r;

	r = verity_hasher_new(store_config(store).algorithm, &hasher, why);
	if (r < 0)
		return r;
	contents.hasher = hasher;
	if (request->objects) {
		r = object_dirs_open(&none, request->objects, &contents.dirs, why);
		if (r < 0)
			return r;
	}
	r = contents_provide(&contents, tree, request, result, why);
	object_dirs_close(&contents.dirs);
	return r;
}

int import_image(struct store *store, const struct import_request *request,
		 struct import_result *ret, struct diag *why)
{
	CLEAN(transaction_abortp) struct transaction *transaction = NULL;
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct input_options options = request->options;
	struct import_result result = {0};
	struct object_stats stats;
	int r;

	r = image_name_check(request->name, why);
	if (r == 0)
		r = name_check_free(store, request->name, NAME_IMPORTED, why);
	if (r < 0)
		return r;
	options.algorithm = store_config(store).algorithm;
	r = transaction_begin(store, &transaction, why);
	if (r < 0)
		return r;
	r = input_read(request->input, &options, transaction, &tree, &result.input, why);
	if (r < 0)
		return r;
	if (result.input.is_dump) {
		r = dump_contents_provide(store, transaction, tree, request, &result, why);
		if (r < 0)
			return r;
	}
	r = images_make(store, transaction, tree, request->version, &result, why);
	if (r < 0)
		return r;
	stats = transaction_stats(transaction);
	result.added_count = stats.added_count;
	result.added_bytes = stats.added_bytes;
	result.present_count = stats.present_count;
	r = image_publish(store, TAKE(transaction), &result.image, request->name, why);
	if (r == 0)
		r = extra_publish(store, &result, why);
	if (r < 0)
		return r;
	*ret = result;
	return 0;
}
