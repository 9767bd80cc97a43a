/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * rewrite.c - the xattrs that each inode has in the image (composefs-image.md, section 4)
 *
 * The tree stays as it is. Each node's list is made on a scratch array, and kept as pair numbers.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "erofs/disk.h"
#include "erofs/writer_private.h"

#define OVERLAY_PREFIX "trusted.overlay."
#define ESCAPE "overlay." /* goes behind the prefix */

/* At least 8 bytes of each xattr in the tree count towards the limit of its inode. */
#define ADDED_COUNT_MAX 5 /* to a root with whiteouts */
#define ATTR_COUNT_MAX (XATTR_NODE_SIZE_MAX / 8 + ADDED_COUNT_MAX)

enum well_known {
	KEY_METACOPY,
	KEY_REDIRECT,
	KEY_OPAQUE,
	KEY_WHITEOUT,
	KEY_USER_WHITEOUT,
	KEY_WHITEOUTS,
	KEY_USER_WHITEOUTS,
	KEY_ESCAPED_OPAQUE,
	KEY_USER_OPAQUE,
	KEY_COUNT
};

static const struct span well_known_names[KEY_COUNT] = {
	[KEY_METACOPY] = SPAN_LITERAL("trusted.overlay.metacopy"),
	[KEY_REDIRECT] = SPAN_LITERAL("trusted.overlay.redirect"),
	[KEY_OPAQUE] = SPAN_LITERAL("trusted.overlay.opaque"),
	[KEY_WHITEOUT] = SPAN_LITERAL("trusted.overlay.overlay.whiteout"),
	[KEY_USER_WHITEOUT] = SPAN_LITERAL("user.overlay.whiteout"),
	[KEY_WHITEOUTS] = SPAN_LITERAL("trusted.overlay.overlay.whiteouts"),
	[KEY_USER_WHITEOUTS] = SPAN_LITERAL("user.overlay.whiteouts"),
	[KEY_ESCAPED_OPAQUE] = SPAN_LITERAL("trusted.overlay.overlay.opaque"),
	[KEY_USER_OPAQUE] = SPAN_LITERAL("user.overlay.opaque"),
};

struct rewriter {
	struct writer *writer;
	const struct pair_key *keys[KEY_COUNT];
	struct attr *attrs; /* owned; of the inode at hand, ascending by key */
	size_t count;
};

/* Most come in order, so the place is looked for from the end. */
static void attr_set(struct rewriter *rewriter, struct attr attr)
{
	size_t i = rewriter->count;
	int order = 1;

	while (i && (order = span_compare(attr.key->full, rewriter->attrs[i - 1].key->full)) < 0)
		i--;
	if (i && order == 0) {
		rewriter->attrs[i - 1] = attr;
		return;
	}
	assert(rewriter->count < ATTR_COUNT_MAX);
	memmove(&rewriter->attrs[i + 1], &rewriter->attrs[i], (rewriter->count - i) * sizeof(attr));
	rewriter->attrs[i] = attr;
	rewriter->count++;
}

static void well_known_set(struct rewriter *rewriter, enum well_known key, struct span value)
{
	attr_set(rewriter, (struct attr){.key = rewriter->keys[key], .body = value});
}

/* Section 4.1. The limits are on the keys of the input; one of 255 bytes grows. */
static int key_escaped(struct pairs *pairs, struct span key, const struct pair_key **ret)
{
	struct span prefix = SPAN_LITERAL(OVERLAY_PREFIX), escape = SPAN_LITERAL(ESCAPE);
	uint8_t escaped[XATTR_KEY_SIZE_MAX + sizeof(ESCAPE) - 1];

	if (!span_starts_with(key, prefix))
		return pairs_key(pairs, key, ret);
	memcpy(escaped, prefix.data, prefix.size);
	memcpy(escaped + prefix.size, escape.data, escape.size);
	memcpy(escaped + prefix.size + escape.size, key.data + prefix.size, key.size - prefix.size);
	return pairs_key(pairs, span_of(escaped, key.size + escape.size), ret);
}

static bool key_is_acl(const struct pair_key *key)
{
	return (key->prefix == XATTR_PREFIX_ACL_ACCESS ||
		key->prefix == XATTR_PREFIX_ACL_DEFAULT) &&
	       key->suffix.size == 0;
}

/*
 * The xattrs of the tree, behind what is there. Escaping keeps their order: all keys with the
 * prefix are neighbours before and after.
 */
static int input_append(struct rewriter *rewriter, const struct inode *inode)
{
	struct writer *writer = rewriter->writer;

	if (inode->xattr_count > ATTR_COUNT_MAX - ADDED_COUNT_MAX)
		return diag_set(writer->why, -EINVAL, "%u xattrs on one inode", inode->xattr_count);
	for (size_t i = 0; i < inode->xattr_count; i++) {
		struct attr attr = {.body = inode->xattrs[i]->value};
		int r = key_escaped(&writer->pairs, inode->xattrs[i]->key, &attr.key);

		if (r < 0)
			return r;
		writer->has_acl |= key_is_acl(attr.key);
		assert(rewriter->count < ATTR_COUNT_MAX);
		rewriter->attrs[rewriter->count++] = attr;
	}
	return 0;
}

/* Section 4.2. */
static void metacopy_set(struct rewriter *rewriter, const struct inode *inode)
{
	struct attr metacopy = {.key = rewriter->keys[KEY_METACOPY]};

	if (inode->digest_size) {
		metacopy.body = span_of(inode->external.digest, inode->digest_size);
		metacopy.head = HEAD_METACOPY;
	}
	attr_set(rewriter, metacopy);
}

static void redirect_set(struct rewriter *rewriter, struct span path)
{
	attr_set(rewriter, (struct attr){
				   .key = rewriter->keys[KEY_REDIRECT],
				   .body = path,
				   .head = HEAD_SLASH,
			   });
}

static void external_set(struct rewriter *rewriter, const struct inode *inode)
{
	metacopy_set(rewriter, inode);
	if (inode->external.payload && inode->external.payload[0])
		redirect_set(rewriter, span_of_string(inode->external.payload));
}

/* The digest makes both, whatever the payload is: it is that path, but where a dump is odd. */
static int external_set_by_digest(struct rewriter *rewriter, const struct inode *inode)
{
	struct digest digest = inode_digest(inode);
	char path[DIGEST_PATH_SIZE_MAX];
	struct span text = span_of_string(digest_path(&digest, path));

	metacopy_set(rewriter, inode);
	if (inode->external.payload && span_equal(span_of_string(inode->external.payload), text)) {
		text = span_of_string(inode->external.payload);
	} else {
		const char *copy = arena_copy(&rewriter->writer->pairs.arena, text);

		if (!copy)
			return -ENOMEM;
		text = span_of(copy, text.size);
	}
	redirect_set(rewriter, text);
	return 0;
}

/* Section 4.4, on the directory. */
static void whiteouts_set(struct rewriter *rewriter)
{
	well_known_set(rewriter, KEY_WHITEOUTS, SPAN_EMPTY);
	well_known_set(rewriter, KEY_USER_WHITEOUTS, SPAN_EMPTY);
	if (rewriter->writer->version < 1)
		return;
	well_known_set(rewriter, KEY_ESCAPED_OPAQUE, SPAN_LITERAL("x"));
	well_known_set(rewriter, KEY_USER_OPAQUE, SPAN_LITERAL("x"));
}

/* Section 4.5: a stub has the label of the root and nothing else. */
static int stub_set(struct rewriter *rewriter)
{
	const struct xattr *label =
		inode_xattr(rewriter->writer->tree->root, SPAN_LITERAL("security.selinux"));
	struct attr attr;
	int r;

	if (!label)
		return 0;
	attr = (struct attr){.body = label->value};
	r = pairs_key(&rewriter->writer->pairs, label->key, &attr.key);
	if (r == 0)
		attr_set(rewriter, attr);
	return r;
}

/* All of section 4, in the order of the keys. */
int xattrs_with_marks(struct rewriter *rewriter, const struct node *node)
{
	const struct inode *inode = node->inode;
	int r;

	if (node->is_stub)
		return stub_set(rewriter);
	r = input_append(rewriter, inode);
	if (r < 0)
		return r;
	if (inode_is_external(inode))
		external_set(rewriter, inode);
	if (node->is_converted) {
		well_known_set(rewriter, KEY_WHITEOUT, SPAN_EMPTY);
		well_known_set(rewriter, KEY_USER_WHITEOUT, SPAN_EMPTY);
	}
	if (node->has_whiteouts)
		whiteouts_set(rewriter);
	if (inode == rewriter->writer->tree->root) /* section 4.3 */
		well_known_set(rewriter, KEY_OPAQUE, SPAN_LITERAL("y"));
	return 0;
}

/* Those that make a file external, then what the tree has, in the order that it has them. */
int xattrs_overlay_first(struct rewriter *rewriter, const struct node *node)
{
	int r = 0;

	if (inode_is_external(node->inode))
		r = external_set_by_digest(rewriter, node->inode);
	return r < 0 ? r : input_append(rewriter, node->inode);
}

static int node_rewrite(struct rewriter *rewriter, struct node *node)
{
	struct writer *writer = rewriter->writer;
	int r;

	rewriter->count = 0;
	r = writer->format->xattrs(rewriter, node);
	if (r == 0)
		r = array_reserve(&writer->attrs, writer->attr_count, rewriter->count,
				  &writer->attr_capacity, sizeof(*writer->attrs));
	if (r < 0)
		return r;
	if (writer->attr_count > UINT32_MAX - ATTR_COUNT_MAX)
		return diag_set(writer->why, -EFBIG, "more xattrs than can be counted");
	node->first_attr = (uint32_t)writer->attr_count;
	node->attr_count = (uint16_t)rewriter->count;
	for (size_t i = 0; i < rewriter->count; i++) {
		r = pairs_use(&writer->pairs, &rewriter->attrs[i],
			      &writer->attrs[writer->attr_count], writer->why);
		if (r < 0)
			return r;
		writer->attr_count++;
	}
	return 0;
}

int writer_rewrite(struct writer *writer)
{
	CLEAN(memory_freep)
	struct attr *attrs = calloc(ATTR_COUNT_MAX, sizeof(*attrs));
	struct rewriter rewriter = {.writer = writer, .attrs = attrs};
	int r = attrs ? 0 : -ENOMEM;

	writer->pairs.knows_lustre = writer->format->knows_lustre;
	for (size_t i = 0; r == 0 && i < KEY_COUNT; i++)
		r = pairs_key(&writer->pairs, well_known_names[i], &rewriter.keys[i]);
	for (size_t i = 0; r == 0 && i < writer->node_count; i++)
		r = node_rewrite(&rewriter, &writer->nodes[i]);
	if (r < 0)
		return r;
	return pairs_share(&writer->pairs, writer->format->shared_order, writer->why);
}
