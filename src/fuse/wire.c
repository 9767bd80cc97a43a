/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/wire.h"

#include <sys/stat.h>

#include "fuse/session.h"

#define BLOCK_SIZE 4096u
#define STAT_BLOCK_SIZE 512u

/* Whole blocks, as EROFS counts them (Linux 6.18, fs/erofs/inode.c, erofs_read_inode). */
static uint64_t stat_blocks(const struct fuse_attributes *attributes)
{
	uint64_t blocks = attributes->size / BLOCK_SIZE + (attributes->size % BLOCK_SIZE != 0);

	return blocks * (BLOCK_SIZE / STAT_BLOCK_SIZE);
}

struct abi_attr wire_attr(const struct fuse_attributes *attributes)
{
	return (struct abi_attr){
		.ino = attributes->ino,
		.size = attributes->size,
		.blocks = stat_blocks(attributes),
		.atime = (uint64_t)attributes->mtime_sec,
		.mtime = (uint64_t)attributes->mtime_sec,
		.ctime = (uint64_t)attributes->mtime_sec,
		.atimensec = attributes->mtime_nsec,
		.mtimensec = attributes->mtime_nsec,
		.ctimensec = attributes->mtime_nsec,
		.mode = attributes->mode,
		.nlink = attributes->nlink,
		.uid = attributes->uid,
		.gid = attributes->gid,
		.rdev = attributes->rdev,
		.blksize = BLOCK_SIZE,
	};
}

struct abi_entry_out wire_entry(uint64_t nodeid, const struct fuse_attributes *attributes)
{
	return (struct abi_entry_out){
		.nodeid = nodeid,
		.entry_valid = WIRE_FOREVER,
		.attr_valid = WIRE_FOREVER,
		.attr = wire_attr(attributes),
	};
}
