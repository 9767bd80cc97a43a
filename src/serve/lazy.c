/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/lazy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

#include "base/digest.h"
#include "base/fd.h"
#include "fuse/reply.h"
#include "serve/view_private.h"

#define CONTENTS_SIZE 32 /* of SHA-256 */

static const char mark_end[] = "contents by SHA-256, not here yet";

_Static_assert(sizeof(mark_end) - 1 >= DIGEST_SIZE_MAX - CONTENTS_SIZE, "fills the digest");

struct digest lazy_mark(const struct digest *contents)
{
	struct digest mark = {.algorithm = DIGEST_SHA512};

	memcpy(mark.bytes, contents->bytes, CONTENTS_SIZE);
	memcpy(mark.bytes + CONTENTS_SIZE, mark_end, DIGEST_SIZE_MAX - CONTENTS_SIZE);
	return mark;
}

bool lazy_unmark(const struct digest *mark, struct digest *ret)
{
	if (mark->algorithm != DIGEST_SHA512 ||
	    memcmp(mark->bytes + CONTENTS_SIZE, mark_end, DIGEST_SIZE_MAX - CONTENTS_SIZE) != 0)
		return false;
	*ret = digest_of(DIGEST_SHA256, mark->bytes);
	return true;
}

bool lazy_contents_of(const struct view *view, const struct image_inode *inode, struct digest *ret)
{
	struct digest mark;

	return image_external_digest(view->image, inode, &mark, NULL) == 0 &&
	       lazy_unmark(&mark, ret);
}

int lazy_open(struct view *view, const struct digest *contents, struct fuse_reply *reply)
{
	char path[DIGEST_PATH_SIZE_MAX];
	int fd = fd_open_within(view->lazy.contents_fd, digest_path(contents, path),
				O_RDONLY | O_NOFOLLOW,
				RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

	if (fd != -ENOENT || !view->lazy.bring)
		return fd;
	if (!reply)
		return -EAGAIN;
	reply_will_block(reply);
	return view->lazy.bring(view->lazy.context, contents, reply);
}
