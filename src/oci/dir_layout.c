/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The dir transport of containers/image: manifest.json, <hex>.manifest.json for those that an index
 * lists, and each blob under the hex of its digest (behind "sha512-" where it is one of those).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/files.h"
#include "oci/layout.h"
#include "oci/layout_private.h"
#include "oci/source.h"

struct dir_layout {
	struct oci_source_base base;
	struct oci_files *files; /* owned */
};

char *oci_dir_blob_name(const struct digest *digest, const char *suffix,
			char name[OCI_DIR_NAME_SIZE_MAX])
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(name, OCI_DIR_NAME_SIZE_MAX, "%s%s%s",
		       digest->algorithm == DIGEST_SHA256 ? "" : "sha512-", digest_hex(digest, hex),
		       suffix);
	return name;
}

static int dir_manifest(struct oci_source *source, const struct oci_descriptor *which,
			struct buf *ret, char *media_type, struct diag *why)
{
	struct dir_layout *layout = (struct dir_layout *)source;
	char name[OCI_DIR_NAME_SIZE_MAX] = "manifest.json";
	int r;

	if (which)
		oci_dir_blob_name(&which->digest, ".manifest.json", name);
	r = oci_files_read(layout->files, name, MANIFEST_SIZE_MAX, ret, why);
	if (r == -ENOENT)
		return diag_set(why, r, "there is no '%s'", name);
	if (r < 0)
		return r;
	(void)snprintf(media_type, MEDIA_TYPE_SIZE_MAX, "%s", which ? which->media_type : "");
	return 0;
}

static int dir_blob(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		    struct reader *ret, struct diag *why)
{
	struct dir_layout *layout = (struct dir_layout *)source;
	struct oci_file file = OCI_FILE_NONE;
	char name[OCI_DIR_NAME_SIZE_MAX];
	int r;

	oci_dir_blob_name(&blob->digest, "", name);
	r = oci_files_find(layout->files, name, &file, why);
	if (r == -ENOENT)
		return diag_set(why, r, "there is no '%s'", name);
	if (r < 0)
		return r;
	return oci_file_reader(&file, offset, ret, why);
}

static void dir_close(struct oci_source *source)
{
	struct dir_layout *layout = (struct dir_layout *)source;

	oci_files_close(layout->files);
	free(layout);
}

static const struct oci_source_ops dir_ops = {dir_manifest, dir_blob, dir_close};

int dir_layout_open(struct oci_files *files, const struct oci_reference *reference,
		    struct oci_source **ret, char **ret_name, struct diag *why)
{
	CLEAN(oci_files_closep) struct oci_files *owned = files;
	struct dir_layout *layout = calloc(1, sizeof(*layout));

	(void)reference;
	(void)why;
	if (!layout)
		return -ENOMEM;
	layout->base.ops = &dir_ops;
	layout->files = TAKE(owned);
	*ret_name = NULL;
	*ret = (struct oci_source *)layout;
	return 0;
}
