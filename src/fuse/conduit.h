/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * conduit.h - a pipe through which pages of a file reach the kernel without a copy of ours
 *
 * The kernel copies them once, into the pages of the mount; pread(2) and writev(2) copy twice.
 * docs/decisions/0022 has when that is worth the two system calls more. Owned by one thread.
 */
#ifndef LAMINA_FUSE_CONDUIT_H
#define LAMINA_FUSE_CONDUIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct abi_reply; /* fuse/abi.h */

/* CONDUIT_CLOSED, or open. */
struct conduit {
	int read_fd, write_fd; /* owned; -1: none yet */
	size_t size;           /* bytes in it */
	bool is_no_use;        /* this process gets no pipes, or its files no splice(2) */
};

#define CONDUIT_CLOSED ((struct conduit){.read_fd = -1, .write_fd = -1})

/* Fewer bytes are as fast by pread(2). */
#define CONDUIT_SIZE_MIN (64u << 10)

/*
 * Put a reply into it: the head, and size bytes of the file from offset on, as many as the head
 * says. What was in it before is thrown away. Returns false, with nothing in it, where that cannot
 * be had: the file is shorter, or whatever else pread(2) will find out.
 */
bool conduit_fill(struct conduit *conduit, const struct abi_reply *head, int fd, uint64_t offset,
		  size_t size);

/* Send what is in it as one reply. Returns 0 or -errno; it is empty in any case. */
int conduit_send(struct conduit *conduit, int device_fd);

void conduit_close(struct conduit *conduit);

#endif
