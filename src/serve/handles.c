/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/handles.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Linux' default fs.nr_open: no descriptor is above it unless an administrator has raised that. */
#define SLOTS_MAX (1u << 20)

struct slot {
	_Atomic uint64_t handle; /* HANDLE_NONE: free; published after nodeid */
	_Atomic uint64_t nodeid;
};

struct handles {
	struct slot *slots; /* owned; by descriptor. Mapped, so only what is used takes memory */
	uint32_t count;
	atomic_uint used; /* slots from here on were never used */
	_Atomic uint32_t openings;
};

int handles_new(struct handles **ret)
{
	CLEAN(memory_freep) struct handles *handles = calloc(1, sizeof(*handles));
	struct rlimit limit;

	if (!handles)
		return -ENOMEM;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	handles->count = limit.rlim_max < SLOTS_MAX ? (uint32_t)limit.rlim_max : SLOTS_MAX;
	handles->slots = mmap(NULL, handles->count * sizeof(struct slot), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (handles->slots == MAP_FAILED)
		return -errno;
	*ret = TAKE(handles);
	return 0;
}

void handles_free(struct handles *handles)
{
	if (!handles)
		return;
	for (uint32_t fd = 0; fd < atomic_load(&handles->used); fd++) {
		if (atomic_load(&handles->slots[fd].handle) != HANDLE_NONE)
			fd_close((int)fd);
	}
	(void)munmap(handles->slots, handles->count * sizeof(struct slot));
	free(handles);
}

static void raise_used(struct handles *handles, uint32_t used)
{
	uint32_t now = atomic_load(&handles->used);

	while (now < used && !atomic_compare_exchange_weak(&handles->used, &now, used))
		;
}

int handles_add(struct handles *handles, int fd, uint64_t nodeid, uint64_t *ret)
{
	uint64_t handle, opening;

	if ((uint32_t)fd >= handles->count)
		return -ENFILE;
	do {
		opening = atomic_fetch_add(&handles->openings, 1);
		handle = opening << 32 | (uint32_t)fd;
	} while (handle == HANDLE_NONE);
	atomic_store(&handles->slots[fd].nodeid, nodeid);
	atomic_store(&handles->slots[fd].handle, handle);
	raise_used(handles, (uint32_t)fd + 1);
	*ret = handle;
	return 0;
}

int handles_find(const struct handles *handles, uint64_t handle, uint64_t nodeid)
{
	uint32_t fd = (uint32_t)handle;

	if (handle == HANDLE_NONE || fd >= handles->count ||
	    atomic_load(&handles->slots[fd].handle) != handle ||
	    atomic_load(&handles->slots[fd].nodeid) != nodeid)
		return -ESTALE;
	return (int)fd;
}

void handles_release(struct handles *handles, uint64_t handle, uint64_t nodeid)
{
	int fd = handles_find(handles, handle, nodeid);

	/* The slot is free before its descriptor: the next owner of the number must not be thrown
	 * out. */
	if (fd >= 0 && atomic_compare_exchange_strong(&handles->slots[fd].handle, &handle,
						      (uint64_t)HANDLE_NONE))
		fd_close(fd);
}
