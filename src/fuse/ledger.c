/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/ledger.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fuse/abi.h"

int fuse_ledger_new(struct fuse_ledger **ret)
{
	void *memory = mmap(NULL, sizeof(struct fuse_ledger), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory; /* all zero: nothing negotiated, nothing done */
	return 0;
}

void fuse_ledger_free(struct fuse_ledger *ledger)
{
	if (ledger)
		(void)munmap(ledger, sizeof(*ledger));
}

bool fuse_ledger_can_resume(const struct fuse_ledger *ledger)
{
	return atomic_load(&ledger->is_negotiated) && (ledger->flags & INIT_HAS_RESEND) &&
	       !(ledger->flags & (INIT_OVER_IO_URING | INIT_PASSTHROUGH));
}

uint64_t fuse_ledger_done(const struct fuse_ledger *ledger)
{
	uint64_t done = 0;

	for (int i = 0; i < LEDGER_SLOT_COUNT; i++)
		done += atomic_load_explicit(&ledger->slots[i].done, memory_order_relaxed);
	return done;
}

bool fuse_ledger_is_stuck(const struct fuse_ledger *ledger, struct ledger_watch *watch,
			  bool is_waiting)
{
	bool is_stuck = false, has_moved = false;

	for (int i = 0; i < LEDGER_SLOT_COUNT; i++) {
		const struct ledger_slot *slot = &ledger->slots[i];
		uint64_t done = atomic_load_explicit(&slot->done, memory_order_relaxed);
		uint64_t taken = atomic_load_explicit(&slot->taken, memory_order_relaxed);

		if (taken != watch->taken[i] || done != watch->done[i])
			has_moved = true;
		else if (taken != done)
			is_stuck = true;
		watch->taken[i] = taken;
		watch->done[i] = done;
	}
	if (is_waiting && watch->was_waiting && !has_moved)
		is_stuck = true;
	watch->was_waiting = is_waiting;
	return is_stuck;
}

void fuse_ledger_forget(struct fuse_ledger *ledger, struct ledger_watch *watch)
{
	for (int i = 0; i < LEDGER_SLOT_COUNT; i++)
		atomic_store(&ledger->slots[i].taken, atomic_load(&ledger->slots[i].done));
	memset(watch, 0, sizeof(*watch));
}
