/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * overlay_private.h - the ways in which kernels take layers, which tests and probes name
 */
#ifndef LAMINA_MOUNT_OVERLAY_PRIVATE_H
#define LAMINA_MOUNT_OVERLAY_PRIVATE_H

#include <stdbool.h>

struct diag;            /* base/diag.h */
struct overlay_options; /* mount/overlay.h */

enum overlay_dialect {
	OVERLAY_BY_FD,   /* lowerdir+ and datadir+ by descriptor, Linux 6.13 */
	OVERLAY_BY_PATH, /* lowerdir+ and datadir+ by path, Linux 6.8 */
	OVERLAY_BY_LIST, /* lowerdir=A:B::D in 255 bytes; D since Linux 6.5 */
};

/*
 * As overlay_mount(), in one dialect only and without attaching anything. *ret_understood tells
 * whether the kernel took the layers in this form; it is always written.
 */
int overlay_mount_as(enum overlay_dialect dialect, const struct overlay_options *options,
		     bool *ret_understood, struct diag *why);

#endif
