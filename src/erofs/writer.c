/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "erofs/writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "erofs/writer_private.h"

int array_reserve(void *array_address, size_t count, size_t extra, size_t *capacity,
		  size_t item_size)
{
	void **array = array_address, *grown;
	size_t wanted = *capacity ? *capacity : 256, needed;

	if (ckd_add(&needed, count, extra))
		return -ENOMEM;
	if (needed <= *capacity)
		return 0;
	if (!*capacity && needed > wanted)
		wanted = needed; /* the caller knows how many there will be */
	while (wanted < needed) {
		if (ckd_mul(&wanted, wanted, (size_t)2))
			return -ENOMEM;
	}
	grown = reallocarray(*array, wanted, item_size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*capacity = wanted;
	return 0;
}

static void writer_freep(struct writer **writer)
{
	if (!*writer)
		return;
	pairs_release(&(*writer)->pairs);
	memory_freep(&(*writer)->nodes);
	memory_freep(&(*writer)->attrs);
	memory_freep(writer);
}

/* Version 2 is another format: no tree is raised to it. */
static int versions_check(struct erofs_version_range versions, struct diag *why)
{
	if (versions.min > versions.max || versions.max > EROFS_VERSION_MAX)
		return diag_set(why, -EINVAL, "image versions %u to %u, %u is the newest",
				versions.min, versions.max, EROFS_VERSION_MAX);
	if (format_of(versions.min) != format_of(versions.max))
		return diag_set(why, -EINVAL, "image versions %u to %u are different formats",
				versions.min, versions.max);
	return 0;
}

int erofs_write(const struct tree *tree, struct erofs_version_range versions, erofs_sink *sink,
		void *context, struct erofs_written *ret, struct diag *why)
{
	CLEAN(writer_freep) struct writer *writer = calloc(1, sizeof(*writer));
	int r;

	assert(tree->is_sorted || !tree->root);
	if (!writer)
		return -ENOMEM;
	r = versions_check(versions, why);
	if (r < 0)
		return r;
	writer->tree = tree;
	writer->why = why;
	writer->format = format_of(versions.min);
	r = writer_order(writer);
	if (r < 0)
		return r;
	writer->version = writer->has_whiteouts && versions.max == 1 ? 1 : versions.min;
	r = writer_rewrite(writer);
	if (r < 0)
		return r;
	r = writer_layout(writer);
	if (r < 0)
		return r;
	r = writer_emit(writer, sink, context);
	if (r < 0)
		return r;
	if (ret)
		*ret = (struct erofs_written){
			.size_bytes = (writer->data_start / BLOCK_BYTES + writer->data_blocks) *
				      BLOCK_BYTES,
			.inode_count = writer->node_count,
			.version = writer->version,
		};
	return 0;
}
