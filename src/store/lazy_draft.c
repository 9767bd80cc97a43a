/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/lazy_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "store/draft_private.h"
#include "store/lazies.h"
#include "store/lazies_private.h"

_Static_assert(sizeof(((struct lazy_draft *)NULL)->name) == TEMPORARY_NAME_SIZE, "the same text");

int lazy_draft_open(const struct store *store, struct lazy_draft *ret, struct diag *why)
{
	CLEAN(lazy_draft_release) struct lazy_draft draft = LAZY_DRAFT_NONE;
	int r;

	draft.parent_fd = lazy_place_open(store, true, why);
	if (draft.parent_fd < 0)
		return draft.parent_fd;
	r = temporary_name(LAZY_DRAFT_PREFIX, draft.name);
	if (r < 0)
		return diag_set(why, r, "no random bytes for a temporary name");
	draft.fd = folder_open(draft.parent_fd, draft.name, true, why);
	if (draft.fd < 0)
		return draft.fd;
	*ret = draft;
	draft = LAZY_DRAFT_NONE;
	return 0;
}

void lazy_draft_release(struct lazy_draft *draft)
{
	int saved = errno;

	if (draft->name[0])
		lazy_entry_remove(draft->parent_fd, draft->name);
	fd_close(draft->fd);
	fd_close(draft->parent_fd);
	*draft = LAZY_DRAFT_NONE;
	errno = saved;
}

int lazy_draft_file(struct lazy_draft *draft, const char *name, struct span bytes, struct diag *why)
{
	CLEAN(fd_closep)
	int fd = openat(draft->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write(fd, bytes.data, bytes.size);

	return r < 0 ? diag_errno(why, r, "cannot write '%s'", name) : 0;
}

int lazy_draft_commit(struct lazy_draft *draft, const struct digest *manifest, struct diag *why)
{
	char name[LAZY_FOLDER_SIZE_MAX];

	if (syncfs(draft->fd) < 0)
		return diag_errno(why, -errno, "cannot write the folder to disk");
	(void)lazy_folder_name(manifest, name);
	if (renameat(draft->parent_fd, draft->name, draft->parent_fd, name) == 0)
		draft->name[0] = '\0';
	else if (errno != EEXIST && errno != ENOTEMPTY)
		return diag_errno(why, -errno, "cannot give the folder its name");
	if (fsync(draft->parent_fd) < 0)
		return diag_errno(why, -errno, "cannot write the folder to disk");
	return 0;
}
