/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tuning.h - how a server shall serve, and how it does
 */
#ifndef LAMINA_OPS_TUNING_H
#define LAMINA_OPS_TUNING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum tuning_transport {
	TUNING_TRANSPORT_AUTO, /* io_uring where kernel and administrator offer it */
	TUNING_TRANSPORT_DEVICE,
	TUNING_TRANSPORT_RING, /* or fail */
};

enum tuning_passthrough {
	TUNING_PASSTHROUGH_AUTO, /* where this process may */
	TUNING_PASSTHROUGH_ON,   /* or fail */
	TUNING_PASSTHROUGH_OFF,
};

/* All zero lets lamina choose. */
struct tuning {
	enum tuning_transport transport;
	enum tuning_passthrough passthrough; /* of a standalone mount: the kernel reads objects */
	bool lets_sleep;           /* do not keep idle CPUs awake in a burst of requests */
	bool is_alone;             /* no supervisor that starts a crashed server again */
	bool checks_open;          /* open(2) finds out whether the contents are there */
	uint64_t own_data_max;     /* overlay: bytes of files that the server serves itself */
	unsigned int thread_count; /* that read /dev/fuse; 0: lamina's choice */
};

struct server {
	pid_t pid;            /* of what lives as long as the mount is served; 0: none */
	pid_t serving_pid;    /* of the server: the same, or its first one's where supervised */
	bool uses_io_uring;   /* else it reads /dev/fuse */
	bool has_passthrough; /* the kernel reads objects by itself */
};

#endif
