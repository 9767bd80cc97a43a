/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dump_link.c - hard links of a dump, which may point forward and at each other
 *
 * Until all lines are read, a link's dentry has a stand-in inode inside of struct dump_link, so
 * that a chain of links can be followed in the tree itself.
 */
#include <errno.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "tree/dump_private.h"
#include "tree/tree.h"

struct dump_link {
	struct inode stand_in; /* first: its address is that of the link */
	struct dump_link *next;
	struct dentry *dentry;
	const struct dump_link *chain; /* the start of the chain that was followed through here */
	struct dump_link *hop_next;    /* in that chain */
	uint64_t line_number;
	struct span target;
};

/* No file has this mode, so it tells a stand-in from what is in the tree for good. */
#define STAND_IN_MODE 0u

void dump_links_release(struct dump_links *links)
{
	arena_release(&links->arena);
	*links = (struct dump_links){0};
}

int dump_links_add(struct dump_links *links, struct tree *tree, struct inode *dir, struct span name,
		   struct span target, uint64_t line_number, struct diag *why)
{
	struct dump_link *link = arena_new(&links->arena, struct dump_link);
	int r;

	if (!link)
		return -ENOMEM;
	link->stand_in.mode = STAND_IN_MODE;
	link->line_number = line_number;
	link->target = span_of(arena_copy(&links->arena, target), target.size);
	if (!link->target.data)
		return -ENOMEM;
	r = tree_link(tree, dir, name, &link->stand_in, &link->dentry, why);
	if (r < 0)
		return r;
	tree->inode_count--; /* a second name, not an inode */
	if (links->last)
		links->last->next = link;
	else
		links->first = link;
	links->last = link;
	return 0;
}

/* The link behind an inode that stands in, or NULL for one that is there for good. */
static struct dump_link *inode_link(struct inode *inode)
{
	return inode->mode == STAND_IN_MODE ? (struct dump_link *)inode : NULL;
}

static int target_find(const struct dump_link *link, const struct tree *tree, struct inode **ret,
		       struct diag *why)
{
	struct inode *inode = tree->root;
	struct span rest = link->target, component;

	while ((component = dump_path_component(&rest)).size) {
		struct dentry *dentry =
			inode_is_dir(inode) ? tree_lookup(tree, inode, component) : NULL;

		if (!dentry)
			return diag_set(why, -EUCLEAN, "there is no file to link to");
		inode = dentry->inode;
	}
	if (inode_is_dir(inode))
		return diag_set(why, -EUCLEAN, "the file to link to is a directory");
	*ret = inode;
	return 0;
}

/*
 * Follow the chain that starts at link to its inode, then point every name of the chain there: each
 * link is followed once, however long the chains are.
 */
static int link_resolve(struct dump_link *link, const struct tree *tree, struct diag *why)
{
	struct inode *inode = NULL;
	struct dump_link *hop;
	int r;

	if (link->dentry->inode != &link->stand_in)
		return 0; /* a chain before this one came through here */
	for (hop = link; hop; hop = hop->hop_next) {
		if (hop->chain == link)
			return diag_set(why, -ELOOP, "a hard link that leads to itself");
		hop->chain = link;
		r = target_find(hop, tree, &inode, why);
		if (r < 0)
			return r;
		hop->hop_next = inode_link(inode);
	}
	for (hop = link; hop; hop = hop->hop_next)
		hop->dentry->inode = inode;
	return 0;
}

int dump_links_resolve(struct dump_links *links, struct tree *tree, struct diag *why)
{
	for (struct dump_link *link = links->first; link; link = link->next) {
		int r = link_resolve(link, tree, why);

		if (r < 0)
			return diag_wrap(why, r, "line %llu",
					 (unsigned long long)link->line_number);
	}
	return 0;
}
