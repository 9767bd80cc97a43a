/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/descriptor.h"
#include "oci/files.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "oci/storage_private.h"

/* What is looked for: a reference, put so that it can be compared. */
struct wanted {
	const struct oci_reference *reference;
	const char *name;       /* "quay.io/some/where:1"; NULL: none */
	const char *digest;     /* "sha256:..."; NULL: none */
	size_t repository_size; /* bytes of name up to the tag */
};

/* Returns whether an image is the one; with the name that says so, or NULL. */
typedef bool image_is(const json_t *image, const struct wanted *wanted, const char **ret_name);

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const char *name_at(const json_t *image, size_t index)
{
	return json_string_value(json_array_get(json_object_get(image, "names"), index));
}

static size_t name_count(const json_t *image)
{
	return json_array_size(json_object_get(image, "names"));
}

static bool has_id(const json_t *image, const struct wanted *wanted, const char **ret_name)
{
	*ret_name = name_at(image, 0);
	return strcmp(text_of(image, "id"), wanted->reference->image_id) == 0;
}

static bool has_id_prefix(const json_t *image, const struct wanted *wanted, const char **ret_name)
{
	const char *prefix = wanted->reference->id_prefix;

	*ret_name = name_at(image, 0);
	return strncmp(text_of(image, "id"), prefix, strlen(prefix)) == 0;
}

static bool has_name(const json_t *image, const struct wanted *wanted, const char **ret_name)
{
	for (size_t i = 0; i < name_count(image); i++) {
		*ret_name = name_at(image, i);
		if (*ret_name && strcmp(*ret_name, wanted->name) == 0)
			return true;
	}
	return false;
}

/* Digests of an image: of its manifest, and of whatever else is kept as "manifest...". */
static bool has_digest(const json_t *image, const char *digest)
{
	json_t *all = json_object_get(image, "big-data-digests");
	const char *key;
	json_t *value;

	if (strcmp(text_of(image, "digest"), digest) == 0)
		return true;
	json_object_foreach(all, key, value)
	{
		if (strncmp(key, "manifest", strlen("manifest")) == 0 && json_is_string(value) &&
		    strcmp(json_string_value(value), digest) == 0)
			return true;
	}
	return false;
}

static bool has_repository_and_digest(const json_t *image, const struct wanted *wanted,
				      const char **ret_name)
{
	size_t size = wanted->repository_size;

	for (size_t i = 0; i < name_count(image); i++) {
		const char *name = name_at(image, i);

		*ret_name = NULL;
		if (name && strncmp(name, wanted->name, size) == 0 &&
		    (name[size] == ':' || name[size] == '@'))
			return has_digest(image, wanted->digest);
	}
	return false;
}

/* The first store that has one has it. -ENOENT without a diag. */
static int image_search(const struct storage_roots *roots, image_is *is,
			const struct wanted *wanted, struct storage_image *ret,
			const char **ret_name, struct diag *why)
{
	for (size_t i = 0; i < roots->count; i++) {
		const struct storage_root *root = &roots->items[i];
		const json_t *found = NULL;

		for (size_t j = 0; j < json_array_size(root->images); j++) {
			const json_t *image = json_array_get(root->images, j);
			const char *name = NULL;

			if (!is(image, wanted, &name))
				continue;
			if (found && is == has_id_prefix)
				return diag_set(why, -EINVAL,
						"the ids of several images begin with '%s'",
						wanted->reference->id_prefix);
			if (found)
				continue;
			found = image;
			*ret_name = name;
		}
		if (!found)
			continue;
		*ret = (struct storage_image){root, found, text_of(found, "id")};
		return ret->id[0] ? 0 : diag_set(why, -EUCLEAN, "an image without an id");
	}
	return -ENOENT;
}

/* Local builds are at "localhost", which is not what a name without a host means. */
static int not_found(const struct storage_roots *roots, const struct wanted *wanted,
		     struct diag *why)
{
	static const char hub[] = "docker.io/library/";
	CLEAN(memory_freep) char *local = NULL;
	struct wanted other = *wanted;
	struct storage_image image;
	const char *name;

	if (wanted->reference->image_id)
		return diag_set(why, -ENOENT, "there is no image of this id in the store");
	if (!wanted->digest && strncmp(wanted->name, hub, strlen(hub)) == 0) {
		if (asprintf(&local, "localhost/%s", wanted->name + strlen(hub)) < 0)
			return -ENOMEM;
		other.name = local;
		if (image_search(roots, has_name, &other, &image, &name, NULL) == 0)
			return diag_set(why, -ENOENT,
					"there is no '%.200s' in the store, but there is '%.200s'",
					wanted->name, local);
	}
	return diag_set(why, -ENOENT, "there is no '%.400s' in the store", wanted->name);
}

static int wanted_find(const struct storage_roots *roots, const struct wanted *wanted,
		       struct storage_image *ret, const char **ret_name, struct diag *why)
{
	const struct oci_reference *reference = wanted->reference;
	int r = -ENOENT;

	if (reference->image_id)
		r = image_search(roots, has_id, wanted, ret, ret_name, why);
	else if (reference->id_prefix)
		r = image_search(roots, has_id_prefix, wanted, ret, ret_name, why);
	if (r == -ENOENT && !reference->image_id)
		r = image_search(roots, wanted->digest ? has_repository_and_digest : has_name,
				 wanted, ret, ret_name, why);
	return r == -ENOENT ? not_found(roots, wanted, why) : r;
}

int storage_image_find(const struct storage_roots *roots, const struct oci_reference *reference,
		       struct storage_image *ret, const char **ret_name, struct diag *why)
{
	CLEAN(buf_release) struct buf name = {0};
	char digest[OCI_DIGEST_SIZE_MAX];
	struct wanted wanted = {.reference = reference};
	int r;

	r = oci_reference_format_name(reference, &name);
	if (r < 0 || !buf_string(&name))
		return -ENOMEM;
	wanted.name = buf_string(&name);
	if (reference->digest.algorithm != DIGEST_NONE)
		wanted.digest = oci_digest_text(&reference->digest, digest);
	if (reference->repository)
		wanted.repository_size =
			strlen(reference->registry) + 1 + strlen(reference->repository);
	return wanted_find(roots, &wanted, ret, ret_name, why);
}

/* Letters and digits and dots are a file name as they are; all else is put so that it can be one.
 */
static int data_name(const char *name, struct buf *ret)
{
	int r;

	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.")] == '\0')
		return buf_append_string(ret, name);
	r = buf_append_byte(ret, '=');
	return r < 0 ? r : base64_encode(span_of_string(name), ret);
}

/* Where it is, below the store; the caller's to release. */
static int data_path(const struct storage_image *image, const char *name, struct buf *ret)
{
	int r;

	r = buf_printf(ret, "%s-images/%s/", image->root->driver->name, image->id);
	if (r == 0)
		r = data_name(name, ret);
	return r < 0 || !buf_string(ret) ? -ENOMEM : 0;
}

int storage_image_find_data(const struct storage_image *image, const char *name,
			    struct oci_file *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	int r = data_path(image, name, &path);

	return r < 0 ? r : oci_files_find(image->root->files, buf_string(&path), ret, why);
}

int storage_image_read(const struct storage_image *image, const char *name, struct buf *ret,
		       struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	int r = data_path(image, name, &path);

	return r < 0 ? r
		     : oci_files_read(image->root->files, buf_string(&path), MANIFEST_SIZE_MAX, ret,
				      why);
}
