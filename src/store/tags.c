/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/tags.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"

#define TAG_PREFIX "oci/"

/* "oci/<encoded tag>" and a NUL. */
static int tag_ref(const char *tag, struct buf *ret, struct diag *why)
{
	size_t size;

	if (buf_append_string(ret, TAG_PREFIX) < 0 ||
	    stream_name_encode(span_of_string(tag), ret) < 0 || !buf_string(ret))
		return -ENOMEM;
	size = ret->size - strlen(TAG_PREFIX);
	if (size == 0 || size > NAME_SIZE_MAX || strcmp(tag, ".") == 0 || strcmp(tag, "..") == 0)
		return diag_set(why, -EINVAL, "'%.200s' cannot be the name of an image", tag);
	return 0;
}

int tag_check(const char *tag, struct diag *why)
{
	CLEAN(buf_release) struct buf ref = {0};

	return tag_ref(tag, &ref, why);
}

int tag_set(struct store *store, const char *tag, const char *stream, struct diag *why)
{
	CLEAN(buf_release) struct buf ref = {0};
	int r = tag_ref(tag, &ref, why);

	return r < 0 ? r : stream_ref_set(store, buf_string(&ref), stream, why);
}

int tag_resolve(const struct store *store, const char *tag, char stream[STREAM_NAME_SIZE_MAX],
		struct digest *ret_id, struct diag *why)
{
	CLEAN(buf_release) struct buf ref = {0};
	char name[STREAM_NAME_SIZE_MAX];
	int r;

	r = tag_ref(tag, &ref, why);
	if (r == 0)
		r = stream_ref_resolve(store, buf_string(&ref), name, why);
	if (r == -ENOENT)
		return diag_set(why, r, "no image '%.200s'", tag);
	if (r == 0)
		r = stream_resolve(store, name, ret_id, why);
	if (r == 0)
		(void)snprintf(stream, STREAM_NAME_SIZE_MAX, "%s", name);
	return r;
}

int tag_remove(struct store *store, const char *tag, struct diag *why)
{
	CLEAN(buf_release) struct buf ref = {0};
	int r = tag_ref(tag, &ref, why);

	if (r < 0)
		return r;
	r = stream_ref_remove(store, buf_string(&ref), why);
	return r == -ENOENT ? diag_set(why, r, "no image '%.200s'", tag) : r;
}

struct tag_listing {
	tag_visit *visit;
	void *context;
};

static int list_tag(void *context, const char *ref, const char *name, struct diag *why)
{
	const struct tag_listing *listing = context;
	CLEAN(buf_release) struct buf tag = {0};
	int r;

	r = stream_name_decode(span_of_string(ref + strlen(TAG_PREFIX)), &tag);
	if (r == -EINVAL || strchr(ref + strlen(TAG_PREFIX), '/'))
		return 0;
	if (r < 0 || !buf_string(&tag))
		return -ENOMEM;
	return listing->visit(listing->context, buf_string(&tag), name, why);
}

int tag_list(const struct store *store, tag_visit *visit, void *context, struct diag *why)
{
	struct tag_listing listing = {visit, context};

	return stream_ref_list(store, TAG_PREFIX, list_tag, &listing, why);
}
