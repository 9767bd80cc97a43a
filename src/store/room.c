/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Whether there is room for what has not come yet. A size in somebody's header costs nothing: to
 * fill a disk for it, which others use too, and then fail would be the dearest way to find out.
 */
#include <errno.h>
#include <sys/vfs.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "base/limits.h"
#include "store/store_private.h"
#include "store/transaction_private.h"

/* What statfs(2) calls file systems that may store a file in less than its size. */
#define TYPE_BCACHEFS 0xca451a4e
#define TYPE_BTRFS 0x9123683e
#define TYPE_ZFS 0x2fc12fc1

static bool may_compress(const struct statfs *st)
{
	uint32_t type = (uint32_t)st->f_type;

	return type == TYPE_BCACHEFS || type == TYPE_BTRFS || type == TYPE_ZFS;
}

int transaction_check_room(struct transaction *transaction, uint64_t size_bytes, struct diag *why)
{
	struct statfs st;
	uint64_t unit, room;

	if (size_bytes < ROOM_CHECK_SIZE_MIN)
		return 0;
	/* It may not know (f_blocks is 0 then), and it may be wrong: then the disk will tell. */
	if (fstatfs(transaction_store(transaction)->objects_fd, &st) < 0 || st.f_blocks == 0)
		return 0;
	unit = (uint64_t)(st.f_frsize > 0 ? st.f_frsize : st.f_bsize);
	if (ckd_mul(&room, (uint64_t)st.f_bfree, unit) || size_bytes <= room)
		return 0;
	if (may_compress(&st) && size_bytes / LAYER_RATIO_MAX <= room)
		return 0;
	return diag_set(why, -ENOSPC, "%llu bytes, where the disk has %llu free",
			(unsigned long long)size_bytes, (unsigned long long)room);
}
