/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/image_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/descriptor.h"
#include "oci/reference.h"
#include "store/lazies.h"
#include "store/lazy_names.h"
#include "store/tags.h"

static const char *const prefixes[] = {
	[OCI_PART_LAYER] = "oci-layer-",
	[OCI_PART_CONFIG] = "oci-config-",
	[OCI_PART_MANIFEST] = "oci-manifest-",
	[OCI_PART_BLOB] = "oci-blob-",
};

char *oci_stream_name(enum oci_part part, const struct digest *digest, char *name)
{
	char text[OCI_DIGEST_SIZE_MAX];

	(void)snprintf(name, STREAM_NAME_SIZE_MAX, "%s%s", prefixes[part],
		       oci_digest_text(digest, text));
	return name;
}

int oci_stream_digest(enum oci_part part, const char *name, struct digest *ret)
{
	size_t size = strlen(prefixes[part]);

	if (strncmp(name, prefixes[part], size) != 0 ||
	    oci_digest_parse(span_of_string(name + size), ret) < 0)
		return -EINVAL;
	return 0;
}

char *oci_tag_full(const char *text)
{
	CLEAN(oci_reference_release) struct oci_reference reference = {0};
	CLEAN(buf_release) struct buf name = {0};
	CLEAN(memory_freep) char *url = NULL;
	bool has_transport = strncmp(text, "docker://", strlen("docker://")) == 0;

	if (asprintf(&url, "%s%s", has_transport ? "" : "docker://", text) < 0)
		return NULL;
	if (oci_reference_parse(url, &reference, NULL) < 0 ||
	    oci_reference_format_name(&reference, &name) < 0 || !buf_string(&name))
		return NULL;
	return strdup(buf_string(&name));
}

/* Whether there is such a tag. Text that cannot be one is none. */
static int tag_look(const struct store *store, const char *text, char *stream,
		    struct digest *ret_id, struct diag *why)
{
	struct digest manifest;

	if (tag_check(text, NULL) < 0)
		return -ENOENT;
	/* Not what the tag was before. */
	if (lazy_name_get(store, text, &manifest) == 0 &&
	    lazy_folder_is_idle(store, &manifest, NULL) != -ENOENT)
		return diag_set(why, -EAGAIN,
				"'%.200s' was pulled lazily: 'lamina pull' brings the rest first",
				text);
	return tag_resolve(store, text, stream, ret_id, why);
}

/* -ENOENT without a diag. */
static int by_tag(const struct store *store, const char *text, struct digest *ret_digest,
		  struct digest *ret_id, struct diag *why)
{
	CLEAN(memory_freep) char *full = NULL;
	char stream[STREAM_NAME_SIZE_MAX];
	struct diag reason = {0};
	int r;

	r = tag_look(store, text, stream, ret_id, &reason);
	if (r == -ENOENT) {
		full = oci_tag_full(text);
		if (!full)
			return -ENOENT;
		reason = (struct diag){0};
		r = tag_look(store, full, stream, ret_id, &reason);
	}
	if (r < 0 && r != -ENOENT && why)
		*why = reason;
	if (r < 0)
		return r;
	if (oci_stream_digest(OCI_PART_MANIFEST, stream, ret_digest) < 0)
		return diag_set(why, -EUCLEAN, "the tag leads to '%.100s', which is no manifest",
				stream);
	return 0;
}

static int by_digest(const struct store *store, const struct digest *digest, struct digest *ret_id,
		     struct diag *why)
{
	char name[STREAM_NAME_SIZE_MAX];

	return stream_resolve(store, oci_stream_name(OCI_PART_MANIFEST, digest, name), ret_id, why);
}

/* Of a manifest's digest, as tables show it. */
struct beginning {
	struct span hex;
	struct digest found;
	bool is_ambiguous;
};

static int beginning_compare(void *context, const char *tag, const char *stream, struct diag *why)
{
	struct beginning *beginning = context;
	char hex[DIGEST_HEX_SIZE_MAX];
	struct digest digest;

	(void)tag;
	(void)why;
	if (oci_stream_digest(OCI_PART_MANIFEST, stream, &digest) < 0 ||
	    strncmp(digest_hex(&digest, hex), (const char *)beginning->hex.data,
		    beginning->hex.size) != 0)
		return 0;
	if (beginning->found.algorithm != DIGEST_NONE && !digest_equal(&beginning->found, &digest))
		beginning->is_ambiguous = true;
	beginning->found = digest;
	return 0;
}

bool oci_digest_is_brief(const char *text)
{
	size_t size = strlen(text);

	return size >= OCI_DIGEST_BRIEF_SIZE && size < DIGEST_HEX_SIZE_MAX &&
	       strspn(text, "0123456789abcdef") == size;
}

/* Only of images that have a name: others may be gone tomorrow. -ENOENT without a diag. */
static int by_beginning(const struct store *store, const char *text, struct digest *ret_digest,
			struct digest *ret_id, struct diag *why)
{
	struct beginning beginning = {.hex = span_of_string(text)};
	int r;

	if (!oci_digest_is_brief(text))
		return -ENOENT;
	r = tag_list(store, beginning_compare, &beginning, why);
	if (r < 0)
		return r;
	if (beginning.is_ambiguous)
		return diag_set(why, -EINVAL, "the digests of several images begin with '%s'",
				text);
	if (beginning.found.algorithm == DIGEST_NONE)
		return -ENOENT;
	*ret_digest = beginning.found;
	return by_digest(store, &beginning.found, ret_id, why);
}

int oci_image_find(const struct store *store, const char *text, struct digest *ret_digest,
		   struct digest *ret_id, struct diag *why)
{
	struct digest digest, id;
	int r;

	if (oci_digest_parse(span_of_string(text + (text[0] == '@')), &digest) == 0)
		r = by_digest(store, &digest, &id, why);
	else
		r = by_tag(store, text, &digest, &id, why);
	if (r == -ENOENT)
		r = by_beginning(store, text, &digest, &id, why);
	if (r == -ENOENT)
		return diag_set(why, r, "no image '%.200s'", text);
	if (r < 0)
		return r;
	*ret_digest = digest;
	*ret_id = id;
	return 0;
}

int oci_tag_remove(struct store *store, const char *text, struct diag *why)
{
	CLEAN(memory_freep) char *full = NULL;
	int r;

	r = tag_check(text, why) < 0 ? -ENOENT : tag_remove(store, text, why);
	if (r != -ENOENT)
		return r;
	full = oci_tag_full(text);
	if (full)
		r = tag_remove(store, full, why);
	return r == -ENOENT ? diag_set(why, r, "no image '%.200s'", text) : r;
}

int oci_tag_check(const char *tag, struct diag *why)
{
	struct digest digest;

	if (digest_parse(span_of_string(tag + (tag[0] == '@')), &digest) == 0)
		return diag_set(why, -EINVAL,
				"'%.200s' reads as a digest, so it cannot name an image", tag);
	return tag_check(tag, why);
}
