/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * readdir.c - directories, from any position, without a memory of earlier requests
 */
#include <dirent.h>
#include <errno.h>

#include "erofs/disk.h"
#include "serve/view_private.h"

static uint8_t type_of(uint8_t type)
{
	static const uint8_t types[] = {
		[DIRENT_UNKNOWN] = DT_UNKNOWN, [DIRENT_REGULAR] = DT_REG,
		[DIRENT_DIRECTORY] = DT_DIR,   [DIRENT_CHARACTER] = DT_CHR,
		[DIRENT_BLOCK] = DT_BLK,       [DIRENT_FIFO] = DT_FIFO,
		[DIRENT_SOCKET] = DT_SOCK,     [DIRENT_SYMLINK] = DT_LNK,
	};

	return type < sizeof(types) ? types[type] : DT_UNKNOWN;
}

static bool is_dots(struct span name)
{
	return name.data[0] == '.' && (name.size == 1 || (name.size == 2 && name.data[1] == '.'));
}

/*
 * Fill in what goes beyond name and type. Returns false for an entry to leave out. One whose inode
 * cannot be read keeps its name, as in the kernel's EROFS: a look-up will tell what is wrong.
 */
static bool complete_entry(const struct view *view, const struct image_dirent *found, bool plus,
			   struct fuse_dirent *entry)
{
	bool may_hide = view->kind == VIEW_STANDALONE && found->type == DIRENT_CHARACTER;
	struct image_inode inode;

	if (is_dots(found->name) || !(plus || may_hide))
		return true;
	if (image_inode(view->image, found->nid, &inode, NULL) < 0)
		return true;
	if (view_hides(view, &inode))
		return false;
	if (plus) {
		entry->nodeid = nodeid_of(view, inode.nid);
		entry->attributes = attributes_of_inode(view, &inode);
	}
	return true;
}

int view_readdir(void *fs, uint64_t nodeid, uint64_t position, bool plus, struct fuse_reply *reply)
{
	const struct view *view = fs;
	struct image_inode dir;
	struct image_dirent found;
	int r;

	r = view_inode(view, nodeid, &dir);
	if (r < 0)
		return r;
	for (;;) {
		struct fuse_dirent entry = {0};

		r = image_dir_next(view->image, &dir, position, &found, NULL);
		if (r <= 0)
			break;
		position = found.next;
		entry.name = found.name;
		entry.ino = found.nid;
		entry.next = found.next;
		entry.type = type_of(found.type);
		if (complete_entry(view, &found, plus, &entry) &&
		    !reply_dirent(reply, plus, &entry))
			break;
	}
	/* What came before malformed bytes is worth having; the next request meets them again. */
	return view_result(view, r < 0 && reply->size == 0 ? r : 0);
}
