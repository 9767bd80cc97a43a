/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tiny.h - the smallest FUSE server: a root with files of one digit, of which names stay known
 *
 * For measuring what the kernel's side of something costs, whatever a server does besides.
 */
#ifndef LAMINA_BENCH_TINY_H
#define LAMINA_BENCH_TINY_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>

#define TINY_BUFFER_SIZE (1 << 17) /* for one request */

/* What the server has to say. */
struct tiny {
	uint64_t file_size;
	uint32_t readahead; /* bytes that the kernel reads at once, at most 128 KiB */
	/* Has to reply to READ; NULL: nobody reads. */
	void (*read)(void *context, int fd, uint64_t unique, const struct fuse_read_in *asked);
};

/* Mount at a folder that is made, as root or root of a user and mount namespace. Returns /dev/fuse.
 */
int tiny_mount(const char *path, const struct tiny *tiny);
void tiny_unmount(const char *path);

/*
 * Take one request and answer it; context is for read(). Returns false when none was there; ends
 * the thread with the connection.
 */
bool tiny_step(const struct tiny *tiny, int fd, char *buffer, void *context);

#endif
