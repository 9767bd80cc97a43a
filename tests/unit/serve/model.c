/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "model.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random_tree.h"
#include "tree/tree.h"

#define BLOCK 4096u
#define DIR_TAIL_MAX 2048u
#define RECORD_SIZE 12u /* of a directory entry, without its name */
#define FOREVER (1ull << 32)
#define XATTRS_MAX 512

static void *allocate(struct model *model, size_t size)
{
	void *memory = arena_zeroed(&model->arena, size ? size : 1, 16);

	if (!memory)
		abort();
	return memory;
}

static uint64_t sectors_of(uint64_t size)
{
	return (size / BLOCK + (size % BLOCK != 0)) * 8;
}

/* Xattrs */

struct xattr_list {
	struct model_xattr items[XATTRS_MAX];
	uint32_t count;
};

static int xattr_order(const void *a, const void *b)
{
	return span_compare(((const struct model_xattr *)a)->name,
			    ((const struct model_xattr *)b)->name);
}

static void list_set(struct xattr_list *list, struct span name, struct span value)
{
	uint32_t i = 0;

	while (i < list->count && !span_equal(list->items[i].name, name))
		i++;
	if (i == XATTRS_MAX)
		abort();
	list->items[i] = (struct model_xattr){name, value};
	if (i == list->count)
		list->count++;
}

/* name, with to in the place of from; empty when it does not begin so. */
static struct span renamed(struct model *model, struct span name, const char *from, const char *to)
{
	struct span rest = SPAN_EMPTY;
	char *memory;

	if (!span_starts_with(name, span_of_string(from)))
		return SPAN_EMPTY;
	(void)span_from(name, strlen(from), &rest);
	memory = allocate(model, strlen(to) + rest.size);
	memcpy(memory, to, strlen(to));
	if (rest.size)
		memcpy(memory + strlen(to), rest.data, rest.size);
	return span_of(memory, strlen(to) + rest.size);
}

static bool is_acl(struct span name)
{
	return span_equal(name, SPAN_LITERAL("system.posix_acl_access")) ||
	       span_equal(name, SPAN_LITERAL("system.posix_acl_default"));
}

bool model_knows(const struct model *model, struct span name)
{
	return span_starts_with(name, SPAN_LITERAL("user.")) ||
	       span_starts_with(name, SPAN_LITERAL("trusted.")) ||
	       span_starts_with(name, SPAN_LITERAL("security.")) ||
	       (model->has_acl && is_acl(name));
}

/* The name that the view gives to a stored one; empty when it is hidden. */
static struct span shown_name(struct model *model, struct span stored)
{
	bool is_own = span_starts_with(stored, SPAN_LITERAL("trusted.overlay."));
	bool is_escaped = span_starts_with(stored, SPAN_LITERAL("trusted.overlay.overlay."));

	if (!model_knows(model, stored))
		return SPAN_EMPTY;
	if (model->kind == VIEW_METADATA_TRUSTED)
		return stored;
	if (is_escaped)
		return renamed(model, stored, "trusted.overlay.overlay.", "trusted.overlay.");
	if (model->kind == VIEW_STANDALONE)
		return is_own ? SPAN_EMPTY : stored;
	if (is_own)
		return renamed(model, stored, "trusted.overlay.", "user.overlay.");
	if (span_starts_with(stored, SPAN_LITERAL("user.overlay.")))
		return renamed(model, stored, "user.overlay.", "user.overlay.overlay.");
	return stored;
}

static void xattrs_show(struct model *model, struct model_node *node, const struct xattr_list *list)
{
	node->xattrs = allocate(model, list->count * sizeof(node->xattrs[0]));
	for (uint32_t i = 0; i < list->count; i++) {
		struct span name = shown_name(model, list->items[i].name);

		if (name.size)
			node->xattrs[node->xattr_count++] =
				(struct model_xattr){name, list->items[i].value};
	}
	qsort(node->xattrs, node->xattr_count, sizeof(node->xattrs[0]), xattr_order);
}

/* Section 4.2. */
static void external_xattrs(struct model *model, const struct inode *inode, struct xattr_list *list)
{
	static const uint8_t head[4] = {0, 36, 0, 1};
	struct span metacopy = SPAN_EMPTY;
	const char *payload = inode->external.payload;

	if (inode->digest_size) {
		uint8_t *value = allocate(model, sizeof(head) + inode->digest_size);

		memcpy(value, head, sizeof(head));
		memcpy(value + sizeof(head), inode->external.digest, inode->digest_size);
		metacopy = span_of(value, sizeof(head) + inode->digest_size);
	}
	list_set(list, SPAN_LITERAL("trusted.overlay.metacopy"), metacopy);
	if (payload)
		list_set(list, SPAN_LITERAL("trusted.overlay.redirect"),
			 renamed(model, span_of_string(payload), "", "/"));
}

/* Section 4.4; a second name of a whiteout says nothing about its directory. */
static bool has_whiteouts(const struct inode *dir)
{
	for (const struct dentry *child = dir->dir.first; child; child = child->next) {
		if (inode_is_whiteout(child->inode) && child->inode->primary == child)
			return true;
	}
	return false;
}

static void overlay_xattrs(const struct inode *inode, uint32_t version, struct xattr_list *list)
{
	if (inode_is_whiteout(inode)) {
		list_set(list, SPAN_LITERAL("trusted.overlay.overlay.whiteout"), SPAN_EMPTY);
		list_set(list, SPAN_LITERAL("user.overlay.whiteout"), SPAN_EMPTY);
	}
	if (inode_is_dir(inode) && has_whiteouts(inode)) {
		list_set(list, SPAN_LITERAL("trusted.overlay.overlay.whiteouts"), SPAN_EMPTY);
		list_set(list, SPAN_LITERAL("user.overlay.whiteouts"), SPAN_EMPTY);
		if (version == 1) {
			list_set(list, SPAN_LITERAL("trusted.overlay.overlay.opaque"),
				 SPAN_LITERAL("x"));
			list_set(list, SPAN_LITERAL("user.overlay.opaque"), SPAN_LITERAL("x"));
		}
	}
	if (!inode->primary)
		list_set(list, SPAN_LITERAL("trusted.overlay.opaque"), SPAN_LITERAL("y"));
}

static void xattrs_make(struct model *model, const struct inode *inode, uint32_t version,
			struct model_node *node)
{
	struct xattr_list list;

	list.count = 0;
	for (uint16_t i = 0; i < inode->xattr_count; i++) {
		struct span key = inode->xattrs[i]->key;
		struct span escaped =
			renamed(model, key, "trusted.overlay.", "trusted.overlay.overlay.");

		list_set(&list, escaped.size ? escaped : key, inode->xattrs[i]->value);
	}
	if (inode_is_external(inode))
		external_xattrs(model, inode, &list);
	overlay_xattrs(inode, version, &list);
	xattrs_show(model, node, &list);
}

const struct model_xattr *model_xattr(const struct model_node *node, struct span name)
{
	const struct model_xattr key = {.name = name};

	if (!node->xattr_count)
		return NULL;
	return bsearch(&key, node->xattrs, node->xattr_count, sizeof(key), xattr_order);
}

/* Directories */

static int entry_order(const void *a, const void *b)
{
	return span_compare(((const struct model_entry *)a)->name,
			    ((const struct model_entry *)b)->name);
}

struct model_entry *model_find(const struct model_node *dir, struct span name)
{
	const struct model_entry key = {.name = name};

	if (!dir->entry_count)
		return NULL;
	return bsearch(&key, dir->entries, dir->entry_count, sizeof(key), entry_order);
}

static void entry_add(struct model_node *dir, struct span name, uint32_t node)
{
	dir->entries[dir->entry_count++] = (struct model_entry){.name = name, .node = node};
}

static void children_add(struct model *model, const struct inode *inode, struct model_node *dir)
{
	uint32_t parent = inode->primary ? inode->primary->parent->index : 0;

	dir->entries = allocate(model, (inode->child_count + 2 + 256) * sizeof(dir->entries[0]));
	entry_add(dir, SPAN_LITERAL("."), inode->index);
	entry_add(dir, SPAN_LITERAL(".."), parent);
	dir->attributes.nlink = 2;
	for (const struct dentry *child = inode->dir.first; child; child = child->next) {
		entry_add(dir, dentry_name(child), child->inode->index);
		dir->attributes.nlink += inode_is_dir(child->inode);
	}
	qsort(dir->entries, dir->entry_count, sizeof(dir->entries[0]), entry_order);
}

/* Names are put into blocks as they come; what is left over may have a block of its own. */
static void dir_measure(struct model_node *dir)
{
	uint64_t blocks = 0;
	size_t used = 0;

	for (uint32_t i = 0; i < dir->entry_count; i++) {
		size_t size = RECORD_SIZE + dir->entries[i].name.size;

		if (used + size > BLOCK) {
			blocks++;
			used = 0;
		}
		used += size;
	}
	dir->dir_size_max = (blocks + 1) * BLOCK;
	dir->attributes.size = used > DIR_TAIL_MAX ? dir->dir_size_max : blocks * BLOCK + used;
}

struct abi_entry model_entry(const struct model_node *node)
{
	return (struct abi_entry){
		.nodeid = node->nodeid,
		.entry_valid = FOREVER,
		.attributes_valid = FOREVER,
		.attributes = node->attributes,
	};
}

static bool is_dots(struct span name)
{
	return span_equal(name, SPAN_LITERAL(".")) || span_equal(name, SPAN_LITERAL(".."));
}

size_t model_list(const struct model *model, const struct model_node *dir, uint32_t index,
		  bool plus, size_t limit, uint8_t *bytes)
{
	size_t used = 0;

	for (; index < dir->entry_count; index++) {
		const struct model_entry *entry = &dir->entries[index];
		const struct model_node *node = &model->nodes[entry->node];
		struct abi_dirent dirent = {
			.ino = node->attributes.ino,
			.next = entry->next,
			.name_size = (uint32_t)entry->name.size,
			.type = IFTODT(node->attributes.mode),
		};
		struct abi_entry full = {0};
		size_t size = sizeof(dirent) + entry->name.size;

		size = ((size + 7) & ~(size_t)7) + (plus ? sizeof(full) : 0);
		if (size > limit - used)
			break;
		memset(bytes + used, 0, size);
		if (!is_dots(entry->name))
			full = model_entry(node);
		if (plus)
			memcpy(bytes + used, &full, sizeof(full));
		memcpy(bytes + used + (plus ? sizeof(full) : 0), &dirent, sizeof(dirent));
		memcpy(bytes + used + (plus ? sizeof(full) : 0) + sizeof(dirent), entry->name.data,
		       entry->name.size);
		used += size;
	}
	return used;
}

/* Contents */

static void external_find(const struct inode *inode, struct model_node *node)
{
	const char *payload = inode->external.payload;

	node->is_external = true;
	node->object = MODEL_NO_OBJECT;
	node->error = -EIO; /* no name, one that leads out, or an object of another size */
	for (size_t i = 0; payload && i < RANDOM_OBJECTS; i++) {
		if (strcmp(payload, random_objects[i].path) == 0 &&
		    random_objects[i].size == inode->size)
			node->object = i;
	}
	if (payload && strcmp(payload, "a0/none") == 0)
		node->error = -ENOENT;
}

static void content_find(const struct inode *inode, struct model_node *node)
{
	if (S_ISLNK(inode->mode))
		node->content = span_of(inode->symlink.target, inode->size);
	else if (inode_is_external(inode))
		external_find(inode, node);
	else if (S_ISREG(inode->mode) && inode->is_inline)
		node->content = span_of(inode->inlined.content, inode->size);
}

static void attributes_make(const struct inode *inode, struct model_node *node)
{
	bool is_device = S_ISCHR(inode->mode) || S_ISBLK(inode->mode);
	bool has_size = S_ISREG(inode->mode) || S_ISLNK(inode->mode);

	node->attributes = (struct abi_attributes){
		.size = has_size ? inode->size : 0,
		.atime = inode->mtime_sec,
		.mtime = inode->mtime_sec,
		.ctime = inode->mtime_sec,
		.atime_nsec = inode->mtime_nsec,
		.mtime_nsec = inode->mtime_nsec,
		.ctime_nsec = inode->mtime_nsec,
		.mode = inode->mode,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.rdev = is_device ? inode->rdev : 0,
		.block_size = BLOCK,
	};
	if (inode_is_whiteout(inode))
		node->attributes.mode = S_IFREG | (inode->mode & 07777);
	node->attributes.blocks = sectors_of(node->attributes.size);
}

static void node_make(struct model *model, const struct inode *inode, uint32_t version)
{
	struct model_node *node = &model->nodes[inode->index];

	attributes_make(inode, node);
	content_find(inode, node);
	xattrs_make(model, inode, version, node);
	if (inode_is_dir(inode)) {
		children_add(model, inode, node);
		dir_measure(node);
	}
}

/* Section 4.5: a real whiteout for each name of two hex digits that the root has not. */
static void stubs_make(struct model *model, const struct inode *root)
{
	struct model_node *dir = &model->nodes[0];
	uint32_t shown = dir->entry_count;

	for (unsigned int i = 0; i < 256; i++) {
		char *name = allocate(model, 3);
		struct model_node *node = &model->nodes[model->node_count];

		(void)snprintf(name, 3, "%02x", i);
		if (bsearch(&(struct model_entry){.name = span_of(name, 2)}, dir->entries, shown,
			    sizeof(dir->entries[0]), entry_order))
			continue;
		attributes_make(root, node);
		node->attributes.size = 0;
		node->attributes.blocks = 0;
		node->attributes.mode = S_IFCHR | 0644;
		node->attributes.nlink = 1;
		entry_add(dir, span_of(name, 2), model->node_count++);
	}
	qsort(dir->entries, dir->entry_count, sizeof(dir->entries[0]), entry_order);
	dir_measure(dir);
	model->inode_count = model->node_count;
	if (model->kind == VIEW_STANDALONE) { /* nobody needs to see them there */
		uint32_t kept = 0;

		for (uint32_t i = 0; i < dir->entry_count; i++) {
			if (!S_ISCHR(model->nodes[dir->entries[i].node].attributes.mode) ||
			    model->nodes[dir->entries[i].node].attributes.rdev)
				dir->entries[kept++] = dir->entries[i];
		}
		dir->entry_count = kept;
	}
}

static bool inode_has_acl(const struct inode *inode)
{
	return inode_xattr(inode, SPAN_LITERAL("system.posix_acl_access")) ||
	       inode_xattr(inode, SPAN_LITERAL("system.posix_acl_default"));
}

void model_make(struct model *model, const struct tree *tree, uint32_t version, enum view_kind kind)
{
	const struct dentry *dentry;

	*model = (struct model){.kind = kind, .node_count = 1};
	tree->root->index = 0;
	model->has_acl = inode_has_acl(tree->root);
	for (dentry = tree_walk_first(tree); dentry;
	     dentry = tree_walk_next(tree, (struct dentry *)(uintptr_t)dentry)) {
		if (dentry->inode->primary != dentry)
			continue;
		dentry->inode->index = model->node_count++;
		model->has_acl |= inode_has_acl(dentry->inode);
	}
	model->nodes = allocate(model, (model->node_count + 256) * sizeof(model->nodes[0]));
	node_make(model, tree->root, version);
	for (dentry = tree_walk_first(tree); dentry;
	     dentry = tree_walk_next(tree, (struct dentry *)(uintptr_t)dentry)) {
		if (dentry->inode->primary == dentry)
			node_make(model, dentry->inode, version);
	}
	stubs_make(model, tree->root);
}

void model_release(struct model *model)
{
	arena_release(&model->arena);
}
