/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/layer_private.h"
#include "oci/toc.h"
#include "tree/merge.h"

int toc_apply(const struct toc *toc, toc_mark *mark, struct tree *tree, struct diag *why)
{
	static const struct digest none;
	int r = merge_layer_begin(tree);

	for (size_t i = 0; i < toc->count && r == 0; i++) {
		const struct toc_entry *entry = &toc->entries[i];
		struct digest object = none;

		if (entry->content.algorithm != DIGEST_NONE)
			object = mark(&entry->content);
		r = layer_entry_merge(tree, &entry->meta, SPAN_EMPTY, &object, why);
	}
	return r;
}
