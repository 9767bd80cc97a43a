/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/capability.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount/userns.h"

bool capability_has(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capget, &header, sets) == 0 &&
	       (sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability));
}

bool capability_has_initial(int capability)
{
	return userns_is_initial() && capability_has(capability);
}

bool capability_can_gain(int capability)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 &&
	       prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
}
