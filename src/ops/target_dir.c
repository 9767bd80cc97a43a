/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The dir transport of containers/image (containers-transports(5)), as oci/dir_layout.c reads it:
 * "version" first, which marks the directory as ours to write to, then blobs, manifest.json last.
 * An earlier image in it stays whole until then; its blobs stay, its signatures go.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "oci/fetch.h"
#include "oci/layout.h"
#include "oci/target.h"
#include "ops/files_out.h"
#include "ops/target_private.h"

#define VERSION_NAME "version"
#define VERSION_TEXT "Directory Transport Version: 1.1\n"

struct target_dir {
	struct oci_target_base base;
	struct files_out *out; /* owned */
	DIR *dir;              /* owned; the same directory */
	struct buf manifest;   /* what is named; empty: nothing yet */
};

static int dir_has_blob(struct oci_target *target, const struct oci_descriptor *blob,
			struct diag *why)
{
	char name[OCI_DIR_NAME_SIZE_MAX];

	(void)why;
	return files_out_has(((struct target_dir *)target)->out,
			     oci_dir_blob_name(&blob->digest, "", name), blob->size);
}

static int dir_put_blob(struct oci_target *target, const struct oci_descriptor *blob,
			const struct reader *bytes, struct diag *why)
{
	char name[OCI_DIR_NAME_SIZE_MAX];

	return files_out_put(((struct target_dir *)target)->out,
			     oci_dir_blob_name(&blob->digest, "", name), blob, bytes, why);
}

static int dir_put_manifest(struct oci_target *target, const struct digest *digest,
			    struct span bytes, const char *media_type, bool is_named,
			    struct diag *why)
{
	struct target_dir *dir = (struct target_dir *)target;
	const struct oci_descriptor manifest = {.digest = *digest, .size = bytes.size};
	char name[OCI_DIR_NAME_SIZE_MAX];
	int r = oci_descriptor_check(&manifest, bytes, why);

	(void)media_type; /* the manifest says it */
	if (r < 0)
		return r;
	if (is_named) {
		buf_release(&dir->manifest);
		return buf_append(&dir->manifest, bytes.data, bytes.size);
	}
	return files_out_put_span(dir->out, oci_dir_blob_name(digest, ".manifest.json", name),
				  bytes, why);
}

/* signature-1 and <hex>.signature-1 are of manifests that are replaced. */
static int signatures_remove(struct target_dir *dir, struct diag *why)
{
	struct dirent *entry;

	rewinddir(dir->dir);
	while ((entry = readdir(dir->dir))) {
		const char *dot = strchr(entry->d_name, '.');

		if (strncmp(dot ? dot + 1 : entry->d_name, "signature-", 10) != 0)
			continue;
		if (unlinkat(dirfd(dir->dir), entry->d_name, 0) < 0)
			return diag_errno(why, -errno, "cannot remove '%.200s'", entry->d_name);
	}
	return 0;
}

static int dir_finish(struct oci_target *target, struct diag *why)
{
	struct target_dir *dir = (struct target_dir *)target;
	int r = files_out_sync(dir->out, why);

	if (r == 0 && dir->manifest.size)
		r = signatures_remove(dir, why);
	if (r == 0 && dir->manifest.size)
		r = files_out_put_span(dir->out, "manifest.json", buf_span(&dir->manifest), why);
	return r < 0 ? r : files_out_finish(dir->out, why);
}

static void dir_close(struct oci_target *target)
{
	struct target_dir *dir = (struct target_dir *)target;

	files_out_close(dir->out);
	if (dir->dir)
		(void)closedir(dir->dir);
	buf_release(&dir->manifest);
	free(dir);
}

static const struct oci_target_ops dir_ops = {
	.has_blob = dir_has_blob,
	.put_blob = dir_put_blob,
	.put_manifest = dir_put_manifest,
	.finish = dir_finish,
	.close = dir_close,
};

/* Whether there is anything but "." and "..". */
static bool is_empty(DIR *dir)
{
	struct dirent *entry;
	bool is = true;

	rewinddir(dir);
	while (is && (entry = readdir(dir)))
		is = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	return is;
}

/* Nobody's files get others among them: an image of this transport, or nothing. */
static int place_check(struct target_dir *dir, const char *path, struct diag *why)
{
	CLEAN(buf_release) struct buf version = {0};
	int r;

	if (is_empty(dir->dir))
		return files_out_put_span(dir->out, VERSION_NAME, SPAN_LITERAL(VERSION_TEXT), why);
	r = files_out_read(dir->out, VERSION_NAME, sizeof(VERSION_TEXT), &version, why);
	if (r == 0 && span_equal(buf_span(&version), SPAN_LITERAL(VERSION_TEXT)))
		return 0;
	return diag_set(why, -EEXIST, "'%.300s' holds something else than an image", path);
}

int target_dir_open(const char *path, struct oci_target **ret, struct diag *why)
{
	struct target_dir *dir = calloc(1, sizeof(*dir));
	int r;

	if (!dir)
		return -ENOMEM;
	dir->base.ops = &dir_ops;
	r = files_out_directory(path, &dir->out, why);
	if (r == 0) {
		dir->dir = opendir(path);
		r = dir->dir ? place_check(dir, path, why)
			     : diag_errno(why, -errno, "cannot open '%.300s'", path);
	}
	if (r < 0) {
		dir_close((struct oci_target *)dir);
		return r;
	}
	*ret = (struct oci_target *)dir;
	return 0;
}
