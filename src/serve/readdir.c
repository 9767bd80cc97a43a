/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>

#include "erofs/disk.h"
#include "fuse/reply.h"
#include "fuse/session.h"
#include "serve/view_private.h"

static uint8_t type_of(uint8_t dirent_type)
{
	static const uint8_t types[] = {
		[DIRENT_UNKNOWN] = DT_UNKNOWN, [DIRENT_REGULAR] = DT_REG,
		[DIRENT_DIRECTORY] = DT_DIR,   [DIRENT_CHARACTER] = DT_CHR,
		[DIRENT_BLOCK] = DT_BLK,       [DIRENT_FIFO] = DT_FIFO,
		[DIRENT_SOCKET] = DT_SOCK,     [DIRENT_SYMLINK] = DT_LNK,
	};

	return dirent_type < sizeof(types) ? types[dirent_type] : DT_UNKNOWN;
}

static bool is_dot(struct span name)
{
	return span_equal(name, SPAN_LITERAL(".")) || span_equal(name, SPAN_LITERAL(".."));
}

/* Returns 1 when the entry was added or is hidden, 0 when the reply is full, or a negative errno.
 */
static int entry_add(const struct view *view, const struct image_dirent *entry, bool plus,
		     struct fuse_reply *reply)
{
	struct reply_dirent out = {
		.name = entry->name,
		.next = entry->next,
		.ino = entry->nid,
		.type = type_of(entry->type),
	};
	struct fuse_attributes attributes;
	struct image_inode inode;
	int r;

	/* Only a character device can be hidden, so only those have to be looked at without plus.
	 */
	if (!is_dot(entry->name) && (plus || entry->type == DIRENT_CHARACTER)) {
		r = image_inode(view_image(view), entry->nid, &inode, NULL);
		/* One inode we cannot read does not hide its neighbours: the name is told. */
		if (r == 0 && view_hides(view, &inode))
			return 1;
		if (r == 0 && plus) {
			attributes = view_attributes(&inode);
			out.nodeid = view_nodeid(view, entry->nid);
			out.attributes = &attributes;
		}
	}
	return reply_dirent(reply, &out, plus);
}

int view_readdir(void *fs, uint64_t nodeid, uint64_t position, bool plus, struct fuse_reply *reply)
{
	const struct view *view = fs;
	struct image_inode dir;
	struct image_dirent entry;
	int r;

	r = view_inode(view, nodeid, &dir);
	if (r < 0)
		return r;
	while ((r = image_dir_next(view_image(view), &dir, position, &entry, NULL)) > 0) {
		r = entry_add(view, &entry, plus, reply);
		if (r <= 0)
			break;
		position = entry.next;
	}
	if (view_check(view) < 0 || r == -EUCLEAN)
		return -EIO;
	return r < 0 ? r : 0;
}
