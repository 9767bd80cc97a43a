/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mount/mountinfo.h"

/* Linux 6.8, include/uapi/linux/stat.h; the C library's headers may be older. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

int mount_ids_of(int fd, struct mount_ids *ret, struct diag *why)
{
	struct mount_ids ids = {0};
	struct statx st = {0};
	int r;

	r = mount_id_of(fd, &ids.id, why);
	if (r < 0)
		return r;
	/* Of what is cached: a file system that does not answer is not asked. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID_UNIQUE, &st) == 0 &&
	    (st.stx_mask & STATX_MNT_ID_UNIQUE))
		ids.unique_id = st.stx_mnt_id;
	*ret = ids;
	return 0;
}

/* statmount(2), Linux 6.8, include/uapi/linux/mount.h. */
#if defined(__alpha__)
#define STATMOUNT_NUMBER 567
#elif defined(__mips__)
#define STATMOUNT_NUMBER (-1)
#else
#define STATMOUNT_NUMBER 457
#endif

struct statmount_request {
	uint32_t size;
	uint32_t spare;
	uint64_t mount_id;
	uint64_t what;
};
#define STATMOUNT_BASIC 2 /* STATMOUNT_MNT_BASIC */

static enum presence presence_by_unique_id(uint64_t unique_id)
{
	struct statmount_request request = {
		.size = sizeof(request),
		.mount_id = unique_id,
		.what = STATMOUNT_BASIC,
	};
	_Alignas(8) char answer[1024];

	if (syscall(STATMOUNT_NUMBER, &request, answer, sizeof(answer), 0) == 0)
		return PRESENCE_YES;
	/* EPERM may be a seccomp filter's that does not know the call. */
	return errno == ENOENT ? PRESENCE_NO : PRESENCE_UNKNOWN;
}

enum presence mount_presence_for(const char *process, const struct mount_ids *ids)
{
	CLEAN(mount_entry_release) struct mount_entry entry = {0};
	int r = mount_entry_by_id(process, ids->id, &entry, NULL);

	if (r == -ENOENT || (r == 0 && !mount_entry_is_ours(&entry)))
		return PRESENCE_NO;
	return r < 0 ? PRESENCE_UNKNOWN : PRESENCE_YES;
}

enum presence mount_presence(const struct mount_ids *ids)
{
	enum presence presence = PRESENCE_UNKNOWN;

	if (ids->unique_id)
		presence = presence_by_unique_id(ids->unique_id);
	return presence == PRESENCE_UNKNOWN ? mount_presence_for("self", ids) : presence;
}
