/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * source.h - the image a user means, open and ready to be read or mounted
 *
 * IMAGE is a path when it begins with '/', './' or '../'. Else it is, in this order, in the
 * repository: the name or digest of an image; the tag of a pulled one, or the digest of its
 * manifest; and only when there is none of that name, a file in the current directory.
 */
#ifndef LAMINA_OPS_SOURCE_H
#define LAMINA_OPS_SOURCE_H

#include <stdbool.h>

#include "base/digest.h"
#include "erofs/image.h"

struct diag;       /* base/diag.h */
struct lazy_image; /* ops/lazy.h */
struct mapping;    /* erofs/mapping.h */
struct oci_image;  /* oci/image.h */
struct store;      /* store/store.h */

struct source {
	int fd;                  /* owned; of the image file */
	struct store *store;     /* owned; NULL when the image is a plain file */
	struct digest name;      /* of an image in the repository; DIGEST_NONE for a file */
	struct digest manifest;  /* of a pulled image, as OCI has it; DIGEST_NONE for others */
	struct lazy_image *lazy; /* owned; NULL: all contents are here */
	struct mapping *mapping; /* owned; NULL until source_map() */
	struct image image;      /* valid after source_map() */
};

/* Find the image and open its file; parses nothing. Returns 0 or -errno. */
int source_open(const char *text, const char *repo, struct source **ret, struct diag *why);

/* The same for an open file, which stays the caller's. */
int source_open_fd(int fd, struct source **ret, struct diag *why);

/* The same for what can only be a path. */
int source_open_file(const char *path, struct source **ret, struct diag *why);

/*
 * The pulled image that the source is of, whatever its name has come to mean since. *ret is NULL
 * for one that was not pulled, which has neither manifest nor config. Errors as of
 * oci_image_open(): one whose parts are gone is not one that has none.
 */
int source_pulled(const struct source *source, struct oci_image **ret, struct diag *why);

/* Map and open the image itself. -EUCLEAN and -EOPNOTSUPP as of image_open(). */
int source_map(struct source *source, struct diag *why);

void source_close(struct source *source); /* NULL is fine */
void source_closep(struct source **source);

/*
 * The directories with objects that belong to the image: those of list ("DIR[:DIR...]"), else
 * objects/ of its repository. -ENOENT when there are none or one is missing.
 */
struct object_dirs {
	int *fds; /* owned, as are the descriptors */
	size_t count;
};
int object_dirs_open(const struct source *source, const char *list, struct object_dirs *ret,
		     struct diag *why);
/* Whether one of the directories has a regular file at path. Symbolic links are not followed. */
bool object_dirs_have(const struct object_dirs *dirs, struct span path);
void object_dirs_close(struct object_dirs *dirs);

#endif
