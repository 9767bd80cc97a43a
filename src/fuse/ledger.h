/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ledger.h - what a server leaves behind for the one that takes its place
 *
 * Memory that a supervisor shares with its servers, one after the other: what was negotiated with
 * the kernel, which asks but once, and how far each thread has come, so that a server that hangs or
 * never gets anywhere is noticed. A thread writes its own slot and nobody else's.
 *
 * A server can take over where the kernel can be told to send again what was not answered
 * (FUSE_NOTIFY_RESEND, Linux 6.9), and only what came over /dev/fuse: requests that were on a ring
 * are lost with it, and so are the backing ids of files that are open for passthrough.
 */
#ifndef LAMINA_FUSE_LEDGER_H
#define LAMINA_FUSE_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LEDGER_SLOT_COUNT 256 /* as many threads as a session has */

struct ledger_slot {
	_Alignas(64) _Atomic uint64_t taken; /* requests */
	_Atomic uint64_t done;               /* of them: answered, or wanting no answer */
};

struct fuse_ledger {
	atomic_bool is_negotiated;
	uint32_t kernel_minor; /* valid with is_negotiated, as is the next */
	uint64_t flags;
	struct ledger_slot slots[LEDGER_SLOT_COUNT];
};

/* Shared with children. Returns 0 or -errno. */
int fuse_ledger_new(struct fuse_ledger **ret);
void fuse_ledger_free(struct fuse_ledger *ledger); /* NULL is fine */

/* Whether another server could go on where one ended. */
bool fuse_ledger_can_resume(const struct fuse_ledger *ledger);

/* How many requests were answered, by all servers so far. */
uint64_t fuse_ledger_done(const struct fuse_ledger *ledger);

/* What a supervisor remembers between two looks. */
struct ledger_watch {
	uint64_t taken[LEDGER_SLOT_COUNT];
	uint64_t done[LEDGER_SLOT_COUNT];
	bool was_waiting;
};

/*
 * Whether a thread has had the same request in hand since the last look, or requests waited then
 * and now (is_waiting) and no thread has done anything in between; remembers this look.
 */
bool fuse_ledger_is_stuck(const struct fuse_ledger *ledger, struct ledger_watch *watch,
			  bool is_waiting);

/* Before a new server: what the last one had in hand it will not answer. */
void fuse_ledger_forget(struct fuse_ledger *ledger, struct ledger_watch *watch);

static inline void ledger_count(_Atomic uint64_t *count)
{
	uint64_t now = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, now + 1, memory_order_relaxed);
}

#endif
