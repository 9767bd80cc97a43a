/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ring_none.c - in place of fuse/ring.c where lamina was built without liburing
 */
#include <errno.h>

#include "base/diag.h"
#include "fuse/session_private.h"

int ring_workers_add(struct fuse_session *session, struct diag *why)
{
	(void)session;
	return diag_set(why, -EOPNOTSUPP, "lamina was built without io_uring");
}
