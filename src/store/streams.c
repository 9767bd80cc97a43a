/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/streams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/entries.h"
#include "store/links_private.h"
#include "store/objects.h"
#include "store/refs_private.h"
#include "store/store_private.h"

int stream_name_check(const char *name, struct diag *why)
{
	if (!link_name_is_valid(name) || strchr(name, '/') || strcmp(name, "refs") == 0)
		return diag_set(why, -EINVAL, "'%.200s' is not a name for a stream", name);
	return 0;
}

int stream_link(struct store *store, const char *name, const struct digest *id, struct diag *why)
{
	char target[sizeof("../objects/") + DIGEST_PATH_SIZE_MAX];
	char hex[DIGEST_HEX_SIZE_MAX], path[DIGEST_PATH_SIZE_MAX];
	CLEAN(fd_closep) int streams_fd = -1;
	int r;

	r = stream_name_check(name, why);
	if (r < 0)
		return r;
	if (!object_exists(store, id))
		return diag_set(why, -ENOENT, "no object %s to name '%s'", digest_hex(id, hex),
				name);
	streams_fd = link_dir_open(store->dir_fd, "streams", why);
	if (streams_fd < 0)
		return streams_fd;
	(void)snprintf(target, sizeof(target), "../objects/%s", digest_path(id, path));
	r = link_put(store, streams_fd, name, target, why);
	if (r < 0)
		return r;
	if (fsync(streams_fd) < 0)
		return diag_errno(why, -errno, "cannot write streams/ to disk");
	return 0;
}

int stream_resolve(const struct store *store, const char *name, struct digest *ret_id,
		   struct diag *why)
{
	char path[sizeof("streams/") + LINK_NAME_SIZE_MAX], target[LINK_TARGET_SIZE];
	struct digest id;
	int r;

	r = stream_name_check(name, why);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "streams/%s", name);
	r = link_read(store->dir_fd, path, target, sizeof(target));
	if (r == -ENOENT)
		return diag_set(why, r, "no stream '%s'", name);
	if (r == -EINVAL)
		return diag_set(why, -EUCLEAN, "'%s' is not a link", path);
	if (r < 0)
		return diag_errno(why, r, "cannot read link '%s'", path);
	if (digest_parse_path(span_of_string(target), &id) < 0)
		return diag_set(why, -EUCLEAN, "link '%s' points to '%.200s', which is no object",
				path, target);
	r = object_find(store, &id, why);
	if (r < 0)
		return diag_wrap(why, r, "stream '%s'", name);
	*ret_id = id;
	return 0;
}

struct stream_listing {
	stream_visit *visit;
	void *context;
};

/* What is no link to an object is for fsck to report. */
static int list_stream(void *context, const char *name, const char *target, struct diag *why)
{
	const struct stream_listing *listing = context;
	struct digest id;

	if (!target || digest_parse_path(span_of_string(target), &id) < 0)
		return 0;
	return listing->visit(listing->context, name, &id, why);
}

int stream_list(const struct store *store, stream_visit *visit, void *context, struct diag *why)
{
	struct stream_listing listing = {visit, context};

	return entries_each(store, ENTRY_STREAM, list_stream, &listing, why);
}

static int ref_check(const char *ref, struct diag *why)
{
	if (!link_name_is_valid(ref))
		return diag_set(why, -EINVAL, "'%.200s' is not a name for a reference", ref);
	return 0;
}

int stream_ref_set(struct store *store, const char *ref, const char *name, struct diag *why)
{
	CLEAN(fd_closep) int streams_fd = -1;
	struct digest id;
	int r;

	r = ref_check(ref, why);
	if (r == 0)
		r = stream_resolve(store, name, &id, why);
	if (r < 0)
		return r;
	streams_fd = link_dir_open(store->dir_fd, "streams", why);
	return streams_fd < 0 ? streams_fd : ref_put(store, streams_fd, ref, name, why);
}

/* The last component of a target; NULL, with the reason, when it can be no stream's name. */
static const char *leaf_of(const char *ref, const char *target, struct diag *why)
{
	const char *slash = strrchr(target, '/');
	const char *leaf = slash ? slash + 1 : target;

	if (stream_name_check(leaf, NULL) == 0)
		return leaf;
	(void)diag_set(why, -EUCLEAN, "streams/refs/%.200s points to '%.200s', which is no stream",
		       ref, target);
	return NULL;
}

int stream_ref_resolve(const struct store *store, const char *ref, char name[STREAM_NAME_SIZE_MAX],
		       struct diag *why)
{
	char path[sizeof("streams/refs/") + LINK_NAME_SIZE_MAX], target[LINK_TARGET_SIZE];
	const char *leaf;
	int r;

	r = ref_check(ref, why);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "streams/refs/%s", ref);
	r = link_read(store->dir_fd, path, target, sizeof(target));
	if (r == -ENOENT || r == -ENOTDIR || r == -EINVAL)
		return diag_set(why, -ENOENT, "no reference '%s'", ref);
	if (r < 0)
		return diag_errno(why, r, "cannot read link '%s'", path);
	leaf = leaf_of(ref, target, why);
	if (!leaf)
		return -EUCLEAN;
	memcpy(name, leaf, strlen(leaf) + 1); /* which the check of the name has bounded */
	return 0;
}

int stream_ref_remove(struct store *store, const char *ref, struct diag *why)
{
	int r = ref_check(ref, why);

	if (r < 0)
		return r;
	r = entry_remove(store, ENTRY_STREAM_REF, ref, why);
	return r == -ENOENT || r == -EINVAL ? diag_set(why, -ENOENT, "no reference '%s'", ref) : r;
}

struct ref_listing {
	const char *prefix;
	stream_ref_visit *visit;
	void *context;
};

static int list_ref(void *context, const char *ref, const char *target, struct diag *why)
{
	const struct ref_listing *listing = context;
	const char *name;

	if (strncmp(ref, listing->prefix, strlen(listing->prefix)) != 0)
		return 0;
	if (!target)
		return diag_set(why, -EUCLEAN, "streams/refs/%.300s is not a link", ref);
	name = leaf_of(ref, target, why);
	return name ? listing->visit(listing->context, ref, name, why) : -EUCLEAN;
}

int stream_ref_list(const struct store *store, const char *prefix, stream_ref_visit *visit,
		    void *context, struct diag *why)
{
	struct ref_listing listing = {prefix, visit, context};

	return entries_each(store, ENTRY_STREAM_REF, list_ref, &listing, why);
}

int stream_name_encode(struct span text, struct buf *ret)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];
		int r = byte == '%'   ? buf_append_string(ret, "%25")
			: byte == '/' ? buf_append_string(ret, "%2F")
				      : buf_append_byte(ret, byte);

		if (r < 0)
			return r;
	}
	return 0;
}

int stream_name_decode(struct span text, struct buf *ret)
{
	CLEAN(buf_release) struct buf plain = {0};
	struct span code;
	int r = 0;

	for (size_t i = 0; i < text.size && r == 0; i++) {
		if (text.data[i] != '%') {
			r = buf_append_byte(&plain, text.data[i]);
			continue;
		}
		if (!span_cut(text, i, 3, &code))
			return -EINVAL;
		if (span_equal(code, SPAN_LITERAL("%25")))
			r = buf_append_byte(&plain, '%');
		else if (span_equal(code, SPAN_LITERAL("%2F")))
			r = buf_append_byte(&plain, '/');
		else
			return -EINVAL;
		i += 2;
	}
	return r < 0 ? r : buf_append_span(ret, buf_span(&plain));
}
