/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/upper.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "mount/overlay.h"
#include "ops/ids.h"

static int mounter_find(const struct ids *ids, struct fsids *ret, struct diag *why)
{
	const struct fsids mounter = {
		.uid = idmap_to_outside(&ids->maps.uids, 0),
		.gid = idmap_to_outside(&ids->maps.gids, 0),
	};

	if (mounter.uid == IDMAP_NONE || mounter.gid == IDMAP_NONE)
		return diag_set(why, -EINVAL,
				"the id map has no %s 0 inside, as which overlayfs would write the "
				"upper directory",
				mounter.uid == IDMAP_NONE ? "uid" : "gid");
	*ret = mounter;
	return 0;
}

/* The commonest mistake: a directory that was made for the ids outside. */
static int owner_check(const struct ids *ids, int fd, const char *what, struct diag *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "%s", what);
	if (idmap_to_outside(&ids->maps.uids, st.st_uid) != IDMAP_NONE &&
	    idmap_to_outside(&ids->maps.gids, st.st_gid) != IDMAP_NONE)
		return 0;
	return diag_set(why, -EINVAL,
			"%s belongs to %u:%u, which the id map does not have inside; it would have "
			"to belong to 0:0",
			what, st.st_uid, st.st_gid);
}

int upper_idmap(const struct ids *ids, int userns_fd, int upper_fd, int work_fd, struct upper *ret,
		struct diag *why)
{
	struct upper upper = UPPER_EMPTY;
	int r;

	r = mounter_find(ids, &upper.mounter, why);
	if (r == 0)
		r = owner_check(ids, upper_fd, "the upper directory", why);
	if (r == 0)
		r = owner_check(ids, work_fd, "the work directory", why);
	if (r == 0)
		r = mount_idmap_pair(upper_fd, work_fd, userns_fd, &upper.pair, why);
	if (r < 0)
		return r;
	*ret = upper;
	return 0;
}

void upper_use(const struct upper *upper, struct overlay_options *options)
{
	if (upper->pair.mount_fd < 0)
		return;
	options->upper_mount_fd = upper->pair.mount_fd;
	options->upper_fd = upper->pair.upper_fd;
	options->work_fd = upper->pair.work_fd;
	options->mounter = &upper->mounter;
}

void upper_release(struct upper *upper)
{
	idmapped_pair_release(&upper->pair);
}
