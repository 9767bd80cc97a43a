/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * abi.h - the FUSE protocol as it lies in requests and replies
 *
 * Host byte order. Source: Linux 6.18, include/uapi/linux/fuse.h; only what a read-only server
 * needs. Requests are read at any alignment from a byte span, so they are copied into these.
 */
#ifndef LAMINA_FUSE_ABI_H
#define LAMINA_FUSE_ABI_H

#include <stdint.h>

#define ABI_VERSION_MAJOR 7
#define ABI_VERSION_MINOR 45
#define ABI_VERSION_MINOR_MIN 31 /* Linux 5.4: everything below answers in this form */

#define ABI_ROOT_NODEID 1
#define ABI_READ_BUFFER_MIN 8192 /* what the kernel wants to be able to write at once */

enum abi_opcode {
	ABI_LOOKUP = 1,
	ABI_FORGET = 2,
	ABI_GETATTR = 3,
	ABI_SETATTR = 4,
	ABI_READLINK = 5,
	ABI_SYMLINK = 6,
	ABI_MKNOD = 8,
	ABI_MKDIR = 9,
	ABI_UNLINK = 10,
	ABI_RMDIR = 11,
	ABI_RENAME = 12,
	ABI_LINK = 13,
	ABI_OPEN = 14,
	ABI_READ = 15,
	ABI_WRITE = 16,
	ABI_STATFS = 17,
	ABI_RELEASE = 18,
	ABI_SETXATTR = 21,
	ABI_GETXATTR = 22,
	ABI_LISTXATTR = 23,
	ABI_REMOVEXATTR = 24,
	ABI_INIT = 26,
	ABI_READDIR = 28,
	ABI_CREATE = 35,
	ABI_INTERRUPT = 36,
	ABI_DESTROY = 38,
	ABI_IOCTL = 39,
	ABI_BATCH_FORGET = 42,
	ABI_FALLOCATE = 43,
	ABI_READDIRPLUS = 44,
	ABI_RENAME2 = 45,
	ABI_COPY_FILE_RANGE = 47,
	ABI_TMPFILE = 51,
	ABI_OPCODE_COUNT
};

/* INIT flags; those from bit 32 on travel in flags2. */
#define ABI_INIT_ASYNC_READ (1ULL << 0)
#define ABI_INIT_DO_READDIRPLUS (1ULL << 13)
#define ABI_INIT_NO_OPEN_SUPPORT (1ULL << 17)
#define ABI_INIT_PARALLEL_DIROPS (1ULL << 18)
#define ABI_INIT_POSIX_ACL (1ULL << 20)
#define ABI_INIT_MAX_PAGES (1ULL << 22)
#define ABI_INIT_CACHE_SYMLINKS (1ULL << 23)
#define ABI_INIT_NO_OPENDIR_SUPPORT (1ULL << 24)
#define ABI_INIT_EXT (1ULL << 30)

#define ABI_OPEN_KEEP_CACHE (1u << 1)

struct abi_in_header {
	uint32_t len;
	uint32_t opcode;
	uint64_t unique;
	uint64_t nodeid;
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	uint16_t total_extlen; /* in units of 8 bytes, behind the arguments */
	uint16_t padding;
};
_Static_assert(sizeof(struct abi_in_header) == 40, "as the kernel says");

struct abi_out_header {
	uint32_t len;
	int32_t error; /* 0 or negative errno */
	uint64_t unique;
};
_Static_assert(sizeof(struct abi_out_header) == 16, "as the kernel says");

struct abi_attr {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t blksize;
	uint32_t flags;
};
_Static_assert(sizeof(struct abi_attr) == 88, "as the kernel says");

struct abi_entry_out {
	uint64_t nodeid; /* 0: there is no such name, and that may be cached */
	uint64_t generation;
	uint64_t entry_valid; /* seconds */
	uint64_t attr_valid;
	uint32_t entry_valid_nsec;
	uint32_t attr_valid_nsec;
	struct abi_attr attr;
};
_Static_assert(sizeof(struct abi_entry_out) == 128, "as the kernel says");

struct abi_attr_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t padding;
	struct abi_attr attr;
};
_Static_assert(sizeof(struct abi_attr_out) == 104, "as the kernel says");

struct abi_init_in {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint32_t flags2; /* from here on with ABI_INIT_EXT only */
	uint32_t unused[11];
};
_Static_assert(sizeof(struct abi_init_in) == 64, "as the kernel says");
#define ABI_INIT_IN_SIZE_MIN 16 /* without ABI_INIT_EXT */

struct abi_init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran; /* nanoseconds */
	uint16_t max_pages;
	uint16_t map_alignment;
	uint32_t flags2;
	uint32_t max_stack_depth;
	uint16_t request_timeout;
	uint16_t unused[11];
};
_Static_assert(sizeof(struct abi_init_out) == 64, "as the kernel says");

struct abi_open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id;
};
_Static_assert(sizeof(struct abi_open_out) == 16, "as the kernel says");

struct abi_read_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t read_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};
_Static_assert(sizeof(struct abi_read_in) == 40, "as the kernel says");

struct abi_release_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t release_flags;
	uint64_t lock_owner;
};
_Static_assert(sizeof(struct abi_release_in) == 24, "as the kernel says");

struct abi_getxattr_in {
	uint32_t size; /* 0: only the size is asked for */
	uint32_t padding;
};
_Static_assert(sizeof(struct abi_getxattr_in) == 8, "as the kernel says");

struct abi_getxattr_out {
	uint32_t size;
	uint32_t padding;
};
_Static_assert(sizeof(struct abi_getxattr_out) == 8, "as the kernel says");

struct abi_statfs_out {
	uint64_t blocks;
	uint64_t bfree;
	uint64_t bavail;
	uint64_t files;
	uint64_t ffree;
	uint32_t bsize;
	uint32_t namelen;
	uint32_t frsize;
	uint32_t padding;
	uint32_t spare[6];
};
_Static_assert(sizeof(struct abi_statfs_out) == 80, "as the kernel says");

/* The name follows, then zeros up to a multiple of 8. READDIRPLUS has an abi_entry_out in front. */
struct abi_dirent {
	uint64_t ino;
	uint64_t off; /* what to ask for to go on behind this entry */
	uint32_t namelen;
	uint32_t type; /* DT_* */
};
_Static_assert(sizeof(struct abi_dirent) == 24, "as the kernel says");

#endif
