/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/container_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "base/diag.h"

/* That mount alone: what the runtime has mounted in it, /dev above all, has devices of its own. */
int container_hook(const char *root, struct diag *why)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NODEV};

	if (mount_setattr(AT_FDCWD, root, AT_SYMLINK_NOFOLLOW, &attributes, sizeof(attributes)) < 0)
		return diag_errno(why, -errno, "cannot keep devices in '%s' shut", root);
	return 0;
}
