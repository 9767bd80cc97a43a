/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The contents of upper become objects first, as in an import; then the layer is a stream of
 * headers and objects. Once that has its name, the image is pulled from memory: what a pull makes
 * sure of, holds here, too.
 */
#include "ops/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/workers.h"
#include "mount/capability.h"
#include "oci/changes.h"
#include "oci/derive.h"
#include "oci/image_name.h"
#include "oci/layer_write.h"
#include "oci/memory_source.h"
#include "oci/source.h"
#include "ops/commit_base.h"
#include "ops/hashers.h"
#include "ops/names.h"
#include "ops/pull_private.h"
#include "store/objects.h"
#include "store/store.h"
#include "store/streams.h"
#include "tree/scan.h"
#include "tree/tree.h"

#define CREATED_BY "lamina commit"
#define IMPORTED_COMMENT "imported by lamina"

struct commit {
	const struct commit_request *request;
	struct store *store;
	struct ids ids;
	struct commit_base base;
	struct transaction *transaction; /* owned */
	struct hashers hashers;
	_Atomic uint64_t file_count;
	_Atomic uint64_t file_bytes;
	struct derive_layer layers[2]; /* of an imported base, and of upper */
	size_t layer_count;
	struct commit_result result;
};

void commit_result_release(struct commit_result *result)
{
	pull_result_release(&result->image);
}

static void commit_release(struct commit *commit)
{
	transaction_abort(commit->transaction);
	ids_release(&commit->ids);
	commit_base_release(&commit->base);
	hashers_release(&commit->hashers);
	commit_result_release(&commit->result);
}

/* The upper directory */

/* Metadata alone was copied up: the file has the size of what lies below, and no content. */
static bool is_metacopy(int fd)
{
	return fgetxattr(fd, "trusted.overlay.metacopy", NULL, 0) >= 0 ||
	       fgetxattr(fd, "user.overlay.metacopy", NULL, 0) >= 0;
}

/* Called by the scan's workers, several at a time. */
static int content_add(void *context, int fd, uint64_t size_bytes, struct digest *ret,
		       struct diag *why)
{
	struct commit *commit = context;
	struct verity_hasher *hasher;
	int r;

	if (is_metacopy(fd)) {
		*ret = (struct digest){.algorithm = (uint8_t)store_config(commit->store).algorithm};
		return 0;
	}
	r = hashers_take(&commit->hashers, &hasher, why);
	if (r < 0)
		return r;
	r = object_add_file(commit->transaction, hasher, fd, size_bytes, ret, why);
	hashers_give(&commit->hashers, hasher);
	if (r == 0)
		progress_report(&commit->request->progress, "commit",
				atomic_fetch_add(&commit->file_count, 1) + 1,
				atomic_fetch_add(&commit->file_bytes, size_bytes) + size_bytes);
	return r;
}

/*
 * What overlayfs notes in trusted.*, only root of the machine can read. To everybody else such a
 * directory would look whole; so it has to be their own, whose overlays note in user.*.
 */
static int upper_check(int fd, struct diag *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "stat");
	if (st.st_uid == geteuid() || (capability_has_initial(CAP_SYS_ADMIN)))
		return 0;
	return diag_set(why, -EPERM, "it is not yours, and you cannot read what overlayfs notes");
}

static int upper_scan(struct commit *commit, struct tree **ret, struct diag *why)
{
	const struct scan_options options = {
		.algorithm = store_config(commit->store).algorithm,
		.thread_count = 2 * cpu_count(), /* they wait for the disk, too */
		.content = content_add,
		.context = commit,
	};
	CLEAN(fd_closep)
	int fd = openat(AT_FDCWD, commit->request->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "'%.200s'", commit->request->upper);
	r = upper_check(fd, why);
	if (r < 0)
		return diag_wrap(why, r, "'%.200s'", commit->request->upper);
	return tree_scan(fd, &options, ret, why);
}

static int changes_take(struct commit *commit, struct tree **ret, struct diag *why)
{
	CLEAN(tree_freep) struct tree *upper = NULL;
	struct changes_notes notes;
	int r;

	r = upper_scan(commit, &upper, why);
	if (r < 0)
		return r;
	const struct changes_request request = {
		.upper = upper,
		.base = commit->base.tree,
		.maps = commit->ids.is_mapped ? &commit->ids.maps : NULL,
		.has_timestamp = commit->request->has_timestamp,
		.timestamp = commit->request->timestamp,
	};
	r = changes_make(&request, ret, &notes, why);
	if (r == 0)
		commit->result.socket_count = notes.socket_count;
	return r;
}

/* Layers */

/* Write tree as a layer, and give it its name. */
static int layer_add(struct commit *commit, struct tree *tree, const char *comment,
		     struct diag *why)
{
	char name[STREAM_NAME_SIZE_MAX];
	struct layer_written written;
	int r;

	r = layer_write(commit->transaction, commit->store, tree, &written, why);
	if (r == 0)
		r = transaction_sync(commit->transaction, why);
	if (r == 0)
		r = stream_link(commit->store,
				oci_stream_name(OCI_PART_LAYER, &written.diff_id, name),
				&written.stream_id, why);
	if (r < 0)
		return r;
	commit->layers[commit->layer_count++] = (struct derive_layer){
		.diff_id = written.diff_id,
		.tar_bytes = written.tar_bytes,
		.created_by = CREATED_BY,
		.comment = comment,
	};
	commit->result.diff_id = written.diff_id;
	commit->result.layer_bytes = written.tar_bytes;
	commit->result.entry_count = written.entry_count;
	return 0;
}

static int layers_add(struct commit *commit, struct diag *why)
{
	CLEAN(tree_freep) struct tree *changes = NULL;
	int r;

	r = changes_take(commit, &changes, why);
	/* An imported image has no layers yet. */
	if (r == 0 && commit->base.tree && !commit->base.image) {
		changes_of_nothing(commit->base.tree);
		r = layer_add(commit, commit->base.tree, IMPORTED_COMMENT, why);
		if (r < 0)
			return diag_wrap(why, r, "base '%.200s'", commit->request->base);
	}
	if (r == 0)
		r = layer_add(commit, changes, commit->request->message, why);
	return r;
}

/* The image */

static int image_make(struct commit *commit, struct diag *why)
{
	const struct commit_request *request = commit->request;
	const struct derive_request derive = {
		.base = commit->base.image,
		.layers = commit->layers,
		.layer_count = commit->layer_count,
		.created = request->has_timestamp ? request->timestamp : (int64_t)time(NULL),
		.author = request->author,
		.changes = request->changes,
	};
	const struct pull_request pull = {
		.source = "memory",
		.name = request->name,
		.keep_blobs = commit_base_keeps_blobs(&commit->base),
	};
	CLEAN(buf_release) struct buf config = {0}, manifest = {0};
	struct oci_source *source = NULL;
	int r;

	r = derive_documents(&derive, &config, &manifest, why);
	if (r == 0)
		r = oci_memory_source_new(&config, &manifest, &source, why);
	return r < 0 ? r : pull_opened(commit->store, source, &pull, &commit->result.image, why);
}

static int run(struct commit *commit, struct diag *why)
{
	const struct commit_request *request = commit->request;
	int r;

	r = oci_tag_check(request->name, why);
	if (r == 0)
		r = name_check_free(commit->store, request->name, NAME_TAG, why);
	if (r == 0)
		r = ids_resolve(&request->ids, &commit->ids, why);
	if (r == 0)
		r = commit_base_open(commit->store, request->base, &commit->base, why);
	if (r == 0)
		r = transaction_begin(commit->store, &commit->transaction, why);
	if (r == 0)
		r = layers_add(commit, why);
	return r < 0 ? r : image_make(commit, why);
}

int commit_image(struct store *store, const struct commit_request *request,
		 struct commit_result *ret, struct diag *why)
{
	CLEAN(commit_release)
	struct commit commit = {.request = request, .store = store, .ids = IDS_NONE};
	struct object_stats stats;
	int r;

	hashers_init(&commit.hashers, store_config(store).algorithm);
	r = run(&commit, why);
	if (r < 0)
		return r;
	stats = transaction_stats(commit.transaction);
	commit.result.image.added_count += stats.added_count;
	commit.result.image.added_bytes += stats.added_bytes;
	*ret = commit.result;
	commit.result = (struct commit_result){0};
	return 0;
}
