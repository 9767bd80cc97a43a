/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "oci/image.h"
#include "oci/image_name.h"
#include "ops/lazy.h"
#include "store/entries.h"
#include "store/images.h"
#include "store/lazy_names.h"
#include "store/objects.h"
#include "store/store.h"
#include "store/tags.h"

/* Listing */

struct listing {
	const struct store *store;
	struct arena arena;
	struct buf images; /* of struct named_image; names are in the arena */
};

static void listing_release(struct listing *listing)
{
	arena_release(&listing->arena);
	buf_release(&listing->images);
}

static int listing_add(struct listing *listing, struct named_image image)
{
	image.name = arena_copy(&listing->arena, span_of_string(image.name));
	if (!image.name)
		return -ENOMEM;
	return buf_append(&listing->images, &image, sizeof(image));
}

static int add_imported(void *context, const char *name, const struct digest *image,
			struct diag *why)
{
	(void)why;
	return listing_add(context, (struct named_image){.name = name, .image = *image});
}

/* One that is damaged is listed, too: its name can be taken away. */
static int add_tag(void *context, const char *tag, const char *stream, struct diag *why)
{
	struct listing *listing = context;
	unsigned int preferred = (unsigned int)store_config(listing->store).erofs_version;
	struct named_image image = {.name = tag};
	struct digest ignored;
	int r;

	if (lazy_name_get(listing->store, tag, &ignored) == 0)
		return 0; /* what the tag was before */
	(void)why;
	(void)oci_stream_digest(OCI_PART_MANIFEST, stream, &image.manifest);
	r = oci_image_erofs_find(listing->store, tag, preferred, &image.image, &ignored, NULL);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		image.image = (struct digest){0};
	return listing_add(listing, image);
}

static int add_lazy(void *context, const char *tag, const struct digest *manifest, struct diag *why)
{
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	struct listing *listing = context;
	struct named_image image = {.name = tag, .manifest = *manifest, .is_lazy = true};
	uint64_t count;
	int r = lazy_image_open(listing->store, manifest, &lazy, NULL);

	(void)why;
	if (r == 0) {
		image.all_bytes = lazy->state.content_bytes;
		r = lazy_image_here(lazy, &count, &image.here_bytes, NULL);
	}
	return r == -ENOMEM ? r : listing_add(listing, image);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named_image *)a)->name, ((const struct named_image *)b)->name);
}

int names_each(const struct store *store, named_visit *visit, void *context, struct diag *why)
{
	CLEAN(listing_release) struct listing listing = {.store = store};
	struct named_image *images;
	size_t count;
	int r;

	r = image_list(store, add_imported, &listing, why);
	if (r == 0)
		r = tag_list(store, add_tag, &listing, why);
	if (r == 0)
		r = lazy_names_each(store, add_lazy, &listing, why);
	if (r < 0)
		return r;
	images = (struct named_image *)(void *)listing.images.data;
	count = listing.images.size / sizeof(*images);
	if (count)
		qsort(images, count, sizeof(*images), by_name);
	for (size_t i = 0; i < count && r == 0; i++)
		r = visit(context, &images[i], why);
	return r;
}

/* Changing */

/* Whether text means an imported image, by name or digest: 1, 0, or -errno. */
static int imported_find(const struct store *store, const char *text, struct digest *ret,
			 struct diag *why)
{
	struct diag reason = {0};
	int fd = image_resolve(store, text, ret, &reason);

	if (fd == -ENOENT || fd == -EINVAL)
		return 0;
	if (fd < 0)
		return diag_set(why, fd, "%.500s", diag_text(&reason, fd));
	fd_close(fd);
	return 1;
}

int name_check_free(const struct store *store, const char *name, enum name_kind kind,
		    struct diag *why)
{
	char stream[STREAM_NAME_SIZE_MAX];
	struct digest id;
	int r;

	r = kind == NAME_TAG ? imported_find(store, name, &id, why) : 0;
	if (r < 0)
		return r;
	if (r == 1)
		return diag_set(why, -EEXIST, "'%.200s' is the name of an imported image", name);
	if (kind == NAME_IMPORTED && tag_check(name, NULL) == 0 &&
	    tag_resolve(store, name, stream, &id, NULL) == 0)
		return diag_set(why, -EEXIST, "'%.200s' is the name of a pulled image", name);
	return 0;
}

static int imported_add(struct store *store, const struct digest *image, const char *name,
			struct diag *why)
{
	struct transaction *transaction = NULL;
	int r;

	r = name_check_free(store, name, NAME_IMPORTED, why);
	if (r == 0)
		r = transaction_begin(store, &transaction, why);
	return r < 0 ? r : image_publish(store, transaction, image, name, why);
}

/* What a lazy pull had called so is not called so any more. */
static int lazy_name_forget(struct store *store, const char *name, struct diag *why)
{
	int r = lazy_name_remove(store, name, why);

	return r == -ENOENT ? 0 : r;
}

/* Another name for a lazily pulled image: 1, 0 where text means none, or -errno. */
static int lazy_add(struct store *store, const char *text, const char *name, struct diag *why)
{
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	int r = lazy_image_find(store, text, &lazy, why);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = oci_tag_check(name, why);
	if (r == 0)
		r = name_check_free(store, name, NAME_TAG, why);
	if (r == 0)
		r = lazy_name_set(store, name, &lazy->manifest, why);
	return r < 0 ? r : 1;
}

/* A tag that both kinds of pulls have set is taken away twice. */
static int lazy_remove(struct store *store, const char *name, struct diag *why)
{
	CLEAN(memory_freep) char *full = NULL;
	int r = lazy_name_remove(store, name, why);

	if (r == -ENOENT) {
		full = oci_tag_full(name);
		r = full ? lazy_name_remove(store, full, why) : -ENOENT;
	}
	return r;
}

int name_add(struct store *store, const char *text, const char *name, struct diag *why)
{
	char stream[STREAM_NAME_SIZE_MAX];
	struct digest image, manifest, id;
	int r;

	r = imported_find(store, text, &image, why);
	if (r != 0)
		return r < 0 ? r : imported_add(store, &image, name, why);
	r = lazy_add(store, text, name, why);
	if (r != 0)
		return r < 0 ? r : 0;
	r = oci_image_find(store, text, &manifest, &id, why);
	if (r == 0)
		r = oci_tag_check(name, why);
	if (r == 0)
		r = name_check_free(store, name, NAME_TAG, why);
	if (r < 0)
		return r;
	r = tag_set(store, name, oci_stream_name(OCI_PART_MANIFEST, &manifest, stream), why);
	return r < 0 ? r : lazy_name_forget(store, name, why);
}

static int named_remove(struct store *store, const char *name, struct diag *why)
{
	int r = image_name_check(name, NULL) < 0 ? -ENOENT
						 : entry_remove(store, ENTRY_IMAGE_REF, name, NULL);

	bool was_lazy;

	/* -EINVAL: a directory of names; it may be a tag all the same. */
	if (r != -ENOENT && r != -EINVAL)
		return r;
	r = lazy_remove(store, name, why);
	if (r < 0 && r != -ENOENT)
		return r;
	was_lazy = r == 0;
	r = oci_tag_remove(store, name, was_lazy ? NULL : why);
	return r == -ENOENT && was_lazy ? 0 : r;
}

/* The first name of an image that digits mean, and how many it has. */
struct meant {
	const char *digits;
	char *name; /* owned */
	size_t count;
};

static void meant_release(struct meant *meant)
{
	free(meant->name);
}

static bool has_digits(const struct digest *digest, const char *digits)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	return digest->algorithm != DIGEST_NONE &&
	       strncmp(digest_hex(digest, hex), digits, strlen(digits)) == 0;
}

static int add_meant(void *context, const struct named_image *image, struct diag *why)
{
	struct meant *meant = context;

	(void)why;
	if (!has_digits(&image->image, meant->digits) &&
	    !has_digits(&image->manifest, meant->digits))
		return 0;
	if (meant->count++ > 0)
		return 0;
	meant->name = strdup(image->name);
	return meant->name ? 0 : -ENOMEM;
}

/* The one name of the image that the digits of a listing mean. -ENOENT without a diag: none does.
 */
static int meant_find(const struct store *store, const char *text, struct meant *ret,
		      struct diag *why)
{
	int r;

	if (!oci_digest_is_brief(text))
		return -ENOENT;
	ret->digits = text;
	r = names_each(store, add_meant, ret, why);
	if (r < 0)
		return r;
	if (ret->count > 1)
		return diag_set(why, -EEXIST, "the image has %zu names, '%.200s' among them",
				ret->count, ret->name);
	return ret->count == 1 ? 0 : -ENOENT;
}

int name_remove(struct store *store, const char *name, struct diag *why)
{
	CLEAN(meant_release) struct meant meant = {0};
	struct diag reason = {0};
	int r = named_remove(store, name, why), found;

	if (r != -ENOENT)
		return r;
	found = meant_find(store, name, &meant, &reason);
	if (found == -ENOENT)
		return r;
	if (found < 0)
		return diag_set(why, found, "%.500s", diag_text(&reason, found));
	return named_remove(store, meant.name, why);
}
