/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * contents.c - what a regular file or a symlink holds
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "tree/tree.h"

int inode_content_set(struct tree *tree, struct inode *inode, struct span content)
{
	const char *copy = arena_copy(&tree->arena, content);

	assert(S_ISREG(inode->mode));
	if (!copy)
		return -ENOMEM;
	inode->is_inline = content.size > 0;
	inode->digest_size = 0;
	inode->size = content.size;
	inode->inlined.content = (const uint8_t *)copy;
	return 0;
}

int inode_target_set(struct tree *tree, struct inode *inode, struct span target)
{
	const char *copy = arena_copy(&tree->arena, target);

	assert(S_ISLNK(inode->mode));
	if (!copy)
		return -ENOMEM;
	inode->size = target.size;
	inode->symlink.target = copy;
	return 0;
}

int inode_external_set(struct tree *tree, struct inode *inode, const struct span *payload,
		       const struct digest *digest)
{
	const char *path = NULL;
	const uint8_t *bytes = NULL;
	struct span raw = digest ? digest_span(digest) : SPAN_EMPTY;

	assert(S_ISREG(inode->mode));
	if (payload) {
		path = arena_copy(&tree->arena, *payload);
		if (!path)
			return -ENOMEM;
	}
	if (raw.size) {
		uint8_t *copy = arena_alloc(&tree->arena, raw.size, 1);

		if (!copy)
			return -ENOMEM;
		bytes = memcpy(copy, raw.data, raw.size);
	}
	inode->is_inline = false;
	inode->digest_size = (uint8_t)raw.size;
	inode->external.payload = path;
	inode->external.digest = bytes;
	return 0;
}

struct digest inode_digest(const struct inode *inode)
{
	if (!inode_is_external(inode) || inode->digest_size == 0)
		return (struct digest){0};
	return digest_of(digest_algorithm_by_size(inode->digest_size), inode->external.digest);
}
