/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/clients.h"

/* Of all requests: fewer changes than that are clients one after the other. */
#define CHANGES_PART 4

/* Of all requests: who asked less was only passing by. */
#define SHARE_PART 16

void clients_see(struct clients *clients, uint32_t task)
{
	clients->count++;
	if (clients->requests[clients->last] > 0 && clients->task[clients->last] == task) {
		clients->requests[clients->last]++;
		return;
	}
	clients->changes++;
	for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->requests[i] == 0)
			clients->task[i] = task;
		if (clients->task[i] == task) {
			clients->requests[i]++;
			clients->last = i;
			return;
		}
	}
}

unsigned int clients_at_once(struct clients *clients)
{
	unsigned int at_once = 0;

	if (clients->changes >= clients->count / CHANGES_PART) {
		for (uint32_t i = 0; i < CLIENTS_MAX; i++)
			at_once += clients->requests[i] > clients->count / SHARE_PART;
	}
	*clients = (struct clients){0};
	return at_once > 0 ? at_once : 1;
}
