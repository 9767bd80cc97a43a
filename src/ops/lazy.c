/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/lazy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/config.h"
#include "oci/fetch.h"
#include "oci/image.h"
#include "oci/image_name.h"
#include "oci/manifest.h"
#include "store/lazies.h"
#include "store/lazy_names.h"

void lazy_image_close(struct lazy_image *image)
{
	if (!image)
		return;
	fd_close(image->contents_fd);
	fd_close(image->dir_fd);
	lazy_state_release(&image->state);
	free(image);
}

void lazy_image_closep(struct lazy_image **image)
{
	lazy_image_close(*image);
	*image = NULL;
}

int lazy_image_file(const struct lazy_image *image, const char *name, struct diag *why)
{
	int fd = openat(image->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? diag_errno(why, -errno, "'%s' of a lazily pulled image", name) : fd;
}

int lazy_image_read(const struct lazy_image *image, const char *name, size_t limit, struct buf *ret,
		    struct diag *why)
{
	CLEAN(fd_closep) int fd = lazy_image_file(image, name, why);
	int r = fd < 0 ? fd : fd_read_all(fd, limit, ret);

	if (fd >= 0 && r < 0)
		return diag_errno(why, r, "'%s' of a lazily pulled image", name);
	return r;
}

static int parts_open(struct lazy_image *image, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	int r;

	image->contents_fd =
		openat(image->dir_fd, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (image->contents_fd < 0)
		return diag_errno(why, -errno, "'files' of a lazily pulled image");
	r = lazy_image_read(image, "state.json", MANIFEST_SIZE_MAX, &text, why);
	if (r == 0)
		r = lazy_state_parse(buf_span(&text), &image->state, why);
	return r;
}

int lazy_image_open(const struct store *store, const struct digest *manifest,
		    struct lazy_image **ret, struct diag *why)
{
	CLEAN(lazy_image_closep) struct lazy_image *image = calloc(1, sizeof(*image));
	int r;

	if (!image)
		return -ENOMEM;
	image->manifest = *manifest;
	image->contents_fd = -1;
	image->dir_fd = lazy_folder_open(store, manifest, why);
	if (image->dir_fd < 0)
		return image->dir_fd;
	r = parts_open(image, why);
	/* One without all of its files is no longer one that is not there. */
	if (r < 0)
		return r == -ENOENT ? -EUCLEAN : r;
	*ret = TAKE(image);
	return 0;
}

int lazy_image_find(const struct store *store, const char *text, struct lazy_image **ret,
		    struct diag *why)
{
	CLEAN(memory_freep) char *full = NULL;
	struct digest manifest;
	int r = lazy_name_get(store, text, &manifest);

	if (r == -ENOENT) {
		full = oci_tag_full(text);
		r = full ? lazy_name_get(store, full, &manifest) : -ENOENT;
	}
	return r < 0 ? r : lazy_image_open(store, &manifest, ret, why);
}

int lazy_image_find_digest(const struct store *store, const char *text, struct lazy_image **ret,
			   struct diag *why)
{
	struct digest manifest;

	if (oci_digest_parse(span_of_string(text + (text[0] == '@')), &manifest) < 0)
		return -ENOENT;
	return lazy_image_open(store, &manifest, ret, why);
}

/* As they were pulled, or they are not those. */
static int document_read(const struct lazy_image *image, const char *name,
			 const struct digest *digest, struct buf *ret, struct diag *why)
{
	struct oci_descriptor descriptor = {.digest = *digest};
	int r = lazy_image_read(image, name, MANIFEST_SIZE_MAX, ret, why);

	descriptor.size = ret->size;
	return r < 0 ? r : oci_descriptor_check(&descriptor, buf_span(ret), why);
}

int lazy_image_pulled(const struct lazy_image *image, struct oci_image **ret, struct diag *why)
{
	CLEAN(oci_image_freep) struct oci_image *pulled = calloc(1, sizeof(*pulled));
	int r;

	if (!pulled)
		return -ENOMEM;
	pulled->digest = image->manifest;
	r = document_read(image, "manifest.json", &image->manifest, &pulled->manifest_bytes, why);
	if (r == 0)
		r = oci_manifest_parse(buf_span(&pulled->manifest_bytes), "", &pulled->manifest,
				       why);
	if (r == 0 && (oci_manifest_is_index(pulled->manifest) ||
		       pulled->manifest->count != image->state.layer_count))
		r = diag_set(why, -EUCLEAN, "the manifest has other layers than were pulled");
	if (r == 0)
		r = document_read(image, "config.json", &pulled->manifest->config.descriptor.digest,
				  &pulled->config_bytes, why);
	if (r == 0)
		r = oci_config_parse(buf_span(&pulled->config_bytes), &pulled->config, why);
	if (r == 0)
		r = oci_config_check_manifest(pulled->config, pulled->manifest, why);
	if (r < 0)
		return r;
	pulled->layers = calloc(image->state.layer_count + 1, sizeof(*pulled->layers));
	if (!pulled->layers)
		return -ENOMEM;
	for (size_t i = 0; i < image->state.layer_count; i++)
		pulled->layers[i] = image->state.layers[i].stream;
	*ret = TAKE(pulled);
	return 0;
}

int lazy_image_fill(const struct lazy_image *image, bool *ret_runs, struct buf *ret_failure)
{
	CLEAN(fd_closep) int fd = lazy_image_file(image, "fill", NULL);

	*ret_runs = false;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	*ret_runs = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	return *ret_runs ? 0 : fd_read_all(fd, MANIFEST_SIZE_MAX, ret_failure);
}
