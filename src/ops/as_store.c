/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/as_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "oci/config.h"
#include "oci/image.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/storage_write.h"
#include "ops/mount.h"
#include "ops/repository.h"
#include "ops/server.h"
#include "store/splitstream.h"
#include "store/store.h"
#include "verity/sha.h"

/* The name in full. One without a host is at "localhost", where podman has what was built here. */
static int name_make(const struct as_store_request *request, const struct oci_image *image,
		     char **ret, struct diag *why)
{
	CLEAN(oci_reference_release) struct oci_reference reference = {0};
	CLEAN(memory_freep) char *local = NULL;
	CLEAN(buf_release) struct buf name = {0};
	char hex[DIGEST_HEX_SIZE_MAX];
	const char *tag = request->image;
	struct digest digest;
	int r;

	/* By digest it has no name, and podman wants one. */
	if (oci_digest_parse(span_of_string(tag + (tag[0] == '@')), &digest) == 0)
		tag = digest_hex(&image->digest, hex);
	r = oci_reference_parse(tag, &reference, NULL);
	if (r < 0) {
		if (asprintf(&local, "localhost/%s", tag) < 0)
			return -ENOMEM;
		r = oci_reference_parse(local, &reference, why);
	}
	if (r == 0 && reference.transport != OCI_TRANSPORT_DOCKER)
		r = diag_set(why, -EINVAL, "'%.200s' is no name that podman can have", tag);
	if (r == 0)
		r = oci_reference_format_name(&reference, &name);
	if (r < 0)
		return r;
	*ret = buf_string(&name) ? strdup(buf_string(&name)) : NULL;
	return *ret ? 0 : -ENOMEM;
}

/* Bytes of all layers: podman shows a size, and this is the one it would show of its own. */
static int size_sum(const struct store *store, const struct oci_image *image, uint64_t *ret,
		    struct diag *why)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < image->manifest->count; i++) {
		CLEAN(splitstream_closep) struct splitstream *stream = NULL;
		int r = splitstream_open(store, &image->layers[i], STREAM_TYPE_ANY, &stream, why);

		if (r < 0)
			return r;
		if (ckd_add(&sum, sum, splitstream_size(stream)) || sum > INT64_MAX)
			return diag_set(why, -E2BIG, "the layers are larger than any disk");
	}
	*ret = sum;
	return 0;
}

static int layer_name(const struct digest *erofs, struct digest *ret, struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	return sha_of(DIGEST_SHA256, span_of_string(digest_hex(erofs, hex)), ret, why);
}

static int entry_put(const struct store *store, const struct oci_image *image,
		     const struct digest *erofs, int directory, const char *name, char *ret_diff,
		     struct diag *why)
{
	struct storage_entry entry = {
		.name = name,
		.manifest = image->digest,
		.manifest_bytes = buf_span(&image->manifest_bytes),
		.config = image->manifest->config.descriptor.digest,
		.config_bytes = buf_span(&image->config_bytes),
		.created = image->config->created,
	};
	int r;

	r = size_sum(store, image, &entry.size, why);
	if (r == 0)
		r = layer_name(erofs, &entry.layer, why);
	if (r == 0)
		r = storage_entry_put(directory, &entry, why);
	if (r == 0)
		(void)storage_entry_diff(&entry, ret_diff);
	return r;
}

/* statx(2), Linux 5.8: whether something is mounted there. */
static bool is_mounted(int directory, const char *path)
{
	struct statx stat;

	return statx(directory, path, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &stat) == 0 &&
	       stat.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* By its digest: the name may mean another image by now, or one that was imported. */
static int mount_there(const struct as_store_request *request, const struct digest *erofs,
		       const char *diff, struct diag *why)
{
	CLEAN(memory_freep) char *target = NULL;
	struct server server;
	struct mount_choice choice;
	char hex[DIGEST_HEX_SIZE_MAX];
	struct mount_request mount = {.image = digest_hex(erofs, hex),
				      .image_fd = -1,
				      .repo = request->repo,
				      .send_fd = -1};
	int r;

	if (asprintf(&target, "%s/%s", request->directory, diff) < 0)
		return -ENOMEM;
	mount.target = target;
	mount_verity_settle(&mount);
	r = mount_choose(&mount, &choice, why);
	if (r == 0)
		r = mount_image(&mount, &choice, &server, why);
	mount_request_release(&mount);
	return r < 0 ? diag_wrap(why, r, "mount") : 0;
}

static int directory_open(const char *path, struct diag *why)
{
	bool is_new = mkdir(path, 0755) == 0;
	CLEAN(fd_closep) int fd = -1;

	if (!is_new && errno != EEXIST)
		return diag_errno(why, -errno, "cannot make directory '%.300s'", path);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open '%.300s'", path);
	/* as all below it: for everybody to read, whatever the umask is */
	if (is_new && fchmod(fd, 0755) < 0)
		return diag_errno(why, -errno, "cannot make directory '%.300s'", path);
	return fd_take(&fd);
}

int as_store(const struct as_store_request *request, char **ret_name, struct diag *why)
{
	CLEAN(repository_closep) struct store *store = NULL;
	CLEAN(oci_image_freep) struct oci_image *image = NULL;
	CLEAN(memory_freep) char *name = NULL;
	CLEAN(fd_closep) int directory = -1;
	char diff[STORAGE_DIFF_SIZE_MAX];
	struct digest erofs;
	int r;

	r = repository_open(request->repo, &store, why);
	if (r == 0)
		r = oci_image_open(store, request->image, &image, why);
	if (r < 0)
		return r;
	if (!image->config)
		return diag_set(why, -EINVAL, "it is an artifact, which podman cannot run");
	if (image->manifest->config.descriptor.digest.algorithm != DIGEST_SHA256)
		return diag_set(why, -EOPNOTSUPP, "podman's ids are SHA-256, its config's is not");
	r = oci_image_erofs(image, (unsigned int)store_config(store).erofs_version, &erofs, why);
	if (r == 0)
		r = name_make(request, image, &name, why);
	if (r < 0)
		return r;
	directory = directory_open(request->directory, why);
	if (directory < 0)
		return directory;
	r = entry_put(store, image, &erofs, directory, name, diff, why);
	if (r == 0 && !is_mounted(directory, diff))
		r = mount_there(request, &erofs, diff, why);
	if (r == 0)
		*ret_name = TAKE(name);
	return r;
}
