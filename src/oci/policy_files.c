/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * policy_files.c - the SELinux policy of a tree, from its files
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/file_contexts.h"
#include "oci/relabel_private.h"
#include "store/objects.h"
#include "tree/tree.h"

/* The directory of that name in dir. *ret is NULL where there is none, or where dir is NULL. */
static int dir_find(const struct tree *tree, const struct inode *dir, struct span name,
		    const struct inode **ret, struct diag *why)
{
	struct dentry *dentry = dir ? tree_lookup(tree, dir, name) : NULL;

	if (dentry && !inode_is_dir(dentry->inode))
		return diag_set(why, -EUCLEAN, "'%s' is not a directory", dentry->name);
	*ret = dentry ? dentry->inode : NULL;
	return 0;
}

/* The same of several, each in the one before. */
static int path_find(const struct tree *tree, const struct inode *dir, const struct span *names,
		     size_t count, const struct inode **ret, struct diag *why)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = dir_find(tree, dir, names[i], &dir, why);
	if (r == 0)
		*ret = dir;
	return r;
}

static int object_read(const struct store *store, const struct inode *inode, struct buf *ret,
		       struct diag *why)
{
	struct digest digest = inode_digest(inode);
	CLEAN(fd_closep) int fd = -1;

	if (digest.algorithm == DIGEST_NONE)
		return diag_set(why, -EUCLEAN, "a file without content");
	fd = object_open(store, &digest, why);
	return fd < 0 ? fd : fd_read_all(fd, SELINUX_FILE_SIZE_MAX, ret);
}

/* Append what the file of that name holds. Returns 1, 0 where there is none, or -errno. */
static int file_read(const struct tree *tree, const struct store *store, const struct inode *dir,
		     const char *name, struct buf *ret, struct diag *why)
{
	struct dentry *dentry = tree_lookup(tree, dir, span_of_string(name));
	const struct inode *inode;
	int r = 0;

	if (!dentry)
		return 0;
	inode = dentry->inode;
	if (!S_ISREG(inode->mode))
		return diag_set(why, -EUCLEAN, "'%s' is not a file", name);
	if (inode->size > SELINUX_FILE_SIZE_MAX)
		return diag_set(why, -E2BIG, "'%s' has more than %d bytes", name,
				SELINUX_FILE_SIZE_MAX);
	if (inode->is_inline)
		r = buf_append(ret, inode->inlined.content, inode->size);
	else if (inode->size)
		r = object_read(store, inode, ret, why);
	return r < 0 ? diag_wrap(why, r, "'%s'", name) : 1;
}

/* /etc/selinux/config */

static struct span trimmed(struct span text)
{
	while (text.size && strchr(" \t\r\v\f", text.data[0]) && text.data[0])
		(void)span_from(text, 1, &text);
	while (text.size && text.data[text.size - 1] &&
	       strchr(" \t\r\v\f", text.data[text.size - 1]))
		text.size--;
	return text;
}

/* The value of the first SELINUXTYPE. A comment is a key that begins with '#'. */
static bool config_type(struct span text, struct span *ret)
{
	static const char key[] = "SELINUXTYPE";

	while (text.size) {
		const uint8_t *end = memchr(text.data, '\n', text.size);
		struct span line = span_of(text.data, end ? (size_t)(end - text.data) : text.size);
		const uint8_t *sign = line.size ? memchr(line.data, '=', line.size) : NULL;
		struct span name;

		(void)span_from(text, line.size + (end != NULL), &text);
		if (!sign)
			continue;
		name = trimmed(span_of(line.data, (size_t)(sign - line.data)));
		if (name.size != strlen(key) ||
		    strncasecmp((const char *)name.data, key, name.size) != 0)
			continue;
		(void)span_from(line, (size_t)(sign - line.data) + 1, ret);
		*ret = trimmed(*ret);
		return true;
	}
	return false;
}

/* The policy's directory. *ret is NULL where the tree wants none. */
static int policy_dir(const struct tree *tree, const struct store *store, const struct inode **ret,
		      struct diag *why)
{
	static const struct span top[] = {SPAN_LITERAL("etc"), SPAN_LITERAL("selinux")};
	struct span below[] = {SPAN_EMPTY, SPAN_LITERAL("contexts"), SPAN_LITERAL("files")};
	CLEAN(buf_release) struct buf config = {0};
	const struct inode *selinux = NULL, *dir = NULL;
	int r;

	r = path_find(tree, tree->root, top, 2, &selinux, why);
	if (r == 0 && selinux)
		r = file_read(tree, store, selinux, "config", &config, why);
	if (r == 1 && config_type(buf_span(&config), &below[0])) {
		r = path_find(tree, selinux, below, 3, &dir, why);
		if (r == 0 && !dir)
			r = diag_set(why, -ENOENT, "there is no policy '%.*s', as config says",
				     below[0].size > 100 ? 100 : (int)below[0].size,
				     (const char *)below[0].data);
	}
	if (r < 0)
		return r;
	*ret = dir;
	return 0;
}

/* Its files */

typedef int add_text(struct file_contexts *contexts, struct span text, struct diag *why);

static const struct policy_file {
	const char *name;
	add_text *add;
	bool is_required;
} policy_files[] = {
	{"file_contexts", file_contexts_add, true},
	{"file_contexts.local", file_contexts_add, false},
	{"file_contexts.homedirs", file_contexts_add, false},
	{"file_contexts.subs", file_contexts_add_aliases, false},
	{"file_contexts.subs_dist", file_contexts_add_aliases, false},
};

static int policy_file_take(const struct tree *tree, const struct store *store,
			    const struct inode *dir, const struct policy_file *file,
			    struct file_contexts *contexts, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	int r = file_read(tree, store, dir, file->name, &text, why);

	if (r == 0 && file->is_required)
		return diag_set(why, -ENOENT, "the policy has no %s", file->name);
	if (r <= 0)
		return r;
	r = file->add(contexts, buf_span(&text), why);
	return r < 0 ? diag_wrap(why, r, "%s", file->name) : 0;
}

int policy_read(const struct tree *tree, const struct store *store, struct file_contexts **ret,
		struct diag *why)
{
	CLEAN(file_contexts_freep) struct file_contexts *contexts = NULL;
	const struct inode *dir;
	int r;

	r = policy_dir(tree, store, &dir, why);
	if (r < 0)
		return r;
	if (dir) {
		r = file_contexts_new(&contexts);
		for (size_t i = 0; r == 0 && i < sizeof(policy_files) / sizeof(policy_files[0]);
		     i++)
			r = policy_file_take(tree, store, dir, &policy_files[i], contexts, why);
		if (r < 0)
			return r;
	}
	*ret = TAKE(contexts);
	return 0;
}
