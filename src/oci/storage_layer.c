/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/descriptor.h"
#include "oci/files.h"
#include "oci/json.h"
#include "oci/plain_file.h"
#include "oci/storage_private.h"
#include "oci/tar_split.h"

/* Which layers there are */

static bool has_this_id(const void *item, const void *key)
{
	return strcmp(json_string_value(json_object_get(item, "id")), key) == 0;
}

static uint32_t id_hash(const char *id)
{
	return hash_bytes(span_of_string(id), 0);
}

int storage_layers_index(struct storage_root *root, struct diag *why)
{
	for (size_t i = 0; i < json_array_size(root->layers); i++) {
		json_t *layer = json_array_get(root->layers, i);
		const char *id = json_string_value(json_object_get(layer, "id"));

		if (!id)
			return diag_set(why, -EUCLEAN, "a layer without an id");
		if (map_add(&root->by_id, id_hash(id), layer) < 0)
			return -ENOMEM;
	}
	return 0;
}

static const json_t *layer_lookup(const struct storage_roots *roots, const char *id,
				  const struct storage_root **ret_root)
{
	for (size_t i = 0; i < roots->count; i++) {
		const json_t *layer =
			map_find(&roots->items[i].by_id, id_hash(id), has_this_id, id);

		*ret_root = &roots->items[i];
		if (layer)
			return layer;
	}
	return NULL;
}

/* What podman calls "diff": of the plain archive. */
static int layer_fill(const json_t *json, struct storage_layer *layer, struct diag *why)
{
	const char *digest;
	int r;

	r = oci_json_text_needed(json, "id", &layer->id, why);
	if (r == 0)
		r = oci_json_text(json, "diff-digest", &digest, why);
	if (r < 0)
		return r;
	if (digest && oci_digest_parse(span_of_string(digest), &layer->diff_id) < 0)
		return diag_set(why, -EUCLEAN, "'diff-digest' is not a digest");
	if (json_object_get(json, "diff-size"))
		r = oci_json_number_needed(json, "diff-size", &layer->size, why);
	return r;
}

int storage_layers_find(const struct storage_roots *roots, const struct storage_image *image,
			size_t count, struct storage_layer **ret, struct diag *why)
{
	CLEAN(memory_freep) struct storage_layer *layers = calloc(count + 1, sizeof(*layers));
	const char *id;
	int r;

	if (!layers)
		return -ENOMEM;
	r = oci_json_text(image->json, "layer", &id, why);
	for (size_t left = count; r == 0 && id && id[0];) {
		const json_t *json;

		if (left-- == 0)
			return diag_set(why, -EUCLEAN, "more than the %zu layers of the config",
					count);
		json = layer_lookup(roots, id, &layers[left].root);
		if (!json)
			return diag_set(why, -EUCLEAN, "layer %.64s is missing", id);
		r = layer_fill(json, &layers[left], why);
		if (r == 0)
			r = oci_json_text(json, "parent", &id, why);
		if (r < 0)
			return diag_wrap(why, r, "layers.json");
		if (left > 0 && (!id || !id[0]))
			return diag_set(why, -EUCLEAN, "%zu layers of %zu are missing", left,
					count);
	}
	if (r < 0)
		return r;
	if (count > 0 && !layers[0].id)
		return diag_set(why, -EUCLEAN, "the image has no layers");
	*ret = TAKE(layers);
	return 0;
}

/* Their files */

/* Context of tar_split_files. */
struct contents {
	const struct storage_layer *layers; /* borrowed; up to this one */
	size_t index;
	int fd; /* owned; directory of this layer's files, O_PATH */
};

static void contents_free(struct contents *contents)
{
	fd_close(contents->fd);
	free(contents);
}

static void contents_close(void *context)
{
	contents_free(context);
}

/* The directory with the files of a layer. Returns the descriptor, which is the caller's. */
static int directory_open(const struct storage_layer *layer, struct diag *why)
{
	const struct storage_driver *driver = layer->root->driver;
	CLEAN(buf_release) struct buf path = {0};
	int fd;

	if (buf_printf(&path, "%s%s%s", driver->before, layer->id, driver->after) < 0 ||
	    !buf_string(&path))
		return -ENOMEM;
	fd = fd_open_within(layer->root->fd, buf_string(&path), O_PATH | O_DIRECTORY,
			    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	return fd < 0 ? diag_errno(why, fd, "cannot open '%.200s'", buf_string(&path)) : fd;
}

/*
 * A file of a layer. The archive may have gone through symbolic links that are in it, and podman
 * unpacks it in a root directory of its own: as if the directory were that.
 */
static int file_open(int directory, const char *name, struct oci_file *ret, struct diag *why)
{
	CLEAN(fd_closep)
	int fd = fd_open_within(directory, name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
				RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct stat stat;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return -ENOENT;
	if (fd < 0)
		return diag_errno(why, fd, "cannot open '%.200s'", name);
	if (fstat(fd, &stat) < 0)
		return diag_errno(why, -errno, "cannot stat '%.200s'", name);
	if (!S_ISREG(stat.st_mode))
		return -ENOENT;
	*ret = (struct oci_file){.fd = fd_take(&fd), .size = (uint64_t)stat.st_size};
	return 0;
}

static int contents_open(void *context, const char *name, struct oci_file *ret, struct diag *why)
{
	const struct contents *contents = context;
	int r = file_open(contents->fd, name, ret, why);

	for (size_t i = contents->index; r == -ENOENT && i-- > 0;) {
		CLEAN(fd_closep) int below = directory_open(&contents->layers[i], why);

		r = below < 0 ? below : file_open(below, name, ret, why);
	}
	return r;
}

static int contents_new(const struct storage_layer *layers, size_t index, struct contents **ret,
			struct diag *why)
{
	struct contents *contents = calloc(1, sizeof(*contents));

	if (!contents)
		return -ENOMEM;
	*contents = (struct contents){.layers = layers, .index = index};
	contents->fd = directory_open(&layers[index], why);
	if (contents->fd < 0) {
		int r = contents->fd;

		free(contents);
		return r;
	}
	*ret = contents;
	return 0;
}

static int lines_open(const struct storage_layer *layer, struct reader *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	struct oci_file file = OCI_FILE_NONE;
	int r;

	if (buf_printf(&path, "%s-layers/%s.tar-split.gz", layer->root->driver->name, layer->id) <
		    0 ||
	    !buf_string(&path))
		return -ENOMEM;
	r = oci_files_find(layer->root->files, buf_string(&path), &file, why);
	if (r == -ENOENT)
		return diag_set(why, -EUCLEAN,
				"the store has not kept what its archive is made of again (%.128s)",
				buf_string(&path));
	return r < 0 ? r : oci_file_plain_reader(&file, TAR_SPLIT_SIZE_MAX, ret, why);
}

int storage_layer_reader(const struct storage_layer *layers, size_t index, struct reader *ret,
			 struct diag *why)
{
	struct reader lines = READER_NONE;
	struct contents *contents;
	int r;

	r = lines_open(&layers[index], &lines, why);
	if (r < 0)
		return r;
	r = contents_new(layers, index, &contents, why);
	if (r < 0) {
		reader_close(&lines);
		return r;
	}
	return tar_split_reader(&lines,
				&(struct tar_split_files){contents_open, contents_close, contents},
				ret, why);
}
