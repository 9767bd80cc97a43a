/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "store/draft_private.h"

struct contents_draft {
	struct draft draft;
	int contents_fd; /* borrowed */
};

int contents_draft_open(int contents_fd, struct contents_draft **ret, struct diag *why)
{
	CLEAN(contents_draft_closep) struct contents_draft *draft = calloc(1, sizeof(*draft));
	int r;

	if (!draft)
		return -ENOMEM;
	draft->draft = DRAFT_NONE;
	draft->contents_fd = contents_fd;
	r = draft_open(contents_fd, &draft->draft, why);
	if (r == 0)
		*ret = TAKE(draft);
	return r;
}

void contents_draft_close(struct contents_draft *draft)
{
	if (!draft)
		return;
	draft_release(&draft->draft);
	free(draft);
}

void contents_draft_closep(struct contents_draft **draft)
{
	contents_draft_close(*draft);
	*draft = NULL;
}

int contents_draft_fd(const struct contents_draft *draft)
{
	return draft->draft.fd;
}

/* The path of contents below files/, with its folder made. 0 or -errno. */
static int contents_path(int contents_fd, const struct digest *contents,
			 char path[DIGEST_PATH_SIZE_MAX])
{
	(void)digest_path(contents, path);
	path[2] = '\0';
	if (mkdirat(contents_fd, path, 0755) < 0 && errno != EEXIST)
		return -errno;
	path[2] = '/';
	return 0;
}

int contents_draft_link(struct contents_draft *draft, const struct digest *contents,
			struct diag *why)
{
	char path[DIGEST_PATH_SIZE_MAX];
	int r = contents_path(draft->contents_fd, contents, path);

	if (r < 0)
		return diag_errno(why, r, "cannot make a folder for contents");
	r = draft_link(&draft->draft, draft->contents_fd, path, why);
	return r == -EEXIST ? 0 : r;
}

int contents_link(int dir_fd, const char *path, int contents_fd, const struct digest *contents)
{
	char target[DIGEST_PATH_SIZE_MAX];
	int r = contents_path(contents_fd, contents, target);

	if (r == 0 && linkat(dir_fd, path, contents_fd, target, 0) < 0 && errno != EEXIST)
		r = -errno;
	return r;
}
