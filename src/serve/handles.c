/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/handles.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Linux' default fs.nr_open: no descriptor is above it unless an administrator has raised that. */
#define SLOTS_MAX (1u << 20)

struct slot {
	_Atomic uint64_t handle; /* HANDLE_NONE: released, or never used */
	_Atomic uint64_t nodeid;
	/* The handle's own and those of borrowers; whoever takes the last one away closes. */
	atomic_uint users;
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
	/* The number is ours alone: it was closed, and so without users, before we got it. */
	atomic_store(&handles->slots[fd].nodeid, nodeid);
	atomic_store(&handles->slots[fd].handle, handle);
	atomic_store(&handles->slots[fd].users, 1);
	raise_used(handles, (uint32_t)fd + 1);
	*ret = handle;
	return 0;
}

static bool slot_borrow(struct slot *slot)
{
	unsigned int users = atomic_load(&slot->users);

	while (users && !atomic_compare_exchange_weak(&slot->users, &users, users + 1))
		;
	return users;
}

void handles_return(struct handles *handles, int fd)
{
	if (atomic_fetch_sub(&handles->slots[fd].users, 1) == 1)
		fd_close(fd);
}

int handles_borrow(struct handles *handles, uint64_t handle, uint64_t nodeid)
{
	uint32_t fd = (uint32_t)handle;
	struct slot *slot;

	if (handle == HANDLE_NONE || fd >= handles->count)
		return -ESTALE;
	slot = &handles->slots[fd];
	if (!slot_borrow(slot))
		return -ESTALE;
	/* Looked at only now that the slot cannot get another owner. */
	if (atomic_load(&slot->handle) == handle && atomic_load(&slot->nodeid) == nodeid)
		return (int)fd;
	handles_return(handles, (int)fd);
	return -ESTALE;
}

void handles_release(struct handles *handles, uint64_t handle, uint64_t nodeid)
{
	int fd = handles_borrow(handles, handle, nodeid);

	if (fd < 0)
		return;
	if (atomic_compare_exchange_strong(&handles->slots[fd].handle, &handle,
					   (uint64_t)HANDLE_NONE))
		handles_return(handles, fd);
	handles_return(handles, fd);
}
