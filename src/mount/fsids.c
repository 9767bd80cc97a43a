/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/fsids.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"

struct capabilities {
	struct __user_cap_data_struct words[2];
};

static int capabilities_get(struct capabilities *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, ret->words) < 0 ? -errno : 0;
}

/* Make the effective set what it was: the permitted one has not changed. */
static int effective_set(const uint32_t *effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct capabilities now;
	int r = capabilities_get(&now);

	if (r < 0)
		return r;
	now.words[0].effective = effective[0];
	now.words[1].effective = effective[1];
	return syscall(SYS_capset, &header, now.words) < 0 ? -errno : 0;
}

/* setfsuid(2) reports no failure: an id that cannot be is the way to ask. */
static struct fsids fsids_now(void)
{
	return (struct fsids){
		.uid = (uid_t)setfsuid((uid_t)-1),
		.gid = (gid_t)setfsgid((gid_t)-1),
	};
}

static bool fsids_set(const struct fsids *ids)
{
	struct fsids now;

	(void)setfsgid(ids->gid);
	(void)setfsuid(ids->uid);
	now = fsids_now();
	return now.uid == ids->uid && now.gid == ids->gid;
}

int fsids_enter(const struct fsids *ids, struct fsids_saved *ret, struct diag *why)
{
	struct fsids_saved saved = {
		.is_entered = true,
		.ids = fsids_now(),
		.dumpable = prctl(PR_GET_DUMPABLE),
	};
	struct capabilities capabilities;
	int r = capabilities_get(&capabilities);

	if (r < 0)
		return diag_errno(why, r, "capget()");
	saved.effective[0] = capabilities.words[0].effective;
	saved.effective[1] = capabilities.words[1].effective;
	if (!fsids_set(ids))
		r = diag_set(why, -EPERM,
			     "cannot act as %u:%u: that needs CAP_SETUID and CAP_SETGID, and ids "
			     "that exist in this user namespace",
			     ids->uid, ids->gid);
	/*
	 * capabilities(7), "Effect of user ID changes": those that override file permissions left
	 * the effective set. SECBIT_NO_SETUID_FIXUP would do as well, but takes CAP_SETPCAP.
	 */
	if (r == 0)
		r = effective_set(saved.effective);
	if (r < 0) {
		fsids_leave(&saved);
		return r == -EPERM ? r : diag_errno(why, r, "capset()");
	}
	*ret = saved;
	return 0;
}

void fsids_leave(struct fsids_saved *saved)
{
	int kept = errno;
	bool is_back, is_able;

	if (!saved->is_entered)
		return;
	is_back = fsids_set(&saved->ids);
	is_able = effective_set(saved->effective) == 0;
	/* They are ids and capabilities that this thread had. To go on as another is no choice. */
	assert(is_back && is_able);
	/* 2 cannot be set, and the kernel's choice is then that, or more careful. */
	(void)prctl(PR_SET_DUMPABLE, saved->dumpable);
	saved->is_entered = false;
	errno = kept;
}
