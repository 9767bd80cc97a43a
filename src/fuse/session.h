/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * session.h - a connection to the kernel's FUSE client
 *
 * Takes requests from a descriptor of /dev/fuse, or from io_uring where that is offered, checks
 * their form, hands them to the handlers of a file system this room knows nothing about, and
 * replies. Read-only: opcodes that would change something are answered -EROFS here. Protocol:
 * Linux 6.18, include/uapi/linux/fuse.h, 7.31 to 7.45.
 */
#ifndef LAMINA_FUSE_SESSION_H
#define LAMINA_FUSE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */
struct fuse_ledger;
struct fuse_reply; /* fuse/reply.h: where a handler puts its answer; one buffer a thread */

struct fuse_attributes {
	uint64_t ino;
	uint64_t size;
	int64_t mtime_sec; /* shown as atime and ctime too */
	uint32_t mtime_nsec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev; /* new_encode_dev */
};

struct fuse_statfs {
	uint64_t blocks; /* of block_size */
	uint64_t files;
	uint32_t block_size;
	uint32_t name_max;
};

/*
 * What a file system answers. nodeid 1 is the root. Handlers return 0 or a negative errno, which is
 * what the caller of the system call gets; they run on several threads at once and must not block
 * on this mount. Answers that have a size go through reply_*() of fuse/reply.h.
 */
struct fuse_handlers {
	int (*lookup)(void *fs, uint64_t parent, struct span name, uint64_t *ret_nodeid,
		      struct fuse_attributes *ret);
	int (*getattr)(void *fs, uint64_t nodeid, struct fuse_attributes *ret);
	int (*readlink)(void *fs, uint64_t nodeid, struct span *ret);
	/*
	 * Only where files are opened at all. *ret_fd is a file with the same contents, which the
	 * caller then owns, or -1 where read() has to be asked.
	 */
	int (*open)(void *fs, uint64_t nodeid, int *ret_fd);
	/*
	 * Whether the contents of a file can be read. Returns 0, why not, or -ENOSYS: those of all
	 * files can, and nobody has to ask any more. May wait, with reply_will_block().
	 */
	int (*find)(void *fs, uint64_t nodeid, struct fuse_reply *reply);
	int (*read)(void *fs, uint64_t nodeid, uint64_t offset, size_t size,
		    struct fuse_reply *reply);
	/* Entries from position on, until reply_dirent() says that the reply is full. */
	int (*readdir)(void *fs, uint64_t nodeid, uint64_t position, bool plus,
		       struct fuse_reply *reply);
	int (*getxattr)(void *fs, uint64_t nodeid, struct span key, struct fuse_reply *reply);
	int (*listxattr)(void *fs, uint64_t nodeid, struct fuse_reply *reply);
	int (*statfs)(void *fs, struct fuse_statfs *ret);
	/* SEEK_DATA and SEEK_HOLE; NULL: the kernel treats every file as all data. */
	int (*lseek)(void *fs, uint64_t nodeid, uint64_t offset, int whence, uint64_t *ret);
};

enum fuse_transport {
	FUSE_TRANSPORT_AUTO, /* io_uring where kernel and administrator offer it */
	FUSE_TRANSPORT_DEVICE,
	FUSE_TRANSPORT_RING, /* or not at all */
};

struct fuse_config {
	const struct fuse_handlers *handlers;
	void *fs;
	enum fuse_transport transport;
	unsigned int queue_count;  /* of fuse_queue_count(); 0: no io_uring */
	bool keeps_awake;          /* spin on idle CPUs in a burst (fuse/keeper.h) */
	unsigned int thread_count; /* that read from /dev/fuse; 0: one per CPU, at most 4 */
	/*
	 * Requests that the kernel sends ahead of readers, before it has readers wait; 0: its own
	 * limit, 12 (Linux, fs/fuse/inode.c, FUSE_DEFAULT_MAX_BACKGROUND).
	 */
	uint16_t background_count;
	/*
	 * Open files by a round trip each, so that open(2) fails where find() says so; until it
	 * says -ENOSYS.
	 */
	bool opens_files;
	/* Let the kernel read the files that open() gives, where it takes them (CAP_SYS_ADMIN). */
	bool passes_through;
	/*
	 * Shared with a supervisor (fuse/ledger.h); NULL: none. A session whose ledger says that a
	 * connection is negotiated goes on with it. Requests come over /dev/fuse only.
	 */
	struct fuse_ledger *ledger;
	bool has_acl; /* the kernel evaluates system.posix_acl_* of this file system */
};

/* How many CPUs the kernel could have, for io_uring. Reads /sys; 0 when that does not tell. */
unsigned int fuse_queue_count(void);

/*
 * Whether keeping idle CPUs awake is worth it: the machine has few, and no cgroup has a quota that
 * the client would pay. Reads /sys and /proc.
 */
bool fuse_may_spin(void);

struct fuse_session;

/* fd is a descriptor of /dev/fuse, taken on success. Nothing is read yet. */
int fuse_session_new(int fd, const struct fuse_config *config, struct fuse_session **ret,
		     struct diag *why);

/*
 * Serve until the file system is unmounted (returns 0), the connection breaks, or
 * fuse_session_stop(). ready, when not NULL, is called once, when INIT has been answered.
 */
int fuse_session_run(struct fuse_session *session, void (*ready)(void *), void *context,
		     struct diag *why);

/* How it turned out; known once ready() is called. */
bool fuse_session_uses_ring(const struct fuse_session *session);
bool fuse_session_passes_through(const struct fuse_session *session);

/* Make fuse_session_run() return; async-signal-safe. */
void fuse_session_stop(struct fuse_session *session);
void fuse_session_free(struct fuse_session *session); /* NULL is fine */

#endif
