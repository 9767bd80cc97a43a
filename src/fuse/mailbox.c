/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/mailbox.h"

#include <sched.h>
#include <string.h>

enum mailbox_state {
	MAILBOX_CLOSED,
	MAILBOX_EMPTY,
	MAILBOX_FILLING, /* the thread that made it so writes */
	MAILBOX_FULL     /* the owner reads */
};

void mailbox_open(struct mailbox *mailbox)
{
	atomic_store_explicit(&mailbox->state, MAILBOX_EMPTY, memory_order_release);
}

bool mailbox_put(struct mailbox *mailbox, struct span request)
{
	unsigned int state = MAILBOX_EMPTY;

	if (request.size == 0 || request.size > sizeof(mailbox->bytes) ||
	    !atomic_compare_exchange_strong_explicit(&mailbox->state, &state, MAILBOX_FILLING,
						     memory_order_acquire, memory_order_relaxed))
		return false;
	memcpy(mailbox->bytes, request.data, request.size);
	mailbox->size = (uint32_t)request.size;
	atomic_store_explicit(&mailbox->state, MAILBOX_FULL, memory_order_release);
	return true;
}

static size_t empty_to(struct mailbox *mailbox, uint8_t *buffer, enum mailbox_state next)
{
	size_t size = mailbox->size;

	memcpy(buffer, mailbox->bytes, size);
	atomic_store_explicit(&mailbox->state, next, memory_order_release);
	return size;
}

size_t mailbox_take(struct mailbox *mailbox, uint8_t *buffer)
{
	if (atomic_load_explicit(&mailbox->state, memory_order_acquire) != MAILBOX_FULL)
		return 0;
	return empty_to(mailbox, buffer, MAILBOX_EMPTY);
}

size_t mailbox_close(struct mailbox *mailbox, uint8_t *buffer)
{
	unsigned int state = MAILBOX_EMPTY;

	while (!atomic_compare_exchange_strong_explicit(&mailbox->state, &state, MAILBOX_CLOSED,
							memory_order_acquire,
							memory_order_acquire)) {
		if (state == MAILBOX_CLOSED)
			return 0;
		if (state == MAILBOX_FULL)
			return empty_to(mailbox, buffer, MAILBOX_CLOSED);
		/* Being filled: some hundred bytes, but who does it may have lost its CPU. */
		(void)sched_yield();
		state = MAILBOX_EMPTY;
	}
	return 0;
}
