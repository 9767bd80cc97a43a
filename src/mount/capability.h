/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * capability.h - what this process is privileged to do; a user id says nothing about that
 *
 * Only for what cannot be found out by trying (mount/features.h). capability is CAP_* of
 * <linux/capability.h>.
 */
#ifndef LAMINA_MOUNT_CAPABILITY_H
#define LAMINA_MOUNT_CAPABILITY_H

#include <stdbool.h>

/* Whether it is effective, in the user namespace that this process is in. */
bool capability_has(int capability);

/* The same in the initial user namespace, for what the kernel asks capable() for. */
bool capability_has_initial(int capability);

/* Whether a set-user-ID program of root would have it, run by this process. */
bool capability_can_gain(int capability);

#endif
