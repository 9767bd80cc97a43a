/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * clients.h - how many clients ask at once
 *
 * One that asks and then another are one after the other; two whose requests alternate are there at
 * once. Told from the task numbers that the kernel puts into its requests. Owned by one thread.
 */
#ifndef LAMINA_FUSE_CLIENTS_H
#define LAMINA_FUSE_CLIENTS_H

#include <stdint.h>

/* As many as are told apart: there are never more CPUs to care for (fuse/cpus.h). */
#define CLIENTS_MAX 4

struct clients {
	uint32_t task[CLIENTS_MAX];
	uint32_t requests[CLIENTS_MAX]; /* of each; 0: nobody there */
	uint32_t count;                 /* of requests */
	uint32_t changes;               /* from one client to another */
	uint32_t last;                  /* index of who asked last */
};

void clients_see(struct clients *clients, uint32_t task);

/* How many asked at once since the last call, up to CLIENTS_MAX; begins anew. */
unsigned int clients_at_once(struct clients *clients);

#endif
