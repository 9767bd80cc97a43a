/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/reach.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/fd.h"
#include "base/le.h"
#include "erofs/disk.h"
#include "oci/layer.h"
#include "ops/image_objects.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/store.h"

struct waiting {
	struct digest id;
	enum reach_kind kind;
};

struct reach {
	const struct store *store;
	enum digest_algorithm algorithm;
	struct digest_set objects;
	struct digest_set walked; /* streams and images that were looked into */
	struct buf waiting;       /* of struct waiting */
	uint64_t missing_count;
};

int reach_new(const struct store *store, struct reach **ret)
{
	struct reach *reach = calloc(1, sizeof(*reach));

	if (!reach)
		return -ENOMEM;
	reach->store = store;
	reach->algorithm = store_config(store).algorithm;
	reach->objects = DIGEST_SET_OF(reach->algorithm);
	reach->walked = DIGEST_SET_OF(reach->algorithm);
	*ret = reach;
	return 0;
}

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	digest_set_release(&reach->objects);
	digest_set_release(&reach->walked);
	buf_release(&reach->waiting);
	free(reach);
}

void reach_freep(struct reach **reach)
{
	reach_free(*reach);
	*reach = NULL;
}

const struct digest_set *reach_objects(const struct reach *reach)
{
	return &reach->objects;
}

uint64_t reach_missing_count(const struct reach *reach)
{
	return reach->missing_count;
}

/* Digests of another algorithm name nothing in this store. */
static int keep(struct reach *reach, const struct digest *object)
{
	int r;

	if (object->algorithm != reach->algorithm)
		return 0;
	r = digest_set_put(&reach->objects, object, SIZE_MAX, NULL);
	return r < 0 ? r : 0;
}

/* To be looked into later: recursion would be as deep as somebody made the streams. */
static int enqueue(struct reach *reach, const struct digest *id, enum reach_kind kind)
{
	struct waiting waiting = {*id, kind};

	return buf_append(&reach->waiting, &waiting, sizeof(waiting));
}

/* By names of composefs-repository.md, 2.7; other programs have others. */
static enum reach_kind kind_by_name(struct span name)
{
	if (span_starts_with(name, SPAN_LITERAL("composefs.image")))
		return REACH_IMAGE;
	if (span_starts_with(name, SPAN_LITERAL("config:")) ||
	    span_starts_with(name, SPAN_LITERAL("sha256:")) ||
	    span_starts_with(name, SPAN_LITERAL("sha512:")))
		return REACH_STREAM;
	return REACH_EITHER;
}

/* fd is taken in every case. */
static int walk_stream(struct reach *reach, int fd, struct diag *why)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	int r = splitstream_open_fd(fd, reach->algorithm, STREAM_TYPE_ANY, &stream, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < splitstream_object_count(stream) && r == 0; i++) {
		struct digest object = splitstream_object(stream, i);

		r = keep(reach, &object);
	}
	for (size_t i = 0; i < splitstream_reference_count(stream) && r == 0; i++) {
		struct span name;
		struct digest id = splitstream_reference(stream, i, &name);

		/* A file of somebody: what it holds may look like a stream. */
		if (span_starts_with(name, SPAN_LITERAL(LAYER_SPARSE_PREFIX)))
			r = keep(reach, &id);
		else
			r = enqueue(reach, &id, kind_by_name(name));
	}
	return r;
}

static int keep_object(void *context, const struct digest *object, struct diag *why)
{
	(void)why;
	return keep(context, object);
}

/* The magic of a splitstream is at 0, or at 18 in the old header (composefs-repository.md, 2.6). */
static int kind_by_content(int fd, enum reach_kind *ret, struct diag *why)
{
	static const char magic[] = "SplitStream";
	uint8_t head[32] = {0};
	le32 erofs = {{0}};
	ssize_t got = fd_pread(fd, head, sizeof(head), 0);

	if (got >= 0)
		got = fd_pread(fd, &erofs, sizeof(erofs), SUPER_OFFSET);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read an object");
	if (memcmp(head, magic, sizeof(magic) - 1) == 0 ||
	    memcmp(head + 18, magic, sizeof(magic) - 1) == 0)
		*ret = REACH_STREAM;
	else if (le32_get(erofs) == SUPER_MAGIC)
		*ret = REACH_IMAGE;
	return 0;
}

static int walk(struct reach *reach, const struct waiting *waiting, struct diag *why)
{
	CLEAN(fd_closep) int fd = object_open(reach->store, &waiting->id, why);
	enum reach_kind kind = waiting->kind;
	int r;

	if (fd == -ENOENT) {
		reach->missing_count++;
		return 0;
	}
	if (fd < 0)
		return fd;
	if (kind == REACH_EITHER) {
		r = kind_by_content(fd, &kind, why);
		if (r < 0)
			return r;
	}
	if (kind == REACH_STREAM)
		return walk_stream(reach, fd_take(&fd), why);
	return kind == REACH_IMAGE ? image_objects_each(fd, keep_object, reach, why) : 0;
}

static int visit(struct reach *reach, const struct waiting *waiting, struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	int r;

	if (waiting->id.algorithm != reach->algorithm)
		return 0;
	r = keep(reach, &waiting->id);
	if (r == 0)
		r = digest_set_put(&reach->walked, &waiting->id, SIZE_MAX, NULL);
	if (r <= 0)
		return r; /* failed, or seen before */
	r = walk(reach, waiting, why);
	if (r < 0)
		return diag_wrap(why, r, "%s %s",
				 waiting->kind == REACH_IMAGE    ? "image"
				 : waiting->kind == REACH_STREAM ? "stream"
								 : "object",
				 digest_hex(&waiting->id, hex));
	return 0;
}

int reach_add(struct reach *reach, const struct digest *id, enum reach_kind kind, struct diag *why)
{
	int r = enqueue(reach, id, kind);

	while (r == 0 && reach->waiting.size) {
		struct waiting next;

		reach->waiting.size -= sizeof(next);
		memcpy(&next, reach->waiting.data + reach->waiting.size, sizeof(next));
		r = visit(reach, &next, why);
	}
	reach->waiting.size = 0;
	return r;
}
