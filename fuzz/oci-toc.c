/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A layer's table of contents. The first byte chooses the format, the second how large the blob is.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "oci/toc.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct digest same(const struct digest *contents)
{
	return *contents;
}

/* Every file is made up of parts that lie in the blob. */
static void look(const struct toc *toc, uint64_t data_end)
{
	for (size_t i = 0; i < toc->count; i++) {
		const struct toc_entry *entry = &toc->entries[i];
		uint64_t covered = 0;

		if (entry->content.algorithm == DIGEST_NONE) {
			if (entry->meta.size)
				abort();
			continue;
		}
		for (size_t j = 0; j < entry->chunk_count; j++) {
			const struct toc_chunk *chunk = &toc->chunks[entry->chunk_first + j];

			if (entry->chunk_first + j >= toc->chunk_count ||
			    chunk->offset >= chunk->end || chunk->end > data_end)
				abort();
			covered += chunk->size;
		}
		if (covered != entry->meta.size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toc *toc = NULL;
	struct tree *tree;
	struct diag why = {0};
	uint64_t data_end;
	int r;

	if (size < 2)
		return 0;
	data_end = (uint64_t)data[1] << 8;
	r = toc_parse(span_of(data + 2, size - 2), data[0] & 1 ? TOC_ESTARGZ : TOC_ZSTD_CHUNKED,
		      data_end, &toc, &why);
	if (r < 0) {
		if (toc || (r != -ENOMEM && !why.text[0]))
			abort();
		return 0;
	}
	look(toc, data_end);
	tree = tree_new();
	if (tree)
		(void)toc_apply(toc, same, tree, NULL);
	tree_free(tree);
	toc_free(toc);
	return 0;
}
