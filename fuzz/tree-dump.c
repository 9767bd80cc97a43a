/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Dump text to a tree; what is a tree becomes an image, and dump text again, which must be the same
 * text the next time and give the same image.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/map.h"
#include "erofs/writer.h"
#include "tree/dump_read.h"
#include "tree/dump_write.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t size;
	uint32_t hash;
};

static int see(void *context, struct span bytes, struct diag *why)
{
	struct seen *seen = context;

	(void)why;
	seen->size += bytes.size;
	seen->hash = hash_bytes(bytes, seen->hash);
	return 0;
}

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static int write_image(const struct tree *tree, struct seen *ret)
{
	struct erofs_written written = {0};
	struct diag why = {0};
	int r;

	*ret = (struct seen){0};
	r = erofs_write(tree, (struct erofs_version_range){0, 1}, see, ret, &written, &why);
	/* The reader has refused all that the writer would, but for xattrs that grow by their
	 * escape. */
	assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	assert(r < 0 || (written.size_bytes == ret->size && ret->size % 4096 == 0));
	return r;
}

static void read_again(struct span text, const struct seen *image)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf again = {0};
	struct diag why = {0};
	struct seen seen;
	int r = dump_read_span(text, NULL, &tree, &why);

	if (r == -ENOMEM || r == -E2BIG) /* escapes can make a line longer than it was */
		return;
	assert(r == 0);
	if (write_image(tree, &seen) == 0)
		assert(seen.size == image->size && seen.hash == image->hash);
	if (dump_write(tree, append, &again, NULL) == 0)
		assert(span_equal(text, buf_span(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dump_options strict = {.is_strict = true};
	CLEAN(tree_freep) struct tree *tree = NULL, *strict_tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};
	struct seen image;
	int r;

	r = dump_read_span(span_of(data, size), NULL, &tree, &why);
	assert(r <= 0 && (r == 0) == (tree != NULL));
	assert(r == 0 || r == -ENOMEM || why.text[0]);
	if (dump_read_span(span_of(data, size), &strict, &strict_tree, NULL) == 0)
		assert(r == 0);
	if (r < 0 || write_image(tree, &image) < 0)
		return 0;
	if (dump_write(tree, append, &text, NULL) == 0)
		read_again(buf_span(&text), &image);
	return 0;
}
