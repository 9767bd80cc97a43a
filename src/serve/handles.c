/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/handles.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/fd.h"

/* More files than any container has open; bounds the table, of which only used pages exist. */
#define HANDLES_MAX 65536
#define OTHER_DESCRIPTORS 32 /* the device, the object directories, the standard streams */

struct slot {
	_Atomic uint64_t nodeid; /* 0: free */
	int fd;                  /* owned, unless free */
	uint32_t next_free;      /* guarded by lock; number of a slot from 1, 0 at the end */
};

struct handles {
	size_t count;
	pthread_mutex_t lock;
	/* guarded by lock: */
	uint32_t first_free; /* of slots that were used before */
	uint32_t used_count; /* slots from here on were never used */
	struct slot slots[];
};

static size_t count_wanted(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * OTHER_DESCRIPTORS)
		return OTHER_DESCRIPTORS;
	limit.rlim_cur -= OTHER_DESCRIPTORS;
	return limit.rlim_cur < HANDLES_MAX ? (size_t)limit.rlim_cur : HANDLES_MAX;
}

struct handles *handles_new(void)
{
	size_t count = count_wanted();
	struct handles *handles = calloc(1, sizeof(*handles) + count * sizeof(handles->slots[0]));

	if (!handles)
		return NULL;
	handles->count = count;
	(void)pthread_mutex_init(&handles->lock, NULL);
	return handles;
}

void handles_free(struct handles *handles)
{
	if (!handles)
		return;
	for (size_t i = 0; i < handles->used_count; i++) {
		if (handles->slots[i].nodeid)
			fd_close(handles->slots[i].fd);
	}
	(void)pthread_mutex_destroy(&handles->lock);
	free(handles);
}

uint64_t handles_add(struct handles *handles, uint64_t nodeid, int fd)
{
	uint32_t number = 0;

	(void)pthread_mutex_lock(&handles->lock);
	if (handles->first_free) {
		number = handles->first_free;
		handles->first_free = handles->slots[number - 1].next_free;
	} else if (handles->used_count < handles->count) {
		number = ++handles->used_count;
	}
	if (number) {
		handles->slots[number - 1].fd = fd;
		/* Whoever sees the nodeid sees the descriptor. */
		atomic_store_explicit(&handles->slots[number - 1].nodeid, nodeid,
				      memory_order_release);
	}
	(void)pthread_mutex_unlock(&handles->lock);
	return number;
}

static struct slot *slot_find(struct handles *handles, uint64_t handle, uint64_t nodeid)
{
	struct slot *slot;

	if (handle == 0 || handle > handles->count || nodeid == 0)
		return NULL;
	slot = &handles->slots[handle - 1];
	return atomic_load_explicit(&slot->nodeid, memory_order_acquire) == nodeid ? slot : NULL;
}

int handles_find(struct handles *handles, uint64_t handle, uint64_t nodeid)
{
	struct slot *slot = slot_find(handles, handle, nodeid);

	return slot ? slot->fd : -1;
}

void handles_remove(struct handles *handles, uint64_t handle, uint64_t nodeid)
{
	struct slot *slot;
	int fd = -1;

	(void)pthread_mutex_lock(&handles->lock);
	slot = slot_find(handles, handle, nodeid);
	if (slot) {
		fd = slot->fd;
		atomic_store_explicit(&slot->nodeid, 0, memory_order_relaxed);
		slot->next_free = handles->first_free;
		handles->first_free = (uint32_t)handle;
	}
	(void)pthread_mutex_unlock(&handles->lock);
	fd_close(fd);
}
