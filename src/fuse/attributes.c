/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/attributes.h"

#include "fuse/session.h"

#define BLOCK_SIZE 4096
#define SECTOR_SIZE 512 /* the unit of st_blocks */

/* As many sectors as the kernel's EROFS shows: whole blocks of the size, holes or not. */
static uint64_t block_count_of(uint64_t size)
{
	return (size / BLOCK_SIZE + (size % BLOCK_SIZE != 0)) * (BLOCK_SIZE / SECTOR_SIZE);
}

struct abi_attributes attributes_of(const struct fuse_attributes *attributes)
{
	return (struct abi_attributes){
		.ino = attributes->ino,
		.size = attributes->size,
		.blocks = block_count_of(attributes->size),
		.atime = attributes->mtime_sec,
		.mtime = attributes->mtime_sec,
		.ctime = attributes->mtime_sec,
		.atime_nsec = attributes->mtime_nsec,
		.mtime_nsec = attributes->mtime_nsec,
		.ctime_nsec = attributes->mtime_nsec,
		.mode = attributes->mode,
		.nlink = attributes->nlink,
		.uid = attributes->uid,
		.gid = attributes->gid,
		.rdev = attributes->rdev,
		.block_size = BLOCK_SIZE,
	};
}

struct abi_entry entry_of(uint64_t nodeid, const struct fuse_attributes *attributes)
{
	return (struct abi_entry){
		.nodeid = nodeid,
		.entry_valid = VALID_FOREVER_SEC,
		.attributes_valid = VALID_FOREVER_SEC,
		.attributes = attributes_of(attributes),
	};
}
