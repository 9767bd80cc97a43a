/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Folders of lazily pulled images: that all of their files are there and can be read, and that
 * contents are what their names say.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "erofs/image.h"
#include "erofs/load.h"
#include "erofs/mapping.h"
#include "oci/image.h"
#include "ops/fsck_private.h"
#include "ops/lazy.h"
#include "ops/lazy_files.h"
#include "ops/lazy_table.h"
#include "store/lazies.h"
#include "store/lazy_names.h"
#include "store/objects.h"
#include "tree/tree.h"

#define SUBJECT_SIZE (LAZY_FOLDER_SIZE_MAX + 16)

static char *subject_of(const struct digest *manifest, char text[SUBJECT_SIZE])
{
	char folder[LAZY_FOLDER_SIZE_MAX];

	(void)snprintf(text, SUBJECT_SIZE, "lamina/lazy/%s", lazy_folder_name(manifest, folder));
	return text;
}

static int image_read(const struct lazy_image *lazy, struct diag *why)
{
	CLEAN(fd_closep) int fd = lazy_image_file(lazy, "image.erofs", why);
	CLEAN(mapping_closep) struct mapping *mapping = NULL;
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct image image;
	int r = fd < 0 ? fd : mapping_open(fd, &mapping, why);

	if (r == 0)
		r = image_open(mapping_bytes(mapping), &image, why);
	if (r == 0)
		r = image_load(&image, &tree, why);
	return r < 0 ? diag_wrap(why, r, "image.erofs") : 0;
}

static int table_read(const struct lazy_image *lazy, struct diag *why)
{
	CLEAN(buf_release) struct buf bytes = {0};
	struct lazy_table table;
	int r = lazy_image_read(lazy, "table", LAZY_TABLE_SIZE_MAX, &bytes, why);

	if (r == 0)
		r = lazy_table_open(buf_span(&bytes), &table, why);
	return r < 0 ? diag_wrap(why, r, "table") : 0;
}

static int documents_read(const struct lazy_image *lazy, struct diag *why)
{
	CLEAN(oci_image_freep) struct oci_image *pulled = NULL;

	return lazy_image_pulled(lazy, &pulled, why);
}

struct contents_check {
	struct fsck *fsck;
	const struct lazy_image *lazy;
};

static int contents_check(void *context, int dir_fd, const char *name,
			  const struct digest *contents, struct diag *why)
{
	const struct contents_check *check = context;
	CLEAN(fd_closep) int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char subject[SUBJECT_SIZE], hex[DIGEST_HEX_SIZE_MAX];
	struct diag reason = {0};
	const char *repair = NULL;
	int r = fd < 0 ? -errno : lazy_file_check(fd, contents, &reason);

	(void)why;
	if (r == 0 || r == -ENOMEM || r == -ENOENT)
		return r == -ENOENT ? 0 : r;
	/* It comes again when it is wanted. */
	if (check->fsck->request->is_repair && unlinkat(dir_fd, name, 0) == 0)
		repair = "removed";
	fsck_note(check->fsck, "lazy-contents-mismatch",
		  subject_of(&check->lazy->manifest, subject), repair, "contents sha256:%s: %.200s",
		  digest_hex(contents, hex), diag_text(&reason, r));
	return 0;
}

static void streams_check(struct fsck *fsck, const struct lazy_image *lazy)
{
	char subject[SUBJECT_SIZE];

	for (size_t i = 0; i < lazy->state.layer_count; i++) {
		const struct digest *stream = &lazy->state.layers[i].stream;

		if (stream->algorithm == DIGEST_NONE || object_exists(fsck->store, stream))
			continue;
		fsck->result.missing_objects++;
		fsck_note(fsck, "lazy-layer-missing", subject_of(&lazy->manifest, subject), NULL,
			  "layer %zu, which was pulled as a whole, is not there", i + 1);
	}
}

static int folder_check(void *context, const struct digest *manifest, struct diag *why)
{
	struct fsck *fsck = context;
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	struct contents_check check = {.fsck = fsck};
	char subject[SUBJECT_SIZE];
	struct diag reason = {0};
	int r = lazy_image_open(fsck->store, manifest, &lazy, &reason);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = documents_read(lazy, &reason);
	if (r == 0)
		r = image_read(lazy, &reason);
	if (r == 0)
		r = table_read(lazy, &reason);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		fsck_note(fsck, "lazy-image-damaged", subject_of(manifest, subject), NULL, "%.300s",
			  diag_text(&reason, r));
		return 0;
	}
	streams_check(fsck, lazy);
	check.lazy = lazy;
	return fsck->request->metadata_only ? 0
					    : lazy_files_each(lazy, contents_check, &check, why);
}

static int name_check(void *context, const char *tag, const struct digest *manifest,
		      struct diag *why)
{
	struct fsck *fsck = context;
	int r = lazy_folder_is_idle(fsck->store, manifest, why);
	const char *repair = NULL;

	if (r != -ENOENT)
		return r < 0 ? r : 0;
	if (fsck->request->is_repair && lazy_name_remove(fsck->store, tag, NULL) == 0)
		repair = "removed";
	fsck->result.broken_links++;
	fsck_note(fsck, "broken-symlink", "lamina/lazy/names", repair,
		  "'%.200s' leads to an image that is not there", tag);
	return 0;
}

int fsck_lazy(struct fsck *fsck, struct diag *why)
{
	int r = lazies_each(fsck->store, folder_check, fsck, why);

	return r < 0 ? r : lazy_names_each(fsck->store, name_check, fsck, why);
}
