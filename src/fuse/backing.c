/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * backing.c - a hash of the inodes that are open, with linear probing
 */
#include "fuse/backing.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/trace.h"
#include "fuse/abi.h"

#define CAPACITY_MIN 64

struct backing {
	uint64_t nodeid; /* 0: free */
	int32_t id;
	uint32_t openings;
};

/* OPEN and RELEASE are the only ones to lock it, and for memory only. */
struct backings {
	pthread_mutex_t lock;
	int fuse_fd;
	/* under lock: */
	struct backing *slots; /* owned */
	uint32_t capacity;     /* a power of two, at least twice the count */
	uint32_t count;
};

int backings_new(int fuse_fd, struct backings **ret)
{
	CLEAN(memory_freep) struct backings *backings = calloc(1, sizeof(*backings));

	if (!backings)
		return -ENOMEM;
	backings->slots = calloc(CAPACITY_MIN, sizeof(backings->slots[0]));
	if (!backings->slots)
		return -ENOMEM;
	backings->capacity = CAPACITY_MIN;
	backings->fuse_fd = fuse_fd;
	(void)pthread_mutex_init(&backings->lock, NULL);
	*ret = TAKE(backings);
	return 0;
}

static uint32_t slot_of(uint64_t nodeid, uint32_t capacity)
{
	/* Fibonacci hashing: nodeids ascend in steps that are often alike. */
	return (uint32_t)(nodeid * 0x9e3779b97f4a7c15ull >> 32) & (capacity - 1);
}

/* The slot of nodeid, or the free one where it belongs. */
static struct backing *find_locked(const struct backings *backings, uint64_t nodeid)
{
	uint32_t slot = slot_of(nodeid, backings->capacity);

	while (backings->slots[slot].nodeid && backings->slots[slot].nodeid != nodeid)
		slot = (slot + 1) & (backings->capacity - 1);
	return &backings->slots[slot];
}

static int grow_locked(struct backings *backings)
{
	struct backing *old = backings->slots;
	uint32_t old_capacity = backings->capacity;

	if (backings->count >= BACKINGS_MAX)
		return -ENFILE;
	if ((backings->count + 1) * 2 <= old_capacity)
		return 0;
	backings->slots = calloc((size_t)old_capacity * 2, sizeof(*old));
	if (!backings->slots) {
		backings->slots = old;
		return -ENOMEM;
	}
	backings->capacity = old_capacity * 2;
	for (uint32_t i = 0; i < old_capacity; i++) {
		if (old[i].nodeid)
			*find_locked(backings, old[i].nodeid) = old[i];
	}
	free(old);
	return 0;
}

static void id_close(const struct backings *backings, int32_t id)
{
	uint32_t number = (uint32_t)id;

	if (id != BACKING_NONE && ioctl(backings->fuse_fd, ABI_IOCTL_BACKING_CLOSE, &number) < 0)
		TRACE("fuse", "backing %d cannot be closed: errno %d", id, errno);
}

/* The id of a file. Where the kernel does not take it, it is read by READ: never an error. */
static int32_t id_open(const struct backings *backings, int fd)
{
	struct abi_backing_map map = {.fd = fd};
	int id = ioctl(backings->fuse_fd, ABI_IOCTL_BACKING_OPEN, &map);

	if (id > 0)
		return id;
	TRACE("fuse", "no passthrough: errno %d", errno);
	return BACKING_NONE;
}

/* One opening more of an entry that is there. Returns whether it is. */
static bool count_opening(struct backings *backings, uint64_t nodeid, int32_t *ret_id)
{
	struct backing *backing;
	bool found;

	(void)pthread_mutex_lock(&backings->lock);
	backing = find_locked(backings, nodeid);
	found = backing->nodeid;
	if (found) {
		backing->openings++;
		*ret_id = backing->id;
	}
	(void)pthread_mutex_unlock(&backings->lock);
	return found;
}

/* Enter id, unless another thread was faster: then its id is the right one, and ours goes back. */
static int enter_opening(struct backings *backings, uint64_t nodeid, int32_t id, int32_t *ret_id)
{
	struct backing *backing;
	int r;

	(void)pthread_mutex_lock(&backings->lock);
	r = grow_locked(backings);
	if (r == 0) {
		backing = find_locked(backings, nodeid);
		if (!backing->nodeid) {
			*backing = (struct backing){.nodeid = nodeid, .id = id};
			backings->count++;
			id = BACKING_NONE;
		}
		backing->openings++;
		*ret_id = backing->id;
	}
	(void)pthread_mutex_unlock(&backings->lock);
	id_close(backings, id);
	return r;
}

int backings_open(struct backings *backings, uint64_t nodeid,
		  int (*open_file)(void *context, uint64_t nodeid, int *ret_fd), void *context,
		  int32_t *ret_id)
{
	CLEAN(fd_closep) int fd = -1;
	int r;

	if (count_opening(backings, nodeid, ret_id))
		return 0;
	/* Not under the lock: it may wait for a disk. */
	r = open_file(context, nodeid, &fd);
	if (r < 0)
		return r;
	return enter_opening(backings, nodeid, fd < 0 ? BACKING_NONE : id_open(backings, fd),
			     ret_id);
}

/* Free a slot, moving back what was only pushed on by it. */
static void remove_locked(struct backings *backings, struct backing *backing)
{
	uint32_t mask = backings->capacity - 1;
	uint32_t hole = (uint32_t)(backing - backings->slots);

	for (uint32_t at = (hole + 1) & mask; backings->slots[at].nodeid; at = (at + 1) & mask) {
		uint32_t home = slot_of(backings->slots[at].nodeid, backings->capacity);

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			backings->slots[hole] = backings->slots[at];
			hole = at;
		}
	}
	backings->slots[hole] = (struct backing){0};
	backings->count--;
}

void backings_release(struct backings *backings, uint64_t nodeid)
{
	struct backing *backing;

	(void)pthread_mutex_lock(&backings->lock);
	backing = find_locked(backings, nodeid);
	/* A RELEASE of something that was not opened: not from a kernel. */
	if (backing->nodeid && --backing->openings == 0) {
		id_close(backings, backing->id);
		remove_locked(backings, backing);
	}
	(void)pthread_mutex_unlock(&backings->lock);
}

void backings_free(struct backings *backings)
{
	if (!backings)
		return;
	for (uint32_t i = 0; i < backings->capacity; i++) {
		if (backings->slots[i].nodeid)
			id_close(backings, backings->slots[i].id);
	}
	free(backings->slots);
	(void)pthread_mutex_destroy(&backings->lock);
	free(backings);
}
