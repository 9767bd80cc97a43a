/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * abi.h - requests and replies of the kernel's FUSE client, as they cross the descriptor
 *
 * Facts of the interface of Linux 6.18, include/uapi/linux/fuse.h, 7.31 to 7.45; only what a
 * read-only server meets. Integers have the machine's byte order and their natural alignment. A
 * request is abi_request, then the arguments of its opcode, then names; a reply is abi_reply, then
 * its body.
 */
#ifndef LAMINA_FUSE_ABI_H
#define LAMINA_FUSE_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>

#define ABI_MAJOR 7
#define ABI_MINOR 45 /* the newest we know */
/* Linux 5.4: the newest layout of every record used here but the INIT pair */
#define ABI_MINOR_MIN 31

#define ABI_ROOT_NODEID 1

/* The kernel refuses to read into less (FUSE_MIN_READ_BUFFER). */
#define ABI_REQUEST_ROOM_MIN 8192

enum abi_opcode {
	OP_LOOKUP = 1,
	OP_FORGET = 2, /* no reply */
	OP_GETATTR = 3,
	OP_SETATTR = 4,
	OP_READLINK = 5,
	OP_SYMLINK = 6,
	OP_MKNOD = 8,
	OP_MKDIR = 9,
	OP_UNLINK = 10,
	OP_RMDIR = 11,
	OP_RENAME = 12,
	OP_LINK = 13,
	OP_OPEN = 14,
	OP_READ = 15,
	OP_WRITE = 16,
	OP_STATFS = 17,
	OP_RELEASE = 18,
	OP_FSYNC = 20,
	OP_SETXATTR = 21,
	OP_GETXATTR = 22,
	OP_LISTXATTR = 23,
	OP_REMOVEXATTR = 24,
	OP_FLUSH = 25,
	OP_INIT = 26,
	OP_OPENDIR = 27,
	OP_READDIR = 28,
	OP_RELEASEDIR = 29,
	OP_FSYNCDIR = 30,
	OP_GETLK = 31,
	OP_SETLK = 32,
	OP_SETLKW = 33,
	OP_ACCESS = 34,
	OP_CREATE = 35,
	OP_INTERRUPT = 36, /* no reply */
	OP_BMAP = 37,
	OP_DESTROY = 38,
	OP_IOCTL = 39,
	OP_POLL = 40,
	OP_NOTIFY_REPLY = 41, /* no reply */
	OP_BATCH_FORGET = 42, /* no reply */
	OP_FALLOCATE = 43,
	OP_READDIRPLUS = 44,
	OP_RENAME2 = 45,
	OP_LSEEK = 46,
	OP_COPY_FILE_RANGE = 47,
	OP_SETUPMAPPING = 48,
	OP_REMOVEMAPPING = 49,
	OP_SYNCFS = 50,
	OP_TMPFILE = 51,
	OP_STATX = 52,
	OP_COUNT
};

/* Bits of INIT's flags; from 32 on they travel in flags2, and only next to INIT_EXT. */
#define INIT_ASYNC_READ (1ull << 0)
#define INIT_EXPORT_SUPPORT (1ull << 4) /* look-ups of "." and ".." make nodeids permanent */
#define INIT_DO_READDIRPLUS (1ull << 13)
#define INIT_NO_OPEN_SUPPORT (1ull << 17)
#define INIT_PARALLEL_DIROPS (1ull << 18)
#define INIT_POSIX_ACL (1ull << 20)
#define INIT_ABORT_ERROR (1ull << 21) /* reads fail with ECONNABORTED after an abort by hand */
#define INIT_MAX_PAGES (1ull << 22)
#define INIT_CACHE_SYMLINKS (1ull << 23)
#define INIT_NO_OPENDIR_SUPPORT (1ull << 24)
#define INIT_EXT (1ull << 30)
#define INIT_PASSTHROUGH (1ull << 37)   /* OPEN may name a file to read from instead */
#define INIT_HAS_RESEND (1ull << 39)    /* Linux 6.9: NOTIFY_RESEND is understood */
#define INIT_OVER_IO_URING (1ull << 41) /* Linux 6.14, when enable_uring of the module is set */

#define OPEN_REPLY_KEEP_CACHE (1u << 1)
#define OPEN_REPLY_PASSTHROUGH (1u << 7) /* backing_id is what to read */

/* Of the FUSE descriptor (Linux 6.9). The first gives an id; both need CAP_SYS_ADMIN. */
struct abi_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
_Static_assert(sizeof(struct abi_backing_map) == 16, "as the kernel says");

#define ABI_IOCTL_BACKING_OPEN _IOW(229, 1, struct abi_backing_map)
#define ABI_IOCTL_BACKING_CLOSE _IOW(229, 2, uint32_t)

struct abi_request {
	uint32_t size; /* of the whole request */
	uint32_t opcode;
	uint64_t unique;
	uint64_t nodeid;
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	uint16_t extension_size; /* in units of 8 bytes, at the end; only of requests that create */
	uint16_t padding;
};
_Static_assert(sizeof(struct abi_request) == 40, "as the kernel says");

struct abi_reply {
	uint32_t size;
	int32_t error; /* 0, or a negative errno above -512 */
	uint64_t unique;
};
_Static_assert(sizeof(struct abi_reply) == 16, "as the kernel says");

/*
 * A reply that answers nothing (unique is 0) has a notification in the place of its error. This one
 * has the kernel send again what was read and not answered (Linux 6.9); such a request has the
 * highest bit of unique set, and so has its reply.
 */
#define NOTIFY_RESEND 7

struct abi_init_request {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	/* Since 7.36; 48 bytes in all, of which only these are used. */
	uint32_t flags2;
	uint32_t unused[11];
};
_Static_assert(sizeof(struct abi_init_request) == 64, "as the kernel says");

#define ABI_INIT_REQUEST_SIZE_MIN 16 /* up to flags */

struct abi_init_reply {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran; /* ns */
	uint16_t max_pages; /* of one READ */
	uint16_t map_alignment;
	uint32_t flags2;
	uint32_t max_stack_depth;
	uint16_t request_timeout;
	uint16_t unused[11];
};
_Static_assert(sizeof(struct abi_init_reply) == 64, "as the kernel says");

struct abi_attributes {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	int64_t atime;
	int64_t mtime;
	int64_t ctime;
	uint32_t atime_nsec;
	uint32_t mtime_nsec;
	uint32_t ctime_nsec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev;
	uint32_t block_size;
	uint32_t flags;
};
_Static_assert(sizeof(struct abi_attributes) == 88, "as the kernel says");

/* Reply of LOOKUP. nodeid 0: there is no such name, and that may be cached. */
struct abi_entry {
	uint64_t nodeid;
	uint64_t generation;
	uint64_t entry_valid; /* seconds */
	uint64_t attributes_valid;
	uint32_t entry_valid_nsec;
	uint32_t attributes_valid_nsec;
	struct abi_attributes attributes;
};
_Static_assert(sizeof(struct abi_entry) == 128, "as the kernel says");

struct abi_getattr_request {
	uint32_t flags;
	uint32_t unused;
	uint64_t handle;
};
_Static_assert(sizeof(struct abi_getattr_request) == 16, "as the kernel says");

struct abi_getattr_reply {
	uint64_t attributes_valid; /* seconds */
	uint32_t attributes_valid_nsec;
	uint32_t unused;
	struct abi_attributes attributes;
};
_Static_assert(sizeof(struct abi_getattr_reply) == 104, "as the kernel says");

struct abi_open_request {
	uint32_t flags; /* of open(2) */
	uint32_t open_flags;
};
_Static_assert(sizeof(struct abi_open_request) == 8, "as the kernel says");

struct abi_open_reply {
	uint64_t handle;
	uint32_t open_flags;
	int32_t backing_id;
};
_Static_assert(sizeof(struct abi_open_reply) == 16, "as the kernel says");

struct abi_release_request {
	uint64_t handle;
	uint32_t flags;
	uint32_t release_flags;
	uint64_t lock_owner;
};
_Static_assert(sizeof(struct abi_release_request) == 24, "as the kernel says");

/* Of READ, READDIR and READDIRPLUS. */
struct abi_read_request {
	uint64_t handle;
	uint64_t offset;
	uint32_t size;
	uint32_t read_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};
_Static_assert(sizeof(struct abi_read_request) == 40, "as the kernel says");

/* Of GETXATTR, which has a name behind it, and LISTXATTR. size 0 asks for the size alone. */
struct abi_xattr_request {
	uint32_t size;
	uint32_t padding;
};
_Static_assert(sizeof(struct abi_xattr_request) == 8, "as the kernel says");

struct abi_xattr_size_reply {
	uint32_t size;
	uint32_t padding;
};
_Static_assert(sizeof(struct abi_xattr_size_reply) == 8, "as the kernel says");

/* The name follows, then zeros up to a multiple of 8. READDIRPLUS has an abi_entry in front. */
struct abi_dirent {
	uint64_t ino;
	uint64_t next; /* the offset to go on from */
	uint32_t name_size;
	uint32_t type; /* DT_* of readdir(3) */
};
_Static_assert(sizeof(struct abi_dirent) == 24, "as the kernel says");

struct abi_statfs_reply {
	uint64_t blocks;
	uint64_t blocks_free;
	uint64_t blocks_available;
	uint64_t files;
	uint64_t files_free;
	uint32_t block_size;
	uint32_t name_max;
	uint32_t fragment_size;
	uint32_t padding;
	uint32_t unused[6];
};
_Static_assert(sizeof(struct abi_statfs_reply) == 80, "as the kernel says");

struct abi_lseek_request {
	uint64_t handle;
	uint64_t offset;
	uint32_t whence;
	uint32_t padding;
};
_Static_assert(sizeof(struct abi_lseek_request) == 24, "as the kernel says");

struct abi_lseek_reply {
	uint64_t offset;
};
_Static_assert(sizeof(struct abi_lseek_reply) == 8, "as the kernel says");

/*
 * FUSE over io_uring (Linux 6.14). An entry is registered with two buffers: this header, then the
 * payload, which has the names of the request, then the body of the reply.
 */
struct abi_ring_place {
	uint64_t flags;
	uint64_t commit_id; /* to be given back with the reply */
	uint32_t payload_size;
	uint32_t padding;
	uint64_t unused;
};
_Static_assert(sizeof(struct abi_ring_place) == 32, "as the kernel says");

struct abi_ring_header {
	uint8_t head[128];      /* abi_request, then abi_reply */
	uint8_t arguments[128]; /* what stands before the names */
	struct abi_ring_place place;
};
_Static_assert(sizeof(struct abi_ring_header) == 288, "as the kernel says");

/* In the command area of a submission entry of 128 bytes. */
struct abi_ring_command {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t queue; /* a possible CPU */
	uint8_t padding[6];
};
_Static_assert(sizeof(struct abi_ring_command) == 24, "as the kernel says");

#define ABI_SQE_SIZE 128
#define ABI_SQE_COMMAND_OFFSET 48 /* Linux, include/uapi/linux/io_uring.h, io_uring_sqe.cmd */

enum abi_ring_operation {
	ABI_RING_REGISTER = 1,
	ABI_RING_COMMIT_AND_FETCH = 2,
};

#endif
