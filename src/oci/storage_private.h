/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * storage_private.h - the parts of a store of containers/storage
 *
 *   <driver>-images/images.json            all images: id, names, topmost layer
 *   <driver>-images/<id>/<name>            their manifests and configs ("big data")
 *   <driver>-layers/layers.json            all layers: id, parent, digests
 *   <driver>-layers/<id>.tar-split.gz      what is left of their archives
 *   overlay/<id>/diff, vfs/dir/<id>        their files
 *
 * Ids and names are somebody else's, so no path is followed out of the store.
 */
#ifndef LAMINA_OCI_STORAGE_PRIVATE_H
#define LAMINA_OCI_STORAGE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/map.h"

struct buf;            /* base/buf.h */
struct diag;           /* base/diag.h */
struct json_t;         /* jansson.h */
struct oci_file;       /* oci/files.h */
struct oci_files;      /* oci/files.h */
struct oci_reference;  /* oci/reference.h */
struct reader;         /* base/reader.h */
struct storage_stores; /* oci/storage_conf.h */

struct storage_driver {
	const char *name;
	/* Where the files of a layer are, below the store: around its id. */
	const char *before, *after;
};

/* NULL: we do not know it. */
const struct storage_driver *storage_driver_find(const char *name);

/* Immutable once open. */
struct storage_root {
	const struct storage_driver *driver;
	int fd;                  /* owned; of the directory, O_PATH */
	struct oci_files *files; /* owned; the same */
	int lock_fd;             /* owned; -1: not locked */
	struct json_t *images;   /* owned; a list */
	struct json_t *layers;   /* owned; a list */
	struct map by_id;        /* of layers */
};

struct storage_roots {
	struct storage_root *items; /* owned */
	size_t count;               /* at least 1 once open */
};

/* Open the stores. Of several, those may be missing that are not the first. */
int storage_roots_open(const struct storage_stores *stores, struct storage_roots *ret,
		       struct diag *why);
void storage_roots_release(struct storage_roots *roots);

/* Fill in root->by_id. 0, -EUCLEAN or -ENOMEM. */
int storage_layers_index(struct storage_root *root, struct diag *why);

/* An image, borrowed from the store that has it. */
struct storage_image {
	const struct storage_root *root;
	const struct json_t *json;
	const char *id;
};

/*
 * The image that a reference means: by its id; by the beginning of it; by name, or by repository
 * and digest. *ret_name is what the store calls it, borrowed; NULL: nothing, or by digest.
 *
 *   -ENOENT   there is none
 *   -EINVAL   the ids of several begin so
 *   -EUCLEAN  the list makes no sense
 */
int storage_image_find(const struct storage_roots *roots, const struct oci_reference *reference,
		       struct storage_image *ret, const char **ret_name, struct diag *why);

/*
 * What the store keeps beside an image under that name: its file, or appended as it is, of at most
 * MANIFEST_SIZE_MAX. -ENOENT without a diag.
 */
int storage_image_find_data(const struct storage_image *image, const char *name,
			    struct oci_file *ret, struct diag *why);
int storage_image_read(const struct storage_image *image, const char *name, struct buf *ret,
		       struct diag *why);

/* A layer of an image, borrowed from the store that has it. */
struct storage_layer {
	const struct storage_root *root;
	const char *id;
	struct digest diff_id; /* DIGEST_NONE: the store does not know */
	uint64_t size;         /* bytes of the plain archive; 0: the store does not know */
};

/*
 * The layers of an image, from the base up, count of them; *ret is the caller's to free.
 *
 *   -EUCLEAN  there are more or fewer, or one is missing
 */
int storage_layers_find(const struct storage_roots *roots, const struct storage_image *image,
			size_t count, struct storage_layer **ret, struct diag *why);

/*
 * The archive of layers[index]. What a driver did not store again because a layer below has it is
 * taken from there. layers outlive the reader.
 */
int storage_layer_reader(const struct storage_layer *layers, size_t index, struct reader *ret,
			 struct diag *why);

#endif
